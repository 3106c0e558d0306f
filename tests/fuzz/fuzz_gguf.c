/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_gguf: any bytes as a GGUF file; what opens must let every tensor byte be read, and a tokenizer be built from it, and its
 * architecture be told or refused with a reason.
 */
#include <stddef.h>
#include <stdint.h>

#include "generate/arch.h"
#include "lib/model/gguf.h"
#include "tokenize/tok.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct gguf *g;
	struct err e = {0};
	volatile unsigned sum = 0;
	(void)sum;
	if (gguf_open_memory(&g, p, n, "fuzz", &e))
		return 0;
	for (size_t i = 0; i < gguf_n_tensor(g); i++) {
		const struct tensor *t = gguf_tensor_at(g, i);
		for (size_t k = 0; k < t->len; k += 997)
			sum += ((const uint8_t *)t->data)[k];
	}
	struct arch a;
	if (arch_from_gguf(&a, g, &e) && !e.msg[0])
		__builtin_trap();
	struct buf blob = {0};
	struct tok *t;
	struct tok_ids ids = { .want_at = 1 };
	if (!tok_build_gguf(&blob, g, &e) && !tok_open(&t, blob.data, blob.len, &e)) {
		tok_encode(t, (const char *)p, n < 512 ? n : 512, &ids, &e);
		tok_close(t);
	}
	tok_ids_release(&ids);
	buf_release(&blob);
	gguf_close(g);
	return 0;
}
