/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: the terms of a question, and what of it may be the name of a page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "index/segment.h"
#include "lib/base/buf.h"
#include "retrieve/plan.h"

static struct plan p;
static struct buf out;

static const char *end(void)
{
	while (out.len && out.data[out.len - 1] == ' ')
		out.len--;
	buf_putc(&out, 0);
	return out.data;
}

/* Each term, with ~ for a function word, $ for a literal, ? if it does not inform, - if it is ruled out, and its weight unless that is 1. */
static const char *terms(const char *question)
{
	plan_make(&p, question, strlen(question));
	buf_clear(&out);
	for (size_t i = 0; i < p.n_term; i++) {
		const struct plan_term *t = &p.term[i];
		buf_printf(&out, "%.*s%s%s%s%s", (int)t->n, t->s, t->stop ? "~" : "", t->literal ? "$" : "", t->informs ? "" : "?",
			t->ruled_out ? "-" : "");
		if (t->weight < 1 || t->weight > 1)
			buf_printf(&out, "*%g", (double)t->weight);
		buf_putc(&out, ' ');
	}
	return end();
}

/* Each name, with : if it is set off, ! if it is meant, and =TERM where its term is another. */
static const char *names(const char *question)
{
	plan_make(&p, question, strlen(question));
	buf_clear(&out);
	for (size_t i = 0; i < p.n_name; i++) {
		const struct plan_name *it = &p.name[i];
		assert_int_equal(it->s[0], SEGMENT_NAME_MARK);
		buf_printf(&out, "%.*s%s%s", (int)it->n - 1, it->s + 1, it->set_off ? ":" : "", it->meant ? "!" : "");
		if (it->n_term != it->n - 1 || memcmp(it->term, it->s + 1, it->n_term) != 0)
			buf_printf(&out, "=%.*s", (int)it->n_term, it->term);
		buf_putc(&out, ' ');
	}
	return end();
}

struct example { const char *question, *want; };

static void terms_are_those_of_the_question_each_once(void **state)
{
	(void)state;
	static const struct example examples[] = {
		{ "git commit: undo the last one", "git commit undo the~?*0.3 last one" },
		{ "the tar, the tar, TAR and -x, -x", "the~?*0.3 tar*3 and~?*0.3 -x$?*2" },
		{ "what is it", "what~*0.3 is~*0.3 it~*0.3" },
		{ "-x -y", "-x$ -y$" },
		{ "copy, copying the copyright", "copi*2 the~?*0.3 copyright" },
		{ "copy without following the links", "copi without follow- the~?*0.3 link" },
		{ "copy instead of all the links, except files", "copi instead of~?*0.3 all~?*0.3 the~?*0.3 link- except file-" },
		{ "don't copy links, but not the links or files, copy", "don't~?*0.3 copi*2 link*2 but~?*0.3 not~?*0.3 the~?*0.3 or~?*0.3 file" },
		{ "not links, without links", "not~?*0.3 link-*2 without" },
		{ "knot links, no links", "knot link*2 no~?*0.3" },
		{ "abcd abc", "abcd abc" },
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		assert_string_equal(terms(examples[i].question), examples[i].want);
}

static void names_are_up_to_three_words(void **state)
{
	(void)state;
	static const struct example examples[] = {
		{ "git commit: undo files", "git: git-commit: git-commit-undo commit commit-undo commit-undo-files undo undo-files files=file" },
		{ "apt: x", "apt: apt-x x" },
		{ "a b c: d", "a a-b: a-b-c: b b-c b-c-d c c-d d" },
		{ "a b c d: e", "a a-b a-b-c: b b-c b-c-d c c-d c-d-e d d-e e" },
		{ "a b", "a a-b b" },
		{ "list with tar", "list list-with list-with-tar with with-tar tar!" },
		{ "Using Tar's", "using=use using-tar tar!" },
		{ "the Tar command", "the the-tar! the-tar-command tar! tar-command command" },
		{ "tar(1) x", "tar! tar-x x" },
		{ "(`git commit`) x", "git git-commit! git-commit-x commit commit-x x" },
		{ "`git commit x", "git git-commit git-commit-x commit commit-x x" },
		{ "git commit` x", "git git-commit git-commit-x commit commit-x x" },
		{ "(git commit` x", "git git-commit git-commit-x commit commit-x x" },
		{ "`git commit) x", "git git-commit git-commit-x commit commit-x x" },
		{ "abcd abc", "abcd abcd-abc abc" },
		{ "with tar tar", "with with-tar with-tar-tar tar! tar-tar!" },
		{ "tar tar with tar", "tar! tar-tar tar-tar-with tar-with tar-with-tar with with-tar" },
		{ "in 2020 7z", "in in-2020 in-2020-7z 2020-7z! 7z" },
		{ "\"tar\", [sed]; 'awk'? .bashrc. <x>",
			"tar tar-sed tar-sed-awk sed sed-awk sed-awk-.bashrc awk awk-.bashrc awk-.bashrc-x .bashrc .bashrc-x x" },
		{ "\xe2\x80\x9ctar\xe2\x80\x9d \xe2\x80\x98sed\xe2\x80\x99s", "tar tar-sed sed" },
		{ "x's y\xe2\x80\x99s", "x x-y y" },
		{ "\xe2\x80\x94z \xe6\x84\x98", "\xe2\x80\x94z=z \xe2\x80\x94z-\xe6\x84\x98=\xe6\x84\x98 \xe6\x84\x98" },
		{ " ?! (1) ", "" },
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		assert_string_equal(names(examples[i].question), examples[i].want);
}

static void of_a_long_question_the_rest_is_left_out(void **state)
{
	(void)state;
	static char word[PLAN_MAX_TERMS + 10][8], q[8 * (PLAN_MAX_TERMS + 10)], longest[TERMS_MAX + 1];
	for (size_t i = 0; i < PLAN_MAX_TERMS + 10; i++) {
		snprintf(word[i], sizeof word[i], "x%zuz", i);
		strcat(strcat(q, word[i]), " ");
	}
	plan_make(&p, q, strlen(q));
	assert_int_equal(p.n_term, PLAN_MAX_TERMS);
	assert_int_equal(p.n_name, PLAN_MAX_NAMES - 3);		/* of the last words there are no three, and no two */
	assert_string_equal(p.name[p.n_name - 1].term, word[PLAN_MAX_WORDS - 1]);
	memset(longest, 'a', TERMS_MAX);
	assert_string_equal(names(longest), "");
	longest[TERMS_MAX - 1] = '\0';		/* with its mark it just fits */
	plan_make(&p, longest, TERMS_MAX - 1);
	assert_int_equal(p.n_name, 1);
	assert_int_equal(p.name[0].n, TERMS_MAX);
	assert_int_equal(p.term[0].n, p.name[0].n_term);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(terms_are_those_of_the_question_each_once),
		cmocka_unit_test(names_are_up_to_three_words),
		cmocka_unit_test(of_a_long_question_the_rest_is_left_out),
	};
	int failed = cmocka_run_group_tests(all, NULL, NULL);
	buf_release(&out);
	return failed;
}
