/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx512 level. Up to 8 rows go over a tile of 32 positions together, so that each key and value is widened from f16 once:
 * scores keep 2 x 8 accumulators (lanes are positions), the output 2 x 8 for 32 of its dimensions at a time (lanes are dimensions).
 */
#include "lib/kern/x86/avx512.h"

#define ROWS 8		/* at once */

struct rows {
	float q[ROWS][256], out[ROWS][256], p[ROWS][ATTN_TILE], c[ROWS], m[ROWS];
	__m512 l[ROWS];
};

INLINE __m512 widen(const uint16_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

/* Which lanes of [16 half, 16 half + 16) row r attends to in the tile at `base`. */
INLINE __mmask16 lanes(const struct attn *a, const struct attn_row *row, size_t base, size_t half)
{
	size_t end = row->pos + 1, start = attn_first(a, row->pos), at = base + 16 * half;
	uint32_t upto = end <= at ? 0 : end - at >= 16 ? 0xffff : (1u << (end - at)) - 1;
	uint32_t before = start <= at ? 0 : start - at >= 16 ? 0xffff : (1u << (start - at)) - 1;
	return (__mmask16)(upto & ~before);
}

INLINE __m512 capped(const struct attn *a, __m512 s)
{
	if (!(a->softcap > 0))
		return s;
	__m512 cap = _mm512_set1_ps(a->softcap), one = _mm512_set1_ps(1);
	__m512 e = exp512(_mm512_mul_ps(_mm512_set1_ps(2), _mm512_div_ps(_mm512_mul_ps(s, _mm512_set1_ps(a->scale)), cap)));
	return _mm512_mul_ps(cap, _mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2), _mm512_add_ps(one, e))));
}

/* Scores of n rows (a constant), their weights into st->p, the running maximum and sums. */
INLINE void scores(const struct attn *a, const struct attn_row *row, size_t base, struct rows *st, int n)
{
	const uint16_t *k = a->k + base * a->d_head, *v = a->v + base * a->d_head;
	__m512 s[ROWS][2];
	EACH(r, n, ROWS)
		s[r][0] = s[r][1] = _mm512_setzero_ps();
	for (size_t i = 0; i < a->d_head; i++) {
		/* a tile of values is as long as one of keys; past the last tile a prefetch does nothing */
		_mm_prefetch((const char *)(v + i * ATTN_TILE), _MM_HINT_T0);
		_mm_prefetch((const char *)(k + (a->d_head + i) * ATTN_TILE), _MM_HINT_T0);
		__m512 k0 = widen(k + i * ATTN_TILE), k1 = widen(k + i * ATTN_TILE + 16);
		EACH(r, n, ROWS) {
			__m512 q = _mm512_set1_ps(st->q[r][i]);
			s[r][0] = _mm512_fmadd_ps(q, k0, s[r][0]);
			s[r][1] = _mm512_fmadd_ps(q, k1, s[r][1]);
		}
	}
	const float unit = attn_unit(a);
	EACH(r, n, ROWS) {
		__mmask16 m0 = lanes(a, &row[r], base, 0), m1 = lanes(a, &row[r], base, 1);
		__m512 u = _mm512_set1_ps(unit), low = _mm512_set1_ps(-INFINITY), s0 = capped(a, s[r][0]), s1 = capped(a, s[r][1]);
		st->c[r] = 1;
		if (!(m0 | m1)) {
			memset(st->p[r], 0, sizeof st->p[r]);
			continue;
		}
		float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_mask_mov_ps(low, m0, s0), _mm512_mask_mov_ps(low, m1, s1)));
		float m = max2(fmaf(top, unit, EXP_ROUND) - EXP_ROUND, st->m[r]);
		__m512 at = _mm512_set1_ps(EXP_ROUND - m);
		__m512 p0 = _mm512_maskz_mov_ps(m0, pow2_512(s0, u, at)), p1 = _mm512_maskz_mov_ps(m1, pow2_512(s1, u, at));
		st->c[r] = pow2_scale(1.0f, st->m[r] - m + EXP_ROUND);
		st->m[r] = m;
		st->l[r] = _mm512_fmadd_ps(st->l[r], _mm512_set1_ps(st->c[r]), _mm512_add_ps(p0, p1));
		_mm512_storeu_ps(st->p[r], p0);
		_mm512_storeu_ps(st->p[r] + 16, p1);
	}
}

/* out = out * c + p V over positions [from, to) of the tile, for `vecs` (1 or 2) x 16 dimensions from d on. */
INLINE void values(const struct attn *a, size_t base, size_t from, size_t to, size_t d, int vecs, struct rows *st, int n)
{
	__m512 o[ROWS][2];
	EACH(r, n, ROWS)
		EACH(i, vecs, 2)
			o[r][i] = _mm512_mul_ps(_mm512_loadu_ps(st->out[r] + d + 16 * i), _mm512_set1_ps(st->c[r]));
	for (size_t j = from; j < to; j++) {
		const uint16_t *v = a->v + (base + j) * a->d_head + d;
		__m512 v0 = widen(v), v1 = vecs > 1 ? widen(v + 16) : v0;
		EACH(r, n, ROWS) {
			__m512 p = _mm512_set1_ps(st->p[r][j]);
			o[r][0] = _mm512_fmadd_ps(p, v0, o[r][0]);
			if (vecs > 1)
				o[r][1] = _mm512_fmadd_ps(p, v1, o[r][1]);
		}
	}
	EACH(r, n, ROWS)
		EACH(i, vecs, 2)
			_mm512_storeu_ps(st->out[r] + d + 16 * i, o[r][i]);
}

INLINE void attend(const struct attn *a, const struct attn_row *row, int n)
{
	struct rows st;
	size_t d = a->d_head, last = 0, first = SIZE_MAX;
	for (int r = 0; r < n; r++) {
		size_t end = row[r].pos + 1, start = attn_first(a, row[r].pos);
		last = end > last ? end : last;
		first = start < first ? start : first;
		memcpy(st.q[r], row[r].q, d * sizeof(float));
		memset(st.out[r], 0, d * sizeof(float));
		st.m[r] = -INFINITY;
		st.l[r] = _mm512_setzero_ps();
	}
	for (size_t base = first / ATTN_TILE * ATTN_TILE; base < last; base += ATTN_TILE) {
		size_t from = first > base ? first - base : 0, to = last - base < ATTN_TILE ? last - base : ATTN_TILE, i = 0;
		scores(a, row, base, &st, n);
		for (; i + 32 <= d; i += 32)
			values(a, base, from, to, i, 2, &st, n);
		if (i < d)
			values(a, base, from, to, i, 1, &st, n);
	}
	for (int r = 0; r < n; r++) {
		__m512 inv = _mm512_set1_ps(1.0f / tree(st.l[r]));
		for (size_t i = 0; i < d; i += 16)
			_mm512_storeu_ps(row[r].out + i, _mm512_mul_ps(_mm512_loadu_ps(st.out[r] + i), inv));
	}
}

void attn_avx512(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	for (; n_row > ROWS; n_row -= ROWS, row += ROWS)
		attend(a, row, ROWS);
	switch (n_row) {
	case 1: attend(a, row, 1); break;
	case 2: attend(a, row, 2); break;
	case 3: attend(a, row, 3); break;
	case 4: attend(a, row, 4); break;
	case 5: attend(a, row, 5); break;
	case 6: attend(a, row, 6); break;
	case 7: attend(a, row, 7); break;
	case 8: attend(a, row, 8); break;
	default: break;
	}
}
