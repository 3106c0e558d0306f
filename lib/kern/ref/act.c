/* SPDX-License-Identifier: Apache-2.0
 *
 * act, ref: floats to act_blocks: int8 codes, a small integer scale a group, one float a block (kern.h).
 */
#include "lib/kern/ref/ref.h"

/* What the kernels need besides the codes: their scales s, and sums of codes, alone and scaled. */
static void sums(enum act_form form, const int16_t *s, struct act_block *o)
{
	int32_t b[16];
	for (int g = 0; g < 16; g++) {
		int32_t low = 0, high = 0;
		for (int i = 0; i < 16; i += 4) {
			low += o->x[16 * g + i] + o->x[16 * g + i + 1];
			high += o->x[16 * g + i + 2] + o->x[16 * g + i + 3];
		}
		b[g] = low + high;
		if (form == ACT_G16) {
			o->g16.s[g / 2][g % 2 * 2] = o->g16.s[g / 2][g % 2 * 2 + 1] = s[g];
			o->g16.nb[g] = -b[g];
			continue;
		}
		o->g32.s[g / 4][g % 4] = s[g / 4 * 2 + g % 4 / 2];
		o->g32.start[g] = 1 - 32 * b[g];
		o->g32.start2[g][0] = (int16_t)(-32 * low);
		o->g32.start2[g][1] = (int16_t)(-32 * high);
	}
	for (int j = 0; j < 8; j++)
		if (form == ACT_G16)
			o->g16.b32[j] = (float)(s[2 * j] * b[2 * j] + s[2 * j + 1] * b[2 * j + 1]);
		else
			o->g32.sb32[j] = (int16_t)((s[j] * (b[2 * j] + b[2 * j + 1]) + 1) >> 1);
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
	int16_t s[16];
	for (size_t i = 0; i < 256 / g; i++) {
		float t = ceilf(amax[i] * per_m);
		t = min2(max2(t, 1.0f), s_max);
		s[i] = (int16_t)t;
		float inv = is_zero ? 0 : 1.0f / (d * t);
		for (size_t k = i * g; k < (i + 1) * g; k++)
			o->x[k] = (int8_t)min2(max2(nearest(x[k] * inv), -127.0f), 127.0f);
	}
	o->d = d;
	sums(form, s, o);
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
