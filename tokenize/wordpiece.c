/* SPDX-License-Identifier: Apache-2.0
 *
 * wordpiece: BERT's tokenizer. Text is normalized and cut into words on the way, one character at a time, into one small
 * buffer; each word is then the longest known piece from its start, the longest that continues it, and so on; a word that
 * does not come out is one [UNK].
 *
 *	character ─clean─> ─canonical decomposition, marks dropped─> ─lower case─> space: end of word
 *	                                                                           punctuation, CJK: a word of its own
 *	                                                                           else: into the word
 *
 * The steps and their order are those of Hugging Face's BertNormalizer and BertPreTokenizer: control, format and private
 * characters vanish, also inside a word; tab, newline and carriage return are spaces, other controls are not.
 * Each byte of the buffer knows the offset of the character it came from, so a piece's offset points into the text given.
 * Source: Devlin et al. 2019; Schuster, Nakajima 2012 (longest match first).
 */
#include <utf8proc.h>

#include "lib/base/utf8.h"
#include "tokenize/ucat.h"
#include "tokenize/vocab.h"

#define WORD_CAP 1024			/* bytes; max_word_char (100) characters of 4 bytes, and slack for larger settings */

struct word {
	const struct tok *t;
	struct tok_ids *out;
	size_t n;			/* bytes in s */
	uint32_t n_char;
	bool is_unknown;		/* too long, or no piece fits */
	uint32_t start;			/* offset of the word */
	uint32_t map[WORD_CAP];
	char s[WORD_CAP];
};

/* Longest piece at s[i..n): its id and length, or length 0. */
static size_t longest(const struct tok *t, const char *s, size_t i, size_t n, uint32_t *id)
{
	uint32_t cont = i ? WORD_CONT : 0;
	size_t len = n - i;
	if (len > t->h->max_piece_len)
		len = t->h->max_piece_len;
	for (; len > 0; len--) {
		if (i + len < n && ((unsigned char)s[i + len] & 0xc0) == 0x80)
			continue;
		uint32_t v = vocab_word(t, s + i, len, cont);
		if (v) {
			*id = WORD_ID(v);
			return len;
		}
	}
	return 0;
}

static int word_end(struct word *w)
{
	const struct tok *t = w->t;
	size_t first = w->out->len;
	uint32_t id = 0;
	int r = 0;
	if (!w->n_char)
		return 0;
	for (size_t i = 0; i < w->n && !w->is_unknown;) {
		size_t len = longest(t, w->s, i, w->n, &id);
		if (!len) {
			w->is_unknown = true;
			break;
		}
		if ((r = vocab_push(w->out, id, w->map[i])))
			return r;
		i += len;
	}
	if (w->is_unknown) {
		w->out->len = first;
		if (t->h->role[TOK_UNK] >= 0)
			r = vocab_push(w->out, (uint32_t)t->h->role[TOK_UNK], w->start);
	}
	w->n = 0;
	w->n_char = 0;
	w->is_unknown = false;
	return r;
}

static inline void word_add(struct word *w, const char *s, size_t n, uint32_t at)
{
	if (!w->n_char)
		w->start = at;
	if (++w->n_char > w->t->h->max_word_char || w->n + n > WORD_CAP) {
		w->is_unknown = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		w->map[w->n] = at;
		w->s[w->n++] = s[i];
	}
}

static int word_alone(struct word *w, const char *s, size_t n, uint32_t at)
{
	int r = word_end(w);
	if (r)
		return r;
	word_add(w, s, n, at);
	return word_end(w);
}

/* The blocks that BERT calls Chinese; the fifth starts where Hugging Face's code has it. */
static bool is_cjk(uint32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
	       (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* One character after decomposition. */
static int put_char(struct word *w, uint32_t cp, uint32_t at)
{
	char s[8];
	unsigned c = ucat_bert(cp);
	uint32_t flags = w->t->h->flags;
	size_t n;
	if (flags & VOCAB_STRIP_ACCENTS && c & UCAT_MN)
		return 0;
	if (c & UCAT_SPACE)
		return word_end(w);
	bool dotted = cp == 0x130 && flags & VOCAB_LOWER;	/* the only full lower case of two characters: i + U+0307 */
	if (flags & VOCAB_LOWER)
		cp = dotted ? 'i' : (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
	n = utf8_encode(cp, s);
	if (c & UCAT_P || (cp < 128 && c & UCAT_S))
		return word_alone(w, s, n, at);
	word_add(w, s, n, at);
	if (dotted)
		word_add(w, "\xcc\x87", 2, at);
	return 0;
}

static int put_wide(struct word *w, uint32_t cp, uint32_t at)
{
	uint32_t flags = w->t->h->flags;
	unsigned c = ucat_bert(cp);
	utf8proc_int32_t part[32];
	utf8proc_ssize_t n = 1;
	int r = 0;
	if (flags & VOCAB_CLEAN && (cp == UTF8_BAD || c & UCAT_C))
		return 0;
	if (c & UCAT_SPACE)
		return word_end(w);
	bool alone = flags & VOCAB_SPLIT_CJK && is_cjk(cp);
	part[0] = (utf8proc_int32_t)cp;
	if (flags & VOCAB_STRIP_ACCENTS) {
		int state = 0;
		n = utf8proc_decompose_char((utf8proc_int32_t)cp, part, 32, UTF8PROC_DECOMPOSE, &state);
		if (n < 1 || n > 32)
			n = 1;
	}
	if (alone)
		r = word_end(w);
	for (utf8proc_ssize_t i = 0; i < n && !r; i++)
		r = put_char(w, (uint32_t)part[i], at);
	return !r && alone ? word_end(w) : r;
}

int wordpiece_encode(const struct tok *t, const struct span *x, struct tok_ids *out)
{
	struct word w;
	bool lower = t->h->flags & VOCAB_LOWER, clean = t->h->flags & VOCAB_CLEAN;
	int r = 0;
	w.t = t;
	w.out = out;
	w.n = 0;
	w.n_char = 0;
	w.is_unknown = false;
	for (size_t i = 0; i < x->n && !r;) {
		unsigned char ch = (unsigned char)x->s[i];
		uint32_t at = span_at(x, i), cp;
		if (ch >= 128) {
			i += utf8_decode(x->s + i, x->n - i, &cp, NULL);
			r = put_wide(&w, cp, at);
			continue;
		}
		unsigned c = ucat_ascii[ch];
		i++;
		if (c & (UCAT_L | UCAT_N)) {
			char l = lower && ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : (char)ch;
			word_add(&w, &l, 1, at);
		} else if (ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r') {
			r = word_end(&w);
		} else if (c & (UCAT_P | UCAT_S)) {
			r = word_alone(&w, x->s + i - 1, 1, at);
		} else if (!clean && c & UCAT_SPACE) {
			r = word_end(&w);
		} else if (!clean) {
			word_add(&w, x->s + i - 1, 1, at);
		}
	}
	return r ? r : word_end(&w);
}
