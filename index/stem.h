/* SPDX-License-Identifier: Apache-2.0
 *
 * stem: English word stems, so that "archives", "archived" and "archiving" are one term.
 */
#ifndef TT_INDEX_STEM_H
#define TT_INDEX_STEM_H

#include <stddef.h>

/* Stems the lower-case ASCII word w[0..n) in place and returns the new length (<= n). A word with any byte outside a-z and
 * the apostrophe, or shorter than 3, is left alone. Needs no room behind w[n). */
size_t stem_english(char *w, size_t n);

#endif
