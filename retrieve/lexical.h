/* SPDX-License-Identifier: Apache-2.0
 *
 * lexical: how well the words of a question fit each chunk and each document (BM25; Robertson & Zaragoza 2009).
 *
 *	bm25 = sum over terms t of  weight * idf(t) * tf / (tf + k1 * (1 - b + b * length / mean length))
 *	idf  = ln(1 + (N - n + 0.5) / (n + 0.5))
 *
 * taken three times: over chunks (words of the heading path count lexical_param.head times), over whole documents, and over names with
 * titles. All three are divided by the sum of weight * idf, so a score of 1 would be every term infinitely often.
 */
#ifndef TT_RETRIEVE_LEXICAL_H
#define TT_RETRIEVE_LEXICAL_H

#include "index/store.h"
#include "retrieve/plan.h"

/* Chunks and documents of all segments are counted through: number in the segment plus the segment's base. */
struct lexical {
	size_t n_chunk, n_doc;
	float *chunk;		/* [n_chunk] */
	float *inner;		/* [n_chunk] the same without terms that the document's name or title has: within it they say nothing */
	float *doc, *name;	/* [n_doc] */
	float *whole;		/* [n_doc] idf of the words that are a whole name of the document; relative, as above */
	float *cover;		/* [n_doc] share of the question's informative terms that occur in the document at all, its name and title too */
	float known;		/* share that occurs in the index at all; a small index that lacks one counts it for less: see the source */
};

struct lexical_param { float k1, b, head, k1_doc, b_doc, k1_name, b_name; };
extern const struct lexical_param lexical_default;

/* On error nothing is held. */
int lexical_run(struct lexical *l, struct store *s, const struct plan *p, const struct lexical_param *par, struct err *e);
void lexical_release(struct lexical *l);

#endif
