/* SPDX-License-Identifier: Apache-2.0
 *
 * run: the generation loop: one reply after a prompt that the session has already taken in.
 *
 *	session (prompt evaluated) -> pick -> text out -> [propose drafts] -> evaluate -> pick ... -> an end token, a stop string, -n
 *
 * Drafts change how many tokens an evaluation takes, never which are picked: the pick at a position depends on the logits there
 * and on what came before, and a draft is kept only while it equals the pick.
 */
#ifndef TT_GENERATE_RUN_H
#define TT_GENERATE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/cites.h"
#include "generate/model.h"
#include "generate/sample.h"
#include "generate/session.h"
#include "generate/stream.h"
#include "lib/base/err.h"

/* What a caller may hang into the loop; every function may be NULL. */
struct run_hooks {
	void *arg;		/* of `text` */
	void *draft;		/* of `propose`, `start` and `settle` */
	/* Fills tok[0..max) with a guess at what follows past[0..n) and `next`, the token just picked; returns its length. */
	size_t (*propose)(void *draft, const int32_t *past, size_t n, int32_t next, size_t max, int32_t *tok);
	/* A reply to tok[0..n) is about to be made; the last `fresh` tokens have yet to be evaluated (run_start). */
	void (*start)(void *draft, const int32_t *tok, size_t n, size_t fresh);
	/* After each evaluation: `n_right` of `n_draft` proposed tokens were right; it took `ms`. */
	void (*settle)(void *draft, size_t n_draft, size_t n_right, double ms);
	/* Text that may be shown. Not 0 ends the run with that error (a closed output). */
	int (*text)(void *arg, const char *s, size_t n, struct err *e);
};

#define RUN_CITE_MAX 8	/* room behind a reply in which it can be made to cite */

enum run_stop { RUN_END, RUN_STRING, RUN_LENGTH, RUN_CONTEXT };
const char *run_stop_name(enum run_stop s);

struct run {
	const struct model *m;
	struct session *s;
	struct sampler *sampler;
	struct stream stream;		/* stop strings set by the caller */
	struct cites *cites;		/* NULL: any number may be written; else each reply is made to cite */
	const char *const *refusal;	/* a reply with words of these is made to cite nothing; NULL ends them, or = none */
	size_t n_max;			/* tokens to generate at most */
	struct run_hooks hooks;
	/* results */
	struct buf text;		/* the whole reply */
	size_t n_gen, n_draft, n_accept;
	enum run_stop stop;
	uint64_t first_ns, last_ns;	/* monotonic times of the first and the last token picked */
};

/* Tells the drafter of a prompt, so that it can read while the model does. Call it before session_sync. */
void run_start(const struct run *r, const int32_t *tok, size_t n);
/* Generates; the session's last evaluation must be that of the prompt's end (session_sync). On return the timeline holds prompt
 * and reply. The results are cleared first. */
int run_reply(struct run *r, struct err *e);
/* True if the reply holds the words of a refusal. */
bool run_is_refusal(const struct run *r);
void run_release(struct run *r);

#endif
