/* SPDX-License-Identifier: Apache-2.0
 *
 * intake: from records to documents. A document is complete when the record after its last chunk has come; until then it is
 * held here, so that a commit in between never has half of one.
 */
#ifndef TT_INDEX_INTAKE_H
#define TT_INDEX_INTAKE_H

#include <stdbool.h>

#include "index/writer.h"
#include "lib/base/arena.h"
#include "lib/base/rec.h"

/* c: a segment_chunk without its unused headings and pairs, which are most of it. */
struct intake_chunk { const char *c; int8_t *code; size_t dim; float scale; };

struct intake {
	struct arena arena;		/* chunks, strings and codes of the document held */
	struct segment_doc doc;
	struct intake_chunk *chunk;	/* [n_chunk] */
	size_t n_chunk, cap_chunk;
	bool open;			/* a document is held */
	bool is_bad;			/* it, or one of its chunks, was refused */
};

/* Takes a `doc` record, after intake_flush. With ERR_FORMAT its chunks may follow, and are left out with it. */
int intake_doc(struct intake *in, const struct rec *r, struct err *e);
/* Takes a `chunk` of the document held. With ERR_FORMAT the document is not all there, and intake_flush leaves it out. */
int intake_chunk(struct intake *in, const struct rec *r, struct err *e);
/* The document held, if it is doc[0..n), will not be whole: intake_flush leaves it out. */
void intake_void(struct intake *in, const char *doc, size_t n);
/* Hands the document held to the writer, if it is whole, and holds none. */
int intake_flush(struct intake *in, struct writer *w, struct err *e);
void intake_release(struct intake *in);

/* The id, and the vector's codes, scale and dimensions (dim 0 = none), of a chunk record. Codes are in `a`. */
int intake_id(const struct rec *r, uint8_t id[HASH_ID_LEN], struct err *e);
int intake_vector(const struct rec *r, struct arena *a, int8_t **code, size_t *dim, float *scale, struct err *e);

#endif
