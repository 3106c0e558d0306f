/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_K, Q5_K and Q6_K at the avx2 level: Haswell, Zen and later.
 */
#include "lib/kern/x86/mat_avx2.h"

#define MINUS_2_15 (-32767 - 1)

/* m[c] = a group's sums of 32 products, T in the upper half of each lane; minus T for Q4_K. */
INLINE void group32(__m256i m[COLS][2], const uint8_t *u, int bits, bool is_q5, const int8_t *const x[COLS], int cols)
{
	__m256i t[COLS][2];
	if (!is_q5) {
		dots(t, true, u, bits, 0, 8, x, cols);
		EACH(c, cols, COLS)
			UNROLL
			for (int h = 0; h < 2; h++)
				m[c][h] = _mm256_madd_epi16(t[c][h], _mm256_set1_epi16(MINUS_2_15));
		return;
	}
	UNROLL
	for (int i = 0; i < 8; i += 4) {	/* (i + 2) >> 2 by 2^14 (i + 2) */
		dots(t, true, u, bits, i, 4, x, cols);
		EACH(c, cols, COLS)
			UNROLL
			for (int h = 0; h < 2; h++)
				m[c][h] = _mm256_add_epi32(i ? m[c][h] : _mm256_set1_epi32(1 << 15),
					_mm256_madd_epi16(t[c][h], _mm256_set1_epi16(1 << 14)));
	}
}

INLINE __m256i scales(const uint8_t *p, int h)
{
	return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)(p + 16 * h)));
}

INLINE void super_k(const uint8_t *u, const uint8_t *sc, const struct act_block *x, size_t nb, float (*acc)[16], int bits, int cols, bool is_q5)
{
	__m256i sum[COLS][2], min[COLS][2];
	EACH(c, cols, COLS)
		sum[c][0] = sum[c][1] = min[c][0] = min[c][1] = _mm256_setzero_si256();
	for (int j = 0; j < 4; j++) {
		__m256i m0[COLS][2], m1[COLS][2], s[2] = { scales(sc + 32 * j, 0), scales(sc + 32 * j, 1) };
		const int8_t *xc[COLS];
		EACH(c, cols, COLS)
			xc[c] = x[(size_t)c * nb].x + 64 * j;
		if (bits != PLAIN)
			ahead(u + 128 * j * bits, 64 * (size_t)bits);
		group32(m0, u + 128 * j * bits, bits, is_q5, xc, cols);
		if (bits != PLAIN)
			ahead(u + 128 * j * bits + 64 * bits, 64 * (size_t)bits);
		EACH(c, cols, COLS)
			xc[c] += 32;
		group32(m1, u + 128 * j * bits + 64 * bits, bits, is_q5, xc, cols);
		EACH(c, cols, COLS) {
			__m256i sx = broadcast4(&x[(size_t)c * nb].g32.s[j][1]);
			UNROLL
			for (int h = 0; h < 2; h++) {
				__m256i p = _mm256_madd_epi16(pair(m0[c][h], m1[c][h]), _mm256_mullo_epi16(s[h], sx));
				sum[c][h] = is_q5 ? _mm256_add_epi32(sum[c][h], p) : _mm256_sub_epi32(sum[c][h], p);
			}
		}
	}
	UNROLL
	for (int j = 0; j < 4; j++) {
		__m256i s[2] = { scales(sc + 128 + 32 * j, 0), scales(sc + 128 + 32 * j, 1) };
		EACH(c, cols, COLS) {
			__m256i sb = broadcast4(x[(size_t)c * nb].g32.sb32 + 2 * j);
			UNROLL
			for (int h = 0; h < 2; h++)
				min[c][h] = _mm256_add_epi32(min[c][h], _mm256_madd_epi16(s[h], sb));
		}
	}
	if (bits != PLAIN)
		ahead(sc, 320);
	UNROLL
	for (int h = 0; h < 2; h++) {
		__m256 dw = _mm256_mul_ps(halfs(sc + 256 + 16 * h), _mm256_set1_ps(is_q5 ? 4 : 2));
		__m256 m = _mm256_mul_ps(halfs(sc + 288 + 16 * h), _mm256_set1_ps(2));
		EACH(c, cols, COLS) {
			__m256 f = _mm256_mul_ps(m, _mm256_cvtepi32_ps(min[c][h]));
			f = _mm256_fmsub_ps(dw, _mm256_cvtepi32_ps(sum[c][h]), f);
			_mm256_storeu_ps(acc[c] + 8 * h, _mm256_fmadd_ps(_mm256_set1_ps(x[(size_t)c * nb].d), f, _mm256_loadu_ps(acc[c] + 8 * h)));
		}
	}
}

INLINE void super_6(const uint8_t *u, const uint8_t *sc, const struct act_block *x, size_t nb, float (*acc)[16], int bits, int cols)
{
	const __m256i half = _mm256_set1_epi16(MINUS_2_15);
	__m256i sum[COLS][2];
	EACH(c, cols, COLS)
		sum[c][0] = sum[c][1] = _mm256_setzero_si256();
	for (int j = 0; j < 8; j++, u += 64 * bits) {
		__m256i m[2][COLS][2];
		const int8_t *xc[COLS];
		EACH(c, cols, COLS)
			xc[c] = x[(size_t)c * nb].x + 32 * j;
		if (bits != PLAIN)
			ahead(u, 64 * (size_t)bits);
		UNROLL
		for (int g = 0; g < 2; g++) {
			__m256i t[COLS][2];
			EACH(c, cols, COLS)
				t[c][0] = t[c][1] = broadcast4(x[(size_t)c * nb].g32.start2[2 * j + g]);
			dots(t, false, u, bits, 4 * g, 4, xc, cols);
			EACH(c, cols, COLS) {
				m[g][c][0] = _mm256_madd_epi16(t[c][0], half);
				m[g][c][1] = _mm256_madd_epi16(t[c][1], half);
			}
		}
		EACH(c, cols, COLS) {
			__m256i sx = broadcast4(&x[(size_t)c * nb].g32.s[j / 2][j % 2 * 2]);
			UNROLL
			for (int h = 0; h < 2; h++) {
				__m256i s = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(sc + 32 * j + 16 * h)));
				sum[c][h] = _mm256_sub_epi32(sum[c][h], _mm256_madd_epi16(pair(m[0][c][h], m[1][c][h]), _mm256_mullo_epi16(s, sx)));
			}
		}
	}
	if (bits != PLAIN)
		ahead(sc, 320);
	UNROLL
	for (int h = 0; h < 2; h++) {
		__m256 dw = _mm256_mul_ps(halfs(sc + 256 + 16 * h), _mm256_set1_ps(2));
		EACH(c, cols, COLS)
			_mm256_storeu_ps(acc[c] + 8 * h, _mm256_fmadd_ps(_mm256_set1_ps(x[(size_t)c * nb].d),
				_mm256_mul_ps(dw, _mm256_cvtepi32_ps(sum[c][h])), _mm256_loadu_ps(acc[c] + 8 * h)));
	}
}

INLINE void super_q4_k(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16], int bits, int cols, int tiles)
{
	(void)n_run;
	(void)tiles;
	super_k(*u, *sc, x, nb, *acc, bits, cols, false);
}

INLINE void super_q5_k(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16], int bits, int cols, int tiles)
{
	(void)n_run;
	(void)tiles;
	super_k(*u, *sc, x, nb, *acc, bits, cols, true);
}

INLINE void super_q6_k(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16], int bits, int cols, int tiles)
{
	(void)n_run;
	(void)tiles;
	super_6(*u, *sc, x, nb, *acc, bits, cols);
}

FAMILY_FNS(q4_k, 4)
FAMILY_FNS(q5_k, 5)
FAMILY_FNS(q6_k, 6)
