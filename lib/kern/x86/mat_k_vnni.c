/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for Q4_K, Q5_K and Q6_K at the vnni level: Zen 4 and later, Ice Lake and later.
 */
#include "lib/kern/x86/mat_vnni.h"

INLINE void super_k(const uint8_t *const *u, const uint8_t *const *sc, const struct act_block *x, size_t nb, float (*const *acc)[16], int bits,
	int cols, int tiles, int h)
{
	const __m512i start = _mm512_set1_epi32(1 << (h - 1));
	__m512i sum[TILES][MAX_COLS], min[TILES][MAX_COLS];
	EACH(m, tiles, TILES)
		EACH(c, cols, MAX_COLS)
			sum[m][c] = min[m][c] = _mm512_setzero_si512();
	for (int j = 0; j < 4; j++) {
		__m512i t[2][TILES][MAX_COLS], s[TILES];
		const int8_t *xc[MAX_COLS];
		const uint8_t *p[TILES];
		EACH(c, cols, MAX_COLS)
			xc[c] = x[(size_t)c * nb].x + 64 * j;
		EACH(m, tiles, TILES) {
			p[m] = u[m] + 128 * bits * j;
			EACH(c, cols, MAX_COLS)
				t[0][m][c] = t[1][m][c] = start;
		}
		if (tiles == 1)
			ahead(p[0], 128 * (size_t)bits);
		dots(t, p, bits, 8, xc, cols, tiles);
		EACH(m, tiles, TILES)
			s[m] = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)(sc[m] + 32 * j)));
		EACH(c, cols, MAX_COLS) {
			__m512i sx = broadcast4(&x[(size_t)c * nb].g32.s[j][1]);
			EACH(m, tiles, TILES)
				sum[m][c] = _mm512_dpwssd_epi32(sum[m][c], pair(t[0][m][c], t[1][m][c], h), _mm512_mullo_epi16(s[m], sx));
		}
	}
	UNROLL
	for (int j = 0; j < 4; j++) {
		__m512i s[TILES];
		EACH(m, tiles, TILES)
			s[m] = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)(sc[m] + 128 + 32 * j)));
		EACH(c, cols, MAX_COLS) {
			__m512i sb = broadcast4(x[(size_t)c * nb].g32.sb32 + 2 * j);
			EACH(m, tiles, TILES)
				min[m][c] = _mm512_dpwssd_epi32(min[m][c], s[m], sb);
		}
	}
	if (tiles == 1)
		ahead(sc[0], 320);
	EACH(m, tiles, TILES) {
		__m512 dw = _mm512_mul_ps(halfs(sc[m] + 256), _mm512_set1_ps((float)(1 << h)));
		__m512 d = _mm512_mul_ps(halfs(sc[m] + 288), _mm512_set1_ps(2));
		EACH(c, cols, MAX_COLS) {
			__m512 f = _mm512_mul_ps(d, _mm512_cvtepi32_ps(min[m][c]));
			f = _mm512_fmsub_ps(dw, _mm512_cvtepi32_ps(sum[m][c]), f);
			_mm512_storeu_ps(acc[m][c], _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)c * nb].d), f, _mm512_loadu_ps(acc[m][c])));
		}
	}
}

INLINE void super_q4_k(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16], int bits, int cols, int tiles)
{
	(void)n_run;
	super_k(u, sc, x, nb, acc, bits, cols, tiles, 1);
}

INLINE void super_q5_k(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16], int bits, int cols, int tiles)
{
	(void)n_run;
	super_k(u, sc, x, nb, acc, bits, cols, tiles, 2);
}

INLINE void super_q6_k(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16], int bits, int cols, int tiles)
{
	__m512i sum[TILES][MAX_COLS];
	(void)n_run;
	EACH(m, tiles, TILES)
		EACH(c, cols, MAX_COLS)
			sum[m][c] = _mm512_setzero_si512();
	for (int j = 0; j < 8; j++) {
		__m512i t[2][TILES][MAX_COLS], s[TILES];
		const int8_t *xc[MAX_COLS];
		const uint8_t *p[TILES];
		EACH(c, cols, MAX_COLS)
			xc[c] = x[(size_t)c * nb].x + 32 * j;
		EACH(m, tiles, TILES)
			p[m] = u[m] + 64 * bits * j;
		if (tiles == 1)
			ahead(p[0], 64 * (size_t)bits);
		UNROLL
		for (int g = 0; g < 2; g++) {
			EACH(c, cols, MAX_COLS) {
				__m512i start = _mm512_set1_epi32(x[(size_t)c * nb].g32.start[2 * j + g]);
				EACH(m, tiles, TILES)
					t[g][m][c] = start;
			}
		}
		dots(t, p, bits, 4, xc, cols, tiles);
		EACH(m, tiles, TILES)
			s[m] = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)(sc[m] + 32 * j)));
		EACH(c, cols, MAX_COLS) {
			__m512i sx = broadcast4(&x[(size_t)c * nb].g32.s[j / 2][j % 2 * 2]);
			EACH(m, tiles, TILES)
				sum[m][c] = _mm512_dpwssd_epi32(sum[m][c], pair(t[0][m][c], t[1][m][c], 1), _mm512_mullo_epi16(s[m], sx));
		}
	}
	if (tiles == 1)
		ahead(sc[0], 320);
	EACH(m, tiles, TILES) {
		__m512 dw = _mm512_mul_ps(halfs(sc[m] + 256), _mm512_set1_ps(2));
		EACH(c, cols, MAX_COLS)
			_mm512_storeu_ps(acc[m][c], _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)c * nb].d),
				_mm512_mul_ps(dw, _mm512_cvtepi32_ps(sum[m][c])), _mm512_loadu_ps(acc[m][c])));
	}
}

FAMILY_FNS(q4_k, 4)
FAMILY_FNS(q5_k, 5)
FAMILY_FNS(q6_k, 6)
