/* SPDX-License-Identifier: Apache-2.0
 *
 * block: what was written is read back; any byte changed, any length cut is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/block.h"
#include "lib/base/io.h"

static char dir[64], path[96];
static const int32_t tok[32] = { 1, 2, 3, [31] = 99 };
static uint8_t payload[1000], origin[2][HASH_ID_LEN];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_block.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/x.kv", dir);
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 7);
	memset(origin, 0xAB, sizeof origin);
	struct block b = { .id = "id", .parent = "parent", .model = "model", .n_tok = 32, .n_origin = 2, .n_before = 64, .cost_ns = 5,
		.payload_len = sizeof payload };
	memcpy(b.tok, tok, sizeof tok);
	memcpy(b.origin, origin, sizeof origin);
	return block_write(&b, payload, path, NULL);
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void block_open_written_gives_it_back(void **state)
{
	(void)state;
	struct block b;
	uint8_t back[sizeof payload];
	assert_int_equal(block_open(&b, path, NULL), 0);
	assert_string_equal((char *)b.id, "id");
	assert_string_equal((char *)b.parent, "parent");
	assert_string_equal((char *)b.model, "model");
	assert_int_equal(b.n_tok, 32);
	assert_memory_equal(b.tok, tok, sizeof tok);
	assert_memory_equal(b.origin, origin, sizeof origin);
	assert_int_equal(b.payload_len, sizeof payload);
	assert_int_equal(block_read(&b, back, NULL), 0);
	assert_memory_equal(back, payload, sizeof payload);
	assert_int_equal(b.cost_ns, 5);
	assert_int_equal(b.n_before, 64);
	assert_int_equal(b.hits, 0);
	block_close(&b);
	for (int i = 0; i < 300; i++)
		block_touch(path);
	assert_int_equal(block_open(&b, path, NULL), 0);
	assert_int_equal(b.hits, 300);
	assert_int_equal(block_uses(&b), 301);
	b.hits = UINT32_MAX;		/* damaged, perhaps */
	assert_int_equal(block_uses(&b), 1000001);
	block_close(&b);
}

/* As io_replace, which would wait for the disk thousands of times. */
static void rewrite(const void *p, size_t n)
{
	assert_int_equal(unlink(path), 0);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Rewrites the file with one byte changed or its end cut, and opens it. */
static int open_changed(const struct buf *file, size_t flip, size_t len)
{
	struct buf copy = {0};
	struct block b;
	buf_add(&copy, file->data, len);
	if (flip < len)
		copy.data[flip] = (char)(copy.data[flip] ^ 0x10);
	rewrite(copy.data, copy.len);
	buf_release(&copy);
	uint8_t back[sizeof payload];
	int r = block_open(&b, path, NULL);
	if (r)
		return r;
	assert_int_equal(b.payload_len, sizeof back);
	r = block_read(&b, back, NULL);
	assert_int_equal(block_check(&b, NULL), r);
	block_close(&b);
	return r;
}

static void block_open_any_byte_flipped_is_refused(void **state)
{
	(void)state;
	struct buf file = {0};
	assert_int_equal(io_read_file(&file, path, 1 << 20, NULL), 0);
	for (size_t i = 0; i + 4 < file.len; i++)	/* all but the count of hits */
		assert_true(open_changed(&file, i, file.len) < 0);
	for (size_t len = 0; len < file.len; len++)
		assert_true(open_changed(&file, SIZE_MAX, len) < 0);
	assert_int_equal(open_changed(&file, SIZE_MAX, file.len), 0);
	buf_release(&file);
}

/* Opens a block of this version without state, that says to have so many tokens, sources and bytes of state; its end lacks `cut` bytes, or
 * has more. All checksums are right. */
static int open_forged(uint32_t version, uint32_t n_tok, uint32_t n_origin, int len, int cut)
{
	struct buf b = {0};
	struct block out;
	buf_add(&b, "TTKV", 4);
	buf_u32(&b, version);
	buf_zeros(&b, 2 * HASH_ID_LEN);
	buf_u32(&b, n_tok);
	buf_u32(&b, n_origin);
	buf_zeros(&b, HASH_ID_LEN + 8);
	buf_u64(&b, (uint64_t)len);
	buf_zeros(&b, 8 + 16 + n_tok * 4 + n_origin * HASH_ID_LEN);
	buf_u64(&b, hash_xxh64(b.data, b.len));
	buf_align(&b, 64);
	buf_zeros(&b, 8);
	rewrite(b.data, b.len - (size_t)(4 + cut));
	buf_release(&b);
	int r = block_open(&out, path, NULL);
	if (!r)
		block_close(&out);
	return r;
}

static void block_open_counts_that_cannot_be_are_refused(void **state)
{
	(void)state;
	assert_int_equal(open_forged(1, 1, 0, 0, 0), 0);
	assert_int_equal(open_forged(1, BLOCK_MAX_TOK, BLOCK_MAX_ORIGIN, 0, 0), 0);
	assert_int_equal(open_forged(2, 1, 0, 0, 0), ERR_VERSION);
	assert_int_equal(open_forged(1, 0, 0, 0, 0), ERR_FORMAT);
	assert_int_equal(open_forged(1, BLOCK_MAX_TOK + 1, 0, 0, 0), ERR_FORMAT);
	for (uint32_t n = BLOCK_MAX_ORIGIN + 1; n <= BLOCK_MAX_ORIGIN + 12; n++)	/* still within the longest header */
		assert_int_equal(open_forged(1, 1, n, 0, 0), ERR_FORMAT);
	for (int n = 1; n <= 4; n++) {
		assert_int_equal(open_forged(1, 1, 0, n, 0), ERR_FORMAT);
		assert_int_equal(open_forged(1, 1, 0, -n, 0), ERR_FORMAT);
		assert_int_equal(open_forged(1, 1, 0, -n, n), ERR_FORMAT);
		assert_int_equal(open_forged(1, 1, 0, 0, -n), ERR_FORMAT);
	}
}

static void block_check_takes_all_pieces(void **state)
{
	(void)state;
	enum { LEN = 200000 };
	uint8_t *big = calloc(LEN, 1);
	struct buf file = {0};
	struct block b = { .n_tok = 32, .payload_len = LEN };
	assert_non_null(big);
	assert_int_equal(block_write(&b, big, path, NULL), 0);
	assert_int_equal(io_read_file(&file, path, 1 << 20, NULL), 0);
	for (size_t i = 0; i < 5; i++) {
		file.data[file.len - 5 - i * 49999] ^= i > 0;	/* nothing, then a byte of each quarter */
		rewrite(file.data, file.len);
		assert_int_equal(block_open(&b, path, NULL), 0);
		assert_int_equal(block_check(&b, NULL), i ? ERR_CHECKSUM : 0);
		block_close(&b);
		file.data[file.len - 5 - i * 49999] ^= i > 0;
	}
	buf_release(&file);
	free(big);
}

/* One that is gone, or never was one, differs from one that could not be looked at. */
static void block_open_unreadable_is_not_absent(void **state)
{
	(void)state;
	struct block b;
	struct rlimit all, none;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = all.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = block_open(&b, path, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(r, ERR_IO);
	assert_int_equal(block_open(&b, "/tmp/test_block.none", NULL), ERR_NOENT);
	assert_int_equal(block_open(&b, dir, NULL), ERR_NOENT);
}

/* Nor is what only has a block's name: nobody waits for it, or is led elsewhere by it. */
static void block_open_what_is_no_file_is_absent(void **state)
{
	(void)state;
	struct block b;
	char real[112];
	snprintf(real, sizeof real, "%s.real", path);
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
	alarm(20);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(block_open(&b, path, NULL), ERR_NOENT);
		block_touch(path);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
	}
	alarm(0);
	assert_int_equal(block_open(&b, real, NULL), 0);
	assert_int_equal(b.hits, 0);
	block_close(&b);
	unlink(real);
}

#define HEX "0123456789abcdef0123456789abcdef"

/* Whatever else lies in the store is nobody's to remove. */
static void block_names_are_those_of_blocks(void **state)
{
	(void)state;
	static const struct { const char *name; bool is_model, is_block, is_aside; } names[] = {
		{ HEX, true, false, false }, { HEX ".kv", false, true, false }, { HEX ".kv.tmp.AbCdEf", false, false, true },
		{ HEX ".bak", false, false, false }, { HEX "0", false, false, false }, { HEX ".kv2", false, false, false },
		{ HEX ".kv.tmp", false, false, false }, { HEX ".kv.old", false, false, false }, { HEX "0.kv", false, false, false },
		{ "0" HEX ".kv.tmp.AbCdEf", false, false, false }, { "123.kv", false, false, false },
		{ "0123456789ABCDEF0123456789ABCDEF", false, false, false }, { "", false, false, false }, { "notes.kv", false, false, false },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(block_is_model_name(names[i].name), names[i].is_model);
		assert_int_equal(block_is_name(names[i].name), names[i].is_block);
		assert_int_equal(block_is_aside_name(names[i].name), names[i].is_aside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(block_open_written_gives_it_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_open_any_byte_flipped_is_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_open_counts_that_cannot_be_are_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_check_takes_all_pieces, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_open_unreadable_is_not_absent, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_open_what_is_no_file_is_absent, make_dir, remove_dir),
		cmocka_unit_test(block_names_are_those_of_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
