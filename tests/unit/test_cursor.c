/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor: no read leaves the window, the first failure sticks, sizes do not wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/cursor.h"

static const unsigned char bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 9 };

static void cursor_reads_are_little_endian(void **state)
{
	(void)state;
	struct cursor c = cursor_of(bytes, sizeof bytes);
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 0x0302);
	assert_int_equal(cursor_u32(&c), 0x07060504);
	cursor_align(&c, 8);
	assert_true(cursor_f32(&c) == 1.0f);
	assert_true(cursor_f64(&c) == 1.0);
	assert_int_equal(cursor_left(&c), 1);
	assert_true(cursor_ok(&c));
	c = cursor_of(bytes, 8);
	assert_true(cursor_u64(&c) == 0x0807060504030201u);
}

static void cursor_take_beyond_the_end_fails_and_sticks(void **state)
{
	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct cursor c = cursor_of(bytes, len);
		assert_int_equal(cursor_u64(&c), 0);
		assert_false(cursor_ok(&c));
		assert_int_equal(c.at, 0);
		assert_int_equal(cursor_u8(&c), 0);
		assert_int_equal(cursor_left(&c), 0);
	}
	struct cursor c = cursor_of(bytes, sizeof bytes);
	cursor_u8(&c);
	assert_null(cursor_take(&c, UINT64_MAX));
	assert_int_equal(c.bad_at, 1);
	assert_null(cursor_take(&c, 0));
}

static void cursor_align_past_the_end_fails(void **state)
{
	(void)state;
	struct cursor c = cursor_of(bytes, 9);
	assert_non_null(cursor_take(&c, 9));
	cursor_align(&c, 8);
	assert_false(cursor_ok(&c));
}

static void size_helpers_at_the_edges_do_not_wrap(void **state)
{
	(void)state;
	size_t v = 7;
	assert_true(size_mul(SIZE_MAX, 1, &v) && v == SIZE_MAX);
	v = 7;
	assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &v));
	assert_false(size_mul(1ull << 61, 8, &v));
	assert_false(size_add(SIZE_MAX, 1, &v));
	assert_int_equal(v, 7);
	assert_true(size_add(SIZE_MAX - 1, 1, &v));
	assert_true(size_within(0, 0, 0));
	assert_true(size_within(10, 0, 10));
	assert_false(size_within(11, 0, 10));
	assert_false(size_within(UINT64_MAX - 50, 100, 1000));
	assert_false(size_within(5, UINT64_MAX, 1000));
	/* all of one byte's worth: the helper against the wide computation */
	for (uint64_t a = 0; a < 256; a++)
		for (uint64_t b = 0; b < 256; b++)
			assert_int_equal(size_within(UINT64_MAX - a, b, UINT64_MAX), b <= a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cursor_reads_are_little_endian),
		cmocka_unit_test(cursor_take_beyond_the_end_fails_and_sticks),
		cmocka_unit_test(cursor_align_past_the_end_fails),
		cmocka_unit_test(size_helpers_at_the_edges_do_not_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
