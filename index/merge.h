/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: fewer, larger segments, without what was deleted.
 *
 * Policy: a segment's tier is how often its chunks can be divided by 4 before 256 are left. Four of one tier become one, so a
 * chunk is rewritten about log4(n / 256) times and there are at most three segments a tier. A segment of which more than half
 * is dead is rewritten alone; so are the vectors of one that has more than three layers.
 *
 * Merging builds again from the stored text: the same documents give the same bytes whether they came at once or in pieces.
 */
#ifndef TT_INDEX_MERGE_H
#define TT_INDEX_MERGE_H

#include "index/store.h"

#define MERGE_FAN 4
#define MERGE_LAYERS 3

/* Sets pick[n_segment] for one group that should be merged; returns how many it has, 0 = nothing to do. */
size_t merge_pick(const struct store *s, uint8_t *pick);
/* Writes the live documents of the picked segments as one new segment with at most one layer of vectors, and puts it into `to`
 * (whose `next` advances) in place of them. `to` starts as a copy of s->m in content. Files are written, none removed. */
int merge_run(struct store *s, const uint8_t *pick, struct manifest *to, struct err *e);
/* Writes the vectors of segment i as one layer in place of its layers. */
int merge_layers(struct store *s, size_t i, struct manifest *to, struct err *e);

#endif
