/* SPDX-License-Identifier: Apache-2.0
 *
 * tiny: writes GGUF files for tests: a model of a few hundred kilobytes with random weights in many formats and a byte-level
 * tokenizer, so that everything above the kernels runs without a download.
 *
 *	struct tiny t = { .arch = "qwen2", .seed = 7 };
 *	struct buf b = {0};  tiny_write(&t, &b);		// or change `t` first: kv overrides, a missing key
 */
#ifndef TT_TESTS_TINY_H
#define TT_TESTS_TINY_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/utf8.h"
#include "lib/kern/quant.h"

enum { TINY_D = 256, TINY_FF = 512, TINY_HEAD = 8, TINY_KV = 2, TINY_LAYER = 3, TINY_CTX = 4096, TINY_VOCAB = 300 };

struct tiny {
	const char *arch;	/* "llama", "qwen2", "gemma3" */
	uint64_t seed;
	const char *template;	/* NULL = no chat template */
	const char *drop;	/* key (without "<arch>.") to leave out */
	const char *set;	/* key to give another value: u32 `set_u` unless it is a float key, then `set_f` */
	uint32_t set_u;
	float set_f;
	const char *as_str, *as_arr;	/* keys to write as a string, as an array of two numbers */
	const char *drop_tensor;	/* name of a tensor to leave out */
	const char *add_tensor;		/* name of one to put in, */
	uint64_t add_cols, add_rows;	/* of this shape; 0 = 4,096, a vector */
	const char *rope_key, *rope_type;	/* one more key, of the value rope_f; rope.scaling.type */
	float rope_f;
	unsigned eos, eot;		/* tokens that end a text, where they are others than <|im_end|> and none */
	unsigned n_token;		/* tokens, where they are fewer than embeddings; 0 = as many */
	const char *say;		/* the last token, where it is no pair */
	uint32_t n_layer;	/* what the file says; 0 = as many as it has */
	uint32_t n_part;	/* files that it says to be one of; 0 = does not say */
	/* private */
	struct buf kv, info, data;
	uint64_t n_kv, n_tensor;
};

static inline uint64_t tiny_rand(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static inline void tiny_str(struct buf *b, const char *s, size_t n)
{
	buf_u64(b, n);
	buf_add(b, s, n);
}

static inline void tiny_key(struct tiny *t, const char *key, uint32_t type)
{
	tiny_str(&t->kv, key, strlen(key));
	buf_u32(&t->kv, type);
	t->n_kv++;
}

/* Writes the key as another type, if this is asked for. */
static inline int tiny_other(struct tiny *t, const char *key, const char *rest)
{
	int is_arr = t->as_arr && !strcmp(rest, t->as_arr);
	if (!is_arr && !(t->as_str && !strcmp(rest, t->as_str)))
		return 0;
	tiny_key(t, key, is_arr ? 9 : 8);
	if (is_arr)
		buf_u32(&t->kv, 4);
	buf_u64(&t->kv, is_arr ? 2 : 1);
	buf_add(&t->kv, is_arr ? "\1\0\0\0\1\0\0\0" : "1", is_arr ? 8 : 1);
	return 1;
}

static inline void tiny_u32(struct tiny *t, const char *rest, uint32_t v)
{
	char key[96];
	snprintf(key, sizeof key, "%s.%s", t->arch, rest);
	if ((t->drop && !strcmp(rest, t->drop)) || tiny_other(t, key, rest))
		return;
	tiny_key(t, key, 4);
	buf_u32(&t->kv, t->set && !strcmp(rest, t->set) ? t->set_u : v);
}

static inline void tiny_f32(struct tiny *t, const char *rest, float v)
{
	char key[96];
	uint32_t bits;
	snprintf(key, sizeof key, "%s.%s", t->arch, rest);
	if ((t->drop && !strcmp(rest, t->drop)) || tiny_other(t, key, rest))
		return;
	if (t->set && !strcmp(rest, t->set))
		v = t->set_f;
	memcpy(&bits, &v, 4);
	tiny_key(t, key, 6);
	buf_u32(&t->kv, bits);
}

/* Random bytes of a row in format `type`, with scales that keep weights near +-0.1. */
static inline void tiny_weights(struct buf *b, enum quant_type type, size_t n, uint64_t *seed, float center)
{
	const struct quant_info *q = quant_info(type);
	size_t blocks = n / q->n_block;
	for (size_t i = 0; i < blocks; i++) {
		if (type == QUANT_F32) {
			float v = center + ((float)(tiny_rand(seed) % 2001) - 1000.0f) * 1e-4f;
			buf_add(b, &v, 4);
			continue;
		}
		unsigned char blk[512];
		for (uint32_t j = 0; j < q->block_len; j++)
			blk[j] = (unsigned char)tiny_rand(seed);
		float d = type == QUANT_Q8_0 ? 0.001f : type == QUANT_Q4_0 || type == QUANT_Q5_0 ? 0.01f : type == QUANT_Q6_K ? 0.00003f : 0.0003f;
		uint16_t h = quant_to_f16(d * (0.5f + (float)(tiny_rand(seed) % 100) * 0.01f)), m = quant_to_f16(d);
		if (type == QUANT_F16)
			h = quant_to_f16(((float)(tiny_rand(seed) % 2001) - 1000.0f) * 1e-4f);
		if (type == QUANT_Q6_K) {
			memcpy(blk + 208, &h, 2);
		} else {
			memcpy(blk, &h, 2);
			if (type == QUANT_Q4_K || type == QUANT_Q5_K || type == QUANT_Q4_1 || type == QUANT_Q5_1)
				memcpy(blk + 2, &m, 2);
		}
		buf_add(b, blk, q->block_len);
	}
}

static inline void tiny_tensor(struct tiny *t, const char *name, enum quant_type type, uint64_t n0, uint64_t n1, float center)
{
	if (t->drop_tensor && !strcmp(name, t->drop_tensor))
		return;
	tiny_str(&t->info, name, strlen(name));
	buf_u32(&t->info, n1 ? 2 : 1);
	buf_u64(&t->info, n0);
	if (n1)
		buf_u64(&t->info, n1);
	buf_u32(&t->info, type);
	buf_u64(&t->info, t->data.len);
	tiny_weights(&t->data, type, n0 * (n1 ? n1 : 1), &t->seed, center);
	buf_align(&t->data, 32);
	t->n_tensor++;
}

/* Byte b as GPT-2's vocabulary writes it. */
static inline size_t tiny_byte(unsigned b, char out[4])
{
	unsigned cp = b;
	if (!((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174)) {
		unsigned n = 0;
		for (unsigned i = 0; i < b; i++)
			n += !((i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174);
		cp = 256 + n;
	}
	return utf8_encode(cp, out);
}

/* 256 bytes, four control tokens, and pairs "aa", "ab"... up to TINY_VOCAB. */
static inline void tiny_tokenizer(struct tiny *t)
{
	static const char *const control[] = { "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>" };
	unsigned n = t->n_token ? t->n_token : TINY_VOCAB;
	tiny_key(t, "tokenizer.ggml.model", 8);
	tiny_str(&t->kv, "gpt2", 4);
	tiny_key(t, "tokenizer.ggml.pre", 8);
	tiny_str(&t->kv, "qwen2", 5);
	tiny_key(t, "tokenizer.ggml.tokens", 9);
	buf_u32(&t->kv, 8);
	buf_u64(&t->kv, n);
	for (unsigned i = 0; i < n; i++) {
		char s[8];
		if (i < 256)
			tiny_str(&t->kv, s, tiny_byte(i, s));
		else if (i < 260)
			tiny_str(&t->kv, control[i - 256], strlen(control[i - 256]));
		else if (t->say && i == n - 1)
			tiny_str(&t->kv, t->say, strlen(t->say));
		else {
			s[0] = (char)('a' + (i - 260) / 26);
			s[1] = (char)('a' + (i - 260) % 26);
			tiny_str(&t->kv, s, 2);
		}
	}
	tiny_key(t, "tokenizer.ggml.token_type", 9);
	buf_u32(&t->kv, 5);
	buf_u64(&t->kv, n);
	for (unsigned i = 0; i < n; i++)
		buf_u32(&t->kv, i >= 256 && i < 260 ? 3 : 1);
	tiny_key(t, "tokenizer.ggml.merges", 9);
	buf_u32(&t->kv, 8);
	buf_u64(&t->kv, n - 260);
	for (unsigned i = 260; i < n; i++) {
		char s[3] = { (char)('a' + (i - 260) / 26), ' ', (char)('a' + (i - 260) % 26) };
		tiny_str(&t->kv, s, 3);
	}
	tiny_key(t, "tokenizer.ggml.eos_token_id", 4);
	buf_u32(&t->kv, t->eos ? t->eos : 258);
	if (t->eot) {
		tiny_key(t, "tokenizer.ggml.eot_token_id", 4);
		buf_u32(&t->kv, t->eot);
	}
	tiny_key(t, "tokenizer.ggml.bos_token_id", 4);
	buf_u32(&t->kv, 256);
	tiny_key(t, "tokenizer.ggml.add_bos_token", 7);
	buf_putc(&t->kv, 0);
	if (t->template) {
		tiny_key(t, "tokenizer.chat_template", 8);
		tiny_str(&t->kv, t->template, strlen(t->template));
	}
}

static inline void tiny_layer(struct tiny *t, unsigned l)
{
	static const enum quant_type types[] = { QUANT_Q4_K, QUANT_Q6_K, QUANT_Q5_0, QUANT_Q8_0, QUANT_Q4_1, QUANT_Q4_0, QUANT_Q5_K, QUANT_F16 };
	int gemma = !strcmp(t->arch, "gemma3");
	uint64_t dq = TINY_HEAD * 32, dkv = TINY_KV * 32;
	unsigned k = l;
	char name[64];
#define N(x) (snprintf(name, sizeof name, "blk.%u.%s", l, x), name)
#define TYPE types[k++ % 8]
	tiny_tensor(t, N("attn_norm.weight"), QUANT_F32, TINY_D, 0, 1);
	tiny_tensor(t, N("attn_q.weight"), TYPE, TINY_D, dq, 0);
	tiny_tensor(t, N("attn_k.weight"), TYPE, TINY_D, dkv, 0);
	tiny_tensor(t, N("attn_v.weight"), TYPE, TINY_D, dkv, 0);
	tiny_tensor(t, N("attn_output.weight"), TYPE, dq, TINY_D, 0);
	tiny_tensor(t, N("ffn_norm.weight"), QUANT_F32, TINY_D, 0, 1);
	tiny_tensor(t, N("ffn_gate.weight"), TYPE, TINY_D, TINY_FF, 0);
	tiny_tensor(t, N("ffn_up.weight"), TYPE, TINY_D, TINY_FF, 0);
	tiny_tensor(t, N("ffn_down.weight"), TYPE, TINY_FF, TINY_D, 0);
	if (!strcmp(t->arch, "qwen2")) {
		tiny_tensor(t, N("attn_q.bias"), QUANT_F32, dq, 0, 0.5f);
		tiny_tensor(t, N("attn_k.bias"), QUANT_F32, dkv, 0, 3);
		tiny_tensor(t, N("attn_v.bias"), QUANT_F32, dkv, 0, 0);
	}
	if (gemma) {
		tiny_tensor(t, N("attn_q_norm.weight"), QUANT_F32, 32, 0, 1);
		tiny_tensor(t, N("attn_k_norm.weight"), QUANT_F32, 32, 0, 1);
		tiny_tensor(t, N("post_attention_norm.weight"), QUANT_F32, TINY_D, 0, 1);
		tiny_tensor(t, N("post_ffw_norm.weight"), QUANT_F32, TINY_D, 0, 1);
	}
#undef N
#undef TYPE
}

/* Appends the whole file to `out`. */
static inline void tiny_write(struct tiny *t, struct buf *out)
{
	t->kv = t->info = t->data = (struct buf){ 0 };
	t->n_kv = t->n_tensor = 0;
	t->seed = t->seed * 2 + 1;
	tiny_key(t, "general.architecture", 8);
	tiny_str(&t->kv, t->arch, strlen(t->arch));
	if (t->n_part) {
		tiny_key(t, "split.count", 4);
		buf_u32(&t->kv, t->n_part);
	}
	tiny_u32(t, "block_count", t->n_layer ? t->n_layer : TINY_LAYER);
	tiny_u32(t, "context_length", TINY_CTX);
	tiny_u32(t, "embedding_length", TINY_D);
	tiny_u32(t, "feed_forward_length", TINY_FF);
	tiny_u32(t, "attention.head_count", TINY_HEAD);
	tiny_u32(t, "attention.head_count_kv", TINY_KV);
	tiny_u32(t, "attention.key_length", 32);
	tiny_u32(t, "attention.value_length", 32);
	tiny_f32(t, "attention.layer_norm_rms_epsilon", 1e-6f);
	tiny_f32(t, "rope.freq_base", 10000);
	tiny_u32(t, "rope.dimension_count", 32);
	if (t->rope_key)
		tiny_f32(t, t->rope_key, t->rope_f);
	if (t->rope_type) {
		char key[96];
		snprintf(key, sizeof key, "%s.rope.scaling.type", t->arch);
		tiny_key(t, key, 8);
		tiny_str(&t->kv, t->rope_type, strlen(t->rope_type));
	}
	if (!strcmp(t->arch, "gemma3")) {
		tiny_u32(t, "attention.sliding_window", 64);
		tiny_u32(t, "attention.sliding_window_pattern", 2);
	}
	tiny_tokenizer(t);
	tiny_tensor(t, "token_embd.weight", QUANT_Q8_0, TINY_D, TINY_VOCAB, 0);
	for (unsigned l = 0; l < TINY_LAYER; l++)
		tiny_layer(t, l);
	tiny_tensor(t, "output_norm.weight", QUANT_F32, TINY_D, 0, 1);
	if (!strcmp(t->arch, "qwen2"))
		tiny_tensor(t, "output.weight", QUANT_Q6_K, TINY_D, TINY_VOCAB, 0);
	t->drop_tensor = NULL;		/* the name may be one to put in again */
	if (t->add_tensor)
		tiny_tensor(t, t->add_tensor, QUANT_F32, t->add_cols ? t->add_cols : 4096, t->add_rows, 0);
	buf_add(out, "GGUF", 4);
	buf_u32(out, 3);
	buf_u64(out, t->n_tensor);
	buf_u64(out, t->n_kv);
	buf_add(out, t->kv.data, t->kv.len);
	buf_add(out, t->info.data, t->info.len);
	buf_align(out, 32);
	buf_add(out, t->data.data, t->data.len);
	buf_release(&t->kv);
	buf_release(&t->info);
	buf_release(&t->data);
}

#endif
