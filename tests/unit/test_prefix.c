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

#define LEN 9700

/* A block with `len` bytes of state, LEN making 9,960 in all: its id, its parent's (0 = none), what it cost, its hits, its age. */
static void put_long(uint8_t id, uint8_t parent, unsigned depth, uint64_t cost, int hits, int age_s, size_t len)
{
	static const uint8_t payload[10 * LEN];
	struct block b = { .id = { id }, .parent = { parent }, .n_tok = 32, .n_before = 32 * depth, .cost_ns = cost, .payload_len = len };
	memcpy(b.model, MODEL, HASH_ID_LEN);
	mkdir(model_dir(), 0700);
	assert_int_equal(block_write(&b, payload, path_of(id), NULL), 0);
	while (hits--)
		block_touch(path_of(id));
	struct timespec t[2] = { { .tv_sec = time(NULL) - age_s }, { .tv_sec = time(NULL) - age_s } };
	assert_int_equal(utimensat(AT_FDCWD, path_of(id), t, 0), 0);
}

static void put(uint8_t id, uint8_t parent, unsigned depth, uint64_t cost, int hits, int age_s)
{
	put_long(id, parent, depth, cost, hits, age_s, LEN);
}

static bool is_there(uint8_t id)
{
	return !access(path_of(id), F_OK);
}

/* What is left. */
static uint64_t evict_old(const char *store, uint64_t max, time_t spare)
{
	uint64_t left;
	assert_int_equal(evict_before(store, max, spare, &left, NULL), 0);
	return left;
}

static uint64_t evict_to(const char *store, uint64_t max)
{
	return evict_old(store, max, EVICT_SPARE_NONE);
}

static void evict_takes_the_least_worth(void **state)
{
	(void)state;
	put(1, 0, 0, 1000, 0, 3000);	/* cheap, unused */
	put(2, 0, 0, 900, 9, 3000);	/* used */
	put(3, 0, 0, 9000, 0, 3000);	/* dear */
	put(4, 0, 0, 900, 0, 10);	/* young */
	put(5, 0, 0, 900, 0, -7000);	/* the clock was set back */
	assert_int_equal(evict_to(dir, 1 << 20), 5 * 9960);
	assert_true(is_there(1));
	assert_true(evict_to(dir, 45000) <= 45000);
	assert_false(is_there(1));
	assert_true(is_there(2) && is_there(3) && is_there(4) && is_there(5));
	assert_int_equal(evict_to(dir, 0), 0);
}

static void evict_takes_what_is_long_for_what_it_cost(void **state)
{
	(void)state;
	put_long(1, 0, 0, 3000, 0, 3000, 10 * LEN);
	put(2, 0, 0, 1000, 0, 3000);
	assert_int_equal(evict_to(dir, 100000), 9960);
	assert_true(is_there(2));
}

/* Below the bound by a twentieth, so that not every block that is written has to look at all of them. */
static void evict_goes_a_little_further(void **state)
{
	(void)state;
	for (uint8_t id = 1; id <= 40; id++)
		put(id, 0, 0, 1000, 0, 3000);
	assert_int_equal(evict_to(dir, 40 * 9960), 40 * 9960);
	uint64_t left = evict_to(dir, 40 * 9960 - 1);
	assert_true(left <= 38 * 9960 && left >= 37 * 9960);
}

static void evict_keeps_what_the_best_hangs_on(void **state)
{
	(void)state;
	put(1, 0, 0, 1000, 0, 9000);	/* a cheap old root ... */
	put(2, 1, 1, 1000, 0, 9000);
	put(3, 2, 2, 1000, 50, 10);	/* ... of a leaf that is used */
	put(4, 0, 0, 1000, 0, 1000);
	put(5, 77, 1, 9999999, 99, 0);	/* nothing leads here any more, */
	put(6, 5, 2, 9999999, 99, 0);	/* nor further on */
	evict_to(dir, 42000);
	assert_false(is_there(5) || is_there(6));
	evict_to(dir, 33000);
	assert_false(is_there(4));
	assert_true(is_there(1) && is_there(2) && is_there(3));
	evict_to(dir, 22000);		/* of equals the deepest goes first */
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
	assert_int_equal(evict_old(dir, 0, time(NULL) - 10), 2 * 9960);
	assert_true(is_there(1) && is_there(2));
	assert_false(is_there(3) || is_there(4));
	struct stat st;
	assert_int_equal(stat(path_of(2), &st), 0);
	assert_int_equal(evict_old(dir, 0, st.st_mtime), 2 * 9960);
	assert_int_equal(evict_old(dir, 0, st.st_mtime + 1), 0);
}

/* As a clock leaves them that was ahead once. */
static void evict_takes_blocks_of_a_time_far_ahead_for_old(void **state)
{
	(void)state;
	put(1, 0, 0, 10, 0, -90000);
	put(2, 0, 0, 5, 0, 9000);
	evict_to(dir, 11000);
	assert_true(is_there(2));
	assert_false(is_there(1));
	put(1, 0, 0, 10, 0, -90000);
	assert_int_equal(evict_old(dir, 0, time(NULL) - 10), 0);
}

/* What a writer leaves that was killed; one that writes is left alone, but what it has written counts. */
static void evict_removes_what_nobody_writes_any_more(void **state)
{
	(void)state;
	char path[220];
	snprintf(path, sizeof path, "%s.tmp.AbCdEf", path_of(7));
	put(1, 0, 0, 1, 0, 0);
	for (int age = 3000; age <= 4000; age += 1000) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fputs("half", f) >= 0 && !fclose(f), 1);
		struct timespec t[2] = { { .tv_sec = time(NULL) - age }, { .tv_sec = time(NULL) - age } };
		assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
		assert_int_equal(evict_to(dir, 1 << 20), 9960 + (age < 3600 ? 4 : 0));
		assert_int_equal(access(path, F_OK), age < 3600 ? 0 : -1);
	}
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
	char folder[100], in[160], odd[200];
	snprintf(folder, sizeof folder, "%s/notes", dir);
	snprintf(in, sizeof in, "%s/%s", folder, strrchr(path_of(1), '/') + 1);
	snprintf(odd, sizeof odd, "%s", path_of(2));
	char far[200];		/* a folder that a link with the name of a model's leads to */
	snprintf(far, sizeof far, "%s/%032d", dir, 7);
	assert_int_equal(mkdir(folder, 0700) || symlink(other, odd) || link(other, in) || symlink(folder, far), 0);
	evict_to(dir, 0);
	assert_false(is_there(1));
	assert_int_equal(access(other, F_OK) || access(in, F_OK), 0);
	assert_int_equal(unlink(far) || unlink(in) || unlink(odd) || unlink(other) || rmdir(folder), 0);
	assert_int_equal(evict_to("/tmp/test_prefix.none", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(evict_takes_the_least_worth, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_takes_what_is_long_for_what_it_cost, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_goes_a_little_further, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_keeps_what_the_best_hangs_on, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_before_spares_the_young_and_their_parents, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_takes_blocks_of_a_time_far_ahead_for_old, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_removes_what_nobody_writes_any_more, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(evict_touches_nothing_else, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
