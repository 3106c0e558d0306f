/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the avx512 level: pairs of codes by VPMADDWD and VPADDD.
 */
#include "lib/kern/x86/v16_avx512.h"
#include "lib/kern/x86/x86.h"

#define QUERIES 8
#define KEY_TILES 2
#define LEVEL(name) name##_avx512

#include "lib/kern/x86/attn_lanes.h"
