/* SPDX-License-Identifier: Apache-2.0
 *
 * build: a tokenizer blob from a GGUF file. All arrays are checked against each other before anything is made of them:
 * as many types and scores as tokens, of the right element type; special ids inside the vocabulary; byte tokens spelled
 * <0xHH>, each byte once.
 */
#include "tokenize/build.h"

#include <math.h>
#include <stdio.h>

#include "tokenize/pretok.h"

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokenizer: %s", what);
}

static int read_arrays(struct build *b, enum tok_kind kind, struct err *e)
{
	const struct gguf *g = b->g;
	if (!gguf_array(g, "tokenizer.ggml.tokens", &b->token) || b->token.type != GGUF_STR)
		return bad(e, "no array of strings tokenizer.ggml.tokens");
	if (b->token.n == 0 || b->token.n > VOCAB_MAX_TOKEN)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "tokenizer: %llu tokens", (unsigned long long)b->token.n);
	b->n_vocab = (uint32_t)b->token.n;
	b->has_type = gguf_array(g, "tokenizer.ggml.token_type", &b->type);
	if (!b->has_type ? gguf_has(g, "tokenizer.ggml.token_type") : b->type.type != GGUF_I32 || b->type.n != b->token.n)
		return bad(e, "tokenizer.ggml.token_type is not one i32 for each token");
	b->has_score = gguf_array(g, "tokenizer.ggml.scores", &b->score);
	if (!b->has_score ? gguf_has(g, "tokenizer.ggml.scores")
		: (b->score.type != GGUF_F32 && b->score.type != GGUF_I32) || b->score.n != b->token.n)
		return bad(e, "tokenizer.ggml.scores is not one f32 or i32 for each token");
	if (kind == TOK_SPM && !b->has_score)
		return bad(e, "no tokenizer.ggml.scores");
	if (kind == TOK_BPE && (!gguf_array(g, "tokenizer.ggml.merges", &b->merge) || b->merge.type != GGUF_STR))
		return bad(e, "no array of strings tokenizer.ggml.merges");
	return 0;
}

static int add_types(struct maker *m, const struct build *b, struct err *e)
{
	for (uint32_t i = 0; i < b->n_vocab; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->token, i);
		int64_t type = b->has_type ? gguf_array_i64(&b->type, i) : TYPE_NORMAL;
		buf_putc(&m->sect[SECT_TYPE], (char)(s.n ? make_type(s.s, s.n, type) : TYPE_UNUSED));
	}
	m->h.n_vocab = b->n_vocab;
	return m->sect[SECT_TYPE].failed ? err_memory(e) : 0;
}

/* ---- special ids ---- */

static int read_role(const struct build *b, const char *name, int32_t *id, struct err *e)
{
	char key[64];
	uint64_t v;
	snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", name);
	if (!gguf_u64(b->g, key, &v))
		return gguf_absent(b->g, key, "an id", e);
	if (v >= b->n_vocab)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokenizer: %s is %llu, but there are %u tokens", key,
		               (unsigned long long)v, b->n_vocab);
	*id = (int32_t)v;
	return 0;
}

/* Id of the token with this text, or -1. */
static int32_t token_named(const struct build *b, const char *text)
{
	for (uint32_t i = 0; i < b->n_vocab; i++)
		if (gguf_str_is(gguf_array_str(b->g, &b->token, i), text))
			return (int32_t)i;
	return -1;
}

static int32_t default_id(const struct build *b, int32_t id)
{
	return id < (int64_t)b->n_vocab ? id : -1;
}

static int read_roles(struct maker *m, const struct build *b, struct err *e)
{
	static const char *const eot[] = { "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
	                                   "<|end_of_text|>", "<EOT>", "<｜end▁of▁sentence｜>" };
	static const struct { enum tok_role role; const char *name; } names[] = {
		{ TOK_BOS, "bos" }, { TOK_EOS, "eos" }, { TOK_EOT, "eot" }, { TOK_UNK, "unknown" }, { TOK_CLS, "cls" },
		{ TOK_SEP, "seperator" }, { TOK_SEP, "separator" }, { TOK_PAD, "padding" },
	};
	int32_t *role = m->h.role;
	if (m->h.kind == TOK_SPM) {
		role[TOK_BOS] = default_id(b, 1);
		role[TOK_EOS] = default_id(b, 2);
		role[TOK_UNK] = default_id(b, 0);
	} else if (m->h.kind == TOK_WORDPIECE) {
		role[TOK_UNK] = default_id(b, 100);
		role[TOK_CLS] = default_id(b, 101);
		role[TOK_SEP] = default_id(b, 102);
		role[TOK_PAD] = default_id(b, 0);
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int r = read_role(b, names[i].name, &role[names[i].role], e);
		if (r)
			return r;
	}
	for (size_t i = 0; role[TOK_EOT] < 0 && m->h.kind != TOK_WORDPIECE && i < sizeof eot / sizeof *eot; i++)
		role[TOK_EOT] = token_named(b, eot[i]);
	if (m->h.kind == TOK_WORDPIECE && role[TOK_UNK] < 0)
		return bad(e, "a WordPiece vocabulary without an unknown token");
	return 0;
}

/* What a file may say of how text is taken. The first key is nothing to WordPiece. */
static int read_flags(struct maker *m, const struct gguf *g, struct err *e)
{
	static const struct { const char *key; uint32_t flags; } flag[] = {
		{ "tokenizer.ggml.add_bos_token", VOCAB_ADD_BOS }, { "tokenizer.ggml.add_space_prefix", VOCAB_SPACE_PREFIX },
		{ "tokenizer.ggml.normalizer.lowercase", VOCAB_LOWER | VOCAB_STRIP_ACCENTS },
		{ "tokenizer.ggml.normalizer.strip_accents", VOCAB_STRIP_ACCENTS },
	};
	int r = 0;
	for (size_t i = m->h.kind == TOK_WORDPIECE; !r && i < sizeof flag / sizeof *flag; i++) {
		bool v;
		if (!gguf_bool(g, flag[i].key, &v))
			r = gguf_absent(g, flag[i].key, "a truth value", e);
		else
			m->h.flags = v ? m->h.flags | flag[i].flags : m->h.flags & ~flag[i].flags;
	}
	return r;
}

/* ---- SentencePiece ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "<0xHH>" means, or -1. */
static int byte_value(struct gguf_str s)
{
	if (s.n != 6 || memcmp(s.s, "<0x", 3) || s.s[5] != '>' || hex(s.s[3]) < 0 || hex(s.s[4]) < 0)
		return -1;
	return hex(s.s[3]) * 16 + hex(s.s[4]);
}

static void add_joins(uint8_t *join, struct gguf_str s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (((unsigned char)s.s[i] & 0xc0) == 0x80 && (unsigned char)s.s[i - 1] >= 0x80)
			continue;
		unsigned k = (unsigned)(unsigned char)s.s[i - 1] << 8 | (unsigned char)s.s[i];
		join[k >> 3] |= (uint8_t)(1u << (k & 7));
	}
}

static int spm_token(struct maker *m, const struct build *b, uint32_t i, uint32_t byte_id[256], uint8_t *join, struct err *e)
{
	struct gguf_str s = gguf_array_str(b->g, &b->token, i);
	unsigned type = (unsigned char)m->sect[SECT_TYPE].data[i];
	double f = gguf_array_f64(&b->score, i);
	float score = (float)f;
	if (isnan(f))
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokenizer: the score of token %u is not a number", i);
	buf_add(&m->sect[SECT_SCORE], &score, sizeof score);
	if (type != TYPE_BYTE) {
		if (!type_is_special(type))
			add_joins(join, s);
		return make_piece(m, s.s, s.n, e);
	}
	int v = byte_value(s);
	if (v < 0)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokenizer: byte token %u is '%.*s'", i, (int)(s.n < 16 ? s.n : 16), s.s);
	if (byte_id[v] != VOCAB_NONE)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokenizer: tokens %u and %u are the same byte", byte_id[v], i);
	byte_id[v] = i;
	char c = (char)v;
	return make_piece(m, &c, 1, e);
}

static int build_spm(struct maker *m, const struct build *b, struct err *e)
{
	uint32_t byte_id[256], zero = 0;
	uint8_t join[65536 / 8] = {0};
	int r = 0;
	memset(byte_id, 0xff, sizeof byte_id);
	for (uint32_t i = 0; i < b->n_vocab && !r; i++)
		r = spm_token(m, b, i, byte_id, join, e);
	if (r)
		return r;
	for (unsigned c = 0; c < 256; c++)		/* a byte that has no token is unknown */
		if (byte_id[c] == VOCAB_NONE && m->h.role[TOK_UNK] >= 0)
			byte_id[c] = (uint32_t)m->h.role[TOK_UNK];
	buf_add(&m->sect[SECT_BYTE], byte_id, sizeof byte_id);
	buf_add(&m->sect[SECT_JOIN], join, sizeof join);
	buf_add(&m->sect[SECT_EXPAND_AT], &zero, sizeof zero);
	r = make_layout(m, b->n_vocab, e);
	for (uint32_t i = 0; i < b->n_vocab && !r; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->token, i);
		unsigned type = (unsigned char)m->sect[SECT_TYPE].data[i];
		if (!type_is_special(type) && type != TYPE_BYTE)
			r = make_word(m, s.s, s.n, i, 0, e);
	}
	return r ? r : make_sole(m, false, e);
}

/* ---- WordPiece: word starts carry U+2581, continuations nothing ---- */

/* Takes it off a token that starts a word; false for one that continues a word. */
static bool cut_metaspace(struct gguf_str *s)
{
	if (s->n <= METASPACE_LEN || memcmp(s->s, METASPACE, METASPACE_LEN))
		return false;
	*s = (struct gguf_str){ s->s + METASPACE_LEN, s->n - METASPACE_LEN };
	return true;
}

static int build_bert(struct maker *m, const struct build *b, struct err *e)
{
	uint32_t zero = 0;
	int r = 0;
	for (uint32_t i = 0; i < b->n_vocab && !r; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->token, i);
		cut_metaspace(&s);
		r = make_piece(m, s.s, s.n, e);
	}
	buf_add(&m->sect[SECT_EXPAND_AT], &zero, sizeof zero);
	if (r || (r = make_layout(m, b->n_vocab, e)))
		return r;
	for (uint32_t i = 0; i < b->n_vocab && !r; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->token, i);
		unsigned type = (unsigned char)m->sect[SECT_TYPE].data[i];
		uint32_t flags = cut_metaspace(&s) ? 0 : WORD_CONT;
		if (!type_is_special(type))
			r = make_word(m, s.s, s.n, i, flags, e);
	}
	return r;
}

/* ---- */

static int read_kind(const struct gguf *g, enum tok_kind *kind, struct err *e)
{
	struct gguf_str s;
	if (!gguf_str(g, "tokenizer.ggml.model", &s))
		return bad(e, "no tokenizer.ggml.model");
	if (gguf_str_is(s, "gpt2"))
		*kind = TOK_BPE;
	else if (gguf_str_is(s, "llama"))
		*kind = TOK_SPM;
	else if (gguf_str_is(s, "bert"))
		*kind = TOK_WORDPIECE;
	else
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "tokenizer model '%.*s' is not supported",
		               (int)(s.n < 32 ? s.n : 32), s.s);
	return 0;
}

static int read_pre(struct maker *m, const struct gguf *g, struct err *e)
{
	struct gguf_str s = { "default", 7 };
	if (!gguf_str(g, "tokenizer.ggml.pre", &s) && gguf_absent(g, "tokenizer.ggml.pre", "a string", e))
		return ERR_FORMAT;
	const struct pretok_def *d = pretok_find(s.s, s.n);
	if (!d)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "pre-tokenizer '%.*s' is not supported",
		               (int)(s.n < 32 ? s.n : 32), s.s);
	m->h.pre = d->pre;
	m->h.flags |= (d->ignore_merges ? VOCAB_IGNORE_MERGES : 0u) | (d->add_bos ? VOCAB_ADD_BOS : 0u);
	return 0;
}

int tok_build_gguf(struct buf *blob, const struct gguf *g, struct err *e)
{
	struct build b = { .g = g };
	struct maker m;
	struct err local = {0};
	enum tok_kind kind = TOK_BPE;
	size_t before = blob->len;
	if (!e)
		e = &local;
	int r = read_kind(g, &kind, e);
	make_init(&m, blob, kind);
	if (!r)
		r = read_arrays(&b, kind, e);
	if (!r)
		r = add_types(&m, &b, e);
	if (!r)
		r = read_roles(&m, &b, e);
	if (!r && kind == TOK_BPE)
		r = read_pre(&m, g, e);
	if (kind == TOK_SPM)
		m.h.flags = VOCAB_ADD_BOS | VOCAB_SPACE_PREFIX;
	if (kind == TOK_WORDPIECE)
		m.h.flags = VOCAB_LOWER | VOCAB_STRIP_ACCENTS | VOCAB_SPLIT_CJK | VOCAB_CLEAN;
	if (!r)
		r = read_flags(&m, g, e);
	if (!r)
		r = kind == TOK_BPE ? build_bpe(&m, &b, e) : kind == TOK_SPM ? build_spm(&m, &b, e) : build_bert(&m, &b, e);
	if (r) {
		err_wrap(e, "'%s'", gguf_path(g));
		blob->len = before;
	}
	make_release(&m);
	return r;
}
