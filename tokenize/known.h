/* SPDX-License-Identifier: Apache-2.0
 *
 * known: documents whose content is in an index already, from the lines that `tt-index list` prints:
 *
 *	doc <TAB> size <TAB> mtime_ns <TAB> xxh3 [<TAB> alias_of]	tab, newline and backslash within doc are escaped
 *
 * Borrowed strings live until known_close. After known_open it is only read, so threads may share it.
 */
#ifndef TT_TOKENIZE_KNOWN_H
#define TT_TOKENIZE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct known_doc { const char *doc; uint8_t hash[16]; bool is_alias; };
struct known {
	struct buf text;
	struct known_doc *v;	/* v[n], sorted by doc */
	size_t n;
};

/* Errors of io_read_file, ERR_FORMAT with the line, ERR_MEM; `k` is then empty. Lines without a checksum are passed over. */
int known_open(struct known *k, const char *path, struct err *e);
/* The document, borrowed, or NULL. Accepts an empty `k`. */
const struct known_doc *known_find(const struct known *k, const char *doc);
void known_close(struct known *k);

#endif
