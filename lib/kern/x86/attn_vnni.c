/* SPDX-License-Identifier: Apache-2.0
 *
 * attn at the vnni level: pairs of codes by VPDPWSSD, 32 products an instruction.
 */
#include "lib/kern/x86/v16_avx512.h"
#include "lib/kern/x86/x86.h"

#define QUERIES 8
#define KEY_TILES 2
#define LEVEL(name) name##_vnni

#include "lib/kern/x86/attn_lanes.h"
