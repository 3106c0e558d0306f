/* SPDX-License-Identifier: Apache-2.0
 *
 * kv, ref: keys and values as they are stored: int8 with an f16 scale a group of 32 (kern.h).
 */
#include "lib/kern/ref/ref.h"

void kv_round_ref(const float *x, size_t n, int8_t *code, uint8_t *scale)
{
	for (size_t g = 0; g < n / KV_GROUP; g++, x += KV_GROUP, code += KV_GROUP) {
		float top = 0;
		for (size_t i = 0; i < KV_GROUP; i++)
			top = max2(fabsf(x[i]), top);
		uint16_t h = quant_to_f16(min2(top / 127.0f, 65504.0f));
		float d = quant_f16(h);
		memcpy(scale + 2 * g, &h, sizeof h);
		for (size_t i = 0; i < KV_GROUP; i++) {
			float q = d > 0 ? x[i] / d : 0;
			q = q > 127 ? 127 : q < -127 ? -127 : q == q ? q : 0;
			code[i] = (int8_t)lrintf(q);
		}
	}
}

void kv_widen_ref(const int8_t *code, const uint8_t *scale, size_t n, float *y)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t h;
		memcpy(&h, scale + i / KV_GROUP * 2, sizeof h);
		y[i] = quant_f16(h) * (float)code[i];
	}
}
