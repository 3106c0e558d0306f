/* SPDX-License-Identifier: Apache-2.0
 *
 * nn: kernels spread over threads. A loop's unit of work is a run of row tiles (matrices), a token (norms) or a few rows of one
 * key/value head (attention); which thread gets which unit changes nothing in the results.
 *
 * Matrices, many tokens: a unit is a few tiles, which stay in the level-2 cache, times all tokens, or panels of tokens whose activations
 * fit beside them; so weights come from memory once.
 * Few tokens: units are long, contiguous runs of weights, because memory streams best that way.
 */
#include "lib/model/nn.h"

#include <string.h>

#include "lib/base/pool.h"

int nn_init(struct nn *nn, const struct kern *k, struct pool *pool, struct arena *a, struct err *e)
{
	*nn = (struct nn){ .k = k, .pool = pool };
	nn->scratch = arena_array(a, (size_t)pool_threads(pool) * NN_SCRATCH, sizeof *nn->scratch);
	return nn->scratch ? 0 : err_memory(e);
}

/* ---- activations ---- */

unsigned act_need(const struct mat *const *w, size_t n)
{
	unsigned need = 0;
	for (size_t i = 0; i < n; i++)
		need |= 1u << act_form_of(w[i]->type);
	return need;
}

int act_init(struct act *a, struct arena *ar, size_t n_tok, size_t n_col, unsigned need, struct err *e)
{
	size_t blocks = n_tok * act_n_block(n_col);
	*a = (struct act){ .need = need, .cap = n_tok * act_n_block(n_col) };
	if (need & 1u << ACT_G16)
		a->g16 = arena_array(ar, blocks, sizeof *a->g16);
	if (need & 1u << ACT_G32)
		a->g32 = arena_array(ar, blocks, sizeof *a->g32);
	/* always: the norm writes here first */
	a->f32 = arena_array(ar, blocks, 256 * sizeof *a->f32);
	if ((need & 1u << ACT_G16 && !a->g16) || (need & 1u << ACT_G32 && !a->g32) || !a->f32)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for activations of %zu tokens", n_tok);
	return 0;
}

typedef void (*glu_fn)(const float *g, const float *u, size_t n, float *y);

struct act_job {
	const struct nn *nn;
	const float *x, *w;
	size_t ld;
	float eps;
	bool is_norm;
	glu_fn glu;		/* with a->f32 holding what x is the gate of, or NULL */
	struct act *a;
};

static void act_tokens(void *arg, size_t from, size_t to, int i_thread)
{
	const struct act_job *j = arg;
	const struct act *a = j->a;
	size_t n = a->n_col, nb = act_n_block(n);
	(void)i_thread;
	for (size_t t = from; t < to; t++) {
		const float *x = j->x + t * j->ld;
		float *f = a->f32 + t * n;
		if (j->is_norm) {
			j->nn->k->rmsnorm(x, j->w, j->eps, n, f);
			x = f;
		} else if (j->glu) {
			j->glu(x, f, n, f);
			x = f;
		} else if (a->need & 1u << ACT_F32) {
			memcpy(f, x, n * sizeof *f);
		}
		if (a->need & 1u << ACT_G16)
			j->nn->k->act(x, n, ACT_G16, a->g16 + t * nb);
		if (a->need & 1u << ACT_G32)
			j->nn->k->act(x, n, ACT_G32, a->g32 + t * nb);
	}
}

/* One token is done at once where it stands: cheaper than waking anybody. */
static void act_fill(struct nn *nn, struct act_job *j, size_t n_tok, size_t n_col)
{
	j->nn = nn;
	j->a->n_tok = n_tok;
	j->a->n_col = n_col;
	pool_run(n_tok * n_col < 16384 ? NULL : nn->pool, n_tok, 1, act_tokens, j);
}

void nn_act(struct nn *nn, const float *x, size_t ld, size_t n_tok, size_t n_col, struct act *a)
{
	act_fill(nn, &(struct act_job){ .x = x, .ld = ld, .a = a }, n_tok, n_col);
}

void nn_norm_act(struct nn *nn, const float *x, size_t ld, size_t n_tok, size_t n_col, const float *w, float eps, struct act *a)
{
	act_fill(nn, &(struct act_job){ .x = x, .w = w, .eps = eps, .ld = ld, .is_norm = true, .a = a }, n_tok, n_col);
}

/* ---- matrices ---- */

static const void *act_of(const struct act *a, enum quant_type type, size_t tok)
{
	size_t nb = act_n_block(a->n_col);
	switch (act_form_of(type)) {
	case ACT_G16: return a->g16 + tok * nb;
	case ACT_G32: return a->g32 + tok * nb;
	default: return a->f32 + tok * a->n_col;
	}
}

#define CACHE_LEN (384u << 10)	/* bytes of activations that a level-2 cache (1 MB, 512 KB) keeps beside weights */
#define PANEL_MAX 256
#define UNIT_LEN (32u << 10)	/* bytes of weights a unit when there are few tokens: 1 us of reading, so that no thread waits long */
#define FEW 16

/* How a matrix is cut: `tiles` tiles a unit, times panels of `panel` tokens. */
struct cut {
	size_t tiles, panel;
};

/* Many tokens, tiles together: as many as the kernel takes, unless these are too few units to spread evenly; but two, since a kernel may
 * multiply two at a time. */
static struct cut cut_together(const struct nn *nn, const struct mat *w)
{
	size_t tiles = nn->k->tiles_together, even = 8 * (size_t)pool_threads(nn->pool);
	while (tiles > 2 && mat_n_tile(w) < even * tiles)
		tiles /= 2;
	return (struct cut){ tiles, PANEL_MAX };
}

/* Else all tokens in one panel if the cache holds them, and then single tiles, which spread evenly; or several tiles a unit, so that each
 * panel is fetched for more than one. */
static struct cut cut_of(const struct nn *nn, const struct mat *w, size_t n_tok)
{
	bool is_float = act_form_of(w->type) == ACT_F32;
	size_t len = is_float ? w->n_col * sizeof(float) : act_n_block(w->n_col) * sizeof(struct act_block);
	size_t fit = CACHE_LEN / len / 8 * 8;
	if (n_tok <= FEW)
		return (struct cut){ w->tile_len < UNIT_LEN ? UNIT_LEN / w->tile_len : 1, FEW };
	if (!is_float && nn->k->tiles_together > 1)
		return cut_together(nn, w);
	if (n_tok <= fit)
		return (struct cut){ 1, PANEL_MAX };
	return (struct cut){ 4, fit < 8 ? 8 : fit > PANEL_MAX ? PANEL_MAX : fit };
}

/* Units that a matrix is cut into. */
static size_t n_unit(const struct nn *nn, const struct mat *w, size_t n_tok)
{
	size_t per = cut_of(nn, w, n_tok).tiles;
	return (mat_n_tile(w) + per - 1) / per;
}

#define MAX_JOB 16

/* Which of several matrices a unit is of: first[i] is the first unit of the i-th. */
static size_t of_unit(const size_t first[MAX_JOB + 1], size_t unit)
{
	size_t i = 0;
	while (unit >= first[i + 1])
		i++;
	return i;
}

struct mat_work {
	const struct nn *nn;
	const struct act *a;
	const struct nn_job *job;
	size_t first[MAX_JOB + 1];	/* first unit of each job; behind the last, all */
};

static void mat_unit(const struct mat_work *w, size_t unit)
{
	size_t i = of_unit(w->first, unit);
	const struct nn_job *j = &w->job[i];
	struct cut cut = cut_of(w->nn, j->w, w->a->n_tok);
	size_t tile = (unit - w->first[i]) * cut.tiles, left = mat_n_tile(j->w) - tile;
	for (size_t t = 0; t < w->a->n_tok; t += cut.panel) {
		size_t n = w->a->n_tok - t < cut.panel ? w->a->n_tok - t : cut.panel;
		struct mat_out o = { .y = j->y + t * j->ld, .ld = j->ld, .bias = j->bias, .add = j->add };
		w->nn->k->mat[j->w->type](j->w, tile, left < cut.tiles ? left : cut.tiles, act_of(w->a, j->w->type, t), n, &o);
	}
}

static void mat_units(void *arg, size_t from, size_t to, int i_thread)
{
	(void)i_thread;
	for (size_t u = from; u < to; u++)
		mat_unit(arg, u);
}

void nn_mat(struct nn *nn, const struct act *a, const struct nn_job *job, size_t n_job)
{
	struct mat_work w = { .nn = nn, .a = a, .job = job };
	for (size_t i = 0; i < n_job; i++)
		w.first[i + 1] = w.first[i] + n_unit(nn, job[i].w, a->n_tok);
	pool_run(nn->pool, w.first[n_job], 1, mat_units, &w);
}

#define EXPECT_LEN (128u << 10)	/* what memory delivers in the longest gap between two matrices, 5 to 10 us */

void nn_next(struct nn *nn, const struct mat *const *w, size_t n, size_t n_tok)
{
	size_t first[MAX_JOB + 1] = { 0 }, threads = (size_t)pool_threads(nn->pool);
	if (n_tok > FEW || threads == 1)
		return;
	for (size_t i = 0; i < n; i++)
		first[i + 1] = first[i] + n_unit(nn, w[i], n_tok);
	for (size_t t = 0; t < threads; t++) {
		size_t unit = t * first[n] / threads, i = of_unit(first, unit);
		size_t at = (unit - first[i]) * cut_of(nn, w[i], n_tok).tiles * w[i]->tile_len, left = mat_n_tile(w[i]) * w[i]->tile_len - at;
		pool_expect(nn->pool, (int)t, w[i]->data + at, left < EXPECT_LEN ? left : EXPECT_LEN);
	}
}

/* ---- gated unit ---- */

struct glu_work {
	const struct nn *nn;
	const struct act *a;
	const struct mat *gate, *up;
	glu_fn glu;
	float *y;
	size_t ld;
	struct cut cut;
};

/* Gate and up of the same rows, a panel at a time, into this thread's scratch, then combined while they are near. */
static void glu_units(void *arg, size_t from, size_t to, int i_thread)
{
	const struct glu_work *w = arg;
	const struct kern *k = w->nn->k;
	float *g = w->nn->scratch + (size_t)i_thread * NN_SCRATCH, *u = g + NN_SCRATCH / 2;
	size_t n_tile = mat_n_tile(w->gate), per = w->cut.tiles;
	for (size_t unit = from; unit < to; unit++) {
		size_t tile = unit * per, n = n_tile - tile < per ? n_tile - tile : per;
		size_t row = tile * W16_ROWS, n_row = w->gate->n_row - row < n * W16_ROWS ? w->gate->n_row - row : n * W16_ROWS;
		for (size_t t = 0; t < w->a->n_tok; t += w->cut.panel) {
			size_t nt = w->a->n_tok - t < w->cut.panel ? w->a->n_tok - t : w->cut.panel;
			struct mat_out og = { .y = g, .ld = per * W16_ROWS, .row = row }, ou = og;
			ou.y = u;
			k->mat[w->gate->type](w->gate, tile, n, act_of(w->a, w->gate->type, t), nt, &og);
			k->mat[w->up->type](w->up, tile, n, act_of(w->a, w->up->type, t), nt, &ou);
			for (size_t i = 0; i < nt; i++)
				w->glu(g + i * og.ld, u + i * ou.ld, n_row, w->y + (t + i) * w->ld + row);
		}
	}
}

/* Few tokens: memory decides, and delivers a fifth less when each thread goes from gate to up and back. So one whole matrix after the other,
 * and the values meet when they become activations. */
static void glu_few(struct nn *nn, const struct act *a, const struct mat *gate, const struct mat *up, glu_fn glu,
	float *y, size_t ld, struct act *out)
{
	size_t n_col = gate->n_row;
	nn_mat(nn, a, (const struct nn_job[]){ { .w = gate, .y = y, .ld = ld }, { .w = up, .y = out->f32, .ld = n_col } }, 2);
	act_fill(nn, &(struct act_job){ .x = y, .ld = ld, .glu = glu, .a = out }, a->n_tok, n_col);
}

void nn_glu(struct nn *nn, const struct act *a, const struct mat *gate, const struct mat *up, enum nn_glu kind, float *y, size_t ld, struct act *out)
{
	struct glu_work w = { .nn = nn, .a = a, .gate = gate, .up = up, .glu = kind == NN_SILU ? nn->k->silu_mul : nn->k->gelu_mul,
		.y = y, .ld = ld, .cut = cut_of(nn, gate, a->n_tok) };
	if (a->n_tok <= FEW) {
		glu_few(nn, a, gate, up, w.glu, y, ld, out);
		return;
	}
	/* the scratch holds one result of each matrix a row and token */
	if (w.cut.panel * w.cut.tiles * W16_ROWS > NN_SCRATCH / 2)
		w.cut.panel = NN_SCRATCH / 2 / (w.cut.tiles * W16_ROWS);
	size_t n = (mat_n_tile(gate) + w.cut.tiles - 1) / w.cut.tiles;
	pool_run(nn->pool, n, 1, glu_units, &w);
	nn_act(nn, y, ld, a->n_tok, gate->n_row, out);
}

/* ---- attention ---- */

struct attn_work {
	const struct nn *nn;
	const struct nn_attn *a;
	size_t group;		/* query heads a key/value head */
	size_t n_run;		/* runs of ATTN_ROWS rows a key/value head */
	size_t rows;		/* rows a run */
};

/* Rows of key/value head `kv`: token-major, so that a run's rows see nearly the same positions. */
static void attn_units(void *arg, size_t from, size_t to, int i_thread)
{
	const struct attn_work *w = arg;
	const struct nn_attn *a = w->a;
	(void)i_thread;
	for (size_t unit = from; unit < to; unit++) {
		size_t kv = unit / w->n_run, r0 = unit % w->n_run * w->rows, n_row = a->n_tok * w->group - r0;
		struct attn_row row[ATTN_ROWS];
		struct attn at = { .k = a->k + kv * a->stride, .v = a->v + kv * a->stride, .d_head = a->d_head,
			.window = a->window, .scale = a->scale };
		if (n_row > w->rows)
			n_row = w->rows;
		for (size_t i = 0; i < n_row; i++) {
			size_t t = (r0 + i) / w->group, h = kv * w->group + (r0 + i) % w->group;
			row[i] = (struct attn_row){ a->q + t * a->ld_q + h * a->d_head, a->out + t * a->ld_out + h * a->d_head, a->pos + t };
		}
		w->nn->k->attn(&at, row, n_row);
	}
}

#define ATTN_FEW 6		/* rows that are done when memory is */
#define ATTN_LONG 768		/* positions whose keys and values come from there */

void nn_attn(struct nn *nn, const struct nn_attn *a)
{
	struct attn_work w = { .nn = nn, .a = a, .group = a->n_head / a->n_head_kv };
	size_t rows = a->n_tok * w.group, threads = (size_t)pool_threads(nn->pool);
	w.n_run = (rows + ATTN_ROWS - 1) / ATTN_ROWS;
	size_t units = a->n_head_kv * w.n_run;
	/* Few units: a head in shorter runs where that spreads the work. Each run reads all of its keys and values, so where memory decides,
	 * with few rows over many positions, a head is left whole as long as every thread has one. */
	bool is_reading = rows <= ATTN_FEW && a->pos + a->n_tok >= ATTN_LONG;
	if (units < (is_reading ? threads : 2 * threads) && units % threads && w.n_run < rows)
		w.n_run++;
	w.rows = (rows + w.n_run - 1) / w.n_run;
	w.n_run = (rows + w.rows - 1) / w.rows;
	size_t cost = rows * a->n_head_kv * (a->pos + a->n_tok);
	pool_run(cost < 512 ? NULL : nn->pool, a->n_head_kv * w.n_run, 1, attn_units, &w);
}
