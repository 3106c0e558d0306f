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
	block_close(&b);
}

/* Rewrites the file with one byte changed or its end cut, and opens it. */
static int open_changed(const struct buf *file, size_t flip, size_t len)
{
	struct buf copy = {0};
	struct block b;
	buf_add(&copy, file->data, len);
	if (flip < len)
		copy.data[flip] = (char)(copy.data[flip] ^ 0x10);
	assert_int_equal(io_replace(path, copy.data, copy.len, 0600, NULL), 0);
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
		assert_int_equal(io_replace(path, file.data, file.len, 0600, NULL), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(block_open_written_gives_it_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_open_any_byte_flipped_is_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_check_takes_all_pieces, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(block_open_unreadable_is_not_absent, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
