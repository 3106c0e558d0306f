/* SPDX-License-Identifier: Apache-2.0
 *
 * stream: from a token's bytes to text that may be shown: whole characters only, and nothing that a stop string may still
 * take back.
 *
 *	bytes in -> [held: perhaps half a character, perhaps the beginning of a stop string] -> text out
 */
#ifndef TT_GENERATE_STREAM_H
#define TT_GENERATE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct stream {
	const char *const *stop;	/* borrowed; none may be empty */
	size_t n_stop;
	struct buf held;
	struct buf out;			/* what may be shown since the last stream_push; the caller reads it */
	bool is_stopped;			/* a stop string was met; it and what follows is dropped */
};

/* Takes n bytes; afterwards s->out holds the newly releasable text. Returns 1 once a stop string was met, 0, or ERR_MEM. */
int stream_push(struct stream *s, const char *p, size_t n);
/* Releases everything held. */
int stream_end(struct stream *s);
void stream_clear(struct stream *s);
void stream_release(struct stream *s);

#endif
