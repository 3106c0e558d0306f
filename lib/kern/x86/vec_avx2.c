/* SPDX-License-Identifier: Apache-2.0
 *
 * act and vec at the avx2 level: vec_lanes.h.
 */
#include "lib/kern/x86/v16_avx2.h"
#include "lib/kern/x86/x86.h"

#define LEVEL(name) name##_avx2

#include "lib/kern/x86/vec_lanes.h"
