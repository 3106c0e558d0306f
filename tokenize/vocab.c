/* SPDX-License-Identifier: Apache-2.0
 *
 * vocab: opening a blob, and appending to the list of ids. See vocab.h for the layout.
 */
#include "tokenize/vocab.h"

#include <stdlib.h>

#include "lib/base/cursor.h"

static int bad(struct err *e, uint64_t at, const char *what)
{
	return err_set(e, ERR_FORMAT, at, "tokenizer blob: %s", what);
}

/* Bytes each section must have, from the counts of the head; UINT64_MAX where the section says it itself. */
static uint64_t want_len(const struct vocab_head *h, int i)
{
	uint64_t n_vocab = h->n_vocab, n_extra = h->n_piece - h->n_vocab;
	switch (i) {
	case SECT_PIECE_AT: return ((uint64_t)h->n_piece + 1) * 4;
	case SECT_TYPE: return n_vocab;
	case SECT_SCORE: return h->kind == TOK_SPM ? n_vocab * 4 : 0;
	case SECT_WORD: return sizeof(struct word_slot) << h->word_bits;
	case SECT_MERGE: return h->kind == TOK_BPE ? sizeof(struct merge_slot) << h->merge_bits : 0;
	case SECT_BYTE: return h->kind == TOK_WORDPIECE ? 0 : 256 * 4;
	case SECT_EXPAND_AT: return (n_extra + 1) * 4;
	case SECT_JOIN: return h->kind == TOK_SPM ? 65536 / 8 : 0;
	default: return UINT64_MAX;
	}
}

int vocab_view(struct tok *t, const void *blob, size_t n, struct err *e)
{
	const struct vocab_head *h = blob;
	const char *p[N_SECT];
	if (n < sizeof *h || (uintptr_t)blob % 8)
		return bad(e, n, n < sizeof *h ? "ends inside the head" : "not aligned");
	if (h->magic != VOCAB_MAGIC)
		return bad(e, 0, "bad magic");
	if (h->version != VOCAB_VERSION)
		return err_set(e, ERR_VERSION, 4, "tokenizer blob of version %u", h->version);
	if (h->total > n)
		return err_set(e, ERR_EOF, n, "tokenizer blob of %llu bytes ends early", (unsigned long long)h->total);
	if (h->kind < TOK_BPE || h->kind > TOK_WORDPIECE)
		return bad(e, 8, "unknown kind");
	if (h->n_vocab == 0 || h->n_vocab > VOCAB_MAX_TOKEN || h->n_piece < h->n_vocab || h->n_piece > 4 * VOCAB_MAX_TOKEN)
		return bad(e, 20, "bad number of tokens");
	if (h->kind == TOK_WORDPIECE && h->n_piece != h->n_vocab)
		return bad(e, 24, "pieces that are no tokens");
	if (h->word_bits > 26 || h->merge_bits > 26 || h->max_probe > VOCAB_MAX_PROBE || h->max_piece_len > VOCAB_MAX_PIECE)
		return bad(e, 28, "bad table size");
	for (int i = 0; i < VOCAB_N_ROLE; i++)
		if (h->role[i] < -1 || h->role[i] >= (int64_t)h->n_vocab)
			return bad(e, 52, "a special id is not in the vocabulary");
	for (int i = 0; i < N_SECT; i++) {
		struct vocab_range s = h->sect[i];
		uint64_t want = want_len(h, i);
		if (s.at % 8 || !size_within(s.at, s.len, h->total) || (want != UINT64_MAX && s.len != want))
			return bad(e, (uint64_t)((const char *)&h->sect[i] - (const char *)h), "a section does not fit");
		p[i] = (const char *)blob + s.at;
	}
	*t = (struct tok){
		.h = h, .piece_at = (const void *)p[SECT_PIECE_AT], .piece = p[SECT_PIECE], .type = (const void *)p[SECT_TYPE],
		.score = (const void *)p[SECT_SCORE], .word = (const void *)p[SECT_WORD], .merge = (const void *)p[SECT_MERGE],
		.byte_id = (const void *)p[SECT_BYTE], .expand_at = (const void *)p[SECT_EXPAND_AT],
		.expand = (const void *)p[SECT_EXPAND], .join = (const void *)p[SECT_JOIN],
		.user = (const void *)p[SECT_USER], .n_expand = (uint32_t)(h->sect[SECT_EXPAND].len / 4),
	};
	uint64_t n_user_byte = h->sect[SECT_USER].len;
	if (h->n_user && (n_user_byte < sizeof *t->user || t->user->n_len > VOCAB_N_USER_LEN ||
	                  t->user->n_node > (n_user_byte - sizeof *t->user) / sizeof *t->user->node))
		return bad(e, h->sect[SECT_USER].at, "bad index of user-defined tokens");
	for (uint32_t k = 0; h->n_user && k < t->user->n_len; k++)
		if (!t->user->len[k] || (k && t->user->len[k] >= t->user->len[k - 1]))
			return bad(e, h->sect[SECT_USER].at, "bad lengths of user-defined tokens");
	return 0;
}

int vocab_emit_slow(struct tok_ids *out)
{
	size_t cap = out->len == out->cap ? (out->cap ? out->cap * 2 : 64) : out->cap;
	if (cap > SIZE_MAX / sizeof *out->id / 2)
		return ERR_MEM;
	int32_t *id = realloc(out->id, cap * sizeof *id);
	if (!id)
		return ERR_MEM;
	out->id = id;
	if (out->want_at) {
		uint32_t *at = realloc(out->at, cap * sizeof *at);
		if (!at)
			return ERR_MEM;
		out->at = at;
	}
	out->cap = cap;
	return 0;
}

int vocab_emit(const struct tok *t, struct tok_ids *out, uint32_t id, uint32_t at)
{
	if (id < t->h->n_vocab)
		return vocab_push(out, id, at);
	if (id >= t->h->n_piece)
		return 0;
	uint32_t i = t->expand_at[id - t->h->n_vocab], end = t->expand_at[id - t->h->n_vocab + 1];
	for (; i < end && i < t->n_expand; i++) {
		int r = t->expand[i] < t->h->n_vocab ? vocab_push(out, t->expand[i], at) : 0;
		if (r)
			return r;
	}
	return 0;
}
