/* SPDX-License-Identifier: Apache-2.0
 *
 * build_wordpiece: a WordPiece blob from a Hugging Face model folder: vocab.txt (a token a line, the line number is its id), and
 * from tokenizer.json, if there is one, the normalizer's settings, the longest word and the special tokens. Settings that
 * would need another tokenizer (another prefix than "##", another model type) are refused, not ignored.
 */
#include <stdio.h>

#include "lib/base/io.h"
#include "lib/base/json.h"
#include "tokenize/make.h"

#define MAX_VOCAB (64u << 20)
#define MAX_JSON (64u << 20)
#define MAX_JSON_DEPTH 32
#define MAX_JSON_VALUES (8u << 20)

static void set_flag(struct maker *m, uint32_t flag, const json_t *v)
{
	if (json_is_boolean(v))
		m->h.flags = json_is_true(v) ? m->h.flags | flag : m->h.flags & ~flag;
}

static int use_normalizer(struct maker *m, const json_t *norm, const char *path, struct err *e)
{
	const char *type = json_string_value(json_object_get(norm, "type"));
	if (!type || strcmp(type, "BertNormalizer"))
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': normalizer '%.32s' is not supported", path, type ? type : "");
	set_flag(m, VOCAB_LOWER, json_object_get(norm, "lowercase"));
	m->h.flags &= ~(uint32_t)VOCAB_STRIP_ACCENTS;
	if (m->h.flags & VOCAB_LOWER)		/* null means: as lowercase */
		m->h.flags |= VOCAB_STRIP_ACCENTS;
	set_flag(m, VOCAB_STRIP_ACCENTS, json_object_get(norm, "strip_accents"));
	set_flag(m, VOCAB_SPLIT_CJK, json_object_get(norm, "handle_chinese_chars"));
	set_flag(m, VOCAB_CLEAN, json_object_get(norm, "clean_text"));
	return 0;
}

static int use_model(struct maker *m, const json_t *model, size_t *n_word, const char *path, struct err *e)
{
	const char *type = json_string_value(json_object_get(model, "type"));
	const char *prefix = json_string_value(json_object_get(model, "continuing_subword_prefix"));
	const json_t *max = json_object_get(model, "max_input_chars_per_word");
	if ((type && strcmp(type, "WordPiece")) || (prefix && strcmp(prefix, "##")))
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s': not a WordPiece model with the prefix '##'", path);
	if (max && (!json_is_integer(max) || json_integer_value(max) < 1 || json_integer_value(max) > 200))
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s': max_input_chars_per_word is not in 1..200", path);
	if (max)
		m->h.max_word_char = (uint32_t)json_integer_value(max);
	*n_word = json_object_size(json_object_get(model, "vocab"));
	return 0;
}

/* Reads DIR/name, whose path it leaves for messages; *out is NULL if there is none. */
static int load_json(json_t **out, const char *dir, const char *name, char *path, size_t path_len, struct err *e)
{
	static const struct json_limits most = { .depth = MAX_JSON_DEPTH, .n_value = MAX_JSON_VALUES };
	snprintf(path, path_len, "%s/%s", dir, name);
	return json_file(out, path, MAX_JSON, &most, e);
}

/* *n_word: how many tokens tokenizer.json has, 0 where it isn't there or doesn't tell. */
static int read_settings(struct maker *m, const char *dir, json_t **special, size_t *n_word, struct err *e)
{
	char path[4096];
	json_t *j = NULL;
	int r = load_json(&j, dir, "tokenizer.json", path, sizeof path, e);
	if (r)
		return r;
	if (j) {
		r = use_normalizer(m, json_object_get(j, "normalizer"), path, e);
		if (!r)
			r = use_model(m, json_object_get(j, "model"), n_word, path, e);
		*special = json_incref(json_object_get(j, "added_tokens"));
		json_decref(j);
		return r;
	}
	r = load_json(&j, dir, "tokenizer_config.json", path, sizeof path, e);
	const json_t *lower = json_object_get(j, "do_lower_case");
	set_flag(m, VOCAB_LOWER | VOCAB_STRIP_ACCENTS, lower);
	json_decref(j);
	return r;
}

static bool is_special(const json_t *special, const char *s, size_t n)
{
	static const char *const known[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i]) == n && !memcmp(known[i], s, n))
			return true;
	for (size_t i = 0; i < json_array_size(special); i++) {
		const json_t *o = json_array_get(special, i), *c = json_object_get(o, "content");
		if (json_is_true(json_object_get(o, "special")) && json_string_length(c) == n && !memcmp(json_string_value(c), s, n))
			return true;
	}
	return false;
}

static void set_role(struct maker *m, const char *s, size_t n)
{
	static const struct { const char *name; enum tok_role role; } roles[] = {
		{ "[PAD]", TOK_PAD }, { "[UNK]", TOK_UNK }, { "[CLS]", TOK_CLS }, { "[SEP]", TOK_SEP },
	};
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (strlen(roles[i].name) == n && !memcmp(roles[i].name, s, n))
			m->h.role[roles[i].role] = (int32_t)m->h.n_vocab;
}

/* The line of vocab.txt at *pos without its end, s[0..n), and the next one's *pos; false at the end of the file. */
static bool next_line(const struct buf *v, size_t *pos, const char **s, size_t *n)
{
	if (*pos >= v->len)
		return false;
	const char *p = v->data + *pos, *nl = memchr(p, '\n', v->len - *pos);
	*n = nl ? (size_t)(nl - p) : v->len - *pos;
	*pos += *n + 1;
	if (*n && p[*n - 1] == '\r')
		--*n;
	*s = p;
	return true;
}

static bool continues(const char *s, size_t n)
{
	return n > 2 && s[0] == '#' && s[1] == '#';
}

static int add_lines(struct maker *m, const struct buf *v, const json_t *special, struct err *e)
{
	const char *s;
	size_t n, pos = 0;
	while (next_line(v, &pos, &s, &n)) {
		bool ctl = is_special(special, s, n), cont = continues(s, n);
		if (m->h.n_vocab == VOCAB_MAX_TOKEN)
			return err_set(e, ERR_LIMIT, pos, "more than %u tokens", VOCAB_MAX_TOKEN);
		set_role(m, s, n);
		int r = make_piece(m, cont ? s + 2 : s, cont ? n - 2 : n, e);
		if (r)
			return r;
		buf_putc(&m->sect[SECT_TYPE], ctl ? TYPE_CONTROL : n ? TYPE_NORMAL : TYPE_UNUSED);
		m->h.n_vocab++;
	}
	if (!m->h.n_vocab || m->h.role[TOK_UNK] < 0)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "no [UNK] in the vocabulary");
	return m->sect[SECT_TYPE].failed ? err_memory(e) : 0;
}

static int add_words(struct maker *m, const struct buf *v, struct err *e)
{
	const char *s;
	size_t n, pos = 0;
	int r = 0;
	for (uint32_t id = 0; !r && next_line(v, &pos, &s, &n); id++) {
		if (m->sect[SECT_TYPE].data[id] != TYPE_NORMAL)
			continue;
		if (continues(s, n))
			r = make_word(m, s + 2, n - 2, id, WORD_CONT, e);
		else
			r = make_word(m, s, n, id, 0, e);
	}
	return r;
}

int tok_build_wordpiece(struct buf *blob, const char *dir, struct err *e)
{
	struct maker m;
	struct buf vocab = {0};
	struct err local = {0};
	json_t *special = NULL;
	char path[4096];
	uint32_t zero = 0;
	size_t before = blob->len, n_word = 0;
	if (!e)
		e = &local;
	make_init(&m, blob, TOK_WORDPIECE);
	m.h.flags = VOCAB_LOWER | VOCAB_STRIP_ACCENTS | VOCAB_SPLIT_CJK | VOCAB_CLEAN;
	if ((size_t)snprintf(path, sizeof path, "%s/vocab.txt", dir) >= sizeof path - 32)
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "'%.64s...': name too long", dir);
	int r = io_read_file(&vocab, path, MAX_VOCAB, e);
	if (!r)
		r = read_settings(&m, dir, &special, &n_word, e);
	if (!r && (r = add_lines(&m, &vocab, special, e)))
		err_wrap(e, "'%s'", path);
	if (!r && m.h.n_vocab < n_word)
		r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' has %u tokens, tokenizer.json beside it %zu", path, m.h.n_vocab, n_word);
	buf_add(&m.sect[SECT_EXPAND_AT], &zero, sizeof zero);
	if (!r)
		r = make_layout(&m, m.h.n_vocab, e);
	if (!r && (r = add_words(&m, &vocab, e)))
		err_wrap(e, "'%s'", path);
	if (r)
		blob->len = before;
	json_decref(special);
	buf_release(&vocab);
	make_release(&m);
	return r;
}
