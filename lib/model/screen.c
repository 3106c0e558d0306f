/* SPDX-License-Identifier: Apache-2.0
 *
 * screen: two loops over the tiles of rows, each in PIECES pieces: the largest a - slack |y|, and the logits of what reaches it.
 */
#include "lib/model/screen.h"

#include <math.h>

#include "lib/base/pool.h"

#define PIECES 64

struct best {
	float logit;
	int32_t row;
};

struct work {
	const struct nn *nn;
	const struct act *a;
	const struct mat *head;
	const float *slack;		/* NULL: `logit` holds logits, not approximations */
	const float *logit;		/* [n_tok][n_row] */
	float norm[SCREEN_MAX], low[SCREEN_MAX];
	float piece_low[PIECES][SCREEN_MAX];
	struct best piece_best[PIECES][SCREEN_MAX];
	size_t piece_tiles[PIECES];	/* of the head */
};

/* |y|, rounded up. */
static float norm_of(const struct act_block *x, size_t n_block)
{
	double sum = 0;
	for (size_t b = 0; b < n_block; b++)
		for (size_t g = 0; g < 16; g++) {
			int32_t codes = 0;
			for (size_t i = 16 * g; i < 16 * g + 16; i++)
				codes += x[b].x[i] * x[b].x[i];
			double s = (double)x[b].d * act_s16(&x[b], g);
			sum += s * s * codes;
		}
	return (float)(sqrt(sum) * 1.0001);
}

static size_t rows_of(const struct work *w, size_t tile)
{
	size_t left = w->head->n_row - tile * W16_ROWS;
	return left < W16_ROWS ? left : W16_ROWS;
}

static size_t first_tile(const struct work *w, size_t piece)
{
	return mat_n_tile(w->head) * piece / PIECES;
}

static void find_low(void *arg, size_t from, size_t to, int i_thread)
{
	struct work *w = arg;
	(void)i_thread;
	for (size_t p = from; p < to; p++)
		for (size_t t = 0; t < w->a->n_tok; t++) {
			float low[W16_ROWS], top = -INFINITY;
			for (size_t i = 0; i < W16_ROWS; i++)
				low[i] = -INFINITY;
			for (size_t tile = first_tile(w, p); tile < first_tile(w, p + 1); tile++) {
				const float *a = w->logit + t * w->head->n_row + tile * W16_ROWS, *slack = w->slack + tile * W16_ROWS;
				size_t n = rows_of(w, tile);
				for (size_t i = 0; i < n; i++) {
					float v = a[i] - slack[i] * w->norm[t];
					low[i] = v > low[i] ? v : low[i];
				}
			}
			for (size_t i = 0; i < W16_ROWS; i++)
				top = low[i] > top ? low[i] : top;
			w->piece_low[p][t] = top;
		}
}

/* Whether a row of the tile may be the likeliest. NaN may. */
static int reaches(const struct work *w, size_t tile, size_t t)
{
	const float *a = w->logit + t * w->head->n_row + tile * W16_ROWS, *slack = w->slack + tile * W16_ROWS;
	size_t n = rows_of(w, tile);
	int any = 0;
	for (size_t i = 0; i < n; i++)
		any |= !(a[i] + slack[i] * w->norm[t] < w->low[t]);
	return any;
}

/* Raises *best to the largest logit of token t in a tile, read from the head itself if there is a copy; false if that was not needed. */
static bool best_of_tile(const struct work *w, size_t tile, size_t t, struct best *best)
{
	const float *l = w->logit + t * w->head->n_row + tile * W16_ROWS;
	float exact[W16_ROWS];
	if (w->slack) {
		if (!reaches(w, tile, t))
			return false;
		struct mat_out o = { .y = exact, .ld = W16_ROWS, .row = tile * W16_ROWS };
		w->nn->k->mat[w->head->type](w->head, tile, 1, w->a->g16 + t * act_n_block(w->head->n_col), 1, &o);
		l = exact;
	}
	size_t n = rows_of(w, tile);
	for (size_t i = 0; i < n; i++)
		if (l[i] > best->logit)
			*best = (struct best){ l[i], (int32_t)(tile * W16_ROWS + i) };
	return true;
}

static void find_best(void *arg, size_t from, size_t to, int i_thread)
{
	struct work *w = arg;
	(void)i_thread;
	for (size_t p = from; p < to; p++)
		for (size_t t = w->piece_tiles[p] = 0; t < w->a->n_tok; t++) {
			struct best best = { -INFINITY, -1 };
			for (size_t tile = first_tile(w, p); tile < first_tile(w, p + 1); tile++)
				w->piece_tiles[p] += best_of_tile(w, tile, t, &best);
			w->piece_best[p][t] = best;
		}
}

double screen_best(struct nn *nn, const struct act *a, const struct mat *head, const struct screen *s, float *work, int32_t *best)
{
	struct work w = { .nn = nn, .a = a, .head = head, .slack = s->slack, .logit = work };
	struct nn_job job = { .w = screen_whole(s, head), .y = work, .ld = head->n_row };
	nn_mat(nn, a, &job, 1);
	for (size_t t = 0; t < a->n_tok; t++) {
		w.low[t] = -INFINITY;
		if (s->slack)
			w.norm[t] = norm_of(a->g16 + t * act_n_block(head->n_col), act_n_block(head->n_col));
	}
	if (s->slack)
		pool_run(nn->pool, PIECES, 1, find_low, &w);
	for (size_t p = 0; s->slack && p < PIECES; p++)
		for (size_t t = 0; t < a->n_tok; t++)
			w.low[t] = w.piece_low[p][t] > w.low[t] ? w.piece_low[p][t] : w.low[t];
	pool_run(nn->pool, PIECES, 1, find_best, &w);
	size_t tiles = 0;
	for (size_t p = 0; p < PIECES; p++)
		tiles += w.piece_tiles[p];
	for (size_t t = 0; t < a->n_tok; t++) {
		struct best b = { -INFINITY, -1 };
		for (size_t p = 0; p < PIECES; p++)
			if (w.piece_best[p][t].logit > b.logit)
				b = w.piece_best[p][t];
		best[t] = b.row;
	}
	return s->slack ? (double)tiles / (double)mat_n_tile(head) : (double)a->n_tok;
}

/* ---- making the copy ---- */

/* Sums of the squares of w and of w - copy; the largest scale of a block. */
struct sums {
	double row, rest, scale;
};

static void copy_block(const struct quant_block *q, uint8_t *out, struct sums *s)
{
	float d = quant_f16(q->d), max = 0;
	for (int i = 0; i < 32; i++) {
		float w = (float)(q->u[i] - 128);
		max = fabsf(w) > fabsf(max) ? w : max;
	}
	uint16_t h = quant_to_f16(d * max / -16);	/* the largest weight becomes code 0 */
	float scale = quant_f16(h);
	uint8_t u[32];
	uint32_t high = 0;
	for (int i = 0; i < 32; i++) {
		float w = d * (float)(q->u[i] - 128), c = scale != 0 ? w / scale + 16.5f : 16;
		u[i] = (uint8_t)(c >= 31 ? 31 : c > 0 ? (int)c : 0);
		high |= (uint32_t)(u[i] >> 4) << i;
		double rest = (double)w - (double)scale * (u[i] - 16);
		s->row += (double)w * w;
		s->rest += rest * rest;
	}
	s->scale = fmax(s->scale, fabs((double)d));
	out[0] = (uint8_t)h;
	out[1] = (uint8_t)(h >> 8);
	for (int i = 0; i < 4; i++)
		out[2 + i] = (uint8_t)(high >> 8 * i);
	for (int i = 0; i < 16; i++)
		out[6 + i] = (uint8_t)((u[i] & 15) | (u[i + 16] & 15) << 4);
}

/* The kernel for Q8_0 rounds each sum of 16 products by at most 2^(h - 1) (kern.h: T), times the block's scale d and the group's s D. What
 * the activations' scales add up to follows from |y|: with G groups and D <= |y| / 127^2, s D <= 1.004 (max |y_g| / 127 + D), and the
 * maxima of G groups are at most sqrt(G) |y| together. Floats: each of the two sums makes fewer than n / 8 roundings of 2^-24, none of a
 * number above the product of the norms, and a - slack |y| two more. */
float screen_row(const void *row, size_t n, void *copy)
{
	const uint8_t *p = row;
	uint8_t *out = copy;
	struct sums s = { 0 };
	for (size_t b = 0; b < n / 32; b++, p += 34, out += 22) {
		struct quant_block q;
		quant_unpack(QUANT_Q8_0, p, &q);
		copy_block(&q, out, &s);
	}
	double groups = (double)n / 16, half = (double)(1 << (act_shift(QUANT_Q8_0) - 1));
	double scales = 1.01 * (sqrt(groups) + groups / 127) / 127, norm = sqrt(s.row), rest = sqrt(s.rest);
	return (float)((rest + half * s.scale * scales + (double)(n / 4 + 4) * 0x1p-24 * (2 * norm + rest)) * 1.0001);
}
