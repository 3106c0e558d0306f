/* SPDX-License-Identifier: Apache-2.0
 *
 * Small vocabularies as GGUF files in memory, for test_tok.c: written, built, opened, compared.
 */
#ifndef TT_TESTS_UNIT_VOCAB_H
#define TT_TESTS_UNIT_VOCAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/model/gguf.h"
#include "tests/unit/tiny.h"
#include "tokenize/tok.h"

struct entry { const char *text; int type; float score; };
struct vocab {
	const char *model, *pre;
	const struct entry *token;
	size_t n;
	const char *const *merge;
	bool bytes;			/* put the 256 one-byte tokens of the GPT-2 alphabet in front */
	/* faults */
	int type_more, score_more;	/* elements more or fewer than tokens */
	uint32_t type_elem, score_elem;	/* element types instead of i32, f32 */
	int64_t bos;			/* -2 = no key */
	const char *as_arr;		/* one more key, an array */
};

static void put_str(struct buf *b, const char *s)
{
	buf_u64(b, strlen(s));
	buf_puts(b, s);
}

static void put_array(struct buf *b, const char *key, uint32_t type, uint64_t n)
{
	put_str(b, key);
	buf_u32(b, GGUF_ARR);
	buf_u32(b, type);
	buf_u64(b, n);
}

static void put_key(struct buf *b, const char *key, const char *value, int *n)
{
	put_str(b, key);
	buf_u32(b, GGUF_STR);
	put_str(b, value);
	++*n;
}

static void make(struct buf *b, const struct vocab *v)
{
	size_t extra = v->bytes ? 256 : 0, n = v->n + extra, n_merge = 0;
	int n_kv = 3;
	char t[5];
	*b = (struct buf){0};
	buf_add(b, "GGUF", 4);
	buf_u32(b, 3);
	buf_u64(b, 0);
	buf_u64(b, 0);
	put_array(b, "tokenizer.ggml.tokens", GGUF_STR, n);
	for (unsigned c = 0; c < extra; c++) {
		t[tiny_byte(c, t)] = 0;
		put_str(b, t);
	}
	for (size_t i = 0; i < v->n; i++)
		put_str(b, v->token[i].text);
	put_array(b, "tokenizer.ggml.token_type", v->type_elem ? v->type_elem : GGUF_I32, n + (size_t)v->type_more);
	for (size_t i = 0; i < n + (size_t)v->type_more; i++)
		buf_u32(b, i < extra || i >= n ? 1 : (uint32_t)v->token[i - extra].type);
	put_array(b, "tokenizer.ggml.scores", v->score_elem ? v->score_elem : GGUF_F32, n + (size_t)v->score_more);
	for (size_t i = 0; i < n + (size_t)v->score_more; i++) {
		float f = i < extra || i >= n ? 0 : v->token[i - extra].score;
		buf_add(b, &f, 4);
	}
	put_key(b, "tokenizer.ggml.model", v->model, &n_kv);
	if (v->pre)
		put_key(b, "tokenizer.ggml.pre", v->pre, &n_kv);
	while (v->merge && v->merge[n_merge])
		n_merge++;
	if (v->merge) {
		put_array(b, "tokenizer.ggml.merges", GGUF_STR, n_merge);
		for (size_t i = 0; i < n_merge; i++)
			put_str(b, v->merge[i]);
		n_kv++;
	}
	if (v->bos != -2) {
		put_str(b, "tokenizer.ggml.bos_token_id");
		buf_u32(b, GGUF_U32);
		buf_u32(b, (uint32_t)v->bos);
		n_kv++;
	}
	if (v->as_arr)
		put_array(b, v->as_arr, GGUF_U32, 0), n_kv++;
	b->data[16] = (char)n_kv;
}

/* Builds; returns the error code, or 0 with *t open over *blob. */
static int open_vocab(const struct vocab *v, struct tok **t, struct buf *blob, struct err *e)
{
	struct buf file;
	struct gguf *g;
	*blob = (struct buf){0};
	make(&file, v);
	int r = gguf_open_memory(&g, file.data, file.len, "vocab", e);
	if (!r)
		r = tok_build_gguf(blob, g, e);
	if (!r)
		r = tok_open(t, blob->data, blob->len, e);
	gguf_close(g);
	buf_release(&file);
	return r;
}

static inline void expect_ids(const struct tok *t, const char *s, size_t n, const int32_t *want, size_t n_want)
{
	struct tok_ids ids = { .want_at = 1 };
	assert_int_equal(tok_encode(t, s, n, &ids, NULL), 0);
	for (size_t i = 0; i < ids.len && i < n_want; i++)
		if (ids.id[i] != want[i])
			fail_msg("'%s': token %zu is %d, not %d", s, i, ids.id[i], want[i]);
	assert_int_equal(ids.len, n_want);
	tok_ids_release(&ids);
}
#define EXPECT(t, s, ...) do { \
	const int32_t want_[] = { __VA_ARGS__ }; \
	expect_ids(t, s, sizeof(s) - 1, want_, sizeof want_ / sizeof *want_); \
} while (0)

static inline void expect_text(const struct tok *t, const int32_t *id, size_t n, const char *want)
{
	struct buf b = {0};
	assert_int_equal(tok_decode(t, id, n, &b), 0);
	assert_int_equal(b.len, strlen(want));
	assert_memory_equal(b.data ? b.data : "", want, b.len);
	buf_release(&b);
}

#endif
