/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 at the vnni level: Zen 4 and later, Ice Lake and later.
 */
#include "lib/kern/x86/mat_vnni.h"

/* `log2_zero`: of the code of 0 in a symmetric type, 0 in a type with minimums. `h` is act_shift(type). All constants. */
INLINE void super_f(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb, float (*const *acc)[16],
	int bits, int cols, int tiles, unsigned log2_zero, int h)
{
	const int half = h ? 1 << (h - 1) : 0;
	__m512 f[TILES][MAX_COLS];
	EACH(m, tiles, TILES)
		EACH(c, cols, MAX_COLS)
			f[m][c] = _mm512_setzero_ps();
	for (size_t j = 0; j < n_run; j++) {
		__m512i t[2][TILES][MAX_COLS];
		const int8_t *xc[MAX_COLS];
		const uint8_t *p[TILES];
		EACH(c, cols, MAX_COLS)
			xc[c] = x[(size_t)c * nb].x + 32 * j;
		EACH(m, tiles, TILES)
			p[m] = u[m] + 64 * (size_t)bits * j;
		if (tiles == 1)
			ahead(p[0], 64 * (size_t)bits);
		UNROLL
		for (size_t g = 0; g < 2; g++) {
			EACH(c, cols, MAX_COLS) {
				__m512i start = _mm512_set1_epi32(half);
				int nb_g = x[(size_t)c * nb].g16.nb[2 * j + g];
				if (log2_zero && h && tiles > 1)	/* where integers are added up, since vectors have enough to do */
					start = _mm512_set1_epi32(nb_g * (1 << log2_zero) + half);
				else if (log2_zero)
					start = _mm512_add_epi32(start, _mm512_slli_epi32(_mm512_set1_epi32(nb_g), log2_zero));
				EACH(m, tiles, TILES)
					t[g][m][c] = start;
			}
		}
		dots(t, p, bits, 4, xc, cols, tiles);
		EACH(m, tiles, TILES) {
			__m512 dw = halfs(sc[m] + 32 * j), d = _mm512_setzero_ps();
			if (h)
				dw = _mm512_mul_ps(dw, _mm512_set1_ps((float)(1 << h)));
			if (!log2_zero)
				d = halfs(sc[m] + 32 * n_run + 32 * j);
			EACH(c, cols, MAX_COLS) {
				const struct act_block *xt = x + (size_t)c * nb;
				__m512i v = _mm512_madd_epi16(pair(t[0][m][c], t[1][m][c], h), broadcast4(&xt->g16.s[j][1]));
				f[m][c] = _mm512_fmadd_ps(dw, _mm512_cvtepi32_ps(v), f[m][c]);
				if (!log2_zero)
					f[m][c] = _mm512_fmadd_ps(d, _mm512_set1_ps(xt->g16.b32[j]), f[m][c]);
			}
		}
	}
	if (tiles == 1)
		ahead(sc[0], log2_zero ? 256 : 512);
	EACH(m, tiles, TILES)
		EACH(c, cols, MAX_COLS)
			_mm512_storeu_ps(acc[m][c], _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)c * nb].d), f[m][c], _mm512_loadu_ps(acc[m][c])));
}

#define FAMILY(NAME, BITS, LOG2_ZERO, H) \
	INLINE void super_##NAME(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb, \
		float (*const *acc)[16], int bits, int cols, int tiles) \
	{ \
		super_f(u, sc, n_run, x, nb, acc, bits, cols, tiles, LOG2_ZERO, H); \
	} \
	FAMILY_FNS(NAME, BITS)

FAMILY(q4_0, 4, 3, 0)
FAMILY(q4_1, 4, 0, 0)
FAMILY(q5_0, 5, 4, 0)
FAMILY(q5_1, 5, 0, 1)
FAMILY(q8_0, 8, 7, 3)
