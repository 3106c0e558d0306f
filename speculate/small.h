/* SPDX-License-Identifier: Apache-2.0
 *
 * small: drafts by a small model of the same vocabulary, one greedy token after another for as long as another one is expected
 * to pay (policy.h). Its weights are a compact pack: the body requantized to 4 bits and the head cut to the most frequent
 * tokens, which changes how often a draft is right and never what the generator says.
 */
#ifndef TT_SPECULATE_SMALL_H
#define TT_SPECULATE_SMALL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "speculate/policy.h"

struct kern;
struct pool;
struct small;

/* Opens the compact pack of `name` (made at first use). `kern` and `pool` are borrowed. */
int small_open(struct small **s, const char *name, const char *models, const struct kern *kern, struct pool *pool, struct err *e);
void small_close(struct small *s);

/* Name of the vocabulary, as the generator's head says it; hexadecimal. */
const char *small_vocab(const struct small *s);

/* How many of timeline[0..n) it would have to read for a proposal. */
size_t small_unread(const struct small *s, const int32_t *timeline, size_t n);
/* Reads timeline[0..n), so that a proposal behind it costs no more than its own steps. Nothing if it is longer than the context. */
int small_read(struct small *s, const int32_t *timeline, size_t n, struct err *e);

struct small_draft {
	int32_t tok[POLICY_MAX_DRAFT];
	double prob[POLICY_MAX_DRAFT];	/* that was given to each */
	size_t n;
	size_t asked;			/* steps that the model made for it */
};
/* Proposes what may follow timeline[0..n), at most `max` tokens. Tells the policy what its steps take. A timeline of no token, or longer than
 * the small model's context, gives no draft. */
int small_propose(struct small *s, struct policy *policy, const int32_t *timeline, size_t n, size_t max, struct small_draft *d,
		  struct err *e);

#endif
