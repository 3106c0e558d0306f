/* SPDX-License-Identifier: Apache-2.0
 *
 * Which options a question names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "retrieve/named.h"

static bool names(const char *question, const char *option, const char *page)
{
	static struct plan p;
	plan_make(&p, question, strlen(question));
	return named_by(&p, (struct str){ option, strlen(option) }, (struct str){ page, strlen(page) });
}

static void named_by_word_of_question_holds(void **state)
{
	(void)state;
	assert_true(names("list the contents of an archive", "-t, --list", "tar(1)"));
	assert_true(names("extract it without looking", "-x, --extract, --get", "tar(1)"));
	assert_true(names("find files whose name ends in .c", "-name pattern", "find(1)"));
	assert_true(names("exclude version control files", "--exclude-vcs, --exclude-version-control", "x(1)"));
}

static void named_by_part_of_a_name_does_not_hold(void **state)
{
	(void)state;
	assert_false(names("list all files", "-A, --almost-all", "ls(1)"));
	assert_false(names("make a listed backup", "-g, --listed-incremental=FILE", "tar(1)"));
}

static void named_by_value_or_short_option_does_not_hold(void **state)
{
	(void)state;
	assert_false(names("write to a file", "-f FILE", "tar(1)"));
	assert_false(names("write to a file", "-o=file", "tar(1)"));
	assert_false(names("what does the id say", "-id N", "x(1)"));
	assert_true(names("what does the uid say", "-uid N", "x(1)"));
	assert_false(names("use it", "", "tar(1)"));
	assert_false(names("use it", "--", "tar(1)"));
}

static void named_by_word_of_the_page_does_not_hold(void **state)
{
	(void)state;
	assert_false(names("git commit: undo the last", "--commit", "git-commit(1)"));
	assert_true(names("git commit: amend the last", "--amend", "git-commit(1)"));
}

static void named_by_what_is_ruled_out_does_not_hold(void **state)
{
	(void)state;
	assert_false(names("list the contents without extracting it", "-x, --extract, --get", "tar(1)"));
	assert_false(names("copy, but do not follow any links", "-L, --follow", "cp(1)"));
	assert_true(names("copy without following links", "--no-follow", "cp(1)"));
	assert_false(names("list it without any of the extracting", "-x, --extract, --get", "tar(1)"));
	assert_true(names("not links: links of links", "--links", "x(1)"));
	assert_true(names("links of links, not links", "--links", "x(1)"));
	assert_true(names("list without extracting", "-t, --list", "tar(1)"));
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(named_by_word_of_question_holds),
		cmocka_unit_test(named_by_part_of_a_name_does_not_hold),
		cmocka_unit_test(named_by_value_or_short_option_does_not_hold),
		cmocka_unit_test(named_by_word_of_the_page_does_not_hold),
		cmocka_unit_test(named_by_what_is_ruled_out_does_not_hold),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
