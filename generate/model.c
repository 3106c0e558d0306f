/* SPDX-License-Identifier: Apache-2.0
 *
 * model: from a file's name to checked weights.
 *
 *	name --find--> GGUF --pack_get--> pack: "arch" -> struct arch, "tok" -> tokenizer, "chat" -> template, tensors -> layers
 *
 * Every tensor must have the shape that the hyper-parameters ask for before a kernel sees it.
 */
#include "generate/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/nn.h"

/* ---- the pack's parts ---- */

static int add_part(struct pack_parts *parts, const char *name, struct buf *data)
{
	int rc = data->failed;
	parts->part[parts->n++] = (struct pack_part){ name, *data };
	return rc;
}

int model_parts(struct pack_parts *parts, const struct gguf *g, void *arg, struct err *e)
{
	(void)arg;
	struct arch a;
	struct buf arch = { 0 }, tok = { 0 }, chat = { 0 };
	int rc = arch_from_gguf(&a, g, e);
	if (rc)
		return rc;
	rc = arch_save(&a, &arch);
	if (add_part(parts, "arch", &arch) || rc)
		return err_memory(e);
	rc = tok_build_gguf(&tok, g, e);
	add_part(parts, "tok", &tok);
	if (rc)
		return rc;
	struct gguf_str s = { 0 };
	bool has = gguf_str(g, "tokenizer.chat_template", &s);
	if (!has && gguf_absent(g, "tokenizer.chat_template", "a string", e))
		return err_wrap(e, "'%s'", gguf_path(g));
	buf_u32(&chat, (uint32_t)template_detect(has ? s.s : NULL, s.n));
	return add_part(parts, "chat", &chat) ? err_memory(e) : 0;
}

/* ---- weights ---- */

struct load {
	const struct pack *p;
	struct err *e;
	size_t layer;		/* of the names that follow; SIZE_MAX = none */
	int rc;			/* first failure; later loads do nothing */
};

static const char *full(const struct load *ld, const char *name, char *out, size_t n)
{
	if (ld->layer == SIZE_MAX)
		snprintf(out, n, "%s", name);
	else
		snprintf(out, n, "blk.%zu.%s", ld->layer, name);
	return out;
}

static void load_mat(struct load *ld, const char *name, size_t n_row, size_t n_col, struct mat *m)
{
	char s[96];
	if (ld->rc)
		return;
	if (!pack_mat(ld->p, full(ld, name, s, sizeof s), m))
		ld->rc = err_set(ld->e, ERR_FORMAT, ERR_NO_OFFSET, "no tensor '%s'", s);
	else if (m->n_row != n_row || m->n_col != n_col)
		ld->rc = err_set(ld->e, ERR_FORMAT, ERR_NO_OFFSET, "tensor '%s' is %u x %u, not %zu x %zu", s, (unsigned)m->n_row,
			(unsigned)m->n_col, n_row, n_col);
}

/* The head of a compact pack has only the first rows of the vocabulary; tokens beyond them then never come. */
static void load_head(struct load *ld, const struct arch *a, struct mat *m)
{
	if (!ld->rc && pack_mat(ld->p, "output.weight", m) && m->n_row > 0 && m->n_row < a->n_vocab && m->n_col == a->d_model)
		return;
	load_mat(ld, "output.weight", a->n_vocab, a->d_model, m);
}

static void load_vec(struct load *ld, const char *name, size_t n, const float **v)
{
	char s[96];
	size_t len;
	if (ld->rc)
		return;
	if (!pack_vec(ld->p, full(ld, name, s, sizeof s), v, &len))
		ld->rc = err_set(ld->e, ERR_FORMAT, ERR_NO_OFFSET, "no tensor '%s'", s);
	else if (len != n)
		ld->rc = err_set(ld->e, ERR_FORMAT, ERR_NO_OFFSET, "tensor '%s' has %zu elements, not %zu", s, len, n);
}

static void load_layer(struct load *ld, const struct arch *a, struct layer *l)
{
	size_t dq = a->n_head * a->d_head, dkv = a->n_head_kv * a->d_head;
	load_mat(ld, "attn_q.weight", dq, a->d_model, &l->q);
	load_mat(ld, "attn_k.weight", dkv, a->d_model, &l->k);
	load_mat(ld, "attn_v.weight", dkv, a->d_model, &l->v);
	load_mat(ld, "attn_output.weight", a->d_model, dq, &l->o);
	load_mat(ld, "ffn_gate.weight", a->d_ff, a->d_model, &l->gate);
	load_mat(ld, "ffn_up.weight", a->d_ff, a->d_model, &l->up);
	load_mat(ld, "ffn_down.weight", a->d_model, a->d_ff, &l->down);
	load_vec(ld, "attn_norm.weight", a->d_model, &l->norm_att);
	load_vec(ld, "ffn_norm.weight", a->d_model, &l->norm_ff);
	if (a->has_qkv_bias) {
		load_vec(ld, "attn_q.bias", dq, &l->bias_q);
		load_vec(ld, "attn_k.bias", dkv, &l->bias_k);
		load_vec(ld, "attn_v.bias", dkv, &l->bias_v);
	}
	if (a->has_norms) {
		load_vec(ld, "attn_q_norm.weight", a->d_head, &l->norm_q);
		load_vec(ld, "attn_k_norm.weight", a->d_head, &l->norm_k);
		load_vec(ld, "post_attention_norm.weight", a->d_model, &l->post_att);
		load_vec(ld, "post_ffw_norm.weight", a->d_model, &l->post_ff);
	}
	if (ld->rc)
		return;
	l->need_qkv = act_need((const struct mat *const[]){ &l->q, &l->k, &l->v }, 3);
	l->need_o = act_need((const struct mat *const[]){ &l->o }, 1);
	l->need_ff = act_need((const struct mat *const[]){ &l->gate, &l->up }, 2);
	l->need_down = act_need((const struct mat *const[]){ &l->down }, 1);
}

static int load_rope(struct model *m, struct err *e)
{
	const struct arch *a = &m->arch;
	size_t n = a->n_rot / 2, len = 0;
	const float *factors = NULL;
	m->inv_freq = arena_array(&m->mem, n, sizeof *m->inv_freq);
	m->inv_freq_local = arena_array(&m->mem, n, sizeof *m->inv_freq_local);
	if (!m->inv_freq || !m->inv_freq_local)
		return err_memory(e);
	if (pack_vec(m->pack, "rope_freqs.weight", &factors, &len) && len != n)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tensor 'rope_freqs.weight' has %zu elements, not %zu", len, n);
	for (size_t i = 0; factors && i < n; i++)
		if (!(factors[i] > 1e-6f && factors[i] < 1e6f))
			return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tensor 'rope_freqs.weight' holds a senseless factor");
	nn_rope_freqs((double)a->rope_base, a->n_rot, 1.0 / (double)a->rope_scale, factors, m->inv_freq);
	nn_rope_freqs((double)a->rope_base_local, a->n_rot, 1, NULL, m->inv_freq_local);
	return 0;
}

/* A pack has both sections if the head suits (pack_write.c). */
static void load_screen(struct model *m)
{
	struct screen s = { 0 };
	size_t n;
	if (m->head.type == QUANT_Q8_0 && pack_mat(m->pack, PACK_SCREEN_COPY, &s.copy) && s.copy.type == QUANT_Q5_0 &&
		s.copy.n_row == m->head.n_row && s.copy.n_col == m->head.n_col && pack_vec(m->pack, PACK_SCREEN_SLACK, &s.slack, &n) &&
		n == m->head.n_row)
		m->screen = s;
}

static int load_weights(struct model *m, struct err *e)
{
	const struct arch *a = &m->arch;
	struct load ld = { .p = m->pack, .e = e, .layer = SIZE_MAX };
	m->layer = arena_array(&m->mem, a->n_layer, sizeof *m->layer);
	if (!m->layer)
		return err_memory(e);
	load_mat(&ld, "token_embd.weight", a->n_vocab, a->d_model, &m->embd);
	load_vec(&ld, "output_norm.weight", a->d_model, &m->norm_out);
	struct mat tied;
	if (pack_mat(m->pack, "output.weight", &tied))
		load_head(&ld, a, &m->head);
	else
		m->head = m->embd;
	for (ld.layer = 0; ld.layer < a->n_layer; ld.layer++)
		load_layer(&ld, a, &m->layer[ld.layer]);
	if (ld.rc)
		return ld.rc;
	m->need_head = act_need((const struct mat *const[]){ &m->head }, 1);
	load_screen(m);
	return load_rope(m, e);
}

static void add_end(struct model *m, int32_t id)
{
	if (id >= 0 && !model_is_end(m, id) && m->n_end < sizeof m->end / sizeof *m->end)
		m->end[m->n_end++] = id;
}

static int load_text(struct model *m, struct err *e)
{
	const void *p;
	size_t n;
	if (!pack_part(m->pack, "tok", &p, &n))
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "no tokenizer");
	int rc = tok_open(&m->tok, p, n, e);
	if (rc)
		return rc;
	if (tok_n_vocab(m->tok) > m->arch.n_vocab)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "%zu tokens, but embeddings for %zu", tok_n_vocab(m->tok), m->arch.n_vocab);
	uint32_t kind = TEMPLATE_N;
	if (pack_part(m->pack, "chat", &p, &n) && n == sizeof kind)
		memcpy(&kind, p, sizeof kind);
	if (kind >= TEMPLATE_N)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "unknown template number");
	m->template = (enum template_kind)kind;
	add_end(m, tok_special(m->tok, TOK_EOS));
	add_end(m, tok_special(m->tok, TOK_EOT));
	for (size_t i = 0; template_ends[i]; i++)
		add_end(m, tok_find_special(m->tok, template_ends[i]));
	return 0;
}

static int load(struct model **out, struct pack *pack, const char *path, const struct kern *kern, struct err *e)
{
	struct model *m = calloc(1, sizeof *m);
	if (!m) {
		pack_close(pack);
		return err_memory(e);
	}
	m->pack = pack;
	m->kern = kern;
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	size_t n = strlen(base);
	n -= n > 5 && !strcmp(base + n - 5, ".gguf") ? 5 : 0;
	m->name = arena_strdup(&m->mem, base, n);
	m->id = arena_alloc(&m->mem, n + 18);
	if (m->id) {
		memcpy(m->id, base, n);
		m->id[n] = ':';
		hash_hex(pack_id(pack), 8, m->id + n + 1);
	}
	const void *p = NULL;
	size_t len = 0;
	int rc = m->name && m->id ? 0 : err_memory(e);
	if (!rc)
		rc = pack_part(pack, "arch", &p, &len) ? arch_load(&m->arch, p, len, e)
			: err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "no hyper-parameters");
	if (!rc)
		rc = load_weights(m, e);
	if (!rc)
		rc = load_text(m, e);
	if (rc) {
		model_close(m);
		err_wrap(e, "'%s'", path);
		return rc;
	}
	*out = m;
	return 0;
}

int model_open(struct model **m, const char *path, const struct kern *kern, const struct pack_maker *how, struct err *e)
{
	struct pack *p;
	struct pack_maker mk = how ? *how : (struct pack_maker){ 0 };
	mk.fill = model_parts;
	int rc = pack_get(&p, path, &mk, e);
	return rc ? rc : load(m, p, path, kern, e);
}

int model_open_pack(struct model **m, const char *path, const struct kern *kern, struct err *e)
{
	struct pack *p;
	int rc = pack_open(&p, path, NULL, e);
	return rc ? rc : load(m, p, path, kern, e);
}

void model_close(struct model *m)
{
	if (!m)
		return;
	tok_close(m->tok);
	pack_close(m->pack);
	arena_release(&m->mem);
	free(m);
}

void model_vocab(const struct model *m, char hex[2 * HASH_ID_LEN + 1])
{
	const void *p = NULL;
	size_t n = 0;
	uint8_t sum[16];
	pack_part(m->pack, "tok", &p, &n);	/* load_text has seen it */
	hash_xxh128(p, n, sum);
	hash_hex(sum, sizeof sum, hex);
}

bool model_is_end(const struct model *m, int32_t id)
{
	for (size_t i = 0; i < m->n_end; i++)
		if (m->end[i] == id)
			return true;
	return false;
}
