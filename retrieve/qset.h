/* SPDX-License-Identifier: Apache-2.0
 *
 * qset: a set of test queries with what is known about their answers.
 *
 *	queries.jsonl   one object a line: id, text, and for answers gold_flags and flags_not_in_page, or answers
 *	qrels.tsv       query <TAB> document <TAB> grade
 *
 * After qset_open every string is borrowed until qset_close. Not thread-safe per handle.
 */
#ifndef TT_RETRIEVE_QSET_H
#define TT_RETRIEVE_QSET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "retrieve/gold.h"

struct qrel { const char *query, *doc; int grade; };

struct qitem {
	const char *id;
	json_t *json;			/* the whole object */
	const struct qrel *rel;		/* rel[n_rel], the judgements of this query, sorted by document */
	size_t n_rel;
	int best;			/* the highest grade among them, 0 without any */
};

struct qset {
	struct qitem *item;		/* item[n], in the order of the file */
	size_t n;
	struct qitem **by_id;		/* sorted by id */
	struct qrel *rel;
	size_t n_rel;
	char *text;			/* the judgements' file, cut into strings */
};

/* Reads both files; `qrels` may be NULL. Errors of io_read_file, ERR_FORMAT, mostly with the line in the message, ERR_MEM; `s` is then
 * empty and qset_close harmless. */
int qset_open(struct qset *s, const char *queries, const char *qrels, struct err *e);
void qset_close(struct qset *s);
/* Reads a file of lines, which are cut into strings: a NUL byte in it would hide all that follows, and is ERR_FORMAT. */
int qset_read_lines(struct buf *b, const char *path, struct err *e);

/* NULL if there is no such query. */
const struct qitem *qset_find(const struct qset *s, const char *id, size_t n);
/* The grade of `doc` (in the form of metric_doc_id) for the query, 0 if it was not judged relevant. */
int qset_grade(const struct qitem *q, const char *doc);

/* True if the item asks for options that are documented: gold_flags is there and flags_not_in_page is empty. */
bool qset_has_flags(const struct qitem *q);
/* True if the item comes with `answers`, strings of which any one is right. */
bool qset_has_gold(const struct qitem *q);
/* How the answer in `words` (from gold_words) compares with them: the best of each figure. `scratch` is written over. */
struct gold_match qset_gold(const struct qitem *q, const struct buf *words, struct buf *scratch);
/* True if the words hold one of the answers whole. Linear. */
bool qset_gold_in(const struct qitem *q, const struct buf *words, struct buf *scratch);
/* True if of every list of alternatives in gold_flags one stands in text[0..n). Requires qset_has_flags. */
bool qset_flags_in(const struct qitem *q, const char *text, size_t n);

#endif
