/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse: the best n hits lie in the n documents whose best chunk is best, so those are chosen first and only their chunks sorted.
 */
#include "retrieve/fuse.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/heap.h"

const struct fuse_param fuse_default = { .chunk = 1, .doc = 0.7f, .name = 0.8f, .whole = 0.3f, .cos = 1, .cos_doc = 0 };

struct work {
	float *doc;		/* [n_doc] evidence about the document */
	float *chunk;		/* [n_chunk] fused, once scored */
	float *best;		/* [n_doc] of its chunks */
	struct heap_item *top;	/* [want.n] documents */
	uint8_t *is_top;	/* [n_doc] */
};

static float cos_at(const struct dense *d, size_t i)
{
	return d->cos[i] > DENSE_NONE ? d->cos[i] : d->mean;
}

static void score_docs(const struct lexical *l, const struct dense *d, const uint32_t *doc_of, size_t n_chunk, size_t n_doc,
	const struct fuse_param *par, struct work *w)
{
	for (size_t i = 0; l && i < n_doc; i++)
		w->doc[i] = par->doc * l->doc[i] + par->name * l->name[i] + par->whole * l->whole[i];
	if (!d || par->cos_doc == 0)
		return;
	for (size_t i = 0; i < n_doc; i++)
		w->best[i] = d->mean;
	for (size_t i = 0; i < n_chunk; i++)
		w->best[doc_of[i]] = cos_at(d, i) > w->best[doc_of[i]] ? cos_at(d, i) : w->best[doc_of[i]];
	for (size_t i = 0; i < n_doc; i++)
		w->doc[i] += par->cos_doc * w->best[i];
}

/* No evidence: no term in common and no vector. */
#define NOTHING (-1e30f)

static void score_chunks(const struct lexical *l, const struct dense *d, const uint32_t *doc_of, size_t n_chunk, size_t n_doc,
	const struct fuse_param *par, const struct fuse_want *want, struct work *w)
{
	score_docs(l, d, doc_of, n_chunk, n_doc, par, w);
	for (size_t i = 0; i < n_doc; i++)
		w->best[i] = NOTHING;
	for (size_t i = 0; i < n_chunk; i++) {
		uint32_t doc = doc_of[i];
		bool found = want->all || d || (l && (l->chunk[i] > 0 || w->doc[doc] > 0));
		w->chunk[i] = NOTHING;
		if (!found || want->skip_doc[doc] || (want->skip_chunk && want->skip_chunk[i]))
			continue;
		float v = w->doc[doc];
		if (l)
			v += par->chunk * l->chunk[i];
		if (d)
			v += par->cos * cos_at(d, i);
		w->chunk[i] = v;
		w->best[doc] = v > w->best[doc] ? v : w->best[doc];
	}
}

static int by_score(const void *pa, const void *pb)
{
	const struct fuse_hit *a = pa, *b = pb;
	if (a->fused > b->fused || a->fused < b->fused)
		return a->fused > b->fused ? -1 : 1;
	return (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

/* Keeps the first want.n of hit[n], at most per_doc of a document; returns their number. */
static size_t limit(struct fuse_hit *hit, size_t n, const struct fuse_want *want, uint8_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < n && kept < want->n; i++) {
		uint8_t *c = &count[hit[i].doc];
		if (want->per_doc && *c >= want->per_doc)
			continue;
		*c = (uint8_t)(*c + (*c < 255));
		hit[kept++] = hit[i];
	}
	return kept;
}

static int choose(const struct work *w, const uint32_t *doc_of, size_t n_chunk, size_t n_doc, const struct fuse_want *want,
	struct fuse_hit *hit, size_t *n_hit, struct err *e)
{
	struct heap h;
	heap_init(&h, w->top, want->n);
	for (size_t i = 0; i < n_doc; i++)
		if (w->best[i] > NOTHING)
			heap_push(&h, w->best[i], (uint32_t)i);
	memset(w->is_top, 0, n_doc);
	for (size_t i = 0; i < h.len; i++)
		w->is_top[w->top[i].id] = 1;
	size_t n = 0;
	for (size_t i = 0; i < n_chunk; i++)
		n += w->is_top[doc_of[i]] && w->chunk[i] > NOTHING;
	struct fuse_hit *all = malloc((n + 1) * sizeof *all);
	if (!all)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory ranking");
	n = 0;
	for (size_t i = 0; i < n_chunk; i++)
		if (w->is_top[doc_of[i]] && w->chunk[i] > NOTHING)
			all[n++] = (struct fuse_hit){ (uint32_t)i, doc_of[i], w->chunk[i] };
	qsort(all, n, sizeof *all, by_score);
	memset(w->is_top, 0, n_doc);
	*n_hit = limit(all, n, want, w->is_top);
	memcpy(hit, all, *n_hit * sizeof *hit);
	free(all);
	return 0;
}

int fuse_run(const struct lexical *l, const struct dense *d, const uint32_t *doc_of, size_t n_chunk, size_t n_doc,
	const struct fuse_param *par, const struct fuse_want *want, struct fuse_hit *hit, size_t *n_hit, struct err *e)
{
	struct work w = { .doc = calloc(n_doc + 1, sizeof(float)), .chunk = calloc(n_chunk + 1, sizeof(float)),
		.best = calloc(n_doc + 1, sizeof(float)), .top = calloc(want->n + 1, sizeof *w.top), .is_top = calloc(n_doc + 1, 1) };
	int r = 0;
	*n_hit = 0;
	if (!w.doc || !w.chunk || !w.best || !w.top || !w.is_top)
		r = err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory ranking");
	if (!r) {
		score_chunks(l, d, doc_of, n_chunk, n_doc, par, want, &w);
		r = choose(&w, doc_of, n_chunk, n_doc, want, hit, n_hit, e);
	}
	free(w.doc);
	free(w.chunk);
	free(w.best);
	free(w.top);
	free(w.is_top);
	return r;
}
