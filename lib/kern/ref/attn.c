/* SPDX-License-Identifier: Apache-2.0
 *
 * attn, ref: attention of single rows over tiles of 32 positions with an online softmax (Milakov & Gimelshein 2018): a running
 * maximum m, running sums l (16 lanes) and a running output; when a tile raises m, what has been summed is scaled down.
 *
 *	codes:	x[i] = scale code[i], scale = max |x| / M, of a query, a key, a value
 *	tile:	s[j] = k_scale[j] (sum over d of q[d] k[d][j])		integers, exact
 *		u = q_scale scale / ln 2: weights are powers of two
 *		t = round(u max(s)), m' = max(m, t), integers, so that c = 2^(m - m') and f = 2^(t - m') are exact
 *		p[j] = 2^(u s[j] - t), 0 where j is not attended to
 *		w[j] = round(p[j] v_scale[j] W / max v_scale), the maximum of those attended to
 *		l[i] = fmaf(l[i], c, f (p[i] + p[i + 16]))
 *		out[d] = fmaf(sum over j of w[j] v[j][d], f max v_scale / W, out[d] c)		the sum an integer
 *	end:	out[d] *= 1 / tree(l)
 */
#include "lib/kern/ref/ref.h"

/* Codes of x[n], at most `max`; the scale. */
static float codes(const float *x, size_t n, float max, int16_t *code)
{
	float top = 0;
	for (size_t i = 0; i < n; i++)
		top = max2(fabsf(x[i]), top);
	bool is_zero = !(top > ATTN_TINY);
	float inv = is_zero ? 0 : max / top;
	for (size_t i = 0; i < n; i++)
		code[i] = is_zero ? 0 : (int16_t)nearest(min2(max2(x[i] * inv, -max), max));
	return is_zero ? 0 : top / max;
}

void kv_put_ref(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base)
{
	size_t at = pos % ATTN_TILE;
	int16_t *kt = k_base + pos / ATTN_TILE * attn_tile_len(d), *vt = v_base + pos / ATTN_TILE * attn_tile_len(d), kc[256], vc[256];
	float k_scale = codes(k, d, attn_qk_max(d), kc), v_scale = codes(v, d, ATTN_V_MAX, vc);
	for (size_t i = 0; i < d; i++) {
		kt[attn_k_at(d, at, i)] = kc[i];
		vt[attn_v_at(at, i)] = vc[i];
	}
	memcpy(kt + attn_scale_at(d, at), &k_scale, sizeof k_scale);
	memcpy(vt + attn_scale_at(d, at), &v_scale, sizeof v_scale);
}

struct state {
	int16_t q[256];
	float q_scale, m, l[16], out[256];
};

/* The scores of positions [from, to) of the tile k; the largest. */
static float scores(const struct attn *a, const int16_t *k, size_t from, size_t to, const struct state *st, float s[ATTN_TILE])
{
	float scale[ATTN_TILE], top = -INFINITY;
	memcpy(scale, k + attn_scale_at(a->d_head, 0), sizeof scale);
	for (size_t j = from; j < to; j++) {
		int32_t sum = 0;
		for (size_t i = 0; i < a->d_head; i++)
			sum += st->q[i] * k[attn_k_at(a->d_head, j, i)];
		s[j] = (float)sum * scale[j];
		top = max2(s[j], top);
	}
	return top;
}

/* out = out c + w V f, the weights p of positions [from, to) as codes. */
static void add_values(const struct attn *a, const int16_t *v, size_t from, size_t to, const float p[ATTN_TILE], float c, float f, float *out)
{
	float scale[ATTN_TILE], top = 0;
	int16_t w[ATTN_TILE];
	memcpy(scale, v + attn_scale_at(a->d_head, 0), sizeof scale);
	for (size_t j = from; j < to; j++)
		top = max2(scale[j], top);
	float per_top = top > 0 ? ATTN_W_MAX / top : 0;
	for (size_t j = from; j < to; j++)
		w[j] = (int16_t)nearest(max2(min2(p[j] * (scale[j] * per_top), ATTN_V_MAX), -32768));
	f *= top * (1 / ATTN_W_MAX);
	for (size_t i = 0; i < a->d_head; i++) {
		uint32_t sum = 0;	/* wraps, as vectors do, where scores were beyond 2^22 and weights make no sense */
		for (size_t j = from; j < to; j++)
			sum += (uint32_t)(w[j] * v[attn_v_at(j, i)]);
		out[i] = fmaf((float)(int32_t)sum, f, out[i] * c);
	}
}

/* Positions [from, to) of the tile that starts at `base` are attended to. */
static void tile(const struct attn *a, size_t base, size_t from, size_t to, struct state *st)
{
	size_t at = base / ATTN_TILE * attn_tile_len(a->d_head);
	float p[ATTN_TILE] = { 0 }, u = attn_unit(a, st->q_scale);
	float t = fmaf(scores(a, a->k + at, from, to, st, p), u, EXP_ROUND) - EXP_ROUND, m = max2(t, st->m);
	for (size_t j = from; j < to; j++)
		p[j] = pow2_ref(p[j], u, t);
	float c = pow2_scale(1.0f, st->m - m + EXP_ROUND), f = pow2_scale(1.0f, t - m + EXP_ROUND);
	st->m = m;
	for (size_t i = 0; i < 16; i++)
		st->l[i] = fmaf(st->l[i], c, f * (p[i] + p[i + 16]));
	add_values(a, a->v + at, from, to, p, c, f, st->out);
}

void attn_ref(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	for (size_t r = 0; r < n_row; r++) {
		struct state st = { .m = -INFINITY };
		size_t end = row[r].pos + 1, start = attn_first(a, row[r].pos);
		st.q_scale = codes(row[r].q, a->d_head, attn_qk_max(a->d_head), st.q);
		for (size_t base = start / ATTN_TILE * ATTN_TILE; base < end; base += ATTN_TILE)
			tile(a, base, start > base ? start - base : 0, end - base < ATTN_TILE ? end - base : ATTN_TILE, &st);
		float inv = 1.0f / tree16(st.l);
		for (size_t i = 0; i < a->d_head; i++)
			row[r].out[i] = st.out[i] * inv;
	}
}
