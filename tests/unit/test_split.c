/* SPDX-License-Identifier: Apache-2.0
 *
 * split: bounds, places, overlap and completeness; cut: sentences and graphemes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenize/docmsg.h"
#include "tokenize/docwork.h"
#include "tokenize/split_types.h"

struct got {
	char text[4096], sec[200];
	enum unit unit;
	struct place at;
	size_t len, n_tok, n_sec;
	unsigned hidden;
};
static struct got got[4096];
static size_t n_got;

/* The linker puts this in place of realloc (Makefile): the call with which n_left gets to 0 fails. */
static long n_left;
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
	return n_left && --n_left == 0 ? NULL : __real_realloc(p, n);
}

static int keep(void *arg, const struct split_chunk *c, struct err *e)
{
	(void)arg, (void)e;
	struct got *g = &got[n_got++];
	assert_true(n_got < 4096);
	assert_true(c->len < sizeof g->text);
	memcpy(g->text, c->text, c->len);
	g->text[c->len] = 0;
	g->len = c->len;
	g->unit = c->unit;
	g->at = c->at;
	g->n_tok = c->n_tok;
	g->n_sec = c->n_sec;
	g->hidden = c->hidden;
	g->sec[0] = 0;
	for (size_t i = 0; i < c->n_sec; i++) {
		size_t k = strlen(g->sec);
		snprintf(g->sec + k, sizeof g->sec - k, "%s%s", i ? "/" : "", c->sec[i]);
	}
	return 0;
}

static struct count *counter;

static struct split *start(size_t limit)
{
	n_got = 0;
	counter = count_new(NULL);
	struct split *s = split_new(counter, limit, keep, NULL);
	assert_non_null(s);
	return s;
}

static void finish(struct split *s)
{
	struct err e = {0};
	assert_int_equal(split_close(s, &e), 0);
	split_free(s);
	count_free(counter);
}

static void text(struct split *s, const char *p, uint64_t off, uint64_t line)
{
	split_text(s, p, strlen(p), off, line);
}

static const struct place nowhere = { 0, 1, 1, 1 };

static void split_title_that_comes_late_leaves_room(void **state)
{
	(void)state;
	char title[200] = "", para[] = "Words of a preamble that stands before the title.";
	for (size_t i = 0; i + 6 < sizeof title; i += 6)
		memcpy(title + i, "title ", 7);
	struct split *s = start(128);
	split_title(s, "x", 1);
	for (uint64_t i = 0; i < 40; i++) {
		text(s, para, 100 * i, i + 1);
		split_block(s, BLOCK_PARA);
		if (i == 9)
			split_title(s, title, strlen(title));
	}
	finish(s);
	assert_true(n_got > 3);
	for (size_t i = 0; i < n_got; i++)
		assert_true(got[i].n_tok <= 128);
}

static void split_small_paragraphs_are_one_section(void **state)
{
	(void)state;
	struct split *s = start(256);
	split_heading(s, 1, "HEAD", 4, nowhere, UNIT_SECTION);
	text(s, "One.", 10, 2);
	split_block(s, BLOCK_PARA);
	text(s, "Two.", 20, 4);
	finish(s);
	assert_int_equal(n_got, 1);
	assert_string_equal(got[0].text, "One.\n\nTwo.");
	assert_string_equal(got[0].sec, "HEAD");
	assert_int_equal(got[0].unit, UNIT_SECTION);
	assert_int_equal(got[0].at.b0, 10);
	assert_int_equal(got[0].at.b1, 24);
	assert_int_equal(got[0].at.l0, 2);
	assert_int_equal(got[0].at.l1, 4);
}

static void split_long_paragraph_overlaps_by_a_sentence(void **state)
{
	(void)state;
	struct split *s = start(64);
	char p[8192] = "";
	for (int i = 0; i < 60; i++)
		snprintf(p + strlen(p), 64, "Sentence %c goes on for some words here. ", 'A' + i % 26);
	text(s, p, 0, 1);
	finish(s);
	assert_true(n_got > 5);
	for (size_t i = 0; i < n_got; i++) {
		assert_true(got[i].n_tok <= 64);
		/* The text is the source at its place. */
		assert_memory_equal(got[i].text, p + got[i].at.b0, got[i].len);
		assert_int_equal(got[i].at.b1 - got[i].at.b0, got[i].len);
		assert_memory_equal(got[i].text, "Sentence", 8);
		if (i > 0)
			assert_true(got[i].at.b0 < got[i - 1].at.b1);
	}
}

static void split_every_byte_comes_out(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 40; round++) {
		struct split *s = start(32 + (size_t)rand() % 60);
		static char p[40000];
		static char seen[40000];
		size_t n = 1000 + (size_t)rand() % 30000;
		const char *alphabet = round % 3 ? "ab c. D\n" : "abcdefgh";
		for (size_t i = 0; i < n; i++)
			p[i] = alphabet[rand() % 8];
		memset(seen, 0, sizeof seen);
		uint64_t line = 1;
		for (size_t i = 0; i < n;) {
			size_t k = 1 + (size_t)rand() % 3000;
			if (k > n - i)
				k = n - i;
			if (rand() % 4 == 0)
				split_block(s, rand() % 2 ? BLOCK_PARA : BLOCK_CODE);
			split_text(s, p + i, k, i, line);
			for (size_t j = i; j < i + k; j++)
				line += p[j] == '\n';
			i += k;
		}
		finish(s);
		for (size_t i = 0; i < n_got; i++)
			for (uint64_t b = got[i].at.b0; b < got[i].at.b1; b++)
				seen[b] = 1;
		for (size_t i = 0; i < n; i++)
			assert_true(seen[i] || p[i] == ' ' || p[i] == '\n');
	}
}

static void split_a_thousand_paragraphs_fit_a_large_chunk(void **state)
{
	(void)state;
	struct split *s = start(8192);
	size_t n = 0;
	for (uint64_t i = 0; i < 1000; i++) {
		text(s, "a", 3 * i, 2 * i + 1);
		split_block(s, BLOCK_PARA);
	}
	finish(s);
	for (size_t i = 0; i < n_got; i++) {
		assert_int_equal(got[i].at.b0, 3 * n);
		for (size_t k = 0; k < got[i].len; k++)
			n += got[i].text[k] == 'a';
	}
	assert_int_equal(n, 1000);
}

static void split_entry_is_a_unit_and_joins_empty_heads(void **state)
{
	(void)state;
	struct split *s = start(256);
	split_heading(s, 1, "OPTIONS", 7, nowhere, UNIT_SECTION);
	for (int i = 0; i < 2; i++) {
		split_entry_begin(s);
		text(s, i ? "--all" : "-a", (uint64_t)i * 10, 2);
		split_entry_head_end(s);
		if (i)
			text(s, "All of it.", 20, 3);
		split_entry_end(s);
	}
	text(s, "After.", 40, 5);
	finish(s);
	assert_int_equal(n_got, 2);
	assert_string_equal(got[0].sec, "OPTIONS/-a, --all");
	assert_string_equal(got[0].text, "-a, --all\nAll of it.");
	assert_int_equal(got[0].unit, UNIT_OPTION);
	assert_int_equal(got[1].unit, UNIT_PARA);
	assert_string_equal(got[1].sec, "OPTIONS");
}

static void split_text_of_several_lines_has_their_numbers(void **state)
{
	(void)state;
	struct split *s = start(32);
	split_block(s, BLOCK_CODE);
	for (uint64_t i = 0; i < 20; i++)
		text(s, "the first of two lines of code\nand the second of them\n", 54 * i, 2 * i + 1);
	finish(s);
	assert_true(n_got > 3);
	for (size_t i = 0; i < n_got; i++) {
		bool second = got[i].text[0] == 'a';
		assert_int_equal(got[i].at.l0, got[i].at.b0 / 54 * 2 + 1 + second);
		assert_int_equal(got[i].at.l1, (got[i].at.b1 - 1) / 54 * 2 + 1 + ((got[i].at.b1 - 1) % 54 > 30));
	}
	assert_int_equal(got[n_got - 1].at.l1, 40);
}

static void split_heading_over_nothing_is_text(void **state)
{
	(void)state;
	struct split *s = start(256);
	split_heading(s, 1, "Alone", 5, nowhere, UNIT_SECTION);
	split_heading(s, 1, "Above", 5, nowhere, UNIT_SECTION);
	split_heading(s, 2, "Below", 5, nowhere, UNIT_SECTION);
	text(s, "x", 0, 1);
	finish(s);
	assert_int_equal(n_got, 2);
	assert_string_equal(got[0].text, "Alone");
	assert_string_equal(got[1].sec, "Above/Below");
}

static void split_headings_below_the_deepest_take_its_place(void **state)
{
	(void)state;
	struct split *s = start(256);
	for (int i = 1; i <= 12; i++) {
		char head[8];
		snprintf(head, sizeof head, "H%d", i);
		split_heading(s, i, head, strlen(head), nowhere, UNIT_SECTION);
		text(s, "words", (uint64_t)i * 10, (uint64_t)i);
	}
	finish(s);
	assert_int_equal(n_got, 12);
	assert_string_equal(got[7].sec, "H1/H2/H3/H4/H5/H6/H7/H8");
	assert_string_equal(got[8].sec, "H1/H2/H3/H4/H5/H6/H7/H9");
	assert_string_equal(got[11].sec, "H1/H2/H3/H4/H5/H6/H7/H12");
}

static void split_huge_title_and_headings_leave_room(void **state)
{
	(void)state;
	struct split *s = start(64);
	char big[5000];
	memset(big, 'x', sizeof big);
	for (size_t i = 7; i < sizeof big; i += 8)
		big[i] = ' ';
	split_title(s, big, sizeof big);
	for (int i = 1; i < 12; i++)
		split_heading(s, i, big, sizeof big, nowhere, UNIT_SECTION);
	split_entry_begin(s);
	split_text(s, big, sizeof big, 0, 1);
	split_entry_head_end(s);
	text(s, "body", 5000, 2);
	split_entry_end(s);
	finish(s);
	assert_true(n_got > 10);
	for (size_t i = 0; i < n_got; i++)
		assert_true(got[i].n_tok <= 64);
	assert_non_null(strstr(got[n_got - 1].text, "body"));
}

static void split_ill_formed_text_keeps_offsets(void **state)
{
	(void)state;
	struct split *s = start(256);
	split_text(s, "\xFFok\0\xC3", 5, 100, 9);
	finish(s);
	assert_string_equal(got[0].text, "\xEF\xBF\xBDok\xEF\xBF\xBD\xEF\xBF\xBD");
	assert_int_equal(got[0].at.b0, 100);
	assert_int_equal(got[0].at.b1, 105);
}

/* NULs, bytes that begin nothing, characters that are cut, in every order: one U+FFFD for each, and no other byte moves. */
static void split_ill_formed_text_of_every_order(void **state)
{
	(void)state;
	static const struct { const char *in; size_t n; const char *out; } part[] = {
		{ "\0", 1, "\xEF\xBF\xBD" }, { "\xFF", 1, "\xEF\xBF\xBD" }, { "\xE2\x82", 2, "\xEF\xBF\xBD" }, { "a", 1, "a" },
		{ "\xC3\xBC", 2, "\xC3\xBC" },
	};
	enum { N = 5, LEN = 4 };
	for (size_t code = 0; code < N * N * N * N; code++) {
		char in[16], want[32] = "";
		size_t n = 0;
		for (size_t i = 0, c = code; i < LEN; i++, c /= N) {
			memcpy(in + n, part[c % N].in, part[c % N].n);
			n += part[c % N].n;
			strncat(want, part[c % N].out, 4);
		}
		for (int made = 0; made < 2; made++) {
			struct split *s = start(256);
			if (made)
				split_made(s, in, n, (struct place){ 7, 7 + n, 1, 1 });
			else
				split_text(s, in, n, 7, 1);
			finish(s);
			assert_int_equal(n_got, 1);
			assert_string_equal(got[0].text, want);
			assert_int_equal(got[0].at.b0, 7);
			assert_int_equal(got[0].at.b1, 7 + n);
		}
	}
}

static void split_callback_failure_sticks(void **state);
static int refuse(void *arg, const struct split_chunk *c, struct err *e)
{
	(void)arg, (void)c;
	return err_set(e, ERR_IO, ERR_NO_OFFSET, "no");
}
static void split_callback_failure_sticks(void **state)
{
	(void)state;
	counter = count_new(NULL);
	struct split *s = split_new(counter, 256, refuse, NULL);
	struct err e = {0};
	for (int i = 0; i < 100; i++) {
		split_heading(s, 1, "H", 1, nowhere, UNIT_SECTION);
		text(s, "text", 0, 1);
	}
	assert_int_equal(split_close(s, &e), ERR_IO);
	assert_string_equal(e.msg, "no");
	split_free(s);
	count_free(counter);
}

static void cut_sentence_knows_abbreviations(void **state)
{
	(void)state;
	const char *p = "See e.g. Mr. Smith. Then go! (Or not.) done. \xE3\x80\x82" "end";
	size_t a = cut_sentence(p, strlen(p));
	assert_int_equal(a, strlen("See e.g. Mr. Smith. "));
	assert_int_equal(cut_sentence(p + a, strlen(p + a)), strlen("Then go! "));
	assert_int_equal(cut_sentence("no end", 6), 6);
	const char *initial = "By J. Smith. Next";
	assert_int_equal(cut_sentence(initial, strlen(initial)), strlen("By J. Smith. "));
	const char *lower = "The end. of it. Next";
	assert_int_equal(cut_sentence(lower, strlen(lower)), strlen("The end. of it. "));
	assert_int_equal(cut_sentence("\xE3\x80\x82xx", 5), 3);
}

static void cut_grapheme_keeps_clusters(void **state)
{
	(void)state;
	const char *e_acute = "aaae\xCC\x81" "bbb";		/* e + combining acute: bytes 3..6 */
	assert_int_equal(cut_grapheme(e_acute, strlen(e_acute), 4), 3);
	assert_int_equal(cut_grapheme(e_acute, strlen(e_acute), 6), 6);
	const char *flag = "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA";	/* two flags */
	assert_int_equal(cut_grapheme(flag, 16, 12), 8);
	char bomb[3001] = "a";
	for (int i = 1; i + 1 < 3000; i += 2)
		memcpy(bomb + i, "\xCC\x81", 2);
	size_t k = cut_grapheme(bomb, 2999, 1000);
	assert_true(k > 0 && k <= 1000);
}

static void cut_hidden_finds_what_is_not_seen(void **state)
{
	(void)state;
	assert_int_equal(cut_hidden("plain\ttext\n", 11), 0);
	assert_int_equal(cut_hidden("\x7F", 1), HIDDEN_CONTROL);
	assert_int_equal(cut_hidden("\xE2\x80\xAE", 3), HIDDEN_BIDI);
	assert_int_equal(cut_hidden("\xE2\x80\x8B", 3), HIDDEN_ZERO_WIDTH);
	assert_int_equal(cut_hidden("\xF3\xA0\x81\x81\x1B", 5), HIDDEN_TAG | HIDDEN_CONTROL);
}

/* ---- documents whole ---- */

static int add_chunk(void *arg, const struct split_chunk *c, struct err *e)
{
	char *to = arg;
	size_t k = strlen(to);
	(void)e;
	k += (size_t)snprintf(to + k, 4096 - k, "[%s|", c->title);
	for (size_t i = 0; i < c->n_sec; i++)
		k += (size_t)snprintf(to + k, 4096 - k, "%s/", c->sec[i]);
	snprintf(to + k, 4096 - k, "|%.*s]", (int)c->len, c->text);
	return 0;
}

/* All that comes of a document, into to[4096]; the call of realloc that n_left says fails. */
static int read_text(enum doc_type type, const char *p, long nth, char *to)
{
	struct src src;
	struct doc_info d = { .file = "lamp.1", .title = "lamp.1" };
	struct err e = {0};
	struct split *s = split_new(counter, 64, add_chunk, to);
	to[0] = '\0';
	assert_int_equal(src_open_mem(&src, p, strlen(p), "lamp.1", &e), 0);
	n_left = nth;
	int r = type == DOC_MARKDOWN ? split_markdown(s, &src, &d, &e) : type == DOC_HTML ? split_html(s, &src, &d, &e) :
		type == DOC_CODE ? split_code(s, &src, &d, &e) : type == DOC_MAN ? split_man(s, &src, &d, NULL, &e) :
		split_plain(s, &src, &d, &e), end = split_close(s, &e);
	if (nth && n_left)
		r = 1;		/* there were fewer calls */
	n_left = 0;
	strcat(to, d.title);
	split_free(s);
	src_close(&src);
	return r ? r : end;
}

static void whatever_there_is_no_memory_for_is_no_shorter_document(void **state)
{
	static const struct { enum doc_type type; const char *text; } doc[] = {
		{ DOC_TEXT, "Lamps\n=====\n\nThey burn oil.\n\nOil is colza.\n" },
		{ DOC_MARKDOWN, "# Lamps\n\nThey burn oil.\n\n- colza\n- whale\n\n```\nlamp on\n```\n" },
		{ DOC_CODE, "/* Switches lamps. */\nint on;\n\nint off;\n" },
		{ DOC_HTML, "<title>The lamps of a light house, which burn all night, and how they are lit</title>"
			"<h1>Lamps and what they burn when no oil is to be had on the whole island</h1>"
			"<p>Oil.<dl><dt>-a<dd>all of them</dl><table><tr><td>a<td>b</table>" },
		{ DOC_MAN, ".TH LAMP 1\n.SH NAME\nlamp \\- switch the signal lamps of a light house\n"
			".SH OPTIONS\n.TP\n.BR \\-a , \\-\\-all\n"
			"Switch all of them, whatever they burn and whoever lit them before.\n.PP\n\\fB\\-b\\fR\n.RS\nBegin.\n.RE\n"
			".SH \"SEE THE OTHER LAMPS THAT ARE LIT ON THE ISLAND EVERY NIGHT\"\nbell(1)\n" },
	};
	char want[4096], now[4096];
	(void)state;
	counter = count_new(NULL);
	for (size_t i = 0; i < sizeof doc / sizeof *doc; i++) {
		int r = 0;
		assert_int_equal(read_text(doc[i].type, doc[i].text, 0, want), 0);
		for (long nth = 1; r <= 0; nth++) {
			r = read_text(doc[i].type, doc[i].text, nth, now);
			if (r == 0)
				assert_string_equal(now, want);
			else if (r < 0)
				assert_int_equal(r, ERR_MEM);
			else
				assert_true(nth > 4);
		}
	}
	count_free(counter);
}

/* Has a thread read `job`; the call of realloc that n_left says fails. True if what came, into to[4096], is the whole of it: no error, and
 * nothing that there was no memory for. */
static bool work(const struct read_job *job, long nth, char *to, size_t *n, bool *fewer)
{
	const struct read_opts o = { .limit = 64 };
	struct docwork *w;
	struct buf out = {0};
	struct err e = {0};
	bool is_whole = true;
	*n = 0;
	assert_int_equal(docwork_open(&w, &o, 1, 1, &e), 0);
	n_left = nth;
	docwork_put(w, job);
	while (docwork_take(w, &out)) {
		struct cursor c = cursor_of(out.data, out.len);
		struct msg m;
		while (!out.failed && msg_get(&c, &m))
			is_whole &= m.kind != MSG_ERROR;
		is_whole &= !out.failed;
		assert_true(!is_whole || cursor_ok(&c));
		assert_true(*n + out.len < 4096);
		if (out.len)
			memcpy(to + *n, out.data, out.len);
		*n += out.len;
		buf_clear(&out);
	}
	*fewer = n_left > 0;
	n_left = 0;
	docwork_close(w);
	buf_release(&out);
	assert_true(!is_whole || *n > 0);	/* nothing at all would be silence */
	return is_whole;
}

static void a_document_there_is_no_memory_for_is_an_error_or_a_failure(void **state)
{
	static const char json[] = "{\"id\":\"lamps\",\"title\":\"Lamps\",\"text\":\"They burn oil.\\n\\nOil is colza, or else it is whale.\"}";
	const struct read_job job = { .kind = READ_JSON, .path = "in", .json = json, .json_len = sizeof json - 1, .line = 1 };
	char want[4096], now[4096];
	size_t n_want, n = 0;
	bool fewer = false;
	(void)state;
	assert_true(work(&job, 0, want, &n_want, &fewer));
	fewer = false;
	for (long nth = 1; !fewer; nth++)
		if (work(&job, nth, now, &n, &fewer))
			assert_true(n == n_want && memcmp(now, want, n) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_small_paragraphs_are_one_section),
		cmocka_unit_test(split_title_that_comes_late_leaves_room),
		cmocka_unit_test(split_long_paragraph_overlaps_by_a_sentence),
		cmocka_unit_test(split_every_byte_comes_out),
		cmocka_unit_test(split_a_thousand_paragraphs_fit_a_large_chunk),
		cmocka_unit_test(split_entry_is_a_unit_and_joins_empty_heads),
		cmocka_unit_test(split_text_of_several_lines_has_their_numbers),
		cmocka_unit_test(split_heading_over_nothing_is_text),
		cmocka_unit_test(split_headings_below_the_deepest_take_its_place),
		cmocka_unit_test(split_huge_title_and_headings_leave_room),
		cmocka_unit_test(split_ill_formed_text_keeps_offsets),
		cmocka_unit_test(split_ill_formed_text_of_every_order),
		cmocka_unit_test(split_callback_failure_sticks),
		cmocka_unit_test(whatever_there_is_no_memory_for_is_no_shorter_document),
		cmocka_unit_test(a_document_there_is_no_memory_for_is_an_error_or_a_failure),
		cmocka_unit_test(cut_sentence_knows_abbreviations),
		cmocka_unit_test(cut_grapheme_keeps_clusters),
		cmocka_unit_test(cut_hidden_finds_what_is_not_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
