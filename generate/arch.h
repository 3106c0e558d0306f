/* SPDX-License-Identifier: Apache-2.0
 *
 * arch: what kind of decoder a file holds, and its numbers, read from GGUF metadata and checked. After arch_from_gguf every
 * size is within ARCH_MAX_*, no product of two of them overflows, and every float is finite.
 */
#ifndef TT_GENERATE_ARCH_H
#define TT_GENERATE_ARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/model/gguf.h"

enum arch_kind { ARCH_LLAMA, ARCH_QWEN2, ARCH_GEMMA3 };

#define ARCH_MAX_LAYER 512
#define ARCH_MAX_HEAD 512
#define ARCH_MAX_D_HEAD 256u		/* the attention kernel's limit */
#define ARCH_MAX_DIM (1u << 17)		/* d_model, d_ff */
#define ARCH_MAX_VOCAB (1u << 21)
#define ARCH_MAX_CTX (1u << 21)

struct arch {
	enum arch_kind kind;
	size_t n_layer, n_head, n_head_kv, d_head, d_model, d_ff, n_vocab;
	size_t n_ctx;			/* positions the model was trained for */
	size_t n_rot;			/* leading dimensions of a head that rotate */
	bool is_neox;			/* pairs are (i, i + n_rot/2); else (2i, 2i + 1) */
	float rope_base, rope_scale;	/* angle = pos * rope_scale * base^(-2i/n_rot) */
	float rope_base_local;		/* the same for layers with a window (scale 1) */
	size_t window, window_period;	/* layer l sees `window` positions unless (l + 1) % window_period == 0; 0 = all see all */
	float rms_eps, attn_scale, embd_scale;
	bool has_qkv_bias;		/* Qwen2 */
	bool has_norms;			/* Gemma 3: q/k norms, norms after attention and feed-forward */
	bool is_gelu;			/* tanh GELU instead of SiLU */
};

/* ERR_UNSUPPORTED for a kind or feature that is not handled, ERR_FORMAT for missing or senseless numbers; the message names
 * the key. Tensor shapes are checked against `a` by model_open. */
int arch_from_gguf(struct arch *a, const struct gguf *g, struct err *e);
/* As bytes for the pack, and back; arch_load checks as arch_from_gguf does (ERR_FORMAT, ERR_VERSION). */
int arch_save(const struct arch *a, struct buf *out);
int arch_load(struct arch *a, const void *p, size_t n, struct err *e);
/* True if layer `l` sees only the last a->window positions. */
bool arch_is_windowed(const struct arch *a, size_t l);

#endif
