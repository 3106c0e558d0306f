/* SPDX-License-Identifier: Apache-2.0
 *
 * forward: BERT (Devlin et al. 2019), post-LayerNorm, for inference.
 *
 *	x = norm(word + pos)
 *	layer:	q k v = Wqkv z		z: what the norm before made for this matrix
 *		x = norm(x + Wo attention(q, k, v))
 *		x = norm(x + Wdown gelu(Wup z))
 *	vec = pool(x), length 1
 *
 * Two loops a layer are shared by the threads: attention, over (text, head); and everything else, over panels of 48 tokens, each of
 * which goes from attention's output to the next layer's q, k, v while it is in a core's second-level cache. The feed-forward part runs
 * over 128 rows of `up` at a time: their outputs become codes at once and are never stored as floats.
 */
#include "embed/forward.h"

#include <math.h>
#include <stdlib.h>

#include "embed/pooling.h"
#include "lib/base/pool.h"

#define PANEL 48		/* 4 activation blocks; 48 x 1536 codes are 74 KB */
#define PANEL_BLOCKS (PANEL / BERT_TOKS)

/* A thread's own. */
struct scratch {
	float *z;		/* [PANEL, d_model] what norms make for matrices */
	float *u;		/* [PANEL, BERT_GROUP] a group of `up` */
	uint8_t *xd, *xf;	/* activation blocks of d_model and d_ff inputs */
	void *attn;
};

struct forward {
	const struct bert *b;
	struct pool *pool;
	size_t cap, n_tok, n_text;
	int32_t *id;		/* [cap] */
	uint32_t *pos;		/* [cap] place in its text */
	uint32_t *from;		/* [cap + 1] first token of each text */
	float *x, *qkv, *ctx;	/* [cap, d_model], [cap, 3 d_model], [cap, d_model] */
	float *vec;		/* [cap, d_model] */
	struct scratch *scratch;	/* [pool_threads] */
	size_t layer;		/* of the loop that runs */
	struct bert_watch *watch;
	struct arena mem;
};

static size_t n_group(size_t n)
{
	return (n + BERT_GROUP - 1) / BERT_GROUP;
}

static bool scratch_init(struct forward *f, struct scratch *s)
{
	const struct hyper *h = &f->b->hyper;
	size_t x_len = f->b->kern->x_len;
	s->z = arena_array(&f->mem, PANEL * h->d_model, sizeof(float));
	s->u = arena_array(&f->mem, PANEL * BERT_GROUP, sizeof(float));
	s->xd = arena_array(&f->mem, PANEL_BLOCKS * n_group(h->d_model), x_len);
	s->xf = arena_array(&f->mem, PANEL_BLOCKS * n_group(h->d_ff), x_len);
	s->attn = arena_alloc(&f->mem, bert_attn_scratch(h->max_tok, h->d_model / h->n_head));
	return s->z && s->u && s->xd && s->xf && s->attn;
}

int forward_open(struct forward **out, const struct bert *b, struct pool *p, struct err *e)
{
	struct forward *f = calloc(1, sizeof *f);
	*out = NULL;
	if (!f)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	size_t d = b->hyper.d_model, n_thread = (size_t)pool_threads(p);
	f->b = b;
	f->pool = p;
	f->cap = b->hyper.max_tok > FORWARD_TOKENS ? b->hyper.max_tok : FORWARD_TOKENS;
	f->id = arena_array(&f->mem, f->cap, sizeof *f->id);
	f->pos = arena_array(&f->mem, f->cap, sizeof *f->pos);
	f->from = arena_array(&f->mem, f->cap + 1, sizeof *f->from);
	f->x = arena_array(&f->mem, f->cap * d, sizeof *f->x);
	f->qkv = arena_array(&f->mem, f->cap * d, 3 * sizeof *f->qkv);
	f->ctx = arena_array(&f->mem, f->cap * d, sizeof *f->ctx);
	f->vec = arena_array(&f->mem, f->cap * d, sizeof *f->vec);
	f->scratch = arena_array(&f->mem, n_thread, sizeof *f->scratch);
	bool ok = f->id && f->pos && f->from && f->x && f->qkv && f->ctx && f->vec && f->scratch;
	for (size_t i = 0; i < n_thread && ok; i++)
		ok = scratch_init(f, &f->scratch[i]);
	if (!ok) {
		forward_close(f);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	}
	*out = f;
	return 0;
}

void forward_close(struct forward *f)
{
	if (!f)
		return;
	arena_release(&f->mem);
	free(f);
}

/* ---- batches ---- */

bool forward_add(struct forward *f, const int32_t *id, size_t n)
{
	if (n > f->cap - f->n_tok)
		return false;
	for (size_t i = 0; i < n; i++) {
		f->id[f->n_tok + i] = id[i];
		f->pos[f->n_tok + i] = (uint32_t)i;
	}
	f->from[f->n_text++] = (uint32_t)f->n_tok;
	f->n_tok += n;
	f->from[f->n_text] = (uint32_t)f->n_tok;
	return true;
}

size_t forward_n_tok(const struct forward *f)
{
	return f->n_tok;
}

size_t forward_n_text(const struct forward *f)
{
	return f->n_text;
}

const float *forward_vec(const struct forward *f, size_t i)
{
	return f->vec + i * f->b->hyper.d_model;
}

void forward_clear(struct forward *f)
{
	f->n_tok = f->n_text = 0;
}

void forward_watch(struct forward *f, struct bert_watch *w)
{
	f->watch = w;
}

/* ---- the loops ---- */

static void watch_sum(const float *x, size_t n, float *sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += x[i];
}

static void watch_range(const float *x, size_t n, float *lo, float *hi)
{
	for (size_t i = 0; i < n; i++) {
		lo[i] = x[i] < lo[i] ? x[i] : lo[i];
		hi[i] = x[i] > hi[i] ? x[i] : hi[i];
	}
}

/* LayerNorm of n rows at token t, and the codes of what the next matrix reads. */
static void norm_rows(struct forward *f, struct scratch *s, const struct bert_norm *p, size_t t, size_t n, size_t i_norm)
{
	const struct kern_bert *k = f->b->kern;
	size_t d = f->b->hyper.d_model, block_len = n_group(d) * k->x_len;
	for (size_t i = 0; i < n; i++) {
		k->norm(p, f->x + (t + i) * d, s->z + i * d);
		if (f->watch) {
			watch_sum(s->z + i * d, d, f->watch->z + i_norm * d);
			watch_range(s->z + i * d, d, f->watch->lo + i_norm * d, f->watch->hi + i_norm * d);
		}
	}
	for (size_t i = 0; i < n; i += BERT_TOKS)
		k->quant(s->z + i * d, d, n - i < BERT_TOKS ? n - i : BERT_TOKS, d, s->xd + i / BERT_TOKS * block_len);
}

static void mat_rows(struct forward *f, const struct bert_mat *m, const uint8_t *x, size_t t, size_t n, float *y, enum bert_op op)
{
	const struct kern_bert *k = f->b->kern;
	k->mat(m, 0, m->n_row / BERT_ROWS, x, m->n_group * k->x_len, n, y + t * m->n_row, m->n_row, op);
}

static void feed_forward(struct forward *f, struct scratch *s, const struct bert_layer *y, size_t t, size_t n)
{
	const struct kern_bert *k = f->b->kern;
	size_t d = f->b->hyper.d_model, ff = f->b->hyper.d_ff, block_len = n_group(ff) * k->x_len;
	for (size_t g = 0; g * BERT_GROUP < ff; g++) {
		size_t rows = ff - g * BERT_GROUP < BERT_GROUP ? ff - g * BERT_GROUP : BERT_GROUP;
		k->mat(&y->up, g * BERT_GROUP / BERT_ROWS, rows / BERT_ROWS, s->xd, n_group(d) * k->x_len, n, s->u, BERT_GROUP, BERT_GELU);
		for (size_t i = 0; f->watch && i < n; i++)
			watch_sum(s->u + i * BERT_GROUP, rows, f->watch->u + f->layer * ff + g * BERT_GROUP);
		for (size_t i = 0; i < n; i += BERT_TOKS)
			k->quant(s->u + i * BERT_GROUP, BERT_GROUP, n - i < BERT_TOKS ? n - i : BERT_TOKS, rows,
				s->xf + i / BERT_TOKS * block_len + g * k->x_len);
	}
	mat_rows(f, &y->down, s->xf, t, n, f->x, BERT_ADD);
}

static void embed_panel(void *arg, size_t from, size_t to, int i_thread)
{
	struct forward *f = arg;
	const struct bert *b = f->b;
	size_t d = b->hyper.d_model;
	for (size_t p = from; p < to; p++) {
		size_t t = p * PANEL, n = f->n_tok - t < PANEL ? f->n_tok - t : PANEL;
		for (size_t i = t; i < t + n; i++) {
			const float *word = b->word + (size_t)f->id[i] * d, *pos = b->pos + (size_t)f->pos[i] * d;
			for (size_t j = 0; j < d; j++)
				f->x[i * d + j] = word[j] + pos[j];
		}
		norm_rows(f, &f->scratch[i_thread], &b->norm, t, n, 0);
		mat_rows(f, &b->layer[0].qkv, f->scratch[i_thread].xd, t, n, f->qkv, BERT_SET);
	}
}

static void layer_panel(void *arg, size_t from, size_t to, int i_thread)
{
	struct forward *f = arg;
	const struct bert *b = f->b;
	struct scratch *s = &f->scratch[i_thread];
	const struct bert_layer *y = &b->layer[f->layer];
	size_t d = b->hyper.d_model, block_len = n_group(d) * b->kern->x_len;
	for (size_t p = from; p < to; p++) {
		size_t t = p * PANEL, n = f->n_tok - t < PANEL ? f->n_tok - t : PANEL;
		for (size_t i = 0; i < n; i += BERT_TOKS)
			b->kern->quant(f->ctx + (t + i) * d, d, n - i < BERT_TOKS ? n - i : BERT_TOKS, d, s->xd + i / BERT_TOKS * block_len);
		for (size_t i = 0; f->watch && i < n; i++)
			watch_sum(f->ctx + (t + i) * d, d, f->watch->ctx + f->layer * d);
		mat_rows(f, &y->o, s->xd, t, n, f->x, BERT_ADD);
		norm_rows(f, s, &y->att, t, n, 1 + 2 * f->layer);
		feed_forward(f, s, y, t, n);
		norm_rows(f, s, &y->out, t, n, 2 + 2 * f->layer);
		if (f->layer + 1 < b->hyper.n_layer)
			mat_rows(f, &y[1].qkv, s->xd, t, n, f->qkv, BERT_SET);
	}
}

static void attend(void *arg, size_t from, size_t to, int i_thread)
{
	struct forward *f = arg;
	const struct hyper *h = &f->b->hyper;
	size_t d = h->d_model, dh = d / h->n_head;
	for (size_t i = from; i < to; i++) {
		size_t text = i / h->n_head, at = i % h->n_head * dh, t = f->from[text];
		const float *q = f->qkv + t * 3 * d + at;
		struct bert_attn a = { .q = q, .k = q + d, .v = q + 2 * d, .ld = 3 * d, .out = f->ctx + t * d + at, .ld_out = d,
			.n_tok = f->from[text + 1] - t, .d_head = dh, .scale = 1.0f / sqrtf((float)dh), .scratch = f->scratch[i_thread].attn };
		f->b->kern->attn(&a);
	}
}

static void pool_texts(void *arg, size_t from, size_t to, int i_thread)
{
	struct forward *f = arg;
	size_t d = f->b->hyper.d_model;
	(void)i_thread;
	for (size_t i = from; i < to; i++)
		pooling_vec((enum pooling)f->b->hyper.pooling, f->x + f->from[i] * d, f->from[i + 1] - f->from[i], d, f->vec + i * d);
}

void forward_run(struct forward *f)
{
	size_t n_panel = (f->n_tok + PANEL - 1) / PANEL;
	if (f->watch)
		f->watch->n_tok += f->n_tok;
	pool_run(f->pool, n_panel, 1, embed_panel, f);
	for (f->layer = 0; f->layer < f->b->hyper.n_layer; f->layer++) {
		pool_run(f->pool, f->n_text * f->b->hyper.n_head, 1, attend, f);
		pool_run(f->pool, n_panel, 1, layer_panel, f);
	}
	pool_run(f->pool, f->n_text, 8, pool_texts, f);
}
