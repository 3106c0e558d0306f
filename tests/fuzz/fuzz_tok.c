/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_tok: a damaged tokenizer blob that still opens must encode and decode anything without a wrong access. The input is
 * [n u16][text of n bytes][blob].
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tokenize/tok.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tok *t;
	struct tok_ids ids = { .want_at = 1 };
	struct buf out = {0};
	size_t n_text = n < 2 ? 0 : (size_t)(p[0] | p[1] << 8);
	if (n < 2 || n_text > n - 2)
		return 0;
	size_t len = n - 2 - n_text;
	void *blob = malloc(len ? len : 1);
	memcpy(blob, p + 2 + n_text, len);
	if (!tok_open(&t, blob, len, NULL)) {
		if (!tok_encode(t, (const char *)p + 2, n_text, &ids, NULL))
			tok_decode(t, ids.id, ids.len, &out);
		for (int32_t id = -2; id < 400; id++)
			tok_piece(t, id, &out);
		tok_find_special(t, "<|im_start|>");
		tok_close(t);
	}
	tok_ids_release(&ids);
	buf_release(&out);
	free(blob);
	return 0;
}
