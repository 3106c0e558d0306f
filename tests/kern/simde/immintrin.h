/* SPDX-License-Identifier: Apache-2.0
 *
 * immintrin.h of the tests: AVX-512 and VNNI by SIMDe, on a processor with AVX2 only. Found before the compiler's own header by -I; SIMDe
 * includes that one in turn. What SIMDe 0.7 lacks, or does not do with one rounding, stands below, lane by lane.
 */
#ifndef TT_TEST_IMMINTRIN_H
#define TT_TEST_IMMINTRIN_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#include <string.h>

union shim_lanes {
	__m512 f;
	__m512i i;
	__m256 f8[2];
	__m256i i8[2];
	float f32[16];
	int32_t i32[16];
	int16_t i16[32];
};
typedef union shim_lanes shim_lanes;

#define EACH(N) for (int k = 0; k < (N); k++)

static inline __m512 shim_fma(__m512 a, __m512 b, __m512 c)
{
	shim_lanes x = { .f = a }, y = { .f = b }, z = { .f = c };
	EACH(2) x.f8[k] = _mm256_fmadd_ps(x.f8[k], y.f8[k], z.f8[k]);
	return x.f;
}
static inline __m512 shim_neg(__m512 a)
{
	shim_lanes x = { .f = a };
	EACH(16) x.f32[k] = -x.f32[k];
	return x.f;
}
#undef _mm512_fmadd_ps
#undef _mm512_fmsub_ps
#undef _mm512_fnmadd_ps
#define _mm512_fmadd_ps(a, b, c) shim_fma(a, b, c)
#define _mm512_fmsub_ps(a, b, c) shim_fma(a, b, shim_neg(c))
#define _mm512_fnmadd_ps(a, b, c) shim_fma(shim_neg(a), b, c)

static inline __m512 shim_cvtepi32_ps(__m512i a)
{
	shim_lanes x = { .i = a };
	EACH(16) x.f32[k] = (float)x.i32[k];
	return x.f;
}
static inline __m512i shim_cvttps_epi32(__m512 a)
{
	shim_lanes x = { .f = a };
	EACH(16) x.i32[k] = (int32_t)x.f32[k];
	return x.i;
}
static inline __m512 shim_cvtph_ps(__m256i a)
{
	shim_lanes x;
	x.f8[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(a));
	x.f8[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1));
	return x.f;
}
static inline __m128i shim_cvtepi32_epi8(__m512i a)
{
	shim_lanes x = { .i = a };
	int8_t t[16];
	EACH(16) t[k] = (int8_t)x.i32[k];
	return _mm_loadu_si128((const void *)t);
}
static inline __m128i shim_cvtepi32_epi16_8(__m256i a)
{
	shim_lanes x;
	int16_t t[8];
	x.i8[0] = a;
	EACH(8) t[k] = (int16_t)x.i32[k];
	return _mm_loadu_si128((const void *)t);
}
static inline __m512i shim_cvtepu16_epi32(__m256i a)
{
	uint16_t t[16];
	shim_lanes x;
	memcpy(t, &a, 32);
	EACH(16) x.i32[k] = t[k];
	return x.i;
}
static inline __m512i shim_cvtepu8_epi16(__m256i a)
{
	uint8_t t[32];
	shim_lanes x;
	memcpy(t, &a, 32);
	EACH(32) x.i16[k] = t[k];
	return x.i;
}
static inline __m512 shim_permute(__m512 a, int imm)
{
	shim_lanes x = { .f = a }, y;
	EACH(16) y.f32[k] = x.f32[k / 4 * 4 + (imm >> 2 * (k % 4) & 3)];
	return y.f;
}
static inline __m512i shim_shuffle(__m512i a, int imm)
{
	shim_lanes x = { .i = a }, y;
	EACH(16) y.i32[k] = x.i32[k / 4 * 4 + (imm >> 2 * (k % 4) & 3)];
	return y.i;
}
static inline __m512i shim_srai(__m512i a, unsigned n)
{
	shim_lanes x = { .i = a };
	EACH(16) x.i32[k] = x.i32[k] >> n;
	return x.i;
}
static inline __m512 shim_ceil(__m512 a)
{
	union shim_lanes x = { .f = a };
	EACH(2) x.f8[k] = _mm256_ceil_ps(x.f8[k]);
	return x.f;
}
static inline int32_t shim_add(__m512i a)
{
	shim_lanes x = { .i = a };
	int32_t s = 0;
	EACH(16) s += x.i32[k];
	return s;
}
static inline float shim_max(__m512 a)
{
	shim_lanes x = { .f = a };
	float m = x.f32[0];
	EACH(16) m = x.f32[k] > m ? x.f32[k] : m;
	return m;
}
static inline __m256 shim_high(__m512 a)
{
	shim_lanes x = { .f = a };
	return x.f8[1];
}
static inline __m512 shim_load(unsigned m, const float *p)
{
	shim_lanes x;
	EACH(16) x.f32[k] = m >> k & 1 ? p[k] : 0;
	return x.f;
}
static inline void shim_store(float *p, unsigned m, __m512 a)
{
	shim_lanes x = { .f = a };
	EACH(16)
		if (m >> k & 1)
			p[k] = x.f32[k];
}

#define _mm512_cvtepi32_ps(a) shim_cvtepi32_ps(a)
#define _mm512_cvttps_epi32(a) shim_cvttps_epi32(a)
#define _mm512_cvtph_ps(a) shim_cvtph_ps(a)
#define _mm512_cvtepi32_epi8(a) shim_cvtepi32_epi8(a)
#undef _mm256_cvtepi32_epi16
#define _mm256_cvtepi32_epi16(a) shim_cvtepi32_epi16_8(a)
#define _mm512_cvtepu16_epi32(a) shim_cvtepu16_epi32(a)
#define _mm512_cvtepu8_epi16(a) shim_cvtepu8_epi16(a)
#undef _mm512_permute_ps
#define _mm512_permute_ps(a, imm) shim_permute(a, imm)
#undef _mm512_shuffle_epi32
#define _mm512_shuffle_epi32(a, imm) shim_shuffle(a, imm)
#undef _mm512_srai_epi32
#define _mm512_srai_epi32(a, n) shim_srai(a, n)
#undef _mm512_roundscale_ps
#define _mm512_roundscale_ps(a, up) shim_ceil(a)
#define _mm512_reduce_add_epi32(a) shim_add(a)
#define _mm512_reduce_max_ps(a) shim_max(a)
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps(a, i) shim_high(a)
#define _mm512_maskz_loadu_ps(m, p) shim_load(m, p)
#define _mm512_mask_storeu_ps(p, m, a) shim_store(p, m, a)

static inline __m512i shim_cvtps(__m512 a)
{
	shim_lanes x = { .f = a };
	EACH(2) x.i8[k] = _mm256_cvtps_epi32(x.f8[k]);
	return x.i;
}
static inline __m512i shim_madd(__m512i a, __m512i b)
{
	shim_lanes x = { .i = a }, y = { .i = b };
	EACH(2) x.i8[k] = _mm256_madd_epi16(x.i8[k], y.i8[k]);
	return x.i;
}
static inline __m256i shim_cvtsepi32_epi16(__m512i a)
{
	shim_lanes x = { .i = a };
	return _mm256_permute4x64_epi64(_mm256_packs_epi32(x.i8[0], x.i8[1]), 0xd8);
}
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 shim_cvtps
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) shim_madd(a, b)
#undef _mm512_cvtsepi32_epi16
#define _mm512_cvtsepi32_epi16(a) shim_cvtsepi32_epi16(a)

#else
#include_next <immintrin.h>
#endif
