/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures against values computed by hand, and the word test at its edges.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "retrieve/metric.h"

static void ndcg_is_one_for_the_ideal_order(void **state)
{
	(void)state;
	int grade[] = { 2, 1, 0 }, ideal[] = { 1, 2 };
	assert_float_equal(metric_ndcg(grade, 3, ideal, 2, 10), 1, 1e-12);
}

static void ndcg_uses_linear_gain_and_log2_discount(void **state)
{
	(void)state;
	/* DCG = 1/log2(2) + 2/log2(4) = 2; ideal = 2/log2(2) + 1/log2(3) = 2.63093 */
	int grade[] = { 1, 0, 2 }, ideal[] = { 2, 1 };
	assert_float_equal(metric_ndcg(grade, 3, ideal, 2, 10), (float)(2 / (2 + 1 / log2(3))), 1e-6F);
}

static void ndcg_stops_at_the_cut(void **state)
{
	(void)state;
	int grade[] = { 0, 0, 1 }, ideal[] = { 1 };
	assert_float_equal(metric_ndcg(grade, 3, ideal, 1, 2), 0, 1e-12);
	assert_float_equal(metric_ndcg(grade, 3, ideal, 0, 10), 0, 1e-12);
}

static void recall_counts_every_relevant_document(void **state)
{
	(void)state;
	int grade[] = { 0, 1, 0, 2 };
	assert_float_equal(metric_recall(grade, 4, 4, 10), 0.5, 1e-12);
	assert_float_equal(metric_recall(grade, 4, 4, 2), 0.25, 1e-12);
	assert_float_equal(metric_recall(grade, 4, 0, 10), 0, 1e-12);
}

static void rr_waits_for_the_wanted_grade(void **state)
{
	(void)state;
	int grade[] = { 1, 0, 2 };
	assert_float_equal(metric_rr(grade, 3, 1, 10), 1, 1e-12);
	assert_float_equal(metric_rr(grade, 3, 2, 10), 1.0 / 3, 1e-12);
	assert_float_equal(metric_rr(grade, 3, 3, 10), 0, 1e-12);
}

static void has_word_wants_free_ends(void **state)
{
	(void)state;
	static const struct { const char *text, *flag; bool found; } row[] = {
		{ "use -r.", "-r", true },	{ "`--list`", "--list", true },	{ "--width=80", "--width", true },
		{ "-rf", "-r", false },		{ "--r", "-r", false },		{ "--list-all", "--list", false },
		{ "x-r", "-r", false },		{ "-rf -r", "-r", true },	{ "", "-r", false },
		{ "-r", "-r", true },		{ "[-r|--raw]", "-r", true },	{ "-r", "", false },
		{ "-r_", "-r", false },		{ "_-r", "-r", false },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		assert_int_equal(metric_has_word(row[i].text, strlen(row[i].text), row[i].flag), row[i].found);
}

static void doc_id_is_the_base_name_without_gz(void **state)
{
	(void)state;
	static const char *const row[][2] = {
		{ "/usr/share/man/man1/tar.1.gz", "tar.1" }, { "4983", "4983" }, { "a/b.md", "b.md" }, { ".gz", ".gz" }, { "a/", "" },
	};
	char out[16];
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_true(metric_doc_id(row[i][0], strlen(row[i][0]), out, sizeof out));
		assert_string_equal(out, row[i][1]);
	}
	assert_false(metric_doc_id("0123456789abcdef", 16, out, sizeof out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ndcg_is_one_for_the_ideal_order),
		cmocka_unit_test(ndcg_uses_linear_gain_and_log2_discount),
		cmocka_unit_test(ndcg_stops_at_the_cut),
		cmocka_unit_test(recall_counts_every_relevant_document),
		cmocka_unit_test(rr_waits_for_the_wanted_grade),
		cmocka_unit_test(has_word_wants_free_ends),
		cmocka_unit_test(doc_id_is_the_base_name_without_gz),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
