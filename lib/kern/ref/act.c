/* SPDX-License-Identifier: Apache-2.0
 *
 * act, ref: floats to act_blocks: int8 codes, a small integer scale a group, one float a block (kern.h).
 */
#include "lib/kern/ref/ref.h"

/* Nearest integer, ties to even, of |v| <= 2^22. */
static float nearest(float v)
{
	return v + EXP_ROUND - EXP_ROUND;
}

/* What the kernels need besides the codes: sums of codes, alone and scaled. */
static void sums(enum act_form form, struct act_block *o)
{
	for (int g = 0; g < 16; g++) {
		int32_t b = 0;
		for (int i = 0; i < 16; i++)
			b += o->x[16 * g + i];
		o->nb[g] = -b;
	}
	for (int j = 0; j < 8; j++) {
		int32_t b0 = -o->nb[2 * j], b1 = -o->nb[2 * j + 1];
		if (form == ACT_G16)
			o->g16.b32[j] = (float)(o->g16.s[2 * j] * b0 + o->g16.s[2 * j + 1] * b1);
		else
			o->g32.sb32[j] = (int16_t)((o->g32.s[j] * (b0 + b1) + 1) >> 1);
	}
}

static void block(const float x[256], enum act_form form, struct act_block *o)
{
	size_t g = form == ACT_G16 ? 16 : 32;
	float s_max = form == ACT_G16 ? ACT_G16_MAX : ACT_G32_MAX;
	float amax[16] = { 0 }, m = 0;
	memset(o, 0, sizeof *o);
	for (size_t k = 0; k < 256; k++)
		amax[k / g] = max2(fabsf(x[k]), amax[k / g]);
	for (size_t i = 0; i < 256 / g; i++)
		m = max2(amax[i], m);
	bool is_zero = !(m > 1e-30f);	/* so small that 1 / d is no longer safe: all codes 0 */
	float d = is_zero ? 0 : m * (form == ACT_G16 ? 1.0f / (127 * ACT_G16_MAX) : 1.0f / (127 * ACT_G32_MAX));
	float per_m = is_zero ? 0 : s_max / m;
	int16_t *s = form == ACT_G16 ? o->g16.s : o->g32.s;
	for (size_t i = 0; i < 256 / g; i++) {
		float t = ceilf(amax[i] * per_m);
		t = min2(max2(t, 1.0f), s_max);
		s[i] = (int16_t)t;
		float inv = is_zero ? 0 : 1.0f / (d * t);
		for (size_t k = i * g; k < (i + 1) * g; k++)
			o->x[k] = (int8_t)min2(max2(nearest(x[k] * inv), -127.0f), 127.0f);
	}
	o->d = d;
	sums(form, o);
}

void act_ref(const float *x, size_t n, enum act_form form, struct act_block *out)
{
	for (; n >= 256; n -= 256, x += 256)
		block(x, form, out++);
	if (n) {
		float rest[256] = { 0 };
		memcpy(rest, x, n * sizeof *x);
		block(rest, form, out);
	}
}
