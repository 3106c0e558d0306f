/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse: the best n hits lie in the n best documents, so those are chosen first and only their chunks sorted.
 */
#include "retrieve/fuse.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/heap.h"

/* Between halving and doubling any one of these, nDCG@10 moves by less than 0.01 on scifact and on tldr_man; both want vectors about
 * as much as words. Within a page words say more, since its entries are short and alike. */
const struct fuse_param fuse_default = { .chunk = 1, .doc = 0.7f, .name = 0.8f, .whole = 0.3f, .cos = 1.75f, .near = 0.5f, .aside = 0.25f,
	.inner = 1, .cos_inner = 0.5f, .named = 0.3f, .named_page = 0.1f,
	.unit = { [UNIT_NAME] = -0.1f, [UNIT_OPTION] = 0.15f, [UNIT_ENTRY] = 0.05f } };

/* No evidence: no term in common and no vector, or not wanted. */
#define NOTHING (-1e30f)

struct work {
	const struct lexical *l;	/* as given to fuse_run */
	const struct dense *d;
	const struct fuse_chunks *c;
	const struct fuse_param *par;
	const struct fuse_want *want;
	float *page;		/* [n_doc] evidence about the document itself, then its score */
	float *best;		/* [n_doc] of its chunks */
	float *best_inner;	/* [n_doc] */
	struct heap_item *top;	/* [want.n] documents */
	uint8_t *is_top;	/* [n_doc] */
};

static float cos_at(const struct dense *d, size_t i)
{
	return d->cos[i] > DENSE_NONE ? d->cos[i] : d->mean;
}

#define NEAREST 3

/* The mean of a document's nearest chunks, of which there are `n` from chunk i on: what it is about, it says more than once. */
static float near_of(const struct dense *d, size_t i, size_t n)
{
	struct heap_item top[NEAREST];
	struct heap h;
	float sum = 0;
	heap_init(&h, top, NEAREST);
	for (size_t k = i; k < i + n; k++)
		heap_push(&h, cos_at(d, k), (uint32_t)k);
	for (size_t k = 0; k < h.len; k++)
		sum += top[k].score;
	return sum / (float)h.len;
}

static void score_docs(struct work *w)
{
	const struct lexical *l = w->l;
	const struct fuse_chunks *c = w->c;
	const struct fuse_param *par = w->par;
	for (size_t i = 0; l && i < c->n_doc; i++)
		w->page[i] = par->doc * l->doc[i] + par->name * l->name[i] + par->whole * l->whole[i];
	for (size_t i = 0, n; w->d && i < c->n_chunk; i += n) {
		for (n = 1; i + n < c->n_chunk && c->doc[i + n] == c->doc[i]; n++)
			;
		w->page[c->doc[i]] += par->near * near_of(w->d, i, n);
	}
}

static bool is_wanted(const struct work *w, size_t i)
{
	uint32_t doc = w->c->doc[i];
	if (w->want->skip_doc[doc] || (w->want->skip_chunk && w->want->skip_chunk[i]))
		return false;
	return w->d || (w->l && (w->l->chunk[i] > 0 || w->page[doc] > 0));
}

static void score_pages(struct work *w)
{
	const struct fuse_chunks *c = w->c;
	score_docs(w);
	for (size_t i = 0; i < c->n_doc; i++)
		w->best[i] = w->best_inner[i] = NOTHING;
	for (size_t i = 0; i < c->n_chunk; i++) {
		if (!is_wanted(w, i))
			continue;
		float v = (w->l ? w->par->chunk * w->l->chunk[i] : 0) + (w->d ? w->par->cos * cos_at(w->d, i) : 0);
		float *best = &w->best[c->doc[i]];
		*best = v > *best ? v : *best;
	}
	for (size_t i = 0; i < c->n_doc; i++)
		w->page[i] += w->best[i];
}

static float inner_of(const struct work *w, size_t i)
{
	return (w->l ? w->par->inner * w->l->inner[i] : 0) + (w->d ? w->par->cos_inner * cos_at(w->d, i) : 0) +
		w->par->unit[w->c->unit[i]];
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

/* The wanted chunks of the best documents, with their score: *all[*n], to be freed. */
static int gather(struct work *w, struct fuse_hit **all, size_t *n, struct err *e)
{
	const struct fuse_chunks *c = w->c;
	size_t most = 0;
	for (size_t i = 0; i < c->n_chunk; i++)
		most += w->is_top[c->doc[i]];
	*n = 0;
	*all = malloc((most + 1) * sizeof **all);
	if (!*all)
		return err_memory(e);
	for (size_t i = 0; i < c->n_chunk; i++) {
		uint32_t doc = c->doc[i];
		if (!w->is_top[doc] || !is_wanted(w, i))
			continue;
		bool named = false;
		int r = w->l && c->unit[i] == UNIT_OPTION ? w->want->named(w->want->arg, (uint32_t)i, &named, e) : 0;
		if (r) {
			free(*all);
			return r;
		}
		float v = inner_of(w, i) + (named ? w->par->named : 0);
		w->best_inner[doc] = v > w->best_inner[doc] ? v : w->best_inner[doc];
		(*all)[(*n)++] = (struct fuse_hit){ (uint32_t)i, doc, v + (named ? w->par->named_page : 0) };
	}
	for (size_t i = 0; i < *n; i++) {
		struct fuse_hit *h = &(*all)[i];
		h->fused = w->page[h->doc] - (w->best_inner[h->doc] - h->fused);
	}
	return 0;
}

/* A manual page of no command counts less, unless its whole name was asked for. */
static int set_aside(struct work *w, uint32_t doc, struct err *e)
{
	bool is = false;
	int r = w->l && w->l->whole[doc] > 0 ? 0 : w->want->aside(w->want->arg, doc, &is, e);
	w->page[doc] -= is ? w->par->aside : 0;
	return r;
}

static int choose(struct work *w, struct fuse_hit *hit, size_t *n_hit, struct err *e)
{
	struct heap h;
	struct fuse_hit *all;
	size_t n;
	int r = 0;
	heap_init(&h, w->top, w->want->n);
	for (size_t i = 0; !r && i < w->c->n_doc; i++) {
		if (w->best[i] <= NOTHING || !heap_takes(&h, w->page[i], (uint32_t)i))
			continue;
		r = set_aside(w, (uint32_t)i, e);
		heap_push(&h, w->page[i], (uint32_t)i);
	}
	for (size_t i = 0; i < h.len; i++)
		w->is_top[w->top[i].id] = 1;
	r = r ? r : gather(w, &all, &n, e);
	if (r)
		return r;
	qsort(all, n, sizeof *all, by_score);
	memset(w->is_top, 0, w->c->n_doc);
	*n_hit = limit(all, n, w->want, w->is_top);
	memcpy(hit, all, *n_hit * sizeof *hit);
	free(all);
	return 0;
}

int fuse_run(const struct lexical *l, const struct dense *d, const struct fuse_chunks *c, const struct fuse_param *par,
	const struct fuse_want *want, struct fuse_hit *hit, size_t *n_hit, struct err *e)
{
	struct work w = { .l = l, .d = d, .c = c, .par = par, .want = want, .page = calloc(3 * c->n_doc + 1, sizeof(float)),
		.top = calloc(want->n + 1, sizeof *w.top), .is_top = calloc(c->n_doc + 1, 1) };
	int r = 0;
	*n_hit = 0;
	if (!w.page || !w.top || !w.is_top)
		r = err_memory(e);
	if (!r) {
		w.best = w.page + c->n_doc;
		w.best_inner = w.best + c->n_doc;
		score_pages(&w);
		r = choose(&w, hit, n_hit, e);
	}
	free(w.page);
	free(w.top);
	free(w.is_top);
	return r;
}
