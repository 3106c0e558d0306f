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

#include "lib/kern/kern.h"
#include "lib/kern/quant.h"

#define N 150		/* positions */
#define D 64

static _Alignas(64) uint16_t key[(N + ATTN_TILE) * D], value[(N + ATTN_TILE) * D];

static float unit(void)
{
	static uint32_t x = 1;
	x = x * 1664525 + 1013904223;
	return (float)(x >> 8) / (1 << 23) - 1;
}

static double score(const struct attn *a, const float *q, size_t p)
{
	double s = 0;
	for (size_t i = 0; i < D; i++)
		s += (double)q[i] * (double)quant_f16(key[(p / ATTN_TILE * D + i) * ATTN_TILE + p % ATTN_TILE]);
	s *= (double)a->scale;
	return a->softcap > 0 ? (double)a->softcap * tanh(s / (double)a->softcap) : s;
}

/* sum of exp(score) value / sum of exp(score), from the first position that the row sees to its own */
static void define(const struct attn *a, const struct attn_row *row, double out[D])
{
	double top = -INFINITY, sum = 0;
	size_t first = attn_first(a, row->pos);
	for (size_t p = first; p <= row->pos; p++)
		top = fmax(top, score(a, row->q, p));
	for (size_t i = 0; i < D; i++)
		out[i] = 0;
	for (size_t p = first; p <= row->pos; p++) {
		double w = exp(score(a, row->q, p) - top);
		sum += w;
		for (size_t i = 0; i < D; i++)
			out[i] += w * (double)quant_f16(value[p * D + i]);
	}
	for (size_t i = 0; i < D; i++)
		out[i] /= sum;
}

/* A small factor gives many positions a part, a large one gives it all to one, where most weights are too small to be told from 0. */
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
		for (size_t i = 0; i < D; i++)
			q[i] = unit();
		struct attn a = { .k = key, .v = value, .d_head = D, .window = round % 3 ? 0 : 1 + (size_t)round % 70,
			.scale = round % 5 ? 0.125f : 40, .softcap = round % 4 ? 0 : 30 };
		struct attn_row row = { q, out, (size_t)round % N };
		ref->attn(&a, &row, 1);
		define(&a, &row, want);
		for (size_t i = 0; i < D; i++)
			if (!(fabs((double)out[i] - want[i]) <= (a.scale < 1 ? 2e-6 : 1e-4)))
				fail_msg("round %d, %zu: %.9g, not %.9g", round, i, (double)out[i], want[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(attn_ref_is_attention) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
