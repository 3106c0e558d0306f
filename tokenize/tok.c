/* SPDX-License-Identifier: Apache-2.0
 *
 * tok: the public face: opening, encoding, decoding.
 *
 * Encoding has two steps before a family's own:
 *	1. user-defined tokens (Gemma's runs of newlines, Qwen's <tool_call>) are taken out of the text first, longest first, as
 *	   every implementation does; control tokens never are.
 *	2. for byte-level BPE, ill-formed UTF-8 is rewritten as the models' tokenizers see it, with a map back to the text.
 */
#include "tokenize/tok.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/utf8.h"
#include "lib/model/gguf.h"
#include "tokenize/user.h"
#include "tokenize/vocab.h"

int tok_open(struct tok **out, const void *blob, size_t n, struct err *e)
{
	*out = NULL;
	struct tok *t = calloc(1, sizeof *t);
	if (!t)
		return err_memory(e);
	int r = vocab_view(t, blob, n, e);
	if (r)
		free(t);
	else
		*out = t;
	return r;
}

int tok_open_file(struct tok **out, const char *path, struct err *e)
{
	struct buf blob = {0};
	struct stat st;
	int r;
	*out = NULL;
	if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		r = tok_build_wordpiece(&blob, path, e);
	} else {
		struct gguf *g;
		if ((r = gguf_open(&g, path, e)))
			return r;
		r = tok_build_gguf(&blob, g, e);
		gguf_close(g);
	}
	if (!r)
		r = tok_open(out, blob.data, blob.len, e);
	if (r)
		buf_release(&blob);
	else
		(*out)->own = blob;
	return r;
}

void tok_close(struct tok *t)
{
	if (!t)
		return;
	buf_release(&t->own);
	free(t);
}

enum tok_kind tok_kind(const struct tok *t)
{
	return (enum tok_kind)t->h->kind;
}

size_t tok_n_vocab(const struct tok *t)
{
	return t->h->n_vocab;
}

int32_t tok_special(const struct tok *t, enum tok_role role)
{
	return (unsigned)role < VOCAB_N_ROLE ? t->h->role[role] : -1;
}

int32_t tok_find_special(const struct tok *t, const char *text)
{
	size_t n = strlen(text), len;
	for (uint32_t i = 0; i < t->h->n_vocab; i++) {
		if (!type_is_special(t->type[i]))
			continue;
		const char *p = vocab_piece(t, i, &len);
		if (len == n && !memcmp(p, text, n))
			return (int32_t)i;
	}
	return -1;
}

bool tok_add_bos(const struct tok *t)
{
	return t->h->flags & VOCAB_ADD_BOS && t->h->role[TOK_BOS] >= 0;
}

/* ---- ill-formed UTF-8 ---- */

/* The code point at s as a lenient decoder takes it: any lead byte with enough continuation bytes; else one byte is bad. */
static size_t decode_lenient(const char *s, size_t n, uint32_t *cp)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	uint32_t v = len == 1 ? c : c & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (i >= n || ((unsigned char)s[i] & 0xc0) != 0x80) {
			len = 0;
			break;
		}
		v = v << 6 | ((unsigned char)s[i] & 0x3f);
	}
	*cp = len && v <= 0x10ffff ? v : UTF8_BAD;
	return len && v <= 0x10ffff ? len : 1;
}

/* Rewrites s into b, and where each byte came from into map (one u32 a byte). */
static int rewrite(const char *s, size_t n, struct buf *b, struct buf *map)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp, at = (uint32_t)i;
		i += decode_lenient(s + i, n - i, &cp);
		char c[4];
		size_t len = utf8_encode(cp, c);	/* a surrogate too */
		buf_add(b, c, len);
		for (size_t k = 0; k < len; k++)
			buf_add(map, &at, sizeof at);
	}
	return b->failed ? b->failed : map->failed;
}

/* ---- encoding ---- */

struct encoding {
	const struct tok *t;
	struct merge_scratch *m;
	struct tok_ids *out;
	struct part part;
	const char *s;
	bool after_special;		/* SPM: the next text gets its space in front */
};

static int encode_text(void *arg, size_t from, size_t to)
{
	struct encoding *c = arg;
	struct span x = { c->s + from, to - from, from, NULL };
	bool first = c->after_special;
	c->after_special = false;
	if (c->t->h->kind == TOK_SPM)
		return spm_encode(c->t, c->m, &c->part, &x, first, c->out);
	if (c->t->h->kind == TOK_WORDPIECE)
		return wordpiece_encode(c->t, &x, c->out);
	if (utf8_valid(x.s, x.n, NULL))
		return bpe_encode(c->t, c->m, &x, c->out);
	struct buf text = {0}, map = {0};
	int r = rewrite(x.s, x.n, &text, &map);
	x.s = text.data;
	x.n = text.len;
	x.map = (const uint32_t *)(const void *)map.data;
	if (!r)
		r = bpe_encode(c->t, c->m, &x, c->out);
	buf_release(&text);
	buf_release(&map);
	return r;
}

static int encode_user(void *arg, uint32_t id, size_t from)
{
	struct encoding *c = arg;
	c->after_special = true;
	return vocab_push(c->out, id, (uint32_t)from);
}

static int encode(const struct tok *t, const char *s, size_t n, bool at_start, struct tok_ids *out, struct err *e)
{
	if (n > UINT32_MAX - 16)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "a text of more than 4 GiB at once");
	if (n == 0)
		return 0;
	struct encoding c = { .t = t, .m = merge_scratch_new(), .out = out, .s = s, .after_special = at_start };
	int r = c.m ? 0 : ERR_MEM;
	if (!r)
		r = user_split(t, s, n, encode_text, encode_user, &c);
	merge_scratch_free(c.m);
	free(c.part.s);
	free(c.part.map);
	return r ? err_memory(e) : 0;
}

int tok_encode(const struct tok *t, const char *s, size_t n, struct tok_ids *out, struct err *e)
{
	return encode(t, s, n, true, out, e);
}

int tok_encode_next(const struct tok *t, const char *s, size_t n, struct tok_ids *out, struct err *e)
{
	return encode(t, s, n, false, out, e);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* True if some token could hold the letter `c` and `next` (a newline or a space) behind it. */
static bool letter_joins(const struct tok *t, char c, char next)
{
	if (t->h->kind == TOK_SPM && vocab_joins(t, c, next == ' ' ? '\xe2' : next))
		return true;
	for (uint32_t i = 0; t->h->n_user && i < t->h->n_vocab; i++) {
		size_t n = 0;
		const char *p = t->type[i] == TYPE_USER ? vocab_piece(t, i, &n) : NULL;
		for (size_t k = 1; k < n; k++)
			if (p[k] == next && p[k - 1] == c)
				return true;
	}
	return false;
}

/* Behind an ASCII letter, a newline, or a space with a letter behind it, begins a new word for every pre-tokenizer here, and
 * nothing looks back past it; for SentencePiece it also takes that no token joins the two. */
size_t tok_cut(const struct tok *t, const char *s, size_t n)
{
	enum { UNKNOWN, JOINS, CUTS };
	unsigned char known[2][128] = {0};
	for (size_t k = n; k-- > 1;) {
		char c = s[k - 1];
		bool space = s[k] == ' ' && k + 1 < n && is_letter(s[k + 1]);
		if (!is_letter(c) || (!space && s[k] != '\n'))
			continue;
		unsigned char *v = &known[space][(unsigned char)c];
		if (*v == UNKNOWN)
			*v = letter_joins(t, c, s[k]) ? JOINS : CUTS;
		if (*v == CUTS)
			return k;
	}
	return 0;
}

int tok_ids_push(struct tok_ids *ids, int32_t id, uint32_t at)
{
	return vocab_push(ids, (uint32_t)id, at);
}

void tok_ids_release(struct tok_ids *ids)
{
	free(ids->id);
	free(ids->at);
	*ids = (struct tok_ids){ .want_at = ids->want_at };
}

/* ---- decoding ---- */

/* Adds s[0..n) with U+2581 as a space. */
static int add_spaced(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (n - i >= METASPACE_LEN && !memcmp(s + i, METASPACE, METASPACE_LEN)) {
			buf_putc(out, ' ');
			i += METASPACE_LEN;
		} else {
			buf_putc(out, s[i++]);
		}
	}
	return out->failed;
}

int tok_piece(const struct tok *t, int32_t id, struct buf *out)
{
	size_t n;
	if (id < 0 || (uint32_t)id >= t->h->n_vocab)
		return ERR_ARG;
	unsigned type = t->type[id];
	const char *p = vocab_piece(t, (uint32_t)id, &n);
	if (type_is_special(type))
		return 0;
	if (t->h->kind == TOK_SPM && type != TYPE_USER && type != TYPE_BYTE)
		return add_spaced(out, p, n);
	if (t->h->kind == TOK_WORDPIECE) {
		uint32_t v = vocab_word(t, p, n, 0);
		if (v && WORD_ID(v) == (uint32_t)id)
			buf_putc(out, ' ');
	}
	return buf_add(out, p, n);
}

int tok_decode(const struct tok *t, const int32_t *id, size_t n, struct buf *out)
{
	size_t start = out->len;
	bool drop = t->h->kind == TOK_WORDPIECE || (t->h->kind == TOK_SPM && t->h->flags & VOCAB_SPACE_PREFIX);
	for (size_t i = 0; i < n; i++) {
		int r = tok_piece(t, id[i], out);
		if (r)
			return r;
		if (drop && out->len > start) {
			drop = false;
			if (out->data[start] == ' ') {
				memmove(out->data + start, out->data + start + 1, out->len - start);
				out->len--;
			}
		}
	}
	return 0;
}
