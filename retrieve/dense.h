/* SPDX-License-Identifier: Apache-2.0
 *
 * dense: the cosine of a question's vector and each chunk's: every vector is looked at, so nothing is missed and nothing has
 * to be built. 8-bit codes, exact sums; only their rounding is approximate.
 */
#ifndef TT_RETRIEVE_DENSE_H
#define TT_RETRIEVE_DENSE_H

#include <stdbool.h>

#include "index/store.h"
#include "lib/kern/scan.h"

#define DENSE_NONE (-2.0f)	/* below any cosine: the chunk has no vector */

struct dense {
	size_t n_chunk, n_row;
	float *cos;		/* [n_chunk], counted through all segments; DENSE_NONE for what was removed */
	float mean;		/* over the chunks that have a vector */
};

/* ERR_CONF when a question's vector of `dim` components is not of the index's kind. */
int dense_check(const struct store *s, size_t dim, struct err *e);
/* Sets *is to whether nearly all living chunks have a vector. Nothing fair can be said of a page without one beside pages that have them:
 * a machine's manual pages that were embedded first would stand before all others, while the rest is still being computed. */
int dense_is_complete(struct store *s, bool *is, struct err *e);

/* code[stride] and scale: the question. Checks `dim` as above. On error nothing is held. */
int dense_run(struct dense *d, struct store *s, scan_fn scan, const int8_t *code, size_t dim, float scale, struct err *e);
void dense_release(struct dense *d);

#endif
