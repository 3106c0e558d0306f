/* SPDX-License-Identifier: Apache-2.0
 *
 * tok: text to token ids and back, exactly as the model's own tokenizer does.
 *
 * A tokenizer is one flat, offset-based blob (pieces, trie, merge ranks, pre-tokenizer number), built once from a model
 * file and usable as mapped: `tok_build_*` makes the blob, `tok_open` checks one and looks into it. The pack stores it.
 *
 * tok_encode knows no special tokens: text from users and documents cannot forge a turn. Special ids come from
 * tok_special/tok_find_special and are placed by code, as integers.
 * Handles are immutable after opening and safe to share between threads; an encoder's scratch is per call.
 */
#ifndef TT_TOKENIZE_TOK_H
#define TT_TOKENIZE_TOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct gguf;
struct tok;

enum tok_kind { TOK_BPE = 1, TOK_SPM = 2, TOK_WORDPIECE = 3 };
enum tok_role { TOK_BOS, TOK_EOS, TOK_EOT, TOK_UNK, TOK_CLS, TOK_SEP, TOK_PAD };

/* Builds the blob from a GGUF's tokenizer.* keys / from a folder's vocab.txt (+ tokenizer.json settings). */
int tok_build_gguf(struct buf *blob, const struct gguf *g, struct err *e);
int tok_build_wordpiece(struct buf *blob, const char *dir, struct err *e);
/* Opens a blob; borrows it (8-byte aligned) until tok_close. Head and sections are checked here, in microseconds; what they
 * hold is checked where it is used. */
int tok_open(struct tok **t, const void *blob, size_t n, struct err *e);
/* By file: a GGUF, or a folder with vocab.txt; owns what it builds. */
int tok_open_file(struct tok **t, const char *path, struct err *e);
void tok_close(struct tok *t);

enum tok_kind tok_kind(const struct tok *t);
size_t tok_n_vocab(const struct tok *t);
/* Id of a role, or -1. */
int32_t tok_special(const struct tok *t, enum tok_role role);
/* Id of a control token by its exact text ("<|im_start|>"), or -1 if there is none or the piece is an ordinary one. */
int32_t tok_find_special(const struct tok *t, const char *text);
bool tok_add_bos(const struct tok *t);		/* whether the model wants BOS in front of every prompt */

struct tok_ids {
	int32_t *id;
	uint32_t *at;		/* byte offset of each token's first byte in the text; filled if want_at */
	size_t len, cap;
	bool want_at;
};
/* Appends the ids of s[0..n) (any bytes; ill-formed UTF-8 is handled as the model's tokenizer does). No special tokens, no
 * BOS, no [CLS]. Linear time. ERR_LIMIT near 4 GiB and above; ERR_MEM. */
int tok_encode(const struct tok *t, const char *s, size_t n, struct tok_ids *out, struct err *e);
/* The same for text that continues what was encoded before: no space is put in front. With tok_cut a text of any size is
 * encoded in parts:  k = tok_cut(t, s, n); first part s[0..k) by tok_encode, the rest by tok_encode_next. */
int tok_encode_next(const struct tok *t, const char *s, size_t n, struct tok_ids *out, struct err *e);
/* The largest k <= n such that the ids of s[0..k) followed by those of s[k..) are the ids of the whole, whatever follows s[n);
 * 0 if no such place is known. */
size_t tok_cut(const struct tok *t, const char *s, size_t n);
/* Appends an id that stands for the text from byte `at` on: ERR_MEM, and then `ids` holds what it held. */
int tok_ids_push(struct tok_ids *ids, int32_t id, uint32_t at);
void tok_ids_release(struct tok_ids *ids);

/* Appends the bytes of one token (a part of a character is possible). Control tokens give nothing. SPM: the leading space of
 * the very first token of a text is the caller's to drop (tok_decode does). ERR_ARG if there is no such token; ERR_MEM. */
int tok_piece(const struct tok *t, int32_t id, struct buf *out);
/* Appends the text of ids[0..n). Fails as tok_piece does, and then the text of the ids before has been appended. */
int tok_decode(const struct tok *t, const int32_t *id, size_t n, struct buf *out);

#endif
