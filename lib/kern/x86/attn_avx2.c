/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx2 level. All rows of a call go over a tile of 32 positions together, step by step: scores, their maxima, weights, output.
 * A row's steps wait for each other, and a processor looks only some 60 instructions ahead for others that it could do meanwhile; the other
 * rows' same step is among these, while another step of another row would not be.
 *
 * Multiplying, three rows at once: 3 x 4 sums for the scores (lanes are positions), 3 x 4 for 32 dimensions of the output (lanes are
 * dimensions), and what is left of the 16 registers for one key or value and three factors. For many rows, keys and values are widened to
 * floats once, into a buffer that stays in the nearest cache.
 */
#include "lib/kern/x86/avx2.h"

#define ROWS 3		/* at once */
#define FEW 4		/* rows, at most, that read keys and values as they come */
#define BLOCK 64	/* dimensions of a tile of keys that are widened together */
#define PART 32		/* the same of a tile of values */
_Static_assert(ATTN_ROWS % 8 == 0, "maxima move on eight at a time");

struct span {
	size_t from, to;
};

struct state {
	float p[ATTN_ROWS][ATTN_TILE];			/* scores, then weights */
	float top[ATTN_ROWS], m[ATTN_ROWS], c[ATTN_ROWS];
	struct v16 l[ATTN_ROWS];
	struct span in[ATTN_ROWS];			/* positions of the tile that a row attends to */
	float wide[BLOCK * ATTN_TILE];			/* keys [dimension][position] or values [position][PART] */
};

INLINE __m256 widen(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

/* Elements i .. i + 7 of floats, or of f16; is_f16 is a constant. */
INLINE __m256 eight(const void *p, size_t i, bool is_f16)
{
	return is_f16 ? widen((const uint16_t *)p + i) : _mm256_loadu_ps((const float *)p + i);
}

/* Asks for the next tile's line that stands where `p` is in this one: when one token is written, keys and values come from memory, and tiles
 * of keys and of values take turns, which the processor's own prefetching does not follow. */
INLINE void next_tile(const struct attn *a, const uint16_t *p)
{
	_mm_prefetch((const char *)(p + ATTN_TILE * a->d_head), _MM_HINT_T0);
}

/* ---- scores ---- */

/* acc += x v. Keeps the compiler from moving sums to memory between steps, as it does with eight of them. */
INLINE void add_product(__m256 *acc, const float *x, __m256 v)
{
	*acc = _mm256_fmadd_ps(_mm256_broadcast_ss(x), v, *acc);
	__asm__("" : "+x"(*acc));
}

/* Scores of rows [at, at + n) over dimensions [d, d + n_dim), which `k` is of, beside those of the dimensions before. is_f16 and n, at most
 * ROWS, are constants. */
INLINE void scores(const struct attn *a, const struct attn_row *row, const void *k, size_t d, size_t n_dim, bool is_f16, struct state *st, size_t at,
	int n)
{
	__m256 s[ROWS][4];
	const float *q[ROWS];
	EACH(r, n, ROWS) {
		q[r] = row[at + (size_t)r].q + d;
		EACH(i, 4, 4)
			s[r][i] = d ? _mm256_loadu_ps(st->p[at + (size_t)r] + 8 * i) : _mm256_setzero_ps();
	}
	UNROLL_4
	for (size_t x = 0; x < n_dim; x++) {
		if (is_f16)
			next_tile(a, (const uint16_t *)k + x * ATTN_TILE);
		EACH(i, 4, 4) {
			__m256 ki = eight(k, x * ATTN_TILE + 8 * (size_t)i, is_f16);
			EACH(r, n, ROWS)
				add_product(&s[r][i], q[r] + x, ki);
		}
	}
	EACH(r, n, ROWS)
		EACH(i, 4, 4)
			_mm256_storeu_ps(st->p[at + (size_t)r] + 8 * i, s[r][i]);
}

INLINE void widen_keys(const struct attn *a, const uint16_t *k, size_t n_dim, float *wide)
{
	for (size_t x = 0; x < n_dim; x++, k += ATTN_TILE, wide += ATTN_TILE) {
		next_tile(a, k);
		EACH(i, 4, 4)
			_mm256_storeu_ps(wide + 8 * i, widen(k + 8 * i));
	}
}

/* ---- softmax ---- */

INLINE struct span span_of(const struct attn *a, const struct attn_row *row, size_t base)
{
	size_t end = row->pos + 1, start = attn_first(a, row->pos);
	struct span in = { start > base ? start - base : 0, end > base ? end - base : 0 };
	in.from = in.from < ATTN_TILE ? in.from : ATTN_TILE;
	in.to = in.to < ATTN_TILE ? in.to : ATTN_TILE;
	return in;
}

INLINE bool is_whole(struct span in)
{
	return in.from == 0 && in.to == ATTN_TILE;
}

/* All ones in the lanes of positions [at, at + 8) of the tile that lie in `in`. */
INLINE __m256 lanes(struct span in, int at)
{
	const __m256i i = _mm256_add_epi32(_mm256_set1_epi32(at), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	__m256i from = _mm256_set1_epi32((int)in.from), to = _mm256_set1_epi32((int)in.to);
	return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_cmpgt_epi32(from, i), _mm256_cmpgt_epi32(to, i)));
}

INLINE __m256 capped(const struct attn *a, __m256 s)
{
	__m256 cap = _mm256_set1_ps(a->softcap), one = _mm256_set1_ps(1);
	__m256 e = exp256(_mm256_mul_ps(_mm256_set1_ps(2), _mm256_div_ps(_mm256_mul_ps(s, _mm256_set1_ps(a->scale)), cap)));
	return _mm256_mul_ps(cap, _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2), _mm256_add_ps(one, e))));
}

/* The largest of a row's scores. */
INLINE void find_top(const struct attn *a, struct state *st, size_t r)
{
	const __m256 low = _mm256_set1_ps(-INFINITY);
	__m256 s[4], top = low;
	EACH(i, 4, 4)
		s[i] = _mm256_loadu_ps(st->p[r] + 8 * i);
	if (a->softcap > 0)
		EACH(i, 4, 4) {
			s[i] = capped(a, s[i]);
			_mm256_storeu_ps(st->p[r] + 8 * i, s[i]);
		}
	if (!is_whole(st->in[r]))
		EACH(i, 4, 4)
			s[i] = _mm256_blendv_ps(low, s[i], lanes(st->in[r], 8 * i));
	EACH(i, 4, 4)
		top = _mm256_max_ps(top, s[i]);
	st->top[r] = max8(top);
}

/* All rows' maxima, in units of exponents, move on; a row that has attended to nothing yet stays at -inf. */
INLINE void move_tops(struct state *st, float unit)
{
	const __m256 round = _mm256_set1_ps(EXP_ROUND), one = _mm256_set1_ps(1), u = _mm256_set1_ps(unit);
	for (size_t r = 0; r < ATTN_ROWS; r += 8) {
		__m256 was = _mm256_loadu_ps(st->m + r), is = _mm256_sub_ps(_mm256_fmadd_ps(_mm256_loadu_ps(st->top + r), u, round), round);
		is = _mm256_max_ps(is, was);
		_mm256_storeu_ps(st->c + r, pow2_scale256(one, _mm256_add_ps(_mm256_sub_ps(was, is), round)));
		_mm256_storeu_ps(st->m + r, is);
	}
}

/* A row's scores become weights; its sums move on. */
INLINE void weigh(struct state *st, float unit, size_t r)
{
	const __m256 m = _mm256_set1_ps(EXP_ROUND - st->m[r]), c = _mm256_set1_ps(st->c[r]), u = _mm256_set1_ps(unit);
	__m256 s[4];
	EACH(i, 4, 4)
		s[i] = pow2_256(_mm256_loadu_ps(st->p[r] + 8 * i), u, m);
	if (!is_whole(st->in[r]))
		EACH(i, 4, 4)
			s[i] = _mm256_and_ps(lanes(st->in[r], 8 * i), s[i]);
	EACH(i, 4, 4)
		_mm256_storeu_ps(st->p[r] + 8 * i, s[i]);
	st->l[r].a = _mm256_fmadd_ps(st->l[r].a, c, _mm256_add_ps(s[0], s[2]));
	st->l[r].b = _mm256_fmadd_ps(st->l[r].b, c, _mm256_add_ps(s[1], s[3]));
}

INLINE void soften(const struct attn *a, const struct attn_row *row, size_t n_row, size_t base, struct state *st)
{
	const float unit = attn_unit(a);
	for (size_t r = 0; r < n_row; r++) {
		st->in[r] = span_of(a, &row[r], base);
		find_top(a, st, r);
	}
	move_tops(st, unit);
	for (size_t r = 0; r < n_row; r++)
		weigh(st, unit, r);
}

/* ---- output ---- */

/* out = out * c + p V of rows [at, at + n), for the vecs x 8 dimensions from d on, over positions `in`; v[position][ld] begins at d. vecs,
 * is_f16 and n are constants. */
INLINE void values(const struct attn *a, const struct attn_row *row, const void *v, size_t ld, struct span in, size_t d, int vecs, bool is_f16,
	struct state *st, size_t at, int n)
{
	__m256 o[ROWS][4];
	EACH(r, n, ROWS)
		EACH(i, vecs, 4)
			o[r][i] = _mm256_mul_ps(_mm256_loadu_ps(row[at + (size_t)r].out + d + 8 * i), _mm256_set1_ps(st->c[at + (size_t)r]));
	UNROLL_4
	for (size_t j = in.from; j < in.to; j++) {
		if (is_f16)
			next_tile(a, (const uint16_t *)v + j * ld);
		EACH(i, vecs, 4) {
			__m256 vi = eight(v, j * ld + 8 * (size_t)i, is_f16);
			EACH(r, n, ROWS)
				add_product(&o[r][i], &st->p[at + (size_t)r][j], vi);
		}
	}
	EACH(r, n, ROWS)
		EACH(i, vecs, 4)
			_mm256_storeu_ps(row[at + (size_t)r].out + d + 8 * i, o[r][i]);
}

INLINE void widen_values(const struct attn *a, const uint16_t *v, struct span in, int vecs, float *wide)
{
	for (size_t j = in.from; j < in.to; j++) {
		next_tile(a, v + j * a->d_head);
		EACH(i, vecs, 4)
			_mm256_storeu_ps(wide + j * PART + 8 * (size_t)i, widen(v + j * a->d_head + 8 * (size_t)i));
	}
}

/* ---- all of it ---- */

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

INLINE void all_scores(const struct attn *a, const struct attn_row *row, size_t n_row, size_t base, struct state *st)
{
	const uint16_t *k = a->k + base * a->d_head;
	if (n_row <= FEW) {
		BY_ROWS(scores, a, row, k, 0, a->d_head, true, st);
		return;
	}
	for (size_t d = 0; d < a->d_head; d += BLOCK) {
		size_t n_dim = a->d_head - d < BLOCK ? a->d_head - d : BLOCK;
		widen_keys(a, k + d * ATTN_TILE, n_dim, st->wide);
		BY_ROWS(scores, a, row, st->wide, d, n_dim, false, st);
	}
}

/* Dimensions [d, d + 8 vecs) of all rows; vecs is a constant. */
INLINE void part_values(const struct attn *a, const struct attn_row *row, size_t n_row, const uint16_t *v, struct span in, size_t d, int vecs,
	struct state *st)
{
	if (n_row <= FEW) {
		BY_ROWS(values, a, row, v, a->d_head, in, d, vecs, true, st);
		return;
	}
	widen_values(a, v, in, vecs, st->wide);
	BY_ROWS(values, a, row, st->wide, PART, in, d, vecs, false, st);
}

void attn_avx2(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	struct state st;
	size_t last = 0, first = SIZE_MAX, d;
	for (size_t r = 0; r < ATTN_ROWS; r++)
		st.m[r] = st.top[r] = -INFINITY;
	for (size_t r = 0; r < n_row; r++) {
		size_t end = row[r].pos + 1, start = attn_first(a, row[r].pos);
		last = end > last ? end : last;
		first = start < first ? start : first;
		memset(row[r].out, 0, a->d_head * sizeof(float));
		st.l[r].a = st.l[r].b = _mm256_setzero_ps();
	}
	for (size_t base = first / ATTN_TILE * ATTN_TILE; base < last; base += ATTN_TILE) {
		struct span in = { first > base ? first - base : 0, last - base < ATTN_TILE ? last - base : ATTN_TILE };
		const uint16_t *v = a->v + base * a->d_head;
		all_scores(a, row, n_row, base, &st);
		soften(a, row, n_row, base, &st);
		for (d = 0; d + PART <= a->d_head; d += PART)
			part_values(a, row, n_row, v + d, in, d, 4, &st);
		if (d < a->d_head)
			part_values(a, row, n_row, v + d, in, d, 2, &st);
	}
	for (size_t r = 0; r < n_row; r++) {
		__m256 inv = _mm256_set1_ps(1.0f / tree(st.l[r]));
		for (d = 0; d < a->d_head; d += 8)
			_mm256_storeu_ps(row[r].out + d, _mm256_mul_ps(_mm256_loadu_ps(row[r].out + d), inv));
	}
}
