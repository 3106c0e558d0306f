/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: how many tokens to propose, from what a verification costs on this host and what was accepted lately.
 *
 * A step that verifies n drafted tokens costs V(n + 1) plus n times the drafter's own cost and yields 1 + a1 + a1 a2 + ...
 * tokens, a_i being the chance that the i-th is accepted when those before it were. The n that yields most tokens a
 * unit of time is taken; 0 is always among the choices, so a draft that is expected to lose is not made.
 *
 * Chances are counted, not assumed: a copied token's class is the length of the match it continues, a modelled token's
 * class is the probability the small model gave it. Each class starts from a prior worth a few observations and
 * forgets slowly, so that a change of text is noticed within some tens of tokens.
 */
#ifndef TT_SPECULATE_POLICY_H
#define TT_SPECULATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#define POLICY_MAX_DRAFT 7	/* a step verifies at most 8 positions */
#define POLICY_N_CLASS 16

enum policy_by { POLICY_COPY, POLICY_MODEL, POLICY_N_BY };

struct policy {
	double verify[POLICY_MAX_DRAFT + 2];	/* verify[b] = cost of a step of b positions; verify[1] is a plain step */
	double draft;				/* cost of one modelled token, in the same unit */
	double seen[POLICY_N_BY][POLICY_N_CLASS], kept[POLICY_N_BY][POLICY_N_CLASS];
};

/* Costs as measured, [1..8], any unit; NULL gives the shape V(b) = 1 + 0.1 (b - 1). */
void policy_init(struct policy *p, const double verify[POLICY_MAX_DRAFT + 2], double draft);

/* Chance that the copied token which makes a match of `match` tokens one longer is accepted. */
double policy_copy_chance(const struct policy *p, size_t match);
/* Chance that a token the small model gave probability `prob` is accepted. */
double policy_model_chance(const struct policy *p, double prob);

/* How many of at most `max` copied tokens behind a match of `match` to propose; *rate (may be NULL) gets tokens a unit of time. */
size_t policy_copy_length(const struct policy *p, size_t match, size_t max, double *rate);
/* True if drafting one more modelled token pays: n tokens with joint chance `joint` stand, the expected yield so far is `yield`. */
bool policy_model_more(const struct policy *p, size_t n, double joint, double yield, double next_chance);

/* What verification said of one proposed token that was reached (every token before it had been accepted). */
void policy_copy_result(struct policy *p, size_t match, bool accepted);
void policy_model_result(struct policy *p, double prob, bool accepted);

#endif
