/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_scan: what must be refused before msgpack-c sees it, and what must pass. Cases after the known faults of msgpack
 * readers: claimed lengths, deep nesting, total size, duplicate keys, bad text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/rec_scan.h"

static struct rec_scan scan;
static struct err e;

static int scan_all(const void *p, size_t n)
{
	rec_scan_reset(&scan);
	return rec_scan(&scan, p, n, &e);
}
#define SCAN(s) scan_all(s, sizeof s - 1)

static void rec_scan_plain_record_is_complete(void **state)
{
	(void)state;
	static const char rec[] = "\x83\xa4kind\xa5" "chunk\xa3seq\x07\xa3sec\x92\xa1" "A\xa1" "B";
	assert_int_equal(SCAN(rec), 1);
	assert_int_equal(scan.at, sizeof rec - 1);
}

static void rec_scan_every_type_passes(void **state)
{
	(void)state;
	static const char rec[] =
		"\xde\x00\x0f" "\xa1" "a\xc0" "\xa1" "b\xc2" "\xa1" "c\xc3" "\xa1" "d\xca\x7f\xc0\x00\x00"	/* f32 NaN */
		"\xa1" "e\xcb\x7f\xf0\0\0\0\0\0\0" "\xa1" "f\xcc\x01" "\xa1" "g\xcd\x00\x01"		/* not minimal */
		"\xa1" "h\xcf\x00\x20\0\0\0\0\0\x01" "\xa1" "i\xd3\xff\xff\xff\xff\xff\xff\xff\xff"	/* 2^53+1, -1 */
		"\xa1" "j\xc4\x01\xff" "\xa1" "k\xc7\x03\x01\x01\x02\x03" "\xa1" "l\xd6\xff\0\0\0\0"	/* timestamp ext */
		"\xa1" "m\xd9\x01x" "\xa1" "n\xdc\x00\x01\x80" "\xa1" "o\xdf\0\0\0\0";
	assert_int_equal(SCAN(rec), 1);
	assert_int_equal(scan.at, sizeof rec - 1);
	for (size_t n = 0; n < sizeof rec - 1; n++) {
		assert_int_equal(scan_all(rec, n), 0);
		assert_true(scan.need > n);
	}
}

/* {"a": value}: the value's first byte, all bytes of its head, and the length of what follows. */
static void rec_scan_every_head_says_its_length(void **state)
{
	(void)state;
	static const struct { const char *head; size_t n, body; } heads[] = {
		{ "\x7f", 1, 0 }, { "\xe0", 1, 0 }, { "\xbf", 1, 31 }, { "\xc4\x05", 2, 5 }, { "\xc5\x01\x05", 3, 261 },
		{ "\xc6\0\x01\0\x05", 5, 65541 },
		{ "\xc7\x05\x01", 3, 5 }, { "\xc8\x01\x05\x01", 4, 261 }, { "\xc9\0\x01\0\x05\x01", 6, 65541 }, { "\xca", 1, 4 }, { "\xcb", 1, 8 },
		{ "\xcc", 1, 1 }, { "\xcd", 1, 2 }, { "\xce", 1, 4 }, { "\xcf", 1, 8 }, { "\xd0", 1, 1 }, { "\xd1", 1, 2 }, { "\xd2", 1, 4 },
		{ "\xd3", 1, 8 }, { "\xd4\x01", 2, 1 }, { "\xd5\x01", 2, 2 }, { "\xd6\x01", 2, 4 }, { "\xd7\x01", 2, 8 }, { "\xd8\x01", 2, 16 },
		{ "\xd9\x05", 2, 5 }, { "\xda\x01\x05", 3, 261 }, { "\xdb\0\x01\0\x05", 5, 65541 }, { "\x9f", 1, 15 }, { "\xdc\x01\x05", 3, 261 },
		{ "\xdd\0\x01\0\x05", 5, 65541 },
	};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct buf b = {0};
		buf_add(&b, "\x81\xa1" "a", 3);
		buf_add(&b, heads[i].head, heads[i].n);
		for (size_t k = 0; k < heads[i].body; k++)
			buf_putc(&b, 'x');
		size_t n = b.len;
		buf_puts(&b, "more");
		assert_int_equal(scan_all(b.data, n - 1), 0);
		assert_int_equal(scan_all(b.data, b.len), 1);
		assert_int_equal(scan.at, n);
		buf_release(&b);
	}
}

static void rec_scan_resumed_byte_by_byte_gives_the_same(void **state)
{
	(void)state;
	static const char rec[] = "\x82\xa4kind\xa1x\xa4text\xd9\x20" "0123456789abcdef0123456789abcdef";
	rec_scan_reset(&scan);
	for (size_t n = 0; n < sizeof rec - 1; n++)
		assert_int_equal(rec_scan(&scan, rec, n, &e), 0);
	assert_int_equal(rec_scan(&scan, rec, sizeof rec - 1, &e), 1);
	assert_int_equal(scan.at, sizeof rec - 1);
}

static void rec_scan_not_a_map_is_refused(void **state)
{
	(void)state;
	assert_int_equal(SCAN("\xc1"), ERR_FORMAT);
	assert_int_equal(SCAN("\x80"), ERR_FORMAT);
	assert_int_equal(SCAN("\x91\x01"), ERR_FORMAT);
	assert_int_equal(SCAN("hello"), ERR_FORMAT);
	assert_int_equal(SCAN("\xdc\x00\x01\x01"), ERR_FORMAT);
	assert_int_equal(SCAN("\x81\xa1" "a\xc1"), ERR_FORMAT);
	assert_int_equal(e.at, 3);
}

static void rec_scan_huge_claims_are_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(SCAN("\xdf\xff\xff\xff\xff"), ERR_LIMIT);
	assert_int_equal(SCAN("\xde\x01\x01"), ERR_LIMIT);			/* 257 keys */
	assert_int_equal(SCAN("\x81\xa1" "a\xdd\xff\xff\xff\xff"), ERR_LIMIT);
	assert_int_equal(SCAN("\x81\xa1" "a\xdd\x04\0\0\0"), ERR_LIMIT);	/* five bytes that reserve 2 GiB elsewhere */
	assert_int_equal(SCAN("\x81\xa1" "a\xdb\xff\xff\xff\xff"), ERR_LIMIT);
	assert_int_equal(SCAN("\x81\xa1" "a\xc6\xff\xff\xff\xff"), ERR_LIMIT);
	assert_int_equal(SCAN("\x81\xa1" "a\xc9\xff\xff\xff\xff\x01"), ERR_LIMIT);
	assert_int_equal(SCAN("\x81\xdb\xff\xff\xff\xff"), ERR_LIMIT);
	assert_int_equal(SCAN("\x81\xa1" "a\xdf\x80\0\0\0"), ERR_LIMIT);	/* twice this wraps 32 bits */
}

static void rec_scan_depth_is_bounded(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add(&b, "\x81\xa1" "a", 3);
	for (int i = 0; i < REC_MAX_DEPTH - 1; i++)
		buf_putc(&b, (char)0x91);
	buf_putc(&b, 1);
	assert_int_equal(scan_all(b.data, b.len), 1);
	b.data[b.len - 1] = (char)0x91;
	buf_putc(&b, 1);
	assert_int_equal(scan_all(b.data, b.len), ERR_LIMIT);
	buf_clear(&b);
	buf_add(&b, "\x81\xa1" "a", 3);
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)0x91);
	assert_int_equal(scan_all(b.data, b.len), ERR_LIMIT);
	buf_release(&b);
}

static void rec_scan_values_are_counted_over_all_levels(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add(&b, "\x81\xa1" "a\xdc\xff\xff", 6);
	for (int i = 0; i < 65535; i++) {
		buf_add(&b, "\xdc\x00\x40", 3);		/* 64 each: 4 million in all */
		for (int k = 0; k < 64; k++)
			buf_putc(&b, 1);
	}
	assert_int_equal(scan_all(b.data, b.len), ERR_LIMIT);
	assert_true(e.at < 2 * REC_MAX_NODES);
	buf_release(&b);
}

static void rec_scan_longest_record_is_16_mib(void **state)
{
	(void)state;
	struct buf b = {0};
	for (uint32_t over = 0; over < 2; over++) {
		uint32_t len = REC_MAX_BYTES - 8 + over;
		buf_clear(&b);
		buf_add(&b, "\x81\xa1" "a\xc6", 4);
		for (int i = 24; i >= 0; i -= 8)
			buf_putc(&b, (char)(len >> i));
		buf_zeros(&b, len);
		assert_int_equal(scan_all(b.data, b.len), over ? ERR_LIMIT : 1);
	}
	buf_release(&b);
}

static void rec_scan_bad_keys_are_refused(void **state)
{
	(void)state;
	assert_int_equal(SCAN("\x82\xa1" "a\x01\xa1" "a\x02"), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "duplicate key 'a'"));
	assert_int_equal(SCAN("\x82\xa1" "a\x01\xd9\x01" "a\x02"), ERR_FORMAT);	/* another encoding of the same key */
	assert_int_equal(SCAN("\x81\xa1" "x\x82\xa1" "a\x01\xa1" "a\x02"), ERR_FORMAT);
	assert_int_equal(SCAN("\x82\xa1" "a\x81\xa1" "a\x01\xa1" "b\x02"), 1);	/* the same key a level down is another */
	assert_int_equal(SCAN("\x81\x01\x01"), ERR_FORMAT);
	assert_int_equal(SCAN("\x81\xc4\x01" "a\x01"), ERR_FORMAT);
	assert_int_equal(SCAN("\x81\xa2" "a\0\x01"), ERR_FORMAT);
}

static void rec_scan_bad_utf8_is_refused_with_its_place(void **state)
{
	(void)state;
	static const char *const bad[] = { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b = {0};
		buf_add(&b, "\x81\xa1" "a\xd9", 4);
		buf_putc(&b, (char)(12 + strlen(bad[i])));
		buf_puts(&b, "abcdefghijkl");
		buf_puts(&b, bad[i]);
		assert_int_equal(scan_all(b.data, b.len), ERR_FORMAT);
		assert_int_equal(e.at, 17);
		buf_release(&b);
	}
	assert_int_equal(SCAN("\x81\xa2\xc3\x28\x01"), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rec_scan_plain_record_is_complete),
		cmocka_unit_test(rec_scan_every_type_passes),
		cmocka_unit_test(rec_scan_every_head_says_its_length),
		cmocka_unit_test(rec_scan_resumed_byte_by_byte_gives_the_same),
		cmocka_unit_test(rec_scan_not_a_map_is_refused),
		cmocka_unit_test(rec_scan_huge_claims_are_refused_at_once),
		cmocka_unit_test(rec_scan_depth_is_bounded),
		cmocka_unit_test(rec_scan_values_are_counted_over_all_levels),
		cmocka_unit_test(rec_scan_longest_record_is_16_mib),
		cmocka_unit_test(rec_scan_bad_keys_are_refused),
		cmocka_unit_test(rec_scan_bad_utf8_is_refused_with_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
