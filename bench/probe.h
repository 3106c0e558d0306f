/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: what this machine can do, so that a speed can be given as a share of it. Each takes about half a second.
 */
#ifndef TT_BENCH_PROBE_H
#define TT_BENCH_PROBE_H

#include "lib/kern/kern.h"

struct pool;

/* Memory that no cache holds, to be read by all threads. NULL when out of memory. */
struct probe;
struct probe *probe_open(struct pool *pool);
void probe_close(struct probe *p);
#define PROBE_BYTES ((size_t)768 << 20)
/* Gigabytes a second of one pass over it. */
double probe_read(struct probe *p);

/* The best of several passes; 0 when out of memory. */
double probe_bandwidth(struct pool *pool);
/* Clock of one thread under scalar load, GHz: a chain of complements takes a cycle each. (Constants that are added cost some processors
 * nothing.) */
double probe_clock(void);
/* Products of 8-bit integers that the level's instructions do at most, by all threads: 10^9 a second. For ref, two a cycle. */
double probe_peak(struct pool *pool, enum kern_level level);

#endif
