/* SPDX-License-Identifier: Apache-2.0
 *
 * build_bpe: merge ranks by id. A GGUF lists merges as "left right" in an alphabet where each byte of text is one printable
 * character (GPT-2's bytes_to_unicode). Every string that occurs, token or not, gets a number (tokens keep their id); a
 * merge is then (number, number) -> (rank, number), and the encoder never sees a string again.
 */
#include "tokenize/build.h"

#include <stdlib.h>

#include "lib/base/grow.h"
#include "lib/base/utf8.h"

/* Strings and their numbers: open addressing over indices into `str`. */
struct pool_str { const char *s; uint32_t n; };
struct interner {
	struct pool_str *str;
	uint32_t n;
	size_t cap;
	uint32_t *slot;			/* number + 1, 0 = empty */
	uint32_t mask;
	char **owned;			/* the strings copied by intern_get */
	size_t n_owned, owned_cap;
};

/* The code point that stands for byte b: itself if it prints, else 256, 257, ... in order. */
static void alphabet(uint32_t of_byte[256], int16_t of_cp[512])
{
	uint32_t next = 256;
	memset(of_cp, -1, 512 * sizeof *of_cp);
	for (uint32_t b = 0; b < 256; b++) {
		bool prints = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
		of_byte[b] = prints ? b : next++;
		of_cp[of_byte[b]] = (int16_t)b;
	}
}

/* s in the alphabet -> bytes of text: 1; 0 if a character is not of the alphabet; ERR_MEM. */
static int decode(const int16_t of_cp[512], const char *s, size_t n, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		bool ok;
		i += utf8_decode(s + i, n - i, &cp, &ok);
		if (!ok || cp >= 512 || of_cp[cp] < 0)
			return 0;
		if (buf_putc(out, (char)of_cp[cp]))
			return ERR_MEM;
	}
	return 1;
}

static uint32_t *intern_slot(const struct interner *in, const char *s, size_t n)
{
	uint32_t i = (uint32_t)(vocab_hash(s, n, 7) >> 32) & in->mask;
	for (uint32_t k = 0; k < 4096; k++, i = (i + 1) & in->mask) {
		uint32_t v = in->slot[i];
		if (!v || (in->str[v - 1].n == n && !memcmp(in->str[v - 1].s, s, n)))
			return &in->slot[i];
	}
	return NULL;
}

/* Number of a string, VOCAB_NONE if it has none. */
static uint32_t intern_find(const struct interner *in, const char *s, size_t n)
{
	const uint32_t *p = n ? intern_slot(in, s, n) : NULL;
	return p && *p ? *p - 1 : VOCAB_NONE;
}

/* Gives s[0..n) (kept by reference) the number in->n. */
static int intern_new(struct interner *in, const char *s, size_t n, struct err *e)
{
	struct pool_str *str = grow(in->str, in->n, &in->cap, sizeof *str);
	if (!str)
		return err_memory(e);
	in->str = str;
	in->str[in->n] = (struct pool_str){ s, (uint32_t)n };
	uint32_t *p = n ? intern_slot(in, s, n) : NULL;
	if (n && !p)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the tokens' texts collide too often");
	if (p)
		*p = in->n + 1;
	in->n++;
	return 0;
}

static void intern_release(struct interner *in)
{
	for (size_t i = 0; i < in->n_owned; i++)
		free(in->owned[i]);
	free(in->owned);
	free(in->str);
	free(in->slot);
}

/* Number of a string; one that has none gets one, under a copy of its bytes. */
static int intern_get(struct interner *in, const char *s, size_t n, uint32_t *id, struct err *e)
{
	*id = intern_find(in, s, n);
	if (*id != VOCAB_NONE)
		return 0;
	char **p = grow(in->owned, in->n_owned, &in->owned_cap, sizeof *p);
	if (!p)
		return err_memory(e);
	in->owned = p;
	char *copy = malloc(n + 1);
	if (!copy)
		return err_memory(e);
	memcpy(copy, s, n);
	in->owned[in->n_owned++] = copy;
	*id = in->n;
	return intern_new(in, copy, n, e);
}

/* ---- the parts of the blob ---- */

static int add_tokens(struct maker *m, struct interner *in, const struct build *b, const int16_t of_cp[512], struct err *e)
{
	struct buf text = {0};
	int r = 0;
	for (uint32_t i = 0; i < b->n_vocab && !r; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->token, i);
		unsigned type = (unsigned char)m->sect[SECT_TYPE].data[i];
		bool special = type_is_special(type);
		if (!special && intern_find(in, s.s, s.n) != VOCAB_NONE)
			r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokens %u and %u have the same text", intern_find(in, s.s, s.n), i);
		if (!r)		/* a special token has a number but no text that leads to it */
			r = intern_new(in, special ? "" : s.s, special ? 0 : s.n, e);
		if (r)
			break;
		int got = special || type == TYPE_USER ? 0 : decode(of_cp, s.s, s.n, &text);
		if (got < 0)
			r = err_set(e, got, ERR_NO_OFFSET, "out of memory for the tokenizer");
		else
			r = got ? make_piece(m, text.data, text.len, e) : make_piece(m, s.s, s.n, e);
	}
	buf_release(&text);
	return r;
}

static int add_bytes(struct maker *m, struct interner *in, const uint32_t of_byte[256], struct err *e)
{
	for (unsigned c = 0; c < 256; c++) {
		char s[4];
		uint32_t id;
		int r = intern_get(in, s, utf8_encode(of_byte[c], s), &id, e);
		if (r)
			return r;
		buf_add(&m->sect[SECT_BYTE], &id, sizeof id);
	}
	return 0;
}

static int put_merge(struct maker *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t result, struct err *e)
{
	struct merge_slot *slot = (struct merge_slot *)(void *)m->sect[SECT_MERGE].data;
	uint32_t mask = (uint32_t)((1ull << m->h.merge_bits) - 1), i = (uint32_t)vocab_pair_hash(left, right) & mask;
	for (uint32_t k = 0; k <= VOCAB_MAX_PROBE; k++, i = (i + 1) & mask) {
		if (slot[i].left == left && slot[i].right == right)
			return 0;		/* the first of two equal merges counts */
		if (slot[i].left != VOCAB_NONE)
			continue;
		slot[i] = (struct merge_slot){ left, right, rank, result };
		if (k > m->h.max_probe)
			m->h.max_probe = k;
		return 0;
	}
	return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the merges collide too often");
}

static int add_merges(struct maker *m, struct interner *in, const struct build *b, struct err *e)
{
	m->h.merge_bits = make_bits(b->merge.n);
	size_t len = sizeof(struct merge_slot) << m->h.merge_bits;
	if (buf_reserve(&m->sect[SECT_MERGE], len))
		return err_memory(e);
	buf_zeros(&m->sect[SECT_MERGE], len);
	memset(m->sect[SECT_MERGE].data, 0xff, len);
	for (uint32_t i = 0; i < b->merge.n; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->merge, i);
		const char *space = s.n > 1 ? memchr(s.s + 1, ' ', s.n - 1) : NULL;
		uint32_t left, right, both;
		int r;
		if (!space || space + 1 == s.s + s.n || s.n > VOCAB_MAX_PIECE)
			return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "merge %u is not a pair of texts", i);
		size_t n_a = (size_t)(space - s.s), n_b = s.n - n_a - 1;
		if ((r = intern_get(in, s.s, n_a, &left, e)) || (r = intern_get(in, space + 1, n_b, &right, e)))
			return r;
		char joined[256], *p = n_a + n_b <= sizeof joined ? joined : malloc(n_a + n_b);
		if (!p)
			return err_memory(e);
		memcpy(p, s.s, n_a);
		memcpy(p + n_a, space + 1, n_b);
		r = intern_get(in, p, n_a + n_b, &both, e);
		if (p != joined)
			free(p);
		if (r || (r = put_merge(m, left, right, i, both, e)))
			return r;
	}
	return 0;
}

/* Strings that are no tokens: an empty piece each, and the one-byte tokens that stand for them, as in llama.cpp. */
static int add_extras(struct maker *m, const struct interner *in, struct err *e)
{
	struct buf *at = &m->sect[SECT_EXPAND_AT], *to = &m->sect[SECT_EXPAND];
	uint32_t n = 0;
	buf_add(at, &n, sizeof n);
	for (uint32_t id = m->h.n_vocab; id < in->n; id++) {
		int r = make_piece(m, "", 0, e);
		if (r)
			return r;
		for (uint32_t k = 0; k < in->str[id].n; k++) {
			uint32_t one = intern_find(in, in->str[id].s + k, 1);
			if (one < m->h.n_vocab) {
				buf_add(to, &one, sizeof one);
				n++;
			}
		}
		buf_add(at, &n, sizeof n);
	}
	return 0;
}

/* With ignore_merges a word that is a token is that token. */
static int add_whole_words(struct maker *m, const struct build *b, const int16_t of_cp[512], struct err *e)
{
	struct buf text = {0};
	struct tok t = {0};
	int r = make_view(m, &t, e);
	for (uint32_t i = 0; i < b->n_vocab && !r; i++) {
		struct gguf_str s = gguf_array_str(b->g, &b->token, i);
		unsigned type = (unsigned char)m->sect[SECT_TYPE].data[i];
		int got = type_is_special(type) ? 0 : decode(of_cp, s.s, s.n, &text);
		size_t n;
		const char *p = vocab_piece(&t, i, &n);
		if (got < 0)
			r = err_set(e, got, ERR_NO_OFFSET, "out of memory for the tokenizer");
		else if (got && n == text.len && !memcmp(p, text.data, n))
			r = make_word(m, p, n, i, WORD_SOLE, e);
	}
	buf_release(&text);
	return r;
}

int build_bpe(struct maker *m, const struct build *b, struct err *e)
{
	struct interner in = {0};
	uint32_t of_byte[256];
	int16_t of_cp[512];
	uint64_t n_str = b->n_vocab + 256 + b->merge.n * 3;
	uint32_t bits = make_bits(n_str);
	alphabet(of_byte, of_cp);
	in.mask = (uint32_t)((1ull << bits) - 1);
	in.slot = calloc(1ull << bits, sizeof *in.slot);
	int r = in.slot ? 0 : err_memory(e);
	if (!r)
		r = add_tokens(m, &in, b, of_cp, e);
	if (!r)
		r = add_bytes(m, &in, of_byte, e);
	if (!r)
		r = add_merges(m, &in, b, e);
	if (!r)
		r = add_extras(m, &in, e);
	if (!r)
		r = make_layout(m, b->n_vocab, e);
	if (!r)
		r = m->h.flags & VOCAB_IGNORE_MERGES ? add_whole_words(m, b, of_cp, e) : make_sole(m, true, e);
	intern_release(&in);
	return r;
}
