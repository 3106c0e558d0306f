/* SPDX-License-Identifier: Apache-2.0
 *
 * ask: which hits are worth answering from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "generate/ask.h"

static bool is_answerable(double known, double cover, double cos)
{
	struct ask_source s = { .known = known, .cover = cover, .cos = cos };
	struct ask a = { .source = { &s }, .n_source = 1 };
	return ask_is_answerable(&a);
}

static void answerable_without_hits_is_not(void **state)
{
	(void)state;
	struct ask a = {0};
	assert_false(ask_is_answerable(&a));
}

/* "How do I use NAME to ...", where NAME is nowhere: near in meaning to something, its other words all in one document. */
static void answerable_with_a_name_that_nobody_knows_is_not(void **state)
{
	(void)state;
	assert_false(is_answerable(0.5, 0.5, 0.5));
	assert_false(is_answerable(0.5, 0.5, NAN));
	assert_true(is_answerable(1, 1, 0.5));
}

/* Several documents answer it together, none has many of its words. */
static void answerable_in_several_steps_is(void **state)
{
	(void)state;
	assert_true(is_answerable(1, 0.3, 0.5));
	assert_true(is_answerable(1, 0.3, NAN));
}

/* A large index has every word somewhere, but nothing about it. */
static void answerable_about_something_else_is_not(void **state)
{
	(void)state;
	assert_false(is_answerable(1, 0.3, 0.2));
	assert_false(is_answerable(1, 0.2, NAN));
}

static void answerable_takes_the_best_of_all_hits(void **state)
{
	(void)state;
	struct ask_source words = { .known = 0.8, .cover = 0.6, .cos = 0.1 }, meaning = { .known = 0.8, .cover = 0, .cos = 0.7 };
	struct ask a = { .source = { &words, &meaning }, .n_source = 1 };
	assert_false(ask_is_answerable(&a));
	a.n_source = 2;
	assert_true(ask_is_answerable(&a));
}

static void answerable_where_nothing_is_told_is(void **state)
{
	(void)state;
	assert_true(is_answerable(NAN, NAN, NAN));
	assert_true(is_answerable(NAN, NAN, 0.1));
	assert_true(is_answerable(NAN, 0.5, 0.5));	/* hits that were kept from a time without `known` */
	assert_false(is_answerable(NAN, 0.2, 0.2));
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(answerable_without_hits_is_not),
		cmocka_unit_test(answerable_with_a_name_that_nobody_knows_is_not),
		cmocka_unit_test(answerable_in_several_steps_is),
		cmocka_unit_test(answerable_about_something_else_is_not),
		cmocka_unit_test(answerable_takes_the_best_of_all_hits),
		cmocka_unit_test(answerable_where_nothing_is_told_is),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
