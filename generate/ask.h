/* SPDX-License-Identifier: Apache-2.0
 *
 * ask: one request, collected from records: a query and the hits that follow it. Records are borrowed only until the next
 * read, so each is copied; strings point into the copy and live until the next request starts.
 */
#ifndef TT_GENERATE_ASK_H
#define TT_GENERATE_ASK_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/rec.h"

#define ASK_MAX_SEC 8		/* headings kept of a path */
#define ASK_MAX_SOURCES 64	/* hits kept for one query; more are left out */

struct ask_str { const char *s; size_t n; };

struct ask_source {
	struct ask_str doc, name, title, id, text;
	struct ask_str sec[ASK_MAX_SEC];		/* heading path, outermost first */
	size_t n_sec;
	double cos, cover, known;	/* NAN where the hit has none */
	const msgpack_object *span, *src;	/* passed on to the answer as they are; NULL if absent */
	msgpack_unpacked raw;
};

struct ask {
	struct ask_str id, text;
	struct ask_source *source[ASK_MAX_SOURCES];	/* in the order they came, which is best first */
	size_t n_source;
	struct arena mem;
};

/* Starts a request from a `query` record. ERR_FORMAT if id or text is missing or empty. Clears `a` first. */
int ask_start(struct ask *a, const struct rec *r, struct err *e);
/* Adds a `hit`. ERR_FORMAT if it belongs to another query or has no text. */
int ask_add(struct ask *a, const struct rec *r, struct err *e);
/* True of the `done` that says that the request is whole. */
bool ask_is_done(const struct ask *a, const struct rec *r);
/* A request about one `chunk` record without a question, for what a prompt holds before the question. ERR_FORMAT if it has no text. */
int ask_chunk(struct ask *a, const struct rec *r, struct err *e);
/* Forgets the request: hits that come for it now are errors. */
void ask_clear(struct ask *a);
void ask_release(struct ask *a);

/* True if retrieval found something that is worth answering from (see ask.c for the calibration). */
bool ask_is_answerable(const struct ask *a);

#endif
