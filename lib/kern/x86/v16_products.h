/* SPDX-License-Identifier: Apache-2.0
 *
 * v16_products: sums of products of 16-bit codes, for attention (attn_lanes.h) and the encoder (bert_lanes.h). The including file defines
 *
 *	QUERIES, KEY_TILES	rows at a time, and the tiles of 16 lanes that they are multiplied with: 8 by 2 or less with 32 registers of 16
 *				lanes, 6 by 1 with 16 of 8, where that is 12 sums, 2 keys, a pair and a product
 */
#ifndef TT_KERN_V16_PRODUCTS_H
#define TT_KERN_V16_PRODUCTS_H

#include "lib/kern/x86/v16_lanes.h"

VF_FN vi pair(const int16_t *p)
{
	int32_t x;
	memcpy(&x, p, 4);
	return vi_set(x);
}

/* Sums acc[q][tile] over n pairs: x[q * ldx + 2i], y[i * ldy + tile * step], of `rows` q and `tiles`, constants. With
 * `ahead`, what lies so many numbers behind y is asked for. */
VF_FN void products(const int16_t *x, size_t ldx, const int16_t *y, size_t ldy, size_t step, size_t n, size_t ahead, int rows, int tiles,
	vi acc[QUERIES][KEY_TILES])
{
	vi s[QUERIES][KEY_TILES];
	EACH(q, QUERIES, QUERIES)
		EACH(k, KEY_TILES, KEY_TILES)
			s[q][k] = vi_set(0);
	for (size_t i = 0; i < n; i++) {
		vi b[KEY_TILES];
		EACH(k, tiles, KEY_TILES) {
			b[k] = vi_load(y + i * ldy + (size_t)k * step);
			if (ahead)
				_mm_prefetch((const char *)(y + i * ldy + (size_t)k * step + ahead), _MM_HINT_T0);
		}
		EACH(q, rows, QUERIES) {
			vi p = pair(x + (size_t)q * ldx + 2 * i);
			EACH(k, tiles, KEY_TILES)
				s[q][k] = vi_dot16(s[q][k], p, b[k]);
		}
	}
	EACH(q, QUERIES, QUERIES)
		EACH(k, KEY_TILES, KEY_TILES)
			acc[q][k] = s[q][k];
}

#endif
