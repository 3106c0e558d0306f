/* SPDX-License-Identifier: Apache-2.0
 *
 * shown: what a person is told a document is called.
 */
#ifndef TT_BASE_SHOWN_H
#define TT_BASE_SHOWN_H

#include "lib/base/buf.h"

/* Appends, for a field of a line, the document's name; where that is only the file's name, of which there may be many, its path.
 * Returns 0 or ERR_MEM, which sticks to `b`. */
int shown_name(struct buf *b, const char *name, size_t n_name, const char *path, size_t n_path);

#endif
