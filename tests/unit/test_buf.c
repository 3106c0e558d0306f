/* SPDX-License-Identifier: Apache-2.0
 *
 * buf: growth, alignment, and the failure that sticks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

static void buf_add_many_keeps_all_bytes(void **state)
{
	(void)state;
	struct buf b = {0};
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&b, "%d,", i), 0);
	assert_true(strncmp(b.data, "0,1,2,", 6) == 0);
	assert_true(strcmp(b.data + b.len - 4, "999,") == 0);
	buf_release(&b);
}

static void buf_align_pads_with_zeros(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_puts(&b, "abc");
	buf_align(&b, 64);
	assert_int_equal(b.len, 64);
	for (size_t i = 3; i < 64; i++)
		assert_int_equal(b.data[i], 0);
	buf_release(&b);
}

static void buf_zeros_puts_the_nul_behind_them(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_reserve(&b, 50);
	memset(b.data, 'x', b.cap);
	buf_zeros(&b, 10);
	for (size_t i = 0; i <= 10; i++)
		assert_int_equal(b.data[i], 0);
	buf_release(&b);
}

static void buf_reserve_too_much_fails_and_sticks_until_cleared(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_puts(&b, "abc");
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 2), ERR_MEM);
	assert_int_equal(buf_puts(&b, "d"), ERR_MEM);
	assert_string_equal(b.data, "abc");
	buf_clear(&b);
	assert_int_equal(buf_puts(&b, "d"), 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_add_many_keeps_all_bytes),
		cmocka_unit_test(buf_align_pads_with_zeros),
		cmocka_unit_test(buf_zeros_puts_the_nul_behind_them),
		cmocka_unit_test(buf_reserve_too_much_fails_and_sticks_until_cleared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
