/* SPDX-License-Identifier: Apache-2.0
 *
 * model: an opened generator: its pack, its numbers, its tokenizer. Immutable and shared by any number of sessions.
 *
 * Opening makes the pack if there is none (seconds, once); with a pack it maps, checks shapes and returns (milliseconds).
 */
#ifndef TT_GENERATE_MODEL_H
#define TT_GENERATE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/arch.h"
#include "generate/template.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/kern/kern.h"
#include "lib/model/pack.h"
#include "lib/model/screen.h"
#include "tokenize/tok.h"

/* Weights of a layer; matrices map [n_col] to [n_row]. A NULL vector is one that the architecture doesn't have. */
struct layer {
	struct mat q, k, v, o;			/* [n_head d_head, d_model], [n_head_kv d_head, d_model] x 2, [d_model, n_head d_head] */
	struct mat gate, up, down;		/* [d_ff, d_model] x 2, [d_model, d_ff] */
	const float *norm_att, *norm_ff;	/* [d_model] */
	const float *bias_q, *bias_k, *bias_v;	/* Qwen2 */
	const float *norm_q, *norm_k;		/* [d_head]; Gemma 3 */
	const float *post_att, *post_ff;	/* [d_model]; Gemma 3 */
	unsigned need_qkv, need_o, need_ff, need_down;	/* forms of activations that the matrices read (act_need) */
};

struct model {
	struct pack *pack;
	struct arch arch;
	struct tok *tok;
	enum template_kind template;
	const struct kern *kern;
	struct layer *layer;		/* [n_layer] */
	struct mat embd, head;		/* [n_vocab, d_model]; the same matrix when tied */
	unsigned need_head;
	struct screen screen;			/* of the head; without a copy if the pack has none */
	const float *norm_out;		/* [d_model] */
	double *inv_freq, *inv_freq_local;	/* [n_rot / 2] */
	int32_t end[16];		/* tokens that end a reply */
	size_t n_end;
	char *name;			/* base name without .gguf */
	char *id;			/* "name:<16 hex digits of the content's hash>": what heads and answers carry */
	struct arena mem;
};

/* Opens the model at `path` with kernels `kern` (static). `how` (may be NULL) lends a pool and a progress function for making the
 * pack. ERR_UNSUPPORTED, ERR_FORMAT: see arch.h; tensors of a wrong shape are ERR_FORMAT and named. */
int model_open(struct model **m, const char *path, const struct kern *kern, const struct pack_maker *how, struct err *e);
/* The same from a pack file. */
int model_open_pack(struct model **m, const char *path, const struct kern *kern, struct err *e);
void model_close(struct model *m);
bool model_is_end(const struct model *m, int32_t id);
/* Names the vocabulary: equal for two models exactly if their tokenizers are. About a millisecond. */
void model_vocab(const struct model *m, char hex[2 * HASH_ID_LEN + 1]);
/* Fills a pack's parts from a GGUF: "arch", "tok", "chat" (struct pack_maker). */
int model_parts(struct pack_parts *parts, const struct gguf *g, void *arg, struct err *e);

#endif
