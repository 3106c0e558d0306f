/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: the encoder's kernels in plain C, the specification that the other levels are compared with. See kern/bert.h.
 */
#include "lib/kern/bert.h"

#include "lib/kern/ref/ref.h"

#define X_LEN 1280	/* 96 x 12 codes, 2 x 12 floats, up to a multiple of 64 */

/* ---- activations ---- */

static void quant_group(const float *x, size_t n, size_t t, uint8_t *group)
{
	float lo = x[0], hi = x[0];
	for (size_t i = 1; i < n; i++) {
		lo = min2(x[i], lo);
		hi = max2(x[i], hi);
	}
	float range = hi - lo, inv = range > 0 ? 255.0f / range : 0.0f;
	for (size_t i = 0; i < BERT_GROUP; i++) {
		float c = i < n ? nearest(min2(max2((x[i] - lo) * inv, 0.0f), 255.0f)) : 0.0f;
		group[(i / 4 * BERT_TOKS + t) * 4 + i % 4] = (uint8_t)c;
	}
	float *scale = (float *)(void *)(group + BERT_GROUP * BERT_TOKS);
	scale[t] = range * (1.0f / 255);
	scale[BERT_TOKS + t] = lo + 0.0f;	/* no -0, whichever zero min2 met first */
}

static void quant_ref(const float *x, size_t ld, size_t n_tok, size_t n_col, uint8_t *out)
{
	for (size_t at = 0; at < n_col; at += BERT_GROUP, out += X_LEN)
		for (size_t t = 0; t < n_tok; t++)
			quant_group(x + t * ld + at, n_col - at < BERT_GROUP ? n_col - at : BERT_GROUP, t, out);
}

/* ---- matrices ---- */

static float gelu_erf(float x)
{
	static const float c[] = GELU_POLY;
	float u = min2(max2(x, -x), GELU_MAX), t = fmaf(u, 2 / GELU_MAX, -1.0f), g = c[GELU_DEG];
	for (int i = GELU_DEG - 1; i >= 0; i--)
		g = fmaf(g, t, c[i]);
	return max2(x, 0.0f) + g;
}

static float dot(const uint8_t *w, const uint8_t *x, size_t n_group, size_t row, size_t t)
{
	float f = 0;
	for (size_t g = 0; g < n_group; g++, w += BERT_W_LEN, x += X_LEN) {
		const int8_t *wq = (const int8_t *)w;
		const float *ws = (const float *)(const void *)(w + BERT_GROUP * BERT_ROWS);
		const float *xs = (const float *)(const void *)(x + BERT_GROUP * BERT_TOKS);
		int32_t sum = 0;
		for (size_t i = 0; i < BERT_GROUP; i++)
			sum += wq[(i / 4 * BERT_ROWS + row) * 4 + i % 4] * x[(i / 4 * BERT_TOKS + t) * 4 + i % 4];
		f = fmaf((float)sum * ws[row], xs[t], f);
		f = fmaf(ws[BERT_ROWS + row], xs[BERT_TOKS + t], f);
	}
	return f;
}

static void mat_ref(const struct bert_mat *w, size_t tile, size_t n_tile, const uint8_t *x, size_t block_len, size_t n_tok,
	float *y, size_t ld, enum bert_op op)
{
	for (size_t r = 16 * tile; r < 16 * (tile + n_tile); r++)
		for (size_t t = 0; t < n_tok; t++) {
			float f = dot(w->data + r / 16 * w->n_group * BERT_W_LEN, x + t / BERT_TOKS * block_len, w->n_group, r % 16,
				t % BERT_TOKS) + w->bias[r];
			float *o = &y[t * ld + r - 16 * tile];
			*o = op == BERT_GELU ? gelu_erf(f) : op == BERT_ADD ? *o + f : f;
		}
}

/* ---- normalization ---- */

static void norm_ref(const struct bert_norm *p, float *x, float *z)
{
	float s[16] = {0}, v[16] = {0};
	for (size_t i = 0; i < p->n; i++)
		s[i % 16] += x[i];
	float mean = tree16(s) / (float)p->n;
	for (size_t i = 0; i < p->n; i++) {
		float d = x[i] - mean;
		v[i % 16] = fmaf(d, d, v[i % 16]);
	}
	float inv = 1.0f / sqrtf(tree16(v) / (float)p->n + p->eps);
	for (size_t i = 0; i < p->n; i++) {
		float h = (x[i] - mean) * inv;
		x[i] = fmaf(h, p->w[i], p->b[i]);
		z[i] = fmaf(h, p->zw[i], p->zb[i]);
	}
}

/* ---- attention ---- */

static float max_abs(const float *x, size_t ld, size_t n_tok, size_t n)
{
	float m = 0;
	for (size_t t = 0; t < n_tok; t++)
		for (size_t i = 0; i < n; i++)
			m = max2(max2(x[t * ld + i], -x[t * ld + i]), m);
	return m;
}

static float inverse(float max, float m)
{
	return m > 0 ? max / m : 0.0f;
}

/* Code of x: at most `max` in size, since x is at most what `inv` was made from; NaN becomes -max. */
static int16_t code(float x, float inv, float max)
{
	return (int16_t)nearest(min2(max2(x * inv, -max), max));
}

/* p[n] = codes of softmax(s[n]); returns their sum. */
static int32_t softmax_codes(float *s, size_t n, int16_t *p)
{
	float m = s[0], sum[16] = {0};
	for (size_t j = 1; j < n; j++)
		m = max2(s[j], m);
	for (size_t j = 0; j < n; j++)
		sum[j % 16] += s[j] = exp_ref(s[j] - m);
	float inv = BERT_PV_MAX / tree16(sum);
	int32_t total = 0;
	for (size_t j = 0; j < n; j++)
		total += p[j] = code(s[j], inv, BERT_PV_MAX);
	return total;
}

static void head_ref(const struct bert_attn *a)
{
	struct bert_scratch w = bert_scratch_of(a);
	size_t n = a->n_tok, d = a->d_head;
	float max = bert_qk_max(d), unit = 1.0f / max;
	for (size_t i = 0; i < d; i++)
		w.vmax[i] = max_abs(a->v + i, a->ld, n, 1);
	for (size_t t = 0; t < n; t++) {	/* here keys and values are plain [n_tok][d_head] */
		float kmax = max_abs(a->k + t * a->ld, 0, 1, d), kinv = inverse(max, kmax);
		w.kscale[t] = kmax * unit;
		for (size_t i = 0; i < d; i++) {
			w.k[t * d + i] = code(a->k[t * a->ld + i], kinv, max);
			w.v[t * d + i] = code(a->v[t * a->ld + i], inverse(BERT_PV_MAX, w.vmax[i]), BERT_PV_MAX);
		}
	}
	for (size_t t = 0; t < n; t++) {
		float qmax = max_abs(a->q + t * a->ld, 0, 1, d), qinv = inverse(max, qmax), scale = qmax * unit * a->scale;
		for (size_t i = 0; i < d; i++)
			w.q[i] = code(a->q[t * a->ld + i], qinv, max);
		for (size_t j = 0; j < n; j++) {
			int32_t sum = 0;
			for (size_t i = 0; i < d; i++)
				sum += w.q[i] * w.k[j * d + i];
			w.s[j] = (float)sum * (w.kscale[j] * scale);
		}
		float inv = 1.0f / (float)softmax_codes(w.s, n, w.p);
		for (size_t i = 0; i < d; i++) {
			int32_t sum = 0;
			for (size_t j = 0; j < n; j++)
				sum += w.p[j] * w.v[j * d + i];
			a->out[t * a->ld_out + i] = (float)sum * (w.vmax[i] * (1.0f / BERT_PV_MAX) * inv);
		}
	}
}

const struct kern_bert kern_bert_ref = {
	.level = KERN_REF, .name = "ref", .x_len = X_LEN, .quant = quant_ref, .mat = mat_ref, .norm = norm_ref, .attn = head_ref,
};
