/* SPDX-License-Identifier: Apache-2.0
 *
 * html_entity: character references: &amp; &#65; &#x41;
 */
#ifndef TT_TOKENIZE_HTML_ENTITY_H
#define TT_TOKENIZE_HTML_ENTITY_H

#include <stddef.h>
#include <stdint.h>

/* The reference at p[0..n) (p[0] is '&'): bytes taken, 0 if it is none that is known. *cp is never 0 or a surrogate. */
size_t html_entity(const char *p, size_t n, uint32_t *cp);

#endif
