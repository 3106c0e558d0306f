/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: how many tokens to propose, and whose, from what a verification costs on this host and what was accepted lately.
 *
 * A step that verifies n drafted tokens costs V(n + 1) plus the drafter's own time and yields 1 + a1 + a1 a2 + ... tokens, a_i being
 * the chance that the i-th is accepted when those before it were. Over a text, tokens a unit of time are largest when each step takes
 * what maximizes  tokens - rate * cost,  rate being what is reached over all steps (renewal reward; 1 / V(1) at least, for plain steps
 * are always to be had). So one more token is worth proposing exactly while its chance to stand exceeds rate * its cost, and a draft
 * that is expected to lose is not made.
 *
 * Chances are counted, not assumed: a token's class is the probability that the copier or the small model gave it. Each class starts
 * from a prior worth a few observations and forgets slowly, so that a change of text is noticed within some tens of tokens.
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
	double tok, cost;			/* of all steps, the past fading: tok / cost is the rate */
	double model_n, model_tok, model_cost;	/* of steps for which the small model was asked */
	double model_mean;			/* how often its tokens are accepted */
	unsigned rest, next_rest;		/* steps for which the small model is not asked, having lost; the next time */
	double seen[POLICY_N_BY][POLICY_N_CLASS], kept[POLICY_N_BY][POLICY_N_CLASS];
};

/* A new text. Costs as measured, [1..8], any unit; NULL gives the shape V(b) = 1 + 0.1 (b - 1). */
void policy_init(struct policy *p, const double verify[POLICY_MAX_DRAFT + 2], double draft);

/* Costs as they are by now; what was summed up moves along. */
void policy_costs(struct policy *p, const double verify[POLICY_MAX_DRAFT + 2]);

/* Chance that a token is accepted to which `by` gave the probability `prob`. */
double policy_chance(const struct policy *p, enum policy_by by, double prob);

/* How many of `max` copied tokens, to which the copier gave prob[0..max), to propose; *gain gets what that is worth more than a plain
 * step, in tokens; 0 for none. */
size_t policy_copy_length(const struct policy *p, const double *prob, size_t max, double *gain);

/* True if the small model should be asked in this step, where copying would gain `copy_gain`. Counts down its rest. */
bool policy_model_ask(struct policy *p, double copy_gain);
/* n modelled tokens stand with the joint chance `joint`. True if one that is known, with `chance`, is worth proposing too. */
bool policy_model_keep(const struct policy *p, size_t n, double joint, double chance);
/* True if the model should be asked for one more after n. */
bool policy_model_more(const struct policy *p, size_t n, double joint);

/* A step of the small model took so long. One that took much longer than those before it read what it had missed, or something else ran:
 * it counts as twice as long at most. */
void policy_drafted(struct policy *p, double took);
/* What verification said of one proposed token that was reached (every token before it had been accepted). */
void policy_result(struct policy *p, enum policy_by by, double prob, bool accepted);
/* A step of n drafted tokens, of which n_right were accepted, is over; the small model took `asked` steps of its own (0 = not asked). */
void policy_step(struct policy *p, size_t n, size_t n_right, size_t asked);

#endif
