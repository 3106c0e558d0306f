/* SPDX-License-Identifier: Apache-2.0
 *
 * attn, ref: attention of single rows over tiles of 32 positions with an online softmax (Milakov & Gimelshein 2018): a running
 * maximum m, running sums l (16 lanes) and a running output; when a tile raises m, what has been summed is scaled down.
 *
 *	tile:	s[j] = sum over d of q[d] k[d][j]		one fmaf chain a lane, d ascending
 *		u = scale / ln 2: weights are powers of two	with a soft cap s[j] = cap tanh(scale s[j] / cap), u = 1 / ln 2
 *		m' = max(m, round(u max(s))), an integer, so that c = 2^(m - m') is exact
 *		p[j] = 2^(u s[j] - m'), 0 where j is not attended to
 *		l[i] = fmaf(l[i], c, p[i] + p[i + 16]); out[d] = out[d] * c, then fmaf(p[j], v[j][d], out[d]), j ascending
 *	end:	out[d] *= 1 / tree(l)
 */
#include "lib/kern/ref/ref.h"

void kv_put_ref(const float *k, const float *v, size_t d, size_t pos, uint16_t *k_base, uint16_t *v_base)
{
	uint16_t *kt = k_base + pos / ATTN_TILE * ATTN_TILE * d + pos % ATTN_TILE;
	for (size_t i = 0; i < d; i++) {
		kt[i * ATTN_TILE] = quant_to_f16(k[i]);
		v_base[pos * d + i] = quant_to_f16(v[i]);
	}
}

struct state {
	float m, l[16], out[256];
};

/* Positions [from, to) of the tile that starts at `base` are attended to. */
static void tile(const struct attn *a, const float *q, size_t base, size_t from, size_t to, struct state *st)
{
	const uint16_t *k = a->k + base * a->d_head;
	float s[ATTN_TILE] = { 0 }, top = -INFINITY;
	for (size_t i = 0; i < a->d_head; i++)
		for (size_t j = 0; j < ATTN_TILE; j++)
			s[j] = fmaf(q[i], quant_f16(k[i * ATTN_TILE + j]), s[j]);
	for (size_t j = from; j < to; j++) {
		if (a->softcap > 0)
			s[j] = a->softcap * tanh_ref(s[j] * a->scale / a->softcap);
		top = max2(s[j], top);
	}
	float u = attn_unit(a), m = max2(fmaf(top, u, EXP_ROUND) - EXP_ROUND, st->m);
	for (size_t j = 0; j < ATTN_TILE; j++)
		s[j] = j < from || j >= to ? 0 : pow2_ref(s[j], u, m);
	float c = pow2_scale(1.0f, st->m - m + EXP_ROUND);
	st->m = m;
	for (size_t i = 0; i < 16; i++)
		st->l[i] = fmaf(st->l[i], c, s[i] + s[i + 16]);
	for (size_t i = 0; i < a->d_head; i++) {
		float v = st->out[i] * c;
		for (size_t j = from; j < to; j++)
			v = fmaf(s[j], quant_f16(a->v[(base + j) * a->d_head + i]), v);
		st->out[i] = v;
	}
}

void attn_ref(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	for (size_t r = 0; r < n_row; r++) {
		struct state st = { .m = -INFINITY };
		size_t end = row[r].pos + 1, start = attn_first(a, row[r].pos);
		for (size_t base = start / ATTN_TILE * ATTN_TILE; base < end; base += ATTN_TILE)
			tile(a, row[r].q, base, start > base ? start - base : 0,
				end - base < ATTN_TILE ? end - base : ATTN_TILE, &st);
		float inv = 1.0f / tree16(st.l);
		for (size_t i = 0; i < a->d_head; i++)
			row[r].out[i] = st.out[i] * inv;
	}
}
