/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse: one ranking out of several kinds of evidence, some about the chunk and some about its document.
 *
 *	fused(chunk) = chunk.bm25 * w_chunk + chunk.cos * w_cos
 *	             + document: bm25 * w_doc + name * w_name + whole name * w_whole + best cos * w_cos_doc
 *
 * Lexical scores are shares of the best that a question allows (lexical.h), so sums of them and cosines keep their meaning from
 * one question to the next; ranks do not enter (Bruch, Gai & Ingber 2022: convex combination beats reciprocal ranks). A chunk
 * without a vector counts as an average one. What is about the document lifts all its chunks together: the best page comes
 * first, and its best entries before those of others.
 */
#ifndef TT_RETRIEVE_FUSE_H
#define TT_RETRIEVE_FUSE_H

#include "retrieve/dense.h"
#include "retrieve/lexical.h"

struct fuse_param { float chunk, doc, name, whole, cos, cos_doc; };
/* Measured; see the source. */
extern const struct fuse_param fuse_default;

struct fuse_hit {
	uint32_t chunk, doc;	/* counted through all segments */
	float fused;
};

struct fuse_want {
	size_t n, per_doc;		/* hits in all, and of one document; per_doc 0 = any */
	const uint8_t *skip_doc;	/* [n_doc], 1 = not wanted (deleted, filtered) */
	const uint8_t *skip_chunk;	/* [n_chunk], or NULL */
	bool all;			/* also chunks that no evidence speaks for */
};

/* hit[want.n] gets the best, in order; *n_hit how many. `l` or `d` may be NULL. doc_of[n_chunk] is each chunk's document. */
int fuse_run(const struct lexical *l, const struct dense *d, const uint32_t *doc_of, size_t n_chunk, size_t n_doc,
	const struct fuse_param *par, const struct fuse_want *want, struct fuse_hit *hit, size_t *n_hit, struct err *e);

#endif
