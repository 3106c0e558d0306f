/* SPDX-License-Identifier: Apache-2.0
 *
 * cost: a table measured by a clock that other work disturbs has the shape that is there; what steps take moves and bends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generate/cost.h"

static const double real[COST_N] = { 0, 60, 63, 66, 70, 96, 105, 114, 123 };	/* 1.5B, AVX2 */

/* A machine: steps take what they take; now and then it is busy for some steps, and at times one step is interrupted. */
struct machine {
	uint64_t seed;
	double busy, slow;		/* chance that a quiet step begins a busy time, and that a busy step goes on with it; 0 = quiet */
	double interrupted;		/* share of steps that take up to twice as long */
	int n_step;
	int is_busy;
};

static double uniform(struct machine *m)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(m->seed >> 11) * 0x1p-53;
}

static double take(struct machine *m, size_t b)
{
	m->n_step++;
	m->is_busy = uniform(m) < (m->is_busy ? m->slow : m->busy);
	double ms = real[b] * (1 + 0.02 * uniform(m)) * (m->is_busy ? 1.8 : 1);
	return uniform(m) < m->interrupted ? ms * (1 + uniform(m)) : ms;
}

static int step(void *arg, size_t b, double *ms, struct err *e)
{
	(void)e;
	*ms = take(arg, b);
	return 0;
}

/* How far a table's shape is from the machine's: 1.1 = some V(b) / V(1) is wrong by 10 %. */
static double wrong_by(const double v[COST_N])
{
	double worst = 1;
	for (size_t b = 2; b < COST_N; b++) {
		double x = v[b] / v[1] / (real[b] / real[1]);
		x = x < 1 ? 1 / x : x;
		worst = x > worst ? x : worst;
	}
	return worst;
}

static void assert_plausible(const double v[COST_N])
{
	for (size_t b = 1; b < COST_N; b++) {
		assert_true(v[b] > 0);
		assert_true(b == 1 || v[b] >= v[b - 1]);
		assert_true(v[b] <= (double)b * v[1] * (1 + 1e-9));
	}
}

static void cost_measure_quiet_machine_takes_three_rounds(void **state)
{
	(void)state;
	struct machine m = { .seed = 1 };
	struct cost c = {0};
	assert_int_equal(cost_measure(&c, false, step, &m, NULL), 0);
	assert_int_equal(m.n_step, 3 * SESSION_MAX_BATCH);
	assert_int_equal(c.unsettled, 0);
	assert_true(wrong_by(c.ms) < 1.03);
}

static void cost_measure_busy_machine_is_not_believed_in_haste(void **state)
{
	(void)state;
	int n_settled = 0, n_wrong = 0;
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct machine m = { .seed = seed, .busy = 0.05, .slow = 0.9, .interrupted = 0.2 };	/* busy a third of the time */
		struct cost c = {0};
		assert_int_equal(cost_measure(&c, false, step, &m, NULL), 0);
		assert_plausible(c.ms);
		n_settled += !c.unsettled;
		n_wrong += wrong_by(c.ms) > 1.1;
		assert_true(m.n_step <= 16 * SESSION_MAX_BATCH);
	}
	assert_true(n_settled > 250);
	assert_true(n_wrong < 25);
}

/* Before the first answer: eight steps, whatever they say, and to be measured again. */
static void cost_measure_in_haste_takes_one_round(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct machine m = { .seed = seed, .busy = 0.05, .slow = 0.9, .interrupted = 0.2 };
		struct cost c = {0};
		assert_int_equal(cost_measure(&c, true, step, &m, NULL), 0);
		assert_plausible(c.ms);
		assert_int_equal(m.n_step, SESSION_MAX_BATCH);
		assert_int_equal(c.unsettled, 1);
	}
}

static void cost_measure_unsettled_is_counted(void **state)
{
	(void)state;
	struct machine m = { .seed = 1, .busy = 0.5, .slow = 0.5, .interrupted = 1 };
	struct cost c = {0};
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(cost_measure(&c, false, step, &m, NULL), 0);
		assert_int_equal(c.unsettled, i);
		assert_plausible(c.ms);
	}
	m = (struct machine){ .seed = 1 };
	assert_int_equal(cost_measure(&c, false, step, &m, NULL), 0);
	assert_int_equal(c.unsettled, 0);
}

/* What cannot be kept is no use to the next process: nothing is measured, there is no model even. */
static void cost_again_without_a_file_is_left(void **state)
{
	(void)state;
	struct cost c = { .unsettled = 1 };
	assert_int_equal(cost_again(&c, NULL, NULL, 1, NULL), 0);
	assert_int_equal(c.unsettled, 1);
}

static struct cost of(const double v[COST_N])
{
	struct cost c = {0};
	for (size_t b = 1; b < COST_N; b++)
		c.ms[b] = c.measured[b] = v[b];
	return c;
}

static void cost_seen_follows_the_machine(void **state)
{
	(void)state;
	struct cost c = of((const double[COST_N]){ 0, 10, 11, 12, 13, 14, 15, 16, 17 });
	for (int i = 0; i < 200; i++) {		/* everything takes twice as long, and steps of four relatively less */
		cost_seen(&c, 1, 20);
		cost_seen(&c, 4, 22);
	}
	assert_true(c.ms[1] > 19 && c.ms[1] < 21);
	assert_true(c.ms[4] > 21 && c.ms[4] < 23);
	assert_true(c.ms[8] > 25 && c.ms[8] < 40);
	cost_seen(&c, 1, 100000);		/* stopped for a while: no lesson */
	assert_true(c.ms[1] < 26);
}

/* A table that was measured on a busy machine: steps of two and four alone must not bend it while it comes down. */
static void cost_seen_keeps_its_shape(void **state)
{
	(void)state;
	struct cost c = of((const double[COST_N]){ 0, 100, 106, 112, 120, 130, 140, 150, 160 });
	for (int i = 0; i < 30; i++) {
		cost_seen(&c, 2, 42.4);
		cost_seen(&c, 4, 48);
		for (size_t b = 2; b < COST_N; b++)
			assert_true(c.ms[b] >= c.ms[b - 1]);
	}
	assert_true(c.ms[1] > 39 && c.ms[1] < 41);
	assert_true(c.ms[8] > 61 && c.ms[8] < 67);
}

/* Steps of 1, 5 and 8 alone, disturbed too: lengths that were not tried come nearer with them. */
static void cost_seen_mends_a_bad_shape(void **state)
{
	(void)state;
	static const double bad[][COST_N] = {
		{ 0, 60, 63, 102, 102, 102, 105, 114, 123 },	/* V(3) = 1.7: no dearer than V(5) is all that is known */
		{ 0, 80, 84, 88, 93, 96, 105, 114, 123 },	/* V(5) = 1.2 */
		{ 0, 60, 100, 102, 110, 140, 150, 160, 180 },	/* everything looks too dear */
	};
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
		struct machine m = { .seed = k + 1, .busy = 0.02, .slow = 0.9, .interrupted = 0.1 };
		struct cost c = of(bad[k]);
		double before = wrong_by(c.ms);
		for (int i = 0; i < 200; i++) {
			const size_t b = (const size_t[]){ 1, 5, 1, 8 }[i % 4];
			cost_seen(&c, b, take(&m, b));
		}
		assert_true(wrong_by(c.ms) - 1 < (before - 1) * 0.75);
	}
}

/* Whatever the clock says. */
static void cost_seen_stays_near_what_was_measured(void **state)
{
	(void)state;
	struct cost c = of(real);
	for (int i = 0; i < 1000; i++) {
		cost_seen(&c, 1, 60);
		cost_seen(&c, 8, 6000);
	}
	assert_true(wrong_by(c.ms) <= 1.5 * 1.5 + 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_measure_quiet_machine_takes_three_rounds),
		cmocka_unit_test(cost_measure_busy_machine_is_not_believed_in_haste),
		cmocka_unit_test(cost_measure_in_haste_takes_one_round),
		cmocka_unit_test(cost_measure_unsettled_is_counted),
		cmocka_unit_test(cost_again_without_a_file_is_left),
		cmocka_unit_test(cost_seen_follows_the_machine),
		cmocka_unit_test(cost_seen_keeps_its_shape),
		cmocka_unit_test(cost_seen_mends_a_bad_shape),
		cmocka_unit_test(cost_seen_stays_near_what_was_measured),
	};
	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
