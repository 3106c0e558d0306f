/* SPDX-License-Identifier: Apache-2.0
 *
 * grow: every element is kept, room is told truly, and what cannot be had leaves the array alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "lib/base/grow.h"

static void grow_keeps_elements(void **state)
{
	(void)state;
	uint32_t *v = NULL;
	size_t cap = 0;
	for (uint32_t n = 0; n < 1000; n++) {
		uint32_t *p = grow(v, n, &cap, sizeof *v);
		assert_non_null(p);
		assert_true(cap > n && cap <= 2 * (size_t)n + 16);
		v = p;
		v[n] = n;
	}
	for (uint32_t n = 0; n < 1000; n++)
		assert_int_equal(v[n], n);
	free(v);
}

static void grow_refuses_what_overflows(void **state)
{
	(void)state;
	char one;
	size_t cap = SIZE_MAX / 2 + 1;
	assert_null(grow(&one, cap, &cap, 1));
	assert_true(cap == SIZE_MAX / 2 + 1);
	cap = SIZE_MAX / 16;
	assert_null(grow(&one, cap, &cap, 16));
	assert_true(cap == SIZE_MAX / 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grow_keeps_elements),
		cmocka_unit_test(grow_refuses_what_overflows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
