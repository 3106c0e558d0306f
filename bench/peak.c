/* SPDX-License-Identifier: Apache-2.0
 *
 * peak: the multiplications of a level and nothing else, in registers, by all threads at once. Processors differ in how many a cycle they
 * begin (VPDPBUSD, 64 products: one on Zen 4, two on Emerald Rapids), and neighbours take their part: so it is measured.
 */
#include "bench/probe.h"

#include "lib/base/io.h"
#include "lib/base/pool.h"

#define ROUNDS 5
#define TURNS 4000000	/* some 10 ms */

#if defined(__x86_64__)

#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define CLOBBERED "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"

/* More chains than products can be under way. */
#define DOT(R) "vpdpbusd %%zmm12, %%zmm12, %%zmm" #R "\n\t"
#define DOT_PRODUCTS (12 * 64)

static void dots(void *arg, size_t from, size_t to, int i_thread)
{
	(void)arg;
	(void)i_thread;
	for (size_t i = from; i < to; i++) {
		for (long k = 0; k < TURNS; k++)
			__asm__ volatile(EIGHT(DOT) DOT(8) DOT(9) DOT(10) DOT(11) ::: CLOBBERED);
		__asm__ volatile("vzeroupper" ::: CLOBBERED);
	}
}

#define MADD(R) "vpmaddubsw %%ymm12, %%ymm12, %%ymm8\n\tvpaddw %%ymm8, %%ymm" #R ", %%ymm" #R "\n\t"
#define MADD_PRODUCTS (8 * 32)

static void madds(void *arg, size_t from, size_t to, int i_thread)
{
	(void)arg;
	(void)i_thread;
	for (size_t i = from; i < to; i++) {
		for (long k = 0; k < TURNS; k++)
			__asm__ volatile(EIGHT(MADD) ::: CLOBBERED);
		__asm__ volatile("vzeroupper" ::: CLOBBERED);
	}
}

/* GMAC/s of a loop, `products` a turn, over all threads: the best of a few. */
static double best(struct pool *pool, pool_fn fn, double products)
{
	size_t n = (size_t)pool_threads(pool);
	double top = 0;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t t0 = io_now_ns();
		pool_run(pool, n, 1, fn, NULL);
		double each = products * TURNS * (double)n / (double)(io_now_ns() - t0);
		top = each > top ? each : top;
	}
	return top;
}

#endif

double probe_peak(struct pool *pool, enum kern_level level)
{
#if defined(__x86_64__)
	if (level == KERN_VNNI)
		return best(pool, dots, DOT_PRODUCTS);
	if (level != KERN_REF)
		return best(pool, madds, MADD_PRODUCTS);
#endif
	(void)level;
	return 2 * probe_clock() * pool_threads(pool);
}
