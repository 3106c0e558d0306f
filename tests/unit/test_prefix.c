/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix: what is stored is found again, down to the last whole token; the store keeps within its bound, and what is worth
 * least goes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "generate/block.h"
#include "generate/evict.h"
#include "generate/prefix.h"
#include "generate/walk.h"

static const uint8_t MODEL[HASH_ID_LEN] = "the model";
static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_prefix.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int drop(void *arg, const char *path, const struct block *b, const struct err *why)
{
	(void)arg;
	(void)b;
	(void)why;
	return unlink(path);
}

static const char *model_dir(void)
{
	static char path[128];
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(MODEL, HASH_ID_LEN, hex);
	snprintf(path, sizeof path, "%s/%s", dir, hex);
	return path;
}

static int remove_dir(void **state)
{
	(void)state;
	walk_store(dir, drop, NULL, NULL);
	rmdir(model_dir());
	return rmdir(dir);
}

static const char *path_of(uint8_t id)
{
	static char path[200];
	uint8_t whole[HASH_ID_LEN] = { id };
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(whole, HASH_ID_LEN, hex);
	snprintf(path, sizeof path, "%s/%s.kv", model_dir(), hex);
	return path;
}

/* A block of 10,000 bytes: its id, its parent's (0 = none), what it cost, its hits, its age. */
static void put(uint8_t id, uint8_t parent, unsigned depth, uint64_t cost, int hits, int age_s)
{
	static const uint8_t payload[9700];
	struct block b = { .id = { id }, .parent = { parent }, .n_tok = 32, .n_before = 32 * depth, .cost_ns = cost,
		.payload_len = sizeof payload };
	memcpy(b.model, MODEL, HASH_ID_LEN);
	mkdir(model_dir(), 0700);
	assert_int_equal(block_write(&b, payload, path_of(id), NULL), 0);
	while (hits--)
		block_touch(path_of(id));
	struct timespec t[2] = { { .tv_sec = time(NULL) - age_s }, { .tv_sec = time(NULL) - age_s } };
	assert_int_equal(utimensat(AT_FDCWD, path_of(id), t, 0), 0);
}

static bool is_there(uint8_t id)
{
	return !access(path_of(id), F_OK);
}

static void evict_takes_the_least_worth(void **state)
{
	(void)state;
	put(1, 0, 0, 1000, 0, 3000);	/* cheap, unused */
	put(2, 0, 0, 1000, 9, 3000);	/* used */
	put(3, 0, 0, 9000, 0, 3000);	/* dear */
	put(4, 0, 0, 1000, 0, 10);	/* young */
	assert_int_equal(evict(dir, 1 << 20), 4 * 9960);
	assert_true(is_there(1));
	assert_true(evict(dir, 35000) <= 35000);
	assert_false(is_there(1));
	assert_true(is_there(2) && is_there(3) && is_there(4));
	assert_int_equal(evict(dir, 0), 0);
}

static void evict_keeps_what_the_best_hangs_on(void **state)
{
	(void)state;
	put(1, 0, 0, 1000, 0, 9000);	/* a cheap old root ... */
	put(2, 1, 1, 1000, 0, 9000);
	put(3, 2, 2, 1000, 50, 10);	/* ... of a leaf that is used */
	put(4, 0, 0, 1000, 0, 1000);
	put(5, 77, 1, 9999999, 99, 0);	/* nothing leads here any more */
	evict(dir, 42000);
	assert_false(is_there(5));
	evict(dir, 33000);
	assert_false(is_there(4));
	assert_true(is_there(1) && is_there(2) && is_there(3));
	evict(dir, 22000);		/* of equals the deepest goes first */
	assert_true(is_there(1) && is_there(2));
	assert_false(is_there(3));
}

static void evict_before_spares_the_young_and_their_parents(void **state)
{
	(void)state;
	put(1, 0, 0, 1, 0, 9000);	/* of no worth, but that of its leaf */
	put(2, 1, 1, 1, 0, 5);
	put(3, 0, 0, 9999999, 50, 9000);
	put(4, 77, 1, 1, 0, 5);		/* nothing leads here */
	assert_int_equal(evict_before(dir, 0, time(NULL) - 10), 2 * 9960);
	assert_true(is_there(1) && is_there(2));
	assert_false(is_there(3) || is_there(4));
}

static void evict_touches_nothing_else(void **state)
{
	(void)state;
	char other[160];
	put(1, 0, 0, 1, 0, 0);
	snprintf(other, sizeof other, "%s/notes.kv", model_dir());
	FILE *f = fopen(other, "w");
	assert_non_null(f);
	fclose(f);
	evict(dir, 0);
	assert_false(is_there(1));
	assert_int_equal(access(other, F_OK), 0);
	unlink(other);
	assert_int_equal(evict("/tmp/test_prefix.none", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(evict_takes_the_least_worth, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_keeps_what_the_best_hangs_on, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_before_spares_the_young_and_their_parents, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_touches_nothing_else, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
