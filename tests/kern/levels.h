/* SPDX-License-Identifier: Apache-2.0
 *
 * What the checks of kernels share: the levels that a program compares, and memory that ends at a page which must not be touched.
 *
 * Each check is built twice: as it is, for the levels that this processor has, and with AVX-512 and VNNI done by SIMDe on AVX2
 * (check_NAME_simde, KERN_EMULATED), so that every level is compared on every machine. Both say what they compared:
 *
 *	# levels: avx2; not on this processor: vnni
 *	# levels: vnni (SIMDe)
 */
#ifndef TT_TESTS_KERN_LEVELS_H
#define TT_TESTS_KERN_LEVELS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/kern/kern.h"

#ifdef KERN_EMULATED
#define FIRST_LEVEL KERN_AVX512
#define HOW " (SIMDe)"
#else
#define FIRST_LEVEL KERN_AVX2
#define HOW ""
#endif

static const char *const LEVELS[] = { "ref", "avx2", "avx512", "vnni" };

/* have[i]: levels[i] was compared. tests/run.sh shows the line. */
static inline void levels_say(const int *levels, const bool *have, size_t n)
{
	const char *before = "# levels: ";
	for (size_t i = 0; i < n; i++)
		if (have[i])
			printf("%s%s" HOW, before, LEVELS[levels[i]]), before = ", ";
	before = before[0] == '#' ? "# levels: none; not on this processor: " : "; not on this processor: ";
	for (size_t i = 0; i < n; i++)
		if (!have[i])
			printf("%s%s" HOW, before, LEVELS[levels[i]]), before = ", ";
	printf("\n");
}

/* `what` at AVX2 and VNNI. check(level) counts its comparisons into *n_done and *n_bad; false if this processor lacks the level. Prints TAP;
 * returns the exit status. */
static inline int levels_run(const char *what, bool (*check)(int level), int *n_done, int *n_bad)
{
	static const int levels[] = { KERN_AVX2, KERN_VNNI };
	bool have[2];
	size_t first = FIRST_LEVEL != KERN_AVX2, n = 0;
	int rc = 0;
	for (size_t i = first; i < 2; i++) {
		*n_done = *n_bad = 0;
		have[i] = check(levels[i]);
		printf("%s %zu %s %s" HOW ": %s equals ref, %d comparisons, %d differ\n", *n_bad ? "not ok" : "ok", ++n, have[i] ? "-" : "# skip",
			LEVELS[levels[i]], what, *n_done, *n_bad);
		rc |= *n_bad != 0;
	}
	printf("1..%zu\n", n);
	levels_say(levels + first, have + first, n);
	return rc;
}

/* n bytes that end where a page begins which faults (up to the alignment of 64); never given back. */
static inline void *guarded_end(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), m = (n + page - 1) / page * page;
	n = (n + 63) / 64 * 64;
	char *p = mmap(NULL, m + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) || mprotect(p + m + page, page, PROT_NONE))
		exit(1);
	memset(p + page, 0x5a, m);
	return p + page + m - n;
}

#endif
