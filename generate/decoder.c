/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder: one forward pass. x is the residual stream [n_tok, d_model]; (g) marks what only Gemma has.
 *
 *	x = embd[tok] * embd_scale
 *	for each layer
 *		a = rmsnorm(x)
 *		q = Wq a + bq    k = Wk a    v = Wv a + bv		one barrier
 *		q = rmsnorm_head(q)  k = rmsnorm_head(k)		(g)
 *		kv <- round(k), round(v);  live k = rope(round(k) + bk)	per token
 *		q = rope(q)
 *		x += post(Wo attention(q, kv))				post = rmsnorm (g), else nothing
 *		a = rmsnorm(x)
 *		x += post(Wd (act(Wg a) * (Wu a)))
 *	logits = Whead rmsnorm(x)		only for the positions asked for
 *
 * In the last layer nothing but keys and values is computed for positions whose logits nobody wants. Sources: Vaswani et al. 2017;
 * Su et al. 2021 (RoPE); Shazeer 2020 (gated units); Ainslie et al. 2023 (grouped heads); Gemma 3 report 2025 (norms, windows).
 */
#include "generate/decoder.h"

#include <math.h>
#include <stdlib.h>

#include "lib/base/pool.h"
#include "lib/model/nn.h"

#define TOKENS 8		/* a piece of what is done token by token */
#define N_NEED 8		/* sets of activation forms (act_need) */

struct decoder {
	const struct model *m;
	struct pool *pool;
	struct nn nn;
	float *x;		/* [DECODER_BATCH, d_model] */
	float *q;		/* [.., n_head d_head] */
	float *k, *v;		/* [.., n_head_kv d_head] */
	float *att;		/* [.., n_head d_head] */
	float *ff;		/* [.., d_ff] */
	float *post;		/* [.., d_model]; (g) */
	float *cos[2], *sin[2];	/* [.., n_rot / 2]; 0 = global, 1 = windowed layers */
	struct act in[N_NEED], mid[N_NEED], wide[N_NEED];	/* of d_model, n_head d_head, d_ff; by need */
	size_t n_plain;		/* steps to come without the head's copy */
	struct arena mem;
};

static int init_act(struct decoder *d, struct act set[N_NEED], unsigned need, size_t n_col, struct err *e)
{
	return set[need].cap ? 0 : act_init(&set[need], &d->mem, DECODER_BATCH, n_col, need, e);
}

static int init_acts(struct decoder *d, struct err *e)
{
	const struct arch *a = &d->m->arch;
	int rc = init_act(d, d->in, d->m->need_head, a->d_model, e);
	for (size_t l = 0; l < a->n_layer && !rc; l++) {
		const struct layer *w = &d->m->layer[l];
		rc = init_act(d, d->in, w->need_qkv, a->d_model, e);
		if (!rc)
			rc = init_act(d, d->in, w->need_ff, a->d_model, e);
		if (!rc)
			rc = init_act(d, d->mid, w->need_o, a->n_head * a->d_head, e);
		if (!rc)
			rc = init_act(d, d->wide, w->need_down, a->d_ff, e);
	}
	return rc;
}

static float *rows(struct decoder *d, size_t n)
{
	return arena_array(&d->mem, DECODER_BATCH * n, sizeof(float));
}

int decoder_open(struct decoder **out, const struct model *m, struct pool *p, struct err *e)
{
	const struct arch *a = &m->arch;
	struct decoder *d = calloc(1, sizeof *d);
	if (!d)
		return err_memory(e);
	d->m = m;
	d->pool = p;
	d->x = rows(d, a->d_model);
	d->post = rows(d, a->d_model);
	d->q = rows(d, a->n_head * a->d_head);
	d->att = rows(d, a->n_head * a->d_head);
	d->k = rows(d, a->n_head_kv * a->d_head);
	d->v = rows(d, a->n_head_kv * a->d_head);
	d->ff = rows(d, a->d_ff);
	for (int i = 0; i < 2; i++) {
		d->cos[i] = rows(d, a->n_rot / 2);
		d->sin[i] = rows(d, a->n_rot / 2);
	}
	int rc = nn_init(&d->nn, m->kern, p, &d->mem, e);
	if (!rc)
		rc = init_acts(d, e);
	if (!rc && (!d->x || !d->post || !d->q || !d->att || !d->k || !d->v || !d->ff || !d->cos[0] || !d->cos[1] || !d->sin[0] ||
		!d->sin[1]))
		rc = err_memory(e);
	if (rc) {
		decoder_close(d);
		return rc;
	}
	*out = d;
	return 0;
}

void decoder_close(struct decoder *d)
{
	if (!d)
		return;
	arena_release(&d->mem);
	free(d);
}

/* ---- per token, between the matrices ---- */

struct place {
	struct decoder *d;
	struct kv *kv;
	size_t layer, pos;
};

/* Norms and rotates the queries of tokens [from, to), rounds and places their keys and values. */
static void place_tokens(void *arg, size_t from, size_t to, int i_thread)
{
	(void)i_thread;
	const struct place *p = arg;
	struct decoder *d = p->d;
	const struct arch *a = &d->m->arch;
	const struct layer *w = &d->m->layer[p->layer];
	const struct kern *kern = d->nn.k;
	int local = arch_is_windowed(a, p->layer);
	size_t dh = a->d_head, half = a->n_rot / 2;
	for (size_t t = from; t < to; t++) {
		float *q = d->q + t * a->n_head * dh, *k = d->k + t * a->n_head_kv * dh, *v = d->v + t * a->n_head_kv * dh;
		const float *cos = d->cos[local] + t * half, *sin = d->sin[local] + t * half;
		for (size_t h = 0; w->norm_q && h < a->n_head; h++)
			kern->rmsnorm(q + h * dh, w->norm_q, a->rms_eps, dh, q + h * dh);
		for (size_t h = 0; w->norm_k && h < a->n_head_kv; h++)
			kern->rmsnorm(k + h * dh, w->norm_k, a->rms_eps, dh, k + h * dh);
		kern->rope(q, a->n_head, dh, cos, sin, half, !a->is_neox);
		kv_round(p->kv, kern, p->layer, p->pos + t, k, v);
		kv_expand(p->kv, kern, p->layer, p->pos + t, w->bias_k, cos, sin);
	}
}

struct expand {
	struct decoder *d;
	struct kv *kv;
	size_t pos, n;
};

static void expand_layers(void *arg, size_t from, size_t to, int i_thread)
{
	(void)i_thread;
	const struct expand *x = arg;
	const struct decoder *d = x->d;
	const struct arch *a = &d->m->arch;
	for (size_t l = from; l < to; l++) {
		int local = arch_is_windowed(a, l);
		for (size_t t = 0; t < x->n; t++)
			kv_expand(x->kv, d->nn.k, l, x->pos + t, d->m->layer[l].bias_k, d->cos[local] + t * (a->n_rot / 2),
				d->sin[local] + t * (a->n_rot / 2));
	}
}

static void rope_rows(struct decoder *d, size_t pos, size_t n)
{
	size_t half = d->m->arch.n_rot / 2;
	for (size_t t = 0; t < n; t++) {
		nn_rope_row(pos + t, d->m->inv_freq, half, d->cos[0] + t * half, d->sin[0] + t * half);
		if (d->m->arch.window)
			nn_rope_row(pos + t, d->m->inv_freq_local, half, d->cos[1] + t * half, d->sin[1] + t * half);
	}
}

void decoder_expand(struct decoder *d, struct kv *kv, size_t pos, size_t n)
{
	while (n) {
		size_t some = n < DECODER_BATCH ? n : DECODER_BATCH;
		rope_rows(d, pos, some);
		pool_run(d->pool, d->m->arch.n_layer, 1, expand_layers, &(struct expand){ d, kv, pos, some });
		pos += some;
		n -= some;
	}
}

struct embed {
	struct decoder *d;
	const int32_t *tok;
};

static void embed_tokens(void *arg, size_t from, size_t to, int i_thread)
{
	(void)i_thread;
	const struct embed *e = arg;
	const struct arch *a = &e->d->m->arch;
	for (size_t t = from; t < to; t++) {
		float *x = e->d->x + t * a->d_model;
		w16_row(&e->d->m->embd, (size_t)e->tok[t], x);
		for (size_t i = 0; a->embd_scale != 1 && i < a->d_model; i++)
			x[i] *= a->embd_scale;
	}
}

struct post {
	struct decoder *d;
	const float *norm;
	float *x;
};

static void post_tokens(void *arg, size_t from, size_t to, int i_thread)
{
	(void)i_thread;
	const struct post *p = arg;
	const struct arch *a = &p->d->m->arch;
	for (size_t t = from; t < to; t++) {
		float *y = p->d->post + t * a->d_model;
		p->d->nn.k->rmsnorm(y, p->norm, a->rms_eps, a->d_model, y);
		p->d->nn.k->add(y, a->d_model, p->x + t * a->d_model);
	}
}

/* x[t] += W act, through rmsnorm(. , norm) if there is one. */
static void add_mat(struct decoder *d, const struct act *in, const struct mat *w, const float *norm, size_t n, float *x)
{
	const struct arch *a = &d->m->arch;
	struct nn_job job = { .w = w, .y = norm ? d->post : x, .ld = a->d_model, .add = !norm };
	nn_mat(&d->nn, in, &job, 1);
	if (norm)
		pool_run(d->pool, n, TOKENS, post_tokens, &(struct post){ d, norm, x });
}

/* q, k, v of all n tokens; keys and values placed. */
static void project(struct decoder *d, struct kv *kv, size_t l, size_t n, size_t pos)
{
	const struct arch *a = &d->m->arch;
	const struct layer *w = &d->m->layer[l];
	struct act *in = &d->in[w->need_qkv];
	size_t dq = a->n_head * a->d_head, dkv = a->n_head_kv * a->d_head;
	nn_norm_act(&d->nn, d->x, a->d_model, n, a->d_model, w->norm_att, a->rms_eps, in);
	struct nn_job job[3] = {
		{ .w = &w->q, .y = d->q, .ld = dq, .bias = w->bias_q },
		{ .w = &w->k, .y = d->k, .ld = dkv },
		{ .w = &w->v, .y = d->v, .ld = dkv, .bias = w->bias_v },
	};
	nn_next(&d->nn, (const struct mat *const[]){ &w->o }, 1, n);
	nn_mat(&d->nn, in, job, 3);
	struct place p = { d, kv, l, pos };
	pool_run(d->pool, n, TOKENS, place_tokens, &p);
}

/* The head's screen, or for steps that are to do without its copy an empty one. */
static const struct screen *screen_now(const struct decoder *d)
{
	static const struct screen none;
	return d->n_plain ? &none : &d->m->screen;
}

/* Attention and feed-forward of tokens [skip, n). */
static void mix(struct decoder *d, const struct kv *kv, size_t l, size_t skip, size_t n, size_t pos)
{
	const struct arch *a = &d->m->arch;
	const struct layer *w = &d->m->layer[l];
	size_t dq = a->n_head * a->d_head, some = n - skip;
	float *x = d->x + skip * a->d_model;
	struct nn_attn at = {
		.q = d->q + skip * dq, .out = d->att, .ld_q = dq, .ld_out = dq, .n_tok = some, .pos = pos + skip,
		.n_head = a->n_head, .n_head_kv = a->n_head_kv, .d_head = a->d_head,
		.k = kv_keys(kv, l), .v = kv_values(kv, l), .stride = kv->stride,
		.window = arch_is_windowed(a, l) ? a->window : 0, .scale = a->attn_scale,
	};
	nn_attn(&d->nn, &at);
	nn_act(&d->nn, d->att, dq, some, dq, &d->mid[w->need_o]);
	nn_next(&d->nn, (const struct mat *const[]){ &w->gate, &w->up }, 2, some);
	add_mat(d, &d->mid[w->need_o], &w->o, w->post_att, some, x);
	nn_norm_act(&d->nn, x, a->d_model, some, a->d_model, w->norm_ff, a->rms_eps, &d->in[w->need_ff]);
	nn_next(&d->nn, (const struct mat *const[]){ &w->down }, 1, some);
	nn_glu(&d->nn, &d->in[w->need_ff], &w->gate, &w->up, a->is_gelu ? NN_GELU : NN_SILU, d->ff, a->d_ff,
		&d->wide[w->need_down]);
	if (l + 1 < a->n_layer)
		nn_next(&d->nn, (const struct mat *const[]){ &w[1].q, &w[1].k, &w[1].v }, 3, some);
	else
		nn_next(&d->nn, (const struct mat *const[]){ screen_whole(screen_now(d), &d->m->head) }, 1, some);
	add_mat(d, &d->wide[w->need_down], &w->down, w->post_ff, some, x);
}

void decoder_run(struct decoder *d, struct kv *kv, const int32_t *tok, size_t n, size_t pos, size_t n_out)
{
	const struct arch *a = &d->m->arch;
	rope_rows(d, pos, n);
	pool_run(d->pool, n, TOKENS, embed_tokens, &(struct embed){ d, tok });
	for (size_t l = 0; l < a->n_layer; l++) {
		size_t skip = l + 1 < a->n_layer ? 0 : n - n_out;
		project(d, kv, l, n, pos);
		if (skip < n)
			mix(d, kv, l, skip, n, pos);
	}
	if (n_out)
		nn_norm_act(&d->nn, d->x + (n - n_out) * a->d_model, a->d_model, n_out, a->d_model, d->m->norm_out, a->rms_eps,
			&d->in[d->m->need_head]);
}

void decoder_logits(struct decoder *d, float *logits)
{
	const struct act *in = &d->in[d->m->need_head];
	size_t n_vocab = d->m->arch.n_vocab;
	struct nn_job job = { .w = &d->m->head, .y = logits, .ld = n_vocab };
	nn_mat(&d->nn, in, &job, 1);
	for (size_t i = 0; i < in->n_tok; i++)
		for (size_t r = job.w->n_row; r < n_vocab; r++)
			logits[i * n_vocab + r] = -INFINITY;
}

/* Where the copy's savings end, about; and for how many steps it is then left alone. */
#define SCREEN_MUCH 0.3
#define SCREEN_PAUSE 8

void decoder_best(struct decoder *d, float *work, int32_t *best)
{
	const struct act *in = &d->in[d->m->need_head];
	double read = screen_best(&d->nn, in, &d->m->head, screen_now(d), work, best);
	if (d->n_plain)
		d->n_plain--;
	else if (read > SCREEN_MUCH * (double)in->n_tok)
		d->n_plain = SCREEN_PAUSE;
}
