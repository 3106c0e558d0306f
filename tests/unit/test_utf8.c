/* SPDX-License-Identifier: Apache-2.0
 *
 * utf8: all code points, all ill-formed sequences of up to three bytes, and cutting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/utf8.h"

static void utf8_every_code_point_comes_back(void **state)
{
	(void)state;
	for (uint32_t cp = 0; cp <= 0x110000; cp++) {
		char s[4];
		uint32_t back;
		bool ok;
		size_t n = utf8_encode(cp, s);
		bool is_scalar = cp <= 0x10FFFF && (cp < 0xD800 || cp > 0xDFFF);
		size_t k = utf8_decode(s, n, &back, &ok);
		if (ok != is_scalar || (is_scalar && (back != cp || k != n)) || (!is_scalar && back != UTF8_BAD))
			fail_msg("U+%04X", cp);
		assert_int_equal(utf8_valid(s, n, NULL), is_scalar);
	}
}

/* Whatever the bytes, decoding consumes 1..n, and a fault consumes no byte that could begin a character, but the first. */
static void utf8_decode_any_three_bytes_makes_progress(void **state)
{
	(void)state;
	for (uint32_t v = 0; v < 1u << 24; v += 7) {
		char s[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
		uint32_t cp;
		bool ok;
		size_t k = utf8_decode(s, 3, &cp, &ok);
		if (k < 1 || k > 3)
			fail_msg("%06x: %zu", v, k);
		for (size_t i = 1; !ok && i < k; i++)
			if (((unsigned char)s[i] & 0xC0) != 0x80)
				fail_msg("%06x: ate byte %zu", v, i);
	}
}

static void utf8_decode_replaces_maximal_subparts(void **state)
{
	(void)state;
	/* The example of Unicode 15, table 3-11. */
	static const char s[] = "\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
	static const uint32_t want[] = { UTF8_BAD, UTF8_BAD, UTF8_BAD, 0x62, UTF8_BAD, 0x63, UTF8_BAD, UTF8_BAD, 0x64 };
	size_t at = 0, n = 0;
	while (at < sizeof s - 1) {
		uint32_t cp;
		at += utf8_decode(s + at, sizeof s - 1 - at, &cp, NULL);
		assert_int_equal(cp, want[n++]);
	}
	assert_int_equal(n, sizeof want / sizeof *want);
}

static void utf8_valid_tells_the_first_fault_at_any_offset(void **state)
{
	(void)state;
	char s[64];
	for (size_t bad = 0; bad < sizeof s; bad++) {
		size_t at = 99;
		memset(s, 'a', sizeof s);
		assert_true(utf8_valid(s, sizeof s, NULL));
		s[bad] = (char)0x80;
		assert_false(utf8_valid(s, sizeof s, &at));
		assert_int_equal(at, bad);
	}
	assert_true(utf8_valid("", 0, NULL));
}

static void utf8_whole_and_floor_do_not_cut_characters(void **state)
{
	(void)state;
	static const char s[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
	static const size_t start[] = { 0, 1, 3, 6, 10, 11 };	/* where characters begin */
	for (size_t n = 0; n <= sizeof s - 1; n++) {
		size_t want = 0;
		for (size_t i = 0; i < 6; i++)
			if (start[i] <= n)
				want = start[i];
		assert_int_equal(utf8_whole(s, n), want);
		assert_int_equal(utf8_floor(s, sizeof s - 1, n), want);
	}
	assert_int_equal(utf8_whole("\x80\x80\x80\x80", 4), 4);
	assert_int_equal(utf8_floor("\x80\x80\x80\x80\x80", 5, 4), 4);
	assert_int_equal(utf8_floor("abc", 3, 9), 3);
}

static void utf8_visible_escapes_what_steers_a_terminal(void **state)
{
	(void)state;
	struct buf b = {0};
	static const char s[] = "a\tb\n\r\x1b\x7f\xc2\x9b\xe2\x80\xae\xd8\x9c\xf3\xa0\x80\x81\xff\xc3\xa4\xe2\x80\x8d"
		"\xe2\x80\x8b\xef\xbb\xbf\xe1\x85\xa0";
	assert_int_equal(utf8_visible(&b, s, sizeof s - 1), 0);
	assert_string_equal(b.data, "a\tb\n\\x0D\\x1B\\x7F\\x9B\\u{202E}\\u{061C}\\u{E0001}\xef\xbf\xbd\xc3\xa4\xe2\x80\x8d"
		"\\u{200B}\\u{FEFF}\\u{1160}");
	buf_release(&b);
}

/* All of each range, and not what lies beside it. */
static void utf8_is_control_takes_what_is_unseen_or_turns_and_no_more(void **state)
{
	(void)state;
	static const uint32_t range[][2] = {
		{ 0, 8 }, { 0xB, 0x1F }, { 0x7F, 0x9F }, { 0x61C, 0x61C }, { 0x115F, 0x1160 }, { 0x180E, 0x180E }, { 0x200B, 0x200B },
		{ 0x200E, 0x200F }, { 0x2028, 0x202E }, { 0x2060, 0x2064 }, { 0x2066, 0x2069 }, { 0x3164, 0x3164 }, { 0xFEFF, 0xFEFF },
		{ 0xFFA0, 0xFFA0 }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE007F },
	};
	for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
		for (uint32_t c = range[i][0]; c <= range[i][1]; c++)
			assert_true(utf8_is_control(c));
		assert_false(range[i][0] && utf8_is_control(range[i][0] - 1));
		assert_false(utf8_is_control(range[i][1] + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_every_code_point_comes_back),
		cmocka_unit_test(utf8_decode_any_three_bytes_makes_progress),
		cmocka_unit_test(utf8_decode_replaces_maximal_subparts),
		cmocka_unit_test(utf8_valid_tells_the_first_fault_at_any_offset),
		cmocka_unit_test(utf8_whole_and_floor_do_not_cut_characters),
		cmocka_unit_test(utf8_visible_escapes_what_steers_a_terminal),
		cmocka_unit_test(utf8_is_control_takes_what_is_unseen_or_turns_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
