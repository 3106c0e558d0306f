/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: counted chances and the length that pays best; see policy.h. The cost model is that of Leviathan et al. 2023,
 * section 3.3, with a measured V(b) in place of a constant.
 */
#include "speculate/policy.h"

#define FORGET 0.97	/* weight of a class's past per new observation: about 33 observations remembered */
#define PRIOR 4.0	/* observations the prior is worth */

/* Class of a match length: 1, 2, 3, ... 8 singly, then 9-10, 11-12, 13-16, 17-24, 25-32, 33-64, 65-. */
static size_t match_class(size_t match)
{
	static const size_t top[] = { 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 64 };
	size_t c = 0;
	while (c < sizeof top / sizeof *top && match > top[c])
		c++;
	return c;
}

static size_t prob_class(double prob)
{
	int c = (int)(prob * POLICY_N_CLASS);
	return c < 0 ? 0 : c >= POLICY_N_CLASS ? POLICY_N_CLASS - 1 : (size_t)c;
}

void policy_init(struct policy *p, const double verify[POLICY_MAX_DRAFT + 2], double draft)
{
	*p = (struct policy){ .draft = draft };
	for (int b = 1; b <= POLICY_MAX_DRAFT + 1; b++)
		p->verify[b] = verify ? verify[b] : 1.0 + 0.1 * (b - 1);
	for (size_t c = 0; c < POLICY_N_CLASS; c++) {
		/* Priors: a match of m tokens goes on with chance m / (m + 4); a small model is right as often as it says. */
		double m = (double)c + 1.0;
		p->seen[POLICY_COPY][c] = p->seen[POLICY_MODEL][c] = PRIOR;
		p->kept[POLICY_COPY][c] = PRIOR * m / (m + 4.0);
		p->kept[POLICY_MODEL][c] = PRIOR * ((double)c + 0.5) / POLICY_N_CLASS;
	}
}

static double chance(const struct policy *p, enum policy_by by, size_t c)
{
	return p->kept[by][c] / p->seen[by][c];
}

static void result(struct policy *p, enum policy_by by, size_t c, bool accepted)
{
	p->seen[by][c] = p->seen[by][c] * FORGET + 1.0;
	p->kept[by][c] = p->kept[by][c] * FORGET + (accepted ? 1.0 : 0.0);
}

double policy_copy_chance(const struct policy *p, size_t match)
{
	return chance(p, POLICY_COPY, match_class(match));
}

double policy_model_chance(const struct policy *p, double prob)
{
	return chance(p, POLICY_MODEL, prob_class(prob));
}

size_t policy_copy_length(const struct policy *p, size_t match, size_t max, double *rate)
{
	double joint = 1.0, yield = 1.0, best = 1.0 / p->verify[1];
	size_t best_n = 0;
	if (max > POLICY_MAX_DRAFT)
		max = POLICY_MAX_DRAFT;
	for (size_t n = 1; match && n <= max; n++) {
		joint *= policy_copy_chance(p, match + n - 1);
		yield += joint;
		double r = yield / p->verify[n + 1];
		if (r > best) {
			best = r;
			best_n = n;
		}
	}
	if (rate)
		*rate = best;
	return best_n;
}

bool policy_model_more(const struct policy *p, size_t n, double joint, double yield, double next_chance)
{
	if (n >= POLICY_MAX_DRAFT)
		return false;
	double now = yield / (p->verify[n + 1] + (double)(n ? n : 1) * p->draft);	/* the first chance has been paid for */
	double then = (yield + joint * next_chance) / (p->verify[n + 2] + (double)(n + 1) * p->draft);
	return then > now;
}

void policy_copy_result(struct policy *p, size_t match, bool accepted)
{
	result(p, POLICY_COPY, match_class(match), accepted);
}

void policy_model_result(struct policy *p, double prob, bool accepted)
{
	result(p, POLICY_MODEL, prob_class(prob), accepted);
}
