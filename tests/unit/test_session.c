/* SPDX-License-Identifier: Apache-2.0
 *
 * test_session: the promises of session.h on small random models of each architecture: the same bytes for every split of the
 * timeline, every thread count, after rewinding, and from stored blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "generate/block.h"
#include "generate/decoder.h"
#include "generate/evict.h"
#include "generate/prefix.h"
#include "generate/reuse.h"
#include "generate/session.h"
#include "generate/walk.h"
#include "lib/base/io.h"
#include "lib/base/pool.h"
#include "tests/unit/tiny.h"

enum { N_TOK = 200, N_KIND = 3 };
static const char *const kinds[N_KIND] = { "llama", "qwen2", "gemma3" };
static struct model *model[N_KIND];
static struct pool *two;
static char dir[64];

static int open_tiny(struct tiny *t, struct model **m, struct err *e)
{
	struct buf b = { 0 }, gguf = { 0 }, pack = { 0 };
	tiny_write(t, &b);
	buf_printf(&gguf, "%s/%s.gguf", dir, t->arch);
	buf_printf(&pack, "%s/%s.pack", dir, t->arch);
	struct gguf *g = NULL;
	const struct pack_maker mk = { .fill = model_parts };
	const uint8_t id[HASH_ID_LEN] = { 1 };
	int rc = io_replace(gguf.data, b.data, b.len, 0600, e);
	if (!rc)
		rc = gguf_open(&g, gguf.data, e);
	if (!rc)
		rc = pack_write(pack.data, g, id, &mk, e);
	if (!rc)
		rc = model_open_pack(m, pack.data, kern_select(NULL, NULL), e);
	gguf_close(g);
	unlink(gguf.data);
	unlink(pack.data);
	buf_release(&b);
	buf_release(&gguf);
	buf_release(&pack);
	return rc;
}

static int open_models(void **state)
{
	(void)state;
	struct err e = { 0 };
	snprintf(dir, sizeof dir, "/tmp/tt-session-XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < N_KIND; i++) {
		struct tiny t = { .arch = kinds[i], .seed = 5 };
		if (open_tiny(&t, &model[i], &e))
			fail_msg("%s", e.msg);
	}
	return pool_open(&two, 2, &e);
}

static int close_models(void **state)
{
	(void)state;
	for (int i = 0; i < N_KIND; i++)
		model_close(model[i]);
	pool_close(two);
	return rmdir(dir);
}

static void random_tokens(int32_t *tok, size_t n)
{
	uint64_t s = 99;
	for (size_t i = 0; i < n; i++)
		tok[i] = (int32_t)(tiny_rand(&s) % TINY_VOCAB);
}

static struct session *open_session(int i, struct pool *p, size_t n_ctx)
{
	struct session *s = NULL;
	struct err e = { 0 };
	if (session_open(&s, model[i], p, n_ctx, &e))
		fail_msg("%s", e.msg);
	return s;
}

/* Logits of every position, one token at a time on one thread: what all else must equal. */
static float *one_by_one(int i, const int32_t *tok, size_t n)
{
	float *all = malloc(n * TINY_VOCAB * sizeof *all);
	struct session *s = open_session(i, NULL, n);
	for (size_t t = 0; t < n; t++) {
		assert_int_equal(session_eval(s, tok + t, 1, 1, NULL), 0);
		memcpy(all + t * TINY_VOCAB, session_logits(s, 0), TINY_VOCAB * sizeof *all);
	}
	session_close(s);
	return all;
}

static void assert_logits(struct session *s, const float *all, size_t n_out)
{
	for (size_t j = 0; j < n_out; j++)
		assert_memory_equal(session_logits(s, j), all + (session_len(s) - n_out + j) * TINY_VOCAB, TINY_VOCAB * sizeof *all);
}

static void eval_logits_are_finite_and_differ(void **state)
{
	(void)state;
	int32_t tok[8];
	random_tokens(tok, 8);
	for (int i = 0; i < N_KIND; i++) {
		float *all = one_by_one(i, tok, 8), lo = INFINITY, hi = -INFINITY;
		for (size_t k = 0; k < 8 * TINY_VOCAB; k++) {
			assert_true(isfinite(all[k]));
			lo = all[k] < lo ? all[k] : lo;
			hi = all[k] > hi ? all[k] : hi;
		}
		assert_true(hi - lo > 0.1f);
		free(all);
	}
}

static void eval_in_any_split_gives_same_bytes(void **state)
{
	(void)state;
	int32_t tok[N_TOK];
	random_tokens(tok, N_TOK);
	for (int i = 0; i < N_KIND; i++) {
		float *all = one_by_one(i, tok, N_TOK);
		uint64_t seed = 7;
		for (int round = 0; round < 6; round++) {
			struct session *s = open_session(i, round % 2 ? two : NULL, N_TOK);
			for (size_t at = 0; at < N_TOK;) {
				/* round 0: all at once; 1: batches of 1..8 with all their logits; then random */
				size_t n = round == 0 ? N_TOK : 1 + tiny_rand(&seed) % (round == 1 ? 8 : 150);
				n = n < N_TOK - at ? n : N_TOK - at;
				size_t n_out = 1 + tiny_rand(&seed) % 8;
				n_out = n_out < n ? n_out : n;
				assert_int_equal(session_eval(s, tok + at, n, n_out, NULL), 0);
				assert_logits(s, all, n_out);
				at += n;
			}
			session_close(s);
		}
		free(all);
	}
}

static void sync_with_common_prefix_equals_fresh(void **state)
{
	(void)state;
	int32_t tok[N_TOK];
	random_tokens(tok, N_TOK);
	for (int i = 0; i < N_KIND; i++) {
		struct session *s = open_session(i, two, N_TOK);
		int32_t other[N_TOK];
		memcpy(other, tok, sizeof other);
		for (int k = 50; k < N_TOK; k++)
			other[k] = (tok[k] + 1) % TINY_VOCAB;
		float *all = one_by_one(i, tok, 120);
		assert_int_equal(session_sync(s, other, N_TOK, NULL), 0);
		assert_int_equal(session_sync(s, tok, 120, NULL), 0);
		assert_int_equal(session_len(s), 120);
		assert_logits(s, all, 1);
		assert_int_equal(session_sync(s, tok, 120, NULL), 0);	/* nothing new: the last token again */
		assert_logits(s, all, 1);
		session_rewind(s, 33);
		assert_int_equal(session_eval(s, tok + 33, 20, 3, NULL), 0);
		assert_logits(s, all, 3);
		free(all);
		session_close(s);
	}
}

static void state_loaded_equals_computed(void **state)
{
	(void)state;
	int32_t tok[N_TOK];
	random_tokens(tok, N_TOK);
	for (int i = 0; i < N_KIND; i++) {
		struct session *a = open_session(i, two, N_TOK), *b = open_session(i, NULL, N_TOK);
		float *all = one_by_one(i, tok, N_TOK);
		assert_int_equal(session_sync(a, tok, 180, NULL), 0);
		/* runs of several lengths, one after the other */
		for (size_t at = 0, n = 32; at < 160; at += n, n = at == 64 ? 7 : at == 71 ? 25 : 32) {
			memcpy(session_state(b, at), session_state(a, at), session_state_len(a, n));
			assert_int_equal(session_state_take(b, tok + at, n, NULL), 0);
		}
		assert_int_equal(session_len(b), 160);
		assert_int_equal(session_eval(b, tok + 160, 40, 8, NULL), 0);
		assert_logits(b, all, 8);
		assert_memory_equal(session_state(a, 0), session_state(b, 0), session_state_len(a, 180));
		free(all);
		session_close(a);
		session_close(b);
	}
}

static void eval_beyond_limits_is_refused_unchanged(void **state)
{
	(void)state;
	int32_t tok[N_TOK];
	struct err e = { 0 };
	random_tokens(tok, N_TOK);
	struct session *s = open_session(0, NULL, 64);
	assert_int_equal(session_eval(s, tok, 10, 1, &e), 0);
	assert_int_equal(session_eval(s, tok, 55, 1, &e), ERR_LIMIT);
	assert_int_equal(session_sync(s, tok, 65, &e), ERR_LIMIT);
	tok[3] = TINY_VOCAB;
	assert_int_equal(session_eval(s, tok, 10, 1, &e), ERR_ARG);
	tok[3] = -1;
	assert_int_equal(session_sync(s, tok, 10, &e), ERR_ARG);
	assert_int_equal(session_len(s), 10);
	assert_int_equal(session_state_take(s, tok, 55, &e), ERR_LIMIT);
	assert_int_equal(session_state_take(s, tok, 8, &e), ERR_ARG);
	assert_int_equal(session_len(s), 10);
	session_close(s);
}

static void open_without_tensor_names_it(void **state)
{
	(void)state;
	static const char *const names[] = { "blk.1.attn_v.weight", "output_norm.weight", "blk.2.attn_k.bias", "token_embd.weight" };
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		struct tiny t = { .arch = "qwen2", .seed = 5, .drop_tensor = names[i] };
		struct model *m = NULL;
		struct err e = { 0 };
		assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, names[i]));
	}
	struct tiny t = { .arch = "qwen2", .seed = 5, .set = "feed_forward_length", .set_u = 1024 };
	struct model *m = NULL;
	struct err e = { 0 };
	assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "ffn_gate"));
}

/* A store of its own for each test, for the model `MODEL`. */
static const uint8_t MODEL[HASH_ID_LEN] = "the model";

static struct prefix *open_store(char store[80], uint64_t max_bytes)
{
	struct prefix *p;
	snprintf(store, 80, "%s/store", dir);
	assert_int_equal(prefix_open(&p, store, MODEL, max_bytes, NULL), 0);
	return p;
}

static void close_store(struct prefix *p, const char *store)
{
	char path[160], hex[2 * HASH_ID_LEN + 1];
	hash_hex(MODEL, HASH_ID_LEN, hex);
	snprintf(path, sizeof path, "%s/%s", store, hex);
	prefix_close(p);
	evict(store, 0);
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
		assert_true(evict(store, UINT64_MAX) <= max);
	}
	close_store(p, store);
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
		cmocka_unit_test(eval_logits_are_finite_and_differ),
		cmocka_unit_test(eval_in_any_split_gives_same_bytes),
		cmocka_unit_test(sync_with_common_prefix_equals_fresh),
		cmocka_unit_test(state_loaded_equals_computed),
		cmocka_unit_test(eval_beyond_limits_is_refused_unchanged),
		cmocka_unit_test(save_beyond_the_bound_stores_less),
		cmocka_unit_test(load_while_a_block_is_written_leaves_it),
		cmocka_unit_test(save_into_a_store_that_is_removed_fails_in_nothing),
		cmocka_unit_test(load_after_loading_ahead_counts_once),
		cmocka_unit_test(keep_behind_what_is_in_memory_costs_what_it_took),
		cmocka_unit_test(open_without_tensor_names_it),
	};
	return cmocka_run_group_tests_name("session", tests, open_models, close_models);
}
