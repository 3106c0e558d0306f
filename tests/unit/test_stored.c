/* SPDX-License-Identifier: Apache-2.0
 *
 * test_stored: sessions and the store of their blocks: what is believed of it, what a load and a save leave, whose a block is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "generate/block.h"
#include "generate/evict.h"
#include "generate/prefix.h"
#include "generate/reuse.h"
#include "generate/walk.h"
#include "tests/unit/tiny_session.h"

/* A store of its own for each test, for the model `MODEL`. */
static const uint8_t MODEL[HASH_ID_LEN] = "the model";

static struct prefix *open_store(char store[80], uint64_t max_bytes)
{
	struct prefix *p;
	snprintf(store, 80, "%s/store", dir);
	assert_int_equal(prefix_open(&p, store, MODEL, max_bytes, NULL), 0);
	return p;
}

/* What is left. */
static uint64_t evict_to(const char *store, uint64_t max)
{
	uint64_t left;
	assert_int_equal(evict(store, max, &left, NULL), 0);
	return left;
}

static void close_store(struct prefix *p, const char *store)
{
	char path[160], hex[2 * HASH_ID_LEN + 1];
	hash_hex(MODEL, HASH_ID_LEN, hex);
	snprintf(path, sizeof path, "%s/%s", store, hex);
	prefix_close(p);
	evict_to(store, 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(store), 0);
}

/* What is missing fits, but only where blocks of the same timeline made room. */
static void save_beyond_the_bound_stores_less(void **state)
{
	(void)state;
	int32_t tok[16 * SESSION_BLOCK];
	char store[80];
	struct session *s = open_session(0, NULL, 16 * SESSION_BLOCK);
	uint64_t max = 10 * (session_state_len(s, SESSION_BLOCK) + BLOCK_HEAD_MAX);
	struct prefix *p = open_store(store, max);
	random_tokens(tok, 16 * SESSION_BLOCK);
	for (size_t n = 10 * SESSION_BLOCK; n <= 16 * SESSION_BLOCK; n += 6 * SESSION_BLOCK) {
		const struct prefix_keep keep = { .n = n, .ns_per_token = 1000 };
		assert_int_equal(session_sync(s, tok, n, NULL), 0);
		assert_int_equal(prefix_save(p, s, &keep, NULL), n > 10 * SESSION_BLOCK);
		assert_true(evict_to(store, UINT64_MAX) <= max);
	}
	/* Those of another have room of theirs. */
	const struct prefix_keep keep = { .n = 5 * SESSION_BLOCK, .ns_per_token = 1000 };
	tok[0] = (tok[0] + 1) % TINY_VOCAB;
	assert_int_equal(session_sync(s, tok, 5 * SESSION_BLOCK, NULL), 0);
	assert_int_equal(prefix_save(p, s, &keep, NULL), 0);
	assert_int_equal(prefix_stored(p, tok, 5 * SESSION_BLOCK), 5 * SESSION_BLOCK);
	assert_true(evict_to(store, UINT64_MAX) <= max);
	close_store(p, store);
	session_close(s);
}

/* Three whole blocks of tok in a new store, whose handle is returned. */
static struct prefix *store_three(struct session *s, const int32_t *tok, const struct prefix_keep *keep, char store[80])
{
	struct prefix *p = open_store(store, 1 << 30);
	assert_int_equal(session_sync(s, tok, 3 * SESSION_BLOCK, NULL), 0);
	assert_int_equal(prefix_save(p, s, keep, NULL), 0);
	session_rewind(s, 0);
	return p;
}

/* Writes the second block anew, with one thing of it changed and every checksum right. */
static int change_second(void *arg, const char *path, const struct block *b, const struct err *why)
{
	(void)why;
	if (b->n_before != SESSION_BLOCK)
		return 0;
	struct block odd = *b;
	char *payload = malloc(b->payload_len);
	assert_int_equal(block_read(b, payload, NULL), 0);
	switch (*(int *)arg) {
	case 0: odd.id[3] ^= 1; break;
	case 1: odd.parent[3] ^= 1; break;
	case 2: odd.model[3] ^= 1; break;
	case 3: odd.n_before += SESSION_BLOCK; break;
	case 4: odd.tok[7] ^= 1; break;
	case 5: odd.n_tok--; break;
	case 6: odd.payload_len--; break;
	default: break;
	}
	assert_int_equal(block_write(&odd, payload, path, NULL), 0);
	free(payload);
	return 1;
}

static void load_believes_a_block_of_its_own_only(void **state)
{
	(void)state;
	const struct prefix_keep keep = { .n = 3 * SESSION_BLOCK };
	int32_t tok[3 * SESSION_BLOCK + 1] = { 0 };
	struct session *s = open_session(0, NULL, N_TOK);
	random_tokens(tok, 3 * SESSION_BLOCK);
	for (int what = 0; what < 8; what++) {
		char store[80];
		size_t n;
		struct prefix *p = store_three(s, tok, &keep, store);
		assert_int_equal(walk_store(store, change_second, &what, NULL), 1);
		assert_int_equal(prefix_load(p, s, tok, 3 * SESSION_BLOCK + 1, &n, NULL), 0);
		assert_int_equal(n, what < 7 ? SESSION_BLOCK : 3 * SESSION_BLOCK);
		assert_int_equal(prefix_damaged(p) != NULL, what < 7);
		assert_int_equal(prefix_stored(p, tok, 3 * SESSION_BLOCK), n);	/* it was removed */
		session_rewind(s, 0);
		close_store(p, store);
	}
	session_close(s);
}

/* Two timelines of which only the first block differs. */
static void load_of_the_same_tokens_behind_others_is_not_theirs(void **state)
{
	(void)state;
	const struct prefix_keep keep = { .n = 3 * SESSION_BLOCK };
	int32_t tok[2][3 * SESSION_BLOCK + 1] = { { 0 } };
	char store[80];
	size_t n;
	struct session *s = open_session(0, NULL, N_TOK);
	random_tokens(tok[0], 3 * SESSION_BLOCK);
	memcpy(tok[1], tok[0], sizeof tok[1]);
	tok[1][5] = (tok[0][5] + 1) % TINY_VOCAB;
	struct prefix *p = store_three(s, tok[0], &keep, store);
	assert_int_equal(prefix_stored(p, tok[1], 3 * SESSION_BLOCK), 0);
	assert_int_equal(session_sync(s, tok[1], 3 * SESSION_BLOCK, NULL), 0);
	assert_int_equal(prefix_save(p, s, &keep, NULL), 0);
	for (int i = 0; i < 2; i++) {
		session_rewind(s, 0);
		assert_int_equal(prefix_load(p, s, tok[i], 3 * SESSION_BLOCK + 1, &n, NULL), 0);
		assert_int_equal(n, 3 * SESSION_BLOCK);
	}
	assert_null(prefix_damaged(p));
	close_store(p, store);
	session_close(s);
}

static void load_keeps_what_is_in_memory_and_within_the_context(void **state)
{
	(void)state;
	const struct prefix_keep keep = { .n = SESSION_BLOCK + 8, .cut = { SESSION_BLOCK + 6 } };
	int32_t tok[3 * SESSION_BLOCK + 1] = { 0 };
	char store[80];
	size_t n;
	struct session *s = open_session(0, NULL, N_TOK), *brief = open_session(0, NULL, SESSION_BLOCK);
	random_tokens(tok, 3 * SESSION_BLOCK);
	struct prefix *p = store_three(s, tok, &keep, store);
	assert_int_equal(session_sync(s, tok, SESSION_BLOCK + 18, NULL), 0);
	assert_int_equal(prefix_load(p, s, tok, 3 * SESSION_BLOCK, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(session_len(s), SESSION_BLOCK + 18);
	assert_int_equal(prefix_load(p, brief, tok, 3 * SESSION_BLOCK, &n, NULL), 0);
	assert_int_equal(n, 0);
	close_store(p, store);
	session_close(s);
	session_close(brief);
}

static int used_once(void *arg, const char *path, const struct block *b, const struct err *why)
{
	(void)arg;
	(void)path;
	(void)why;
	assert_int_equal(b->hits, 1);
	return 0;
}

static void count_hits_counts_a_load_once(void **state)
{
	(void)state;
	const struct prefix_keep keep = { .n = 3 * SESSION_BLOCK };
	int32_t tok[3 * SESSION_BLOCK + 1] = { 0 };
	char store[80];
	size_t n;
	struct session *s = open_session(0, NULL, N_TOK);
	random_tokens(tok, 3 * SESSION_BLOCK);
	struct prefix *p = store_three(s, tok, &keep, store);
	assert_int_equal(prefix_load(p, s, tok, 3 * SESSION_BLOCK + 1, &n, NULL), 0);
	prefix_count_hits(p);
	prefix_count_hits(p);
	assert_int_equal(walk_store(store, used_once, NULL, NULL), 0);
	close_store(p, store);
	session_close(s);
}

/* More than was evaluated would be nobody's state. */
static void save_of_more_than_there_is_stores_nothing(void **state)
{
	(void)state;
	const struct prefix_keep keep = { .n = 3 * SESSION_BLOCK };
	int32_t tok[3 * SESSION_BLOCK];
	char store[80];
	struct session *s = open_session(0, NULL, N_TOK);
	random_tokens(tok, 3 * SESSION_BLOCK);
	struct prefix *p = open_store(store, 1 << 30);
	assert_int_equal(session_sync(s, tok, 3 * SESSION_BLOCK - 1, NULL), 0);
	assert_int_equal(prefix_save(p, s, &keep, NULL), 1);
	assert_int_equal(evict_to(store, UINT64_MAX), 0);
	prefix_close(p);
	session_close(s);
}

static int of_sources_before_its_end(void *arg, const char *path, const struct block *b, const struct err *why)
{
	const struct prefix_keep *k = arg;
	size_t n = 0;
	(void)path;
	(void)why;
	for (size_t i = 0; i < k->n_origin; i++)
		n += k->origin[i].from < b->n_before + b->n_tok;
	assert_int_equal(b->n_origin, n);
	return 0;
}

/* Or what is left of a document that was forgotten would not be found. */
static void save_marks_what_a_source_had_a_part_in(void **state)
{
	(void)state;
	int32_t tok[3 * SESSION_BLOCK];
	struct session *s = open_session(0, NULL, N_TOK);
	random_tokens(tok, 3 * SESSION_BLOCK);
	for (size_t from = SESSION_BLOCK - 1; from <= 2 * SESSION_BLOCK; from++) {
		char store[80];
		const struct prefix_origin origin[] = { { "one", from }, { "other", 2 * SESSION_BLOCK + 1 } };
		struct prefix_keep keep = { .n = 3 * SESSION_BLOCK, .cut = { SESSION_BLOCK + 6 }, .origin = origin, .n_origin = 2 };
		struct prefix *p = store_three(s, tok, &keep, store);
		assert_int_equal(walk_store(store, of_sources_before_its_end, &keep, NULL), 0);
		close_store(p, store);
	}
	session_close(s);
}

static int hidden;	/* so many files from now, one is not there yet */
static int gone;	/* so many files from now, the directory is removed */

int access(const char *path, int mode)
{
	int r = faccessat(AT_FDCWD, path, mode, 0);
	if (gone && !--gone) {
		char of[200];
		snprintf(of, sizeof of, "%.*s", (int)(strrchr(path, '/') - path), path);
		assert_int_equal(rmdir(of), 0);
	}
	return hidden && !--hidden ? -1 : r;
}

static void load_while_a_block_is_written_leaves_it(void **state)
{
	(void)state;
	int32_t tok[SESSION_BLOCK + 2];
	char store[80];
	size_t n;
	struct session *s = open_session(0, NULL, N_TOK);
	struct prefix *p = open_store(store, 1 << 30);
	const struct prefix_keep keep = { .n = SESSION_BLOCK + 1, .cut = { SESSION_BLOCK + 1 } };
	random_tokens(tok, SESSION_BLOCK + 2);
	assert_int_equal(session_sync(s, tok, SESSION_BLOCK + 1, NULL), 0);
	assert_int_equal(prefix_save(p, s, &keep, NULL), 0);
	session_rewind(s, 0);
	hidden = 2;		/* the partial block, when its name is looked for */
	assert_int_equal(prefix_load(p, s, tok, SESSION_BLOCK + 2, &n, NULL), 0);
	assert_int_equal(hidden, 0);
	assert_int_equal(n, SESSION_BLOCK);
	assert_null(prefix_damaged(p));
	session_rewind(s, 0);
	assert_int_equal(prefix_load(p, s, tok, SESSION_BLOCK + 2, &n, NULL), 0);
	assert_int_equal(n, SESSION_BLOCK + 1);
	close_store(p, store);
	session_close(s);
}

static void save_into_a_store_that_is_removed_fails_in_nothing(void **state)
{
	(void)state;
	int32_t tok[SESSION_BLOCK + 1];
	char store[80];
	struct session *s = open_session(0, NULL, N_TOK);
	struct prefix *p = open_store(store, 1 << 30);
	const struct prefix_keep keep = { .n = SESSION_BLOCK + 1, .cut = { SESSION_BLOCK + 1 } };
	random_tokens(tok, SESSION_BLOCK + 1);
	assert_int_equal(session_sync(s, tok, SESSION_BLOCK + 1, NULL), 0);
	gone = 3;		/* both blocks are missing, and the first is about to be written */
	assert_int_equal(prefix_save(p, s, &keep, NULL), 0);
	assert_int_equal(gone, 0);
	assert_int_equal(prefix_save(p, s, &keep, NULL), 0);
	assert_int_equal(prefix_stored(p, tok, SESSION_BLOCK + 1), SESSION_BLOCK + 1);
	close_store(p, store);
	session_close(s);
}

/* What was loaded ahead ends in a partial block, which is loaded again as part of the whole one. */
static void load_after_loading_ahead_counts_once(void **state)
{
	(void)state;
	int32_t tok[2 * SESSION_BLOCK];
	char store[80];
	struct session *s = open_session(0, NULL, N_TOK);
	struct reuse r = { .store = open_store(store, 1 << 30) };
	const struct prefix_keep keep = { .n = 2 * SESSION_BLOCK, .cut = { SESSION_BLOCK + 6 } };
	random_tokens(tok, 2 * SESSION_BLOCK);
	assert_int_equal(session_sync(s, tok, 2 * SESSION_BLOCK, NULL), 0);
	assert_int_equal(prefix_save(r.store, s, &keep, NULL), 0);
	session_rewind(s, 0);
	reuse_ahead(&r, s, tok, SESSION_BLOCK + 7);
	assert_int_equal(session_len(s), SESSION_BLOCK + 6);
	int32_t longer[2 * SESSION_BLOCK + 1] = { 0 };
	memcpy(longer, tok, sizeof tok);
	const struct prompt p = { .chat.ids = { .id = longer, .len = 2 * SESSION_BLOCK + 1 } };
	assert_int_equal(reuse_load(&r, s, &p), 2 * SESSION_BLOCK);
	assert_int_equal(reuse_load(&r, s, &p), 0);	/* the next time it is in memory */
	close_store(r.store, store);
	session_close(s);
}

static int of_prompts_sources(void *arg, const char *path, const struct block *b, const struct err *why)
{
	const struct prompt *p = arg;
	size_t end = b->n_before + b->n_tok;
	(void)path;
	(void)why;
	assert_int_equal(b->n_origin, (end > p->n_fixed) + (end > p->n_best));
	assert_true(!b->n_origin || b->origin[0][HASH_ID_LEN - 1] == 1);
	assert_true(b->n_origin < 2 || b->origin[1][HASH_ID_LEN - 1] == 3);
	return 0;
}

/* From where a source may have begun, and up to where the next prompt may go on; a source without an id that is one is in nobody's way. */
static void keep_knows_where_sources_are(void **state)
{
	(void)state;
	int32_t tok[3 * SESSION_BLOCK];
	char store[80];
	struct session *s = open_session(0, NULL, N_TOK);
	struct reuse r = { .store = open_store(store, 1 << 30) };
	const struct ask_source one = { .id = { "00000000000000000000000000000001", 32 } },
		odd = { .id = { "000000000000000000000000000000022", 33 } },
		last = { .id = { "00000000000000000000000000000003", 32 } };
	const struct prompt p = { .chat.ids = { .id = tok, .len = 3 * SESSION_BLOCK }, .n_fixed = 40, .n_best = 70,
		.source = { &one, &odd, &last }, .n_source = 3 };
	random_tokens(tok, 3 * SESSION_BLOCK);
	assert_int_equal(reuse_load(&r, s, &p), 0);
	assert_int_equal(session_sync(s, tok, 3 * SESSION_BLOCK, NULL), 0);
	reuse_keep(&r, s, &p, 1);
	assert_int_equal(walk_store(store, of_prompts_sources, (void *)(uintptr_t)&p, NULL), 0);
	assert_int_equal(prefix_stored(r.store, tok, 70), 70);
	assert_int_equal(prefix_stored(r.store, tok, 71), 70);
	assert_int_equal(prefix_stored(r.store, tok, 3 * SESSION_BLOCK - 1), 3 * SESSION_BLOCK - 1);
	close_store(r.store, store);
	session_close(s);
}

static int cost_a_million_each(void *arg, const char *path, const struct block *b, const struct err *why)
{
	(void)path;
	(void)why;
	assert_non_null(b);
	assert_int_equal(b->cost_ns, 1000000 * b->n_tok);
	++*(int *)arg;
	return 0;
}

/* A second prompt in the same process begins with the first: what its other tokens took is not spread over all. */
static void keep_behind_what_is_in_memory_costs_what_it_took(void **state)
{
	(void)state;
	int32_t tok[3 * SESSION_BLOCK];
	char store[80];
	int n_block = 0;
	struct session *s = open_session(0, NULL, N_TOK);
	struct reuse r = { .store = open_store(store, 1 << 30) };
	random_tokens(tok, 3 * SESSION_BLOCK);
	for (size_t n = 2 * SESSION_BLOCK, fresh = n; n <= 3 * SESSION_BLOCK; n += SESSION_BLOCK, fresh = SESSION_BLOCK) {
		const struct prompt p = { .chat.ids = { .id = tok, .len = n } };
		assert_int_equal(reuse_load(&r, s, &p), 0);
		assert_int_equal(session_sync(s, tok, n, NULL), 0);
		reuse_keep(&r, s, &p, (double)fresh);
	}
	assert_int_equal(walk_store(store, cost_a_million_each, &n_block, NULL), 0);
	assert_int_equal(n_block, 5);		/* three whole ones, and where either prompt ends */
	close_store(r.store, store);
	session_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(save_beyond_the_bound_stores_less),
		cmocka_unit_test(load_believes_a_block_of_its_own_only),
		cmocka_unit_test(load_of_the_same_tokens_behind_others_is_not_theirs),
		cmocka_unit_test(load_keeps_what_is_in_memory_and_within_the_context),
		cmocka_unit_test(count_hits_counts_a_load_once),
		cmocka_unit_test(save_of_more_than_there_is_stores_nothing),
		cmocka_unit_test(save_marks_what_a_source_had_a_part_in),
		cmocka_unit_test(load_while_a_block_is_written_leaves_it),
		cmocka_unit_test(save_into_a_store_that_is_removed_fails_in_nothing),
		cmocka_unit_test(load_after_loading_ahead_counts_once),
		cmocka_unit_test(keep_knows_where_sources_are),
		cmocka_unit_test(keep_behind_what_is_in_memory_costs_what_it_took),
	};
	return cmocka_run_group_tests_name("stored", tests, open_models, close_models);
}
