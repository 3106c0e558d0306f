/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse: one ranking out of several kinds of evidence, some about the chunk and some about its document.
 *
 *	page(doc)    = bm25 * w.doc + name * w.name + whole name * w.whole + mean cos of its three nearest chunks * w.near
 *	             - w.aside if it is a manual page of no command, unless its whole name was asked for
 *	             + best chunk of it by  bm25 * w.chunk + cos * w.cos
 *	inner(chunk) = bm25 without the words of the page's name * w.inner + cos * w.cos_inner + w.unit + w.named if named (named.h)
 *	fused(chunk) = page - (best inner of the page - inner) + w.named_page if named			w: struct fuse_param
 *
 * So pages are ranked by all the evidence there is, and each page's best answer stands at its page's score: a page's name and
 * its repetition in every synopsis help to find the page, but do not push the synopsis before the option that was asked for.
 *
 * Lexical scores are shares of the best that a question allows (lexical.h), so sums of them and cosines keep their meaning from
 * one question to the next; ranks do not enter (Bruch, Gai & Ingber 2022: convex combination beats reciprocal ranks). A chunk
 * without a vector counts as an average one.
 */
#ifndef TT_RETRIEVE_FUSE_H
#define TT_RETRIEVE_FUSE_H

#include "retrieve/dense.h"
#include "retrieve/lexical.h"

struct fuse_param {
	float chunk, doc, name, whole, cos, near, aside;
	float inner, cos_inner, named, named_page;
	float unit[UNIT_TABLE + 1];	/* by enum unit */
};
/* Measured; see the source. */
extern const struct fuse_param fuse_default;

/* All chunks, counted through the segments. */
struct fuse_chunks {
	const uint32_t *doc;		/* [n_chunk] */
	const uint8_t *unit;		/* [n_chunk] enum unit */
	size_t n_chunk, n_doc;
};

struct fuse_hit {
	uint32_t chunk, doc;
	float fused;
};

struct fuse_want {
	size_t n, per_doc;		/* hits in all, and of one document; per_doc 0 = any */
	const uint8_t *skip_doc;	/* [n_doc], 1 = not wanted (deleted, filtered) */
	const uint8_t *skip_chunk;	/* [n_chunk], or NULL */
	/* Sets *is to whether the question names this chunk's option; asked for the options of the best documents alone. */
	int (*named)(void *arg, uint32_t chunk, bool *is, struct err *e);
	/* Sets *is to whether a document is a manual page of something else than a command; asked for those that could be among the best. */
	int (*aside)(void *arg, uint32_t doc, bool *is, struct err *e);
	void *arg;
};

/* hit[want.n] gets the best, in order; *n_hit how many. `l` or `d` may be NULL. */
int fuse_run(const struct lexical *l, const struct dense *d, const struct fuse_chunks *c, const struct fuse_param *par,
	const struct fuse_want *want, struct fuse_hit *hit, size_t *n_hit, struct err *e);

#endif
