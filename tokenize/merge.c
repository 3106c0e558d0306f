/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: the loop that BPE and SentencePiece share. A word is a row of symbols; of all neighbours that may merge, the pair
 * of the lowest key goes first, the leftmost on a tie, until no pair is left.
 *
 *	BPE	the key is the rank of the merge (left id, right id)
 *	SPM	two neighbours may merge if their text is a token; the key orders scores, highest first
 *
 * Short words keep symbols and keys in arrays and look for the smallest key by running over them: for a dozen symbols that
 * beats every structure. Long words (a megabyte of `aaaa` is one) keep a list threaded through arrays and a binary heap of
 * (key, position); an entry is stale, and skipped, when the pair at its position has another key by now. Each merge adds
 * at most two entries, so the cost is O(n log n).
 * Sources: Sennrich, Haddow, Birch 2016 (BPE); Kudo, Richardson 2018 (SentencePiece).
 */
#include <stdlib.h>

#include "lib/base/grow.h"
#include "tokenize/vocab.h"

#define SHORT 48u			/* symbols; the square of this many steps is about the cost of the heap */
#define NO_KEY UINT32_MAX
#define NIL UINT32_MAX

struct merge_scratch {
	size_t cap;
	uint32_t *id, *key, *into, *at, *prev, *next;	/* [cap] */
	uint64_t *heap;
	size_t n_heap, heap_cap;
};

struct merge_scratch *merge_scratch_new(void)
{
	return calloc(1, sizeof(struct merge_scratch));
}

void merge_scratch_free(struct merge_scratch *m)
{
	if (!m)
		return;
	free(m->id);
	free(m->heap);
	free(m);
}

/* Scores as numbers that sort the other way: the highest score has the lowest key. NaN does not occur (checked at build). */
static inline uint32_t score_key(float f)
{
	uint32_t u;
	memcpy(&u, &f, 4);
	if (u == 0x80000000u)
		u = 0;
	u = u & 0x80000000u ? ~u : u | 0x80000000u;
	u = ~u;
	return u == NO_KEY ? NO_KEY - 1 : u;
}

/* Key of the pair (left, right) whose text is s[0..n), and what it merges into. */
static inline uint32_t pair_key(const struct tok *t, uint32_t left, uint32_t right, const char *s, size_t n, uint32_t *into)
{
	if (t->h->kind == TOK_BPE) {
		const struct merge_slot *m = vocab_merge(t, left, right);
		if (!m)
			return NO_KEY;
		*into = m->result;
		return m->rank;
	}
	uint32_t v = vocab_word(t, s, n, 0);
	if (!v || WORD_ID(v) >= t->h->n_vocab)
		return NO_KEY;
	*into = WORD_ID(v);
	return score_key(t->score[*into]);
}

/* Length of the symbol that starts at s: a byte, or for SPM a character as its first byte claims. */
static inline size_t symbol_len(const struct tok *t, const char *s, size_t left)
{
	if (t->h->kind == TOK_BPE)
		return 1;
	size_t n = char_len((unsigned char)*s);
	return n < left ? n : left;
}

static inline uint32_t symbol_id(const struct tok *t, const char *s, size_t n)
{
	if (t->h->kind == TOK_BPE)
		return t->byte_id[(unsigned char)*s];
	uint32_t v = vocab_word(t, s, n, 0);
	return v ? WORD_ID(v) : VOCAB_NONE;
}

/* A finished symbol. One without an id (SPM only) becomes its bytes. */
static int finish(const struct tok *t, uint32_t id, const struct span *w, size_t from, size_t to, struct tok_ids *out)
{
	if (id != VOCAB_NONE)
		return vocab_emit(t, out, id, span_at(w, from));
	for (size_t i = from; i < to; i++) {
		uint32_t b = t->byte_id[(unsigned char)w->s[i]];
		int r = b < t->h->n_vocab ? vocab_push(out, b, span_at(w, i)) : 0;
		if (r)
			return r;
	}
	return 0;
}

static int merge_short(const struct tok *t, const struct span *w, struct tok_ids *out)
{
	uint32_t id[SHORT + 1], key[SHORT + 1], into[SHORT + 1], at[SHORT + 2];
	size_t n = 0;
	for (size_t i = 0; i < w->n;) {
		size_t len = symbol_len(t, w->s + i, w->n - i);
		id[n] = symbol_id(t, w->s + i, len);
		at[n++] = (uint32_t)i;
		i += len;
	}
	at[n] = (uint32_t)w->n;
	for (size_t i = 0; i + 1 < n; i++)
		key[i] = pair_key(t, id[i], id[i + 1], w->s + at[i], at[i + 2] - at[i], &into[i]);
	while (n > 1) {
		size_t best = 0;
		for (size_t i = 1; i + 1 < n; i++)
			if (key[i] < key[best])
				best = i;
		if (key[best] == NO_KEY)
			break;
		id[best] = into[best];
		n--;
		for (size_t i = best + 1; i < n; i++) {
			id[i] = id[i + 1];
			at[i] = at[i + 1];
			key[i - 1] = key[i];
			into[i - 1] = into[i];
		}
		at[n] = (uint32_t)w->n;
		if (best + 1 < n)
			key[best] = pair_key(t, id[best], id[best + 1], w->s + at[best], at[best + 2] - at[best], &into[best]);
		if (best > 0)
			key[best - 1] = pair_key(t, id[best - 1], id[best], w->s + at[best - 1],
			                         at[best + 1] - at[best - 1], &into[best - 1]);
	}
	for (size_t i = 0; i < n; i++) {
		int r = finish(t, id[i], w, at[i], at[i + 1], out);
		if (r)
			return r;
	}
	return 0;
}

/* ---- long words ---- */

static int scratch_reserve(struct merge_scratch *m, size_t n)
{
	if (n <= m->cap)
		return 0;
	free(m->id);
	m->cap = 0;
	m->id = malloc(n * 6 * sizeof *m->id);
	if (!m->id)
		return ERR_MEM;
	m->key = m->id + n;
	m->into = m->key + n;
	m->at = m->into + n;
	m->prev = m->at + n;
	m->next = m->prev + n;
	m->cap = n;
	return 0;
}

static int heap_put(struct merge_scratch *m, uint64_t v)
{
	uint64_t *h = grow(m->heap, m->n_heap, &m->heap_cap, sizeof *h);
	if (!h)
		return ERR_MEM;
	m->heap = h;
	size_t i = m->n_heap++;
	while (i > 0 && m->heap[(i - 1) / 2] > v) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = v;
	return 0;
}

static uint64_t heap_take(struct merge_scratch *m)
{
	uint64_t top = m->heap[0], last = m->heap[--m->n_heap];
	size_t i = 0;
	for (;;) {
		size_t c = 2 * i + 1;
		if (c >= m->n_heap)
			break;
		if (c + 1 < m->n_heap && m->heap[c + 1] < m->heap[c])
			c++;
		if (m->heap[c] >= last)
			break;
		m->heap[i] = m->heap[c];
		i = c;
	}
	m->heap[i] = last;
	return top;
}

/* Computes the key of the pair at i, and queues it. */
static int offer(const struct tok *t, struct merge_scratch *m, const struct span *w, uint32_t i)
{
	uint32_t j = m->next[i];
	m->key[i] = NO_KEY;
	if (j == NIL)
		return 0;
	size_t end = m->next[j] == NIL ? w->n : m->at[m->next[j]];
	m->key[i] = pair_key(t, m->id[i], m->id[j], w->s + m->at[i], end - m->at[i], &m->into[i]);
	return m->key[i] == NO_KEY ? 0 : heap_put(m, (uint64_t)m->key[i] << 32 | i);
}

static int merge_long(const struct tok *t, struct merge_scratch *m, const struct span *w, struct tok_ids *out)
{
	uint32_t n = 0;
	int r = scratch_reserve(m, w->n);
	if (r)
		return r;
	for (size_t i = 0; i < w->n; n++) {
		size_t len = symbol_len(t, w->s + i, w->n - i);
		m->id[n] = symbol_id(t, w->s + i, len);
		m->at[n] = (uint32_t)i;
		m->prev[n] = n ? n - 1 : NIL;
		m->next[n] = n + 1;
		i += len;
	}
	m->next[n - 1] = NIL;
	m->n_heap = 0;
	for (uint32_t i = 0; i < n && !r; i++)
		r = offer(t, m, w, i);
	while (!r && m->n_heap) {
		uint64_t v = heap_take(m);
		uint32_t i = (uint32_t)v, j = m->next[i];
		if (m->key[i] != v >> 32 || j == NIL)
			continue;
		m->id[i] = m->into[i];
		m->next[i] = m->next[j];
		if (m->next[i] != NIL)
			m->prev[m->next[i]] = i;
		m->key[j] = NO_KEY;
		r = offer(t, m, w, i);
		if (!r && m->prev[i] != NIL)
			r = offer(t, m, w, m->prev[i]);
	}
	for (uint32_t i = 0; !r && i != NIL; i = m->next[i])
		r = finish(t, m->id[i], w, m->at[i], m->next[i] == NIL ? w->n : m->at[m->next[i]], out);
	return r;
}

int merge_word(const struct tok *t, struct merge_scratch *m, const struct span *w, struct tok_ids *out)
{
	return w->n <= SHORT ? merge_short(t, w, out) : merge_long(t, m, w, out);
}
