/* SPDX-License-Identifier: Apache-2.0
 *
 * check_scan: the dot products of 8-bit vectors at every level against ref, for every number of rows up to a few and on extremes.
 * With BENCH=1 a scan of 100,000 x 384 is timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/kern/scan.h"

#define ROWS 9
#define STRIDE 1024

static void fill(int8_t *p, size_t n, int style)
{
	static uint64_t seed = 1;
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		p[i] = (int8_t)(style == 0 ? (int)(seed >> 40) % 255 - 127 : style == 1 ? 127 : -127);
	}
}

static void bench(const char *name, scan_fn f)
{
	size_t n = 100000, stride = 384;
	int8_t *row = aligned_alloc(64, n * stride), *q = row;
	int32_t *out = malloc(n * sizeof *out);
	uint64_t best = UINT64_MAX;
	fill(row, n * stride, 0);
	for (int i = 0; i < 20; i++) {
		uint64_t t = io_now_ns();
		f(row, n, stride, q, out);
		t = io_now_ns() - t;
		best = t < best ? t : best;
	}
	printf("# scan %s: 100000 x 384 in %.2f ms\n", name, (double)best / 1e6);
	free(row);
	free(out);
}

int main(void)
{
	static const char *const name[] = { "ref", "avx2", "avx512", "vnni" };
	_Alignas(64) static int8_t row[ROWS * STRIDE], q[STRIDE];
	int n_bad = 0, n_done = 0;
	for (int level = KERN_AVX2; level <= KERN_VNNI; level++) {
		scan_fn f = scan_level((enum kern_level)level);
		if (!f) {
			printf("# scan %s: not on this processor, skipped\n", name[level]);
			continue;
		}
		for (int style = 0; style < 9; style++)
			for (size_t stride = 64; stride <= STRIDE; stride += 64)
				for (size_t n = 0; n <= ROWS; n++) {
					int32_t got[ROWS + 1] = {0}, want[ROWS + 1] = {0};
					fill(row, sizeof row, style / 3);
					fill(q, sizeof q, style % 3);
					scan_ref(row, n, stride, q, want);
					f(row, n, stride, q, got);
					n_done++;
					n_bad += memcmp(got, want, sizeof got) != 0;
				}
		if (getenv("BENCH"))
			bench(name[level], f);
	}
	if (getenv("BENCH"))
		bench("ref", scan_ref);
	printf("%s scan: %d comparisons, %d differ\n", n_bad ? "not ok" : "ok", n_done, n_bad);
	return n_bad != 0;
}
