/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 at the vnni level: Zen 4 and later, Ice Lake and later.
 */
#include "lib/kern/x86/mat_vnni.h"

/* `log2_zero`: of the code of 0 in a symmetric type, 0 in a type with minimums. `h` is act_shift(type). All constants. */
INLINE void tile_f(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o, int cols, int bits,
	unsigned log2_zero, int h)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	const __m512i half = _mm512_set1_epi32(h ? 1 << (h - 1) : 0);
	const __m512 scale = _mm512_set1_ps((float)(1 << h));
	size_t nb = act_n_block(w->n_col), left = w->n_col;
	__m512 acc[MAX_COLS];
	EACH(c, cols, MAX_COLS)
		acc[c] = _mm512_setzero_ps();
	for (size_t b = 0; b < nb; b++, x++) {
		int n = left < W16_SUPER ? (int)left / 32 : 8;
		const uint8_t *sc = p + n * 64 * bits;
		__m512 f[MAX_COLS];
		EACH(c, cols, MAX_COLS)
			f[c] = _mm512_setzero_ps();
		for (int j = 0; j < n; j++, p += 64 * bits) {
			__m512i u[8];
			__m512 dw = halfs(sc + 32 * j), m = _mm512_setzero_ps();
			if (h)
				dw = _mm512_mul_ps(dw, scale);
			if (!log2_zero)
				m = halfs(sc + 32 * n + 32 * j);
			unpack(p, ahead, bits, u);
			UNROLL
			for (int c = 0; c < MAX_COLS; c += STEP) if (c < cols) {
				const struct act_block *xc = x + (size_t)c * nb;
				__m512i t[STEP][2];
				EACH(e, cols - c, STEP)
					for (int g = 0; g < 2; g++) {
						t[e][g] = half;
						if (log2_zero)
							t[e][g] = _mm512_slli_epi32(_mm512_set1_epi32(xc[(size_t)e * nb].g16.nb[2 * j + g]),
								log2_zero);
						if (log2_zero && h)
							t[e][g] = _mm512_add_epi32(t[e][g], half);
					}
				UNROLL
				for (int i = 0; i < 4; i++)
					EACH(e, cols - c, STEP) {
						t[e][0] = dot4(t[e][0], u[i], xc[(size_t)e * nb].x + 32 * j + 4 * i);
						t[e][1] = dot4(t[e][1], u[i + 4], xc[(size_t)e * nb].x + 32 * j + 16 + 4 * i);
					}
				EACH(e, cols - c, STEP) {
					const struct act_block *xe = xc + (size_t)e * nb;
					__m512i v = _mm512_dpwssd_epi32(_mm512_setzero_si512(), pair(t[e][0], t[e][1], h),
						broadcast2(&xe->g16.s[j][1]));
					f[c + e] = _mm512_fmadd_ps(dw, _mm512_cvtepi32_ps(v), f[c + e]);
					if (!log2_zero)
						f[c + e] = _mm512_fmadd_ps(m, _mm512_set1_ps(xe->g16.b32[j]), f[c + e]);
				}
			}
		}
		EACH(c, cols, MAX_COLS)
			acc[c] = _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)c * nb].d), f[c], acc[c]);
		size_t scales = (size_t)n * (log2_zero ? 32 : 64);
		fetch_scales(sc, ahead, log2_zero ? 256 : 512);
		p = sc + ((scales + 63) & ~(size_t)63);
		left -= (size_t)n * 32;
	}
	EACH(c, cols, MAX_COLS)
		finish(w, tile, tok + (size_t)c, acc[c], o);
}

#define FAMILY(NAME, BITS, LOG2_ZERO, H) \
	INLINE void tile_##NAME(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, \
		const struct mat_out *o, int cols) \
	{ \
		tile_f(w, tile, ahead, x, tok, o, cols, BITS, LOG2_ZERO, H); \
	} \
	TILE_FNS(tile_##NAME) \
	MAT(mat_##NAME##_vnni) \
	{ \
		mat_run(tile_##NAME##_by_cols, w, tile, n_tile, x, n_tok, o); \
	}

FAMILY(q4_0, 4, 3, 0)
FAMILY(q4_1, 4, 0, 0)
FAMILY(q5_0, 5, 4, 0)
FAMILY(q5_1, 5, 0, 1)
FAMILY(q8_0, 8, 7, 3)
