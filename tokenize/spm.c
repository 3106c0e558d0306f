/* SPDX-License-Identifier: Apache-2.0
 *
 * spm: SentencePiece (BPE by score) as Llama, Phi-3 and Gemma use it: no pre-tokenizer; a space becomes U+2581; perhaps one
 * is put in front; what is no token becomes bytes.
 *
 * In principle the merge loop runs over the whole text. But two characters that no token holds side by side can never end
 * up in one token, and merges on the two sides cannot see each other; so the text is cut at all such places (a bitmap over
 * the last byte of one character and the first of the next says where) and the parts, mostly words, are done one by one
 * with the same result. Most parts are tokens that their own text gives again: one lookup.
 */
#include <stdlib.h>

#include "tokenize/vocab.h"

static int part_add(struct part *p, const char *s, size_t n, uint32_t at, uint32_t step)
{
	if (p->cap - p->n < n) {
		size_t cap = p->cap ? p->cap * 2 : 256;
		char *t = realloc(p->s, cap);
		uint32_t *map;
		if (!t)
			return ERR_MEM;
		p->s = t;
		if (!(map = realloc(p->map, cap * sizeof *map)))
			return ERR_MEM;
		p->map = map;
		p->cap = cap;
	}
	for (size_t i = 0; i < n; i++) {
		p->map[p->n] = at + step * (uint32_t)i;
		p->s[p->n++] = s[i];
	}
	return 0;
}

static int part_done(const struct tok *t, struct merge_scratch *m, struct part *p, struct tok_ids *out)
{
	struct span w = { p->s, p->n, 0, p->map };
	uint32_t v = vocab_word(t, p->s, p->n, 0);
	p->n = 0;
	if (v & WORD_SOLE)
		return vocab_emit(t, out, WORD_ID(v), w.map[0]);
	return w.n ? merge_word(t, m, &w, out) : 0;
}

int spm_encode(const struct tok *t, struct merge_scratch *m, struct part *p, const struct span *x, bool at_start,
               struct tok_ids *out)
{
	int r = 0;
	p->n = 0;
	if (at_start && t->h->flags & VOCAB_SPACE_PREFIX && x->n)
		r = part_add(p, METASPACE, METASPACE_LEN, span_at(x, 0), 0);
	for (size_t i = 0; i < x->n && !r;) {
		unsigned char c = (unsigned char)x->s[i];
		size_t len = char_len(c);
		if (len > x->n - i)
			len = x->n - i;
		const char *s = c == ' ' ? METASPACE : x->s + i;
		if (p->n && !vocab_joins(t, p->s[p->n - 1], *s))
			r = part_done(t, m, p, out);
		if (!r)
			r = part_add(p, s, c == ' ' ? METASPACE_LEN : len, span_at(x, i), c != ' ');
		i += len;
	}
	if (!r && p->n)
		r = part_done(t, m, p, out);
	return r;
}
