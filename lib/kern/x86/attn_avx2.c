/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx2 level. VPMADDWD multiplies 16 codes where VFMADD does 8 floats, and both may go to two of Zen 3's pipes; VPADDD may go to
 * four. Heads of 64, 128, 256: 1.39, 1.47, 1.59 times as fast as with floats. 6 rows by 16 positions or dimensions: 12 sums, two vectors of
 * codes, a row's pair and a product are the 16 registers.
 */
#include "lib/kern/x86/v16_avx2.h"
#include "lib/kern/x86/x86.h"

#define QUERIES 6
#define KEY_TILES 1
#define LEVEL(name) name##_avx2

#include "lib/kern/x86/attn_lanes.h"
