/* SPDX-License-Identifier: Apache-2.0
 *
 * count: how many tokens a stretch of text costs the embedder, fast enough to ask for every sentence.
 *
 * WordPiece splits at white space first, so the cost of a text is the sum of the costs of its words. A counter keeps
 * a small direct-mapped table of words it has seen and asks the tokenizer only for new ones. Other tokenizers are
 * nearly additive over " word"; their sums are used for planning, and count_exact settles what a chunk really costs.
 * Without a tokenizer the counter estimates, from above on ordinary English text.
 *
 * A counter belongs to one thread; the tokenizer under it is shared.
 */
#ifndef TT_TOKENIZE_COUNT_H
#define TT_TOKENIZE_COUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenize/tok.h"

struct count;

/* `t` may be NULL (estimate); it is borrowed. NULL when memory is out. */
struct count *count_new(const struct tok *t);
void count_free(struct count *c);
/* White space as pieces are told apart by. */
static inline bool count_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
/* Tokens of s[0..n), additive over pieces that end at white space. No [CLS], no [SEP]. Never fails: a word that the
 * tokenizer cannot encode (memory) is estimated. */
size_t count_tokens(struct count *c, const char *s, size_t n);
/* Tokens of s[0..n) as one text. Equal to count_tokens for WordPiece and for the estimate. */
size_t count_exact(struct count *c, const char *s, size_t n);

#endif
