/* SPDX-License-Identifier: Apache-2.0
 *
 * nn: the operations a decoder is written in, spread over a thread pool. Rows are tokens; matrices are packed (w16).
 *
 * Each call is one barrier. What a token gets is the same bytes for every batch, thread count and level (kern.h).
 *
 *	struct nn nn;  nn_init(&nn, kern, pool, &arena, &e);
 *	struct act a;  act_init(&a, &arena, n_tok_max, n_col_max, act_need(w, 3), &e);
 *	nn_norm_act(&nn, x, ld, n_tok, d_model, norm_w, eps, &a);		// once for all matrices that read it
 *	nn_mat(&nn, &a, (struct nn_job[]){ { q, yq, ldq }, { k, yk, ldk }, { v, yv, ldv, .bias = bv } }, 3);
 */
#ifndef TT_MODEL_NN_H
#define TT_MODEL_NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/kern/kern.h"

struct pool;

/* Threads share an nn; one call at a time. */
struct nn {
	const struct kern *k;
	struct pool *pool;	/* borrowed; NULL = this thread alone */
	float *scratch;		/* [threads][NN_SCRATCH] */
};
#define NN_SCRATCH (128 * 64 * 2)	/* floats a thread: gate and up of 128 tokens x 64 rows */

/* Borrows kernels and pool; the scratch is the arena's. ERR_MEM. */
int nn_init(struct nn *nn, const struct kern *k, struct pool *pool, struct arena *a, struct err *e);

/* Activations of up to n_tok tokens, in every form that their readers need. */
struct act {
	size_t n_tok, n_col;		/* what it holds now */
	size_t cap;			/* act_blocks of room */
	unsigned need;			/* forms that are filled, bits 1 << enum act_form */
	struct act_block *g16, *g32;	/* [n_tok][act_n_block(n_col)], or NULL if not needed */
	float *f32;			/* [n_tok][n_col]; filled if needed, or by nn_norm_act and nn_glu */
};
/* Set of forms (bits 1 << enum act_form) that the matrices read. */
unsigned act_need(const struct mat *const *w, size_t n);
/* Room for n_tok tokens of n_col values; ERR_MEM. */
int act_init(struct act *a, struct arena *ar, size_t n_tok, size_t n_col, unsigned need, struct err *e);

/* a = x, and a = rmsnorm(x) * w. x[n_tok][ld]. */
void nn_act(struct nn *nn, const float *x, size_t ld, size_t n_tok, size_t n_col, struct act *a);
void nn_norm_act(struct nn *nn, const float *x, size_t ld, size_t n_tok, size_t n_col, const float *w, float eps, struct act *a);

/* y[t * ld + r] = (W x)[t, r] (+ bias[r]) (+ y) */
struct nn_job {
	const struct mat *w;
	float *y;
	size_t ld;
	const float *bias;
	bool add;
};
/* Says what a nn_mat of n_tok tokens to come will read: w[n], n <= 16 (nn_glu: gate, up). When tokens are few, threads that wait, for
 * each other or for what is done by one alone, fetch the beginning of their part meanwhile. Call it before the loop that precedes. */
void nn_next(struct nn *nn, const struct mat *const *w, size_t n, size_t n_tok);
/* All jobs (at most 16) read `a`; one barrier. */
void nn_mat(struct nn *nn, const struct act *a, const struct nn_job *job, size_t n_job);

/* out = act(Wg x) * (Wu x), the gated unit of Llama (SiLU) and Gemma (tanh GELU). y[n_tok][ld] is room for it. */
enum nn_glu { NN_SILU, NN_GELU };
void nn_glu(struct nn *nn, const struct act *a, const struct mat *gate, const struct mat *up, enum nn_glu kind, float *y, size_t ld,
	struct act *out);

/* Attention of tokens at positions [pos, pos + n_tok): q[n_tok][ld_q] holds n_head x d_head, out[n_tok][ld_out] likewise. The keys and
 * values of these positions have been put already. Head h reads key/value head h / (n_head / n_head_kv), whose planes are
 * k + kv * stride and v + kv * stride (int16 units; stride >= n_ctx rounded up to whole tiles of attn_tile_len). */
struct nn_attn {
	const float *q;
	float *out;
	size_t ld_q, ld_out;
	size_t n_tok, pos;
	size_t n_head, n_head_kv, d_head;
	const int16_t *k, *v;
	size_t stride;
	size_t window;		/* 0 = none; else positions a row sees, itself included */
	float scale;
};
void nn_attn(struct nn *nn, const struct nn_attn *a);

/* Rotary embedding. inv_freq[n_rot / 2] = base^(-2i / n_rot) / scale / factors[i]; `factors` may be NULL. */
void nn_rope_freqs(double base, size_t n_rot, double scale, const float *factors, double *inv_freq);
/* cos[n], sin[n] of pos * inv_freq[n]: computed in double with our own polynomials, so the same on every machine. */
void nn_rope_row(size_t pos, const double *inv_freq, size_t n, float *cos, float *sin);

#endif
