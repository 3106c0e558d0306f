/* SPDX-License-Identifier: Apache-2.0
 *
 * make: sections, tables and flags of a tokenizer blob. See vocab.h for the layout and make.h for the order of calls.
 */
#include "tokenize/make.h"

#include <stdlib.h>

void make_init(struct maker *m, struct buf *blob, enum tok_kind kind)
{
	*m = (struct maker){ .blob = blob };
	m->h.magic = VOCAB_MAGIC;
	m->h.version = VOCAB_VERSION;
	m->h.kind = kind;
	m->h.max_word_char = 100;
	for (int i = 0; i < VOCAB_N_ROLE; i++)
		m->h.role[i] = -1;
}

void make_release(struct maker *m)
{
	for (int i = 0; i < N_SECT; i++)
		buf_release(&m->sect[i]);
}

int make_piece(struct maker *m, const char *s, size_t n, struct err *e)
{
	struct buf *at = &m->sect[SECT_PIECE_AT], *bytes = &m->sect[SECT_PIECE];
	if (n > VOCAB_MAX_PIECE)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "token %u of %zu bytes; at most %u are allowed", m->h.n_piece, n,
		               VOCAB_MAX_PIECE);
	if (bytes->len + n > UINT32_MAX / 2)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the tokens have more than 2 GiB of text");
	uint32_t from = (uint32_t)bytes->len, to = from + (uint32_t)n;
	if (!at->len)
		buf_add(at, &from, sizeof from);
	buf_add(at, &to, sizeof to);
	buf_add(bytes, s, n);
	m->h.n_piece++;
	return at->failed || bytes->failed ? err_memory(e) : 0;
}

/* Texts that are control tokens in the models known to have them, whatever their file's types say; the list is that of
 * llama.cpp, so that the same texts stay plain text. */
static const char *const control_names[] = {
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]",
	"[EOS]", "<｜end▁of▁sentence｜>", "<end_of_utterance>", "<|eom_id|>", "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>",
	"<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>", "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>",
	"<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>", "<|fim_middle|>", "<fim-middle>", "<fim_middle>",
	"<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>",
	"[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>", "<|return|>", "<|call|>",
	"<|flush|>", "<|calls|>", "</s>", "<eos>", "<turn|>", "<|tool_response>", "[e~[",
	/* and the marks that open a turn, so that no text can */
	"<|im_start|>", "<start_of_turn>", "<|start_header_id|>", "<|end_header_id|>", "<|begin_of_text|>", "<bos>",
};

unsigned make_type(const char *s, size_t n, int64_t type)
{
	if (n < 3 || (s[0] != '<' && s[0] != '[' && s[0] != '_' && s[0] != '\xe2'))
		return type < 0 || type > TYPE_BYTE ? TYPE_UNDEFINED : (unsigned)type;
	for (size_t i = 0; i < sizeof control_names / sizeof *control_names; i++)
		if (strlen(control_names[i]) == n && !memcmp(control_names[i], s, n))
			return TYPE_CONTROL;
	return type < 0 || type > TYPE_BYTE ? TYPE_UNDEFINED : (unsigned)type;
}

uint32_t make_bits(uint64_t n)
{
	uint32_t bits = 4;
	while ((1ull << bits) * 2 < n * 3)
		bits++;
	return bits;
}

/* ---- user-defined tokens ---- */

static int longer_first(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x < *y) - (*x > *y);
}

static const char *piece_of(const struct maker *m, uint32_t id, uint32_t *n)
{
	const uint32_t *at = (const void *)m->sect[SECT_PIECE_AT].data;
	*n = at[id + 1] - at[id];
	return m->sect[SECT_PIECE].data + at[id];
}

/* The lengths that occur, descending. */
static int user_lengths(struct maker *m, struct user_index *u, struct err *e)
{
	for (uint32_t id = 0, n; id < m->h.n_vocab; id++) {
		uint32_t k = 0;
		piece_of(m, id, &n);
		if (m->sect[SECT_TYPE].data[id] != TYPE_USER || !n)
			continue;
		m->h.n_user++;
		while (k < u->n_len && u->len[k] != n)
			k++;
		if (k == VOCAB_N_USER_LEN)
			return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "user-defined tokens of more than %u different lengths",
			               VOCAB_N_USER_LEN);
		if (k == u->n_len)
			u->len[u->n_len++] = n;
	}
	qsort(u->len, u->n_len, sizeof *u->len, longer_first);
	return 0;
}

/* Index of the child of `at` (0 = the roots) for byte c, made if there is none. */
static uint32_t user_child(struct buf *node, struct user_index *u, uint32_t at, unsigned char c)
{
	struct user_node *v = (struct user_node *)(void *)node->data, fresh = { .id = VOCAB_NONE, .byte = c };
	uint32_t i = at ? v[at].child : u->first[c], n = (uint32_t)(node->len / sizeof *v);
	while (i && v[i].byte != c)
		i = v[i].sibling;
	if (i)
		return i;
	if (at) {		/* at the end of the list, so that indices only grow along it */
		i = v[at].child;
		while (i && v[i].sibling)
			i = v[i].sibling;
		*(i ? &v[i].sibling : &v[at].child) = n;
	} else {
		u->first[c] = n;
	}
	buf_add(node, &fresh, sizeof fresh);
	return n;
}

static int index_user(struct maker *m, struct err *e)
{
	struct user_index u = {0};
	struct buf *out = &m->sect[SECT_USER], node = {0};
	int r = user_lengths(m, &u, e);
	if (r || !m->h.n_user)
		return r;
	buf_zeros(&node, sizeof(struct user_node));	/* index 0 means none */
	for (uint32_t id = 0, n; id < m->h.n_vocab && !node.failed; id++) {
		const char *s = piece_of(m, id, &n);
		uint32_t at = 0, k = 0;
		if (m->sect[SECT_TYPE].data[id] != TYPE_USER || !n)
			continue;
		for (uint32_t i = 0; i < n && !node.failed; i++)
			at = user_child(&node, &u, at, (unsigned char)s[i]);
		while (u.len[k] != n)
			k++;
		struct user_node *v = (struct user_node *)(void *)node.data + at;
		if (node.failed)
			break;
		v->id = id;	/* two of one text are refused where words are made, or strings are numbered */
		v->i_len = (uint8_t)k;
	}
	u.n_node = (uint32_t)(node.len / sizeof(struct user_node));
	buf_add(out, &u, sizeof u);
	buf_add(out, node.data, node.len);
	if (!r && (node.failed || out->failed))
		r = err_memory(e);
	buf_release(&node);
	return r;
}

int make_layout(struct maker *m, uint64_t n_word, struct err *e)
{
	int r = m->h.kind == TOK_WORDPIECE ? 0 : index_user(m, e);
	if (r)
		return r;
	m->h.word_bits = make_bits(n_word);
	buf_zeros(&m->sect[SECT_WORD], sizeof(struct word_slot) << m->h.word_bits);
	uint64_t at = (sizeof m->h + 7) & ~7ull;
	for (int i = 0; i < N_SECT; i++) {
		if (m->sect[i].failed)
			return err_memory(e);
		m->h.sect[i] = (struct vocab_range){ at, m->sect[i].len };
		at = (at + m->sect[i].len + 7) & ~7ull;
	}
	m->h.total = at;
	buf_align(m->blob, 8);
	m->start = m->blob->len;
	if (buf_reserve(m->blob, at))
		return err_memory(e);
	buf_add(m->blob, &m->h, sizeof m->h);
	for (int i = 0; i < N_SECT; i++) {
		buf_zeros(m->blob, m->start + m->h.sect[i].at - m->blob->len);
		if (m->sect[i].len)
			buf_add(m->blob, m->sect[i].data, m->sect[i].len);
		if (i != SECT_TYPE && i != SECT_PIECE && i != SECT_PIECE_AT)
			buf_release(&m->sect[i]);
	}
	buf_zeros(m->blob, m->start + at - m->blob->len);
	return m->blob->failed ? err_memory(e) : 0;
}

/* ---- the word table ---- */

static struct vocab_head *head_of(const struct maker *m)
{
	return (struct vocab_head *)(void *)(m->blob->data + m->start);
}

static struct word_slot *words_of(const struct maker *m)
{
	return (struct word_slot *)(void *)(m->blob->data + m->start + m->h.sect[SECT_WORD].at);
}

int make_word(struct maker *m, const char *s, size_t n, uint32_t id, uint32_t flags, struct err *e)
{
	struct vocab_head *h = head_of(m);
	struct word_slot *word = words_of(m);
	uint32_t cont = flags & WORD_CONT, mask = (uint32_t)((1ull << h->word_bits) - 1), len;
	if (!n)
		return 0;
	uint64_t x = vocab_hash(s, n, cont);
	uint32_t i = (uint32_t)(x >> 32) & mask;
	for (uint32_t k = 0; k <= VOCAB_MAX_PROBE; k++, i = (i + 1) & mask) {
		if (!word[i].val) {
			word[i] = (struct word_slot){ (uint32_t)x, (id + 1) | flags };
			if (k > h->max_probe)
				h->max_probe = k;
			if (n > h->max_piece_len)
				h->max_piece_len = (uint32_t)n;
			return 0;
		}
		if (word[i].hash != (uint32_t)x || (word[i].val & WORD_CONT) != cont)
			continue;
		const char *p = piece_of(m, WORD_ID(word[i].val), &len);
		if (len == n && !memcmp(p, s, n))
			return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "tokens %u and %u have the same text", WORD_ID(word[i].val), id);
	}
	return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the tokens' texts collide too often");
}

int make_view(const struct maker *m, struct tok *t, struct err *e)
{
	return vocab_view(t, m->blob->data + m->start, m->blob->len - m->start, e);
}

static void mark_sole(const struct maker *m, const struct tok *t, const char *s, size_t n)
{
	struct word_slot *word = words_of(m);
	uint32_t mask = (uint32_t)((1ull << m->h.word_bits) - 1);
	uint32_t v = vocab_word(t, s, n, 0), i = (uint32_t)(vocab_hash(s, n, 0) >> 32) & mask;
	while (word[i].val != v)
		i = (i + 1) & mask;
	word[i].val |= WORD_SOLE;
}

int make_sole(struct maker *m, bool add, struct err *e)
{
	struct merge_scratch *scratch = merge_scratch_new();
	struct tok_ids ids = {0};
	struct tok t = {0};
	int r = scratch ? make_view(m, &t, e) : err_memory(e);
	for (uint32_t id = 0, n; !r && id < m->h.n_vocab; id++) {
		unsigned type = t.type[id];
		const char *s = piece_of(m, id, &n);
		if (!n || type_is_special(type) || type == TYPE_BYTE)
			continue;
		ids.len = 0;
		struct span w = { s, n, 0, NULL };
		if (merge_word(&t, scratch, &w, &ids))
			r = err_memory(e);
		else if (ids.len != 1 || ids.id[0] != (int32_t)id)
			continue;
		else if (add)
			r = make_word(m, s, n, id, WORD_SOLE, e);
		else
			mark_sole(m, &t, s, n);
	}
	merge_scratch_free(scratch);
	tok_ids_release(&ids);
	return r;
}
