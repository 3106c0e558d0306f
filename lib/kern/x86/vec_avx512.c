/* SPDX-License-Identifier: Apache-2.0
 *
 * act and vec at the avx512 level: vec_lanes.h.
 */
#include "lib/kern/x86/v16_avx512.h"
#include "lib/kern/x86/x86.h"

#define LEVEL(name) name##_avx512

#include "lib/kern/x86/vec_lanes.h"
