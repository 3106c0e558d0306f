/* SPDX-License-Identifier: Apache-2.0
 *
 * docmsg: what the threads of tt-chunk tell the one that writes: a byte string of messages for each document.
 *
 *	DOC  CHUNK CHUNK CHUNK ...		a document (again DOC: it changed while it was read; start over)
 *	ERROR					or why there is none; after chunks: they don't count
 *	TOMB
 */
#ifndef TT_TOKENIZE_DOCMSG_H
#define TT_TOKENIZE_DOCMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "tokenize/split.h"

enum msg_kind { MSG_DOC = 1, MSG_CHUNK, MSG_ERROR, MSG_TOMB };

struct msg_str { const char *p; size_t n; };	/* NUL-terminated */

struct msg {
	uint32_t kind;
	/* DOC (doc also in ERROR and TOMB) */
	struct msg_str doc, name, title, type, path, alias_of, via;
	uint64_t size, mtime_ns;
	uint8_t hash[16], content[16];
	bool has_content;
	/* CHUNK; title too */
	char id[33];
	uint32_t unit, n_tok, hidden;
	bool trunc;
	struct place at;
	size_t n_sec;
	struct msg_str sec[SPLIT_MAX_SEC + SPLIT_MAX_ENTRY], text;
	/* ERROR */
	int code;
	uint64_t err_at;
	struct msg_str what;
};

/* Appends `m`. A failure sticks in `b`. */
void msg_put(struct buf *b, const struct msg *m);
/* Takes the next message; false at the end. Strings are borrowed from the cursor's bytes. */
bool msg_get(struct cursor *c, struct msg *m);
struct msg_str msg_str_of(const char *s);

#endif
