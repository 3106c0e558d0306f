/* SPDX-License-Identifier: Apache-2.0
 *
 * store: an index opened for reading, at one generation.
 *
 * Files never change, and those of this generation stay mapped, so a writer that commits, merges or removes files beside us is
 * not noticed. A commit between reading the manifest and opening its files shows as a missing file; then the newer manifest
 * is read. Not to be shared between threads.
 */
#ifndef TT_INDEX_STORE_H
#define TT_INDEX_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "index/manifest.h"
#include "index/segment.h"
#include "index/vectors.h"

struct store_segment {
	struct segment seg;
	const struct manifest_segment *m;	/* in store.m */
	uint8_t *dead;				/* [n_doc], 1 = deleted */
	struct vectors *layer;			/* [m->n_layer] */
	size_t first_doc, first_chunk;		/* numbers of its first ones, counted through the segments */
};

struct store {
	char *dir;
	struct manifest m;
	struct store_segment *seg;	/* [m.n_segment] */
	uint32_t n_doc, n_chunk;	/* alive */
	size_t n_all_doc, n_all_chunk;	/* with the dead */
	uint64_t n_row;			/* vectors, those of dead documents included */
};

/* ERR_NOENT when `dir` holds no index. On error nothing is held. */
int store_open(struct store *s, const char *dir, struct err *e);
void store_close(struct store *s);
/* has[n_chunk] of segment i: 1 = the chunk has a vector. Caller frees. */
int store_has_vectors(struct store *s, size_t i, uint8_t **has, struct err *e);
/* Everything in every file; the message names the one that failed. */
int store_verify(struct store *s, struct err *e);

#endif
