/* SPDX-License-Identifier: Apache-2.0
 *
 * drafter: the generator's end of a drafter. A drafter is a child process on two pipes; any program that speaks the records
 * `ctx`, `accept` and `draft` (records.5) can be one.
 *
 *	generator -> drafter	head {vocab}	ctx {tok, fresh, cost, max}	the whole timeline; V(1..8) in milliseconds
 *						accept {n, tok, cost, max}	n of the last draft were right; tokens appended since; draft <= max
 *	drafter -> generator	head		draft {tok}		exactly one for each ctx and each accept, possibly empty
 *
 * A draft is a guess: it can cost time, never a wrong token. A drafter that dies, says nonsense or keeps us waiting is
 * killed and named once; generation goes on without it.
 *
 * The generator also guards itself against a drafter whose guesses do not pay, whatever the drafter believes: it adds up what they
 * cost and save, and pauses asking for a while when they have lost the time of a step or two (drafter_pays).
 */
#ifndef TT_GENERATE_DRAFTER_H
#define TT_GENERATE_DRAFTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define DRAFTER_MAX 7			/* with the token that is known a step evaluates at most SESSION_MAX_BATCH positions */
#define DRAFTER_COST (DRAFTER_MAX + 2)	/* cost[b], in ms, of a step that evaluates b positions; [0] is not used */

struct drafter;

/* Starts `cmd` through sh -c. `vocab` names the vocabulary (hex), so that a drafter of another one can refuse. */
int drafter_open(struct drafter **d, const char *cmd, const char *vocab, size_t n_vocab, struct err *e);
/* Ends the child: closes its pipes, reaps it and ends what it started. */
void drafter_close(struct drafter *d);

/* Tells the whole timeline, of which the last `fresh` tokens have yet to be evaluated; the reply (a draft for what follows) is fetched by
 * drafter_get. max = 0: nothing is to be drafted yet, but a drafter that has a prompt to read may start. */
int drafter_ctx(struct drafter *d, const int32_t *tok, size_t n, size_t fresh, const double cost[DRAFTER_COST], size_t max, struct err *e);
/* Tells that `n_right` of the last draft were right and that tok[0..n) was appended to the timeline since, and the costs as seen by now. */
int drafter_accept(struct drafter *d, size_t n_right, const int32_t *tok, size_t n, const double cost[DRAFTER_COST], size_t max, struct err *e);
/* Waits for the draft that answers the last drafter_ctx or drafter_accept: tok[0..*n), *n <= max <= DRAFTER_MAX, all < n_vocab. */
int drafter_get(struct drafter *d, int32_t tok[DRAFTER_MAX], size_t *n, struct err *e);
/* For how many milliseconds in all a drafter is waited for, when it is told and when it answers, where a plain step takes step_ms and this
 * is its n-th request of a timeline. */
double drafter_patience(double step_ms, unsigned n);

/* ---- does it pay? ---- */
struct drafter_guard {
	double lost;		/* time by it, in plain steps; won if negative */
	unsigned pause;		/* steps still to go without asking */
	unsigned next_pause;	/* grows while drafting keeps losing */
};
/* True if the coming step should ask for a draft. */
bool drafter_pays(struct drafter_guard *g);
/* A step for which the drafter was asked took `ms`, drafting included, and gave n_tok tokens; a plain step takes plain_ms. */
void drafter_spent(struct drafter_guard *g, double plain_ms, double ms, size_t n_tok);

#endif
