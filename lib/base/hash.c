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

/* The handle is the library's own state, which needs an alignment of its own and comes from its own allocator. */
struct hash_stream *hash_stream_new(void)
{
	XXH3_state_t *x = XXH3_createState();
	if (x)
		XXH3_128bits_reset(x);
	return (struct hash_stream *)x;
}

void hash_stream_reset(struct hash_stream *s)
{
	XXH3_128bits_reset((XXH3_state_t *)s);
}

void hash_stream_add(struct hash_stream *s, const void *p, size_t n)
{
	XXH3_128bits_update((XXH3_state_t *)s, p, n);
}

void hash_stream_get(const struct hash_stream *s, uint8_t out[16])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits_digest((const XXH3_state_t *)s));
	for (int i = 0; i < 16; i++)
		out[i] = c.digest[i];
}

void hash_stream_free(struct hash_stream *s)
{
	XXH3_freeState((XXH3_state_t *)s);
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

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hash_unhex(const char *hex, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int high = nibble(hex[2 * i]), low = high < 0 ? -1 : nibble(hex[2 * i + 1]);
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
