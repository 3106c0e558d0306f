/* SPDX-License-Identifier: Apache-2.0
 *
 * heap: the k best in any order of arrival, ties by id.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "lib/base/heap.h"

#define N 500

static int by_rank(const void *a, const void *b)
{
	const struct heap_item *x = a, *y = b;
	if (x->score > y->score || x->score < y->score)
		return x->score > y->score ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void heap_push_shuffled_ties_keeps_the_same_best(void **state)
{
	(void)state;
	struct heap_item all[N], kept[N + 1];
	uint32_t seed = 12345;
	for (uint32_t i = 0; i < N; i++)
		all[i] = (struct heap_item){ (float)(i * 7919 % 50), i };	/* ten of each score */
	for (size_t cap = 1; cap <= N + 1; cap += 31) {
		struct heap_item order[N];
		for (size_t i = 0; i < N; i++)
			order[i] = all[i];
		for (size_t i = N - 1; i > 0; i--) {
			seed = seed * 1664525u + 1013904223u;
			size_t j = seed % (i + 1);
			struct heap_item t = order[i];
			order[i] = order[j];
			order[j] = t;
		}
		struct heap h;
		heap_init(&h, kept, cap);
		for (size_t i = 0; i < N; i++) {
			bool takes = heap_takes(&h, order[i].score, order[i].id), is_in = false;
			heap_push(&h, order[i].score, order[i].id);
			for (size_t k = 0; k < h.len; k++)
				is_in = is_in || h.item[k].id == order[i].id;
			assert_int_equal(takes, is_in);
		}
		qsort(h.item, h.len, sizeof *h.item, by_rank);
		qsort(order, N, sizeof *order, by_rank);
		assert_int_equal(h.len, cap < N ? cap : N);
		for (size_t i = 0; i < h.len; i++)
			assert_int_equal(h.item[i].id, order[i].id);
	}
}

static void heap_push_nan_is_never_kept(void **state)
{
	(void)state;
	struct heap_item item[2];
	struct heap h;
	heap_init(&h, item, 2);
	heap_push(&h, NAN, 1);
	heap_push(&h, -INFINITY, 2);
	assert_int_equal(h.len, 1);
	assert_int_equal(h.item[0].id, 2);
}

static void heap_of_nothing_keeps_nothing(void **state)
{
	(void)state;
	struct heap h;
	heap_init(&h, NULL, 0);
	heap_push(&h, 1, 1);
	assert_int_equal(h.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_push_shuffled_ties_keeps_the_same_best),
		cmocka_unit_test(heap_push_nan_is_never_kept),
		cmocka_unit_test(heap_of_nothing_keeps_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
