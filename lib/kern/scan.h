/* SPDX-License-Identifier: Apache-2.0
 *
 * scan: the dot products of many 8-bit vectors with one, for exact search. Integer sums are exact, so every level gives the same
 * numbers.
 */
#ifndef TT_KERN_SCAN_H
#define TT_KERN_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/kern/kern.h"

#define SCAN_ALIGN 64		/* rows start and end at multiples of it */

/* out[n_row] = row[n_row, stride] . q[stride]; stride is a multiple of SCAN_ALIGN, row and q are so aligned, and it is at most
 * 65,536: 127 * 127 * 65536 fits 31 bits. Values of -128 are allowed in neither. */
typedef void (*scan_fn)(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out);

/* The best this processor has, at most `cap` (kern_select): NULL, ERR_ARG if that is no level. */
scan_fn scan_select(const char *cap, struct err *e);
/* By level; NULL when the processor, or this family, does not have it. */
scan_fn scan_level(enum kern_level level);

void scan_ref(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out);
void scan_avx2(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out);
void scan_vnni(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out);

#endif
