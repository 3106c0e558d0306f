/* SPDX-License-Identifier: Apache-2.0
 *
 * metric: the figures that a ranking or an answer is judged by. Plain functions on small arrays; nothing is allocated.
 *
 * A ranking is the grades of its documents in order, each document once: `grade[i]` is 0 for a document that nobody
 * judged relevant, else 1 or more. `ideal` holds the grades of every relevant document of the query, in any order.
 */
#ifndef TT_RETRIEVE_METRIC_H
#define TT_RETRIEVE_METRIC_H

#include <stdbool.h>
#include <stddef.h>

/* nDCG over the first `cut` ranks: gain = grade, discount = log2(rank + 1), as trec_eval computes it. 0 if nothing is
 * relevant. `ideal` is sorted in place, largest first. */
double metric_ndcg(const int *grade, size_t n, int *ideal, size_t n_ideal, size_t cut);

/* The share of the `n_ideal` relevant documents that stand within the first `cut` ranks. */
double metric_recall(const int *grade, size_t n, size_t n_ideal, size_t cut);

/* 1 / rank of the first document whose grade is at least `want`, 0 if none is within `cut`. */
double metric_rr(const int *grade, size_t n, int want, size_t cut);

/* True if `flag` stands in text[0..n) as a word of its own: no letter, digit, '-' or '_' touches either end. So "-r" is
 * found in "use -r." and in "-r=N", but neither in "-rf" nor in "--r". */
bool metric_has_word(const char *text, size_t n, const char *flag);

/* The identity under which the judgements know a document: the base name of `doc` without a final ".gz", so that
 * "/usr/share/man/man1/tar.1.gz" is "tar.1". Writes at most `cap` bytes with the final NUL to `out`; false if it is
 * longer than that. `out` may be `doc` itself. */
bool metric_doc_id(const char *doc, size_t n, char *out, size_t cap);

#endif
