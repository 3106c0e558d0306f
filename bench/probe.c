/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: a read of a buffer that no cache holds, a contiguous part a thread, prefetched 2 KB ahead: the access of a decoding step.
 */
#include "bench/probe.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/pool.h"

#define PIECE ((size_t)1 << 20)
#define PASSES 6

struct probe {
	struct pool *pool;
	uint64_t *mem;		/* PROBE_BYTES */
	uint64_t *sum;		/* one of each thread, a cache line apart, so that reading is not left out */
};

static void read_pieces(void *arg, size_t from, size_t to, int i_thread)
{
	const struct probe *r = arg;
	uint64_t a = 0, b = 0, c = 0, d = 0;
	const uint64_t *p = r->mem + from * (PIECE / 8), *end = r->mem + to * (PIECE / 8);
	for (; p < end; p += 8) {
		__builtin_prefetch(p + 256);
		a += p[0] ^ p[4];
		b += p[1] ^ p[5];
		c += p[2] ^ p[6];
		d += p[3] ^ p[7];
	}
	r->sum[i_thread * 8] += a + b + c + d;
}

struct probe *probe_open(struct pool *pool)
{
	struct probe *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->pool = pool;
	p->mem = aligned_alloc(1 << 21, PROBE_BYTES);
	p->sum = calloc((size_t)pool_threads(pool) * 8, sizeof *p->sum);
	if (!p->mem || !p->sum) {
		probe_close(p);
		return NULL;
	}
	memset(p->mem, 1, PROBE_BYTES);
	return p;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	free(p->mem);
	free(p->sum);
	free(p);
}

double probe_read(struct probe *p)
{
	size_t n = PROBE_BYTES / PIECE;
	uint64_t t0 = io_now_ns();
	pool_run(p->pool, n, n / (size_t)pool_threads(p->pool), read_pieces, p);
	return (double)PROBE_BYTES / (double)(io_now_ns() - t0);
}

double probe_bandwidth(struct pool *pool)
{
	struct probe *p = probe_open(pool);
	double best = 0;
	for (int i = 0; p && i < PASSES; i++) {
		double gbs = probe_read(p);
		best = gbs > best ? gbs : best;
	}
	probe_close(p);
	return best;
}

double probe_clock(void)
{
	const uint64_t n = 200000000;
	double best = 0;
	for (int round = 0; round < 3; round++) {
		uint64_t x = 0, t0 = io_now_ns();
		for (uint64_t i = 0; i < n; i += 8)
			__asm__ volatile("not %0\n\tnot %0\n\tnot %0\n\tnot %0\n\tnot %0\n\tnot %0\n\tnot %0\n\tnot %0" : "+r"(x));
		double ghz = (double)n / (double)(io_now_ns() - t0);
		best = ghz > best ? ghz : best;
	}
	return best;
}
