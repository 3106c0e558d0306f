/* SPDX-License-Identifier: Apache-2.0
 *
 * arena: alignment, zeroing, and rewinding over several blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/base/arena.h"

static void arena_alloc_is_aligned_and_zeroed_even_when_reused(void **state)
{
	(void)state;
	struct arena a = {0};
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xAA, n);
		if (n == 150)
			arena_rewind(&a, 0);
	}
	arena_release(&a);
}

static void arena_rewind_over_blocks_keeps_what_is_older(void **state)
{
	(void)state;
	struct arena a = {0};
	char *keep = arena_strdup(&a, "kept", 4);
	size_t mark = arena_mark(&a);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 40; i++)
			assert_non_null(arena_alloc(&a, 10000));
		arena_rewind(&a, mark);
		assert_int_equal(arena_mark(&a), mark);
		assert_string_equal(keep, "kept");
	}
	char *next = arena_alloc(&a, 8);
	assert_true(next == keep + 64);
	arena_release(&a);
	assert_int_equal(a.used, 0);
}

/* A block that the system zeroed is no longer zeroed when it is used again. */
static void arena_alloc_of_a_large_block_is_zeroed_when_reused(void **state)
{
	(void)state;
	struct arena a = {0};
	size_t n = 2 << 20;
	for (int round = 0; round < 2; round++) {
		unsigned char *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_true(p[0] == 0 && p[n / 2] == 0 && p[n - 1] == 0);
		memset(p, 0xAA, n);
		arena_rewind(&a, 0);
	}
	arena_release(&a);
}

static void arena_alloc_too_large_for_memory_fails_and_changes_nothing(void **state)
{
	(void)state;
	struct arena a = {0};
	assert_non_null(arena_alloc(&a, 500));
	size_t used = a.used;
	assert_null(arena_alloc(&a, SIZE_MAX / 2));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 63));
	assert_null(arena_alloc(&a, SIZE_MAX - 64));
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	assert_null(arena_strdup(&a, "", SIZE_MAX));
	assert_int_equal(a.used, used);
	assert_non_null(arena_alloc(&a, 1));
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_alloc_is_aligned_and_zeroed_even_when_reused),
		cmocka_unit_test(arena_rewind_over_blocks_keeps_what_is_older),
		cmocka_unit_test(arena_alloc_of_a_large_block_is_zeroed_when_reused),
		cmocka_unit_test(arena_alloc_too_large_for_memory_fails_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
