/* SPDX-License-Identifier: Apache-2.0
 *
 * x86: every kernel of the x86 levels. One macro declares the family at a level, so a signature cannot drift.
 */
#ifndef TT_KERN_X86_H
#define TT_KERN_X86_H

#include "lib/kern/kern.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
/* for (int I = 0; I < N; I++), N a constant where this is expanded, at most MAX. The loop's own bound does not depend on N, since clang gives
 * registers to an array only if loops over it have been unrolled by then, and looks at inline functions before their callers. */
#define EACH(I, N, MAX) UNROLL for (int I = 0; I < (MAX); I++) if (I < (N))

/* Keeps the compiler from reordering chains of vector sums V: it would multiply or broadcast everything first, and run out of registers. */
#ifdef KERN_EMULATED	/* where a vector is a structure */
#define IN_ORDER(V) ((void)(V))
#else
#define IN_ORDER(V) __asm__("" : "+v"(V))
#endif

#define TOGETHER 4	/* kern.h: tiles_together */

#define MAT(NAME) void NAME(const struct mat *w, size_t tile, size_t n_tile, const void *x, size_t n_tok, const struct mat_out *o)
#define MATS_QUANT(LEVEL) \
	MAT(mat_q4_0_##LEVEL); MAT(mat_q4_1_##LEVEL); MAT(mat_q5_0_##LEVEL); MAT(mat_q5_1_##LEVEL); MAT(mat_q8_0_##LEVEL); \
	MAT(mat_q4_k_##LEVEL); MAT(mat_q5_k_##LEVEL); MAT(mat_q6_k_##LEVEL)
#define MATS_FLOAT(LEVEL) MAT(mat_f32_##LEVEL); MAT(mat_f16_##LEVEL); MAT(mat_bf16_##LEVEL)
#define VECS(LEVEL) \
	void act_##LEVEL(const float *x, size_t n, enum act_form form, struct act_block *out); \
	void rmsnorm_##LEVEL(const float *x, const float *w, float eps, size_t n, float *y); \
	void silu_mul_##LEVEL(const float *g, const float *u, size_t n, float *y); \
	void gelu_mul_##LEVEL(const float *g, const float *u, size_t n, float *y); \
	void add_##LEVEL(const float *x, size_t n, float *y); \
	void rope_##LEVEL(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm); \
	float softmax_sum_##LEVEL(const float *x, size_t n, float *y)
#define ATTN(LEVEL) \
	void kv_put_##LEVEL(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base); \
	void attn_##LEVEL(const struct attn *a, const struct attn_row *row, size_t n_row)

MATS_QUANT(avx2);
MATS_FLOAT(avx2);
VECS(avx2);
ATTN(avx2);
void kv_round_avx2(const float *x, size_t n, int8_t *code, uint8_t *scale);
void kv_widen_avx2(const int8_t *code, const uint8_t *scale, size_t n, float *y);
MATS_QUANT(vnni);
MATS_FLOAT(avx512);
VECS(avx512);
ATTN(avx512);
ATTN(vnni);

/* The level's table if this processor runs it, else NULL. */
const struct kern *kern_x86(enum kern_level level);

#endif
