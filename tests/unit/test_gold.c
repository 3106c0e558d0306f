/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers against gold answers, by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "retrieve/gold.h"

static struct gold_match compare(const char *answer, const char *gold)
{
	struct buf a = { 0 }, g = { 0 };
	gold_words(&a, answer, strlen(answer));
	gold_words(&g, gold, strlen(gold));
	struct gold_match m = gold_compare(&a, &g);
	buf_release(&a);
	buf_release(&g);
	return m;
}

static void words_leave_out_articles_punctuation_and_citations(void **state)
{
	(void)state;
	struct buf b = { 0 };
	const char *s = "The  U.S.\n\"Army\" [2], an a[1, 3] theory [x] \xC3\x89";
	gold_words(&b, s, strlen(s));
	assert_string_equal(b.data, " us army theory x \xC3\x89 ");
	gold_words(&b, "no[ ]gap, no[]gap, a [1]gap", 27);
	assert_string_equal(b.data, " no gap nogap gap ");
	gold_words(&b, "the [1]", 7);
	assert_string_equal(b.data, " ");
	gold_words(&b, "", 0);
	assert_string_equal(b.data, " ");
	buf_release(&b);
}

static void compare_equal_words_is_exact(void **state)
{
	(void)state;
	struct gold_match m = compare("the Norman Kings.", "Norman kings");
	assert_true(m.exact && m.held);
	assert_float_equal(m.f1, 1, 1e-9);
}

static void compare_longer_answer_is_held_with_partial_f1(void **state)
{
	(void)state;
	/* five words, of which two: 2*2/(5+2) */
	struct gold_match m = compare("They were the Norman kings then [1].", "Norman kings");
	assert_true(m.held && !m.exact);
	assert_float_equal(m.f1, 4.0 / 7, 1e-9);
	assert_false(compare("Normankings", "Norman kings").held);
	assert_false(compare("kings Norman", "Norman kings").held);
}

static void compare_counts_a_word_as_often_as_both_have_it(void **state)
{
	(void)state;
	assert_float_equal(compare("x x x", "x x y").f1, 4.0 / 6, 1e-9);
	assert_float_equal(compare("y", "x").f1, 0, 1e-9);
}

static void compare_nothing_with_something_is_wrong(void **state)
{
	(void)state;
	struct gold_match m = compare("the", "x");
	assert_true(!m.exact && !m.held);
	assert_float_equal(m.f1, 0, 1e-9);
	assert_false(compare("x", "the").held);
	assert_true(compare("the", "a").f1 <= 0);	/* and a number */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_leave_out_articles_punctuation_and_citations),
		cmocka_unit_test(compare_equal_words_is_exact),
		cmocka_unit_test(compare_longer_answer_is_held_with_partial_f1),
		cmocka_unit_test(compare_counts_a_word_as_often_as_both_have_it),
		cmocka_unit_test(compare_nothing_with_something_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
