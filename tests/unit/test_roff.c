/* SPDX-License-Identifier: Apache-2.0
 *
 * roff_text: escapes; macro_find: the table is in order; doc types; lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/base/io.h"
#include "tokenize/html_entity.h"
#include "tokenize/man_macro.h"
#include "tokenize/roff_text.h"
#include "tokenize/split_types.h"

static void is(const char *roff, const char *want)
{
	struct buf b = {0};
	roff_text(roff, strlen(roff), &b);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
}

static void roff_text_escapes_become_text(void **state)
{
	(void)state;
	is("\\fB\\-x\\fR, \\f(CW\\-\\-get\\f[R]", "-x, --get");
	is("don\\(aqt \\[dq]quote\\[dq] \\*(Aqs", "don't \"quote\" 's");
	is("\\(bu\\ \\~\\0item\\|\\^\\&.", "\xE2\x80\xA2   item.");
	is("a\\s-1B\\s0C\\s+2D\\s12E\\s'3'F", "aBCDEF");
	is("\\h'-04'1.\\h'+01'\\c", "1. ");
	is("\\[u263A]\\[u0061_0301]\\[char65]", "\xE2\x98\xBA" "a\xCC\x81" "A");
	is("C:\\e\\\\\\(rs\\[rs]", "C:\\\\\\\\");
	is("see\\\" comment", "see");
	is("\\[no-such-glyph]\\(zz", "no-such-glyphzz");
	is("Andr\\('e \\[`a] \\(~N \\(vs \\(a~ \\(Lqx\\(Rq", "Andr\xC3\xA9 \xC3\xA0 \xC3\x91 \xC5\xA1 ~ \"x\"");
	is("\\[e aa]\\[u ad]\\[a ao]\\[c ac]\\[n ti]", "\xC3\xA9\xC3\xBC\xC3\xA5\xC3\xA7\xC3\xB1");
	is("it\\N'39's \\o'e\\(aa'", "it's e\xC2\xB4");
	is("a\\fPb\\s48c\\s48+d", "ab8c8+d");
	is("soft\\[u00AD]ly\\[u2010]\\~x\\[u00A0]y", "softly- x y");
	is("a\\v'1'b\\h'-1'c\\h'1'd\\n-x\\E\\te\\*(lqf\\*(rq\\*(xx", "abc d\\ e\"f\"");
	is("\\[u0041]\\[char126]\\[char255]\\[u41]", "A~\xC3\xBF" "u41");
	is("x\\#y", "x");
	is("a\034b\035c", "abc");
	is("co\\%op\\:er\036ate\037x", "cooper-ate x");
}

static void roff_text_says_whether_the_next_word_joins(void **state)
{
	(void)state;
	struct buf b = {0};
	assert_true(roff_text("a\\c", 3, &b));
	assert_false(roff_text("\\ca", 3, &b));
	assert_true(roff_begins_bold("\\fBa", 4) && roff_begins_bold("\\fIa", 4));
	assert_false(roff_begins_bold("\\fRa", 4) || roff_begins_bold("\\fPa", 4) || roff_begins_bold("\\f1a", 4) || roff_begins_bold("a", 1));
	buf_release(&b);
}

static void roff_text_cut_escapes_are_harmless(void **state)
{
	(void)state;
	static const char *const cut[] = { "\\", "\\f", "\\f(", "\\f(C", "\\[", "\\[u", "\\h", "\\h'", "\\s", "\\s+", "\\s'", "\\(",
		"\\(b", "\\C", "\\n+", "\\*", "\\[u99999999999]", "\\[uD800]", "\\[char999999999999]", "\\N", "\\N'", "\\N''",
		"\\N'99999999999'", "\\o", "\\o'", "\\o'\\o", "\\[e zz]" };
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		struct buf b = {0};
		roff_text(cut[i], strlen(cut[i]), &b);
		assert_true(b.len <= strlen(cut[i]));
		buf_release(&b);
	}
}

static void macro_find_finds_all_classes(void **state)
{
	(void)state;
	assert_int_equal(macro_find("TP")->cls, M_TAG);
	assert_int_equal(macro_find("AT")->cls, M_SKIP);
	assert_int_equal(macro_find("ti")->cls, M_SKIP);
	assert_int_equal(macro_find("Xr")->cls, M_XR);
	assert_int_equal(macro_find("Brq")->cls, M_ENC);
	assert_int_equal(macro_find("Bro")->cls, M_ENC);
	assert_int_equal(macro_find("Lp")->cls, M_SP);
	assert_int_equal(macro_find("nothing")->cls, M_PLAIN);
}

static void doc_type_follows_name_and_bytes(void **state)
{
	static const struct { const char *path, *bytes; enum doc_type want; } x[] = {
		{ "/m/tar.1", ".TH X 1\n", DOC_MAN }, { "/m/app.log.1", "12:00 started\n", DOC_TEXT }, { "/m/tar.n", "\\\" x\n.so y.1\n", DOC_MAN },
		{ "/m/tar.l", "'\\\" t\n", DOC_MAN }, { "/m/tar.l2", ".TH X 1\n", DOC_MAN }, { "/m/tar.lua", "-- x\n.SH X\n", DOC_CODE },
		{ "/man/x.page", "x\n.Sh NAME\n", DOC_MAN }, { "/m/x.page", "x\n.Sh NAME\n", DOC_TEXT }, { "/m/tar.1", "'.\\\" x\n", DOC_MAN },
		{ "/m/page", ".TH X 1\n", DOC_MAN }, { "/m/page", "\xEF\xBB\xBF\n.Dd May 1\n", DOC_MAN },
		{ "/m/README.md", "12:00 started\n", DOC_MARKDOWN }, { "/m/README.MD", "x", DOC_MARKDOWN }, { "/m/x.mdx", "x", DOC_MARKDOWN },
		{ "/m/index", " <!DOCTYPE HTML>", DOC_HTML }, { "/m/index", "<html lang=x>", DOC_HTML }, { "/m/x.htm", "x", DOC_HTML },
		{ "/m/run", "#!/bin/sh\n", DOC_CODE }, { "/m/Makefile", "x", DOC_CODE }, { "/m/x.csv", "oak,1\n", DOC_CODE },
		{ "/m/notes", "12:00 started\n", DOC_TEXT },
	};
	(void)state;
	for (size_t i = 0; i < sizeof x / sizeof *x; i++)
		assert_int_equal(doc_type_of(x[i].path, strrchr(x[i].path, '/') + 1, x[i].bytes, strlen(x[i].bytes)), x[i].want);
}

/* 3000 bytes of which n are `bad`, the last of them at the end. */
static const char *why_not(char bad, size_t n)
{
	char p[3000];
	memset(p, 'a', sizeof p);
	for (size_t i = 0; i < n; i++)
		p[sizeof p - 1 - 10 * i] = bad;
	return doc_not_text(p, sizeof p);
}

static void doc_not_text_names_the_reason(void **state)
{
	(void)state;
	assert_null(doc_not_text("plain", 5));
	assert_null(doc_not_text("", 0));
	assert_null(doc_not_text(" \n\f\r\t", 5));
	assert_null(doc_not_text("a\x01", 2));
	assert_string_equal(doc_not_text("\x01", 1), "binary");
	assert_string_equal(doc_not_text(" \x7F\n", 3), "binary");
	assert_string_equal(doc_not_text("\x1B\n", 2), "binary");
	assert_string_equal(doc_not_text("a\0b", 3), "binary");
	assert_non_null(strstr(doc_not_text("\xFE\xFF\0a", 4), "UTF-16"));
	assert_non_null(strstr(doc_not_text("\xFF\xFE" "a\0", 4), "UTF-16"));
	/* One control character or bad byte in a hundred is damage, with some to spare where there are few. */
	assert_null(why_not('\x01', 31));
	assert_string_equal(why_not('\x01', 32), "binary");
	assert_string_equal(why_not('\x7F', 32), "binary");
	assert_null(why_not('\x1B', 300));
	assert_null(why_not('\f', 300));
	assert_null(why_not('\xE4', 47));		/* that at the end may be a character that is cut */
	assert_non_null(strstr(why_not('\xE4', 48), "UTF-8"));
}

static void lines_count_every_kind_of_end(void **state)
{
	(void)state;
	const char text[] = "a\nb\r\nc\rd\n\ne";
	struct src s;
	struct lines l;
	struct line line;
	struct err e = {0};
	assert_int_equal(src_open_mem(&s, text, sizeof text - 1, "t", &e), 0);
	assert_int_equal(lines_open(&l, &s, &e), 0);
	const char *want[] = { "a", "b", "c", "d", "", "e" };
	for (size_t i = 0; i < 6; i++) {
		assert_true(lines_next(&l, &line));
		assert_int_equal(line.n, strlen(want[i]));
		assert_memory_equal(line.p, want[i], line.n);
		assert_int_equal(line.line, i + 1);
		assert_memory_equal(text + line.off, want[i], line.n);
	}
	assert_false(lines_next(&l, &line));
	assert_int_equal(lines_close(&l, &e), 0);
	src_close(&s);
}

/* A gzip file of as many members as give more than 256 MiB, each of 8 KB that repeat. */
static void write_members(const char *path)
{
	struct buf member = {0};
	char piece[8192];
	uint32_t x = 1;
	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = (char)('a' + ((x = x * 1664525 + 1013904223) >> 24) % 16);
	gzFile g = gzopen(path, "wb1");
	for (int i = 0; i < 512; i++)
		assert_int_equal(gzwrite(g, piece, sizeof piece), sizeof piece);
	assert_int_equal(gzclose(g), Z_OK);
	assert_int_equal(io_read_file(&member, path, 1u << 20, NULL), 0);
	FILE *f = fopen(path, "wb");
	for (int i = 0; i < 65; i++)
		assert_int_equal(fwrite(member.data, 1, member.len, f), member.len);
	assert_int_equal(fclose(f), 0);
	buf_release(&member);
}

static void src_read_names_the_limit_that_is_met(void **state)
{
	(void)state;
	char path[] = "/tmp/test_roff_XXXXXX", piece[65536];
	struct src s;
	struct err e = {0};
	long n;
	close(mkstemp(path));
	write_members(path);
	assert_int_equal(src_open(&s, path, true, &e), 0);
	while ((n = src_read(&s, piece, sizeof piece, &e)) > 0)
		;
	assert_int_equal(n, ERR_LIMIT);
	assert_non_null(strstr(e.msg, "over 256 MiB when decompressed"));
	src_close(&s);
	unlink(path);
}

static void lines_long_lines_come_in_whole_characters(void **state)
{
	(void)state;
	struct buf b = {0};
	struct src s;
	struct lines l;
	struct line line;
	struct err e = {0};
	buf_putc(&b, 'x');
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "\xE2\x82\xAC");
	assert_int_equal(src_open_mem(&s, b.data, b.len, "t", &e), 0);
	assert_int_equal(lines_open(&l, &s, &e), 0);
	uint64_t off = 0;
	while (lines_next(&l, &line)) {
		assert_int_equal(line.off, off);
		assert_int_equal(line.line, 1);
		assert_true(((unsigned char)line.p[0] & 0xC0) != 0x80);
		off += line.n;
	}
	assert_int_equal(off, b.len);
	assert_int_equal(lines_close(&l, &e), 0);
	src_close(&s);
	buf_release(&b);
}

static void html_entity_knows_numbers_and_names(void **state)
{
	(void)state;
	uint32_t cp = 0;
	assert_int_equal(html_entity("&amp;x", 6, &cp), 5);
	assert_int_equal(cp, '&');
	assert_int_equal(html_entity("&#x263A;", 8, &cp), 8);
	assert_int_equal(cp, 0x263A);
	assert_int_equal(html_entity("&#0;", 4, &cp), 4);
	assert_int_equal(cp, 0xFFFD);
	static const char *const none[] = { "&#x110000;", "&#xD800;", "&#xDFFF;", "&#4294967361;" };	/* the last is 2^32 + 65 */
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		assert_true(html_entity(none[i], strlen(none[i]), &cp) > 0);
		assert_int_equal(cp, 0xFFFD);
	}
	assert_int_equal(html_entity("&#x4g", 5, &cp), 4);
	assert_int_equal(cp, 4);
	assert_int_equal(html_entity("&#x;", 4, &cp), 0);
	assert_int_equal(html_entity("&amp x", 6, &cp), 0);
	assert_int_equal(html_entity("&#65x", 5, &cp), 4);
	assert_int_equal(cp, 'A');
	assert_int_equal(html_entity("&#146;", 6, &cp), 6);
	assert_int_equal(cp, 0x2019);
	assert_int_equal(html_entity("&#x80;", 6, &cp), 6);
	assert_int_equal(cp, 0x20AC);
	assert_int_equal(html_entity("&nope;", 6, &cp), 0);
	assert_int_equal(html_entity("&", 1, &cp), 0);
	assert_int_equal(html_entity("&#", 2, &cp), 0);
	assert_int_equal(html_entity("&zwnj;", 6, &cp), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roff_text_escapes_become_text),
		cmocka_unit_test(roff_text_says_whether_the_next_word_joins),
		cmocka_unit_test(roff_text_cut_escapes_are_harmless),
		cmocka_unit_test(macro_find_finds_all_classes),
		cmocka_unit_test(doc_type_follows_name_and_bytes),
		cmocka_unit_test(doc_not_text_names_the_reason),
		cmocka_unit_test(lines_count_every_kind_of_end),
		cmocka_unit_test(src_read_names_the_limit_that_is_met),
		cmocka_unit_test(lines_long_lines_come_in_whole_characters),
		cmocka_unit_test(html_entity_knows_numbers_and_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
