/* SPDX-License-Identifier: Apache-2.0
 *
 * kv: keys and values of a timeline, twice. The stored form is what goes to disk; the live form is what attention reads and is
 * always made from the stored one, so that loading a block gives the same bytes as computing it.
 *
 *	computed k, v (f32) --round--> stored: int8, f16 scale per 32 --expand--> + key bias, RoPE --> live: int16, kernel's layout
 *
 * Keys are stored before RoPE and without the key bias: Qwen2's biases are hundreds of times larger than what varies, and a key
 * that isn't rotated may be moved to another position. One position of one layer is a row of row_len bytes:
 *
 *	k int8[n_head_kv * d_head] | v int8[...] | k scales f16[n_head_kv * d_head / 32] | v scales f16[...]
 *
 * The rows of a position's layers follow each other, so that the state of any run of tokens is one piece of memory.
 */
#ifndef TT_GENERATE_KV_H
#define TT_GENERATE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/arch.h"
#include "lib/base/err.h"
#include "lib/kern/kern.h"

#define KV_FORMAT 2		/* raised when stored bytes change their meaning */

struct kv {
	size_t n_layer, n_head_kv, d_head, n_ctx;
	size_t row_len;		/* bytes of a position of a layer, stored */
	size_t stride;		/* int16 units of one live plane (a layer's keys or values of one head) */
	uint8_t *stored;	/* [n_ctx][n_layer][row_len] */
	int16_t *live;		/* [n_layer][2: k, v][n_head_kv][stride] */
	size_t n_rot;
	bool is_neox;
	size_t stored_bytes, live_bytes;
	bool is_large;		/* live pages are asked to be large */
};

/* Address space for n_ctx positions; pages are touched as positions are put. ERR_MEM. */
int kv_open(struct kv *kv, const struct arch *a, size_t n_ctx, struct err *e);
void kv_close(struct kv *kv);

/* n positions will be in use: what serves them best is asked of the system. Advice only. */
void kv_expect(struct kv *kv, size_t n);
/* Rounds k and v [n_head_kv * d_head] of (layer, pos) into the stored form. */
void kv_round(struct kv *kv, const struct kern *kern, size_t layer, size_t pos, const float *k, const float *v);
/* Makes the live form of (layer, pos) from the stored one. bias [n_head_kv * d_head] or NULL; cos, sin [n_rot / 2] of the position. */
void kv_expand(struct kv *kv, const struct kern *kern, size_t layer, size_t pos, const float *bias, const float *cos, const float *sin);

/* First live plane of a layer's keys and of its values. */
const int16_t *kv_keys(const struct kv *kv, size_t layer);
const int16_t *kv_values(const struct kv *kv, size_t layer);
/* The stored state from position pos on, kv_token_len bytes a position. */
uint8_t *kv_state(const struct kv *kv, size_t pos);
size_t kv_token_len(const struct kv *kv);

#endif
