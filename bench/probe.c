/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: a read of a buffer that no cache holds, contiguous halves a thread, prefetched 2 KB ahead: the access of a decoding step.
 */
#include "bench/probe.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/pool.h"

#define BYTES ((size_t)768 << 20)
#define PIECE ((size_t)1 << 20)
#define PASSES 6

struct reading { const uint64_t *p; uint64_t *sum; };

static void read_pieces(void *arg, size_t from, size_t to, int i_thread)
{
	const struct reading *r = arg;
	uint64_t a = 0, b = 0, c = 0, d = 0;
	const uint64_t *p = r->p + from * (PIECE / 8), *end = r->p + to * (PIECE / 8);
	for (; p < end; p += 8) {
		__builtin_prefetch(p + 256);
		a += p[0] ^ p[4];
		b += p[1] ^ p[5];
		c += p[2] ^ p[6];
		d += p[3] ^ p[7];
	}
	r->sum[i_thread * 8] += a + b + c + d;
}

double probe_bandwidth(struct pool *pool)
{
	size_t n = (size_t)pool_threads(pool);
	struct reading r = { .sum = calloc(n * 8, sizeof *r.sum) };
	uint64_t *mem = aligned_alloc(1 << 21, BYTES);
	double best = 0;
	if (mem && r.sum) {
		memset(mem, 1, BYTES);
		r.p = mem;
		for (int i = 0; i < PASSES; i++) {
			uint64_t t0 = io_now_ns();
			pool_run(pool, BYTES / PIECE, BYTES / PIECE / n, read_pieces, &r);
			double gbs = (double)BYTES / (double)(io_now_ns() - t0);
			best = gbs > best ? gbs : best;
		}
	}
	free(mem);
	free(r.sum);
	return best;
}

double probe_clock(void)
{
	const uint64_t n = 200000000;
	double best = 0;
	for (int round = 0; round < 3; round++) {
		uint64_t x = 0, t0 = io_now_ns();
		for (uint64_t i = 0; i < n; i += 8)
			__asm__ volatile("add $1, %0\n\tadd $1, %0\n\tadd $1, %0\n\tadd $1, %0\n\t"
					 "add $1, %0\n\tadd $1, %0\n\tadd $1, %0\n\tadd $1, %0" : "+r"(x));
		double ghz = (double)n / (double)(io_now_ns() - t0);
		best = ghz > best ? ghz : best;
	}
	return best;
}

double probe_mac_per_cycle(enum kern_level level)
{
	return level == KERN_VNNI ? 64 : level == KERN_AVX2 || level == KERN_AVX512 ? 53 : 2;
}
