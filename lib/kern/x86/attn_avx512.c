/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx512 level: pairs of codes by VPMADDWD and VPADDD.
 */
#include "lib/kern/x86/v16_avx512.h"

#define QUERIES 8
#define KEY_TILES 2

#include "lib/kern/x86/attn_lanes.h"
#include "lib/kern/x86/x86.h"

void kv_put_avx512(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base)
{
	kv_put(k, v, d, pos, k_base, v_base);
}

void attn_avx512(const struct attn *a, const struct attn_row *row, size_t n_row)
{
	attn(a, row, n_row);
}
