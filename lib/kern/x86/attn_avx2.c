/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx2 level. Three rows go over a tile of 32 positions together: 3 x 4 accumulators for the scores (lanes are positions), 3 x 4
 * for 32 dimensions of the output (lanes are dimensions), and what is left of the 16 registers for one key or value and three factors. All
 * rows' scores come before any row's values, so that the exponentials of some rows are computed while others multiply.
 */
#include "lib/kern/x86/avx2.h"

#define ROWS 3		/* at once */

struct state {
	float p[ATTN_ROWS][ATTN_TILE], c[ATTN_ROWS], m[ATTN_ROWS];
	struct v16 l[ATTN_ROWS];
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
INLINE void weigh(const struct attn *a, const struct attn_row *row, size_t base, __m256 s[4], struct state *st, size_t r)
{
	size_t end = row->pos + 1, start = a->window && end > a->window ? end - a->window : 0;
	bool whole = start <= base && end >= base + ATTN_TILE;
	__m256 low = _mm256_set1_ps(-INFINITY), top = low, in[4];
	st->c[r] = 1;
	if (end <= base || start >= base + ATTN_TILE) {
		memset(st->p[r], 0, sizeof st->p[r]);
		return;
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		s[i] = capped(a, _mm256_mul_ps(s[i], _mm256_set1_ps(a->scale)));
		in[i] = whole ? low : lanes(start, end, base + 8 * (size_t)i);
		top = _mm256_max_ps(top, whole ? s[i] : _mm256_blendv_ps(low, s[i], in[i]));
	}
	float m = max2(max8(top), st->m[r]);
	UNROLL
	for (int i = 0; i < 4; i++) {
		s[i] = exp256(_mm256_sub_ps(s[i], _mm256_set1_ps(m)));
		if (!whole)
			s[i] = _mm256_and_ps(in[i], s[i]);
		_mm256_storeu_ps(st->p[r] + 8 * i, s[i]);
	}
	st->c[r] = m == st->m[r] ? 1 : exp_ref(st->m[r] - m);	/* mostly the former: exp(0) is 1 */
	st->m[r] = m;
	__m256 c = _mm256_set1_ps(st->c[r]);
	st->l[r].a = _mm256_fmadd_ps(st->l[r].a, c, _mm256_add_ps(s[0], s[2]));
	st->l[r].b = _mm256_fmadd_ps(st->l[r].b, c, _mm256_add_ps(s[1], s[3]));
}

/* acc += x v. Keeps the compiler from moving sums to memory between steps, as it does with eight of them. */
INLINE void add_product(__m256 *acc, const float *x, __m256 v)
{
	*acc = _mm256_fmadd_ps(_mm256_broadcast_ss(x), v, *acc);
	__asm__("" : "+x"(*acc));
}

/* Asks for the next tile's line that stands where `p` is in this one. The first rows of a call do so for all: when one token is written,
 * keys and values come from memory, and tiles of keys and of values take turns, which the processor's own prefetching does not follow. */
INLINE void next_tile(const struct attn *a, const uint16_t *p, size_t at)
{
	if (at == 0)
		_mm_prefetch((const char *)(p + ATTN_TILE * a->d_head), _MM_HINT_T0);
}

/* Rows [at, at + n); n is a constant, at most ROWS. */
INLINE void scores(const struct attn *a, const struct attn_row *row, size_t base, struct state *st, size_t at, int n)
{
	const uint16_t *k = a->k + base * a->d_head;
	__m256 s[ROWS][4];
	const float *q[ROWS];
	EACH(r, n, ROWS) {
		q[r] = row[at + (size_t)r].q;
		s[r][0] = s[r][1] = s[r][2] = s[r][3] = _mm256_setzero_ps();
	}
	for (size_t d = 0; d < a->d_head; d++) {
		next_tile(a, k + d * ATTN_TILE, at);
		UNROLL
		for (int i = 0; i < 4; i++) {
			__m256 ki = widen(k + d * ATTN_TILE + 8 * i);
			EACH(r, n, ROWS)
				add_product(&s[r][i], q[r] + d, ki);
		}
	}
	EACH(r, n, ROWS)
		weigh(a, &row[at + (size_t)r], base, s[r], st, at + (size_t)r);
}

/* out = out * c + p V over positions [from, to) of the tile, for `vecs` x 8 dimensions from d on; vecs and n are constants. */
INLINE void values(const struct attn *a, const struct attn_row *row, size_t base, size_t from, size_t to, size_t d, int vecs, struct state *st,
	size_t at, int n)
{
	__m256 o[ROWS][4];
	EACH(r, n, ROWS)
		EACH(i, vecs, 4)
			o[r][i] = _mm256_mul_ps(_mm256_loadu_ps(row[at + (size_t)r].out + d + 8 * i), _mm256_set1_ps(st->c[at + (size_t)r]));
	for (size_t j = from; j < to; j++) {
		const uint16_t *v = a->v + (base + j) * a->d_head + d;
		next_tile(a, v, at);
		EACH(i, vecs, 4) {
			__m256 vi = widen(v + 8 * i);
			EACH(r, n, ROWS)
				add_product(&o[r][i], &st->p[at + (size_t)r][j], vi);
		}
	}
	EACH(r, n, ROWS)
		EACH(i, vecs, 4)
			_mm256_storeu_ps(row[at + (size_t)r].out + d + 8 * i, o[r][i]);
}

INLINE void all_values(const struct attn *a, const struct attn_row *row, size_t base, size_t from, size_t to, struct state *st, size_t at, int n)
{
	size_t i = 0;
	for (; i + 32 <= a->d_head; i += 32)
		values(a, row, base, from, to, i, 4, st, at, n);
	for (; i < a->d_head; i += 16)
		values(a, row, base, from, to, i, 2, st, at, n);
}

/* Calls FN(..., first row, rows): three at a time, but two and two rather than three and one, which would wait for its own sums. */
#define BY_ROWS(FN, ...) do { \
	size_t r = 0; \
	for (; n_row - r >= ROWS && n_row - r != 4; r += ROWS) \
		FN(__VA_ARGS__, r, ROWS); \
	for (; n_row - r >= 2; r += 2) \
		FN(__VA_ARGS__, r, 2); \
	if (n_row > r) \
		FN(__VA_ARGS__, r, 1); \
} while (0)

void attn_avx2(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	struct state st;
	size_t d = a->d_head, last = 0, first = SIZE_MAX;
	for (size_t r = 0; r < n_row; r++) {
		size_t end = row[r].pos + 1, start = a->window && end > a->window ? end - a->window : 0;
		last = end > last ? end : last;
		first = start < first ? start : first;
		memset(row[r].out, 0, d * sizeof(float));
		st.m[r] = -INFINITY;
		st.l[r].a = st.l[r].b = _mm256_setzero_ps();
	}
	for (size_t base = first / ATTN_TILE * ATTN_TILE; base < last; base += ATTN_TILE) {
		size_t from = first > base ? first - base : 0, to = last - base < ATTN_TILE ? last - base : ATTN_TILE;
		BY_ROWS(scores, a, row, base, &st);
		BY_ROWS(all_values, a, row, base, from, to, &st);
	}
	for (size_t r = 0; r < n_row; r++) {
		__m256 inv = _mm256_set1_ps(1.0f / tree(st.l[r]));
		for (size_t i = 0; i < d; i += 8)
			_mm256_storeu_ps(row[r].out + i, _mm256_mul_ps(_mm256_loadu_ps(row[r].out + i), inv));
	}
}
