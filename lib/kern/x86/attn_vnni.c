/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the vnni level: pairs of codes by VPDPWSSD, 32 products an instruction.
 */
#include "lib/kern/x86/v16_avx512.h"

#define QUERIES 8
#define KEY_TILES 2

#include "lib/kern/x86/attn_lanes.h"
#include "lib/kern/x86/x86.h"

void kv_put_vnni(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base)
{
	kv_put(k, v, d, pos, k_base, v_base);
}

void attn_vnni(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	attn(a, row, n_row);
}
