/* SPDX-License-Identifier: Apache-2.0
 *
 * answer: one request from question to answer: gate, prompt, state, reply, output.
 */
#ifndef TT_GENERATE_ANSWER_H
#define TT_GENERATE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "generate/ask.h"
#include "generate/emit.h"
#include "generate/model.h"
#include "generate/prompt.h"
#include "generate/run.h"
#include "generate/sample.h"
#include "generate/session.h"

struct answer_params {
	size_t n_max;			/* tokens of a reply at most; the session holds RUN_CITE_MAX more */
	size_t max_source;		/* 0 = as the prompt style says */
	const char *system;		/* replaces the instructions; NULL = as the style or the template says */
	bool is_raw;			/* plain prompts are continued as they are */
	bool no_source;			/* leave the hits out (control runs) */
};

struct answerer {
	const struct model *m;
	struct session *s;
	struct answer_params p;
	struct emit *emit;		/* borrowed */
	struct run run;
	struct answerer_hooks {		/* what wraps around each request; may be NULL */
		void *arg;
		/* Brings stored state of the prompt into the session before it is evaluated; returns tokens taken. */
		size_t (*load)(void *arg, struct session *s, const struct prompt *p);
		/* After the reply: state worth keeping. `eval_ms` is the time that the prompt's evaluation took. */
		void (*keep)(void *arg, struct session *s, const struct prompt *p, double eval_ms);
	} hooks;
	size_t n_answered, n_refused, n_failed;
	bool is_cut;			/* the last request's sources were cut to fit */
};

/* Borrows everything. The caller may put stop strings into a->run.stream before the first request. */
void answer_init(struct answerer *a, const struct model *m, struct session *s, struct sampler *sampler, struct emit *emit,
	const struct answer_params *p);
void answer_release(struct answerer *a);

/* Answers a query with its sources. A refusal is an answer (n_refused). ERR_IO ends the program; any other error is this request's
 * own: nothing of an answer was written unless generation had begun. */
int answer_query(struct answerer *a, const struct ask *q, struct err *e);
/* Replies to a plain prompt. */
int answer_plain(struct answerer *a, const char *text, size_t n, struct err *e);

#endif
