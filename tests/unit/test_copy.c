/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: what is proposed has followed the last token before, the places most alike decide, and the work does not grow with the text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "speculate/copy.h"

static struct copy *copy_of(const int32_t *tok, size_t n)
{
	struct copy *c;
	assert_int_equal(copy_open(&c, NULL), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(copy_push(c, tok[i], NULL), 0);
	return c;
}

static int32_t first_of(const int32_t *tok, size_t n, double *prob)
{
	struct copy *c = copy_of(tok, n);
	int32_t out;
	assert_int_equal(copy_draft(c, &out, prob, 1), 1);
	copy_close(c);
	return out;
}

static void copy_draft_random_text_follows_the_last_token(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (int alphabet = 1; alphabet <= 9; alphabet++) {
		struct copy *c;
		int32_t t[300 + COPY_MAX], out[COPY_MAX];
		double prob[COPY_MAX];
		assert_int_equal(copy_open(&c, NULL), 0);
		for (size_t n = 1; n <= 300; n++) {
			seed = seed * 1664525u + 1013904223u;
			t[n - 1] = (int32_t)(seed >> 24) % alphabet;
			assert_int_equal(copy_push(c, t[n - 1], NULL), 0);
			size_t got = copy_draft(c, out, prob, COPY_MAX), seen = 0;
			for (size_t i = 0; i + 1 < n; i++)
				seen += t[i] == t[n - 1];
			assert_int_equal(got > 0, seen > 0);
			for (size_t i = 0; i < got; i++) {
				size_t found = 0;
				t[n + i] = out[i];
				for (size_t k = 1; k < n + i; k++)
					found += t[k - 1] == t[n + i - 1] && t[k] == out[i];
				assert_true(found);
				assert_true(prob[i] > 0 && prob[i] < 1);
			}
		}
		copy_close(c);
	}
}

static void copy_draft_periodic_text_continues_past_its_end(void **state)
{
	(void)state;
	const int32_t t[] = { 10, 11, 10, 11, 10, 11 };
	struct copy *c = copy_of(t, 6);
	int32_t out[7];
	double prob[7];
	assert_int_equal(copy_draft(c, out, prob, 7), 7);
	for (int i = 0; i < 7; i++)
		assert_int_equal(out[i], 10 + i % 2);
	copy_close(c);
}

static void copy_draft_equal_places_the_newest_is_taken(void **state)
{
	(void)state;
	const int32_t t[] = { 1, 2, 3, 9, 1, 2, 4, 8, 1, 2 };
	double prob;
	assert_int_equal(first_of(t, 10, &prob), 4);
}

static void copy_draft_more_alike_outvotes_many(void **state)
{
	(void)state;
	const int32_t t[] = { 5, 1, 2, 3, 7, 3, 8, 3, 8, 3, 8, 5, 1, 2, 3 };
	double one, alone;
	assert_int_equal(first_of(t, 15, &one), 7);
	const int32_t u[] = { 3, 8, 3, 8, 9, 3, 8, 1, 3 };
	assert_int_equal(first_of(u, 9, &alone), 8);
	/* Four alike: every other time; and where not, one of the four places that the two ranks have, each kind of token in doubt by 8 / 2. */
	assert_true(one > 0.5 + 0.5 * 1 / (4 + 8) - 1e-9 && one < 0.5 + 0.5 * 1 / (4 + 8) + 1e-9);
}

static void copy_draft_replaced_token_returns_to_the_source(void **state)
{
	(void)state;
	/* "1 2 3 _ 4" went on with 5; "4" alone, nearer to the end, with 6. */
	const int32_t t[] = { 9, 1, 2, 3, 20, 4, 5, 4, 6, 1, 2, 3, 21, 4 }, left_out[] = { 9, 1, 2, 3, 20, 4, 5, 4, 6, 1, 2, 3, 4 },
		put_in[] = { 9, 1, 2, 3, 4, 5, 4, 6, 1, 2, 3, 20, 4 };
	double prob;
	assert_int_equal(first_of(t, 14, &prob), 5);
	assert_int_equal(first_of(left_out, 13, &prob), 5);
	assert_int_equal(first_of(put_in, 13, &prob), 5);
	/* Two alike beyond a difference are an accident. */
	const int32_t few[] = { 9, 1, 2, 20, 4, 5, 4, 6, 1, 2, 21, 4 };
	assert_int_equal(first_of(few, 12, &prob), 6);
}

/* A draft is written behind the timeline, and the tables move when they are full. */
static void copy_draft_at_every_length_continues_the_right_place(void **state)
{
	(void)state;
	struct copy *c;
	int32_t out[COPY_MAX];
	double prob[COPY_MAX];
	assert_int_equal(copy_open(&c, NULL), 0);
	for (int32_t i = 0; i < 5000; i++) {
		assert_int_equal(copy_push(c, i % 700, NULL), 0);
		if (i < 700)
			continue;
		assert_int_equal(copy_draft(c, out, prob, COPY_MAX), COPY_MAX);
		for (int32_t k = 0; k < COPY_MAX; k++)
			assert_int_equal(out[k], (i + 1 + k) % 700);
	}
	copy_close(c);
}

static void copy_push_hundred_thousand_tokens_stays_linear(void **state)
{
	(void)state;
	struct copy *c;
	int32_t out[7];
	double prob[7];
	assert_int_equal(copy_open(&c, NULL), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(copy_push(c, i % 7 == 0 ? i : i % 13, NULL), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(copy_draft(c, out, prob, 7), 7);
	copy_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_draft_random_text_follows_the_last_token),
		cmocka_unit_test(copy_draft_periodic_text_continues_past_its_end),
		cmocka_unit_test(copy_draft_equal_places_the_newest_is_taken),
		cmocka_unit_test(copy_draft_more_alike_outvotes_many),
		cmocka_unit_test(copy_draft_replaced_token_returns_to_the_source),
		cmocka_unit_test(copy_draft_at_every_length_continues_the_right_place),
		cmocka_unit_test(copy_push_hundred_thousand_tokens_stays_linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
