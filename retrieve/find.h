/* SPDX-License-Identifier: Apache-2.0
 *
 * find: a question put to an index.
 *
 *	text ──> plan ──> lexical ──┐
 *	vec ───────────> dense ─────┴──> fuse ──> hits
 *
 * A finder holds one generation of the index for as long as it is open.
 */
#ifndef TT_RETRIEVE_FIND_H
#define TT_RETRIEVE_FIND_H

#include "retrieve/fuse.h"

struct find_filter {
	const char *const *doc;		/* shell patterns for the identity; [n_doc], any may match */
	size_t n_doc;
	const char *type;		/* NULL = any */
	const char *const *meta;	/* "key=value", all must match; [n_meta] */
	size_t n_meta;
};

struct finder {
	struct store store;
	struct fuse_chunks all;
	uint32_t *doc_of;		/* [n_chunk]; in `all`, and so is unit_of */
	uint8_t *unit_of;
	uint8_t *skip_doc, *skip_chunk;	/* skip_chunk NULL without a filter on meta */
	scan_fn scan;
};

/* Opens `dir` and works the filter out; `scan` is what compares vectors. ERR_NOENT when there is no index. On error nothing is held. */
int finder_open(struct finder *f, const char *dir, const struct find_filter *filter, scan_fn scan, struct err *e);
void finder_close(struct finder *f);

struct find_query {
	const char *text;
	size_t text_len;
	const int8_t *code;		/* [stride], padded; NULL = without */
	size_t dim;
	float scale;
	bool lexical, dense;		/* kinds of evidence wanted */
	size_t n, per_doc;
};

struct find_hit {
	uint32_t i_seg, chunk, doc;	/* numbers within the segment */
	float bm25, cos, fused;		/* cos DENSE_NONE without a vector */
	float cover, known;		/* share of the question's informative terms that the document has, or the index (lexical.h) */
};

/* hit[q->n]; *n_hit how many there are. ERR_CONF when the vector doesn't fit the index. */
int finder_run(struct finder *f, const struct find_query *q, struct find_hit *hit, size_t *n_hit, struct err *e);

#endif
