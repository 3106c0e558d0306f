/* SPDX-License-Identifier: Apache-2.0
 *
 * attn_lanes: attention at the levels avx2, avx512 and vnni, written in lanes of 16 (v16_*.h, QUERIES and KEY_TILES of v16_products.h, and
 * LEVEL(name), what a kernel is called, come before this). All rows of a call go over a tile of 32 positions together, step by step: scores,
 * their maxima, weights, output. A row's steps wait for each other, and a processor looks only some 60 instructions ahead for others that it
 * could do meanwhile; the other rows' same step is among these, while another step of another row would not be.
 */
#include "lib/kern/x86/v16_products.h"

#define TILE_LANES (ATTN_TILE / 16)
#define ROWS_UP ((ATTN_ROWS + 15) / 16 * 16)
_Static_assert(QUERIES <= 8 && TILE_LANES % KEY_TILES == 0, "a tile is a whole number of steps");

struct span {
	size_t from, to;
};

struct state {
	int16_t q[ATTN_ROWS][256], w[ATTN_ROWS][ATTN_TILE];	/* codes of queries and weights */
	float p[ATTN_ROWS][ATTN_TILE];				/* scores */
	float unit[ROWS_UP], top[ROWS_UP], t[ROWS_UP], m[ROWS_UP], c[ROWS_UP];
	float f[ROWS_UP];					/* with the scales of values in the end */
	vf l[ATTN_ROWS];
	struct span in[ATTN_ROWS];				/* positions of the tile that a row attends to */
};

/* What makes a tile's values comparable: their scales by the largest of them, times ATTN_W_MAX; 0 where they are not attended to. */
struct scales {
	vf by_top[TILE_LANES];
	float top;						/* by ATTN_W_MAX */
};

/* ---- codes ---- */

VF_FN float codes(const float *x, size_t n, float max, int16_t *c)
{
	vf m = vf_set(0);
	for (size_t i = 0; i < n; i += 16)
		m = vf_abs_max(vf_load(x + i), m);
	float top = vf_top(m);
	bool is_zero = !(top > ATTN_TINY);
	vf inv = vf_set(is_zero ? 0 : max / top);
	for (size_t i = 0; i < n; i += 16)
		vi_store16(c + i, is_zero ? vi_set(0) : code(vf_load(x + i), inv, max));
	return is_zero ? 0 : top / max;
}

void LEVEL(kv_put)(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base)
{
	size_t at = pos % ATTN_TILE, tile = pos / ATTN_TILE * attn_tile_len(d);
	int16_t *kt = k_base + tile, *vt = v_base + tile, kc[256], vc[256];
	float k_scale = codes(k, d, attn_qk_max(d), kc), v_scale = codes(v, d, ATTN_V_MAX, vc);
	for (size_t i = 0; i < d; i += 2)
		memcpy(kt + attn_k_at(d, at, i), kc + i, 2 * sizeof *kc);
	for (size_t i = 0; i < d; i++)
		vt[attn_v_at(at, i)] = vc[i];
	memcpy(kt + attn_scale_at(d, at), &k_scale, sizeof k_scale);
	memcpy(vt + attn_scale_at(d, at), &v_scale, sizeof v_scale);
}

VF_FN vf scales_at(const int16_t *tile, size_t d, size_t i)
{
	return vf_load((const float *)(const void *)(tile + attn_scale_at(d, 16 * i)));
}

/* ---- products: rows [at, at + n) of a call, n a constant ---- */

/* When one token is written, keys and values come from memory, and tiles of keys and of values take turns, which the processor's own
 * prefetching does not follow: the first rows ask for the next tile. */
VF_FN size_t ahead_of(const struct attn *a, size_t at)
{
	return at ? 0 : attn_tile_len(a->d_head);
}

VF_FN void scores(const struct attn *a, const int16_t *k, struct state *st, size_t at, int n)
{
	for (size_t j = 0; j < TILE_LANES; j += KEY_TILES) {
		vi s[QUERIES][KEY_TILES];
		products(st->q[at], 256, k + 16 * j * a->d_head, 32, 16 * a->d_head, a->d_head / 2, ahead_of(a, at), n,
			KEY_TILES, s);
		EACH(r, n, QUERIES)
			EACH(i, KEY_TILES, KEY_TILES)
				vf_store(st->p[at + (size_t)r] + 16 * (j + (size_t)i),
					vf_mul(vf_of(s[r][i]), scales_at(k, a->d_head, j + (size_t)i)));
	}
}

/* out = out c + w V f of 16 x tiles dimensions from d on, `tiles` a constant. */
VF_FN void values_of(const struct attn *a, const struct attn_row *row, const int16_t *v, struct state *st, size_t d, int tiles, size_t at, int n)
{
	vi s[QUERIES][KEY_TILES];
	products(st->w[at], ATTN_TILE, v + ATTN_TILE * d, 32, 16 * ATTN_TILE, ATTN_TILE / 2, ahead_of(a, at), n, tiles, s);
	EACH(r, n, QUERIES) {
		float *out = row[at + (size_t)r].out + d;
		vf c = vf_set(st->c[at + (size_t)r]), f = vf_set(st->f[at + (size_t)r]);
		EACH(i, tiles, KEY_TILES)
			vf_store(out + 16 * i, vf_fma(vf_of(s[r][i]), f, vf_mul(vf_load(out + 16 * i), c)));
	}
}

VF_FN void values(const struct attn *a, const struct attn_row *row, const int16_t *v, struct state *st, size_t at, int n)
{
	size_t d = 0;
	for (; d + 16 * KEY_TILES <= a->d_head; d += 16 * KEY_TILES)
		values_of(a, row, v, st, d, KEY_TILES, at, n);
	if (d < a->d_head)
		values_of(a, row, v, st, d, 1, at, n);
}

/* Calls FN(..., first row, rows) for all rows, as even as can be, since the sums of few wait for each other. */
#define BY_ROWS(FN, ...) \
	for (size_t r = 0, n; r < n_row; r += n) { \
		size_t left = n_row - r, runs = (left + QUERIES - 1) / QUERIES; \
		n = (left + runs - 1) / runs; \
		switch (n) { \
		case 1: FN(__VA_ARGS__, r, 1); break; \
		case 2: FN(__VA_ARGS__, r, 2); break; \
		case 3: FN(__VA_ARGS__, r, 3); break; \
		case 4: FN(__VA_ARGS__, r, 4); break; \
		case 5: FN(__VA_ARGS__, r, 5); break; \
		case 6: FN(__VA_ARGS__, r, 6); break; \
		case 7: FN(__VA_ARGS__, r, 7); break; \
		default: FN(__VA_ARGS__, r, 8); break; \
		} \
	}

static void all_scores(const struct attn *a, size_t n_row, const int16_t *k, struct state *st)
{
	BY_ROWS(scores, a, k, st)
}

static void all_values(const struct attn *a, const struct attn_row *row, size_t n_row, const int16_t *v, struct state *st)
{
	BY_ROWS(values, a, row, v, st)
}

/* ---- softmax ---- */

VF_FN struct span span_of(const struct attn *a, const struct attn_row *row, size_t base)
{
	size_t end = row->pos + 1, start = attn_first(a, row->pos);
	struct span in = { start > base ? start - base : 0, end > base ? end - base : 0 };
	in.from = in.from < ATTN_TILE ? in.from : ATTN_TILE;
	in.to = in.to < ATTN_TILE ? in.to : ATTN_TILE;
	return in;
}

VF_FN bool is_whole(struct span in)
{
	return in.from == 0 && in.to == ATTN_TILE;
}

/* The largest of a row's scores. */
VF_FN void find_top(struct state *st, size_t r)
{
	vf top = vf_set(-INFINITY);
	EACH(i, TILE_LANES, TILE_LANES) {
		vf s = vf_load(st->p[r] + 16 * i);
		if (!is_whole(st->in[r]))
			s = vf_between(s, (int)st->in[r].from - 16 * i, (int)st->in[r].to - 16 * i, -INFINITY);
		top = vf_max(s, top);
	}
	st->top[r] = vf_top(top);
}

VF_FN vf vf_pow2_scale(vf p, vf t)	/* pow2_scale */
{
	return vf_scale2(p, vf_max(t, vf_set(EXP_ROUND + POW2_MIN)));
}
VF_FN vf vf_pow2(vf s, vf k, vf m)	/* pow2_ref; m is EXP_ROUND less the latter's */
{
	vf t = vf_fma(s, k, m), r = vf_fma(s, k, vf_sub(m, t));
	vf p = vf_fma(vf_set(POW2_C5), r, vf_set(POW2_C4));
	p = vf_fma(p, r, vf_set(POW2_C3));
	p = vf_fma(p, r, vf_set(POW2_C2));
	p = vf_fma(p, r, vf_set(POW2_C1));
	return vf_pow2_scale(vf_fma(p, r, vf_set(1)), t);
}

/* All rows' maxima, in units of exponents, move on; a row that has attended to nothing yet stays at -inf. */
VF_FN void move_tops(struct state *st)
{
	for (size_t r = 0; r < ATTN_ROWS; r += 16) {
		vf was = vf_load(st->m + r), round = vf_set(EXP_ROUND), one = vf_set(1);
		vf t = vf_sub(vf_fma(vf_load(st->top + r), vf_load(st->unit + r), round), round), is = vf_max(t, was);
		vf_store(st->c + r, vf_pow2_scale(one, vf_add(vf_sub(was, is), round)));
		vf_store(st->f + r, vf_pow2_scale(one, vf_add(vf_sub(t, is), round)));
		vf_store(st->t + r, t);
		vf_store(st->m + r, is);
	}
}

VF_FN struct scales scales_of(const struct attn *a, const int16_t *v, struct span in)
{
	struct scales o;
	vf m = vf_set(0);
	EACH(i, TILE_LANES, TILE_LANES) {
		o.by_top[i] = vf_between(scales_at(v, a->d_head, (size_t)i), (int)in.from - 16 * i, (int)in.to - 16 * i, 0);
		m = vf_max(o.by_top[i], m);
	}
	float top = vf_top(m);
	EACH(i, TILE_LANES, TILE_LANES)
		o.by_top[i] = vf_mul(o.by_top[i], vf_set(top > 0 ? ATTN_W_MAX / top : 0));
	o.top = top * (1 / ATTN_W_MAX);
	return o;
}

/* A row's scores become weights and their codes; its sums move on. */
VF_FN void weigh(struct state *st, const struct scales *v, size_t r)
{
	vf p[TILE_LANES], u = vf_set(st->unit[r]), m = vf_set(EXP_ROUND - st->t[r]);
	EACH(i, TILE_LANES, TILE_LANES) {
		p[i] = vf_pow2(vf_load(st->p[r] + 16 * i), u, m);
		if (!is_whole(st->in[r]))
			p[i] = vf_between(p[i], (int)st->in[r].from - 16 * i, (int)st->in[r].to - 16 * i, 0);
		vi_store16(st->w[r] + 16 * i, vi_of(vf_min(vf_mul(p[i], v->by_top[i]), vf_set(ATTN_V_MAX))));
	}
	st->l[r] = vf_fma(st->l[r], vf_set(st->c[r]), vf_mul(vf_set(st->f[r]), vf_add(p[0], p[1])));
	st->f[r] *= v->top;
}

VF_FN void soften(const struct attn *a, const struct attn_row *row, size_t n_row, size_t base, const int16_t *v, struct state *st)
{
	struct scales all = scales_of(a, v, (struct span){ 0, ATTN_TILE });
	for (size_t r = 0; r < n_row; r++) {
		st->in[r] = span_of(a, &row[r], base);
		find_top(st, r);
	}
	move_tops(st);
	for (size_t r = 0; r < n_row; r++) {
		if (is_whole(st->in[r])) {
			weigh(st, &all, r);
			continue;
		}
		struct scales own = scales_of(a, v, st->in[r]);
		weigh(st, &own, r);
	}
}

/* ---- all of it ---- */

void LEVEL(attn)(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	struct state st;
	size_t last = 0, first = SIZE_MAX;
	for (size_t r = 0; r < ROWS_UP; r++) {
		st.m[r] = st.top[r] = -INFINITY;
		st.unit[r] = 1;
	}
	for (size_t r = 0; r < n_row; r++) {
		size_t end = row[r].pos + 1, start = attn_first(a, row[r].pos);
		last = end > last ? end : last;
		first = start < first ? start : first;
		st.unit[r] = attn_unit(a, codes(row[r].q, a->d_head, attn_qk_max(a->d_head), st.q[r]));
		memset(row[r].out, 0, a->d_head * sizeof(float));
		st.l[r] = vf_set(0);
	}
	for (size_t base = first / ATTN_TILE * ATTN_TILE; base < last; base += ATTN_TILE) {
		size_t at = base / ATTN_TILE * attn_tile_len(a->d_head);
		all_scores(a, n_row, a->k + at, &st);
		soften(a, row, n_row, base, a->v + at, &st);
		all_values(a, row, n_row, a->v + at, &st);
	}
	for (size_t r = 0; r < n_row; r++) {
		vf inv = vf_set(1.0f / vf_sum(st.l[r]));
		for (size_t d = 0; d < a->d_head; d += 16)
			vf_store(row[r].out + d, vf_mul(vf_load(row[r].out + d), inv));
	}
}
