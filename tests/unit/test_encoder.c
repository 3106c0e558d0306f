/* SPDX-License-Identifier: Apache-2.0
 *
 * encoder: a tiny random BERT, once as a folder with safetensors and once as a GGUF, gives the same vectors; and a text's vector does
 * not depend on the batch or the level.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embed/forward.h"
#include "embed/pooling.h"

/* The linker puts this in place of bert_build (Makefile). */
static void (*before_build)(void);
int __real_bert_build(struct buf *out, const char *path, const uint8_t id[HASH_ID_LEN], struct err *e);
int __wrap_bert_build(struct buf *out, const char *path, const uint8_t id[HASH_ID_LEN], struct err *e);
int __wrap_bert_build(struct buf *out, const char *path, const uint8_t id[HASH_ID_LEN], struct err *e)
{
	if (before_build)
		before_build();
	return __real_bert_build(out, path, id, e);
}

enum { D = 32, FF = 80, VOCAB = 57, ROWS = VOCAB + 127, POS = 40, LAYER = 2 };

#define CONFIG "{\"num_attention_heads\":2}"

static char dir[] = "/tmp/tt-encoder-XXXXXX";
static const struct { const char *hf, *gguf; size_t n_row, n_col; } TENSOR[] = {
	{ "attention.self.query", "attn_q", D, D }, { "attention.self.key", "attn_k", D, D }, { "attention.self.value", "attn_v", D, D },
	{ "attention.output.dense", "attn_output", D, D }, { "attention.output.LayerNorm", "attn_output_norm", 1, D },
	{ "intermediate.dense", "ffn_up", FF, D }, { "output.dense", "ffn_down", D, FF }, { "output.LayerNorm", "layer_output_norm", 1, D },
};

struct files { struct buf json, data, info, kv; uint64_t n_tensor, n_kv, seed; };

static void str(struct buf *b, const char *s)
{
	buf_u64(b, strlen(s));
	buf_puts(b, s);
}

static void key(struct files *f, const char *name, uint32_t type)
{
	str(&f->kv, name);
	buf_u32(&f->kv, type);
	f->n_kv++;
}

static void tensor(struct files *f, const char *hf, const char *gguf, size_t n_row, size_t n_col, bool is_vec)
{
	size_t n = n_row * n_col, at = f->data.len;
	buf_printf(&f->json, "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[", f->json.len ? ',' : '{', hf);
	if (!is_vec)
		buf_printf(&f->json, "%zu,", n_row);
	buf_printf(&f->json, "%zu],\"data_offsets\":[%zu,%zu]}", n_col, at, at + n * 4);
	str(&f->info, gguf);
	buf_u32(&f->info, is_vec ? 1 : 2);
	buf_u64(&f->info, n_col);
	if (!is_vec)
		buf_u64(&f->info, n_row);
	buf_u32(&f->info, 0);
	buf_u64(&f->info, at);
	f->n_tensor++;
	for (size_t i = 0; i < n; i++) {
		f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
		float x = (float)(int32_t)((f->seed >> 33) % 2001 - 1000) / 3000.0f;
		buf_add(&f->data, &x, 4);
	}
	assert_int_equal(f->data.len % 32, 0);
}

static void tensors(struct files *f)
{
	char a[96], b[96];
	tensor(f, "embeddings.word_embeddings.weight", "token_embd.weight", ROWS, D, false);
	tensor(f, "embeddings.position_embeddings.weight", "position_embd.weight", POS, D, false);
	tensor(f, "embeddings.token_type_embeddings.weight", "token_types.weight", 2, D, false);
	tensor(f, "embeddings.LayerNorm.weight", "token_embd_norm.weight", 1, D, true);
	tensor(f, "embeddings.LayerNorm.bias", "token_embd_norm.bias", 1, D, true);
	for (size_t l = 0; l < LAYER; l++)
		for (size_t i = 0; i < sizeof TENSOR / sizeof *TENSOR; i++)
			for (int bias = 0; bias < 2; bias++) {
				size_t n = bias && TENSOR[i].n_row > 1 ? TENSOR[i].n_row : TENSOR[i].n_col;
				bool is_vec = bias || TENSOR[i].n_row == 1;
				snprintf(a, sizeof a, "encoder.layer.%zu.%s.%s", l, TENSOR[i].hf, bias ? "bias" : "weight");
				snprintf(b, sizeof b, "blk.%zu.%s.%s", l, TENSOR[i].gguf, bias ? "bias" : "weight");
				tensor(f, a, b, is_vec ? 1 : TENSOR[i].n_row, n, is_vec);
			}
}

static void token(struct buf *vocab, struct buf *list, const char *s)
{
	buf_printf(vocab, "%s\n", s);
	char g[16];
	snprintf(g, sizeof g, "%s%s", *s == '[' || *s == '#' ? "" : "\xe2\x96\x81", *s == '#' ? s + 2 : s);
	str(list, g);
}

static void write_file(const char *name, const struct buf *b)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(io_replace(path, b->data, b->len, 0600, NULL), 0);
}

static int make_models(void **state)
{
	static const char *const special[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
	struct files f = { .seed = 3 };
	struct buf vocab = {0}, list = {0}, st = {0}, g = {0}, conf = {0};
	float eps = 1e-12f;
	char s[4] = "a";
	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	for (size_t i = 0; i < 5; i++)
		token(&vocab, &list, special[i]);
	for (s[0] = 'a'; s[0] <= 'z'; s[0]++)
		token(&vocab, &list, s);
	memcpy(s, "##a", 4);
	for (; s[2] <= 'z'; s[2]++)
		token(&vocab, &list, s);
	tensors(&f);
	buf_puts(&f.json, "}");
	while (f.json.len % 8)
		buf_putc(&f.json, ' ');
	buf_u64(&st, f.json.len);
	buf_add(&st, f.json.data, f.json.len);
	buf_add(&st, f.data.data, f.data.len);
	buf_puts(&conf, CONFIG);
	write_file("model.safetensors", &st);
	write_file("vocab.txt", &vocab);
	write_file("config.json", &conf);
	key(&f, "general.architecture", 8), str(&f.kv, "bert");
	key(&f, "bert.block_count", 4), buf_u32(&f.kv, LAYER);
	key(&f, "bert.attention.head_count", 4), buf_u32(&f.kv, 2);
	key(&f, "bert.context_length", 4), buf_u32(&f.kv, POS);
	key(&f, "bert.pooling_type", 4), buf_u32(&f.kv, 1);
	key(&f, "bert.attention.layer_norm_epsilon", 6), buf_add(&f.kv, &eps, 4);
	key(&f, "tokenizer.ggml.model", 8), str(&f.kv, "bert");
	key(&f, "tokenizer.ggml.unknown_token_id", 4), buf_u32(&f.kv, 1);
	key(&f, "tokenizer.ggml.cls_token_id", 4), buf_u32(&f.kv, 2);
	key(&f, "tokenizer.ggml.seperator_token_id", 4), buf_u32(&f.kv, 3);
	key(&f, "tokenizer.ggml.tokens", 9), buf_u32(&f.kv, 8), buf_u64(&f.kv, VOCAB), buf_add(&f.kv, list.data, list.len);
	buf_puts(&g, "GGUF");
	buf_u32(&g, 3);
	buf_u64(&g, f.n_tensor);
	buf_u64(&g, f.n_kv);
	buf_add(&g, f.kv.data, f.kv.len);
	buf_add(&g, f.info.data, f.info.len);
	buf_align(&g, 32);
	buf_add(&g, f.data.data, f.data.len);
	write_file("tiny.gguf", &g);
	char *pooling = memmem(g.data, g.len, "bert.pooling_type", 17);
	pooling[17 + 4] = 99;		/* behind the key and its type */
	write_file("odd.gguf", &g);
	struct buf *all[] = { &f.json, &f.data, &f.info, &f.kv, &vocab, &list, &st, &g, &conf };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_release(all[i]);
	return 0;
}

static int remove_models(void **state)
{
	char cmd[64];
	(void)state;
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0;
}

/* Vector of a text, the i-th of n in one batch. */
static void vec_of(const char *file, enum kern_level level, size_t i, size_t n, float out[D])
{
	static const int32_t id[] = { 2, 9, 40, 17, 33, 3 }, other[] = { 2, 5, 3 };
	char path[128];
	struct bert *b;
	struct forward *f;
	struct err e = {0};
	snprintf(path, sizeof path, "%s/%s", dir, file);
	if (bert_open(&b, path, "tiny", kern_bert_level(level), NULL, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(forward_open(&f, b, NULL, &e), 0);
	for (size_t k = 0; k < n; k++)
		assert_true(k == i ? forward_add(f, id, 6) : forward_add(f, other, 3));
	forward_run(f);
	memcpy(out, forward_vec(f, i), D * sizeof *out);
	forward_close(f);
	bert_close(b);
}

static void bert_open_gguf_and_folder_give_the_same_vector(void **state)
{
	float a[D], b[D], len = 0;
	(void)state;
	vec_of("", KERN_REF, 0, 1, a);
	vec_of("tiny.gguf", KERN_REF, 0, 1, b);
	assert_memory_equal(a, b, sizeof a);
	for (size_t i = 0; i < D; i++)
		len += a[i] * a[i];
	assert_float_equal(len, 1, 1e-5);
}

static void bert_open_unknown_pooling_is_refused(void **state)
{
	char path[128];
	struct bert *b;
	struct err e = {0};
	(void)state;
	snprintf(path, sizeof path, "%s/odd.gguf", dir);
	assert_int_equal(bert_open(&b, path, "odd", kern_bert_level(KERN_REF), NULL, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "pooling"));
}

static void bert_open_names_the_model_without_its_place(void **state)
{
	static const char *const name[] = { "tiny", "tiny.gguf", "./tiny", "/a/tiny/", "a/tiny.gguf", "tiny//" };
	struct bert *b;
	struct err e = {0};
	(void)state;
	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		assert_int_equal(bert_open(&b, dir, name[i], kern_bert_level(KERN_REF), NULL, &e), 0);
		assert_memory_equal(b->model, "tiny:", 5);
		assert_int_equal(strlen(b->model), 5 + 16);
		bert_close(b);
	}
}

static void put_config(const char *json)
{
	write_file("config.json", &(struct buf){ .data = (char *)(uintptr_t)json, .len = strlen(json) });
}

static void bert_open_a_damaged_configuration_is_refused(void **state)
{
	struct bert *b;
	struct err e = {0};
	(void)state;
	put_config("{\"num_attention_heads\":2");
	assert_int_equal(bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "/config.json': "));
	put_config(CONFIG);
}

static void bert_open_pooling_of_a_folder_is_as_it_says_or_refused(void **state)
{
	static const struct { const char *json; uint32_t how; } is[] = {
		{ "\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false", POOL_CLS },
		{ "\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false", POOL_MEAN },
		{ "\"word_embedding_dimension\":32", POOL_MEAN },
		{ "\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true", 0 },
		{ "\"pooling_mode_cls_token\":false,\"pooling_mode_max_tokens\":true", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
		struct bert *b;
		struct err e = {0};
		char json[256];
		snprintf(json, sizeof json, "{\"num_attention_heads\":2,%s}", is[i].json);
		put_config(json);
		int r = bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e);
		if (is[i].how) {
			assert_int_equal(r, 0);
			assert_int_equal(b->hyper.pooling, is[i].how);
			bert_close(b);
		} else {
			assert_int_equal(r, ERR_UNSUPPORTED);
			assert_non_null(strstr(e.msg, "pooling"));
		}
	}
	put_config(CONFIG);
}

static void bert_open_reads_no_further_than_there_are_positions(void **state)
{
	static const char *const name = "sentence_bert_config.json", json[] = "{\"max_seq_length\":1000}";
	char path[128];
	struct bert *b;
	struct err e = {0};
	(void)state;
	write_file(name, &(struct buf){ .data = (char *)(uintptr_t)json, .len = sizeof json - 1 });
	assert_int_equal(bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), 0);
	assert_int_equal(b->hyper.max_tok, POS);
	bert_close(b);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

/* What would be run wrongly is refused: another activation, weights that are no numbers, another architecture, layers that are not there. */
static void bert_open_what_it_cannot_run_is_refused(void **state)
{
	static const struct { const char *what; size_t behind; unsigned char c; int code; } cases[] = {
		{ "bert.block_count", 4, LAYER + 1, ERR_FORMAT }, { "general.architecture", 4 + 8, 'B', ERR_UNSUPPORTED },
		{ "bert.block_count", 0, 6, ERR_FORMAT }, { "bert.context_length", 0, 6, ERR_FORMAT }, { "bert.pooling_type", 0, 6, ERR_FORMAT },
	};
	char path[128];
	struct buf file = {0};
	struct bert *b;
	struct err e = {0};
	(void)state;
	put_config("{\"num_attention_heads\":2,\"hidden_act\":\"relu\"}");
	assert_int_equal(bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "relu"));
	put_config(CONFIG);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_clear(&file);
		snprintf(path, sizeof path, "%s/tiny.gguf", dir);
		assert_int_equal(io_read_file(&file, path, 1 << 20, NULL), 0);
		size_t n = strlen(cases[i].what);
		char *at = memmem(file.data, file.len, cases[i].what, n);
		at[n + cases[i].behind] = (char)cases[i].c;
		write_file("bad.gguf", &file);
		snprintf(path, sizeof path, "%s/bad.gguf", dir);
		assert_int_equal(bert_open(&b, path, "bad", kern_bert_level(KERN_REF), NULL, &e), cases[i].code);
		assert_true(cases[i].behind || strstr(e.msg, cases[i].what));	/* 0: the type, of which 6 is a float */
	}
	buf_clear(&file);
	snprintf(path, sizeof path, "%s/model.safetensors", dir);
	assert_int_equal(io_read_file(&file, path, 1 << 20, NULL), 0);
	struct buf vocab = {0};	/* of which the last line is missing */
	snprintf(path, sizeof path, "%s/vocab.txt", dir);
	assert_int_equal(io_read_file(&vocab, path, 1 << 20, NULL), 0);
	vocab.len -= 4;
	write_file("vocab.txt", &vocab);
	assert_int_equal(bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "the tokenizer, of 56 tokens,"));
	vocab.len += 4;
	write_file("vocab.txt", &vocab);
	buf_release(&vocab);
	char good[4];
	const float bad[] = { NAN, INFINITY, 1e7f };
	memcpy(good, file.data + file.len - 4, 4);
	for (size_t i = 0; i < 4; i++) {
		memcpy(file.data + file.len - 4, i < 3 ? (const char *)&bad[i] : good, 4);
		write_file("model.safetensors", &file);
		int r = bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e);
		assert_int_equal(r, i < 3 ? ERR_FORMAT : 0);
	}
	bert_close(b);
	buf_release(&file);
}

/* Before memory is taken for what is not there: a table of 40 x 32 that says it is 640 x 2 has a pack of 640 x 32. */
static void weights_open_shapes_that_contradict_each_other_are_refused(void **state)
{
	static const struct { const char *is, *says, *told; } lie[] = {
		{ "[40,32]", "[640,2]", "embeddings.position_embeddings.weight' is not 640 x 32" },
		{ "[32,32]", "[64,16]", "encoder.layer.0.attention.self.query.weight' is not 32 x 32" },
		{ "[80,32]", "[320,8]", "encoder.layer.0.intermediate.dense.weight' is not 320 x 32" },
	};
	char path[128];
	struct buf file = {0};
	struct weights w;
	(void)state;
	snprintf(path, sizeof path, "%s/model.safetensors", dir);
	assert_int_equal(io_read_file(&file, path, 1 << 20, NULL), 0);
	for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
		struct err e = {0};
		char *at = memmem(file.data, file.len, lie[i].is, 7);
		memcpy(at, lie[i].says, 7);
		write_file("model.safetensors", &file);
		memcpy(at, lie[i].is, 7);
		assert_int_equal(weights_open(&w, dir, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, lie[i].told));
	}
	write_file("model.safetensors", &file);
	buf_release(&file);
}

static void pack_of(const struct bert *b, char *path, size_t cap)
{
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(b->id, sizeof b->id, hex);
	snprintf(path, cap, "%s/tiny-titans/packs/%s-e%d.pack", dir, hex, BERT_LAYOUT);
}

/* Another model's pack under this one's name, one that is cut, and one with a changed byte anywhere but in its words. */
static void bert_open_a_pack_that_is_not_the_models_is_made_again(void **state)
{
	float a[D], b[D];
	char path[192];
	struct bert *m;
	struct buf other = {0}, good = {0};
	struct err e = {0};
	enum bert_was was;
	(void)state;
	put_config("{\"num_attention_heads\":1}");
	assert_int_equal(bert_open(&m, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), 0);
	pack_of(m, path, sizeof path);
	assert_int_equal(io_read_file(&other, path, 1 << 24, NULL), 0);
	bert_close(m);
	put_config(CONFIG);
	vec_of("", KERN_REF, 0, 1, a);
	assert_int_equal(bert_open(&m, dir, "tiny", kern_bert_level(KERN_REF), &was, &e), 0);
	assert_int_equal(was, BERT_THERE);
	pack_of(m, path, sizeof path);
	assert_int_equal(io_read_file(&good, path, 1 << 24, NULL), 0);
	bert_close(m);
	for (size_t i = 0; i < 14; i++) {
		struct buf *bad = i ? &good : &other;
		size_t at = i < 12 ? (i - 2) * 50 : good.len - (i - 11) * 9, n = i == 1 ? good.len - 8 : bad->len;
		char was_byte = i > 1 ? good.data[at] : 0;
		if (i > 1)
			good.data[at] = (char)(was_byte ^ 0x10);
		assert_int_equal(io_replace(path, bad->data, n, 0600, NULL), 0);
		if (i > 1)
			good.data[at] = was_byte;
		assert_int_equal(bert_open(&m, dir, "tiny", kern_bert_level(KERN_REF), &was, &e), 0);
		if (was != BERT_DAMAGED)
			fail_msg("damage %zu (byte %zu) is not seen", i, at);
		bert_close(m);
		vec_of("", KERN_REF, 0, 1, b);
		assert_memory_equal(a, b, sizeof a);
	}
	buf_release(&other);
	buf_release(&good);
}

/* Whatever changes what a text becomes changes the model's identity, by which its pack and its vectors are known. */
static void bert_open_every_file_that_counts_is_part_of_the_id(void **state)
{
	static const struct { const char *name, *json; } file[] = {
		{ "1_Pooling/config.json", "{\"pooling_mode_cls_token\":true}" }, { "sentence_bert_config.json", "{\"max_seq_length\":20}" },
		{ "config_sentence_transformers.json", "{\"prompts\":{\"query\":\"q\"}}" }, { "tokenizer_config.json", "{\"do_lower_case\":false}" },
		{ "tokenizer.json", "{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":false},\"model\":{}}" },
	};
	enum { N = sizeof file / sizeof *file };
	uint8_t id[N + 1][HASH_ID_LEN];
	char path[128];
	struct bert *b;
	struct err e = {0};
	(void)state;
	snprintf(path, sizeof path, "%s/1_Pooling", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i <= N; i++) {
		if (i < N)
			write_file(file[i].name, &(struct buf){ .data = (char *)(uintptr_t)file[i].json, .len = strlen(file[i].json) });
		if (bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e))
			fail_msg("%s", e.msg);
		memcpy(id[i], b->id, HASH_ID_LEN);
		bert_close(b);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(id[i], id[k], HASH_ID_LEN);
		snprintf(path, sizeof path, "%s/%s", dir, i < N ? file[i].name : "1_Pooling");
		assert_int_equal(i < N ? unlink(path) : rmdir(path), 0);
	}
}

/* As the files of many models have them. */
static void bert_open_names_that_begin_with_bert_are_the_same(void **state)
{
	float a[D], b[D];
	char path[128];
	uint64_t n;
	struct buf file = {0}, named = {0};
	(void)state;
	vec_of("", KERN_REF, 0, 1, a);
	snprintf(path, sizeof path, "%s/model.safetensors", dir);
	assert_int_equal(io_read_file(&file, path, 1 << 20, NULL), 0);
	memcpy(&n, file.data, 8);
	buf_zeros(&named, 8);
	for (size_t i = 8; i < 8 + n; i++) {
		buf_putc(&named, file.data[i]);
		if (file.data[i] == '"' && (!memcmp(file.data + i + 1, "embeddings.", 11) || !memcmp(file.data + i + 1, "encoder.", 8)))
			buf_puts(&named, "bert.");
	}
	buf_add(&named, file.data + 8 + n, file.len - 8 - n);
	n += named.len - file.len;		/* the header alone has grown */
	memcpy(named.data, &n, 8);
	write_file("model.safetensors", &named);
	vec_of("", KERN_REF, 0, 1, b);
	write_file("model.safetensors", &file);
	assert_memory_equal(a, b, sizeof a);
	buf_release(&file);
	buf_release(&named);
}

static void pooling_of_nothing_is_nothing(void **state)
{
	static const float zero[2 * D] = { 0 };
	float out[D];
	int8_t code[D];
	(void)state;
	pooling_vec(POOL_MEAN, zero, 2, D, out);
	assert_memory_equal(out, zero, sizeof out);
	assert_true(pooling_i8(out, D, code) == 0);
	for (size_t i = 0; i < D; i++)
		assert_int_equal(code[i], 0);
}

static void bert_open_a_long_prompt_is_refused(void **state)
{
	static const char *const name = "config_sentence_transformers.json";
	char path[128];
	struct bert *b;
	struct err e = {0};
	struct buf json = {0};
	(void)state;
	for (int i = 0; i < 3; i++) {
		buf_clear(&json);
		buf_printf(&json, "{\"prompts\":{\"%s\":\"%0*d\"}}", i == 0 ? "query" : i == 1 ? "document" : "passage", BERT_TEXT + 1, 0);
		write_file(name, &json);
		assert_int_equal(bert_open(&b, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), ERR_LIMIT);
		assert_non_null(strstr(e.msg, "prompt is longer than 4096 bytes"));
	}
	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
	buf_release(&json);
}

static void replace_model(void)
{
	put_config("{\"num_attention_heads\":1}");
}

/* The pack would be kept under the name of a model that it was not made of. */
static void bert_open_a_model_that_is_replaced_meanwhile_is_refused(void **state)
{
	float a[D], b[D];
	char cache[64];
	struct bert *m;
	struct err e = {0};
	(void)state;
	vec_of("", KERN_REF, 0, 1, a);
	snprintf(cache, sizeof cache, "%s/cache", dir);
	setenv("XDG_CACHE_HOME", cache, 1);
	before_build = replace_model;
	assert_int_equal(bert_open(&m, dir, "tiny", kern_bert_level(KERN_REF), NULL, &e), ERR_CHECKSUM);
	before_build = NULL;
	put_config(CONFIG);
	vec_of("", KERN_REF, 0, 1, b);
	assert_memory_equal(a, b, sizeof a);
	setenv("XDG_CACHE_HOME", dir, 1);
}

static void forward_run_any_batch_and_level_gives_the_same_vector(void **state)
{
	float a[D], b[D];
	(void)state;
	vec_of("", KERN_REF, 0, 1, a);
	vec_of("", KERN_REF, 7, 30, b);
	assert_memory_equal(a, b, sizeof a);
	for (int level = KERN_AVX2; level <= KERN_VNNI; level++)
		if (kern_bert_level((enum kern_level)level)) {
			vec_of("", (enum kern_level)level, 3, 5, b);
			assert_memory_equal(a, b, sizeof a);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bert_open_gguf_and_folder_give_the_same_vector),
		cmocka_unit_test(bert_open_unknown_pooling_is_refused),
		cmocka_unit_test(bert_open_names_the_model_without_its_place),
		cmocka_unit_test(bert_open_a_damaged_configuration_is_refused),
		cmocka_unit_test(bert_open_pooling_of_a_folder_is_as_it_says_or_refused),
		cmocka_unit_test(bert_open_reads_no_further_than_there_are_positions),
		cmocka_unit_test(bert_open_what_it_cannot_run_is_refused),
		cmocka_unit_test(weights_open_shapes_that_contradict_each_other_are_refused),
		cmocka_unit_test(bert_open_a_pack_that_is_not_the_models_is_made_again),
		cmocka_unit_test(bert_open_every_file_that_counts_is_part_of_the_id),
		cmocka_unit_test(bert_open_names_that_begin_with_bert_are_the_same),
		cmocka_unit_test(pooling_of_nothing_is_nothing),
		cmocka_unit_test(bert_open_a_long_prompt_is_refused),
		cmocka_unit_test(bert_open_a_model_that_is_replaced_meanwhile_is_refused),
		cmocka_unit_test(forward_run_any_batch_and_level_gives_the_same_vector),
	};
	return cmocka_run_group_tests(tests, make_models, remove_models);
}
