/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 at the avx2 level: Haswell, Zen and later. Products of 8-bit codes do not fit 16 bits unsigned,
 * so Q8_0 multiplies |w| (at most 128) with x under the sign of w: pairs of at most 32,512, widened one by one.
 */
#include "lib/kern/x86/mat_avx2.h"

/* A run's T_0 s_0 + T_1 s_1 where h = 0, before the zero is taken off. */
INLINE void run_exact(__m256i v[COLS][2], const uint8_t *u, int bits, const int8_t *const x[COLS], const struct act_block *xb, size_t nb, size_t j,
	int cols)
{
	UNROLL
	for (int g = 0; g < 2; g++) {
		__m256i t[COLS][2];
		dots(t, true, u, bits, 4 * g, 4, x, cols);
		EACH(c, cols, COLS) {
			__m256i s = broadcast4(&xb[(size_t)c * nb].g16.s[j][2 * g]);
			UNROLL
			for (int h = 0; h < 2; h++) {
				__m256i p = _mm256_madd_epi16(t[c][h], s);
				v[c][h] = g ? _mm256_add_epi32(v[c][h], p) : p;
			}
		}
	}
}

/* The same of Q5_1, h = 1: negative, see mat_avx2.h. */
INLINE void run_q5_1(__m256i v[COLS][2], const uint8_t *u, int bits, const int8_t *const x[COLS], const struct act_block *xb, size_t nb, size_t j,
	int cols)
{
	__m256i m[2][COLS][2];
	UNROLL
	for (int g = 0; g < 2; g++) {
		dots(m[g], true, u, bits, 4 * g, 4, x, cols);
		EACH(c, cols, COLS)
			UNROLL
			for (int h = 0; h < 2; h++)
				m[g][c][h] = _mm256_madd_epi16(m[g][c][h], _mm256_set1_epi16(-32767 - 1));
	}
	EACH(c, cols, COLS)
		UNROLL
		for (int h = 0; h < 2; h++)
			v[c][h] = _mm256_madd_epi16(pair(m[0][c][h], m[1][c][h]), broadcast4(&xb[(size_t)c * nb].g16.s[j][1]));
}

/* The same of Q8_0, h = 3: 2^13 (i + 4) has T in its upper half. */
INLINE void run_q8_0(__m256i v[COLS][2], const uint8_t *u, const int8_t *const x[COLS], const struct act_block *xb, size_t nb, size_t j, int cols)
{
	const __m256i factor = _mm256_set1_epi16(1 << 13), flip = _mm256_set1_epi8(-128);
	__m256i m[2][COLS][2];
	UNROLL
	for (int g = 0; g < 2; g++) {
		EACH(c, cols, COLS)
			m[g][c][0] = m[g][c][1] = _mm256_set1_epi32(1 << 15);
		UNROLL
		for (int i = 4 * g; i < 4 * g + 4; i++)
			UNROLL
			for (int h = 0; h < 2; h++) {
				__m256i w = _mm256_xor_si256(code(u, PLAIN, i, h), flip), a = _mm256_abs_epi8(w);
				EACH(c, cols, COLS) {
					__m256i p = _mm256_maddubs_epi16(a, _mm256_sign_epi8(broadcast4(x[c] + 4 * i), w));
					m[g][c][h] = _mm256_add_epi32(m[g][c][h], _mm256_madd_epi16(p, factor));
					IN_ORDER(m[g][c][h]);
				}
			}
	}
	EACH(c, cols, COLS)
		UNROLL
		for (int h = 0; h < 2; h++)
			v[c][h] = _mm256_madd_epi16(pair(m[0][c][h], m[1][c][h]), broadcast4(&xb[(size_t)c * nb].g16.s[j][1]));
}

/* `type`, `bits` and `cols` are constants. */
INLINE void super_f(const uint8_t *u, const uint8_t *sc, size_t n_run, const struct act_block *x, size_t nb, float (*acc)[16], enum quant_type type,
	int bits, int cols)
{
	const bool has_min = type == QUANT_Q4_1 || type == QUANT_Q5_1;
	const __m256 scale = _mm256_set1_ps(type == QUANT_Q5_1 ? -2 : type == QUANT_Q8_0 ? 8 : 1);
	const __m256 zero = _mm256_set1_ps(type == QUANT_Q4_0 ? 8 : 16);
	const bool is_packed = bits != PLAIN || type == QUANT_Q8_0;
	__m256 f[COLS][2];
	EACH(c, cols, COLS)
		f[c][0] = f[c][1] = _mm256_setzero_ps();
	for (size_t j = 0; j < n_run; j++) {
		__m256i v[COLS][2];
		const int8_t *xc[COLS];
		EACH(c, cols, COLS)
			xc[c] = x[(size_t)c * nb].x + 32 * j;
		const uint8_t *p = u + 64 * (size_t)bits * j;
		if (is_packed)
			ahead(p, 64 * (size_t)bits);
		if (type == QUANT_Q8_0)
			run_q8_0(v, p, xc, x, nb, j, cols);
		else if (type == QUANT_Q5_1)
			run_q5_1(v, p, bits, xc, x, nb, j, cols);
		else
			run_exact(v, p, bits, xc, x, nb, j, cols);
		UNROLL
		for (int h = 0; h < 2; h++) {
			__m256 dw = halfs(sc + 32 * j + 16 * h), m = has_min ? halfs(sc + 32 * n_run + 32 * j + 16 * h) : _mm256_setzero_ps();
			if (type == QUANT_Q5_1 || type == QUANT_Q8_0)
				dw = _mm256_mul_ps(dw, scale);
			EACH(c, cols, COLS) {
				__m256 b = _mm256_set1_ps(x[(size_t)c * nb].g16.b32[j]), t = _mm256_cvtepi32_ps(v[c][h]);
				if (type == QUANT_Q4_0 || type == QUANT_Q5_0)	/* whole numbers below 2^24: nothing is rounded */
					t = _mm256_fnmadd_ps(zero, b, t);
				f[c][h] = _mm256_fmadd_ps(dw, t, f[c][h]);
				if (has_min)
					f[c][h] = _mm256_fmadd_ps(m, b, f[c][h]);
			}
		}
	}
	if (is_packed)
		ahead(sc, has_min ? 512 : 256);
	EACH(c, cols, COLS)
		UNROLL
		for (int h = 0; h < 2; h++)
			_mm256_storeu_ps(acc[c] + 8 * h,
				_mm256_fmadd_ps(_mm256_set1_ps(x[(size_t)c * nb].d), f[c][h], _mm256_loadu_ps(acc[c] + 8 * h)));
}

#define FAMILY(NAME, TYPE, BITS) \
	INLINE void super_##NAME(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb, \
		float (*const *acc)[16], int bits, int cols, int tiles) \
	{ \
		(void)tiles; \
		super_f(*u, *sc, n_run, x, nb, *acc, TYPE, bits, cols); \
	} \
	FAMILY_FNS(NAME, BITS)

FAMILY(q4_0, QUANT_Q4_0, 4)
FAMILY(q4_1, QUANT_Q4_1, 4)
FAMILY(q5_0, QUANT_Q5_0, 5)
FAMILY(q5_1, QUANT_Q5_1, 5)
FAMILY(q8_0, QUANT_Q8_0, 8)
