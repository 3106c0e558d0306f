/* SPDX-License-Identifier: Apache-2.0
 *
 * test_session: the promises of session.h on small random models of each architecture: the same bytes for every split of the
 * timeline, every thread count, after rewinding, and from state that was kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "generate/decoder.h"
#include "tests/unit/tiny_session.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eval_logits_are_finite_and_differ),
		cmocka_unit_test(eval_in_any_split_gives_same_bytes),
		cmocka_unit_test(sync_with_common_prefix_equals_fresh),
		cmocka_unit_test(state_loaded_equals_computed),
		cmocka_unit_test(eval_beyond_limits_is_refused_unchanged),
		cmocka_unit_test(open_knows_what_ends_a_reply),
		cmocka_unit_test(open_without_tensor_names_it),
	};
	return cmocka_run_group_tests_name("session", tests, open_models, close_models);
}
