/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_pack: any bytes as a pack, and as a pack's table and sections behind checksums that are right. What opens is looked through
 * as a model does: every section's bytes, and the parts that hold an architecture and a tokenizer.
 */
#include <stdint.h>
#include <string.h>

#include "generate/arch.h"
#include "lib/model/pack.h"
#include "lib/model/pack_file.h"
#include "tests/fuzz/file.h"
#include "tokenize/tok.h"

static void look(const struct pack *p)
{
	struct err e = {0};
	struct arch a;
	struct tok *t;
	struct tok_ids ids = {0};
	const void *part;
	size_t n;
	pack_verify(p, &e);
	for (size_t i = 0; i < pack_n_sect(p); i++) {
		struct mat m;
		const float *v;
		const char *name = pack_sect(p, i)->name;
		if (pack_part(p, name, &part, &n) + pack_vec(p, name, &v, &n) + pack_mat(p, name, &m) != 1)
			abort();
	}
	if (pack_part(p, "arch", &part, &n))
		arch_load(&a, part, n, &e);
	if (pack_part(p, "tok", &part, &n) && !tok_open(&t, part, n, &e)) {
		tok_encode(t, "a text", 6, &ids, &e);
		tok_close(t);
	}
	tok_ids_release(&ids);
}

/* Gives the input's table and header the checksums that they should have. */
static void forge(uint8_t *f, size_t n)
{
	uint64_t len = n, at = PACK_HEADER, sum;
	uint32_t n_sect = f[12] % 8, layout = PACK_LAYOUT;
	while (n_sect && at + (uint64_t)n_sect * PACK_LINE > n)
		n_sect--;
	memcpy(f, PACK_MAGIC, 8);
	memcpy(f + 8, &layout, 4);
	memcpy(f + 12, &n_sect, 4);
	memcpy(f + 32, &len, 8);
	if (f[60] & 1)	/* the table at the end, where the writer has it */
		at = n - (uint64_t)n_sect * PACK_LINE;
	memcpy(f + 40, &at, 8);
	sum = hash_xxh64(f + at, (size_t)n_sect * PACK_LINE);
	memcpy(f + 48, &sum, 8);
	sum = hash_xxh64(f, 56);
	memcpy(f + 56, &sum, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct pack *pack;
	struct err e = {0};
	uint8_t *f = malloc(n + 1);
	memcpy(f, p, n);
	if (n >= PACK_HEADER && p[61] & 1)
		forge(f, n);
	if (!pack_open(&pack, fuzz_file(f, n), NULL, &e)) {
		look(pack);
		pack_close(pack);
	} else if (!e.code || !e.msg[0]) {
		abort();
	}
	free(f);
	return 0;
}
