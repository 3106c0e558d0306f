/* SPDX-License-Identifier: Apache-2.0
 *
 * arch: keys are "<architecture>.<rest>", as the GGUF specification lists them. What a file may leave out gets the value that
 * its family's converters assume; what changes the arithmetic and is not handled is refused, never ignored.
 */
#include "generate/arch.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/hash.h"

struct keys {
	const struct gguf *g;
	const char *arch;
	char key[96];
};

static const char *key(struct keys *k, const char *rest)
{
	snprintf(k->key, sizeof k->key, "%s.%s", k->arch, rest);
	return k->key;
}

static int bad(struct keys *k, const char *rest, const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s': %s '%s'", gguf_path(k->g), what, key(k, rest));
}

/* As gguf_absent, for k->key. */
static int absent(const struct keys *k, const char *what, struct err *e)
{
	return gguf_absent(k->g, k->key, what, e) ? err_wrap(e, "'%s'", gguf_path(k->g)) : 0;
}

/* A number in lo..hi; `dflt` (0 = required) when absent, but not when of another type. */
static int size_of(struct keys *k, const char *rest, uint64_t lo, uint64_t hi, uint64_t dflt, size_t *out, struct err *e)
{
	uint64_t v = dflt;
	struct gguf_array a;
	if (gguf_array(k->g, key(k, rest), &a))
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': '%s' differs between layers", gguf_path(k->g), k->key);
	if (!gguf_u64(k->g, key(k, rest), &v) && (!dflt || gguf_has(k->g, k->key)))
		return bad(k, rest, "missing or not a whole number:", e);
	if (v < lo || v > hi)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s': '%s' is %llu, not within %llu..%llu", gguf_path(k->g), key(k, rest),
			(unsigned long long)v, (unsigned long long)lo, (unsigned long long)hi);
	*out = (size_t)v;
	return 0;
}

static int real_of(struct keys *k, const char *rest, double lo, double hi, double dflt, float *out, struct err *e)
{
	double v = dflt;
	if (!gguf_f64(k->g, key(k, rest), &v) && (isnan(dflt) || gguf_has(k->g, k->key)))
		return bad(k, rest, "missing or not a number:", e);
	if (!(v >= lo && v <= hi))
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s': '%s' is %g, not within %g..%g", gguf_path(k->g), key(k, rest), v, lo, hi);
	*out = (float)v;
	return 0;
}

/* Biases that the kind doesn't have: there are other families whose files call themselves llama (Granite). */
static int refuse_biases(const struct arch *a, const struct gguf *g, struct err *e)
{
	static const char *const known[] = { ".attn_q.bias", ".attn_k.bias", ".attn_v.bias" };
	for (size_t i = 0; i < gguf_n_tensor(g); i++) {
		const char *name = gguf_tensor_at(g, i)->name, *end = strrchr(name, '.');
		bool is_bias = end && !strcmp(end, ".bias");
		for (size_t k = 0; k < sizeof known / sizeof *known && a->has_qkv_bias; k++)
			is_bias = is_bias && !strstr(name, known[k]);
		if (is_bias)
			return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': a tensor '%s' is not supported", gguf_path(g), name);
	}
	return 0;
}

/* Refuses features that would change the arithmetic. */
static int refuse(struct keys *k, struct err *e)
{
	static const char *const off[] = { "attn_logit_softcapping", "final_logit_softcapping", "expert_count", "attention.clamp_kqv",
		"attention.max_alibi_bias", "logit_scale", "residual_scale", "embedding_scale", "attention.scale" };
	for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
		double v = 0;
		if (!gguf_f64(k->g, key(k, off[i]), &v) && absent(k, "a number", e))
			return ERR_FORMAT;
		if (v != 0)
			return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': '%s' is not supported", gguf_path(k->g), k->key);
	}
	struct gguf_str s;
	if (!gguf_str(k->g, key(k, "rope.scaling.type"), &s))
		return absent(k, "a string", e);
	if (!gguf_str_is(s, "none") && !gguf_str_is(s, "linear"))
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': rope scaling '%.*s' is not supported", gguf_path(k->g),
			(int)(s.n < 20 ? s.n : 20), s.s);
	return 0;
}

static int read_rope(struct arch *a, struct keys *k, struct err *e)
{
	float factor = 1;
	struct gguf_str type;
	int rc = real_of(k, "rope.freq_base", 1, 1e12, 10000, &a->rope_base, e);
	if (!rc)
		rc = size_of(k, "rope.dimension_count", 2, a->d_head, a->d_head, &a->n_rot, e);
	if (!rc && a->n_rot % 2)
		rc = bad(k, "rope.dimension_count", "odd:", e);
	if (!rc)	/* the name of 2023 */
		rc = real_of(k, "rope.scale_linear", 0.001, 1e6, 1, &factor, e);
	if (!rc)
		rc = real_of(k, "rope.scaling.factor", 0.001, 1e6, (double)factor, &factor, e);
	if (gguf_str(k->g, key(k, "rope.scaling.type"), &type) && gguf_str_is(type, "none"))
		factor = 1;
	a->rope_scale = 1.0f / factor;
	a->rope_base_local = a->rope_base;
	return rc;
}

static int read_gemma(struct arch *a, struct keys *k, struct err *e)
{
	a->embd_scale = sqrtf((float)a->d_model);
	if (a->n_layer == 62)	/* the 27B, whose files have no key for it */
		a->attn_scale = 1.0f / sqrtf((float)(a->d_model / a->n_head));
	int rc = size_of(k, "attention.sliding_window", 1, ARCH_MAX_CTX, 4096, &a->window, e);
	if (!rc)
		rc = size_of(k, "attention.sliding_window_pattern", 1, ARCH_MAX_LAYER, 6, &a->window_period, e);
	if (!rc)
		rc = real_of(k, "rope.freq_base_swa", 1, 1e12, 10000, &a->rope_base_local, e);
	return rc;
}

static int read_sizes(struct arch *a, struct keys *k, struct err *e)
{
	size_t d_value;
	int rc = size_of(k, "block_count", 1, ARCH_MAX_LAYER, 0, &a->n_layer, e);
	if (!rc)
		rc = size_of(k, "embedding_length", 32, ARCH_MAX_DIM, 0, &a->d_model, e);
	if (!rc)
		rc = size_of(k, "feed_forward_length", 32, ARCH_MAX_DIM, 0, &a->d_ff, e);
	if (!rc)
		rc = size_of(k, "attention.head_count", 1, ARCH_MAX_HEAD, 0, &a->n_head, e);
	if (!rc)
		rc = size_of(k, "attention.head_count_kv", 1, a->n_head, a->n_head, &a->n_head_kv, e);
	if (!rc && a->n_head % a->n_head_kv)
		rc = bad(k, "attention.head_count_kv", "does not divide the number of heads:", e);
	if (!rc)
		rc = size_of(k, "attention.key_length", 32, ARCH_MAX_D_HEAD, a->d_model / a->n_head, &a->d_head, e);
	if (!rc)
		rc = size_of(k, "attention.value_length", a->d_head, a->d_head, a->d_head, &d_value, e);
	if (!rc && (a->d_head % 32 || a->d_head > ARCH_MAX_D_HEAD || a->d_model % 32 || a->d_ff % 32))
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': heads of %zu, model %zu, feed-forward %zu: not multiples of 32",
			gguf_path(k->g), a->d_head, a->d_model, a->d_ff);
	if (!rc)
		rc = size_of(k, "context_length", 1, ARCH_MAX_CTX, 0, &a->n_ctx, e);
	if (!rc)
		rc = real_of(k, "attention.layer_norm_rms_epsilon", 0, 0.1, NAN, &a->rms_eps, e);
	return rc;
}

static void set_kind(struct arch *a, enum arch_kind kind)
{
	a->kind = kind;
	a->is_neox = kind != ARCH_LLAMA;
	a->has_qkv_bias = kind == ARCH_QWEN2;
	a->has_norms = a->is_gelu = kind == ARCH_GEMMA3;
}

int arch_from_gguf(struct arch *a, const struct gguf *g, struct err *e)
{
	static const char *const names[] = { "llama", "qwen2", "gemma3" };
	*a = (struct arch){ .embd_scale = 1 };
	struct keys k = { .g = g };
	struct gguf_str s;
	uint64_t n_part = 1;
	if (!gguf_u64(g, "split.count", &n_part) && gguf_absent(g, "split.count", "a whole number", e))
		return err_wrap(e, "'%s'", gguf_path(g));
	if (n_part > 1)	/* the tensors that are missing here would be told only after packing */
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s' is one of %llu parts of a model, which have to be made one file first "
			"(llama-gguf-split --merge)", gguf_path(g), (unsigned long long)n_part);
	if (!gguf_str(g, "general.architecture", &s))
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s': no 'general.architecture'", gguf_path(g));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (gguf_str_is(s, names[i])) {
			k.arch = names[i];
			a->kind = (enum arch_kind)i;
		}
	if (!k.arch)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': architecture '%.*s' is not supported (llama, qwen2 and gemma3 are)",
			gguf_path(g), (int)(s.n < 40 ? s.n : 40), s.s);
	const struct tensor *embd = gguf_tensor(g, "token_embd.weight");
	if (!embd || embd->n_dim != 2 || embd->ne[1] > ARCH_MAX_VOCAB)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s': no usable 'token_embd.weight'", gguf_path(g));
	a->n_vocab = (size_t)embd->ne[1];
	int rc = refuse(&k, e);
	if (!rc)
		rc = read_sizes(a, &k, e);
	if (!rc)
		rc = read_rope(a, &k, e);
	a->attn_scale = 1.0f / sqrtf((float)a->d_head);
	set_kind(a, a->kind);
	if (!rc)
		rc = refuse_biases(a, g, e);
	if (!rc && a->kind == ARCH_GEMMA3)
		rc = read_gemma(a, &k, e);
	return rc;
}

/* ---- in the pack: version, the fields in order, XXH3 of all that ---- */

#define ARCH_FORMAT 1
#define N_SIZE 14
#define N_REAL 6

/* The last three are room for more. */
static void sizes(struct arch *a, size_t *f[N_SIZE])
{
	size_t *all[N_SIZE] = { &a->n_layer, &a->n_head, &a->n_head_kv, &a->d_head, &a->d_model, &a->d_ff, &a->n_vocab, &a->n_ctx,
		&a->n_rot, &a->window, &a->window_period, NULL, NULL, NULL };
	memcpy(f, all, sizeof all);
}

static void reals(struct arch *a, float *f[N_REAL])
{
	float *all[N_REAL] = { &a->rope_base, &a->rope_scale, &a->rope_base_local, &a->rms_eps, &a->attn_scale, &a->embd_scale };
	memcpy(f, all, sizeof all);
}

int arch_save(const struct arch *a, struct buf *out)
{
	struct arch t = *a;
	size_t *f[N_SIZE], from = out->len;
	float *r[N_REAL];
	sizes(&t, f);
	reals(&t, r);
	buf_u32(out, ARCH_FORMAT);
	buf_u32(out, (uint32_t)a->kind);
	for (int i = 0; i < N_SIZE; i++)
		buf_u64(out, f[i] ? *f[i] : 0);
	for (int i = 0; i < N_REAL; i++) {
		uint32_t bits;
		memcpy(&bits, r[i], sizeof bits);
		buf_u32(out, bits);
	}
	if (!out->failed)
		buf_u64(out, hash_xxh64(out->data + from, out->len - from));
	return out->failed;
}

static bool is_sound(const struct arch *a)
{
	return a->n_layer - 1 < ARCH_MAX_LAYER && a->n_head - 1 < ARCH_MAX_HEAD && a->n_head_kv - 1 < a->n_head &&
		a->n_head % a->n_head_kv == 0 && a->d_head - 32 <= ARCH_MAX_D_HEAD - 32 && a->d_head % 32 == 0 &&
		a->d_model - 32 <= ARCH_MAX_DIM - 32 && a->d_model % 32 == 0 && a->d_ff - 32 <= ARCH_MAX_DIM - 32 && a->d_ff % 32 == 0 &&
		a->n_vocab - 1 < ARCH_MAX_VOCAB && a->n_ctx - 1 < ARCH_MAX_CTX && a->n_rot - 2 <= a->d_head - 2 && a->n_rot % 2 == 0 &&
		a->window <= ARCH_MAX_CTX && (a->window == 0 || a->window_period > 0);
}

int arch_load(struct arch *a, const void *p, size_t n, struct err *e)
{
	struct cursor c = cursor_of(p, n);
	*a = (struct arch){ 0 };
	uint32_t version = cursor_u32(&c), kind = cursor_u32(&c);
	if (cursor_ok(&c) && version != ARCH_FORMAT)
		return err_set(e, ERR_VERSION, ERR_NO_OFFSET, "hyper-parameters of format %u", (unsigned)version);
	size_t *f[N_SIZE];
	float *r[N_REAL];
	sizes(a, f);
	reals(a, r);
	for (int i = 0; i < N_SIZE; i++) {
		uint64_t v = cursor_u64(&c);
		if (f[i])
			*f[i] = (size_t)v;
	}
	for (int i = 0; i < N_REAL; i++)
		*r[i] = cursor_f32(&c);
	size_t len = c.at;
	if (!cursor_ok(&c) || cursor_u64(&c) != hash_xxh64(p, len) || !cursor_ok(&c) || kind > ARCH_GEMMA3 || !is_sound(a))
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "damaged hyper-parameters");
	set_kind(a, (enum arch_kind)kind);
	return 0;
}

bool arch_is_windowed(const struct arch *a, size_t l)
{
	return a->window && (l + 1) % a->window_period != 0;
}
