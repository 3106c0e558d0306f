/* SPDX-License-Identifier: Apache-2.0
 *
 * x86: which kernels an x86 processor gets, by level.
 *
 *	avx2	Haswell, Zen and later: everything 8 lanes at a time
 *	avx512	Skylake-X and later: vectors 16 lanes at a time; byte products as avx2
 *	vnni	Ice Lake, Zen 4 and later: byte products by VPDPBUSD
 */
#include "lib/kern/x86/x86.h"

#if defined(__x86_64__)

#include <cpuid.h>

#define VECS_OF(LEVEL) \
	.act = act_##LEVEL, .rmsnorm = rmsnorm_##LEVEL, .silu_mul = silu_mul_##LEVEL, .gelu_mul = gelu_mul_##LEVEL, .add = add_##LEVEL, \
	.rope = rope_##LEVEL, .kv_round = kv_round_avx2, .kv_widen = kv_widen_avx2, .softmax_sum = softmax_sum_##LEVEL
#define ATTN_OF(LEVEL) .kv_put = kv_put_##LEVEL, .attn = attn_##LEVEL
#define MATS_QUANT_OF(LEVEL) \
	[QUANT_Q4_0] = mat_q4_0_##LEVEL, [QUANT_Q4_1] = mat_q4_1_##LEVEL, [QUANT_Q5_0] = mat_q5_0_##LEVEL, [QUANT_Q5_1] = mat_q5_1_##LEVEL, \
	[QUANT_Q8_0] = mat_q8_0_##LEVEL, [QUANT_Q4_K] = mat_q4_k_##LEVEL, [QUANT_Q5_K] = mat_q5_k_##LEVEL, [QUANT_Q6_K] = mat_q6_k_##LEVEL
#define MATS_FLOAT_OF(LEVEL) [QUANT_F32] = mat_f32_##LEVEL, [QUANT_F16] = mat_f16_##LEVEL, [QUANT_BF16] = mat_bf16_##LEVEL

static const struct kern AVX2 = {
	.level = KERN_AVX2, .name = "avx2", .mat = { MATS_FLOAT_OF(avx2), MATS_QUANT_OF(avx2) }, .tiles_together = TOGETHER, VECS_OF(avx2),
	ATTN_OF(avx2),
};
static const struct kern AVX512 = {
	.level = KERN_AVX512, .name = "avx512", .mat = { MATS_FLOAT_OF(avx512), MATS_QUANT_OF(avx2) }, .tiles_together = TOGETHER,
	VECS_OF(avx512), ATTN_OF(avx512),
};
static const struct kern VNNI = {
	.level = KERN_VNNI, .name = "vnni", .mat = { MATS_FLOAT_OF(avx512), MATS_QUANT_OF(vnni) }, .tiles_together = TOGETHER,
	VECS_OF(avx512), ATTN_OF(vnni),
};

/* clang 14 knows no "f16c": it is asked of the processor itself (leaf 1, ECX bit 29). */
static bool has_f16c(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 29));
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

#ifdef KERN_EMULATED	/* tests: AVX-512 is done by SIMDe on AVX2 */
#define has_avx512() has_avx2()
#define has_vnni() has_avx2()
#else
static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
		&& __builtin_cpu_supports("avx512vl") && has_avx2();
}

static bool has_vnni(void)
{
	return has_avx512() && __builtin_cpu_supports("avx512vnni");
}
#endif

const struct kern *kern_x86(enum kern_level level)
{
	__builtin_cpu_init();
	switch (level) {
	case KERN_VNNI: return has_vnni() ? &VNNI : NULL;
	case KERN_AVX512: return has_avx512() ? &AVX512 : NULL;
	case KERN_AVX2: return has_avx2() ? &AVX2 : NULL;
	default: return NULL;
	}
}

#else

const struct kern *kern_x86(enum kern_level level)
{
	(void)level;
	return NULL;
}

#endif
