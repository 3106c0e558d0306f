/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 at the avx2 level: Haswell, Zen and later. Products of 8-bit codes do not fit 16 bits unsigned,
 * so Q8_0 multiplies |w| (at most 128) with x under the sign of w: pairs of at most 32,512, widened one by one.
 */
#include "lib/kern/x86/mat_avx2.h"

/* Sum of (u - 128) * x over 16 k: magnitudes in w, u - 128 for its sign in v. */
INLINE __m256i dot_signed(const __m256i *w, const __m256i *v, const int8_t *x)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i sum = _mm256_setzero_si256();
	UNROLL
	for (int i = 0; i < 4; i++)
		sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(w[i], _mm256_sign_epi8(broadcast4(x + 4 * i), v[i])), ones));
	return sum;
}

/* `log2_zero`: of the code of 0 in a symmetric type, 0 in a type with minimums. `h` is act_shift(type). All constants. */
INLINE void tile_f(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o, int cols,
	int bits, int log2_zero, int h)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	const __m256i start = _mm256_set1_epi32(h ? 1 << (h - 1) : 0);
	const __m256 scale = _mm256_set1_ps((float)(1 << h));
	size_t nb = act_n_block(w->n_col), left = w->n_col;
	__m256 acc[MAX_COLS];
	for (int c = 0; c < cols; c++)
		acc[c] = _mm256_setzero_ps();
	for (size_t b = 0; b < nb; b++, x++) {
		int n = left < W16_SUPER ? (int)left / 32 : 8;
		const uint8_t *sc = p + n * 64 * bits;
		__m256 f[MAX_COLS];
		for (int c = 0; c < cols; c++)
			f[c] = _mm256_setzero_ps();
		for (int j = 0; j < n; j++, p += 64 * bits) {
			__m256i u[8], v[8];
			__m256 dw = _mm256_mul_ps(halfs(sc + 32 * j + 16 * half), scale), m = _mm256_setzero_ps();
			if (!log2_zero)
				m = halfs(sc + 32 * n + 32 * j + 16 * half);
			unpack(p + 32 * half, bits, u);
			UNROLL
			for (int i = 0; bits == 8 && i < 8; i++) {
				v[i] = _mm256_xor_si256(u[i], _mm256_set1_epi8(-128));
				u[i] = _mm256_abs_epi8(v[i]);
			}
			for (int c = 0; c < cols; c++) {
				const struct act_block *xc = x + (size_t)c * nb;
				__m256i t0 = start, t1 = start;
				if (bits == 8) {
					t0 = _mm256_add_epi32(t0, dot_signed(u, v, xc->x + 32 * j));
					t1 = _mm256_add_epi32(t1, dot_signed(u + 4, v + 4, xc->x + 32 * j + 16));
				} else {
					if (log2_zero) {
						t0 = _mm256_slli_epi32(_mm256_set1_epi32(xc->nb[2 * j]), log2_zero);
						t1 = _mm256_slli_epi32(_mm256_set1_epi32(xc->nb[2 * j + 1]), log2_zero);
					}
					t0 = _mm256_add_epi32(t0, dot(u, 4, 4, xc->x + 32 * j));
					t1 = _mm256_add_epi32(t1, dot(u + 4, 4, 4, xc->x + 32 * j + 16));
				}
				t0 = _mm256_madd_epi16(pair(t0, t1, h), broadcast4(xc->g16.s + 2 * j));
				f[c] = _mm256_fmadd_ps(dw, _mm256_cvtepi32_ps(t0), f[c]);
				if (!log2_zero)
					f[c] = _mm256_fmadd_ps(m, _mm256_set1_ps(xc->g16.b32[j]), f[c]);
			}
		}
		for (int c = 0; c < cols; c++)
			acc[c] = _mm256_fmadd_ps(_mm256_set1_ps(x[(size_t)c * nb].d), f[c], acc[c]);
		size_t scales = (size_t)n * (log2_zero ? 32 : 64);
		p = sc + ((scales + 63) & ~(size_t)63);
		left -= (size_t)n * 32;
	}
	for (int c = 0; c < cols; c++)
		finish(w, tile, half, tok + (size_t)c, acc[c], o);
}

#define FAMILY(NAME, BITS, LOG2_ZERO, H) \
	INLINE void tile_##NAME(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o, int cols) \
	{ \
		tile_f(w, tile, half, x, tok, o, cols, BITS, LOG2_ZERO, H); \
	} \
	TILE_FNS(tile_##NAME, mat_##NAME##_avx2)

FAMILY(q4_0, 4, 3, 0)
FAMILY(q4_1, 4, 0, 0)
FAMILY(q5_0, 5, 4, 0)
FAMILY(q5_1, 5, 0, 1)
FAMILY(q8_0, 8, 7, 3)
