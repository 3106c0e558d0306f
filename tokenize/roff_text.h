/* SPDX-License-Identifier: Apache-2.0
 *
 * roff_text: roff escapes to readable UTF-8: fonts and motions vanish, glyph names become characters, `\-` becomes the
 * '-' that people type and search for.
 */
#ifndef TT_TOKENIZE_ROFF_TEXT_H
#define TT_TOKENIZE_ROFF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

/* Appends the readable text of s[0..n) to `out`. True if it ends in \c (the next line continues this one). */
bool roff_text(const char *s, size_t n, struct buf *out);
/* The name that follows an escape such as \*: x, (xx or [xxx]. Returns the bytes taken; the name itself in *name, *len. */
size_t roff_name(const char *s, size_t n, const char **name, size_t *len);
/* True if the text begins in another font than roman (the way entry heads are written without a macro). */
bool roff_begins_bold(const char *s, size_t n);

#endif
