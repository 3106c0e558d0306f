/* SPDX-License-Identifier: Apache-2.0
 *
 * find: see find.h. Chunks and documents are counted through all segments, so the rankers see one index.
 */
#include "retrieve/find.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "retrieve/named.h"

/* ---- opening ---- */

static bool equals(struct str s, const char *c)
{
	return strlen(c) == s.n && memcmp(c, s.s, s.n) == 0;
}

static bool is_wanted(const struct segment_doc *d, const struct find_filter *filter)
{
	if (filter->type && !equals(d->type, filter->type))
		return false;
	if (!filter->n_doc)
		return true;
	bool found = false;
	char *doc = strndup(d->doc.s, d->doc.n);
	for (size_t i = 0; doc && !found && i < filter->n_doc; i++)
		found = fnmatch(filter->doc[i], doc, 0) == 0;
	free(doc);
	return found;
}

static bool has_meta(const struct segment_chunk *c, const char *pair)
{
	const char *eq = strchr(pair, '=');
	size_t n = eq ? (size_t)(eq - pair) : strlen(pair);
	for (size_t i = 0; i < c->n_meta; i++)
		if (c->meta[i].key.n == n && memcmp(c->meta[i].key.s, pair, n) == 0)
			return !eq || equals(c->meta[i].value, eq + 1);
	return false;
}

static int filter_docs(struct finder *f, const struct find_filter *filter, struct err *e)
{
	for (size_t i = 0; i < f->store.m.n_segment; i++) {
		struct store_segment *g = &f->store.seg[i];
		uint8_t *skip = f->skip_doc + g->first_doc;
		for (uint32_t k = 0; k < g->m->n_doc; k++) {
			struct segment_doc d;
			skip[k] = g->dead[k];
			if (skip[k] || (!filter->n_doc && !filter->type))
				continue;
			int r = segment_get_doc(&g->seg, k, &d, e);
			if (r)
				return r;
			skip[k] = !is_wanted(&d, filter);
		}
	}
	return 0;
}

static int filter_chunks(struct finder *f, const struct find_filter *filter, struct err *e)
{
	if (!filter->n_meta)
		return 0;
	f->skip_chunk = calloc(f->all.n_chunk + 1, 1);
	if (!f->skip_chunk)
		return err_memory(e);
	for (size_t i = 0; i < f->store.m.n_segment; i++) {
		struct store_segment *g = &f->store.seg[i];
		for (uint32_t k = 0; k < g->m->n_chunk; k++) {
			struct segment_chunk c;
			int r = segment_get_head(&g->seg, k, &c, e);
			if (r)
				return r;
			for (size_t j = 0; j < filter->n_meta; j++)
				f->skip_chunk[g->first_chunk + k] |= !has_meta(&c, filter->meta[j]);
		}
	}
	return 0;
}

static int number_through(struct finder *f, struct err *e)
{
	f->all.n_chunk = f->store.n_all_chunk;
	f->all.n_doc = f->store.n_all_doc;
	if (f->all.n_chunk >= UINT32_MAX || f->all.n_doc >= UINT32_MAX)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the index has more than %u chunks", UINT32_MAX);
	f->doc_of = malloc((f->all.n_chunk + 1) * sizeof *f->doc_of);
	f->unit_of = malloc(f->all.n_chunk + 1);
	f->skip_doc = calloc(f->all.n_doc + 1, 1);
	f->all.doc = f->doc_of;
	f->all.unit = f->unit_of;
	if (!f->doc_of || !f->unit_of || !f->skip_doc)
		return err_memory(e);
	for (size_t i = 0; i < f->store.m.n_segment; i++) {
		struct store_segment *g = &f->store.seg[i];
		const struct segment_len *len;
		int r = segment_get_lens(&g->seg, &len, e);
		if (r)
			return r;
		for (uint32_t k = 0; k < g->m->n_chunk; k++) {
			f->doc_of[g->first_chunk + k] = (uint32_t)g->first_doc + len[k].doc;
			f->unit_of[g->first_chunk + k] = (uint8_t)(len[k].unit <= UNIT_TABLE ? len[k].unit : UNIT_OTHER);
		}
	}
	return 0;
}

int finder_open(struct finder *f, const char *dir, const struct find_filter *filter, scan_fn scan, struct err *e)
{
	*f = (struct finder){ .scan = scan };
	int r = store_open(&f->store, dir, e);
	if (!r)
		r = number_through(f, e);
	if (!r)
		r = filter_docs(f, filter, e);
	if (!r)
		r = filter_chunks(f, filter, e);
	if (r)
		finder_close(f);
	return r;
}

void finder_close(struct finder *f)
{
	free(f->doc_of);
	free(f->unit_of);
	free(f->skip_doc);
	free(f->skip_chunk);
	store_close(&f->store);
	*f = (struct finder){0};
}

/* ---- asking ---- */

static struct store_segment *segment_with(const struct finder *f, uint32_t chunk)
{
	struct store_segment *g = f->store.seg;
	while (g->first_chunk + g->m->n_chunk <= chunk)
		g++;
	return g;
}

struct asked { struct finder *f; const struct plan *p; };

static int is_named(void *arg, uint32_t chunk, bool *is, struct err *e)
{
	struct asked *a = arg;
	struct store_segment *g = segment_with(a->f, chunk);
	struct segment_chunk c;
	struct segment_doc d;
	int r = segment_get_head(&g->seg, chunk - (uint32_t)g->first_chunk, &c, e);
	if (!r)
		r = segment_get_doc(&g->seg, c.doc, &d, e);
	if (!r && c.n_sec)
		*is = named_by(a->p, c.sec[c.n_sec - 1], d.name);
	return r;
}

/* Manual pages of calls, files and conventions, such as open(2) and crontab(5). */
static int is_aside(void *arg, uint32_t doc, bool *is, struct err *e)
{
	const struct asked *a = arg;
	struct store_segment *g = a->f->store.seg;
	struct segment_doc d;
	while (g->first_doc + g->m->n_doc <= doc)
		g++;
	int r = segment_get_doc(&g->seg, doc - (uint32_t)g->first_doc, &d, e);
	if (r)
		return r;
	const char *section = d.name.n ? memrchr(d.name.s, '(', d.name.n - 1) : NULL;
	*is = (equals(d.type, "man") || equals(d.type, "mdoc")) && section && memchr("234579", section[1], 6);
	return 0;
}

static void describe(const struct finder *f, const struct lexical *l, const struct dense *d, const struct fuse_hit *from,
	struct find_hit *to)
{
	const struct store_segment *g = segment_with(f, from->chunk);
	*to = (struct find_hit){ .i_seg = (uint32_t)(g - f->store.seg), .chunk = from->chunk - (uint32_t)g->first_chunk,
		.doc = from->doc - (uint32_t)g->first_doc,
		.bm25 = l ? l->chunk[from->chunk] : 0, .cos = d ? d->cos[from->chunk] : DENSE_NONE, .fused = from->fused,
		.cover = l ? l->cover[from->doc] : 0, .known = l ? l->known : 0 };
}

int finder_run(struct finder *f, const struct find_query *q, struct find_hit *hit, size_t *n_hit, struct err *e)
{
	struct lexical l = {0};
	struct dense d = {0};
	struct plan *p = malloc(sizeof *p);
	struct fuse_hit *top = calloc(q->n + 1, sizeof *top);
	struct fuse_want want = { .n = q->n, .per_doc = q->per_doc, .skip_doc = f->skip_doc, .skip_chunk = f->skip_chunk,
		.named = is_named, .aside = is_aside, .arg = &(struct asked){ f, p } };
	*n_hit = 0;
	int r = p && top ? 0 : err_memory(e);
	if (!r) {
		plan_make(p, q->text, q->text_len);
		r = lexical_run(&l, &f->store, p, &lexical_default, e);
	}
	bool dense = q->dense && q->code && f->store.n_row;
	if (!r && dense)
		r = dense_check(&f->store, q->dim, e);
	if (!r && dense && q->lexical)
		r = dense_is_complete(&f->store, &dense, e);
	if (!r && dense) {
		r = dense_run(&d, &f->store, f->scan, q->code, q->dim, q->scale, e);
		dense = d.n_row > 0;	/* of living chunks */
	}
	if (!r)
		r = fuse_run(q->lexical ? &l : NULL, dense ? &d : NULL, &f->all, &fuse_default, &want, top, n_hit, e);
	for (size_t i = 0; !r && i < *n_hit; i++)
		describe(f, &l, dense ? &d : NULL, &top[i], &hit[i]);
	lexical_release(&l);
	dense_release(&d);
	free(top);
	free(p);
	return r;
}
