/* SPDX-License-Identifier: Apache-2.0
 *
 * writer: see writer.h. A commit is, in this order: segment and vector files (each written aside, synced, renamed), then the
 * manifest in the same way, then the removal of files that no manifest names any more. Whatever step is the last, a reader
 * finds the old generation whole or the new one whole.
 *
 * `live` maps every live document's identity to its place, committed (segment, number) or still in the builder; removals of
 * committed documents go into `next`, the manifest in the making.
 */
#include "index/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/lock.h"
#include "index/merge.h"
#include "index/put.h"
#include "lib/base/arena.h"
#include "lib/base/grow.h"

#define IN_BUILDER UINT32_MAX
#define REMOVED (UINT32_MAX - 1)

struct live { uint64_t hash; const char *s; size_t n; uint32_t seg, doc; };	/* s NULL = free slot; seg may be one of the above */

/* A committed chunk without a vector; the first of those of one id is marked when they are given one. */
struct fresh { uint8_t id[HASH_ID_LEN]; uint32_t seg, chunk; bool is_given; };
struct late { uint32_t seg, chunk; size_t code; float scale; };		/* a vector given to one */

struct writer {
	int lock;
	struct store store;
	struct manifest next;
	bool changed;			/* next differs from store.m */
	struct builder *builder;
	struct vectors_builder vec;
	struct manifest_segment dead;	/* documents of the builder replaced within it */
	struct arena names;		/* identities of the builder's documents */
	struct live *live;
	size_t n_live, cap_live;	/* slots in use, slots (a power of two) */
	struct fresh *fresh;		/* sorted by id; made when first needed */
	size_t n_fresh;
	struct late *late;
	size_t n_late, cap_late;
	struct buf late_code;
	struct gone *gone;		/* NULL: nobody wants to know */
};

/* ---- the table of live documents ---- */

static struct live *live_slot(struct writer *w, const char *s, size_t n, uint64_t hash)
{
	size_t i = hash & (w->cap_live - 1);
	for (;; i = (i + 1) & (w->cap_live - 1)) {
		struct live *l = &w->live[i];
		if (!l->s || (l->hash == hash && l->n == n && memcmp(l->s, s, n) == 0))
			return l;
	}
}

static struct live *live_find(struct writer *w, const char *s, size_t n)
{
	struct live *l = w->cap_live ? live_slot(w, s, n, hash_xxh64(s, n)) : NULL;
	return l && l->s && l->seg != REMOVED ? l : NULL;
}

static int live_grow(struct writer *w, struct err *e)
{
	struct live *old = w->live;
	size_t cap = w->cap_live;
	struct live *fresh = calloc(cap ? cap * 2 : 1024, sizeof *fresh);
	if (!fresh)
		return err_memory(e);
	w->live = fresh;
	w->cap_live = cap ? cap * 2 : 1024;
	w->n_live = 0;
	for (size_t i = 0; i < cap; i++)
		if (old[i].s && old[i].seg != REMOVED) {
			*live_slot(w, old[i].s, old[i].n, old[i].hash) = old[i];
			w->n_live++;
		}
	free(old);
	return 0;
}

/* s[0..n) must stay valid. */
static int live_put(struct writer *w, const char *s, size_t n, uint32_t seg, uint32_t doc, struct err *e)
{
	int r = (w->n_live + 1) * 2 > w->cap_live ? live_grow(w, e) : 0;
	if (r)
		return r;
	uint64_t hash = hash_xxh64(s, n);
	struct live *l = live_slot(w, s, n, hash);
	w->n_live += !l->s;
	*l = (struct live){ hash, s, n, seg, doc };
	return 0;
}

static int live_fill(struct writer *w, struct err *e)
{
	int r = 0;
	free(w->live);
	w->live = NULL;
	w->n_live = w->cap_live = 0;
	for (uint32_t i = 0; !r && i < w->store.m.n_segment; i++) {
		struct store_segment *g = &w->store.seg[i];
		for (uint32_t k = 0; !r && k < g->m->n_doc; k++) {
			struct segment_doc d;
			if (g->dead[k])
				continue;
			r = segment_get_doc(&g->seg, k, &d, e);
			if (!r)
				r = live_put(w, d.doc.s, d.doc.n, i, k, e);
		}
	}
	return r;
}

/* ---- opening ---- */

static bool is_named(const struct manifest *m, const char *file)
{
	char name[32];
	for (size_t i = 0; i < m->n_segment; i++) {
		snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)m->segment[i].number);
		if (strcmp(name, file) == 0)
			return true;
		for (size_t k = 0; k < m->segment[i].n_layer; k++) {
			snprintf(name, sizeof name, "%016llx.vec", (unsigned long long)m->segment[i].layer[k].number);
			if (strcmp(name, file) == 0)
				return true;
		}
	}
	return false;
}

/* Removes segment and vector files that `m` does not name, and files that were being written aside. Only names of our own
 * making are touched. Goes on after an error, and returns the first. */
static int sweep(const char *dir, const struct manifest *m, bool durably, struct err *e)
{
	DIR *d = opendir(dir);
	if (!d)
		return err_sys(e, ERR_IO, "cannot open directory '%s'", dir);
	const char *name;
	int r = 0, unread = 0;
	while ((name = io_next_name(d, dir, &unread, r ? NULL : e))) {
		size_t n = strlen(name), hex = strspn(name, "0123456789abcdef");
		const char *ext = name + 16;
		bool ours = hex == 16 && n >= 20 && (strncmp(ext, ".seg", 4) == 0 || strncmp(ext, ".vec", 4) == 0);
		bool aside = strncmp(ours ? ext + 4 : name, ours ? ".tmp." : "manifest.tmp.", ours ? 5 : 13) == 0;
		bool goes = aside || (ours && n == 20 && !is_named(m, name));
		if (goes && unlinkat(dirfd(d), name, 0) && !r)
			r = err_sys(e, ERR_IO, "cannot remove '%s/%s'", dir, name);
	}
	r = r ? r : unread;
	if (!r && durably && fsync(dirfd(d)))
		r = err_sys(e, ERR_IO, "cannot fsync directory '%s'", dir);
	closedir(d);
	return r;
}

static int copy_manifest(struct manifest *to, struct manifest *from, struct err *e)
{
	struct buf b = {0};
	manifest_release(to);
	int r = manifest_format(from, &b, e);
	if (!r)
		r = manifest_parse(to, b.data, b.len, "manifest", e);
	buf_release(&b);
	return r;
}

/* Starts anew from what is committed. */
static int reload(struct writer *w, const char *dir, bool create, struct err *e)
{
	char *copy = strdup(dir);	/* dir may be the store's own */
	if (!copy)
		return err_memory(e);
	builder_free(w->builder);
	w->builder = NULL;
	vectors_release(&w->vec);
	free(w->dead.dead);
	w->dead = (struct manifest_segment){0};
	free(w->fresh);
	w->fresh = NULL;
	w->n_fresh = w->n_late = 0;
	buf_clear(&w->late_code);
	store_close(&w->store);
	int r = store_open(&w->store, copy, e);
	if (r == ERR_NOENT && create) {
		w->store.dir = strdup(copy);
		w->store.m.next = 1;
		r = w->store.dir ? 0 : err_memory(e);
	}
	if (!r)
		r = copy_manifest(&w->next, &w->store.m, e);
	if (!r)
		r = live_fill(w, e);
	arena_release(&w->names);
	w->changed = false;
	if (!r)
		sweep(copy, &w->store.m, false, NULL);	/* what cannot be removed is left for the next time */
	free(copy);
	return r;
}

/* False only if `dir` has no such file. */
static bool may_have(const char *dir, const char *file)
{
	struct buf path = {0};
	buf_printf(&path, "%s/%s", dir, file);
	bool has = path.failed || access(path.data, F_OK) == 0 ||
		(errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG);
	buf_release(&path);
	return has;
}

int writer_open(struct writer **out, const char *dir, bool create, long wait_s, struct err *e)
{
	*out = NULL;
	struct writer *w = calloc(1, sizeof *w);
	if (!w)
		return err_memory(e);
	w->lock = -1;
	bool is_none = !*dir || (!create && !may_have(dir, "manifest") && !may_have(dir, "lock"));
	int r = is_none ? err_set(e, ERR_NOENT, ERR_NO_OFFSET, "'%s' is not an index", dir) : 0;
	if (!r && create)
		r = io_mkdirs(dir, e);
	if (!r)
		r = lock_take(&w->lock, dir, wait_s, e);
	if (!r)
		r = reload(w, dir, create, e);
	if (r)
		writer_close(w);
	else
		*out = w;
	return r;
}

void writer_close(struct writer *w)
{
	if (!w)
		return;
	builder_free(w->builder);
	vectors_release(&w->vec);
	free(w->dead.dead);
	free(w->live);
	free(w->fresh);
	free(w->late);
	buf_release(&w->late_code);
	arena_release(&w->names);
	manifest_release(&w->next);
	store_close(&w->store);
	lock_drop(&w->lock);
	free(w);
}

struct store *writer_store(struct writer *w)
{
	return &w->store;
}

/* ---- changing ---- */

/* What an embedder once was, or was going to be, binds nobody while there is no vector. */
static bool has_vectors(const struct writer *w)
{
	return w->store.n_row || w->vec.n_row || w->n_late;
}

int writer_set_model(struct writer *w, const char *model, size_t n, struct err *e)
{
	struct manifest *m = &w->next;
	if (n >= sizeof m->model || memchr(model, '\0', n))
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the embedder's name is longer than %zu bytes", sizeof m->model - 1);
	if (m->model[0] && has_vectors(w) && (strlen(m->model) != n || memcmp(m->model, model, n) != 0))
		return err_set(e, ERR_CONF, ERR_NO_OFFSET, "the index has vectors of '%s', the input those of '%.*s'", m->model, (int)n,
			model);
	memcpy(m->model, model, n);
	m->model[n] = '\0';
	return 0;
}

static int set_dim(struct writer *w, size_t dim, struct err *e)
{
	if (dim == 0 || dim > VECTORS_MAX_DIM)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "a vector of %zu dimensions", dim);
	if (w->next.dim && w->next.dim != dim && has_vectors(w))
		return err_set(e, ERR_CONF, ERR_NO_OFFSET, "the index has vectors of %u dimensions, the input of %zu", w->next.dim, dim);
	w->next.dim = (uint32_t)dim;
	w->vec.dim = dim;
	return 0;
}

void writer_note(struct writer *w, struct gone *g)
{
	w->gone = g;
}

static int note_left(struct writer *w, const struct live *l, struct err *e)
{
	struct segment *seg = &w->store.seg[l->seg].seg;
	struct segment_doc d;
	uint8_t id[HASH_ID_LEN];
	int r = segment_get_doc(seg, l->doc, &d, e);
	for (uint32_t i = 0; !r && i < d.n_chunk; i++) {
		r = segment_get_id(seg, d.first + i, id, e);
		if (!r && gone_left(w->gone, id))
			r = err_memory(e);
	}
	return r;
}

int writer_remove(struct writer *w, const char *doc, size_t n, bool *known, struct err *e)
{
	struct live *l = live_find(w, doc, n);
	*known = l != NULL;
	if (!l)
		return 0;
	int r = w->gone && l->seg != IN_BUILDER ? note_left(w, l, e) : 0;
	if (r)
		return r;
	struct manifest_segment *m = l->seg == IN_BUILDER ? &w->dead : &w->next.segment[l->seg];
	if (!manifest_kill(m, l->doc))
		return err_memory(e);
	w->changed = true;
	l->seg = REMOVED;	/* the slot stays: for the document, should it come again, and so that what was put behind it is found */
	return 0;
}

int writer_doc(struct writer *w, const struct segment_doc *d, struct err *e)
{
	bool known;
	uint32_t i;
	int r = w->builder ? 0 : builder_new(&w->builder, e);
	if (!r)
		r = writer_remove(w, d->doc.s, d->doc.n, &known, e);
	if (!r)
		r = builder_doc(w->builder, d, &i, e);
	if (r)
		return r;
	w->changed = true;
	char *name = arena_strdup(&w->names, d->doc.s, d->doc.n);
	return name ? live_put(w, name, d->doc.n, IN_BUILDER, i, e) : err_memory(e);
}

int writer_chunk(struct writer *w, const struct segment_chunk *c, const int8_t *code, size_t dim, float scale, struct err *e)
{
	uint32_t i;
	int r = code ? set_dim(w, dim, e) : 0;
	if (!r)
		r = builder_chunk(w->builder, c, &i, e);
	if (!r && code)
		r = vectors_put(&w->vec, i, code, scale, e);
	return r;
}

bool writer_dirty(const struct writer *w)
{
	return w->changed || w->n_late;
}

size_t writer_size(const struct writer *w)
{
	return (w->builder ? builder_size(w->builder) : 0) + w->vec.codes.len + w->late_code.len;
}

/* ---- vectors that come later ---- */

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct fresh *)a)->id, ((const struct fresh *)b)->id, HASH_ID_LEN);
}

static int by_place(const void *pa, const void *pb)
{
	const struct late *a = pa, *b = pb;
	if (a->seg != b->seg)
		return a->seg < b->seg ? -1 : 1;
	return (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

static int find_fresh(struct writer *w, struct err *e)
{
	int r = 0;
	w->fresh = malloc((w->store.n_chunk ? w->store.n_chunk : 1) * sizeof *w->fresh);
	if (!w->fresh)
		return err_memory(e);
	for (uint32_t i = 0; !r && i < w->store.m.n_segment; i++) {
		struct store_segment *g = &w->store.seg[i];
		const struct segment_len *len;
		uint8_t *has;
		r = store_has_vectors(&w->store, i, &has, e);
		if (r)
			break;
		r = segment_get_lens(&g->seg, &len, e);
		for (uint32_t k = 0; !r && k < g->m->n_chunk; k++) {
			if (has[k] || g->dead[len[k].doc] || w->n_fresh == w->store.n_chunk)
				continue;
			struct fresh *f = &w->fresh[w->n_fresh++];
			*f = (struct fresh){ .seg = i, .chunk = k };
			r = segment_get_id(&g->seg, k, f->id, e);
		}
		free(has);
	}
	qsort(w->fresh, w->n_fresh, sizeof *w->fresh, by_id);
	return r;
}

/* The first chunk of that id or of one behind it. */
static size_t first_fresh(const struct writer *w, const uint8_t id[HASH_ID_LEN])
{
	size_t lo = 0, hi = w->n_fresh;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (memcmp(w->fresh[mid].id, id, HASH_ID_LEN) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int writer_vector(struct writer *w, const uint8_t id[HASH_ID_LEN], const int8_t *code, size_t dim, float scale, bool *known,
	struct err *e)
{
	int r = w->fresh ? 0 : find_fresh(w, e);
	if (!r)
		r = set_dim(w, dim, e);
	if (r)
		return r;
	size_t i = first_fresh(w, id);
	*known = i < w->n_fresh && memcmp(w->fresh[i].id, id, HASH_ID_LEN) == 0;
	if (!*known || w->fresh[i].is_given)
		return 0;
	w->fresh[i].is_given = true;
	for (; i < w->n_fresh && memcmp(w->fresh[i].id, id, HASH_ID_LEN) == 0; i++) {
		struct late *late = grow(w->late, w->n_late, &w->cap_late, sizeof *late);
		if (!late)
			return err_memory(e);
		w->late = late;
		w->late[w->n_late++] = (struct late){ w->fresh[i].seg, w->fresh[i].chunk, w->late_code.len, scale };
	}
	return buf_add(&w->late_code, code, dim) ? err_memory(e) : 0;
}

/* One layer for the vectors late[from, to) of one segment. */
static int write_late(struct writer *w, size_t from, size_t to, struct err *e)
{
	struct vectors_builder v = { .dim = w->next.dim };
	int r = 0;
	for (size_t i = from; !r && i < to; i++)
		r = vectors_put(&v, w->late[i].chunk, (const int8_t *)w->late_code.data + w->late[i].code, w->late[i].scale, e);
	if (!r)
		r = put_layer(w->store.dir, &v, &w->next, &w->next.segment[w->late[from].seg], e);
	vectors_release(&v);
	return r;
}

static int write_all_late(struct writer *w, struct err *e)
{
	int r = 0;
	if (w->n_late)
		qsort(w->late, w->n_late, sizeof *w->late, by_place);
	for (size_t i = 0, k; !r && i < w->n_late; i = k) {
		for (k = i + 1; k < w->n_late && w->late[k].seg == w->late[i].seg; k++)
			;
		r = write_late(w, i, k, e);
	}
	return r;
}

/* ---- commit ---- */

static int write_builder(struct writer *w, struct err *e)
{
	struct manifest_segment *seg = manifest_add(&w->next);
	if (!seg)
		return err_memory(e);
	*seg = w->dead;
	w->dead = (struct manifest_segment){0};
	return put_segment(w->store.dir, w->builder, &w->vec, &w->next, seg, e);
}

/* dead[m->n_doc], 1 = removed; to be freed. NULL when memory is out. */
static uint8_t *dead_of(const struct manifest_segment *m)
{
	uint8_t *dead = calloc(m->n_doc ? m->n_doc : 1, 1);
	for (size_t k = 0; dead && k < m->n_dead; k++)
		dead[m->dead[k]] = 1;
	return dead;
}

/* Takes the layers out of `next` that only removed documents have vectors in: what those are of binds nobody any more. */
static int drop_dead_layers(struct writer *w, size_t i, struct err *e)
{
	struct store_segment *g = &w->store.seg[i];
	struct manifest_segment *m = &w->next.segment[i];
	const struct segment_len *len;
	size_t n = 0;
	uint8_t *dead = dead_of(m);
	if (!dead)
		return err_memory(e);
	int r = segment_get_lens(&g->seg, &len, e);
	for (size_t k = 0; k < g->m->n_layer && !r; k++) {
		const struct vectors *v = &g->layer[k];
		uint32_t j = 0;
		r = vectors_check_rows(&g->layer[k], e);
		while (!r && j < v->n_row && dead[len[v->row[j]].doc])
			j++;
		if (!r && j < v->n_row)
			m->layer[n++] = m->layer[k];
	}
	if (!r)
		m->n_layer = n;
	free(dead);
	return r;
}

/* What `next` names, and its numbers, are of the index that was opened. */
static int check_index(const struct writer *w, struct err *e)
{
	return lock_holds(w->lock, w->store.dir) ? 0 : err_set(e, ERR_CREATE, ERR_NO_OFFSET,
		"'%s' was removed while it was being written", w->store.dir);
}

static int write_manifest(struct writer *w, struct err *e)
{
	int r = check_index(w, e);
	return r ? r : manifest_write(&w->next, w->store.dir, e);
}

/* Makes `next` the index. */
static int publish(struct writer *w, struct err *e)
{
	int r = write_manifest(w, e);
	return r ? r : reload(w, w->store.dir, false, e);
}

static int merge_once(struct writer *w, enum writer_merge how, bool *again, struct err *e)
{
	struct store *s = &w->store;
	size_t n = 0, n_dead = 0, n_layer = 0;
	uint8_t *pick = calloc(s->m.n_segment ? s->m.n_segment : 1, 1);
	if (!pick)
		return err_memory(e);
	for (size_t i = 0; i < s->m.n_segment; i++) {
		const struct manifest_segment *m = &s->m.segment[i];
		n_dead += m->n_dead;
		n_layer += m->n_layer > 1;
		pick[i] = how == MERGE_ALL || (how == MERGE_DEAD && m->n_dead);
		n += pick[i];
	}
	if (how == MERGE_ALL && n < 2 && !n_dead && !n_layer)
		n = 0;
	if (how == MERGE_TIERED)
		n = merge_pick(s, pick);
	int r = check_index(w, e);
	if (!r && n)
		r = merge_run(s, pick, &w->next, e);
	*again = n && how == MERGE_TIERED;
	for (size_t i = 0; !n && !r && i < s->m.n_segment; i++)
		if (s->m.segment[i].n_layer > MERGE_LAYERS) {
			r = merge_layers(s, i, &w->next, e);
			n = 1;
		}
	free(pick);
	return r || !n ? r : publish(w, e);
}

/* The chunks of the newest segment, written from the builder, come; not those of a document that was replaced or removed again. */
static int note_came(struct writer *w, struct err *e)
{
	const struct manifest_segment *m = &w->next.segment[w->next.n_segment - 1];
	uint8_t id[HASH_ID_LEN], *dead = dead_of(m);
	bool full = !dead;
	for (uint32_t i = 0; !full && i < m->n_chunk; i++) {
		uint32_t doc = builder_get_id(w->builder, i, id);
		full = !dead[doc] && gone_came(w->gone, id);
	}
	free(dead);
	return full ? err_memory(e) : 0;
}

int writer_commit(struct writer *w, struct err *e)
{
	bool has_new = w->builder != NULL;
	if (!writer_dirty(w))	/* an empty index is one, too */
		return w->store.m.generation ? 0 : publish(w, e);
	int r = check_index(w, e);
	for (size_t i = 0; i < w->store.m.n_segment && !r; i++)
		if (w->next.segment[i].n_dead > w->store.m.segment[i].n_dead && w->next.segment[i].n_layer)
			r = drop_dead_layers(w, i, e);
	if (!r)
		r = write_all_late(w, e);
	if (!r && has_new)
		r = write_builder(w, e);
	if (!r && has_new && w->gone)
		r = note_came(w, e);
	if (!r && w->gone)
		r = gone_print(w->gone, e);
	if (!r)
		r = write_manifest(w, e);
	if (r)
		return r;
	r = reload(w, w->store.dir, false, e);
	return r ? err_wrap(e, "what was added or removed is committed, but the index cannot be opened again") : 0;
}

int writer_merge(struct writer *w, enum writer_merge how, struct err *e)
{
	int r = writer_commit(w, e);
	for (bool again = true; !r && again; )
		r = merge_once(w, how, &again, e);
	return r;
}

int writer_sweep(struct writer *w, struct err *e)
{
	return sweep(w->store.dir, &w->store.m, true, e);
}
