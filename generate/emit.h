/* SPDX-License-Identifier: Apache-2.0
 *
 * emit: answers on their way out, as text or as records (records.5: token, answer, error).
 *
 *	text	streamed as it comes, control characters made visible; then the sources cited, a line each: "[1] tar(1):512".
 *		In a file, to which several programs may append, each answer is one piece: it is written when it is complete.
 *	records	a `token` for each piece of text, then the `answer`
 */
#ifndef TT_GENERATE_EMIT_H
#define TT_GENERATE_EMIT_H

#include <stdbool.h>

#include "generate/ask.h"
#include "generate/cites.h"
#include "generate/prompt.h"
#include "lib/base/err.h"
#include "lib/base/rec.h"

enum emit_form { EMIT_TEXT, EMIT_REC, EMIT_JSON };

struct emit {
	enum emit_form form;
	int fd;
	struct rec_writer *w;	/* records */
	struct ask_str query;	/* of the answer under way */
	size_t n_answer;
	bool in_file;			/* fd is a regular file */
	struct buf text;		/* not yet written */
};

/* What an answer record tells besides its text. */
struct emit_answer {
	const char *text;
	size_t n;
	bool refused;
	const struct cites *cites;	/* NULL: none */
	const struct prompt *prompt;	/* whose sources the numbers mean */
	const char *model, *stop;
	size_t n_prompt, n_cached, n_gen, n_draft, n_accept;
	double ttft_ms, gen_ms;
};

/* Borrows fd. `model` stands in the head of records. ERR_MEM. */
int emit_open(struct emit *em, int fd, enum emit_form form, const char *model, struct err *e);
/* Starts the answer to a query, which is borrowed until its end. */
int emit_begin(struct emit *em, struct ask_str query, struct err *e);
/* A piece of the answer as it is made; then what is known when it is complete. Both are out when they return, but pieces of text for a
 * file: ERR_IO where they can't be. */
int emit_token(struct emit *em, const char *s, size_t n, struct err *e);
int emit_end(struct emit *em, const struct emit_answer *a, struct err *e);
/* A request that failed: an `error` record; with text no more than what there is of the answer (the caller reports on stderr). */
int emit_error(struct emit *em, const struct err *what, struct err *e);
/* A record that isn't for this program goes through unchanged (records only). */
int emit_pass(struct emit *em, const struct rec *r, struct err *e);
/* Completes the stream; after an error use emit_abort. */
int emit_close(struct emit *em, struct err *e);
void emit_abort(struct emit *em);

#endif
