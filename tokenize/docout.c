/* SPDX-License-Identifier: Apache-2.0
 *
 * docout: see records.5 for what the records hold. Duplicates are known by the BLAKE2b-128 of the decompressed page; the
 * first name in the order of input is the document, so the output is the same for any number of threads.
 */
#include "tokenize/docout.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "tokenize/docmsg.h"

struct seen { uint8_t content[16]; const char *doc; };

struct docout {
	struct rec_writer *w;
	struct docout_count n;
	struct arena names;
	struct seen *seen;
	size_t n_seen, seen_cap;	/* a power of two, at most half full */
	struct buf doc, name;		/* of the document at hand */
	const char *aliases;
	uint64_t seq;
	bool duplicate;
};

struct docout *docout_new(struct rec_writer *w)
{
	struct docout *o = calloc(1, sizeof *o);
	if (o)
		o->w = w;
	return o;
}

void docout_free(struct docout *o)
{
	if (!o)
		return;
	arena_release(&o->names);
	free(o->seen);
	buf_release(&o->doc);
	buf_release(&o->name);
	free(o);
}

struct docout_count *docout_counts(struct docout *o)
{
	return &o->n;
}

void docout_begin(struct docout *o, const char *aliases)
{
	o->aliases = aliases;
	o->duplicate = false;
}

/* ---- duplicates ---- */

static struct seen *seen_slot(struct seen *v, size_t cap, const uint8_t content[16])
{
	uint64_t h;
	memcpy(&h, content, sizeof h);
	size_t k = (size_t)h & (cap - 1);
	while (v[k].doc && memcmp(v[k].content, content, 16) != 0)
		k = (k + 1) & (cap - 1);
	return &v[k];
}

static bool seen_grow(struct docout *o)
{
	if (2 * (o->n_seen + 1) <= o->seen_cap)
		return true;
	size_t cap = o->seen_cap ? 2 * o->seen_cap : 1024;
	struct seen *v = calloc(cap, sizeof *v);
	if (!v)
		return false;
	for (size_t i = 0; i < o->seen_cap; i++)
		if (o->seen[i].doc)
			*seen_slot(v, cap, o->seen[i].content) = o->seen[i];
	free(o->seen);
	o->seen = v;
	o->seen_cap = cap;
	return true;
}

/* The document that had this content first; NULL if it is this one. Out of memory means not knowing, which is harmless. */
static const char *seen_before(struct docout *o, const struct msg *m)
{
	if (!m->has_content || !seen_grow(o))
		return NULL;
	struct seen *s = seen_slot(o->seen, o->seen_cap, m->content);
	if (s->doc)
		return strcmp(s->doc, m->doc.p) == 0 ? NULL : s->doc;
	char *doc = arena_strdup(&o->names, m->doc.p, m->doc.n);
	if (!doc)
		return NULL;
	memcpy(s->content, m->content, 16);
	s->doc = doc;
	o->n_seen++;
	return NULL;
}

/* ---- records ---- */

static void put_msg_str(struct rec_writer *w, const char *key, struct msg_str s)
{
	rec_put_str(w, key, s.p, s.n);
}

static int put_doc(struct docout *o, const struct msg *m, struct err *e)
{
	char hex[33];
	const char *first = seen_before(o, m), *alias = m->alias_of.n ? m->alias_of.p : first;
	struct rec_writer *w = o->w;
	o->duplicate = first != NULL;
	o->seq = 0;
	buf_clear(&o->doc);
	buf_clear(&o->name);
	buf_add(&o->doc, m->doc.p, m->doc.n);
	buf_add(&o->name, m->name.p, m->name.n);
	if (o->doc.failed || o->name.failed)
		return err_memory(e);
	rec_begin(w, "doc");
	put_msg_str(w, "doc", m->doc);
	put_msg_str(w, "name", m->name);
	put_msg_str(w, "title", m->title);
	rec_put_cstr(w, "type", alias ? "alias" : m->type.p);
	hash_hex(m->hash, sizeof m->hash, hex);
	rec_put_src(w, m->path.p, m->path.n, m->size, m->mtime_ns, hex, 32);
	const char *aliases = alias ? NULL : o->aliases;
	uint32_t n = (alias ? 1u : 0) + (aliases ? 1u : 0) + (m->via.n > 0 ? 1u : 0);
	if (n > 0) {
		msgpack_packer *pk = rec_put_key(w, "meta");
		msgpack_pack_map(pk, n);
		if (alias)
			rec_pack_pair(pk, "alias_of", alias, strlen(alias));
		if (aliases)
			rec_pack_pair(pk, "aliases", aliases, strlen(aliases));
		if (m->via.n > 0)
			rec_pack_pair(pk, "converter", m->via.p, m->via.n);
	}
	*(alias ? &o->n.n_alias : &o->n.n_doc) += 1;
	return rec_emit(w, e);
}

/* "bidi tag": the names of the bits. */
static void pack_hidden(msgpack_packer *pk, unsigned bits)
{
	static const char *const name[] = { "bidi", "zero_width", "tag", "control" };
	struct buf b = {0};
	for (unsigned i = 0; i < 4; i++)
		if (bits & (1u << i))
			buf_printf(&b, "%s%s", b.len ? " " : "", name[i]);
	rec_pack_pair(pk, "hidden_text", b.data ? b.data : "", b.len);
	buf_release(&b);
}

static int put_chunk(struct docout *o, const struct msg *m, struct err *e)
{
	struct rec_writer *w = o->w;
	rec_begin(w, "chunk");
	rec_put_str(w, "doc", o->doc.data, o->doc.len);
	rec_put_u64(w, "seq", o->seq++);
	rec_put_cstr(w, "id", m->id);
	rec_put_str(w, "name", o->name.data, o->name.len);
	put_msg_str(w, "title", m->title);
	msgpack_packer *pk = rec_put_key(w, "sec");
	msgpack_pack_array(pk, m->n_sec);
	for (size_t i = 0; i < m->n_sec; i++)
		msgpack_pack_str_with_body(pk, m->sec[i].p, m->sec[i].n);
	rec_put_cstr(w, "unit", unit_name((enum unit)m->unit));
	rec_put_span(w, "span", m->at.b0, m->at.b1, m->at.l0, m->at.l1);
	put_msg_str(w, "text", m->text);
	rec_put_u64(w, "n_tok", m->n_tok);
	if (m->trunc)
		rec_put_bool(w, "trunc", true);
	bool aliases = o->aliases && m->unit == UNIT_NAME;
	uint32_t n = (m->hidden ? 1u : 0) + (aliases ? 1u : 0);
	if (n > 0) {
		pk = rec_put_key(w, "meta");
		msgpack_pack_map(pk, n);
		if (aliases)
			rec_pack_pair(pk, "aliases", o->aliases, strlen(o->aliases));
		if (m->hidden)
			pack_hidden(pk, m->hidden);
	}
	o->n.n_chunk++;
	o->n.n_tok += m->n_tok;
	return rec_emit(w, e);
}

static int put_error(struct docout *o, const struct msg *m, struct err *e)
{
	struct err what;
	err_set(&what, m->code, m->err_at, "%s", m->what.p);
	o->n.n_error++;
	return rec_emit_error(o->w, &what, m->doc.n ? m->doc.p : NULL, e);
}

int docout_put(struct docout *o, const char *b, size_t n, int *last, struct err *e)
{
	struct cursor c = cursor_of(b, n);
	struct msg m;
	int rc = 0;
	while (rc == 0 && msg_get(&c, &m)) {
		switch (m.kind) {
		case MSG_DOC:
			rc = put_doc(o, &m, e);
			break;
		case MSG_CHUNK:
			if (!o->duplicate)
				rc = put_chunk(o, &m, e);
			break;
		case MSG_ERROR:
			if (last)
				*last = m.code;
			rc = put_error(o, &m, e);
			break;
		case MSG_TOMB:
			rec_begin(o->w, "tomb");
			put_msg_str(o->w, "doc", m.doc);
			o->n.n_tomb++;
			rc = rec_emit(o->w, e);
			break;
		default:
			return err_set(e, ERR_BUG, ERR_NO_OFFSET, "unknown message %u", m.kind);
		}
	}
	return rc < 0 ? rc : cursor_ok(&c) ? 0 : err_set(e, ERR_BUG, c.bad_at, "a message does not add up");
}

int docout_stat(struct docout *o, struct err *e)
{
	const struct { const char *key; uint64_t v; } field[] = {
		{ "n_doc", o->n.n_doc }, { "n_chunk", o->n.n_chunk }, { "n_tok", o->n.n_tok }, { "n_alias", o->n.n_alias },
		{ "n_tomb", o->n.n_tomb }, { "n_error", o->n.n_error }, { "n_skipped", o->n.n_skipped },
	};
	rec_begin(o->w, "stat");
	rec_put_cstr(o->w, "stage", "chunk");
	for (size_t i = 0; i < sizeof field / sizeof *field; i++)
		rec_put_u64(o->w, field[i].key, field[i].v);
	return rec_emit(o->w, e);
}
