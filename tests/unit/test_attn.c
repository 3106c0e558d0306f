/* SPDX-License-Identifier: Apache-2.0
 *
 * attn: the kernels' specification beside attention as it is defined, in double precision.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "lib/kern/kern.h"

#define N 150		/* positions */
#define D 64
#define QK_MAX 5792.0f	/* a code of a query: 64 products stay below 2^31 */

#define TILE_LEN (ATTN_TILE * D + 2 * ATTN_TILE)

static _Alignas(64) int16_t key[(N / ATTN_TILE + 1) * TILE_LEN], value[(N / ATTN_TILE + 1) * TILE_LEN];

static float unit(void)
{
	static uint32_t x = 1;
	x = x * 1664525 + 1013904223;
	return (float)(x >> 8) / (1 << 23) - 1;
}

/* Dimension i of the key or the value of a position: its code times its scale. */
static double element(const int16_t *base, bool is_key, size_t p, size_t i)
{
	const int16_t *tile = base + p / ATTN_TILE * TILE_LEN;
	size_t at = p % ATTN_TILE;
	float scale;
	memcpy(&scale, tile + attn_scale_at(D, at), sizeof scale);
	return (double)scale * tile[is_key ? attn_k_at(D, at, i) : attn_v_at(at, i)];
}

static double score(const struct attn *a, const float *q, size_t p)
{
	double s = 0;
	for (size_t i = 0; i < D; i++)
		s += (double)q[i] * element(key, true, p, i);
	return s * (double)a->scale;
}

/* sum of exp(score) value / sum of exp(score), from the first position that the row sees to its own. Returns how far out[i] may be from what the
 * kernel says: a weight is rounded by half of 1 / 5,791 of at most the root of 2 times the largest of its tile, and values are at most 1. */
static double define(const struct attn *a, const struct attn_row *row, double out[D])
{
	double top = -INFINITY, sum = 0, rounded = 0;
	size_t first = attn_first(a, row->pos);
	for (size_t p = first; p <= row->pos; p++)
		top = fmax(top, score(a, row->q, p));
	for (size_t i = 0; i < D; i++)
		out[i] = 0;
	double w[N], of_tile[N / ATTN_TILE + 1] = { 0 };
	for (size_t p = first; p <= row->pos; p++) {
		w[p] = exp(score(a, row->q, p) - top);
		of_tile[p / ATTN_TILE] = fmax(of_tile[p / ATTN_TILE], w[p]);
	}
	for (size_t p = first; p <= row->pos; p++) {
		sum += w[p];
		rounded += fmin(w[p], 1.23e-4 * of_tile[p / ATTN_TILE]);
		for (size_t i = 0; i < D; i++)
			out[i] += w[p] * element(value, false, p, i);
	}
	for (size_t i = 0; i < D; i++)
		out[i] /= sum;
	return 2 * rounded / sum;
}

/* A small factor gives many positions a part, a large one gives it all to one, where most weights are too small to be told from 0; between these
 * are many that count together. */
static void attn_ref_is_attention(void **state)
{
	(void)state;
	const struct kern *ref = kern_level(KERN_REF);
	for (size_t p = 0; p < N; p++) {
		float k[D], v[D];
		for (size_t i = 0; i < D; i++) {
			k[i] = 4 * unit();
			v[i] = unit();
		}
		ref->kv_put(k, v, D, p, key, value);
	}
	for (int round = 0; round < 300; round++) {
		float q[D], out[D];
		double want[D];
		q[0] = round % 2 ? 1 : -1;	/* and the others whole numbers of what a code is worth: nothing is rounded */
		for (size_t i = 1; i < D; i++)
			q[i] = rintf(unit() * QK_MAX) / QK_MAX;
		struct attn a = { .k = key, .v = value, .d_head = D, .window = round % 3 ? 0 : 1 + (size_t)round % 70,
			.scale = round % 5 ? 0.125f : round % 2 ? 40 : 0.5f };
		struct attn_row row = { q, out, (size_t)round % N };
		ref->attn(&a, &row, 1);
		double slack = define(&a, &row, want) + (a.scale < 1 ? 2e-6 : 1e-4);
		for (size_t i = 0; i < D; i++)
			if (!(fabs((double)out[i] - want[i]) <= slack))
				fail_msg("round %d, %zu: %.9g, not %.9g within %.2g", round, i, (double)out[i], want[i], slack);
	}
}

/* One position outweighs each of the others 20,000 times, but those of other tiles are not rounded away beside it. */
static void small_weights_count(void **state)
{
	(void)state;
	const struct kern *ref = kern_level(KERN_REF);
	const double w = 5e-5;
	float q[D] = { 1 }, out[D];
	for (size_t p = 0; p < N; p++) {
		float k[D] = { p ? 0 : 1 }, v[D] = { p < ATTN_TILE ? 0 : 1 };
		ref->kv_put(k, v, D, p, key, value);
	}
	struct attn a = { .k = key, .v = value, .d_head = D, .scale = (float)-log(w) };
	struct attn_row row = { q, out, N - 1 };
	ref->attn(&a, &row, 1);
	double want = (N - ATTN_TILE) * w / (1 + (N - 1) * w);
	assert_true(fabs((double)out[0] / want - 1) < 2e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(attn_ref_is_attention), cmocka_unit_test(small_weights_count) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
