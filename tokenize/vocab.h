/* SPDX-License-Identifier: Apache-2.0
 *
 * vocab: the flat blob that a tokenizer is, and the lookups the encoders share. Internal to tokenize/.
 *
 *	head | piece_at u32[n_piece + 1] | piece bytes | type u8[n_vocab] | score f32[n_vocab]
 *	     | word slot[2^k]    text -> id, open addressing
 *	     | merge slot[2^k]   (left id, right id) -> (rank, result id)
 *	     | byte u32[256]     byte -> id
 *	     | expand_at u32[n_piece - n_vocab + 1] | expand u32[]      ids that stand for a piece which is no token
 *	     | join bit[65536]   does any token hold bytes (x, y) on both sides of a character boundary
 *	     | user index        lengths of the user-defined tokens, and a trie of them
 *
 * Every section is 8-byte aligned. tok_open checks the head and that each section lies inside the blob with the size its
 * counts ask for: a few comparisons, so opening a mapped blob costs microseconds. What the sections hold is checked where
 * it is used (an id against n_piece, a pair of offsets against the bytes, a bounded number of probes): a damaged blob may
 * give wrong ids, never a wrong access.
 *
 * Pieces 0..n_vocab-1 are the tokens, as bytes of text; the rest occur only between merges (a merge's result that the
 * vocabulary lacks, a byte without a token).
 */
#ifndef TT_TOKENIZE_VOCAB_H
#define TT_TOKENIZE_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tokenize/tok.h"

#define VOCAB_MAGIC 0x6b6f7474u		/* "ttok" */
#define VOCAB_VERSION 1u
#define VOCAB_MAX_TOKEN (1u << 21)
#define VOCAB_MAX_PIECE (64u << 10)	/* bytes of one token */
#define VOCAB_MAX_PROBE 512u
#define VOCAB_NONE UINT32_MAX
#define VOCAB_N_ROLE 7
#define VOCAB_N_USER_LEN 62u		/* different lengths of user-defined tokens */

enum vocab_sect {
	SECT_PIECE_AT, SECT_PIECE, SECT_TYPE, SECT_SCORE, SECT_WORD, SECT_MERGE, SECT_BYTE, SECT_EXPAND_AT, SECT_EXPAND,
	SECT_JOIN, SECT_USER, N_SECT,
};
enum vocab_flag {
	VOCAB_ADD_BOS = 1, VOCAB_SPACE_PREFIX = 2, VOCAB_IGNORE_MERGES = 4, VOCAB_LOWER = 8, VOCAB_STRIP_ACCENTS = 16,
	VOCAB_SPLIT_CJK = 32, VOCAB_CLEAN = 64,
};
/* Values of GGUF's tokenizer.ggml.token_type. */
enum vocab_type { TYPE_UNDEFINED = 0, TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_USER = 4, TYPE_UNUSED = 5, TYPE_BYTE = 6 };

/* Special tokens (<|im_end|>, [CLS]): no text leads to them, and they stand for none. */
static inline bool type_is_special(unsigned type)
{
	return type == TYPE_CONTROL || type == TYPE_UNKNOWN;
}

#define METASPACE "\xe2\x96\x81"		/* U+2581, a space in the tokens of SentencePiece and of a GGUF's WordPiece */
#define METASPACE_LEN 3

/* Bytes of the character that starts with c, as c claims; 1 for a stray continuation byte. */
static inline size_t char_len(unsigned char c)
{
	return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

struct vocab_range { uint64_t at, len; };
struct vocab_head {
	uint32_t magic, version;	/* in host order: a blob is a cache, not an exchange format */
	uint32_t kind, pre, flags;
	uint32_t n_vocab, n_piece;
	uint32_t word_bits, merge_bits;	/* the tables have 2^bits slots */
	uint32_t max_probe, max_piece_len;
	uint32_t max_word_char;		/* WordPiece: a longer word is unknown */
	uint32_t n_user;		/* user-defined tokens */
	int32_t role[VOCAB_N_ROLE];
	uint64_t total;
	struct vocab_range sect[N_SECT];
};

/* `val` 0 = empty; else id + 1 and the flags. */
struct word_slot { uint32_t hash, val; };
#define WORD_SOLE 0x80000000u		/* encoding this text alone gives just this id */
#define WORD_CONT 0x40000000u		/* WordPiece: continues a word; a name space of its own */
#define WORD_ID(v) (((v) & 0x3fffffffu) - 1)

struct merge_slot { uint32_t left, right, rank, result; };	/* left VOCAB_NONE = empty */

/* A trie of the user-defined tokens. Children and siblings have larger indices than their node, in any blob that is not
 * damaged; who walks it goes on only while indices grow, so a walk ends. */
struct user_node {
	uint32_t child, sibling;		/* 0 = none */
	uint32_t id;				/* the token that ends here, or VOCAB_NONE */
	uint8_t byte, i_len, pad[2];		/* i_len: index of its length in len[] */
};
struct user_index {
	uint32_t first[256];			/* node of each first byte, 0 = none */
	uint32_t len[64];			/* descending */
	uint32_t n_len, n_node;
	struct user_node node[];
};

/* What spm.c collects a part in; kept between the stretches of one text. */
struct part {
	char *s;
	uint32_t *map;		/* offset in the caller's text of each byte */
	size_t n, cap;
};

struct tok {
	const struct vocab_head *h;
	const uint32_t *piece_at;
	const char *piece;
	const uint8_t *type;
	const float *score;
	const struct word_slot *word;
	const struct merge_slot *merge;
	const uint32_t *byte_id, *expand_at, *expand;
	const uint8_t *join;
	const struct user_index *user;
	uint32_t n_expand;
	struct buf own;			/* the blob, if tok_open_file built it */
};

static inline uint64_t load64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

static inline uint32_t load32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static inline uint64_t vocab_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Hash of s[0..n), n >= 1. The seed separates the two name spaces (0, WORD_CONT). */
static inline uint64_t vocab_hash(const char *s, size_t n, uint64_t seed)
{
	uint64_t h = seed + n;
	for (; n > 16; s += 8, n -= 8)
		h = vocab_mix(h, load64(s));
	if (n >= 8)
		return vocab_mix(vocab_mix(h, load64(s)), load64(s + n - 8));
	if (n >= 4)
		return vocab_mix(h, (uint64_t)load32(s) << 32 | load32(s + n - 4));
	return vocab_mix(h, (uint64_t)(unsigned char)s[0] << 16 | (uint64_t)(unsigned char)s[n / 2] << 8 |
	                            (unsigned char)s[n - 1]);
}

static inline uint64_t vocab_pair_hash(uint32_t left, uint32_t right)
{
	return vocab_mix((uint64_t)left << 32 | right, 0x2545f4914f6cdd1du);
}

/* Bytes of a piece; length 0 if the blob is damaged there. */
static inline const char *vocab_piece(const struct tok *t, uint32_t id, size_t *n)
{
	uint32_t a = 0, b = 0;
	if (id < t->h->n_piece) {
		a = t->piece_at[id];
		b = t->piece_at[id + 1];
	}
	if (a > b || b > t->h->sect[SECT_PIECE].len)
		a = b = 0;
	*n = b - a;
	return t->piece + a;
}

/* The slot value for a text (see struct word_slot), 0 if there is none. */
static inline uint32_t vocab_word(const struct tok *t, const char *s, size_t n, uint32_t cont)
{
	if (n > t->h->max_piece_len || n == 0)
		return 0;
	uint64_t h = vocab_hash(s, n, cont);
	uint32_t mask = (uint32_t)((1ull << t->h->word_bits) - 1), i = (uint32_t)(h >> 32) & mask;
	for (uint32_t k = 0; k <= t->h->max_probe; k++, i = (i + 1) & mask) {
		struct word_slot w = t->word[i];
		size_t len;
		if (!w.val)
			return 0;
		if (w.hash != (uint32_t)h || (w.val & WORD_CONT) != cont)
			continue;
		const char *p = vocab_piece(t, WORD_ID(w.val), &len);
		if (len == n && !memcmp(p, s, n))
			return w.val;
	}
	return 0;
}

/* The merge of two pieces, NULL if there is none. */
static inline const struct merge_slot *vocab_merge(const struct tok *t, uint32_t left, uint32_t right)
{
	uint32_t mask = (uint32_t)((1ull << t->h->merge_bits) - 1);
	uint32_t i = (uint32_t)vocab_pair_hash(left, right) & mask;
	for (uint32_t k = 0; k <= t->h->max_probe; k++, i = (i + 1) & mask) {
		const struct merge_slot *m = &t->merge[i];
		if (m->left == VOCAB_NONE)
			return NULL;
		if (m->left == left && m->right == right)
			return m;
	}
	return NULL;
}

/* SPM: true if some token has these bytes on the two sides of a character boundary. */
static inline bool vocab_joins(const struct tok *t, char last, char first)
{
	unsigned i = (unsigned)(unsigned char)last << 8 | (unsigned char)first;
	return t->join[i >> 3] >> (i & 7) & 1;
}

/* ---- what the modules offer each other ---- */

/* Points `t` into the blob after checking head and sections (vocab.c). */
int vocab_view(struct tok *t, const void *blob, size_t n, struct err *e);

/* An encoding under way: the text and where its offsets count from. `at` maps a byte of `s` to its offset in the caller's
 * text: base + i, or base + map[i] where the text had to be rewritten. */
struct span {
	const char *s;
	size_t n;
	size_t base;
	const uint32_t *map;
};
static inline uint32_t span_at(const struct span *x, size_t i)
{
	return (uint32_t)(x->base + (x->map ? x->map[i] : i));
}

int vocab_emit_slow(struct tok_ids *out);		/* makes room for one more id */
static inline int vocab_push(struct tok_ids *out, uint32_t id, uint32_t at)
{
	if (out->len == out->cap || (out->want_at && !out->at)) {
		int r = vocab_emit_slow(out);
		if (r)
			return r;
	}
	if (out->want_at)
		out->at[out->len] = at;
	out->id[out->len++] = (int32_t)id;
	return 0;
}
/* Appends what stands for piece `id`: itself, or its expansion. */
int vocab_emit(const struct tok *t, struct tok_ids *out, uint32_t id, uint32_t at);

/* The merge loop of BPE and SentencePiece over one word (merge.c). `scratch` is kept between words. */
struct merge_scratch;
struct merge_scratch *merge_scratch_new(void);
void merge_scratch_free(struct merge_scratch *m);
int merge_word(const struct tok *t, struct merge_scratch *m, const struct span *w, struct tok_ids *out);

int bpe_encode(const struct tok *t, struct merge_scratch *m, const struct span *x, struct tok_ids *out);
int spm_encode(const struct tok *t, struct merge_scratch *m, struct part *p, const struct span *x, bool at_start,
               struct tok_ids *out);
int wordpiece_encode(const struct tok *t, const struct span *x, struct tok_ids *out);

#endif
