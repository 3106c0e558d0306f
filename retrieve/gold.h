/* SPDX-License-Identifier: Apache-2.0
 *
 * gold: an answer in prose against the answers that people gave, as SQuAD's scorer compares them (Rajpurkar et al. 2016).
 *
 *	"The Norman kings [2]."   ->   " norman kings "   ->   equal? words shared? held within?
 *
 * Before comparing, capitals (of ASCII), punctuation, the articles a, an, the, and citations like [2] are taken out.
 */
#ifndef TT_RETRIEVE_GOLD_H
#define TT_RETRIEVE_GOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

/* The length of a citation at s[0..n), "[2]" or "[1, 3]"; 0 if there is none. */
size_t gold_citation(const char *s, size_t n);

/* Writes the words of text[0..n) that count to `b`, each with one space before it, and a space after the last. A failure of `b`
 * stays, as with buf_reuse. */
void gold_words(struct buf *b, const char *text, size_t n);

/* True if the gold words stand in the answer, in order and together; both from gold_words. Linear, so it may be a long text. */
bool gold_is_held(const struct buf *answer, const struct buf *gold);

/* How an answer compares with one gold answer; both from gold_words. */
struct gold_match {
	bool exact, held;	/* the same words; gold_is_held */
	double f1;		/* harmonic mean of the shares of words that the two have in common */
};
struct gold_match gold_compare(const struct buf *answer, const struct buf *gold);

#endif
