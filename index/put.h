/* SPDX-License-Identifier: Apache-2.0
 *
 * put: writes what was gathered and enters it in a manifest in the making. Each file takes the manifest's next number: a segment's
 * comes first, then that of its vectors.
 */
#ifndef TT_INDEX_PUT_H
#define TT_INDEX_PUT_H

#include "index/manifest.h"
#include "index/segment.h"
#include "index/vectors.h"

/* Writes the vectors as one more layer of `seg`, a segment of `to`. */
int put_layer(const char *dir, struct vectors_builder *v, struct manifest *to, struct manifest_segment *seg, struct err *e);
/* Writes the builder as `seg`, which manifest_add gave, and the vectors, if there are any, as its layer. */
int put_segment(const char *dir, struct builder *b, struct vectors_builder *v, struct manifest *to, struct manifest_segment *seg,
	struct err *e);

#endif
