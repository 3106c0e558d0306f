/* SPDX-License-Identifier: Apache-2.0
 *
 * hash: published values, parts that do not run together, pieces that give the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/hash.h"

static void hash_id_is_blake2b_128(void **state)
{
	(void)state;
	uint8_t id[HASH_ID_LEN];
	char hex[33];
	hash_id("", 0, id);
	hash_hex(id, sizeof id, hex);
	assert_string_equal(hex, "cae66941d9efbd404e4d88758ea67670");
	hash_id("abc", 3, id);
	hash_hex(id, sizeof id, hex);
	assert_string_equal(hex, "cf4ab791c62b8d2b2109c90275287816");
}

static void hash_id_parts_do_not_run_together(void **state)
{
	(void)state;
	const struct hash_part a[] = { { "ab", 2 }, { "c", 1 } }, b[] = { { "a", 1 }, { "bc", 2 } };
	uint8_t x[HASH_ID_LEN], y[HASH_ID_LEN];
	hash_id_parts(a, 2, x);
	hash_id_parts(b, 2, y);
	assert_memory_not_equal(x, y, sizeof x);
	hash_id_parts(a, 2, y);
	assert_memory_equal(x, y, sizeof x);
}

/* Ids of chunks and packs lie on disks: of each part its length, 8 bytes, and its bytes. */
static void hash_id_parts_known_value(void **state)
{
	(void)state;
	char longer[300], hex[33];
	uint8_t id[HASH_ID_LEN];
	memset(longer, 'x', sizeof longer);
	const struct hash_part part[] = { { "ab", 2 }, { longer, sizeof longer }, { "", 0 } };
	hash_id_parts(part, 3, id);
	hash_hex(id, sizeof id, hex);
	assert_string_equal(hex, "1c57a54ea75baf4c90f7d02206702998");
}

static void hash_unhex_takes_digits_alone(void **state)
{
	(void)state;
	uint8_t b[3];
	char hex[7];
	assert_true(hash_unhex("00a9ff", 3, b));
	hash_hex(b, sizeof b, hex);
	assert_string_equal(hex, "00a9ff");
	assert_false(hash_unhex("00a9fF", 3, b));
	assert_false(hash_unhex("00a9/f", 3, b));
	assert_false(hash_unhex("00a9:f", 3, b));
	assert_false(hash_unhex("00a9g0", 3, b));
	assert_false(hash_unhex("0", 3, b));
}

static void hash_xxh128_known_values(void **state)
{
	(void)state;
	uint8_t h[16];
	char hex[33];
	hash_xxh128("", 0, h);
	hash_hex(h, sizeof h, hex);
	assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
	assert_true(hash_xxh64("", 0) == 0x2d06800538d394c2u);
}

static void hash_stream_any_pieces_give_the_whole(void **state)
{
	(void)state;
	char text[5000];
	uint8_t whole[16], got[16];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 31);
	hash_xxh128(text, sizeof text, whole);
	struct hash_stream *s = hash_stream_new();
	for (size_t piece = 1; piece < sizeof text; piece = piece * 3 + 1) {
		hash_stream_reset(s);
		for (size_t at = 0; at < sizeof text; at += piece) {
			hash_stream_add(s, text + at, sizeof text - at < piece ? sizeof text - at : piece);
			hash_stream_get(s, got);
		}
		assert_memory_equal(got, whole, 16);
	}
	hash_stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_id_is_blake2b_128),
		cmocka_unit_test(hash_id_parts_do_not_run_together),
		cmocka_unit_test(hash_id_parts_known_value),
		cmocka_unit_test(hash_unhex_takes_digits_alone),
		cmocka_unit_test(hash_xxh128_known_values),
		cmocka_unit_test(hash_stream_any_pieces_give_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
