/* SPDX-License-Identifier: Apache-2.0
 *
 * kern: picks the table of kernels for this processor, once.
 */
#include "lib/kern/kern.h"

#include "lib/kern/ref/ref.h"
#include "lib/kern/x86/x86.h"

static const struct kern REF = {
	.level = KERN_REF, .name = "ref",
	.mat = {
		[QUANT_F32] = mat_float_ref, [QUANT_F16] = mat_float_ref, [QUANT_BF16] = mat_float_ref,
		[QUANT_Q4_0] = mat_quant_ref, [QUANT_Q4_1] = mat_quant_ref, [QUANT_Q5_0] = mat_quant_ref, [QUANT_Q5_1] = mat_quant_ref,
		[QUANT_Q8_0] = mat_quant_ref, [QUANT_Q4_K] = mat_quant_ref, [QUANT_Q5_K] = mat_quant_ref, [QUANT_Q6_K] = mat_quant_ref,
	},
	.tiles_together = 1, .act = act_ref, .rmsnorm = rmsnorm_ref, .silu_mul = silu_mul_ref, .gelu_mul = gelu_mul_ref, .add = add_ref,
	.rope = rope_ref, .kv_round = kv_round_ref, .kv_widen = kv_widen_ref, .kv_put = kv_put_ref, .attn = attn_ref, .softmax_sum = softmax_sum_ref,
};

const struct kern *kern_level(enum kern_level level)
{
	return level == KERN_REF ? &REF : kern_x86(level);
}

const struct kern *kern_select(const char *cap, struct err *e)
{
	const struct kern *k = NULL;
	for (int level = kern_cap(cap, e); level >= KERN_REF && !k; level--)
		k = kern_level((enum kern_level)level);
	return k;
}
