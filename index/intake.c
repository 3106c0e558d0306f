/* SPDX-License-Identifier: Apache-2.0
 *
 * intake: field by field, as records.5 has them. Strings are copied, since a record is gone when the next one is read.
 */
#include "index/intake.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/grow.h"
#include "lib/base/utf8.h"

#define HIT_BYTES 4096	/* keys and numbers of a hit, and the id of its query */

static int missing(const struct rec *r, const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, r->at, "record %llu has no usable '%s'", (unsigned long long)r->n, what);
}

/* What is kept has to fit a record again: with `more` bytes of its document, and what a hit has besides. */
static int check_size(const struct rec *r, size_t more, struct err *e)
{
	if (r->raw_len + more + HIT_BYTES <= REC_MAX_BYTES)
		return 0;
	return err_set(e, ERR_FORMAT, r->at, "record %llu is too large to be given back", (unsigned long long)r->n);
}

static bool copy(struct arena *a, const char *s, size_t n, struct str *out)
{
	char *c = arena_strdup(a, s, n);
	*out = (struct str){ c, n };
	return c != NULL;
}

/* A copy of a string field, empty when there is none. */
static bool copy_field(struct arena *a, const struct rec *r, const char *key, struct str *out)
{
	const char *s = "";
	size_t n = 0;
	rec_str(r, key, &s, &n);
	return copy(a, s, n, out);
}

/* What a record of the document held lacks (r, in e), the document lacks: it will not be taken. */
static int leave_out(struct intake *in, int r, struct err *e)
{
	const struct str *doc = &in->doc.doc;
	if (r != ERR_FORMAT || !in->open)
		return r;
	in->is_bad = true;
	err_wrap(e, "'%.*s' is left out", (int)utf8_whole(doc->s, doc->n < 200 ? doc->n : 200), doc->s);
	return r;
}

int intake_doc(struct intake *in, const struct rec *r, struct err *e)
{
	struct segment_doc *d = &in->doc;
	struct arena *a = &in->arena;
	const char *s;
	size_t n;
	if (!rec_str(r, "doc", &s, &n) || n == 0)
		return missing(r, "doc", e);
	*d = (struct segment_doc){0};
	if (!copy(a, s, n, &d->doc))
		return err_memory(e);
	in->open = true;
	int err = check_size(r, 0, e);
	if (err)
		return leave_out(in, err, e);
	const struct rec src = { .map = rec_get(r, "src") }, meta = { .map = rec_get(r, "meta") };
	if (meta.map && meta.map->type != MSGPACK_OBJECT_MAP)
		return leave_out(in, missing(r, "meta", e), e);
	if (src.map && src.map->type != MSGPACK_OBJECT_MAP)
		return leave_out(in, missing(r, "src", e), e);
	rec_u64(&src, "size", &d->size);
	rec_u64(&src, "mtime_ns", &d->mtime_ns);
	if (!copy_field(a, r, "name", &d->name) || !copy_field(a, r, "title", &d->title) || !copy_field(a, r, "type", &d->type) ||
	    !copy_field(a, &src, "path", &d->path) || !copy_field(a, &src, "xxh3", &d->sum) ||
	    !copy_field(a, &meta, "alias_of", &d->alias))
		return err_memory(e);
	return 0;
}

int intake_id(const struct rec *r, uint8_t id[HASH_ID_LEN], struct err *e)
{
	const char *s;
	size_t n;
	if (!rec_str(r, "id", &s, &n) || n != 2 * HASH_ID_LEN || !hash_unhex(s, HASH_ID_LEN, id))
		return missing(r, "id", e);
	return 0;
}

int intake_vector(const struct rec *r, struct arena *a, int8_t **code, size_t *dim, float *scale, struct err *e)
{
	int8_t c[VECTORS_MAX_DIM];
	int err = vectors_of_record(r, c, dim, scale, e);
	*code = NULL;
	if (err || *dim == 0)
		return err;
	*code = arena_alloc(a, vectors_stride(*dim));
	if (!*code)
		return err_memory(e);
	memcpy(*code, c, vectors_stride(*dim));
	return 0;
}

static int take_span(const struct rec *r, struct segment_chunk *c, struct err *e)
{
	const msgpack_object *span = rec_get(r, "span");
	uint64_t l0 = 0, l1 = 0;
	if (!span)
		return 0;
	if (!rec_pair(rec_map_get(span, "b"), &c->b0, &c->b1) || c->b0 > c->b1)
		return missing(r, "span", e);
	if (rec_pair(rec_map_get(span, "l"), &l0, &l1) && l0 <= l1 && l1 <= UINT32_MAX) {
		c->l0 = (uint32_t)l0;
		c->l1 = (uint32_t)l1;
	}
	return 0;
}

static int take_sec(const struct rec *r, struct arena *a, struct segment_chunk *c, struct err *e)
{
	const msgpack_object *sec = rec_get(r, "sec");
	if (!sec)
		return 0;
	if (sec->type != MSGPACK_OBJECT_ARRAY)
		return missing(r, "sec", e);
	for (uint32_t i = 0; i < sec->via.array.size && c->n_sec < SEGMENT_MAX_SEC; i++) {
		const msgpack_object *o = &sec->via.array.ptr[i];
		if (o->type != MSGPACK_OBJECT_STR)
			return missing(r, "sec", e);
		if (!copy(a, o->via.str.ptr, o->via.str.size, &c->sec[c->n_sec++]))
			return err_memory(e);
	}
	return 0;
}

static int take_meta(const struct rec *r, struct arena *a, struct segment_chunk *c, struct err *e)
{
	const msgpack_object *meta = rec_get(r, "meta");
	if (!meta)
		return 0;
	if (meta->type != MSGPACK_OBJECT_MAP)
		return missing(r, "meta", e);
	for (uint32_t i = 0; i < meta->via.map.size && c->n_meta < SEGMENT_MAX_META; i++) {
		const msgpack_object_kv *kv = &meta->via.map.ptr[i];
		if (kv->key.type != MSGPACK_OBJECT_STR || kv->val.type != MSGPACK_OBJECT_STR)
			continue;
		if (!copy(a, kv->key.via.str.ptr, kv->key.via.str.size, &c->meta[c->n_meta].key) ||
		    !copy(a, kv->val.via.str.ptr, kv->val.via.str.size, &c->meta[c->n_meta].value))
			return err_memory(e);
		c->n_meta++;
	}
	return 0;
}

static uint32_t field_u32(const struct rec *r, const char *key)
{
	uint64_t v = 0;
	rec_u64(r, key, &v);
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

#define FIXED offsetof(struct segment_chunk, sec)	/* bytes before the lists */

static char *pack(struct arena *a, const struct segment_chunk *c)
{
	size_t sec_len = c->n_sec * sizeof *c->sec, meta_len = c->n_meta * sizeof *c->meta;
	char *p = arena_alloc(a, FIXED + sec_len + meta_len);
	if (!p)
		return NULL;
	memcpy(p, c, FIXED);
	memcpy(p + FIXED, c->sec, sec_len);
	memcpy(p + FIXED + sec_len, c->meta, meta_len);
	return p;
}

static void unpack(const char *p, struct segment_chunk *c)
{
	memcpy(c, p, FIXED);
	memcpy(c->sec, p + FIXED, c->n_sec * sizeof *c->sec);
	memcpy(c->meta, p + FIXED + c->n_sec * sizeof *c->sec, c->n_meta * sizeof *c->meta);
}

static int take_chunk(struct intake *in, const struct rec *r, struct intake_chunk *it, struct err *e)
{
	struct segment_chunk now = {0}, *c = &now;
	const struct segment_doc *d = &in->doc;
	const char *s;
	size_t n;
	if (!rec_str(r, "text", &s, &n))
		return missing(r, "text", e);
	c->seq = field_u32(r, "seq");
	c->n_tok = field_u32(r, "n_tok");
	rec_bool(r, "trunc", &c->trunc);
	if (!copy(&in->arena, s, n, &c->text) || !copy_field(&in->arena, r, "unit", &c->unit))
		return err_memory(e);
	int err = check_size(r, d->name.n + d->title.n + d->path.n + d->sum.n, e);
	if (!err)
		err = intake_id(r, c->id, e);
	if (!err)
		err = take_span(r, c, e);
	if (!err)
		err = take_sec(r, &in->arena, c, e);
	if (!err)
		err = take_meta(r, &in->arena, c, e);
	if (!err)
		err = intake_vector(r, &in->arena, &it->code, &it->dim, &it->scale, e);
	if (err)
		return err;
	it->c = pack(&in->arena, c);
	return it->c ? 0 : err_memory(e);
}

int intake_chunk(struct intake *in, const struct rec *r, struct err *e)
{
	const char *s;
	size_t n;
	if (!rec_str(r, "doc", &s, &n))
		return leave_out(in, missing(r, "doc", e), e);	/* it stands among that one's */
	if (!in->open || n != in->doc.doc.n || memcmp(s, in->doc.doc.s, n) != 0)
		return err_set(e, ERR_FORMAT, r->at, "record %llu is a chunk of '%.*s' without its document before it",
			(unsigned long long)r->n, (int)(n < 200 ? n : 200), s);
	struct intake_chunk *p = grow(in->chunk, in->n_chunk, &in->cap_chunk, sizeof *p);
	if (!p)
		return err_memory(e);
	in->chunk = p;
	struct intake_chunk *it = &in->chunk[in->n_chunk];
	*it = (struct intake_chunk){0};
	int err = take_chunk(in, r, it, e);
	in->n_chunk += !err;
	return leave_out(in, err, e);
}

static void let_go(struct intake *in)
{
	in->open = in->is_bad = false;
	in->n_chunk = 0;
	arena_rewind(&in->arena, 0);
}

int intake_flush(struct intake *in, struct writer *w, struct err *e)
{
	bool is_whole = in->open && !in->is_bad;
	int r = is_whole ? writer_doc(w, &in->doc, e) : 0;
	for (size_t i = 0; !r && is_whole && i < in->n_chunk; i++) {
		struct segment_chunk c;
		unpack(in->chunk[i].c, &c);
		r = writer_chunk(w, &c, in->chunk[i].code, in->chunk[i].dim, in->chunk[i].scale, e);
	}
	let_go(in);
	return r;
}

void intake_void(struct intake *in, const char *doc, size_t n)
{
	if (in->open && n == in->doc.doc.n && memcmp(doc, in->doc.doc.s, n) == 0)
		in->is_bad = true;
}

void intake_release(struct intake *in)
{
	arena_release(&in->arena);
	free(in->chunk);
	*in = (struct intake){0};
}
