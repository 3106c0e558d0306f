/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: lengths grow with chances and shrink with costs; a source that loses is not asked; texts of known acceptance end near the
 * speed that their best fixed length would have given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "speculate/policy.h"

static const double cheap[9] = { 0, 10, 10.2, 10.6, 11.5, 12.5, 13.6, 14.8, 16 }, dear[9] = { 0, 10, 19, 28, 37, 46, 55, 64, 73 };

static uint64_t seed = 1;
static double uniform(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) * 0x1p-53;
}

/* Steps of copied drafts of which the copier is sure by `prob`, each token right with chance a; returns the speed against plain steps. */
static double copy_speed(const double cost[9], double prob, double a, int n_step)
{
	struct policy p;
	const double said[7] = { prob, prob, prob, prob, prob, prob, prob };
	double tok = 0, ms = 0, gain;
	policy_init(&p, cost, 1);
	for (int i = 0; i < n_step; i++) {
		size_t n = policy_copy_length(&p, said, 7, &gain), right = 0;
		while (right < n && uniform() < a)
			right++;
		for (size_t k = 0; k < n && k <= right; k++)
			policy_result(&p, POLICY_COPY, prob, k < right);
		policy_step(&p, n, right, 0);
		tok += (double)right + 1;
		ms += cost[n + 1];
	}
	return tok / ms * cost[1];
}

static void copy_length_nothing_likely_is_none(void **state)
{
	(void)state;
	struct policy p;
	const double no[1] = { 0 }, yes[1] = { 1 };
	double gain = 1;
	policy_init(&p, dear, 1);
	assert_int_equal(policy_copy_length(&p, no, 1, &gain), 0);
	assert_true(gain == 0);
	assert_int_equal(policy_copy_length(&p, yes, 0, &gain), 0);
}

static void copy_length_follows_cost_and_chance(void **state)
{
	(void)state;
	struct policy p;
	const double weak[7] = { 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2 }, sure[7] = { 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9 };
	double gain;
	policy_init(&p, cheap, 1);
	size_t brief = policy_copy_length(&p, weak, 7, &gain), whole = policy_copy_length(&p, sure, 7, &gain);
	assert_true(brief < whole);
	assert_int_equal(whole, 7);
	assert_true(gain > 1.5);
	policy_init(&p, dear, 1);
	assert_int_equal(policy_copy_length(&p, weak, 7, &gain), 0);
}

static void lengths_end_with_a_step(void **state)
{
	(void)state;
	struct policy p;
	const double sure[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	double gain;
	policy_init(&p, cheap, 0);
	assert_int_equal(policy_copy_length(&p, sure, 9, &gain), POLICY_MAX_DRAFT);
	p.verify[POLICY_MAX_DRAFT + 1] = p.verify[POLICY_MAX_DRAFT];
	assert_true(policy_model_keep(&p, POLICY_MAX_DRAFT - 1, 1, 1) && policy_model_more(&p, POLICY_MAX_DRAFT - 1, 1));
	assert_false(policy_model_keep(&p, POLICY_MAX_DRAFT, 1, 1) || policy_model_more(&p, POLICY_MAX_DRAFT, 1));
}

/* A machine that became ten times slower in everything makes no other drafts than before. */
static void costs_that_all_grow_alike_change_nothing(void **state)
{
	(void)state;
	struct policy p;
	const double said[7] = { 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6 };
	double slow[9], before, after;
	policy_init(&p, cheap, 2.2);
	for (int i = 0; i < 20; i++)
		policy_step(&p, 4, 2, 4);
	for (int b = 1; b < 9; b++)
		slow[b] = 10 * cheap[b];
	size_t n = policy_copy_length(&p, said, 7, &before);
	double asked = p.model_cost / p.cost;
	policy_costs(&p, slow);
	assert_int_equal(policy_copy_length(&p, said, 7, &after), n);
	assert_true(after > before - 1e-9 && after < before + 1e-9);
	assert_true(p.model_cost / p.cost > asked - 1e-9 && p.model_cost / p.cost < asked + 1e-9);
}

/* A change of text is noticed within some tens of tokens. */
static void chance_forgets(void **state)
{
	(void)state;
	struct policy p;
	policy_init(&p, cheap, 1);
	for (int i = 0; i < 1000; i++)
		policy_result(&p, POLICY_COPY, 0.5, true);
	assert_true(policy_chance(&p, POLICY_COPY, 0.5) > 0.99 && policy_chance(&p, POLICY_COPY, 0.5) <= 1);
	for (int i = 0; i < 60; i++)
		policy_result(&p, POLICY_COPY, 0.5, false);
	assert_true(policy_chance(&p, POLICY_COPY, 0.5) < 0.2);
	assert_true(policy_chance(&p, POLICY_MODEL, 0.5) > 0.5 && p.model_mean == 0.7);	/* of which nothing was said */
}

static void copy_right_drafts_reach_the_best_speed(void **state)
{
	(void)state;
	assert_true(copy_speed(cheap, 0.45, 1.0, 200) > 0.95 * 8 / 1.6);
	assert_true(copy_speed(cheap, 0.45, 0.8, 2000) > 0.95 * 2.95 / 1.15);	/* the best fixed length is 3 to 5 */
}

static void copy_wrong_drafts_cost_little(void **state)
{
	(void)state;
	assert_true(copy_speed(cheap, 0.45, 0.0, 100) > 0.97);
	assert_true(copy_speed(dear, 0.45, 0.1, 400) > 0.97);
}

/* The small model's steps cost `draft`; its tokens are right with chance a, and it says so. */
static double model_speed(const double cost[9], double draft, double a, int n_step, int *n_asked)
{
	struct policy p;
	double tok = 0, ms = 0;
	policy_init(&p, cost, draft);
	*n_asked = 0;
	for (int i = 0; i < n_step; i++) {
		size_t n = 0, right = 0, asked = 0;
		if (policy_model_ask(&p, 0)) {
			double joint = 1;
			do {
				asked++;
				if (!policy_model_keep(&p, n, joint, policy_chance(&p, POLICY_MODEL, a)))
					break;
				joint *= policy_chance(&p, POLICY_MODEL, a);
				n++;
			} while (policy_model_more(&p, n, joint));
		}
		while (right < n && uniform() < a)
			right++;
		for (size_t k = 0; k < n && k <= right; k++)
			policy_result(&p, POLICY_MODEL, a, k < right);
		policy_step(&p, n, right, asked);
		tok += (double)right + 1;
		ms += cost[n + 1] + (double)asked * draft;
		*n_asked += asked > 0;
	}
	return tok / ms * cost[1];
}

static void model_good_one_is_asked_on(void **state)
{
	(void)state;
	int n;
	assert_true(model_speed(cheap, 2.2, 0.9, 1000, &n) > 1.75);	/* 3 tokens a step: 3.44 for 11.5 + 6.6 */
	assert_true(n > 990);
}

static void model_bad_one_rests(void **state)
{
	(void)state;
	int n;
	assert_true(model_speed(cheap, 4.3, 0.1, 1000, &n) > 0.93);
	assert_true(n < 300);
}

static void model_ask_better_copies_go_first(void **state)
{
	(void)state;
	struct policy p;
	policy_init(&p, cheap, 2.2);
	assert_true(policy_model_ask(&p, 0));
	assert_false(policy_model_ask(&p, 3));
}

static void model_that_lost_gets_a_chance_after_its_rest(void **state)
{
	(void)state;
	struct policy p;
	unsigned before = 0;
	policy_init(&p, cheap, 4.3);
	for (int lost = 0; lost < 3; lost++) {
		unsigned rested = 0;
		while (!p.rest) {
			assert_true(policy_model_ask(&p, 0));
			policy_step(&p, 0, 0, 1);
		}
		while (!policy_model_ask(&p, 0) && rested < 1000)
			rested++;
		assert_true(rested > before && rested < 200);
		before = rested;
	}
}

static void model_keep_counts_what_stands_before(void **state)
{
	(void)state;
	struct policy p;
	policy_init(&p, cheap, 1);
	assert_true(policy_model_keep(&p, 3, 0.9, 0.9));
	assert_false(policy_model_keep(&p, 3, 0.05, 0.9));
	/* Another one costs the small model's own step too. */
	assert_true(policy_model_more(&p, 1, 0.9));
	policy_init(&p, cheap, 9);
	assert_false(policy_model_more(&p, 1, 0.9));
}

/* After a rest the first step reads what has been said meanwhile; and a machine may stop for a while. */
static void drafted_a_long_step_is_no_lesson(void **state)
{
	(void)state;
	struct policy p;
	policy_init(&p, cheap, 2);
	policy_drafted(&p, 600);
	assert_true(p.draft < 2.2);
	for (int i = 0; i < 100; i++)
		policy_drafted(&p, 5);
	assert_true(p.draft > 4.9 && p.draft <= 5);
	for (int i = 0; i < 100; i++)
		policy_drafted(&p, 1);
	assert_true(p.draft < 1.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_length_nothing_likely_is_none),
		cmocka_unit_test(copy_length_follows_cost_and_chance),
		cmocka_unit_test(lengths_end_with_a_step),
		cmocka_unit_test(costs_that_all_grow_alike_change_nothing),
		cmocka_unit_test(chance_forgets),
		cmocka_unit_test(copy_right_drafts_reach_the_best_speed),
		cmocka_unit_test(copy_wrong_drafts_cost_little),
		cmocka_unit_test(model_good_one_is_asked_on),
		cmocka_unit_test(model_bad_one_rests),
		cmocka_unit_test(model_ask_better_copies_go_first),
		cmocka_unit_test(model_that_lost_gets_a_chance_after_its_rest),
		cmocka_unit_test(model_keep_counts_what_stands_before),
		cmocka_unit_test(drafted_a_long_step_is_no_lesson),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
