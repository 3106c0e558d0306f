/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_K, Q5_K and Q6_K at the avx2 level: Haswell, Zen and later.
 */
#include "lib/kern/x86/mat_avx2.h"

INLINE void tile_k(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o, int cols,
	int bits)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	const int h = bits - 3, fit = bits == 4 ? 8 : 4;
	const __m256i start = _mm256_set1_epi32(1 << (h - 1));
	size_t nb = w->n_col / W16_SUPER;
	__m256 acc[MAX_COLS];
	for (int c = 0; c < cols; c++)
		acc[c] = _mm256_setzero_ps();
	for (size_t b = 0; b < nb; b++, x++) {
		const uint8_t *sc = p + 8 * 64 * bits;
		__m256i sum[MAX_COLS], min[MAX_COLS];
		for (int c = 0; c < cols; c++)
			sum[c] = min[c] = _mm256_setzero_si256();
		for (int j = 0; j < 4; j++, p += 2 * 64 * bits) {
			__m256i u[8], t0[MAX_COLS], s = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)(sc + 32 * j + 16 * half)));
			__m256i mn = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)(sc + 128 + 32 * j + 16 * half)));
			unpack(p + 32 * half, bits, u);
			for (int c = 0; c < cols; c++)
				t0[c] = _mm256_add_epi32(dot(u, 8, fit, x[(size_t)c * nb].x + 64 * j), start);
			unpack(p + 64 * bits + 32 * half, bits, u);
			for (int c = 0; c < cols; c++) {
				const struct act_block *xc = x + (size_t)c * nb;
				__m256i t1 = _mm256_add_epi32(dot(u, 8, fit, xc->x + 64 * j + 32), start);
				sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(pair(t0[c], t1, h),
					_mm256_mullo_epi16(s, broadcast4(xc->g32.s + 2 * j))));
				min[c] = _mm256_add_epi32(min[c], _mm256_madd_epi16(mn, broadcast4(xc->g32.sb32 + 2 * j)));
			}
		}
		__m256 dw = _mm256_mul_ps(halfs(sc + 256 + 16 * half), _mm256_set1_ps((float)(1 << h)));
		__m256 m = _mm256_mul_ps(halfs(sc + 288 + 16 * half), _mm256_set1_ps(2));
		for (int c = 0; c < cols; c++) {
			__m256 f = _mm256_mul_ps(m, _mm256_cvtepi32_ps(min[c]));
			f = _mm256_fmsub_ps(dw, _mm256_cvtepi32_ps(sum[c]), f);
			acc[c] = _mm256_fmadd_ps(_mm256_set1_ps(x[(size_t)c * nb].d), f, acc[c]);
		}
		p = sc + 320;
	}
	for (int c = 0; c < cols; c++)
		finish(w, tile, half, tok + (size_t)c, acc[c], o);
}

INLINE void tile_q6_k(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o, int cols)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	const __m256i one = _mm256_set1_epi32(1);
	size_t nb = w->n_col / W16_SUPER;
	__m256 acc[MAX_COLS];
	for (int c = 0; c < cols; c++)
		acc[c] = _mm256_setzero_ps();
	for (size_t b = 0; b < nb; b++, x++) {
		const uint8_t *sc = p + 8 * 64 * 6;
		__m256i sum[MAX_COLS];
		for (int c = 0; c < cols; c++)
			sum[c] = _mm256_setzero_si256();
		for (int j = 0; j < 8; j++, p += 64 * 6) {
			__m256i u[8], s = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(sc + 32 * j + 16 * half)));
			unpack(p + 32 * half, 6, u);
			for (int c = 0; c < cols; c++) {
				const struct act_block *xc = x + (size_t)c * nb;
				__m256i t0 = _mm256_add_epi32(_mm256_slli_epi32(_mm256_set1_epi32(xc->nb[2 * j]), 5), one);
				__m256i t1 = _mm256_add_epi32(_mm256_slli_epi32(_mm256_set1_epi32(xc->nb[2 * j + 1]), 5), one);
				t0 = _mm256_add_epi32(t0, dot(u, 4, 2, xc->x + 32 * j));
				t1 = _mm256_add_epi32(t1, dot(u + 4, 4, 2, xc->x + 32 * j + 16));
				sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(pair(t0, t1, 1), _mm256_mullo_epi16(s, _mm256_set1_epi16(xc->g32.s[j]))));
			}
		}
		__m256 dw = _mm256_mul_ps(halfs(sc + 256 + 16 * half), _mm256_set1_ps(2));
		for (int c = 0; c < cols; c++)
			acc[c] = _mm256_fmadd_ps(_mm256_set1_ps(x[(size_t)c * nb].d), _mm256_mul_ps(dw, _mm256_cvtepi32_ps(sum[c])), acc[c]);
		p = sc + 320;
	}
	for (int c = 0; c < cols; c++)
		finish(w, tile, half, tok + (size_t)c, acc[c], o);
}

INLINE void tile_q4_k(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o, int cols)
{
	tile_k(w, tile, half, x, tok, o, cols, 4);
}

INLINE void tile_q5_k(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o, int cols)
{
	tile_k(w, tile, half, x, tok, o, cols, 5);
}

TILE_FNS(tile_q4_k, mat_q4_k_avx2)
TILE_FNS(tile_q5_k, mat_q5_k_avx2)
TILE_FNS(tile_q6_k, mat_q6_k_avx2)
