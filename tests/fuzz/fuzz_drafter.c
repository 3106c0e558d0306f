/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_drafter: any bytes as what a drafter says. The generator takes tokens of its vocabulary from it, or leaves it; no more
 * than it asked for, and without hanging.
 */
#include <stdint.h>

#include "generate/drafter.h"
#include "tests/fuzz/file.h"

#define N_VOCAB 300

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const double cost[9] = { 0, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const int32_t prompt[] = { 1, 2, 3, 1, 2 };
	struct drafter *d;
	struct err e = {0};
	char cmd[96];
	snprintf(cmd, sizeof cmd, "exec cat %s", fuzz_file(p, n));
	if (drafter_open(&d, cmd, "fuzz", N_VOCAB, &e))
		abort();
	int r = drafter_ctx(d, prompt, 5, 5, cost, 4, &e);
	for (int step = 0; !r && step < 4; step++) {
		int32_t tok[DRAFTER_MAX];
		size_t k;
		r = drafter_get(d, tok, &k, &e);
		if (!r && k > 4)
			abort();
		for (size_t i = 0; !r && i < k; i++)
			if (tok[i] < 0 || tok[i] >= N_VOCAB)
				abort();
		r = r ? r : drafter_accept(d, k, prompt, 1, cost, 4, &e);
	}
	drafter_close(d);
	return 0;
}
