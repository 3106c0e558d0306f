/* SPDX-License-Identifier: Apache-2.0
 *
 * bpe: byte-level BPE over the words of the pre-tokenizer. Most words are tokens that their own text gives again (found when
 * the blob was built): they cost one lookup. The rest goes through the merge loop.
 */
#include "tokenize/pretok.h"
#include "tokenize/vocab.h"

struct job {
	const struct tok *t;
	struct merge_scratch *m;
	const struct span *x;
	struct tok_ids *out;
};

static int word(void *arg, size_t from, size_t to)
{
	const struct job *j = arg;
	uint32_t v = vocab_word(j->t, j->x->s + from, to - from, 0);
	if (v & WORD_SOLE)
		return vocab_emit(j->t, j->out, WORD_ID(v), span_at(j->x, from));
	struct span w = { j->x->s + from, to - from, j->x->base + (j->x->map ? 0 : from), j->x->map ? j->x->map + from : NULL };
	return merge_word(j->t, j->m, &w, j->out);
}

int bpe_encode(const struct tok *t, struct merge_scratch *m, const struct span *x, struct tok_ids *out)
{
	struct job j = { t, m, x, out };
	return pretok_split((enum pretok)(t->h->pre < N_PRETOK ? t->h->pre : PRETOK_GPT2), x->s, x->n, word, &j);
}
