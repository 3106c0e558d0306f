/* SPDX-License-Identifier: Apache-2.0
 *
 * make: putting a tokenizer blob together. Internal to tokenize/. A builder fills the head and the section buffers, calls
 * make_layout, then adds texts to the word table, which is a part of the finished blob.
 */
#ifndef TT_TOKENIZE_MAKE_H
#define TT_TOKENIZE_MAKE_H

#include "tokenize/vocab.h"

struct maker {
	struct vocab_head h;
	struct buf sect[N_SECT];
	struct buf *blob;		/* the result; the caller's */
	size_t start;			/* where the blob begins in it */
};

/* Zeroed but for the fixed fields; roles are -1. */
void make_init(struct maker *m, struct buf *blob, enum tok_kind kind);
void make_release(struct maker *m);

/* Adds piece number h.n_piece: its bytes. The builder adds a token's type itself, to SECT_TYPE. ERR_LIMIT, ERR_MEM. */
int make_piece(struct maker *m, const char *s, size_t n, struct err *e);
/* The token's type, after control tokens that a file forgot to mark are recognised by their text. */
unsigned make_type(const char *s, size_t n, int64_t type);

/* Bits of a table that holds n entries at most two thirds full. */
uint32_t make_bits(uint64_t n);
/* Fills in the word table's size (for n_word texts), the index of user-defined tokens and lays all sections out in the blob. */
int make_layout(struct maker *m, uint64_t n_word, struct err *e);
/* Adds a text to the word table. `flags` is WORD_CONT and WORD_SOLE. A text that is there already is ERR_FORMAT. */
int make_word(struct maker *m, const char *s, size_t n, uint32_t id, uint32_t flags, struct err *e);
/* A view of the blob as it stands. */
int make_view(const struct maker *m, struct tok *t, struct err *e);
/* Marks (or, if `add`, adds) the texts that the merge loop turns into the one token they are. */
int make_sole(struct maker *m, bool add, struct err *e);

#endif
