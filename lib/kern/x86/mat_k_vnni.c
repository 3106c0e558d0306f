/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_K, Q5_K and Q6_K at the vnni level: Zen 4 and later, Ice Lake and later.
 */
#include "lib/kern/x86/mat_vnni.h"

INLINE void tile_k(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o, int cols, int bits)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	const int h = bits - 3;
	const __m512i start = _mm512_set1_epi32(1 << (h - 1));
	size_t nb = w->n_col / W16_SUPER;
	__m512 acc[MAX_COLS];
	EACH(c, cols, MAX_COLS)
		acc[c] = _mm512_setzero_ps();
	for (size_t b = 0; b < nb; b++, x++) {
		const uint8_t *sc = p + 8 * 64 * bits;
		__m512i sum[MAX_COLS], min[MAX_COLS];
		EACH(c, cols, MAX_COLS)
			sum[c] = min[c] = _mm512_setzero_si512();
		for (int j = 0; j < 4; j++, p += 2 * 64 * bits) {
			__m512i u[16], s = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)(sc + 32 * j)));
			unpack(p, ahead, bits, u);
			unpack(p + 64 * bits, ahead, bits, u + 8);
			UNROLL
			for (int c = 0; c < MAX_COLS; c += STEP) if (c < cols) {
				const struct act_block *xc = x + (size_t)c * nb;
				__m512i t[STEP][2];
				EACH(e, cols - c, STEP)
					t[e][0] = t[e][1] = start;
				UNROLL
				for (int i = 0; i < 8; i++)
					EACH(e, cols - c, STEP) {
						t[e][0] = dot4(t[e][0], u[i], xc[(size_t)e * nb].x + 64 * j + 4 * i);
						t[e][1] = dot4(t[e][1], u[i + 8], xc[(size_t)e * nb].x + 64 * j + 32 + 4 * i);
					}
				EACH(e, cols - c, STEP)
					sum[c + e] = _mm512_dpwssd_epi32(sum[c + e], pair(t[e][0], t[e][1], h),
						_mm512_mullo_epi16(s, broadcast2(&xc[(size_t)e * nb].g32.s[j][1])));
			}
		}
		for (int j = 0; j < 4; j++) {
			__m512i mn = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)(sc + 128 + 32 * j)));
			EACH(c, cols, MAX_COLS)
				min[c] = _mm512_dpwssd_epi32(min[c], mn, broadcast2(x[(size_t)c * nb].g32.sb32 + 2 * j));
		}
		__m512 dw = _mm512_mul_ps(halfs(sc + 256), _mm512_set1_ps((float)(1 << h)));
		__m512 m = _mm512_mul_ps(halfs(sc + 288), _mm512_set1_ps(2));
		EACH(c, cols, MAX_COLS) {
			__m512 f = _mm512_mul_ps(m, _mm512_cvtepi32_ps(min[c]));
			f = _mm512_fmsub_ps(dw, _mm512_cvtepi32_ps(sum[c]), f);
			acc[c] = _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)c * nb].d), f, acc[c]);
		}
		fetch_scales(sc, ahead, 320);
		p = sc + 320;
	}
	EACH(c, cols, MAX_COLS)
		finish(w, tile, tok + (size_t)c, acc[c], o);
}

INLINE void tile_q6_k(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o, int cols)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	size_t nb = w->n_col / W16_SUPER;
	__m512 acc[MAX_COLS];
	EACH(c, cols, MAX_COLS)
		acc[c] = _mm512_setzero_ps();
	for (size_t b = 0; b < nb; b++, x++) {
		const uint8_t *sc = p + 8 * 64 * 6;
		__m512i sum[MAX_COLS];
		EACH(c, cols, MAX_COLS)
			sum[c] = _mm512_setzero_si512();
		for (int j = 0; j < 8; j++, p += 64 * 6) {
			__m512i u[8], s = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)(sc + 32 * j)));
			unpack(p, ahead, 6, u);
			UNROLL
			for (int c = 0; c < MAX_COLS; c += STEP) if (c < cols) {
				const struct act_block *xc = x + (size_t)c * nb;
				__m512i t[STEP][2];
				EACH(e, cols - c, STEP)
					for (int g = 0; g < 2; g++)
						t[e][g] = _mm512_set1_epi32(xc[(size_t)e * nb].g32.start[2 * j + g]);
				UNROLL
				for (int i = 0; i < 4; i++)
					EACH(e, cols - c, STEP) {
						t[e][0] = dot4(t[e][0], u[i], xc[(size_t)e * nb].x + 32 * j + 4 * i);
						t[e][1] = dot4(t[e][1], u[i + 4], xc[(size_t)e * nb].x + 32 * j + 16 + 4 * i);
					}
				EACH(e, cols - c, STEP)
					sum[c + e] = _mm512_dpwssd_epi32(sum[c + e], pair(t[e][0], t[e][1], 1),
						_mm512_mullo_epi16(s, broadcast2(&xc[(size_t)e * nb].g32.s[j / 2][j % 2 * 2])));
			}
		}
		__m512 dw = _mm512_mul_ps(halfs(sc + 256), _mm512_set1_ps(2));
		EACH(c, cols, MAX_COLS)
			acc[c] = _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)c * nb].d), _mm512_mul_ps(dw, _mm512_cvtepi32_ps(sum[c])), acc[c]);
		fetch_scales(sc, ahead, 320);
		p = sc + 320;
	}
	EACH(c, cols, MAX_COLS)
		finish(w, tile, tok + (size_t)c, acc[c], o);
}

INLINE void tile_q4_k(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o, int cols)
{
	tile_k(w, tile, ahead, x, tok, o, cols, 4);
}

INLINE void tile_q5_k(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o, int cols)
{
	tile_k(w, tile, ahead, x, tok, o, cols, 5);
}

TILE_FNS(tile_q4_k)
TILE_FNS(tile_q5_k)
TILE_FNS(tile_q6_k)

MAT(mat_q4_k_vnni)
{
	mat_run(tile_q4_k_by_cols, w, tile, n_tile, x, n_tok, o);
}

MAT(mat_q5_k_vnni)
{
	mat_run(tile_q5_k_by_cols, w, tile, n_tile, x, n_tok, o);
}

MAT(mat_q6_k_vnni)
{
	mat_run(tile_q6_k_by_cols, w, tile, n_tile, x, n_tok, o);
}
