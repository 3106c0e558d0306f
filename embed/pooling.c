/* SPDX-License-Identifier: Apache-2.0
 *
 * pooling: plain loops; a text has one of these and hundreds of thousands of products.
 */
#include "embed/pooling.h"

#include <math.h>

static float length(const float *x, size_t d)
{
	float s[16] = {0};
	for (size_t i = 0; i < d; i++)
		s[i % 16] += x[i] * x[i];
	for (size_t step = 8; step; step /= 2)
		for (size_t i = 0; i < step; i++)
			s[i] += s[i + step];
	return sqrtf(s[0]);
}

static void normalize(float *x, size_t d)
{
	float len = length(x, d);
	for (size_t i = 0; i < d && len > 0; i++)
		x[i] /= len;
}

void pooling_vec(enum pooling how, const float *x, size_t n_tok, size_t d, float *out)
{
	for (size_t i = 0; i < d; i++)
		out[i] = x[i];
	if (how == POOL_MEAN)
		for (size_t t = 1; t < n_tok; t++)
			for (size_t i = 0; i < d; i++)
				out[i] += x[t * d + i];
	normalize(out, d);
}

void pooling_add(const float *x, const float *y, float share, size_t d, float *out)
{
	for (size_t i = 0; i < d; i++)
		out[i] = x[i] + share * y[i];
	normalize(out, d);
}

float pooling_i8(const float *x, size_t d, int8_t *out)
{
	float max = 0;
	for (size_t i = 0; i < d; i++)
		max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
	float inv = max > 0 ? 127.0f / max : 0.0f;
	for (size_t i = 0; i < d; i++)
		out[i] = (int8_t)((x[i] * inv + 0x1.8p23f) - 0x1.8p23f);
	return max / 127.0f;
}
