/* SPDX-License-Identifier: Apache-2.0
 *
 * put: see put.h. A file is written before it is entered.
 */
#include "index/put.h"

int put_layer(const char *dir, struct vectors_builder *v, struct manifest *to, struct manifest_segment *seg, struct err *e)
{
	struct buf path = {0};
	struct manifest_layer l = { .number = to->next++, .n_row = (uint32_t)v->n_row };
	int r = manifest_path(&path, dir, l.number, "vec", e);
	if (!r)
		r = vectors_write(v, path.data, l.number, seg->number, seg->n_chunk, &l.pin, &l.len, e);
	if (!r && !manifest_add_layer(seg, &l))
		r = err_memory(e);
	buf_release(&path);
	return r;
}

int put_segment(const char *dir, struct builder *b, struct vectors_builder *v, struct manifest *to, struct manifest_segment *seg,
	struct err *e)
{
	struct buf path = {0};
	struct segment_stat stat = builder_stat(b);
	seg->number = to->next++;
	seg->n_doc = stat.n_doc;
	seg->n_chunk = stat.n_chunk;
	int r = manifest_path(&path, dir, seg->number, "seg", e);
	if (!r)
		r = builder_write(b, path.data, seg->number, &seg->pin, &seg->len, e);
	buf_release(&path);
	return r || !v->n_row ? r : put_layer(dir, v, to, seg, e);
}
