/* SPDX-License-Identifier: Apache-2.0
 *
 * weights: two containers, one set of names. What a folder's files do not say is read off the shapes: layers are counted, the
 * feed-forward width is the number of rows of its matrix; d_head is 32 for width 384 (every such model published: MiniLM, bge-small,
 * e5-small) and 64 otherwise, unless config.json has num_attention_heads.
 */
#include "embed/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/json.h"
#include "lib/kern/bert.h"
#include "lib/model/gguf.h"
#include "lib/model/safetensors.h"

#define JSON_MAX (1u << 20)

static const struct { const char *hf, *gguf; } NAMES[] = {
	[W_TOKEN] = { "embeddings.word_embeddings", "token_embd" },
	[W_POSITION] = { "embeddings.position_embeddings", "position_embd" },
	[W_TYPE] = { "embeddings.token_type_embeddings", "token_types" },
	[W_NORM] = { "embeddings.LayerNorm", "token_embd_norm" },
	[W_Q] = { "attention.self.query", "attn_q" },
	[W_K] = { "attention.self.key", "attn_k" },
	[W_V] = { "attention.self.value", "attn_v" },
	[W_O] = { "attention.output.dense", "attn_output" },
	[W_NORM_ATT] = { "attention.output.LayerNorm", "attn_output_norm" },
	[W_UP] = { "intermediate.dense", "ffn_up" },
	[W_DOWN] = { "output.dense", "ffn_down" },
	[W_NORM_OUT] = { "output.LayerNorm", "layer_output_norm" },
};

static const struct tensor *find(const struct weights *w, enum weight which, const char *part, size_t layer, char *name, size_t n)
{
	if (which < W_Q)
		snprintf(name, n, "%s%s.%s", w->prefix, w->g ? NAMES[which].gguf : NAMES[which].hf, part);
	else if (w->g)
		snprintf(name, n, "blk.%zu.%s.%s", layer, NAMES[which].gguf, part);
	else
		snprintf(name, n, "%sencoder.layer.%zu.%s.%s", w->prefix, layer, NAMES[which].hf, part);
	return w->g ? gguf_tensor(w->g, name) : safetensors_tensor(w->s, name);
}

static int check_shape(const struct tensor *t, const char *name, size_t n_row, size_t n_col, struct err *e)
{
	if (!t)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "no tensor '%s'", name);
	if (t->ne[0] != n_col || t->ne[1] != n_row || t->ne[2] != 1 || t->ne[3] != 1)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tensor '%s' is not %zu x %zu", name, n_row, n_col);
	return 0;
}

int weights_get(const struct weights *w, enum weight which, const char *part, size_t layer, size_t n_row, size_t n_col, float *y,
	struct err *e)
{
	char name[128];
	const struct tensor *t = find(w, which, part, layer, name, sizeof name);
	if (!t && !strcmp(part, "bias") && which >= W_Q && which != W_NORM_ATT && which != W_NORM_OUT) {
		memset(y, 0, n_col * sizeof *y);
		return 0;
	}
	int bad = check_shape(t, name, n_row, n_col, e);
	if (bad)
		return bad;
	const struct quant_info *q = quant_info(t->type);
	if (!q || n_col % q->n_block)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "tensor '%s' is of a type that is not supported", name);
	for (size_t r = 0; r < n_row; r++)
		quant_row(t->type, (const char *)t->data + r * (n_col / q->n_block * q->block_len), n_col, y + r * n_col);
	for (size_t i = 0; i < n_row * n_col; i++)
		if (!(fabsf(y[i]) < 1e6f))
			return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tensor '%s' holds a senseless value", name);
	return 0;
}

/* ---- numbers ---- */

int hyper_check(const struct hyper *h, struct err *e)
{
	if (!h->n_layer || h->n_layer > 256 || !h->d_model || h->d_model > 8192 || !h->d_ff || h->d_ff > 65536 || !h->n_vocab ||
	    h->n_vocab > 1u << 22 || h->max_tok < 3 || h->max_tok > h->n_pos || h->max_tok > HYPER_MAX_TOK || h->n_pos > 1u << 20)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "the model's dimensions make no sense");
	if (!(h->eps > 0) || h->eps > 1)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "the LayerNorm epsilon makes no sense");
	if (!h->n_head || h->d_model % 16 || h->d_ff % 16 || h->d_model % h->n_head || h->d_model / h->n_head % 16 ||
	    h->d_model / h->n_head > BERT_MAX_HEAD)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "width %u with %u heads and feed-forward width %u: only multiples of 16, "
			"heads of at most %d, are supported", h->d_model, h->n_head, h->d_ff, BERT_MAX_HEAD);
	if (h->pooling != POOL_MEAN && h->pooling != POOL_CLS)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "pooling of type %u is not supported (only mean and cls)", h->pooling);
	return 0;
}

/* What the tensors themselves tell. */
static int from_shapes(struct weights *w, struct err *e)
{
	char name[128];
	struct hyper *h = &w->hyper;
	const struct tensor *tok = find(w, W_TOKEN, "weight", 0, name, sizeof name), *pos = find(w, W_POSITION, "weight", 0, name, sizeof name);
	const struct tensor *up = find(w, W_UP, "weight", 0, name, sizeof name);
	if (!tok || !pos || !up)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "not a BERT encoder: no tensor for its %s",
			!tok ? "words" : !pos ? "positions" : "feed-forward layer");
	if (tok->ne[0] > 8192 || tok->ne[1] > 1u << 22 || pos->ne[1] > 1u << 20 || up->ne[1] > 65536)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "the model's dimensions make no sense");
	h->d_model = (uint32_t)tok->ne[0];
	h->n_vocab = (uint32_t)tok->ne[1];
	h->n_pos = (uint32_t)pos->ne[1];
	h->d_ff = (uint32_t)up->ne[1];
	while (h->n_layer < 256 && find(w, W_Q, "weight", h->n_layer, name, sizeof name))
		h->n_layer++;
	return 0;
}

/* The tensors that most of a pack's memory is taken for are as large as the numbers say: what they belie must not ask for more than the
 * file holds. */
static int check_shapes(const struct weights *w, struct err *e)
{
	const struct hyper *h = &w->hyper;
	const struct { enum weight which; size_t n_layer, n_row; } large[] = { { W_POSITION, 1, h->n_pos }, { W_Q, h->n_layer, h->d_model },
		{ W_UP, h->n_layer, h->d_ff } };
	char name[128];
	for (size_t i = 0; i < sizeof large / sizeof *large; i++)
		for (size_t l = 0; l < large[i].n_layer; l++) {
			const struct tensor *t = find(w, large[i].which, "weight", l, name, sizeof name);
			int r = check_shape(t, name, large[i].n_row, h->d_model, e);
			if (r)
				return r;
		}
	return 0;
}

/* ---- a folder ---- */

/* Reads the JSON file dir/name; *out is NULL if there is none. Caller: json_decref. */
static int load_json(json_t **out, const char *dir, const char *name, struct err *e)
{
	static const struct json_limits most = { .depth = 32, .n_value = 1u << 16 };
	struct buf path = {0};
	int r = buf_printf(&path, "%s/%s", dir, name) ? err_memory(e) : json_file(out, path.data, JSON_MAX, &most, e);
	buf_release(&path);
	return r;
}

static uint32_t number(const json_t *j, const char *key, uint32_t otherwise)
{
	json_int_t v = json_integer_value(json_object_get(j, key));
	return v > 0 && v < 1 << 24 ? (uint32_t)v : otherwise;
}

/* Mean unless the modes that are on say otherwise; 0, which hyper_check refuses, for a mode that isn't known, or more than one. */
static uint32_t pooling_of(const json_t *j)
{
	uint32_t how = POOL_MEAN, n_on = 0;
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)j, key, v) {
		if (strncmp(key, "pooling_mode_", 13) || !json_is_true(v))
			continue;
		n_on++;
		how = !strcmp(key + 13, "cls_token") ? POOL_CLS : !strcmp(key + 13, "mean_tokens") ? POOL_MEAN : 0;
	}
	return n_on > 1 ? 0 : how;
}

/* The prompt called `name` of config_sentence_transformers.json. */
static void prompt(const json_t *j, const char *name, struct buf *out)
{
	const char *s = json_string_value(json_object_get(json_object_get(j, "prompts"), name));
	if (s && !out->len)
		buf_puts(out, s);
}

static int from_folder(struct weights *w, const char *dir, struct err *e)
{
	struct buf path = {0};
	char name[128];
	struct hyper *h = &w->hyper;
	int r = buf_printf(&path, "%s/model.safetensors", dir) ? err_memory(e) : 0;
	if (!r)
		r = safetensors_open(&w->s, path.data, e);
	buf_release(&path);
	if (r)
		return r;
	if (!find(w, W_TOKEN, "weight", 0, name, sizeof name))
		w->prefix = "bert.";
	r = from_shapes(w, e);
	if (r)
		return r;
	json_t *conf = NULL, *pool = NULL, *sb = NULL, *st = NULL;
	const struct { const char *name; json_t **to; } files[] = { { "config.json", &conf }, { "1_Pooling/config.json", &pool },
		{ "sentence_bert_config.json", &sb }, { "config_sentence_transformers.json", &st } };
	for (size_t i = 0; i < sizeof files / sizeof *files && !r; i++)
		r = load_json(files[i].to, dir, files[i].name, e);
	h->n_head = number(conf, "num_attention_heads", h->d_model / (h->d_model == 384 ? 32 : 64));
	double eps = json_number_value(json_object_get(conf, "layer_norm_eps"));
	h->eps = eps > 0 ? (float)eps : 1e-12f;
	h->max_tok = number(sb, "max_seq_length", h->n_pos < 512 ? h->n_pos : 512);
	h->max_tok = h->max_tok < h->n_pos ? h->max_tok : h->n_pos;
	h->pooling = pooling_of(pool ? pool : conf);
	const char *act = json_string_value(json_object_get(conf, "hidden_act"));
	if (!r && act && strcmp(act, "gelu"))
		r = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "activation '%s' is not supported", act);
	prompt(st, "query", &w->query);
	prompt(st, "document", &w->document);
	prompt(st, "passage", &w->document);
	json_decref(conf);
	json_decref(pool);
	json_decref(sb);
	json_decref(st);
	return r;
}

/* ---- a GGUF ---- */

static int text(const struct gguf *g, const char *key, struct buf *out, struct err *e)
{
	struct gguf_str s;
	if (!gguf_str(g, key, &s))
		return gguf_absent(g, key, "a string", e);
	buf_add(out, s.s, s.n);
	return 0;
}

/* What a file may leave out, and what it must say if it is to be more than refused by hyper_check. */
static int hyper_keys(struct weights *w, struct err *e)
{
	struct hyper *h = &w->hyper;
	uint64_t n_layer = h->n_layer, n_head = 0, pooling = POOL_MEAN, max_tok = h->n_pos;
	double eps = 1e-12;
	bool causal = false;
	const struct { const char *key; uint64_t *v; } whole[] = { { "bert.block_count", &n_layer }, { "bert.attention.head_count", &n_head },
		{ "bert.pooling_type", &pooling }, { "bert.context_length", &max_tok } };
	int r = 0;
	for (size_t i = 0; !r && i < sizeof whole / sizeof *whole; i++)
		if (!gguf_u64(w->g, whole[i].key, whole[i].v))
			r = gguf_absent(w->g, whole[i].key, "a whole number", e);
	if (!r && !gguf_f64(w->g, "bert.attention.layer_norm_epsilon", &eps))
		r = gguf_absent(w->g, "bert.attention.layer_norm_epsilon", "a number", e);
	if (!r && !gguf_bool(w->g, "bert.attention.causal", &causal))
		r = gguf_absent(w->g, "bert.attention.causal", "a truth value", e);
	if (r)
		return r;
	if (causal)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "causal attention is not supported in embedders");
	if (n_layer != h->n_layer)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "%llu layers announced, %u there", (unsigned long long)n_layer, h->n_layer);
	h->n_head = n_head < 1024 ? (uint32_t)n_head : 0;
	h->eps = (float)eps;
	h->pooling = pooling < 16 ? (uint32_t)pooling : 0;
	h->max_tok = max_tok < h->n_pos ? (uint32_t)max_tok : h->n_pos;
	return 0;
}

static int from_gguf(struct weights *w, const char *path, struct err *e)
{
	struct gguf_str arch = { "", 0 };
	int r = gguf_open(&w->g, path, e);
	if (r)
		return r;
	gguf_str(w->g, "general.architecture", &arch);
	if (!gguf_str_is(arch, "bert"))
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "architecture '%.*s' is not an embedder that is supported (bert is)",
			arch.n < 64 ? (int)arch.n : 64, arch.s);
	r = from_shapes(w, e);
	if (!r)
		r = hyper_keys(w, e);
	if (!r)
		r = text(w->g, "tiny_titans.prompt.query", &w->query, e);
	return r ? r : text(w->g, "tiny_titans.prompt.document", &w->document, e);
}

int weights_open(struct weights *w, const char *path, struct err *e)
{
	struct stat st;
	*w = (struct weights){ .prefix = "" };
	int r = stat(path, &st) ? err_sys(e, ERR_NOENT, "cannot open '%s'", path)
		: S_ISDIR(st.st_mode) ? from_folder(w, path, e) : from_gguf(w, path, e);
	if (!r)
		r = hyper_check(&w->hyper, e);
	if (!r)
		r = check_shapes(w, e);
	if (!r && (w->query.failed || w->document.failed))
		r = err_memory(e);
	if (r)
		weights_close(w);
	return r;
}

void weights_close(struct weights *w)
{
	gguf_close(w->g);
	safetensors_close(w->s);
	buf_release(&w->query);
	buf_release(&w->document);
	*w = (struct weights){ .prefix = "" };
}
