/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: counted chances and the length that pays best; see policy.h. The cost model is that of Leviathan et al. 2023,
 * section 3.3, with a measured V(b) in place of a constant.
 */
#include "speculate/policy.h"

#define FORGET 0.97	/* weight of a class's past per new observation: about 33 observations remembered */
#define PRIOR 4.0	/* observations the prior is worth */
#define FADE 0.96	/* weight of the past in each step's sums: about 25 steps */
#define TRUST 6.0	/* steps that the small model's good name is worth */
#define TRUST_TOK 1.4	/* tokens in a plain step's time that it is taken to give before it has been judged, */
#define TRUST_COST 1.7	/* by steps that take so many plain ones' time */
#define REST 24		/* steps for which it rests after it has lost, twice as many the next time */
#define REST_MAX 192

/* Class of the probability that was given to a token by whoever proposed it. */
static size_t prob_class(double prob)
{
	int c = (int)(prob * POLICY_N_CLASS);
	return c < 0 ? 0 : c >= POLICY_N_CLASS ? POLICY_N_CLASS - 1 : (size_t)c;
}

static void trust_model(struct policy *p)
{
	p->model_n = TRUST;
	p->model_tok = TRUST * TRUST_TOK * TRUST_COST;
	p->model_cost = TRUST * TRUST_COST * p->verify[1];
}

void policy_init(struct policy *p, const double verify[POLICY_MAX_DRAFT + 2], double draft)
{
	*p = (struct policy){ .draft = draft, .model_mean = 0.7, .next_rest = REST };
	for (int b = 1; b <= POLICY_MAX_DRAFT + 1; b++)
		p->verify[b] = verify ? verify[b] : 1.0 + 0.1 * (b - 1);
	trust_model(p);
	for (size_t c = 0; c < POLICY_N_CLASS; c++) {
		/* Priors: who proposes is right as often as he says. */
		p->seen[POLICY_COPY][c] = p->seen[POLICY_MODEL][c] = PRIOR;
		p->kept[POLICY_COPY][c] = p->kept[POLICY_MODEL][c] = PRIOR * ((double)c + 0.5) / POLICY_N_CLASS;
	}
}

void policy_costs(struct policy *p, const double verify[POLICY_MAX_DRAFT + 2])
{
	double scale = verify[1] / p->verify[1];
	for (int b = 1; b <= POLICY_MAX_DRAFT + 1; b++)
		p->verify[b] = verify[b];
	p->cost *= scale;
	p->model_cost *= scale;
}

double policy_chance(const struct policy *p, enum policy_by by, double prob)
{
	size_t c = prob_class(prob);
	return p->kept[by][c] / p->seen[by][c];
}

/* Tokens a unit of cost that are reached, plain steps at least. */
static double rate(const struct policy *p)
{
	double plain = 1.0 / p->verify[1], now = p->cost > 0 ? p->tok / p->cost : 0;
	return now > plain ? now : plain;
}

size_t policy_copy_length(const struct policy *p, const double *prob, size_t max, double *gain)
{
	double joint = 1.0, more = 0.0, r = rate(p);
	size_t best_n = 0;
	*gain = 0;
	if (max > POLICY_MAX_DRAFT)
		max = POLICY_MAX_DRAFT;
	for (size_t n = 1; n <= max; n++) {
		joint *= policy_chance(p, POLICY_COPY, prob[n - 1]);
		more += joint;
		double g = more - r * (p->verify[n + 1] - p->verify[1]);
		if (g > *gain) {
			*gain = g;
			best_n = n;
		}
	}
	return best_n;
}

bool policy_model_ask(struct policy *p, double copy_gain)
{
	if (p->rest) {
		p->rest--;
		return false;
	}
	double gain = (p->model_tok - rate(p) * p->model_cost) / p->model_n + rate(p) * p->verify[1] - 1.0;
	return gain > copy_gain;
}

bool policy_model_keep(const struct policy *p, size_t n, double joint, double next)
{
	return n < POLICY_MAX_DRAFT && joint * next > rate(p) * (p->verify[n + 2] - p->verify[n + 1]);
}

bool policy_model_more(const struct policy *p, size_t n, double joint)
{
	return n < POLICY_MAX_DRAFT && joint * p->model_mean > rate(p) * (p->verify[n + 2] - p->verify[n + 1] + p->draft);
}

void policy_drafted(struct policy *p, double took)
{
	p->draft += ((took < 2 * p->draft ? took : 2 * p->draft) - p->draft) / 16;
}

void policy_result(struct policy *p, enum policy_by by, double prob, bool accepted)
{
	size_t c = prob_class(prob);
	p->seen[by][c] = p->seen[by][c] * FORGET + 1.0;
	p->kept[by][c] = p->kept[by][c] * FORGET + (accepted ? 1.0 : 0.0);
	if (by == POLICY_MODEL)
		p->model_mean += ((accepted ? 1.0 : 0.0) - p->model_mean) / 32;
}

void policy_step(struct policy *p, size_t n, size_t n_right, size_t asked)
{
	double tok = (double)n_right + 1.0, cost = p->verify[n + 1] + (double)asked * p->draft;
	p->tok = p->tok * FADE + tok;
	p->cost = p->cost * FADE + cost;
	if (!asked)
		return;
	p->model_n = p->model_n * FADE + 1.0;
	p->model_tok = p->model_tok * FADE + tok;
	p->model_cost = p->model_cost * FADE + cost;
	if (p->model_tok * p->verify[1] < p->model_cost) {
		p->rest = p->next_rest;
		p->next_rest = p->next_rest * 2 < REST_MAX ? p->next_rest * 2 : REST_MAX;
		trust_model(p);		/* a fresh chance afterwards */
	}
}
