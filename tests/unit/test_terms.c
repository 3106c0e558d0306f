/* SPDX-License-Identifier: Apache-2.0
 *
 * terms, stem, plan: what text is cut into. Stems are those of the published vocabulary of the English stemmer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "index/stem.h"
#include "index/terms.h"
#include "lib/base/buf.h"
#include "retrieve/plan.h"

static void collect(void *arg, const char *t, size_t n, enum terms_kind kind)
{
	struct buf *b = arg;
	if (b->len)
		buf_putc(b, ' ');
	if (kind == TERMS_LITERAL)
		buf_putc(b, '=');
	buf_add(b, t, n);
}

static void check(const char *text, const char *want)
{
	struct buf b = {0};
	buf_puts(&b, "");
	terms_scan(text, strlen(text), collect, &b);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
}

static void stem_known_words_gives_published_stems(void **state)
{
	(void)state;
	static const char *const pair[][2] = {
		{ "consign", "consign" }, { "consigned", "consign" }, { "consistency", "consist" }, { "consolation", "consol" },
		{ "knackeries", "knackeri" }, { "knightly", "knight" }, { "knives", "knive" }, { "kneeling", "kneel" },
		{ "conspicuously", "conspicu" }, { "generously", "generous" }, { "communism", "communism" }, { "dying", "die" },
		{ "hopping", "hop" }, { "hoping", "hope" }, { "bled", "bled" }, { "agreed", "agre" }, { "ties", "tie" },
		{ "cries", "cri" }, { "gas", "gas" }, { "gaps", "gap" }, { "kiwis", "kiwi" }, { "say", "say" }, { "by", "by" },
		{ "cry", "cri" }, { "relational", "relat" }, { "sky", "sky" }, { "succeed", "succeed" }, { "rate", "rate" },
		{ "controlling", "control" }, { "apology", "apolog" }, { "youth", "youth" }, { "user's", "user" },
	};
	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
		char w[32];
		strcpy(w, pair[i][0]);
		w[stem_english(w, strlen(w))] = '\0';
		assert_string_equal(w, pair[i][1]);
	}
}

static void stem_every_short_string_stays_within_it(void **state)
{
	(void)state;
	char w[6];
	for (int i = 0; i < 26 * 26 * 26 * 26; i++) {
		for (int k = 0, v = i; k < 4; k++, v /= 26)
			w[k] = (char)('a' + v % 26);
		w[4] = 'x';
		assert_true(stem_english(w, 4) <= 4);
		assert_int_equal(w[4], 'x');
	}
}

static void scan_identifiers_keeps_them_whole_and_in_parts(void **state)
{
	(void)state;
	check("--no-pager", "no pager =--no-pager");
	check("-x, -X", "=-x =-X");
	check("see journald.conf(5).", "see journald conf =journald.conf 5");
	check("DEC-0054", "dec 0054 =dec-0054");
	check("foo_bar", "foo bar =foo_bar");
	check("C++ and c#", "c =c++ and c =c#");
	check("edit .bashrc", "edit bashrc =.bashrc");
}

static void scan_punctuation_gives_nothing(void **state)
{
	(void)state;
	check("- -- ... ' '' _ /", "");
	check("", "");
	check("(foo), \"bar\"!", "foo bar");
}

static void scan_unicode_folds_and_separates(void **state)
{
	(void)state;
	check("Größe GRÖSSE", "gross gross");
	check("ＦＵＬＬ", "full");
	check("漢字", "漢 字");
	check("no\xE2\x80\x90pager", "no pager =no-pager");
	check("\xff\xfe x\xc3", "x");
	check("Donau\xC2\xAD" "dampf\xC2\xAD" "er \xC2\xAD x\xC2\xAD", "donaudampf x");
	check("soft-\xC2\xADware --no\xC2\xADpager", "soft ware =soft-ware nopag =--nopager");
}

static void scan_overlong_word_is_cut_and_literal_left_out(void **state)
{
	(void)state;
	char text[400];
	struct buf b = {0};
	memset(text, 'q', sizeof text);
	terms_scan(text, sizeof text, collect, &b);
	assert_int_equal(b.len, TERMS_MAX);
	buf_clear(&b);
	text[200] = '-';
	terms_scan(text, sizeof text, collect, &b);
	assert_int_equal(b.len, 2 * TERMS_MAX + 1);
	buf_release(&b);
}

static void is_stop_knows_stems_of_function_words(void **state)
{
	(void)state;
	static const char *const words[] = { "a", "becaus", "how", "the", "through", "what", "when", "where", "which", "while", "who", "whom",
		"whi", "will", "your" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		assert_true(terms_is_stop(words[i], strlen(words[i])));
	assert_true(terms_is_stop("onli", 4));
	assert_true(terms_is_stop("i'd", 3));
	assert_true(terms_is_stop("shouldn't", 9));
	assert_false(terms_is_stop("n't", 3));
	assert_false(terms_is_stop("o'clock", 7));
	assert_false(terms_is_stop("tar", 3));
	assert_false(terms_is_stop("", 0));
}

/* Whether the plan of `q` has `name` as a whole name, as one that is meant or that is set off: "", "name", "meant", "set off". */
static const char *kind_of_name(const char *q, const char *name)
{
	static struct plan p;
	plan_make(&p, q, strlen(q));
	for (size_t i = 0; i < p.n_name; i++)
		if (p.name[i].n == strlen(name) + 1 && memcmp(p.name[i].s + 1, name, strlen(name)) == 0)
			return p.name[i].set_off ? "set off" : p.name[i].meant ? "meant" : "name";
	return "";
}

static void plan_joins_words_to_names_and_marks_those_before_a_colon(void **state)
{
	(void)state;
	const char *q = "git commit: undo the last one";
	assert_string_equal(kind_of_name(q, "git-commit"), "set off");
	assert_string_equal(kind_of_name(q, "git"), "set off");
	assert_string_equal(kind_of_name(q, "commit"), "name");
	assert_string_equal(kind_of_name(q, "git-commit-undo"), "name");
	assert_string_equal(kind_of_name(q, "commit-git"), "");
	assert_string_equal(kind_of_name("git commit undo", "git-commit"), "name");
	assert_string_equal(kind_of_name("git stash push: all", "git-stash"), "set off");
	assert_string_equal(kind_of_name("which files changed: today", "which"), "name");
}

static void plan_finds_names_within_what_stands_around_them(void **state)
{
	(void)state;
	char q[] = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
		"nineteen twenty and so on: how do I list it with tar?";
	assert_string_equal(kind_of_name(q, "tar"), "meant");
	assert_string_equal(kind_of_name("list it with tar(1).", "tar"), "meant");
	assert_string_equal(kind_of_name("git-am(1): apply a patch", "git-am"), "set off");
	assert_string_equal(kind_of_name("which of tar's options lists it?", "tar"), "meant");
	assert_string_equal(kind_of_name("which of tar\xE2\x80\x99s options lists it?", "tar"), "meant");
	assert_string_equal(kind_of_name("\xE2\x80\x9Ctar\xE2\x80\x9D: list it", "tar"), "set off");
	assert_string_equal(kind_of_name("use (tar)", "tar"), "meant");
	assert_string_equal(kind_of_name("the best of 7", "7"), "");
	assert_string_equal(kind_of_name("unpack with 7z", "7z"), "meant");
	assert_string_equal(kind_of_name("what is ('.netrc') for?", ".netrc"), "meant");
	assert_string_equal(kind_of_name("( \xE2\x80\x99 's", "s"), "name");
}

static void plan_tells_names_that_are_meant(void **state)
{
	(void)state;
	assert_string_equal(kind_of_name("list it with git log", "git"), "meant");
	assert_string_equal(kind_of_name("list it with git log", "git-log"), "meant");
	assert_string_equal(kind_of_name("list it with git log", "log"), "name");
	assert_string_equal(kind_of_name("What does the tar command do?", "tar"), "meant");
	assert_string_equal(kind_of_name("list it, `git log` or not", "git-log"), "meant");
	assert_string_equal(kind_of_name("list it, `git log` or not", "log"), "name");
	assert_string_equal(kind_of_name("list it, see tar(1)", "tar"), "meant");
	assert_string_equal(kind_of_name("a tar that is listed by tar(1)", "tar"), "meant");
	assert_string_equal(kind_of_name("list a tar", "tar"), "name");
}

static void plan_weighs_function_words_less(void **state)
{
	(void)state;
	static struct plan p;
	const char *q = "git commit: undo the last one";
	plan_make(&p, q, strlen(q));
	assert_true(p.term[3].stop && p.term[3].weight < 1);
	plan_make(&p, "the log of the log of the log", 29);
	assert_true(p.term[0].stop && p.term[0].weight < 1);
	assert_true(p.term[1].weight == 3);
}

static void plan_of_a_long_question_has_its_first_words(void **state)
{
	(void)state;
	static struct { struct plan p; char behind[256]; } it;
	char q[4096] = "";
	for (int i = 0; i < 400; i++)
		sprintf(q + strlen(q), "x%d ", i);
	plan_make(&it.p, q, strlen(q));
	assert_int_equal(it.p.n_term, PLAN_MAX_TERMS);
	assert_memory_equal(it.p.term[PLAN_MAX_TERMS - 1].s, "x255", 4);
	assert_int_equal(it.p.n_name, PLAN_MAX_NAMES - 3);	/* none begins behind the last word */
	assert_string_equal(kind_of_name(q, "x61-x62-x63"), "name");
	assert_string_equal(kind_of_name(q, "x64"), "");
	for (size_t i = 0; i < sizeof it.behind; i++)
		assert_int_equal(it.behind[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stem_known_words_gives_published_stems),
		cmocka_unit_test(stem_every_short_string_stays_within_it),
		cmocka_unit_test(scan_identifiers_keeps_them_whole_and_in_parts),
		cmocka_unit_test(scan_punctuation_gives_nothing),
		cmocka_unit_test(scan_unicode_folds_and_separates),
		cmocka_unit_test(scan_overlong_word_is_cut_and_literal_left_out),
		cmocka_unit_test(is_stop_knows_stems_of_function_words),
		cmocka_unit_test(plan_joins_words_to_names_and_marks_those_before_a_colon),
		cmocka_unit_test(plan_finds_names_within_what_stands_around_them),
		cmocka_unit_test(plan_tells_names_that_are_meant),
		cmocka_unit_test(plan_weighs_function_words_less),
		cmocka_unit_test(plan_of_a_long_question_has_its_first_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
