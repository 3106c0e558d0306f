/* SPDX-License-Identifier: Apache-2.0
 *
 * opt and near: forms of options, bounds, the environment, operands in any place, and the texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/near.h"
#include "lib/base/opt.h"

static struct {
	const char *model;
	long threads;
	double top;
	bool quiet, json;
	struct opt_list filter;
} o;

static const struct opt opts[] = {
	{ 'm', "model", OPT_STR, &o.model, "NAME", "model file", .env = "TT_TEST_MODEL" },
	{ 'j', "threads", OPT_INT, &o.threads, "N", "worker threads", .min = 1, .max = 256, .env = "TT_TEST_THREADS" },
	{ 'q', "quiet", OPT_FLAG, &o.quiet, NULL, "say nothing", .env = "TT_TEST_QUIET" },
	{ 0, "json", OPT_FLAG, &o.json, NULL, "JSON lines" },
	{ 0, "top-p", OPT_REAL, &o.top, "P", "nucleus", .rmin = 0, .rmax = 1 },
	{ 'f', "filter", OPT_LIST, &o.filter, "EXPR", "a 'filter': [x]", .env = "TT_TEST_FILTER" },
	{ 0 },
};
static const struct opt_program prog = { "tt-test", "[FILE ...]", "tests things", opts };

static char text[8192], *argv_now[100];
static int first;

/* Runs opt_try on the words given; text[] gets what it printed. */
static int try(const char *const *word)
{
	int n = 1;
	memset(&o, 0, sizeof o);
	static char name[] = "tt-test";
	argv_now[0] = name;
	for (; word[n - 1]; n++) {
		assert_true(n + 1 < (int)(sizeof argv_now / sizeof *argv_now));
		argv_now[n] = (char *)(uintptr_t)word[n - 1];
	}
	argv_now[n] = NULL;
	FILE *f = fmemopen(text, sizeof text, "w");
	int r = opt_try(&prog, n, argv_now, &first, f, f);
	fclose(f);
	return r;
}
#define TRY(...) try((const char *const[]){ __VA_ARGS__, NULL })

static int teardown(void **state)
{
	(void)state;
	unsetenv("TT_TEST_MODEL");
	unsetenv("TT_TEST_THREADS");
	unsetenv("TT_TEST_QUIET");
	unsetenv("TT_TEST_FILTER");
	return 0;
}

static void opt_try_all_forms_are_read(void **state)
{
	(void)state;
	assert_int_equal(TRY("-mx", "--threads=4", "-q", "--top-p", "0.5"), -1);
	assert_string_equal(o.model, "x");
	assert_int_equal(o.threads, 4);
	assert_true(o.quiet);
	assert_float_equal(o.top, 0.5, 0);
	assert_int_equal(first, 6);
	assert_int_equal(TRY("-qj", "7", "-m", "-"), -1);
	assert_int_equal(o.threads, 7);
	assert_string_equal(o.model, "-");
	assert_int_equal(TRY("-j1", "--top-p=0"), -1);	/* bounds are within */
	assert_int_equal(TRY("-j256", "--top-p=1"), -1);
}

static void opt_try_operands_move_behind_options(void **state)
{
	(void)state;
	assert_int_equal(TRY("add", "-q", "dir", "-", "--", "-q"), -1);
	assert_int_equal(first, 3);
	assert_string_equal(argv_now[3], "add");
	assert_string_equal(argv_now[4], "dir");
	assert_string_equal(argv_now[5], "-");
	assert_string_equal(argv_now[6], "-q");
}

static void opt_try_bad_values_are_misuse(void **state)
{
	(void)state;
	assert_int_equal(TRY("-j0"), EXIT_USAGE);
	assert_non_null(strstr(text, "--threads: 0 is not between 1 and 256"));
	assert_int_equal(TRY("-j", "99999999999999999999"), EXIT_USAGE);
	assert_int_equal(TRY("-j", "4x"), EXIT_USAGE);
	assert_int_equal(TRY("-j", ""), EXIT_USAGE);
	assert_int_equal(TRY("-j", " 4"), EXIT_USAGE);
	assert_int_equal(TRY("-j", "257"), EXIT_USAGE);
	assert_int_equal(TRY("--top-p=-0.1"), EXIT_USAGE);
	assert_int_equal(TRY("--top-p=nan"), EXIT_USAGE);
	assert_int_equal(TRY("--top-p=1.5"), EXIT_USAGE);
	assert_int_equal(TRY("--top-p= 0.5"), EXIT_USAGE);
	assert_int_equal(TRY("--help=x"), EXIT_USAGE);
	assert_int_equal(TRY("-j", "4\nx"), EXIT_USAGE);
	assert_non_null(strstr(text, "'4?x'"));		/* one line, whatever is quoted in it */
	assert_int_equal(TRY("--quiet=1"), EXIT_USAGE);
	assert_int_equal(TRY("-m"), EXIT_USAGE);
	assert_non_null(strstr(text, "--model needs a value"));
	assert_int_equal(TRY("-x"), EXIT_USAGE);
}

static void opt_try_a_list_is_bounded(void **state)
{
	(void)state;
	const char *word[sizeof o.filter.item / sizeof *o.filter.item + 2] = { NULL };
	size_t most = sizeof word / sizeof *word - 2;
	for (size_t i = 0; i < most; i++)
		word[i] = "-fx";
	assert_int_equal(try(word), -1);
	assert_int_equal(o.filter.n, most);
	word[most] = "-fx";
	assert_int_equal(try(word), EXIT_USAGE);
	assert_non_null(strstr(text, "--filter: given more than"));
}

static void opt_try_unknown_long_names_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(TRY("--thraeds=3"), EXIT_USAGE);
	assert_non_null(strstr(text, "did you mean '--threads'?"));
	assert_int_equal(TRY("--zzzzzzzz"), EXIT_USAGE);
	assert_null(strstr(text, "did you mean"));
	assert_int_equal(TRY("--hepl"), EXIT_USAGE);
	assert_non_null(strstr(text, "did you mean '--help'?"));
	char longer[67] = "--";		/* as long as names are looked at, and one more */
	memset(longer + 2, 'z', 63);
	assert_int_equal(TRY(longer), EXIT_USAGE);
	assert_non_null(strstr(text, "zz'"));
	longer[65] = 'z';
	assert_int_equal(TRY(longer), EXIT_USAGE);
	assert_non_null(strstr(text, "zz...'"));
}

static void opt_try_environment_gives_defaults(void **state)
{
	(void)state;
	setenv("TT_TEST_MODEL", "env", 1);
	setenv("TT_TEST_THREADS", "9", 1);
	setenv("TT_TEST_QUIET", "yes", 1);
	setenv("TT_TEST_FILTER", "a", 1);
	assert_int_equal(TRY("-j2"), -1);
	assert_string_equal(o.model, "env");
	assert_int_equal(o.threads, 2);
	assert_true(o.quiet);
	assert_int_equal(o.filter.n, 1);
	assert_int_equal(TRY("-fb", "-fc"), -1);
	assert_int_equal(o.filter.n, 2);
	assert_string_equal(o.filter.item[0], "b");
	setenv("TT_TEST_QUIET", "no", 1);
	setenv("TT_TEST_THREADS", "", 1);	/* as if it was not set */
	assert_int_equal(TRY("-m", "x"), -1);
	assert_false(o.quiet);
	assert_int_equal(o.threads, 0);
	setenv("TT_TEST_THREADS", "0", 1);
	assert_int_equal(TRY("-q"), EXIT_USAGE);
	assert_non_null(strstr(text, "TT_TEST_THREADS: 0 is not between"));
}

static void opt_try_environment_says_yes_and_no(void **state)
{
	(void)state;
	static const char *const yes[] = { "1", "yes", "true", "on" }, *const no[] = { "0", "no", "false", "off" };
	for (size_t i = 0; i < 4; i++) {
		setenv("TT_TEST_QUIET", yes[i], 1);
		assert_int_equal(TRY("-m", "x"), -1);
		assert_true(o.quiet);
		setenv("TT_TEST_QUIET", no[i], 1);
		assert_int_equal(TRY("-m", "x"), -1);
		assert_false(o.quiet);
	}
	setenv("TT_TEST_QUIET", "maybe", 1);
	assert_int_equal(TRY("-m", "x"), EXIT_USAGE);
	assert_non_null(strstr(text, "TT_TEST_QUIET: 'maybe' is neither yes nor no"));
}

/* Of a program that has a -h of its own, and more than one form. */
static void opt_texts_tell_of_each_form(void **state)
{
	(void)state;
	static const char *host;
	static const struct opt table[] = { { 'h', "host", OPT_STR, &host, "HOST", "where" }, { 0 } };
	static const struct opt_program other = { "tt-other", "add|remove [FILE ...] DIR\nlist [NAME]", "does others", table };
	struct { void (*print)(const struct opt_program *, FILE *); const char *want; } x[] = {
		{ opt_usage, "usage: tt-other [-V] [-h HOST] add|remove [FILE ...] DIR\n       tt-other [-V] [-h HOST] list [NAME]\n" },
		{ opt_synopsis, ".Nm tt-other\n.Op Fl V\n.Op Fl h Ar HOST\n.Cm add|remove\n.Op Ar FILE ...\n.Ar DIR\n"
			".Nm tt-other\n.Op Fl V\n.Op Fl h Ar HOST\n.Cm list\n.Op Ar NAME\n" },
		{ opt_help, "usage: tt-other [-V] [-h HOST] add|remove [FILE ...] DIR\n       tt-other [-V] [-h HOST] list [NAME]\ndoes others\n\n"
			"  -h, --host=HOST           where\n  -V, --version             print the version\n\nSee tt-other(1).\n" },
	};
	for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
		FILE *f = fmemopen(text, sizeof text, "w");
		x[i].print(&other, f);
		fclose(f);
		assert_string_equal(text, x[i].want);
	}
	FILE *f = fmemopen(text, sizeof text, "w");
	assert_true(opt_completion(&other, "bash", f));
	fclose(f);
	assert_non_null(strstr(text, "compgen -W 'add remove list'"));
}

static void opt_try_texts_are_printed(void **state)
{
	(void)state;
	assert_int_equal(TRY("-h"), EXIT_DONE);
	assert_non_null(strstr(text, "usage: tt-test [-hqV] [-m NAME] [-j N] [--json] [--top-p=P] [-f EXPR] [FILE ...]\n"));
	assert_non_null(strstr(text, "worker threads, 1 to 256 [TT_TEST_THREADS]"));
	assert_int_equal(TRY("-V"), EXIT_DONE);
	assert_string_equal(text, "tt-test " TT_VERSION "\n");
	assert_int_equal(TRY("--synopsis"), EXIT_DONE);
	assert_string_equal(text, ".Nm tt-test\n.Op Fl hqV\n.Op Fl m Ar NAME\n.Op Fl j Ar N\n.Op Fl -json\n"
			    ".Op Fl -top-p Ns = Ns Ar P\n.Op Fl f Ar EXPR\n.Op Ar FILE ...\n");
	assert_int_equal(TRY("--completion=bash"), EXIT_DONE);
	assert_non_null(strstr(text, "complete -o default -F _tt_test tt-test"));
	assert_null(strstr(text, "FILE"));		/* which is no command */
	assert_int_equal(TRY("--completion", "zsh"), EXIT_DONE);
	assert_non_null(strstr(text, "'--threads=[worker threads]:N:_files'"));
	assert_non_null(strstr(text, "'*--filter=[a filter\\: \\[x\\]]:EXPR:_files'"));
	assert_int_equal(TRY("--completion", "fish"), EXIT_DONE);
	assert_non_null(strstr(text, "complete -c tt-test -s j -l threads -r -d 'worker threads'"));
	assert_int_equal(TRY("--completion", "tcsh"), EXIT_USAGE);
}

static void near_distance_counts_edits(void **state)
{
	(void)state;
	assert_int_equal(near_distance("abc", "abc"), 0);
	assert_int_equal(near_distance("abc", "acb"), 1);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	assert_int_equal(near_distance("", "abc"), 3);
	char longer[200];
	memset(longer, 'a', 199);
	longer[199] = '\0';
	assert_int_equal(near_distance(longer, "a"), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opt_try_all_forms_are_read),
		cmocka_unit_test(opt_try_operands_move_behind_options),
		cmocka_unit_test(opt_try_bad_values_are_misuse),
		cmocka_unit_test(opt_try_a_list_is_bounded),
		cmocka_unit_test(opt_try_unknown_long_names_the_nearest),
		cmocka_unit_test_teardown(opt_try_environment_gives_defaults, teardown),
		cmocka_unit_test_teardown(opt_try_environment_says_yes_and_no, teardown),
		cmocka_unit_test(opt_texts_tell_of_each_form),
		cmocka_unit_test(opt_try_texts_are_printed),
		cmocka_unit_test(near_distance_counts_edits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
