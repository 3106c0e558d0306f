/* SPDX-License-Identifier: Apache-2.0
 *
 * bert_build: from float weights to an embedder's pack.
 *
 * A matrix behind a LayerNorm reads h w + b (h = normalized, w, b = gain and bias). Some channels of h reach 20 where most reach 3,
 * always the same ones, and 8 bits of all then say little about most. So a channel is shifted and scaled by what it really spans (the
 * root of it: the rest of the burden stays on the weights), and the matrix and its bias make up for it:
 *
 *	z = (h - c) / s,  c = (lo + hi) / 2,  s = sqrt((hi - lo) / 2)	lo, hi: least and most of a calibration run
 *	W (h w + b) = (W w s) z + W (w c + b)
 *
 * (the idea of SmoothQuant, Xiao et al. 2023, with a shift). What rounding the weights then does to the mean input is taken off the
 * bias: it is the part of the error that does not average out over a text's tokens. The calibration run is the encoder itself, with
 * c = 0 and s = 1, on calibrate.h: so the weights are arranged twice, which takes a second and gives the same bytes everywhere.
 */
#include <math.h>
#include <string.h>

#include "embed/calibrate.h"
#include "embed/forward.h"

#define CALIB_LEN 64
#define SPAN_MIN 0.05f		/* half of what a channel must be thought to span: a few percent of its deviation, which is 1 */

struct maker {
	const struct weights *w;
	struct bert b;			/* points into the pack that is made */
	struct bert_watch seen;
	float *mat, *bias, *gain, *shift, *mean;	/* one matrix, its bias; by input: factor, addend, mean on calibration */
	struct err *e;
};

static int8_t round_to_i8(float x)
{
	return (int8_t)((x + 0x1.8p23f) - 0x1.8p23f);
}

/* ---- matrices ---- */

/* Columns from `from` on of the row w[n_col], times gain, as codes of row `row` in the group at `group`; *add gets what rounding them does
 * to the mean input. */
static void put_group(const struct maker *m, const float *w, size_t from, size_t n_col, uint8_t *group, size_t row, double *add)
{
	size_t n = n_col - from < BERT_GROUP ? n_col - from : BERT_GROUP;
	float *scale = (float *)(void *)(group + BERT_GROUP * BERT_ROWS), max = 0, v[BERT_GROUP] = {0};
	int32_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		v[i] = w[from + i] * m->gain[from + i];
		max = fabsf(v[i]) > max ? fabsf(v[i]) : max;
	}
	float inv = max > 0 ? 127.0f / max : 0.0f;
	scale[row] = max / 127.0f;
	for (size_t i = 0; i < BERT_GROUP; i++) {
		int8_t c = round_to_i8(v[i] * inv);
		if (i < n)
			*add += ((double)v[i] - (double)c * (double)scale[row]) * (double)m->mean[from + i];
		group[(i / 4 * BERT_ROWS + row) * 4 + i % 4] = (uint8_t)c;
		sum += c;
	}
	scale[BERT_ROWS + row] = max / 127.0f * (float)sum;
}

/* Rows [0, n_row) of m->mat, as rows `at`.. of `out`: columns times gain, and the bias plus what the shifts come to. */
static void put_rows(struct maker *m, const struct bert_mat *out, size_t at, size_t n_row, size_t n_col)
{
	float *bias = (float *)(uintptr_t)out->bias;
	for (size_t r = 0; r < n_row; r++) {
		const float *w = m->mat + r * n_col;
		uint8_t *groups = (uint8_t *)(uintptr_t)out->data + (at + r) / BERT_ROWS * out->n_group * BERT_W_LEN;
		double add = 0;
		for (size_t i = 0; i < n_col; i++)
			add += (double)w[i] * (double)m->shift[i];
		for (size_t g = 0; g < out->n_group; g++)
			put_group(m, w, g * BERT_GROUP, n_col, groups + g * BERT_W_LEN, (at + r) % BERT_ROWS, &add);
		bias[at + r] = (float)((double)m->bias[r] + add);
	}
}

static int put_mat(struct maker *m, const struct bert_mat *out, enum weight which, size_t layer, size_t at, size_t n_row, size_t n_col)
{
	int r = weights_get(m->w, which, "weight", layer, n_row, n_col, m->mat, m->e);
	if (!r)
		r = weights_get(m->w, which, "bias", layer, 1, n_row, m->bias, m->e);
	if (!r)
		put_rows(m, out, at, n_row, n_col);
	return r;
}

static float mean_of(const struct maker *m, const float *sum, size_t i)
{
	return m->seen.n_tok ? sum[i] / (float)m->seen.n_tok : 0.0f;
}

/* The inputs come as they are. */
static void plain_inputs(struct maker *m, size_t n, const float *sum)
{
	for (size_t i = 0; i < n; i++) {
		m->gain[i] = 1.0f;
		m->shift[i] = 0.0f;
		m->mean[i] = mean_of(m, sum, i);
	}
}

/* A LayerNorm, and gain and shift for the matrix behind it. */
static int put_norm(struct maker *m, struct bert_norm *p, enum weight which, size_t layer, size_t i_norm)
{
	float *w = (float *)(uintptr_t)p->w, *b = (float *)(uintptr_t)p->b;
	float *zw = (float *)(uintptr_t)p->zw, *zb = (float *)(uintptr_t)p->zb;
	int r = weights_get(m->w, which, "weight", layer, 1, p->n, w, m->e);
	if (!r)
		r = weights_get(m->w, which, "bias", layer, 1, p->n, b, m->e);
	for (size_t i = 0; i < p->n && !r; i++) {
		float c = 0, s = 1;
		if (m->seen.n_tok) {
			float lo = m->seen.lo[i_norm * p->n + i], hi = m->seen.hi[i_norm * p->n + i];
			c = (lo + hi) / 2;
			s = sqrtf((hi - lo) / 2 > SPAN_MIN ? (hi - lo) / 2 : SPAN_MIN);
		}
		zw[i] = 1.0f / s;
		zb[i] = -c / s;
		m->gain[i] = w[i] * s;
		m->shift[i] = w[i] * c + b[i];
		m->mean[i] = (mean_of(m, m->seen.z, i_norm * p->n + i) - c) / s;
	}
	return r;
}

static int put_weights(struct maker *m)
{
	const struct hyper *h = &m->b.hyper;
	size_t d = h->d_model;
	int r = put_norm(m, &m->b.norm, W_NORM, 0, 0);
	for (size_t l = 0; l < h->n_layer && !r; l++) {
		struct bert_layer *y = &m->b.layer[l];
		for (int i = 0; i < 3 && !r; i++)
			r = put_mat(m, &y->qkv, W_Q + (unsigned)i, l, (size_t)i * d, d, d);
		plain_inputs(m, d, m->seen.ctx + l * d);
		if (!r)
			r = put_mat(m, &y->o, W_O, l, 0, d, d);
		if (!r)
			r = put_norm(m, &y->att, W_NORM_ATT, l, 1 + 2 * l);
		if (!r)
			r = put_mat(m, &y->up, W_UP, l, 0, h->d_ff, d);
		plain_inputs(m, h->d_ff, m->seen.u + l * h->d_ff);
		if (!r)
			r = put_mat(m, &y->down, W_DOWN, l, 0, d, h->d_ff);
		if (!r)
			r = put_norm(m, &y->out, W_NORM_OUT, l, 2 + 2 * l);
	}
	return r;
}

static int put_tables(struct maker *m)
{
	const struct hyper *h = &m->b.hyper;
	size_t d = h->d_model;
	float *word = (float *)(uintptr_t)m->b.word, *pos = (float *)(uintptr_t)m->b.pos;
	int r = weights_get(m->w, W_TOKEN, "weight", 0, h->n_vocab, d, word, m->e);
	if (!r)
		r = weights_get(m->w, W_POSITION, "weight", 0, h->n_pos, d, pos, m->e);
	if (!r && weights_get(m->w, W_TYPE, "weight", 0, 2, d, m->mat, NULL))	/* two types as a rule, one in some */
		r = weights_get(m->w, W_TYPE, "weight", 0, 1, d, m->mat, m->e);
	for (size_t i = 0; i < h->n_pos * d && !r; i++)
		pos[i] += m->mat[i % d];
	return r;
}

/* ---- calibration ---- */

static int calibrate(struct maker *m)
{
	const struct hyper *h = &m->b.hyper;
	struct forward *f;
	size_t len = h->max_tok < CALIB_LEN ? h->max_tok : CALIB_LEN;
	int r = forward_open(&f, &m->b, NULL, m->e);
	if (r)
		return r;
	struct bert_watch seen = m->seen;
	forward_watch(f, &seen);
	struct tok_ids ids = {0};
	r = tok_encode(m->b.tok, CALIBRATION, sizeof CALIBRATION - 1, &ids, m->e);
	for (size_t at = 0; at < ids.len && !r; at += len - 2) {
		int32_t id[CALIB_LEN];
		size_t n = ids.len - at < len - 2 ? ids.len - at : len - 2;
		id[0] = m->b.cls;
		memcpy(id + 1, ids.id + at, n * sizeof *id);
		id[n + 1] = m->b.sep;
		forward_clear(f);
		forward_add(f, id, n + 2);
		forward_run(f);
	}
	tok_ids_release(&ids);
	forward_close(f);
	m->seen = seen;
	return r;
}

/* ---- the file ---- */

static void put_header(struct buf *head, const struct hyper *h, const uint8_t *id, uint64_t total, const struct weights *w, size_t tok_len)
{
	const uint32_t number[] = { h->n_layer, h->n_head, h->d_model, h->d_ff, h->n_vocab, h->n_pos, h->max_tok, h->pooling };
	uint32_t eps;
	memcpy(&eps, &h->eps, sizeof eps);
	buf_add(head, BERT_MAGIC, 8);
	buf_u32(head, BERT_LAYOUT);
	buf_u32(head, 0);
	buf_add(head, id, HASH_ID_LEN);
	buf_u64(head, total);
	buf_u64(head, tok_len);
	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		buf_u32(head, number[i]);
	buf_u32(head, eps);
	buf_u32(head, (uint32_t)w->query.len);
	buf_u32(head, (uint32_t)w->document.len);
	buf_align(head, BERT_HEADER);
}

static void put_sum(char *at, const char *p, size_t n)
{
	uint64_t sum = hash_xxh64(p, n);
	memcpy(at, &sum, sizeof sum);
}

/* The sums, which stand at `end`, and the header's two. */
static void seal(char *pack, size_t end)
{
	char *sum = pack + end;
	for (size_t at = BERT_HEADER; at < end; at += BERT_BLOCK, sum += 8)
		put_sum(sum, pack + at, end - at < BERT_BLOCK ? end - at : BERT_BLOCK);
	put_sum(pack + BERT_HEADER - 16, pack + end, (size_t)(sum - pack) - end);
	put_sum(pack + BERT_HEADER - 8, pack, BERT_HEADER - 8);
}

static int fill(struct maker *m, const struct buf *tok, const uint8_t *id, struct buf *out)
{
	struct buf head = {0};
	const struct hyper *h = &m->w->hyper;
	size_t widest = h->d_ff > h->d_model ? h->d_ff : h->d_model;
	if (m->w->query.len > BERT_TEXT || m->w->document.len > BERT_TEXT)
		return err_set(m->e, ERR_LIMIT, ERR_NO_OFFSET, "a prompt is longer than %d bytes", BERT_TEXT);
	m->b.layer = arena_array(&m->b.mem, h->n_layer, sizeof *m->b.layer);
	m->mat = arena_array(&m->b.mem, widest * h->d_model, sizeof(float));
	m->bias = arena_array(&m->b.mem, widest, sizeof(float));
	m->gain = arena_array(&m->b.mem, widest, sizeof(float));
	m->shift = arena_array(&m->b.mem, widest, sizeof(float));
	m->mean = arena_array(&m->b.mem, widest, sizeof(float));
	size_t n = (1 + 2 * (size_t)h->n_layer) * h->d_model;
	m->seen = (struct bert_watch){ 0, arena_array(&m->b.mem, n, sizeof(float)), arena_array(&m->b.mem, n, sizeof(float)),
		arena_array(&m->b.mem, n, sizeof(float)), arena_array(&m->b.mem, n, sizeof(float)),
		arena_array(&m->b.mem, h->n_layer * h->d_ff, sizeof(float)) };
	if (!m->b.layer || !m->mat || !m->bias || !m->gain || !m->shift || !m->mean || !m->seen.lo || !m->seen.hi || !m->seen.z ||
	    !m->seen.ctx || !m->seen.u)
		return err_memory(m->e);
	size_t texts = bert_place(&m->b, NULL), end = texts + 2 * BERT_TEXT + tok->len, total = end + bert_sums_len(end);
	put_header(&head, h, id, total, m->w, tok->len);
	if (head.failed || buf_zeros(out, total)) {
		buf_release(&head);
		return err_memory(m->e);
	}
	memcpy(out->data, head.data, BERT_HEADER);
	buf_release(&head);
	if (m->w->query.len)
		memcpy(out->data + texts, m->w->query.data, m->w->query.len);
	if (m->w->document.len)
		memcpy(out->data + texts + BERT_TEXT, m->w->document.data, m->w->document.len);
	memcpy(out->data + texts + 2 * BERT_TEXT, tok->data, tok->len);
	bert_place(&m->b, (uint8_t *)out->data);
	int r = put_tables(m);
	if (!r)
		r = put_weights(m);
	if (!r)
		r = calibrate(m);
	if (!r)
		r = put_weights(m);
	if (!r)
		seal(out->data, end);
	return r;
}

int bert_build(struct buf *out, const char *path, const uint8_t id[HASH_ID_LEN], struct err *e)
{
	struct weights w;
	struct buf blob = {0};
	int r = weights_open(&w, path, e);
	if (r)
		return r;
	struct maker m = { .w = &w, .e = e, .b = { .hyper = w.hyper, .kern = kern_bert_select(NULL, NULL) } };
	r = w.g ? tok_build_gguf(&blob, w.g, e) : tok_build_wordpiece(&blob, path, e);
	if (!r)
		r = bert_tok(&m.b, blob.data, blob.len, e);
	if (!r)
		r = fill(&m, &blob, id, out);
	arena_release(&m.b.mem);
	tok_close(m.b.tok);
	buf_release(&blob);
	weights_close(&w);
	return r;
}
