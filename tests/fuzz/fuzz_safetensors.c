/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_safetensors: any bytes as a safetensors file; what opens must let every tensor byte be read.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct safetensors *s;
	struct err e = {0};
	volatile unsigned sum = 0;
	(void)sum;
	if (safetensors_open_memory(&s, p, n, "fuzz", &e))
		return 0;
	for (size_t i = 0; i < safetensors_n_tensor(s); i++) {
		const struct tensor *t = safetensors_at(s, i);
		for (size_t k = 0; k < t->len; k++)
			sum += ((const uint8_t *)t->data)[k];
	}
	safetensors_close(s);
	return 0;
}
