/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_block: any bytes as a block of the prefix store, as they are and behind a header checksum that is right. What opens can be
 * read to the last byte.
 */
#include <stdint.h>
#include <string.h>

#include "generate/block.h"
#include "tests/fuzz/file.h"

#define HEAD 104u	/* bytes before the tokens */

static void forge(uint8_t *f, size_t n)
{
	uint32_t n_tok = f[40] % BLOCK_MAX_TOK + 1u, n_origin = f[44] % 4u;
	size_t end = HEAD + (size_t)n_tok * 4 + (size_t)n_origin * HASH_ID_LEN, body = (end + 8 + 63) / 64 * 64;
	if (n < body + 4)
		return;
	uint64_t len = n - body - 4, sum;
	memcpy(f, "TTKV\1\0\0\0", 8);
	memcpy(f + 40, &n_tok, 4);
	memcpy(f + 44, &n_origin, 4);
	memcpy(f + 72, &len, 8);
	hash_xxh128(f + body, (size_t)len, f + 88);
	sum = hash_xxh64(f, end);
	memcpy(f + end, &sum, 8);
	memset(f + end + 8, 0, body - end - 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct block b;
	struct err e = {0};
	uint8_t *f = malloc(n + 1);
	memcpy(f, p, n);
	if (n > HEAD && p[56] & 1)
		forge(f, n);
	if (!block_open(&b, fuzz_file(f, n), &e)) {
		if (b.n_tok > BLOCK_MAX_TOK || b.n_origin > BLOCK_MAX_ORIGIN || b.payload_len > n)
			abort();
		uint8_t *payload = malloc((size_t)b.payload_len + 1);
		block_read(&b, payload, &e);
		free(payload);
		block_close(&b);
	} else if (!e.code || !e.msg[0]) {
		abort();
	}
	free(f);
	return 0;
}
