/* SPDX-License-Identifier: Apache-2.0
 *
 * scan: the specification.
 */
#include "lib/kern/scan.h"

void scan_ref(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out)
{
	for (size_t r = 0; r < n_row; r++, row += stride) {
		int32_t sum = 0;
		for (size_t i = 0; i < stride; i++)
			sum += row[i] * q[i];
		out[r] = sum;
	}
}
