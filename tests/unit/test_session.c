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
static struct pool *two, *many;
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
	return pool_open(&two, 2, &e) || pool_open(&many, 13, &e);
}

static int close_models(void **state)
{
	(void)state;
	for (int i = 0; i < N_KIND; i++)
		model_close(model[i]);
	pool_close(two);
	pool_close(many);
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
			struct session *s = open_session(i, (struct pool *const[]){ NULL, two, many }[round % 3], N_TOK);
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
		float *all = one_by_one(i, tok, DECODER_BATCH + 2);
		assert_int_equal(session_sync(s, other, N_TOK, NULL), 0);
		assert_int_equal(session_sync(s, tok, 120, NULL), 0);
		assert_int_equal(session_len(s), 120);
		assert_logits(s, all, 1);
		assert_int_equal(session_sync(s, tok, 120, NULL), 0);	/* nothing new: the last token again */
		assert_logits(s, all, 1);
		assert_int_equal(session_sync(s, tok, 100, NULL), 0);	/* less than there is */
		assert_logits(s, all, 1);
		session_rewind(s, 33);
		session_rewind(s, 99);
		assert_int_equal(session_len(s), 33);
		assert_int_equal(session_eval(s, tok + 33, 20, 3, NULL), 0);
		assert_logits(s, all, 3);
		session_best(s, 2);		/* where the logits were */
		assert_logits(s, all, 3);
		session_rewind(s, 0);
		assert_int_equal(session_eval(s, tok, DECODER_BATCH + 2, 3, NULL), 0);	/* one of the three in the first batch */
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
	assert_int_equal(session_sync(s, tok + 1, 65, &e), ERR_LIMIT);
	assert_int_equal(session_eval(s, tok, 10, SESSION_MAX_BATCH + 1, &e), ERR_ARG);
	tok[3] = TINY_VOCAB;
	assert_int_equal(session_eval(s, tok, 10, 1, &e), ERR_ARG);
	tok[3] = -1;
	assert_int_equal(session_sync(s, tok, 10, &e), ERR_ARG);
	assert_int_equal(session_len(s), 10);
	assert_int_equal(session_state_take(s, tok, 55, &e), ERR_LIMIT);
	assert_int_equal(session_state_take(s, tok, 8, &e), ERR_ARG);
	assert_int_equal(session_len(s), 10);
	session_close(s);
	assert_int_equal(session_open(&s, model[0], NULL, 0, &e), ERR_ARG);
	assert_int_equal(session_open(&s, model[0], NULL, ARCH_MAX_CTX + 1, &e), ERR_ARG);
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
	/* A head may have fewer rows, that of a compact pack, and nothing else. */
	t = (struct tiny){ .arch = "llama", .seed = 5, .add_tensor = "output.weight", .add_rows = 16 };
	assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "'output.weight' is 16 x 4096"));
	t = (struct tiny){ .arch = "llama", .seed = 5, .drop_tensor = "blk.1.attn_norm.weight", .add_tensor = "blk.1.attn_norm.weight" };
	assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "'blk.1.attn_norm.weight' has 4096 elements, not 256"));
	t = (struct tiny){ .arch = "llama", .seed = 5, .n_token = TINY_VOCAB + 10 };
	assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "310 tokens, but embeddings for 300"));
	/* Llama 3's factors of the angles, 16 of them. */
	t = (struct tiny){ .arch = "llama", .seed = 5, .add_tensor = "rope_freqs.weight" };
	assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "'rope_freqs.weight' has 4096 elements, not 16"));
	t = (struct tiny){ .arch = "llama", .seed = 5, .add_tensor = "rope_freqs.weight", .add_cols = 16 };	/* of which some are negative */
	assert_int_equal(open_tiny(&t, &m, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "'rope_freqs.weight' holds a senseless factor"));
}

/* What the file says, and whatever ends a turn in some template. */
static void open_knows_what_ends_a_reply(void **state)
{
	(void)state;
	for (unsigned own = 0; own < 2; own++) {
		struct tiny t = { .arch = "llama", .seed = 5, .eos = own ? 259 : 0, .eot = own ? 257 : 0 };
		struct model *m;
		assert_int_equal(open_tiny(&t, &m, NULL), 0);
		for (int32_t id = 0; id < TINY_VOCAB; id++)	/* <|endoftext|> and <|im_end|> */
			assert_int_equal(model_is_end(m, id), id == 256 || id == 258 || (own && (id == 257 || id == 259)));
		model_close(m);
	}
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
		cmocka_unit_test(eval_logits_are_finite_and_differ),
		cmocka_unit_test(eval_in_any_split_gives_same_bytes),
		cmocka_unit_test(sync_with_common_prefix_equals_fresh),
		cmocka_unit_test(state_loaded_equals_computed),
		cmocka_unit_test(eval_beyond_limits_is_refused_unchanged),
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
		cmocka_unit_test(open_knows_what_ends_a_reply),
		cmocka_unit_test(open_without_tensor_names_it),
	};
	return cmocka_run_group_tests_name("session", tests, open_models, close_models);
}
