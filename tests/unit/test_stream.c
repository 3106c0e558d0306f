/* SPDX-License-Identifier: Apache-2.0
 *
 * test_stream: text is released in whole characters, stop strings never show, and citation numbers are bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generate/cites.h"
#include "generate/stream.h"

static void push_split_character_waits_for_the_rest(void **state)
{
	(void)state;
	struct stream s = { 0 };
	assert_int_equal(stream_push(&s, "a\xE2\x82", 3), 0);
	assert_string_equal(s.out.data, "a");
	assert_int_equal(stream_push(&s, "\xAC", 1), 0);
	assert_string_equal(s.out.data, "\xE2\x82\xAC");
	stream_push(&s, "\xE2", 1);
	assert_int_equal(s.out.len, 0);
	assert_int_equal(stream_end(&s), 0);
	assert_int_equal(s.out.len, 1);
	stream_release(&s);
}

static void push_stop_string_in_pieces_is_swallowed(void **state)
{
	(void)state;
	static const char *const stop[] = { "\nQ:", "END" };
	static const char *const text = "one\nQ two ENDless";
	struct stream s = { .stop = stop, .n_stop = 2 };
	struct buf all = { 0 };
	size_t i = 0;
	while (!s.is_stopped && text[i]) {
		assert_true(stream_push(&s, &text[i++], 1) >= 0);
		buf_add(&all, s.out.data, s.out.len);
	}
	buf_putc(&all, 0);
	assert_string_equal(all.data, "one\nQ two ");
	assert_int_equal(i, 13);
	assert_int_equal(stream_push(&s, "x", 1), 1);
	assert_int_equal(s.out.len, 0);
	stream_clear(&s);		/* the next reply */
	assert_int_equal(stream_push(&s, "x", 1), 0);
	assert_int_equal(s.out.len, 1);
	assert_int_equal(stream_push(&s, "xy\nQ:END", 8), 1);	/* of several the first counts */
	assert_int_equal(s.out.len, 2);
	assert_int_equal(stream_end(&s), 0);
	assert_int_equal(s.out.len, 0);
	buf_release(&all);
	stream_release(&s);
	static const char *const uneven[] = { "abcd", "xy" };
	s = (struct stream){ .stop = uneven, .n_stop = 2 };
	assert_int_equal(stream_push(&s, "1abc", 4), 0);
	assert_int_equal(s.out.len, 1);
	stream_release(&s);
}

static void allow_numbers_only_of_supplied_sources(void **state)
{
	(void)state;
	struct cites c = { .n_source = 12 };
	assert_true(cites_allow(&c, "see [1", 6));
	assert_true(cites_allow(&c, "[12][3, 4]", 10));
	assert_false(cites_allow(&c, "[13", 3));
	assert_false(cites_allow(&c, "[0", 2));
	assert_false(cites_allow(&c, "[3, 14", 6));
	assert_true(cites_allow(&c, "99 [-x 99] [a9]", 15));
	cites_push(&c, "text [1", 7);
	assert_true(cites_allow(&c, "1]", 2));
	assert_false(cites_allow(&c, "5", 1));
	cites_push(&c, "] and [7,1] [2", 14);
	assert_int_equal(c.n_used, 2);		/* [2 is not closed */
	assert_int_equal(c.used[0], 1);
	assert_int_equal(c.used[1], 7);
}

static void push_range_cites_what_lies_between(void **state)
{
	(void)state;
	struct cites c = { .n_source = 9 };
	cites_push(&c, "[1-3] [5 - 6, 9] [3-2]", 22);
	const unsigned want[] = { 1, 2, 3, 5, 6, 9 };
	assert_int_equal(c.n_used, 6);
	assert_memory_equal(c.used, want, sizeof want);
	struct cites odd = { .n_source = 9 };
	cites_push(&odd, "[4] [-6] [9, [8] [7-5] [1 - 3]", 30);	/* a range begins in its own brackets, and what is not closed is none */
	const unsigned of_odd[] = { 4, 6, 8, 7, 5, 1, 2, 3 };
	assert_int_equal(odd.n_used, 8);
	assert_memory_equal(odd.used, of_odd, sizeof of_odd);
	struct cites few = { .n_source = 9 };
	cites_push(&few, "[9x] [4x] [4;6] [1-3 8] [1-[ 2 7]", 33);	/* nor what has words in it; a range has two ends */
	const unsigned of_few[] = { 4, 6, 1, 2, 3, 8, 7 };
	assert_int_equal(few.n_used, 7);
	assert_memory_equal(few.used, of_few, sizeof of_few);
	struct cites all = { .n_source = 64 };
	cites_push(&all, "[1-40] [64] [41-64]", 19);
	assert_int_equal(all.n_used, 64);
	assert_int_equal(all.used[40], 64);
	assert_int_equal(all.used[63], 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(push_split_character_waits_for_the_rest),
		cmocka_unit_test(push_stop_string_in_pieces_is_swallowed),
		cmocka_unit_test(allow_numbers_only_of_supplied_sources),
		cmocka_unit_test(push_range_cites_what_lies_between),
	};
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
