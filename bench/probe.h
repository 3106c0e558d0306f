/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: what this machine can do, so that a speed can be given as a share of it. Each takes about half a second.
 */
#ifndef TT_BENCH_PROBE_H
#define TT_BENCH_PROBE_H

#include "lib/kern/kern.h"

struct pool;

/* Gigabytes a second that all threads read together from memory, best of several passes; 0 when out of memory. */
double probe_bandwidth(struct pool *pool);
/* Clock of one thread under scalar load, GHz: a chain of additions takes a cycle each. */
double probe_clock(void);
/* Products of 8-bit integers a cycle that a level can do: VPDPBUSD zmm 64; VPMADDUBSW + VPADDW ymm about 53 on Zen 3 and Zen 4. */
double probe_mac_per_cycle(enum kern_level level);

#endif
