/* SPDX-License-Identifier: Apache-2.0
 *
 * weights: the tensors and numbers of a BERT embedder, from a folder (model.safetensors, config.json and its kin) or a GGUF file,
 * under one set of names, as float32. Used only while a pack is made.
 */
#ifndef TT_EMBED_WEIGHTS_H
#define TT_EMBED_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum pooling { POOL_MEAN = 1, POOL_CLS = 2 };	/* the numbers of GGUF's pooling_type */

struct hyper {
	uint32_t n_layer, n_head, d_model, d_ff;
	uint32_t n_vocab, n_pos;	/* rows of the embedding tables */
	uint32_t max_tok;		/* tokens of a text, [CLS] and [SEP] included; at most n_pos */
	uint32_t pooling;		/* enum pooling */
	float eps;			/* of every LayerNorm */
};
#define HYPER_MAX_TOK 4096u

/* The numbers are within what the kernels and the arithmetic can do. ERR_UNSUPPORTED or ERR_FORMAT. */
int hyper_check(const struct hyper *h, struct err *e);

enum weight {
	W_TOKEN, W_POSITION, W_TYPE, W_NORM,			/* of the whole model */
	W_Q, W_K, W_V, W_O, W_NORM_ATT, W_UP, W_DOWN, W_NORM_OUT,	/* of a layer */
};

struct gguf;
struct safetensors;
struct weights {
	struct gguf *g;			/* one of these two */
	struct safetensors *s;
	const char *prefix;		/* of the names in a safetensors file: "" or "bert." */
	struct hyper hyper;
	struct buf query, document;	/* texts that go in front; usually empty */
};
/* `path` is a folder or a GGUF file. */
int weights_open(struct weights *w, const char *path, struct err *e);
void weights_close(struct weights *w);
/* The tensor's n_row x n_col values into y. A bias or LayerNorm vector has n_row 1. A missing bias is zeros; anything else missing or
 * of another shape, or a value that is not finite, is ERR_FORMAT. */
int weights_get(const struct weights *w, enum weight which, const char *part, size_t layer, size_t n_row, size_t n_col, float *y,
	struct err *e);

#endif
