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
 * Threads share nothing but the weights: a batch is cut into units of whole texts, about 256 tokens each, and a thread takes a unit from
 * the words to the vectors. So threads meet once a batch, not twice a layer, which matters where a pipe's other stages want the
 * processors too. What a unit needs stays in the second-level cache: q, k and v are made for one head at a time, over the whole unit,
 * and attended to at once; all else runs over panels of 48 tokens, each of which goes from attention's output to the codes that the next
 * layer reads; the feed-forward part runs over 64 rows of `up` at a time, whose outputs become codes at once.
 */
#include "embed/forward.h"

#include <math.h>
#include <stdlib.h>

#include "embed/pooling.h"
#include "lib/base/pool.h"

#define PANEL 48		/* 4 activation blocks; 48 x 1536 codes are 74 KB */
#define PANEL_BLOCKS (PANEL / BERT_TOKS)

#define UNIT 256		/* tokens of a unit at most, unless one text has more */

/* A thread's own: the unit it works on, and scratch. */
struct lane {
	const struct bert *b;
	struct bert_watch *watch;
	const int32_t *id;	/* [n_tok] of the unit */
	const uint32_t *pos, *from;	/* [n_tok]; [n_text + 1], counted from `base` */
	uint32_t base;
	size_t n_tok, n_text, layer;
	float *x, *ctx;		/* [cap, d_model] */
	float *qkv;		/* [cap, 3 d_head] of one head */
	float *z;		/* [PANEL, d_model] what norms make for matrices */
	float *u;		/* [PANEL, BERT_GROUP] a group of `up` */
	uint8_t *xd;		/* activation blocks of the unit, d_model inputs: what q, k and v are made of */
	uint8_t *xp, *xf;	/* of a panel: d_model and d_ff inputs */
	void *attn;
};

struct forward {
	const struct bert *b;
	struct pool *pool;
	size_t cap, n_tok, n_text, n_unit;
	int32_t *id;		/* [cap] */
	uint32_t *pos;		/* [cap] place in its text */
	uint32_t *from;		/* [cap + 1] first token of each text */
	uint32_t *unit;		/* [cap + 1] first text of each unit */
	float *vec;		/* [cap, d_model] */
	struct lane *lane;	/* [pool_threads] */
	struct bert_watch *watch;
	struct arena mem;
};

static size_t n_group(size_t n)
{
	return (n + BERT_GROUP - 1) / BERT_GROUP;
}

static bool lane_init(struct forward *f, struct lane *s)
{
	const struct hyper *h = &f->b->hyper;
	size_t d = h->d_model, x_len = f->b->kern->x_len, cap = h->max_tok > UNIT ? h->max_tok : UNIT;
	s->b = f->b;
	s->x = calloc(cap * d, sizeof(float));		/* not from the arena: a lone question touches little of these */
	s->qkv = calloc(cap * (d / h->n_head), 3 * sizeof(float));
	s->ctx = calloc(cap * d, sizeof(float));
	s->z = arena_array(&f->mem, PANEL * d, sizeof(float));
	s->u = arena_array(&f->mem, PANEL * BERT_GROUP, sizeof(float));
	s->xd = arena_array(&f->mem, (cap + PANEL) / BERT_TOKS * n_group(d), x_len);
	s->xp = arena_array(&f->mem, PANEL_BLOCKS * n_group(d), x_len);
	s->xf = arena_array(&f->mem, PANEL_BLOCKS * n_group(h->d_ff), x_len);
	s->attn = arena_alloc(&f->mem, bert_attn_scratch(h->max_tok, d / h->n_head));
	return s->x && s->qkv && s->ctx && s->z && s->u && s->xd && s->xp && s->xf && s->attn;
}

int forward_open(struct forward **out, const struct bert *b, struct pool *p, struct err *e)
{
	struct forward *f = calloc(1, sizeof *f);
	*out = NULL;
	if (!f)
		return err_memory(e);
	size_t n_thread = (size_t)pool_threads(p);
	f->b = b;
	f->pool = p;
	f->cap = b->hyper.max_tok > FORWARD_TOKENS ? b->hyper.max_tok : FORWARD_TOKENS;
	f->id = arena_array(&f->mem, f->cap, sizeof *f->id);
	f->pos = arena_array(&f->mem, f->cap, sizeof *f->pos);
	f->from = arena_array(&f->mem, f->cap + 1, sizeof *f->from);
	f->unit = arena_array(&f->mem, f->cap + 1, sizeof *f->unit);
	f->vec = calloc(f->cap * b->hyper.d_model, sizeof *f->vec);
	f->lane = arena_array(&f->mem, n_thread, sizeof *f->lane);
	bool ok = f->id && f->pos && f->from && f->unit && f->vec && f->lane;
	for (size_t i = 0; i < n_thread && ok; i++)
		ok = lane_init(f, &f->lane[i]);
	if (!ok) {
		forward_close(f);
		return err_memory(e);
	}
	*out = f;
	return 0;
}

void forward_close(struct forward *f)
{
	if (!f)
		return;
	for (int i = 0; f->lane && i < pool_threads(f->pool); i++) {
		free(f->lane[i].x);
		free(f->lane[i].qkv);
		free(f->lane[i].ctx);
	}
	free(f->vec);
	arena_release(&f->mem);
	free(f);
}

/* ---- batches ---- */

size_t forward_room(const struct forward *f)
{
	return f->cap - f->n_tok;
}

bool forward_add(struct forward *f, const int32_t *id, size_t n)
{
	if (n > forward_room(f))
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

/* LayerNorm of n rows at token t, and the codes, from `out` on, of what the next matrix reads. */
static void norm_rows(struct lane *s, const struct bert_norm *p, size_t t, size_t n, uint8_t *out, size_t i_norm)
{
	const struct kern_bert *k = s->b->kern;
	size_t d = s->b->hyper.d_model, block_len = n_group(d) * k->x_len;
	for (size_t i = 0; i < n; i++) {
		k->norm(p, s->x + (t + i) * d, s->z + i * d);
		if (s->watch) {
			watch_sum(s->z + i * d, d, s->watch->z + i_norm * d);
			watch_range(s->z + i * d, d, s->watch->lo + i_norm * d, s->watch->hi + i_norm * d);
		}
	}
	for (size_t i = 0; i < n; i += BERT_TOKS)
		k->quant(s->z + i * d, d, n - i < BERT_TOKS ? n - i : BERT_TOKS, d, out + i / BERT_TOKS * block_len);
}

/* The activation block of the unit that begins with token t. */
static uint8_t *unit_block(const struct lane *s, size_t t)
{
	return s->xd + t / BERT_TOKS * n_group(s->b->hyper.d_model) * s->b->kern->x_len;
}

static void mat_rows(struct lane *s, const struct bert_mat *m, const uint8_t *x, size_t t, size_t n, float *y, enum bert_op op)
{
	const struct kern_bert *k = s->b->kern;
	k->mat(m, 0, m->n_row / BERT_ROWS, x, m->n_group * k->x_len, n, y + t * m->n_row, m->n_row, op);
}

static void feed_forward(struct lane *s, const struct bert_layer *y, size_t t, size_t n)
{
	const struct kern_bert *k = s->b->kern;
	size_t d = s->b->hyper.d_model, ff = s->b->hyper.d_ff, block_len = n_group(ff) * k->x_len;
	for (size_t g = 0; g * BERT_GROUP < ff; g++) {
		size_t rows = ff - g * BERT_GROUP < BERT_GROUP ? ff - g * BERT_GROUP : BERT_GROUP;
		k->mat(&y->up, g * BERT_GROUP / BERT_ROWS, rows / BERT_ROWS, s->xp, n_group(d) * k->x_len, n, s->u, BERT_GROUP, BERT_GELU);
		for (size_t i = 0; s->watch && i < n; i++)
			watch_sum(s->u + i * BERT_GROUP, rows, s->watch->u + s->layer * ff + g * BERT_GROUP);
		for (size_t i = 0; i < n; i += BERT_TOKS)
			k->quant(s->u + i * BERT_GROUP, BERT_GROUP, n - i < BERT_TOKS ? n - i : BERT_TOKS, rows,
				s->xf + i / BERT_TOKS * block_len + g * k->x_len);
	}
	mat_rows(s, &y->down, s->xf, t, n, s->x, BERT_ADD);
}

/* Tokens of the panel at t. */
static size_t panel_len(const struct lane *s, size_t t)
{
	return s->n_tok - t < PANEL ? s->n_tok - t : PANEL;
}

static void embed_panel(struct lane *s, size_t t)
{
	const struct bert *b = s->b;
	size_t d = b->hyper.d_model, n = panel_len(s, t);
	for (size_t i = t; i < t + n; i++) {
		const float *word = b->word + (size_t)s->id[i] * d, *pos = b->pos + (size_t)s->pos[i] * d;
		for (size_t j = 0; j < d; j++)
			s->x[i * d + j] = word[j] + pos[j];
	}
	norm_rows(s, &b->norm, t, n, unit_block(s, t), 0);
}

static void layer_panel(struct lane *s, size_t t)
{
	const struct bert *b = s->b;
	const struct bert_layer *y = &b->layer[s->layer];
	size_t d = b->hyper.d_model, block_len = n_group(d) * b->kern->x_len, n = panel_len(s, t);
	for (size_t i = 0; i < n; i += BERT_TOKS)
		b->kern->quant(s->ctx + (t + i) * d, d, n - i < BERT_TOKS ? n - i : BERT_TOKS, d, s->xp + i / BERT_TOKS * block_len);
	for (size_t i = 0; s->watch && i < n; i++)
		watch_sum(s->ctx + (t + i) * d, d, s->watch->ctx + s->layer * d);
	mat_rows(s, &y->o, s->xp, t, n, s->x, BERT_ADD);
	norm_rows(s, &y->att, t, n, s->xp, 1 + 2 * s->layer);
	feed_forward(s, y, t, n);
	norm_rows(s, &y->out, t, n, unit_block(s, t), 2 + 2 * s->layer);
}

/* One head: q, k and v of all tokens of the unit, then attention within each text. */
static void attend(struct lane *s, size_t head)
{
	const struct hyper *h = &s->b->hyper;
	const struct kern_bert *k = s->b->kern;
	const struct bert_mat *m = &s->b->layer[s->layer].qkv;
	size_t d = h->d_model, dh = d / h->n_head, ld = 3 * dh;
	for (size_t i = 0; i < 3; i++)
		k->mat(m, (i * d + head * dh) / BERT_ROWS, dh / BERT_ROWS, s->xd, m->n_group * k->x_len, s->n_tok, s->qkv + i * dh, ld, BERT_SET);
	for (size_t i = 0; i < s->n_text; i++) {
		size_t t = s->from[i] - s->base;
		const float *q = s->qkv + t * ld;
		struct bert_attn a = { .q = q, .k = q + dh, .v = q + 2 * dh, .ld = ld, .out = s->ctx + t * d + head * dh, .ld_out = d,
			.n_tok = s->from[i + 1] - s->from[i], .d_head = dh, .scale = 1.0f / sqrtf((float)dh), .scratch = s->attn };
		k->attn(&a);
	}
}

static void run_unit(struct lane *s, float *vec)
{
	size_t d = s->b->hyper.d_model;
	for (size_t t = 0; t < s->n_tok; t += PANEL)
		embed_panel(s, t);
	for (s->layer = 0; s->layer < s->b->hyper.n_layer; s->layer++) {
		for (size_t i = 0; i < s->b->hyper.n_head; i++)
			attend(s, i);
		for (size_t t = 0; t < s->n_tok; t += PANEL)
			layer_panel(s, t);
	}
	for (size_t i = 0; i < s->n_text; i++)
		pooling_vec((enum pooling)s->b->hyper.pooling, s->x + (s->from[i] - s->base) * d, s->from[i + 1] - s->from[i], d, vec + i * d);
}

static void run_units(void *arg, size_t from, size_t to, int i_thread)
{
	struct forward *f = arg;
	struct lane *s = &f->lane[i_thread];
	for (size_t i = from; i < to; i++) {
		size_t text = f->unit[i];
		s->base = f->from[text];
		s->id = f->id + s->base;
		s->pos = f->pos + s->base;
		s->from = f->from + text;
		s->n_text = f->unit[i + 1] - text;
		s->n_tok = f->from[f->unit[i + 1]] - s->base;
		s->watch = f->watch;
		run_unit(s, f->vec + text * f->b->hyper.d_model);
	}
}

/* Whole texts, as long as they fit; no more than the threads' shares, so that a small batch is spread too. */
static void cut_units(struct forward *f)
{
	size_t share = f->n_tok / (size_t)pool_threads(f->pool), max = share < UNIT ? share : UNIT;
	f->n_unit = 0;
	for (size_t i = 0; i < f->n_text; f->n_unit++) {
		size_t first = i++;
		f->unit[f->n_unit] = (uint32_t)first;
		while (i < f->n_text && f->from[i + 1] - f->from[first] <= max)
			i++;
	}
	f->unit[f->n_unit] = (uint32_t)f->n_text;
}

void forward_run(struct forward *f)
{
	cut_units(f);
	if (f->watch)
		f->watch->n_tok += f->n_tok;
	pool_run(f->pool, f->n_unit, 1, run_units, f);
}
