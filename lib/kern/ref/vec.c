/* SPDX-License-Identifier: Apache-2.0
 *
 * vec, ref: what happens to one row between two matrices: norm, gate, rotation, sum, softmax.
 */
#include "lib/kern/ref/ref.h"

void rmsnorm_ref(const float *x, const float *w, float eps, size_t n, float *y)
{
	float s[16] = { 0 };
	for (size_t i = 0; i < n; i++)
		s[i % 16] = fmaf(x[i], x[i], s[i % 16]);
	float scale = 1.0f / sqrtf(tree16(s) / (float)n + eps);
	for (size_t i = 0; i < n; i++)
		y[i] = w ? x[i] * scale * w[i] : x[i] * scale;
}

void silu_mul_ref(const float *g, const float *u, size_t n, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = g[i] / (1.0f + exp_ref(-g[i])) * u[i];
}

/* g * (1 + tanh(z)) / 2 = g / (1 + exp(-2z)), z = sqrt(2 / pi) * (g + 0.044715 g^3) */
void gelu_mul_ref(const float *g, const float *u, size_t n, float *y)
{
	for (size_t i = 0; i < n; i++) {
		float z = GELU_A * fmaf(GELU_B * g[i] * g[i], g[i], g[i]);
		y[i] = g[i] / (1.0f + exp_ref(-2.0f * z)) * u[i];
	}
}

void add_ref(const float *x, size_t n, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] + y[i];
}

void rope_ref(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm)
{
	for (size_t h = 0; h < n_head; h++, x += d_head)
		for (size_t i = 0; i < n; i++) {
			float *pa = norm ? x + 2 * i : x + i, *pb = norm ? x + 2 * i + 1 : x + i + n;
			float a = *pa, b = *pb;
			*pa = fmaf(a, cos[i], -(b * sin[i]));
			*pb = fmaf(a, sin[i], b * cos[i]);
		}
}

float softmax_sum_ref(const float *x, size_t n, float *y)
{
	float s[16] = { 0 }, m = -INFINITY;
	for (size_t i = 0; i < n; i++)
		m = max2(x[i], m);
	for (size_t i = 0; i < n; i++) {
		y[i] = exp_ref(x[i] - m);
		s[i % 16] += y[i];
	}
	return tree16(s);
}
