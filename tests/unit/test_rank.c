/* SPDX-License-Identifier: Apache-2.0
 *
 * lexical, dense, fuse, source: scores against ones computed by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "retrieve/find.h"
#include "retrieve/source.h"
#include "tests/unit/corpus.h"

static const char *const d0[] = { "alpha alpha beta", "beta" };
static const char *const d1[] = { "alpha gamma delta epsilon" };
static const char *const d2[] = { "zeta", "zeta eta" };

static void assert_near(float got, double want)
{
	assert_true(fabs((double)got - want) < 1e-5);
}

static void make(struct finder *f, char dir[64])
{
	struct err e = {0};
	struct writer *w;
	struct find_filter none = {0};
	corpus_dir(dir);
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	corpus_add(w, "d0", "", d0, 2, 4, 0);
	corpus_add(w, "d1", "", d1, 1, 4, 2);
	assert_int_equal(writer_commit(w, &e), 0);
	corpus_add(w, "d2", "", d2, 2, 0, 0);	/* a second segment, without vectors */
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
	assert_int_equal(finder_open(f, dir, &none, scan_select(NULL, NULL), &e), 0);
}

static void lexical_scores_are_those_computed_by_hand(void **state)
{
	(void)state;
	char dir[64];
	struct finder f;
	struct err e = {0};
	struct lexical l;
	static struct plan p;
	make(&f, dir);
	plan_make(&p, "alpha beta", 10);
	assert_int_equal(lexical_run(&l, &f.store, &p, &lexical_default, &e), 0);
	/* 5 chunks of 3 1 4 1 2 words, mean 2.2; alpha is in 2, beta in 2; both idf ln(1 + 3.5 / 2.5) */
	double n0 = 0.9 * (0.25 + 0.75 * 3 / 2.2), n2 = 0.9 * (0.25 + 0.75 * 4 / 2.2);
	assert_near(l.chunk[0], (2 / (2 + n0) + 1 / (1 + n0)) / 2);
	assert_near(l.chunk[2], 1 / (1 + n2) / 2);
	assert_near(l.chunk[3], 0);
	/* 3 documents of 4 4 3 words, mean 11/3; alpha is in 2, beta in 1 */
	double ia = log(1 + 1.5 / 2.5), ib = log(1 + 2.5 / 1.5), n = 0.9 * (0.25 + 0.75 * 4 / (11.0 / 3));
	assert_near(l.doc[0], (ia + ib) * 2 / (2 + n) / (ia + ib));
	assert_near(l.doc[1], ia / (1 + n) / (ia + ib));
	assert_near(l.cover[0], 1);
	/* cover and known count a hundred documents more */
	double ca = log(1 + 101.5 / 2.5), cb = log(1 + 102.5 / 1.5), cu = log(1 + 103.5 / 0.5);
	assert_near(l.cover[1], ca / (ca + cb));
	assert_near(l.cover[2], 0);
	assert_near(l.known, 1);
	lexical_release(&l);
	plan_make(&p, "the unheard alpha beta unseen", 29);
	assert_int_equal(lexical_run(&l, &f.store, &p, &lexical_default, &e), 0);
	assert_near(l.cover[0], (ca + cb) / (ca + cb + 2 * cu));
	assert_near(l.known, (ca + cb) / (ca + cb + 2 * cu * 3 / 103));	/* what a small index lacks says little */
	lexical_release(&l);
	finder_close(&f);
	corpus_remove(dir);
}

/* Two chunks of a word below a word: what stands in a heading counts as what stands in a text does. */
static void lexical_counts_the_words_of_headings(void **state)
{
	(void)state;
	char dir[64];
	struct writer *w;
	struct store s;
	struct lexical l;
	struct err e = {0};
	static struct plan p;
	corpus_dir(dir);
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	for (int i = 0; i < 2; i++) {
		struct segment_doc d = { .doc = str_of(i ? "d1" : "d0") };
		struct segment_chunk c = { .text = str_of("beta"), .sec = { str_of(i ? "beta" : "alpha") }, .n_sec = 1 };
		assert_int_equal(writer_doc(w, &d, &e), 0);
		assert_int_equal(writer_chunk(w, &c, NULL, 0, 0, &e), 0);
	}
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
	assert_int_equal(store_open(&s, dir, &e), 0);
	plan_make(&p, "alpha", 5);
	assert_int_equal(lexical_run(&l, &s, &p, &lexical_default, &e), 0);
	assert_near(l.chunk[0], 1 / (1 + 0.9));
	assert_near(l.inner[0], 1 / (1 + 0.9));
	assert_near(l.doc[0], 1 / (1 + 0.9));
	assert_near(l.doc[1], 0);
	lexical_release(&l);
	store_close(&s);
	corpus_remove(dir);
}

static void dense_finds_the_nearest_and_knows_what_has_no_vector(void **state)
{
	(void)state;
	char dir[64];
	struct finder f;
	struct err e = {0};
	struct dense d;
	_Alignas(64) int8_t q[64] = { 0, 127 };
	make(&f, dir);
	assert_int_equal(dense_run(&d, &f.store, f.scan, q, 4, 1.0f / 127, &e), 0);
	assert_int_equal(d.n_row, 3);
	assert_near(d.cos[1], 1);
	assert_near(d.cos[0], 0);
	assert_true(d.cos[3] <= DENSE_NONE);
	dense_release(&d);
	assert_int_equal(dense_run(&d, &f.store, f.scan, q, 5, 1, &e), ERR_CONF);
	finder_close(&f);
	corpus_remove(dir);
}

static void dense_finds_each_of_many_chunks(void **state)
{
	(void)state;
	enum { N = 300 };
	static const char *text[N];
	_Alignas(64) int8_t q[VECTORS_MAX_DIM] = {0};
	char dir[64];
	struct writer *w;
	struct store s;
	struct dense d;
	struct err e = {0};
	corpus_dir(dir);
	for (size_t i = 0; i < N; i++)
		text[i] = "alpha";
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	corpus_add(w, "d", "", text, N, N, 0);
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
	assert_int_equal(store_open(&s, dir, &e), 0);
	for (size_t i = 0; i < N; i++) {
		q[i] = 127;
		assert_int_equal(dense_run(&d, &s, scan_select(NULL, NULL), q, N, 1.0f / 127, &e), 0);
		assert_int_equal(d.n_row, N);
		assert_near(d.cos[i], 1);
		assert_near(d.mean, 1.0 / N);
		dense_release(&d);
		q[i] = 0;
	}
	store_close(&s);
	corpus_remove(dir);
}

static void finder_ranks_by_words_while_many_vectors_are_missing(void **state)
{
	(void)state;
	char dir[64];
	struct finder f;
	struct err e = {0};
	struct find_hit hit[8];
	size_t n;
	_Alignas(64) int8_t code[64] = { 0, 127 };
	make(&f, dir);
	/* a little about d1, much about d2, and near in meaning to d0; d2 has no vector */
	struct find_query q = { .text = "zeta eta gamma", .text_len = 14, .lexical = true, .dense = true, .code = code, .dim = 4,
		.scale = 1.0f / 127, .n = 8 };
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), 0);
	assert_true(n > 1 && hit[0].i_seg == 1);
	assert_true(hit[0].cos <= DENSE_NONE && hit[n - 1].cos <= DENSE_NONE);
	q.dim = 5;	/* said all the same */
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), ERR_CONF);
	q.dim = 4;
	q.lexical = false;
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), 0);
	assert_true(n > 1 && hit[0].i_seg == 0);
	assert_near(hit[0].cos, 1);
	finder_close(&f);
	corpus_remove(dir);
}

static void finder_limits_hits_and_filters_documents(void **state)
{
	(void)state;
	char dir[64];
	struct finder f;
	struct err e = {0};
	struct find_hit hit[8];
	size_t n;
	make(&f, dir);
	struct find_query q = { .text = "alpha beta zeta", .text_len = 15, .lexical = true, .n = 8 };
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), 0);
	assert_int_equal(n, 5);
	q.per_doc = 1;
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), 0);
	assert_int_equal(n, 3);
	q.n = 2;
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), 0);
	assert_int_equal(n, 2);
	finder_close(&f);
	const char *pattern[] = { "d[12]" };
	struct find_filter filter = { .doc = pattern, .n_doc = 1 };
	assert_int_equal(finder_open(&f, dir, &filter, scan_select(NULL, NULL), &e), 0);
	q.n = 8;
	assert_int_equal(finder_run(&f, &q, hit, &n, &e), 0);
	assert_int_equal(n, 2);
	finder_close(&f);
	corpus_remove(dir);
}

static int names_first_chunk(void *arg, uint32_t chunk, bool *is, struct err *e)
{
	(void)arg, (void)e;
	*is = chunk == 0;
	return 0;
}

/* Of the second it is not told: its whole name was asked for. */
static int says_aside(void *arg, uint32_t doc, bool *is, struct err *e)
{
	(void)arg, (void)doc, (void)e;
	*is = true;
	return 0;
}

/* fuse.h has the formula. The third chunk is all of the second document, and has no vector. */
static void fused_scores_are_those_computed_by_hand(void **state)
{
	(void)state;
	float chunk[] = { 0.1f, 0.4f, 0.3f }, inner[] = { 0.1f, 0.2f, 0.3f }, doc[] = { 0.5f, 0.6f }, name[] = { 0.7f, 0 }, whole[] = { 0, 0.9f };
	float cos[] = { 0.8f, 0.2f, DENSE_NONE };
	const struct lexical l = { .n_chunk = 3, .n_doc = 2, .chunk = chunk, .inner = inner, .doc = doc, .name = name, .whole = whole };
	const struct dense d = { .n_chunk = 3, .n_row = 2, .cos = cos, .mean = 0.5f };
	const uint32_t doc_of[] = { 0, 0, 1 };
	const uint8_t unit[] = { UNIT_OPTION, UNIT_NAME, UNIT_PARA }, skip[2] = {0};
	const struct fuse_chunks c = { doc_of, unit, 3, 2 };
	const struct fuse_param par = { .chunk = 2, .doc = 3, .name = 5, .whole = 7, .cos = 11, .near = 13, .aside = 3, .inner = 17, .cos_inner = 19,
		.named = 23, .named_page = 29, .unit = { [UNIT_OPTION] = 31, [UNIT_NAME] = 50 } };
	const struct fuse_want want = { .n = 3, .skip_doc = skip, .named = names_first_chunk, .aside = says_aside };
	struct fuse_hit hit[3];
	struct err e = {0};
	size_t n;
	assert_int_equal(fuse_run(&l, &d, &c, &par, &want, hit, &n, &e), 0);
	assert_int_equal(n, 3);
	double page0 = 0.5 * 3 + 0.7 * 5 + (0.8 + 0.2) / 2 * 13 - 3 + (0.1 * 2 + 0.8 * 11);
	double page1 = 0.6 * 3 + 0.9 * 7 + 0.5 * 13 + (0.3 * 2 + 0.5 * 11);
	double inner0 = 0.1 * 17 + 0.8 * 19 + 23 + 31, inner1 = 0.2 * 17 + 0.2 * 19 + 50;
	assert_int_equal(hit[0].chunk, 0);
	assert_near(hit[0].fused, page0 + 29);
	assert_int_equal(hit[1].chunk, 2);
	assert_near(hit[1].fused, page1);
	assert_int_equal(hit[2].chunk, 1);
	assert_near(hit[2].fused, page0 - (inner0 - inner1));
	/* A chunk that is left out is not the best of its page. */
	const uint8_t without_first[] = { 1, 0, 0 };
	struct fuse_want some = want;
	some.skip_chunk = without_first;
	chunk[0] = cos[0] = 0.9f;
	assert_int_equal(fuse_run(&l, &d, &c, &par, &some, hit, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(hit[1].chunk, 1);
	assert_near(hit[1].fused, 0.5 * 3 + 0.7 * 5 + (0.9 + 0.2) / 2 * 13 - 3 + (0.4 * 2 + 0.2 * 11));
	for (int i = 0; i < 3; i++)	/* equals stand in their order */
		chunk[i] = inner[i] = cos[i] = doc[i / 2] = name[i / 2] = whole[i / 2] = 0.5f;
	assert_int_equal(fuse_run(&l, NULL, &c, &(struct fuse_param){ .chunk = 1, .inner = 1 }, &want, hit, &n, &e), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(hit[i].chunk, i);
}

static void source_quote_is_found_through_roff(void **state)
{
	(void)state;
	struct source s = {0};
	buf_puts(&s.text, ".TP\n.BR \\-x \", \" \\-\\-extract\nExtract \\fBfiles\\fP from an archive.\n");
	assert_true(source_has_quote(&s, 0, s.text.len, "-x, --extract", 13));
	assert_true(source_has_quote(&s, 0, s.text.len, "Extract files from an archive", 29));
	assert_false(source_has_quote(&s, 0, s.text.len, "Extract nothing from an archive", 31));
	assert_false(source_has_quote(&s, 0, 20, "from an archive", 15));
	assert_false(source_has_quote(&s, 0, s.text.len + 1, "files", 5));
	assert_false(source_has_quote(&s, 0, s.text.len, "...", 3));
	source_release(&s);
}

static void source_quote_is_found_beside_sizes_colours_and_strings_of_roff(void **state)
{
	(void)state;
	struct source s = {0};
	buf_puts(&s.text, "The \\s-1POSIX\\s0 locale, \\s10not\\s-2 \\m[blue]this\\m[], doesn\\*(Aqt "
		"\\*(L\"matter\\*(R\" \\f(CWhere\\fR; \\s48 hours; \\s");
	const char *const quote[] = { "the POSIX locale, not this", "this, doesn't \"matter\"", "matter here", "here; 8 hours" };
	for (size_t i = 0; i < sizeof quote / sizeof *quote; i++)
		assert_true(source_has_quote(&s, 0, s.text.len, quote[i], strlen(quote[i])));
	assert_false(source_has_quote(&s, 0, s.text.len, "Aqt", 3));
	source_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lexical_scores_are_those_computed_by_hand),
		cmocka_unit_test(lexical_counts_the_words_of_headings),
		cmocka_unit_test(dense_finds_the_nearest_and_knows_what_has_no_vector),
		cmocka_unit_test(dense_finds_each_of_many_chunks),
		cmocka_unit_test(finder_ranks_by_words_while_many_vectors_are_missing),
		cmocka_unit_test(finder_limits_hits_and_filters_documents),
		cmocka_unit_test(fused_scores_are_those_computed_by_hand),
		cmocka_unit_test(source_quote_is_found_through_roff),
		cmocka_unit_test(source_quote_is_found_beside_sizes_colours_and_strings_of_roff),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
