/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: the automaton against a brute-force search for the longest repeated suffix, and its linear growth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "speculate/copy.h"

/* Length of the longest suffix of t[0..n) that also ends before n. */
static size_t brute_match(const int32_t *t, size_t n)
{
	for (size_t len = n - 1; len > 0; len--)
		for (size_t end = len; end < n; end++)
			if (memcmp(t + end - len, t + n - len, len * sizeof *t) == 0)
				return len;
	return 0;
}

static void copy_draft_random_text_matches_brute_force(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (int alphabet = 1; alphabet <= 5; alphabet++) {
		struct copy *c;
		int32_t t[300], out[7];
		assert_int_equal(copy_open(&c, NULL), 0);
		for (size_t n = 1; n <= 300; n++) {
			seed = seed * 1664525u + 1013904223u;
			t[n - 1] = (int32_t)(seed >> 24) % alphabet;
			assert_int_equal(copy_push(c, t[n - 1], NULL), 0);
			size_t match, got = copy_draft(c, out, 7, &match);
			assert_int_equal(match, brute_match(t, n));
			assert_int_equal(got, match ? 7 : 0);
			/* The proposal must really follow an earlier occurrence of that suffix. */
			size_t found = 0;
			for (size_t end = match; match && end < n; end++)
				found += memcmp(t + end - match, t + n - match, match * sizeof *t) == 0 &&
					 t[end] == out[0];
			assert_true(!match || found);
		}
		copy_close(c);
	}
}

static void copy_draft_periodic_text_continues_past_its_end(void **state)
{
	(void)state;
	struct copy *c;
	int32_t out[7];
	size_t match;
	assert_int_equal(copy_open(&c, NULL), 0);
	for (int i = 0; i < 6; i++)
		copy_push(c, 10 + i % 2, NULL);
	assert_int_equal(copy_draft(c, out, 7, &match), 7);
	for (int i = 0; i < 7; i++)
		assert_int_equal(out[i], 10 + i % 2);
	copy_close(c);
}

static void copy_draft_prefers_the_newest_repetition(void **state)
{
	(void)state;
	const int32_t t[] = { 1, 2, 3, 9, 1, 2, 4, 8, 1, 2 };
	struct copy *c;
	int32_t out[1];
	size_t match;
	assert_int_equal(copy_open(&c, NULL), 0);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		copy_push(c, t[i], NULL);
	assert_int_equal(copy_draft(c, out, 1, &match), 1);
	assert_int_equal(match, 2);
	assert_int_equal(out[0], 4);
	copy_close(c);
}

static void copy_push_hundred_thousand_tokens_stays_linear(void **state)
{
	(void)state;
	struct copy *c;
	assert_int_equal(copy_open(&c, NULL), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(copy_push(c, i % 7 == 0 ? i : i % 13, NULL), 0);
	assert_int_equal(copy_len(c), 100000);
	copy_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_draft_random_text_matches_brute_force),
		cmocka_unit_test(copy_draft_periodic_text_continues_past_its_end),
		cmocka_unit_test(copy_draft_prefers_the_newest_repetition),
		cmocka_unit_test(copy_push_hundred_thousand_tokens_stays_linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
