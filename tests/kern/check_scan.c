/* SPDX-License-Identifier: Apache-2.0
 *
 * check_scan: the dot products of 8-bit vectors at every level against ref, for every number of rows up to a few and on extremes. Operands
 * end at a page that may not be touched. Built twice (levels.h). With BENCH=1 a scan of 100,000 x 384 is timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/kern/scan.h"
#include "tests/kern/levels.h"

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

static int n_bad, n_done;

static void check_level(scan_fn f)
{
	int8_t *row_end = (int8_t *)guarded_end(ROWS * STRIDE) + ROWS * STRIDE, *q_end = (int8_t *)guarded_end(STRIDE) + STRIDE;
	int32_t *got_end = (int32_t *)guarded_end(64 * sizeof *got_end) + 64;
	for (int style = 0; style < 9; style++)
		for (size_t stride = 64; stride <= STRIDE; stride += 64)
			for (size_t n = 0; n <= ROWS; n++) {
				int8_t *row = row_end - n * stride, *q = q_end - stride;
				int32_t *got = got_end - n, want[ROWS + 1] = {0};
				fill(row, n * stride, style / 3);
				fill(q, stride, style % 3);
				memset(got - 1, 0x5a, (n + 1) * sizeof *got);
				memset(want, 0x5a, sizeof want);
				scan_ref(row, n, stride, q, want + 1);
				f(row, n, stride, q, got);
				n_done++;
				n_bad += memcmp(got - 1, want, (n + 1) * sizeof *got) != 0;
			}
}

/* The chooser asks the processor; what SIMDe makes needs AVX2 only. */
static scan_fn level_of(int level)
{
#ifdef KERN_EMULATED
	return level == KERN_VNNI && scan_level(KERN_AVX2) ? scan_vnni : NULL;
#else
	return scan_level((enum kern_level)level);
#endif
}

static bool check_one(int level)
{
	scan_fn f = level_of(level);
	if (f)
		check_level(f);
	if (f && getenv("BENCH"))
		bench(LEVELS[level], f);
	return f != NULL;
}

int main(void)
{
	int rc = levels_run("scan", check_one, &n_done, &n_bad);
	if (getenv("BENCH"))
		bench("ref", scan_ref);
	return rc;
}
