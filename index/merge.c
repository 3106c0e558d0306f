/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: see merge.h for the policy. Each document is copied from its segment into a builder, with the vectors of its chunks
 * beside it; a chunk's vector is found through one table per segment (chunk -> row of a layer).
 */
#include "index/merge.h"

#include <stdlib.h>
#include <string.h>

#include "index/put.h"

static int tier(uint32_t n_chunk)
{
	int t = 0;
	for (; n_chunk >= 256 * MERGE_FAN; n_chunk /= MERGE_FAN)
		t++;
	return t;
}

size_t merge_pick(const struct store *s, uint8_t *pick)
{
	size_t n_tier[16] = {0}, n = s->m.n_segment;
	memset(pick, 0, n);
	for (size_t i = 0; i < n; i++)
		if (s->m.segment[i].n_dead * 2 > s->m.segment[i].n_doc) {
			pick[i] = 1;
			return 1;
		}
	for (size_t i = 0; i < n; i++)
		n_tier[tier(s->m.segment[i].n_chunk)]++;
	for (int t = 0; t < 16; t++) {
		if (n_tier[t] < MERGE_FAN)
			continue;
		for (size_t i = 0; i < n; i++)
			pick[i] = tier(s->m.segment[i].n_chunk) == t;
		return n_tier[t];
	}
	return 0;
}

/* A chunk's vector, in the file of its layer; code NULL when it has none. */
struct found { const int8_t *code; float scale; };

static int find_vectors(struct store_segment *g, struct found **out, struct err *e)
{
	struct found *f = calloc(g->m->n_chunk ? g->m->n_chunk : 1, sizeof *f);
	if (!f)
		return err_memory(e);
	for (size_t k = 0; k < g->m->n_layer; k++) {
		struct vectors *v = &g->layer[k];
		int r = vectors_check(v, e);
		if (r) {
			free(f);
			return r;
		}
		for (uint32_t j = 0; j < v->n_row; j++)
			f[v->row[j]] = (struct found){ v->code + (size_t)j * v->stride, v->scale[j] };
	}
	*out = f;
	return 0;
}

static int copy_doc(struct store_segment *g, uint32_t i, const struct found *f, struct builder *b, struct vectors_builder *vec,
	struct err *e)
{
	struct segment_doc d;
	struct segment_chunk c;
	uint32_t to;
	int r = segment_get_doc(&g->seg, i, &d, e);
	if (!r)
		r = builder_doc(b, &d, &to, e);
	for (uint32_t k = 0; !r && k < d.n_chunk; k++) {
		r = segment_get_chunk(&g->seg, d.first + k, &c, e);
		if (!r)
			r = builder_chunk(b, &c, &to, e);
		if (!r && f[d.first + k].code)
			r = vectors_put(vec, to, f[d.first + k].code, f[d.first + k].scale, e);
	}
	return r;
}

static int copy_segment(struct store_segment *g, struct builder *b, struct vectors_builder *vec, struct err *e)
{
	struct found *f;
	int r = find_vectors(g, &f, e);
	if (r)
		return r;
	for (uint32_t i = 0; !r && i < g->m->n_doc; i++)
		if (!g->dead[i])
			r = copy_doc(g, i, f, b, vec, e);
	free(f);
	return r;
}

static int write_segment(const struct store *s, struct builder *b, struct vectors_builder *vec, struct manifest *to,
	struct err *e)
{
	if (builder_stat(b).n_doc == 0)
		return 0;
	struct manifest_segment *seg = manifest_add(to);
	return seg ? put_segment(s->dir, b, vec, to, seg, e) : err_memory(e);
}

int merge_run(struct store *s, const uint8_t *pick, struct manifest *to, struct err *e)
{
	struct builder *b;
	struct vectors_builder vec = { .dim = s->m.dim };
	int r = builder_new(&b, e);
	for (size_t i = 0; !r && i < s->m.n_segment; i++)
		if (pick[i])
			r = copy_segment(&s->seg[i], b, &vec, e);
	for (size_t i = s->m.n_segment; !r && i-- > 0; )
		if (pick[i])
			manifest_drop(to, i);
	if (!r)
		r = write_segment(s, b, &vec, to, e);
	vectors_release(&vec);
	builder_free(b);
	return r;
}

int merge_layers(struct store *s, size_t i, struct manifest *to, struct err *e)
{
	struct found *f;
	struct store_segment *g = &s->seg[i];
	struct vectors_builder vec = { .dim = s->m.dim };
	int r = find_vectors(g, &f, e);
	if (r)
		return r;
	for (uint32_t k = 0; !r && k < g->m->n_chunk; k++)
		if (f[k].code)
			r = vectors_put(&vec, k, f[k].code, f[k].scale, e);
	if (!r) {
		to->segment[i].n_layer = 0;
		r = put_layer(s->dir, &vec, to, &to->segment[i], e);
	}
	free(f);
	vectors_release(&vec);
	return r;
}
