/* SPDX-License-Identifier: Apache-2.0
 *
 * source: a document as it is on disk now, decompressed, and what a citation claims about it.
 */
#ifndef TT_RETRIEVE_SOURCE_H
#define TT_RETRIEVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define SOURCE_MAX ((size_t)256 << 20)	/* bytes after decompression */

struct source {
	char *path;
	struct buf text;		/* decompressed */
	char disk[33], plain[33];	/* XXH3-128 in hex of the file as stored, and of the text */
};

/* Reads `path`, gzip or plain. ERR_NOENT when it is gone or may not be opened, ERR_LIMIT over SOURCE_MAX, ERR_FORMAT or ERR_EOF from what is
 * no whole gzip, ERR_IO, ERR_MEM. On error nothing is held. */
int source_read(struct source *s, const char *path, struct err *e);
void source_release(struct source *s);

/* True if `sum` (XXH3-128 in hex) is that of the file or of its text. */
bool source_has_sum(const struct source *s, const char *sum, size_t n);

/* True if the words of `quote` stand in bytes [from, to) of the text, in order and together: markup between them is passed over
 * (the names of macros, and at most SOURCE_GAP words at a time), as a manual page has it. A quote without words is not found. */
#define SOURCE_GAP 3
bool source_has_quote(const struct source *s, uint64_t from, uint64_t to, const char *quote, size_t n);

#endif
