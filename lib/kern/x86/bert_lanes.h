/* SPDX-License-Identifier: Apache-2.0
 *
 * bert_lanes: what the encoder's avx2 and vnni files share: all but the matrix product, written in lanes of 16 (v16_*.h, included
 * before this). The including file defines
 *
 *	X_LEN, X_SCALE		bytes of an activation group, and where its scales begin
 *	QUERIES, KEY_TILES	v16_products.h: queries at a time, and the tiles of 16 keys, or of 16 dimensions, that they are multiplied with
 *	put_codes(c, group, i, t)	stores the codes c of columns 4i .. 4i + 15 of token t
 */
#include "lib/kern/bert.h"
#include "lib/kern/x86/v16_products.h"

VF_FN int32_t vi_sum(vi x)
{
	__m256i h = _mm256_add_epi32(vi_low(x), vi_high(x));
	__m128i q = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
	q = _mm_add_epi32(q, _mm_shuffle_epi32(q, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 0xb1)));
}

VF_FN vf vf_gelu(vf x)
{
	static const float c[] = GELU_POLY;
	vf u = vf_min(vf_max(x, vf_neg(x)), vf_set(GELU_MAX));
	vf t = vf_fma(u, vf_set(2 / GELU_MAX), vf_set(-1.0f)), g = vf_set(c[GELU_DEG]);
#pragma GCC unroll 11
	for (int i = GELU_DEG - 1; i >= 0; i--)
		g = vf_fma(g, t, vf_set(c[i]));
	return vf_add(vf_max(x, vf_set(0)), g);
}

/* What follows the product, for 16 rows of one token. */
VF_FN void finish(vf f, vf bias, float *y, enum bert_op op)
{
	f = vf_add(f, bias);
	if (op == BERT_GELU)
		f = vf_gelu(f);
	else if (op == BERT_ADD)
		f = vf_add(vf_load(y), f);
	vf_store(y, f);
}

/* ---- activations ---- */

static void quant_group(const float *x, size_t n, size_t t, uint8_t *group)
{
	vf lo = vf_load(x), hi = lo;
	for (size_t i = 16; i < n; i += 16) {
		vf v = vf_load(x + i);
		lo = vf_min(v, lo);
		hi = vf_max(v, hi);
	}
	float low = -vf_top(vf_neg(lo)), range = vf_top(hi) - low, inv = range > 0 ? 255.0f / range : 0.0f;
	for (size_t i = 0; i < BERT_GROUP; i += 16) {
		vi c = vi_set(0);
		if (i < n) {
			vf v = vf_mul(vf_sub(vf_load(x + i), vf_set(low)), vf_set(inv));
			c = vi_of(vf_min(vf_max(v, vf_set(0)), vf_set(255)));
		}
		put_codes(c, group, i / 4, t);
	}
	float *scale = (float *)(void *)(group + X_SCALE);
	scale[t] = range * (1.0f / 255);
	scale[BERT_TOKS + t] = low + 0.0f;
}

static void quant(const float *x, size_t ld, size_t n_tok, size_t n_col, uint8_t *out)
{
	for (size_t at = 0; at < n_col; at += BERT_GROUP, out += X_LEN)
		for (size_t t = 0; t < n_tok; t++)
			quant_group(x + t * ld + at, n_col - at < BERT_GROUP ? n_col - at : BERT_GROUP, t, out);
}

/* ---- normalization ---- */

static void norm(const struct bert_norm *p, float *x, float *z)
{
	vf s = vf_set(0), v = s;
	for (size_t i = 0; i < p->n; i += 16)
		s = vf_add(s, vf_load(x + i));
	vf mean = vf_set(vf_sum(s) / (float)p->n);
	for (size_t i = 0; i < p->n; i += 16) {
		vf d = vf_sub(vf_load(x + i), mean);
		v = vf_fma(d, d, v);
	}
	vf inv = vf_set(1.0f / sqrtf(vf_sum(v) / (float)p->n + p->eps));
	for (size_t i = 0; i < p->n; i += 16) {
		vf h = vf_mul(vf_sub(vf_load(x + i), mean), inv);
		vf_store(x + i, vf_fma(h, vf_load(p->w + i), vf_load(p->b + i)));
		vf_store(z + i, vf_fma(h, vf_load(p->zw + i), vf_load(p->zb + i)));
	}
}

/* ---- attention ---- */

static float max_abs(const float *x, size_t ld, size_t n_tok, size_t n)
{
	vf m = vf_set(0);
	for (size_t t = 0; t < n_tok; t++)
		for (size_t i = 0; i < n; i += 16)
			m = vf_abs_max(vf_load(x + t * ld + i), m);
	return vf_top(m);
}

static float inverse(float max, float m)
{
	return m > 0 ? max / m : 0.0f;
}

static void pack_keys(const struct bert_attn *a, const struct bert_scratch *w)
{
	size_t d = a->d_head;
	float max = bert_qk_max(d), unit = 1.0f / max;
	for (size_t t = 0; t < w->n_pad; t++) {
		float kmax = t < a->n_tok ? max_abs(a->k + t * a->ld, 0, 1, d) : 0.0f;
		vf inv = vf_set(inverse(max, kmax));
		w->kscale[t] = kmax * unit;
		int16_t c[16] = {0}, *out = w->k + t / 16 * 16 * d + t % 16 * 2;
		for (size_t i = 0; i < d; i += 16) {
			if (t < a->n_tok)
				vi_store16(c, code(vf_load(a->k + t * a->ld + i), inv, max));
			for (size_t j = 0; j < 8; j++)
				memcpy(out + (i / 2 + j) * 32, c + 2 * j, 4);
		}
	}
}

static void pack_values(const struct bert_attn *a, const struct bert_scratch *w)
{
	size_t d = a->d_head;
	for (size_t i = 0; i < d; i += 16) {
		vf m = vf_set(0);
		float inv[16];
		for (size_t t = 0; t < a->n_tok; t++)
			m = vf_abs_max(vf_load(a->v + t * a->ld + i), m);
		vf_store(w->vmax + i, m);
		for (size_t j = 0; j < 16; j++)
			inv[j] = inverse(BERT_PV_MAX, w->vmax[i + j]);
		vf by = vf_load(inv);
		for (size_t t = 0; t < w->n_pad; t += 2) {
			int16_t c[2][16] = {{0}}, *out = w->v + (t / 2 * d + i) * 2;
			if (t < a->n_tok)
				vi_store16(c[0], code(vf_load(a->v + t * a->ld + i), by, BERT_PV_MAX));
			if (t + 1 < a->n_tok)
				vi_store16(c[1], code(vf_load(a->v + (t + 1) * a->ld + i), by, BERT_PV_MAX));
			__m256i x = _mm256_loadu_si256((void *)c[0]), y = _mm256_loadu_si256((void *)c[1]);
			__m256i lo = _mm256_unpacklo_epi16(x, y), hi = _mm256_unpackhi_epi16(x, y);
			_mm256_storeu_si256((void *)out, _mm256_permute2x128_si256(lo, hi, 0x20));
			_mm256_storeu_si256((void *)(out + 16), _mm256_permute2x128_si256(lo, hi, 0x31));
		}
	}
}

static void scores(const struct bert_scratch *w, size_t n_tok, size_t d, const float *scale)
{
	vi acc[QUERIES][KEY_TILES];
	for (size_t j = 0; j < n_tok; j += 16 * KEY_TILES) {
		products(w->q, d, w->k + j * d, 32, 16 * d, d / 2, 0, QUERIES, KEY_TILES, acc);
		for (size_t q = 0; q < QUERIES; q++)
			for (size_t k = 0; k < KEY_TILES; k++)
				vf_store(w->s + q * w->n_pad + j + 16 * k,
					vf_mul(vf_of(acc[q][k]), vf_mul(vf_load(w->kscale + j + 16 * k), vf_set(scale[q]))));
	}
}

/* Softmax of n queries' scores, as codes; total[n]: their sums. Step by step for all queries: each ends in a reduction and a division,
 * for which the next query need not wait. */
static void softmax_codes(const struct bert_scratch *w, size_t n_tok, size_t n, int32_t *total)
{
	vf by[QUERIES];
	size_t end = (n_tok + 15) / 16 * 16;
	for (size_t q = 0; q < n; q++) {
		float *s = w->s + q * w->n_pad;
		for (size_t j = n_tok; j < end; j++)
			s[j] = s[0];
		vf m = vf_load(s);
		for (size_t j = 16; j < n_tok; j += 16)
			m = vf_max(vf_load(s + j), m);
		by[q] = vf_set(vf_top(m));
	}
	for (size_t q = 0; q < n; q++) {
		float *s = w->s + q * w->n_pad;
		vf sum = vf_set(0);
		for (size_t j = 0; j < n_tok; j += 16) {
			vf x = vf_exp(vf_sub(vf_load(s + j), by[q]));
			vf_store(s + j, x);
			if (j + 16 > n_tok) {
				memset(s + n_tok, 0, (end - n_tok) * sizeof *s);
				x = vf_load(s + j);
			}
			sum = vf_add(sum, x);
		}
		by[q] = vf_set(BERT_PV_MAX / vf_sum(sum));
	}
	for (size_t q = 0; q < n; q++) {
		const float *s = w->s + q * w->n_pad;
		int16_t *p = w->p + q * w->n_pad;
		vi sum = vi_set(0);
		for (size_t j = 0; j < n_tok; j += 16) {
			vi c = code(vf_load(s + j), by[q], BERT_PV_MAX);
			vi_store16(p + j, c);
			sum = vi_add(sum, c);
		}
		total[q] = vi_sum(sum);
	}
}

static void mix(const struct bert_attn *a, const struct bert_scratch *w, size_t t, size_t n, const int32_t *total)
{
	vi acc[QUERIES][KEY_TILES];
	size_t d = a->d_head;
	for (size_t i = 0; i < d; i += 16 * KEY_TILES) {
		/* With d_head 16 the second tile reads past the row: into the next pair, whose sums are not used. */
		products(w->p, w->n_pad, w->v + 2 * i, 2 * d, 32, (a->n_tok + 1) / 2, 0, QUERIES, KEY_TILES, acc);
		for (size_t q = 0; q < n; q++)
			for (size_t k = 0; k < KEY_TILES && i + 16 * k < d; k++) {
				vf by = vf_mul(vf_mul(vf_load(w->vmax + i + 16 * k), vf_set(1.0f / BERT_PV_MAX)), vf_set(1.0f / (float)total[q]));
				vf_store(a->out + (t + q) * a->ld_out + i + 16 * k, vf_mul(vf_of(acc[q][k]), by));
			}
	}
}

static void attn(const struct bert_attn *a)
{
	struct bert_scratch w = bert_scratch_of(a);
	size_t d = a->d_head;
	float max = bert_qk_max(d), unit = 1.0f / max, scale[QUERIES] = {0};
	pack_keys(a, &w);
	pack_values(a, &w);
	memset(w.q, 0, QUERIES * d * sizeof *w.q);
	memset(w.p, 0, QUERIES * w.n_pad * sizeof *w.p);
	for (size_t t = 0; t < a->n_tok; t += QUERIES) {
		size_t n = a->n_tok - t < QUERIES ? a->n_tok - t : QUERIES;
		int32_t total[QUERIES];
		for (size_t q = 0; q < n; q++) {
			float qmax = max_abs(a->q + (t + q) * a->ld, 0, 1, d);
			scale[q] = qmax * unit * a->scale;
			for (size_t i = 0; i < d; i += 16)
				vi_store16(w.q + q * d + i, code(vf_load(a->q + (t + q) * a->ld + i), vf_set(inverse(max, qmax)), max));
		}
		scores(&w, a->n_tok, d, scale);
		softmax_codes(&w, a->n_tok, n, total);
		mix(a, &w, t, n, total);
	}
}
