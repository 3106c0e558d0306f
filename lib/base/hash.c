/* SPDX-License-Identifier: Apache-2.0
 *
 * hash: thin calls into xxHash and libsodium; see hash.h for which to use when.
 */
#include "lib/base/hash.h"

#include <sodium.h>
#include <xxhash.h>

uint64_t hash_xxh64(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

void hash_xxh128(const void *p, size_t n, uint8_t out[16])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits(p, n));
	for (int i = 0; i < 16; i++)
		out[i] = c.digest[i];
}

void hash_id(const void *p, size_t n, uint8_t out[HASH_ID_LEN])
{
	crypto_generichash(out, HASH_ID_LEN, p, n, NULL, 0);
}

void hash_id_parts(const struct hash_part *part, size_t n_part, uint8_t out[HASH_ID_LEN])
{
	crypto_generichash_state s;
	crypto_generichash_init(&s, NULL, 0, HASH_ID_LEN);
	for (size_t i = 0; i < n_part; i++) {
		uint8_t len[8];
		for (int k = 0; k < 8; k++)
			len[k] = (uint8_t)((uint64_t)part[i].n >> 8 * k);
		crypto_generichash_update(&s, len, sizeof len);
		crypto_generichash_update(&s, part[i].p, part[i].n);
	}
	crypto_generichash_final(&s, out, HASH_ID_LEN);
}

void hash_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}
