/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sample: choices are reproducible, truncation keeps what it says, and draws follow the distribution.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "generate/sample.h"

enum { N = 8 };
static const float logits0[N] = { 0, 2, 1, 2, -1, 0.5f, -3, -INFINITY };

static struct sampler *open_with(const struct sample_params *p)
{
	struct sampler *s = NULL;
	struct err e = { 0 };
	assert_int_equal(sampler_open(&s, p, N, &e), 0);
	return s;
}

static void pick_greedy_tie_gives_lowest_id(void **state)
{
	(void)state;
	struct sampler *s = open_with(&SAMPLE_GREEDY);
	float l[N];
	memcpy(l, logits0, sizeof l);
	assert_int_equal(sampler_pick(s, l, NULL, 0, NULL, NULL), 1);
	l[1] = NAN;
	assert_int_equal(sampler_pick(s, l, NULL, 0, NULL, NULL), 3);
	for (int i = 0; i < N; i++)
		l[i] = -INFINITY;
	assert_int_equal(sampler_pick(s, l, NULL, 0, NULL, NULL), -1);
	sampler_close(s);
}

static bool odd_only(void *arg, int32_t id)
{
	(void)arg;
	return id % 2;
}

static bool nothing(void *arg, int32_t id)
{
	(void)arg;
	(void)id;
	return false;
}

static void pick_with_filter_gives_best_allowed(void **state)
{
	(void)state;
	struct sampler *s = open_with(&SAMPLE_GREEDY);
	float l[N] = { 9, 1, 8, 2, 7, 0, 6, 0 };
	assert_int_equal(sampler_pick(s, l, NULL, 0, odd_only, NULL), 3);
	sampler_close(s);
	struct sample_params p = SAMPLE_GREEDY;
	alarm(20);
	for (p.temp = 0; p.temp < 2; p.temp++) {
		s = open_with(&p);
		memcpy(l, logits0, sizeof l);
		assert_int_equal(sampler_pick(s, l, NULL, 0, nothing, NULL), -1);
		sampler_close(s);
	}
	alarm(0);
}

static void pick_with_repeat_penalty_moves_on(void **state)
{
	(void)state;
	struct sample_params p = SAMPLE_GREEDY;
	p.repeat_penalty = 2.5;
	struct sampler *s = open_with(&p);
	float l[N];
	memcpy(l, logits0, sizeof l);
	const int32_t past[] = { 1, 3, 1 };
	assert_int_equal(sampler_pick(s, l, past, 3, NULL, NULL), 2);
	assert_true(fabsf(l[1] - 0.8f) < 1e-6f);	/* once, though it stands there twice */
	sampler_close(s);
}

static void pick_with_repeat_penalty_takes_the_last_tokens_only(void **state)
{
	(void)state;
	struct sample_params p = SAMPLE_GREEDY;
	p.repeat_penalty = 2.5;
	p.repeat_last = 3;
	struct sampler *s = open_with(&p);
	float room[N + 2], *l = room + 1;
	memcpy(l, logits0, sizeof logits0);
	room[0] = room[N + 1] = -7;
	const int32_t past[] = { 3, 1, 4, -1, N };	/* and two that are no tokens */
	assert_int_equal(sampler_pick(s, l, past, 3, NULL, NULL), 2);
	memcpy(l, logits0, sizeof logits0);
	assert_int_equal(sampler_pick(s, l, past, 4, NULL, NULL), 3);
	assert_true(l[1] < 1 && l[4] == -2.5f && l[3] == logits0[3]);	/* what is negative becomes more so */
	memcpy(l, logits0, sizeof logits0);
	assert_int_equal(sampler_pick(s, l, past, 5, NULL, NULL), 1);
	assert_true(room[0] == -7 && room[N + 1] == -7);
	assert_false(sampler_is_plain(s));
	sampler_close(s);
	p.repeat_penalty = 1;
	s = open_with(&p);
	assert_true(sampler_is_plain(s));
	sampler_close(s);
}

static void dist_with_cuts_keeps_the_best(void **state)
{
	(void)state;
	struct sample_params p = SAMPLE_GREEDY;
	const struct sample_item *it;
	float l[N];
	p.temp = 1;
	p.top_k = 3;
	struct sampler *s = open_with(&p);
	memcpy(l, logits0, sizeof l);
	assert_int_equal(sampler_dist(s, l, NULL, 0, &it), 3);
	assert_int_equal(it[0].id, 1);
	assert_int_equal(it[1].id, 3);
	assert_int_equal(it[2].id, 2);
	assert_true(fabsf(it[0].p + it[1].p + it[2].p - 1) < 1e-6f);
	sampler_close(s);
	p.top_k = 0;
	p.min_p = 0.3;		/* e^-1 = 0.37 stays, e^-1.5 = 0.22 goes */
	s = open_with(&p);
	assert_int_equal(sampler_dist(s, l, NULL, 0, &it), 3);
	sampler_close(s);
	p.min_p = 0;
	p.top_p = 0.5;		/* the first has 0.36, the first two 0.71 */
	s = open_with(&p);
	assert_int_equal(sampler_dist(s, l, NULL, 0, &it), 2);
	sampler_close(s);
	p.top_p = 0.99;		/* of the sum of 2.78 the first five have 2.73 */
	s = open_with(&p);
	assert_int_equal(sampler_dist(s, l, NULL, 0, &it), 6);
	sampler_close(s);
	p.top_p = 0;		/* the first is always kept */
	s = open_with(&p);
	assert_int_equal(sampler_dist(s, l, NULL, 0, &it), 1);
	sampler_close(s);
	p.top_p = 1;
	p.temp = 1e-300;	/* as good as greedy */
	s = open_with(&p);
	assert_int_equal(sampler_dist(s, l, NULL, 0, &it), 7);
	assert_true(it[0].id == 1 && it[0].p == 0.5f && it[1].p == 0.5f && it[2].p == 0 && it[6].p == 0);
	sampler_close(s);
}

/* What is turned down is drawn anew: as if it had been forbidden before. */
static void pick_many_with_filter_follows_what_is_left(void **state)
{
	(void)state;
	struct sample_params p = SAMPLE_GREEDY;
	p.temp = 1.5;
	p.seed = 7;
	struct sampler *s = open_with(&p);
	const struct sample_item *it;
	float l[N], some[N];
	double chi = 0;
	size_t draws = 20000;
	long got[N] = { 0 };
	for (int i = 0; i < N; i++)
		some[i] = i % 2 ? logits0[i] : -INFINITY;
	for (size_t i = 0; i < draws; i++) {
		memcpy(l, logits0, sizeof l);
		got[sampler_pick(s, l, NULL, i, odd_only, NULL)]++;
	}
	size_t n = sampler_dist(s, some, NULL, 0, &it);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		chi += pow((double)got[it[i].id] - (double)it[i].p * (double)draws, 2) / ((double)it[i].p * (double)draws);
	assert_int_equal(got[1] + got[3] + got[5], draws);
	assert_true(chi < 13.8);		/* 2 degrees of freedom, p = 0.001 */
	sampler_close(s);
}

static void pick_many_times_follows_distribution(void **state)
{
	(void)state;
	struct sample_params p = SAMPLE_GREEDY;
	p.temp = 0.8;
	p.seed = 42;
	struct sampler *s = open_with(&p);
	const struct sample_item *it;
	float l[N];
	memcpy(l, logits0, sizeof l);
	double want[N] = { 0 }, chi = 0;
	size_t n = sampler_dist(s, l, NULL, 0, &it), draws = 100000;
	long got[N] = { 0 };
	for (size_t i = 0; i < n; i++)
		want[it[i].id] = (double)it[i].p;
	for (size_t i = 0; i < draws; i++)
		got[sampler_pick(s, l, NULL, i, NULL, NULL)]++;
	for (int i = 0; i < N - 1; i++)
		chi += pow((double)got[i] - want[i] * (double)draws, 2) / (want[i] * (double)draws);
	assert_int_equal(got[7], 0);
	assert_true(chi < 22.5);		/* 6 degrees of freedom, p = 0.001 */
	assert_int_equal(sampler_pick(s, l, NULL, 77, NULL, NULL), sampler_pick(s, l, NULL, 77, NULL, NULL));
	sampler_close(s);
}

enum { MANY = 1 << 17 };

/* A distribution of MANY logits, equal ones and both zeros among them; *took is the processor's time. */
static const struct sample_item *dist_many(struct sampler **s, long top_k, clock_t *took)
{
	static float l[MANY];
	const struct sample_item *it;
	struct sample_params p = SAMPLE_GREEDY;
	uint32_t x = 1;
	p.temp = 1;
	p.top_k = top_k;
	assert_int_equal(sampler_open(s, &p, MANY, NULL), 0);
	for (size_t i = 0; i < MANY; i++) {
		x = x * 1664525 + 1013904223;
		l[i] = (float)((int)(x >> 12 & 0xffff) - 0x8000) / 4096 * (x >> 31 ? 1 : -1);
	}
	l[7] = -0.0f;
	l[8] = 0.0f;
	*took = clock();
	size_t n = sampler_dist(*s, l, NULL, 0, &it);
	*took = clock() - *took;
	assert_int_equal(n, top_k ? top_k : MANY);
	return it;
}

/* All of them are not sorted as some are: it is done for every token that is drawn without a cut. */
static void dist_of_all_is_sorted_alike_and_sooner(void **state)
{
	(void)state;
	struct sampler *s, *t;
	clock_t all, most;
	const struct sample_item *a = dist_many(&s, 0, &all), *b = dist_many(&t, MANY - 1, &most);
	for (size_t i = 0; i < MANY - 1; i++)
		assert_int_equal(a[i].id, b[i].id);
	assert_true(3 * all < 2 * most);
	sampler_close(s);
	sampler_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pick_greedy_tie_gives_lowest_id),
		cmocka_unit_test(pick_with_filter_gives_best_allowed),
		cmocka_unit_test(pick_with_repeat_penalty_moves_on),
		cmocka_unit_test(pick_with_repeat_penalty_takes_the_last_tokens_only),
		cmocka_unit_test(dist_with_cuts_keeps_the_best),
		cmocka_unit_test(pick_many_with_filter_follows_what_is_left),
		cmocka_unit_test(pick_many_times_follows_distribution),
		cmocka_unit_test(dist_of_all_is_sorted_alike_and_sooner),
	};
	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
