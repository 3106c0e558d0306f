/* SPDX-License-Identifier: Apache-2.0
 *
 * store: see store.h. Each file is compared with what the manifest remembers of it before anything in it is believed.
 */
#include "index/store.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 100	/* a writer would have to commit that often while we open files */

static int check_file(const struct section_file *f, uint64_t number, uint64_t pin, uint64_t len, struct err *e)
{
	if (f->number == number && f->pin == pin && f->map.len == len)
		return 0;
	return err_set(e, ERR_CHECKSUM, ERR_NO_OFFSET, "'%s' is not the file that the manifest names", f->path);
}

static int open_layers(struct store *s, struct store_segment *g, struct buf *path, struct err *e)
{
	const struct manifest_segment *m = g->m;
	g->layer = calloc(m->n_layer ? m->n_layer : 1, sizeof *g->layer);
	if (!g->layer)
		return err_memory(e);
	for (size_t i = 0; i < m->n_layer; i++) {
		const struct manifest_layer *l = &m->layer[i];
		struct vectors *v = &g->layer[i];
		int r = manifest_path(path, s->dir, l->number, "vec", e);
		if (!r)
			r = vectors_open(v, path->data, e);
		if (!r)
			r = check_file(&v->file, l->number, l->pin, l->len, e);
		if (!r && (v->segment != m->number || v->n_chunk != m->n_chunk || v->n_row != l->n_row || v->dim != s->m.dim))
			r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' belongs to another segment", path->data);
		if (r)
			return r;
		s->n_row += v->n_row;
	}
	return 0;
}

static int open_segment(struct store *s, struct store_segment *g, struct buf *path, struct err *e)
{
	const struct manifest_segment *m = g->m;
	int r = manifest_path(path, s->dir, m->number, "seg", e);
	if (!r)
		r = segment_open(&g->seg, path->data, e);
	if (!r)
		r = check_file(&g->seg.file, m->number, m->pin, m->len, e);
	if (!r && (g->seg.stat.n_doc != m->n_doc || g->seg.stat.n_chunk != m->n_chunk))
		r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' has other counts than the manifest", path->data);
	if (r)
		return r;
	g->dead = calloc(m->n_doc ? m->n_doc : 1, 1);
	if (!g->dead)
		return err_memory(e);
	g->first_doc = s->n_all_doc;
	g->first_chunk = s->n_all_chunk;
	s->n_all_doc += m->n_doc;
	s->n_all_chunk += m->n_chunk;
	s->n_doc += m->n_doc;
	s->n_chunk += m->n_chunk;
	for (size_t i = 0; !r && i < m->n_dead; i++) {
		struct segment_doc d;
		g->dead[m->dead[i]] = 1;
		r = segment_get_doc(&g->seg, m->dead[i], &d, e);
		if (!r) {
			s->n_doc--;
			s->n_chunk -= d.n_chunk;
		}
	}
	return r ? r : open_layers(s, g, path, e);
}

static int open_once(struct store *s, const char *dir, struct err *e)
{
	*s = (struct store){ .dir = strdup(dir) };
	if (!s->dir)
		return err_memory(e);
	struct buf path = {0};
	int r = manifest_read(&s->m, dir, e);
	if (!r) {
		s->seg = calloc(s->m.n_segment ? s->m.n_segment : 1, sizeof *s->seg);
		if (!s->seg)
			r = err_memory(e);
	}
	for (size_t i = 0; !r && i < s->m.n_segment; i++) {
		s->seg[i].m = &s->m.segment[i];
		r = open_segment(s, &s->seg[i], &path, e);
	}
	buf_release(&path);
	return r;
}

/* A file that the manifest names is missing. That is damage, not ERR_NOENT, by which callers know an index that is yet to be made. */
static int lacks_file(const char *dir, struct err *e)
{
	err_wrap(e, "'%s' is damaged", dir);
	if (e)
		e->code = ERR_CHECKSUM;
	return ERR_CHECKSUM;
}

int store_open(struct store *s, const char *dir, struct err *e)
{
	uint64_t seen = 0;
	for (int i = 0; ; i++) {
		int r = open_once(s, dir, e);
		if (!r)
			return 0;
		bool missing = r == ERR_NOENT && s->seg;	/* there is a manifest */
		bool again = missing && (i == 0 || s->m.generation != seen) && i < MAX_TRIES;
		seen = s->m.generation;
		store_close(s);
		if (missing && !again)
			return lacks_file(dir, e);
		if (!missing)
			return r == ERR_NOENT ? err_set(e, r, ERR_NO_OFFSET, "'%s' is not an index", dir) : r;
	}
}

void store_close(struct store *s)
{
	for (size_t i = 0; s->seg && i < s->m.n_segment; i++) {
		struct store_segment *g = &s->seg[i];
		for (size_t k = 0; g->layer && k < g->m->n_layer; k++)
			vectors_close(&g->layer[k]);
		free(g->layer);
		free(g->dead);
		segment_close(&g->seg);
	}
	free(s->seg);
	free(s->dir);
	manifest_release(&s->m);
	*s = (struct store){0};
}

int store_has_vectors(struct store *s, size_t i, uint8_t **has, struct err *e)
{
	struct store_segment *g = &s->seg[i];
	*has = calloc(g->m->n_chunk ? g->m->n_chunk : 1, 1);
	if (!*has)
		return err_memory(e);
	int r = 0;
	for (size_t k = 0; !r && k < g->m->n_layer; k++) {
		const struct vectors *v = &g->layer[k];
		r = vectors_check(&g->layer[k], e);
		for (uint32_t j = 0; !r && j < v->n_row; j++)
			(*has)[v->row[j]] = 1;
	}
	if (r) {
		free(*has);
		*has = NULL;
	}
	return r;
}

int store_verify(struct store *s, struct err *e)
{
	int r = 0;
	for (size_t i = 0; !r && i < s->m.n_segment; i++) {
		r = segment_verify(&s->seg[i].seg, e);
		for (size_t k = 0; !r && k < s->m.segment[i].n_layer; k++)
			r = vectors_check(&s->seg[i].layer[k], e);
	}
	return r;
}
