/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx2 level. Three rows go over a tile of 32 positions together: 3 x 4 accumulators for the scores (lanes are positions), 3 x 4
 * for 32 dimensions of the output (lanes are dimensions), and what is left of the 16 registers for one key or value and three factors.
 */
#include "lib/kern/x86/avx2.h"

#define ROWS 3

struct rows {
	float q[ROWS][256], out[ROWS][256], p[ROWS][ATTN_TILE], c[ROWS], m[ROWS];
	struct v16 l[ROWS];
};

INLINE __m256 widen(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

/* All ones in the lanes of positions [at, at + 8) that lie in [start, end). */
INLINE __m256 lanes(size_t start, size_t end, size_t at)
{
	const __m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	int from = start > at ? start - at > 8 ? 8 : (int)(start - at) : 0, to = end > at ? end - at > 8 ? 8 : (int)(end - at) : 0;
	__m256i in = _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), i), _mm256_cmpgt_epi32(_mm256_set1_epi32(to), i));
	return _mm256_castsi256_ps(in);
}

INLINE __m256 capped(const struct attn *a, __m256 s)
{
	if (!(a->softcap > 0))
		return s;
	__m256 cap = _mm256_set1_ps(a->softcap), one = _mm256_set1_ps(1);
	__m256 e = exp256(_mm256_mul_ps(_mm256_set1_ps(2), _mm256_div_ps(s, cap)));
	return _mm256_mul_ps(cap, _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2), _mm256_add_ps(one, e))));
}

/* One row's scores become exponentials; its maximum and sums move on. */
INLINE void weigh(const struct attn *a, const struct attn_row *row, size_t base, __m256 s[4], struct rows *st, int r)
{
	size_t end = row->pos + 1, start = a->window && end > a->window ? end - a->window : 0;
	__m256 low = _mm256_set1_ps(-INFINITY), top = low, in[4];
	st->c[r] = 1;
	if (end <= base || start >= base + ATTN_TILE) {
		memset(st->p[r], 0, sizeof st->p[r]);
		return;
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		in[i] = lanes(start, end, base + 8 * (size_t)i);
		s[i] = capped(a, _mm256_mul_ps(s[i], _mm256_set1_ps(a->scale)));
		top = _mm256_max_ps(top, _mm256_blendv_ps(low, s[i], in[i]));
	}
	float m = max2(max8(top), st->m[r]);
	UNROLL
	for (int i = 0; i < 4; i++) {
		s[i] = _mm256_and_ps(in[i], exp256(_mm256_sub_ps(s[i], _mm256_set1_ps(m))));
		_mm256_storeu_ps(st->p[r] + 8 * i, s[i]);
	}
	st->c[r] = exp_ref(st->m[r] - m);
	st->m[r] = m;
	__m256 c = _mm256_set1_ps(st->c[r]);
	st->l[r].a = _mm256_fmadd_ps(st->l[r].a, c, _mm256_add_ps(s[0], s[2]));
	st->l[r].b = _mm256_fmadd_ps(st->l[r].b, c, _mm256_add_ps(s[1], s[3]));
}

INLINE void scores(const struct attn *a, const struct attn_row *row, size_t base, struct rows *st, int n)
{
	const uint16_t *k = a->k + base * a->d_head;
	__m256 s[ROWS][4];
	UNROLL
	for (int r = 0; r < n; r++)
		s[r][0] = s[r][1] = s[r][2] = s[r][3] = _mm256_setzero_ps();
	for (size_t d = 0; d < a->d_head; d++) {
		UNROLL
		for (int i = 0; i < 4; i++) {
			__m256 v = widen(k + d * ATTN_TILE + 8 * i);
			UNROLL
			for (int r = 0; r < n; r++)
				s[r][i] = _mm256_fmadd_ps(_mm256_set1_ps(st->q[r][d]), v, s[r][i]);
		}
	}
	UNROLL
	for (int r = 0; r < n; r++)
		weigh(a, &row[r], base, s[r], st, r);
}

/* out = out * c + p V over positions [from, to) of the tile, for `vecs` (a constant) x 8 dimensions from d on. */
INLINE void values(const struct attn *a, size_t base, size_t from, size_t to, size_t d, int vecs, struct rows *st, int n)
{
	__m256 o[ROWS][4];
	UNROLL
	for (int r = 0; r < n; r++)
		UNROLL
		for (int i = 0; i < vecs; i++)
			o[r][i] = _mm256_mul_ps(_mm256_loadu_ps(st->out[r] + d + 8 * i), _mm256_set1_ps(st->c[r]));
	for (size_t j = from; j < to; j++) {
		const uint16_t *v = a->v + (base + j) * a->d_head + d;
		UNROLL
		for (int i = 0; i < vecs; i++) {
			__m256 vi = widen(v + 8 * i);
			UNROLL
			for (int r = 0; r < n; r++)
				o[r][i] = _mm256_fmadd_ps(_mm256_set1_ps(st->p[r][j]), vi, o[r][i]);
		}
	}
	UNROLL
	for (int r = 0; r < n; r++)
		UNROLL
		for (int i = 0; i < vecs; i++)
			_mm256_storeu_ps(st->out[r] + d + 8 * i, o[r][i]);
}

INLINE void attend(const struct attn *a, const struct attn_row *row, int n)
{
	struct rows st;
	size_t d = a->d_head, last = 0, first = SIZE_MAX;
	for (int r = 0; r < n; r++) {
		size_t end = row[r].pos + 1, start = a->window && end > a->window ? end - a->window : 0;
		last = end > last ? end : last;
		first = start < first ? start : first;
		memcpy(st.q[r], row[r].q, d * sizeof(float));
		memset(st.out[r], 0, d * sizeof(float));
		st.m[r] = -INFINITY;
		st.l[r].a = st.l[r].b = _mm256_setzero_ps();
	}
	for (size_t base = first / ATTN_TILE * ATTN_TILE; base < last; base += ATTN_TILE) {
		size_t from = first > base ? first - base : 0, to = last - base < ATTN_TILE ? last - base : ATTN_TILE, i = 0;
		scores(a, row, base, &st, n);
		for (; i + 32 <= d; i += 32)
			values(a, base, from, to, i, 4, &st, n);
		for (; i < d; i += 16)
			values(a, base, from, to, i, 2, &st, n);
	}
	for (int r = 0; r < n; r++) {
		__m256 inv = _mm256_set1_ps(1.0f / tree(st.l[r]));
		for (size_t i = 0; i < d; i += 8)
			_mm256_storeu_ps(row[r].out + i, _mm256_mul_ps(_mm256_loadu_ps(st.out[r] + i), inv));
	}
}

void attn_avx2(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	for (; n_row >= 3; n_row -= 3, row += 3)
		attend(a, row, 3);
	if (n_row == 2)
		attend(a, row, 2);
	else if (n_row == 1)
		attend(a, row, 1);
}
