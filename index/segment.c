/* SPDX-License-Identifier: Apache-2.0
 *
 * segment: the reading side. Fixed-length entries are found by number, strings by offset into the heap, terms by binary
 * search over the first term of each block and then a walk through at most TERM_BLOCK of them. Whatever is read is first
 * checked against the checksum of its block, then against its bounds: a file may be damaged, or made by someone else.
 */
#include "index/segment.h"

#include <string.h>

#include "index/layout.h"
#include "index/postings.h"
#include "index/terms.h"
#include "lib/base/cursor.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "segments are mapped as they are stored: little-endian"
#endif

static int bad(const struct segment *s, const void *at, const char *what, struct err *e)
{
	uint64_t off = at ? (uint64_t)((const unsigned char *)at - (const unsigned char *)s->file.map.data) : ERR_NO_OFFSET;
	return err_set(e, ERR_FORMAT, off, "'%s': %s", s->file.path, what);
}

static int read_meta(struct segment *s, struct err *e)
{
	struct section_view v;
	int r = section_get(&s->file, SECT_META, &v, e);
	if (!r)
		r = section_check(&s->file, v.p, v.len, e);
	if (r)
		return r;
	struct cursor c = cursor_of(v.p, v.len);
	s->stat.n_doc = cursor_u32(&c);
	s->stat.n_chunk = cursor_u32(&c);
	s->stat.n_term = cursor_u32(&c);
	cursor_u32(&c);
	s->stat.n_text = cursor_u64(&c);
	s->stat.n_head = cursor_u64(&c);
	s->stat.n_name = cursor_u64(&c);
	return cursor_ok(&c) && v.len == META_LEN ? 0 : bad(s, v.p, "its counts are cut off", e);
}

int segment_open(struct segment *s, const char *path, struct err *e)
{
	*s = (struct segment){0};
	int r = section_open(&s->file, path, SEGMENT_KIND, e);
	if (r)
		return r;
	r = read_meta(s, e);
	const struct { uint32_t id; struct section_view *v; } want[] = { { SECT_DOCS, &s->docs }, { SECT_CHUNKS, &s->chunks },
		{ SECT_HEAP, &s->heap }, { SECT_TEXT, &s->text }, { SECT_TERMS, &s->terms }, { SECT_TERM_AT, &s->term_at },
		{ SECT_POST, &s->post }, { SECT_LENS, &s->lens } };
	for (size_t i = 0; !r && i < sizeof want / sizeof *want; i++)
		r = section_get(&s->file, want[i].id, want[i].v, e);
	uint64_t n_block = ((uint64_t)s->stat.n_term + TERM_BLOCK - 1) / TERM_BLOCK;
	if (!r && (s->docs.len != (uint64_t)s->stat.n_doc * DOC_LEN || s->chunks.len != (uint64_t)s->stat.n_chunk * CHUNK_LEN ||
	    s->lens.len != (uint64_t)s->stat.n_chunk * LEN_LEN || s->term_at.len != (n_block + 1) * 16))
		r = bad(s, NULL, "its sections do not have the lengths that its counts ask for", e);
	if (r)
		segment_close(s);
	return r;
}

void segment_close(struct segment *s)
{
	section_close(&s->file);
	*s = (struct segment){0};
}

/* Reads a string at *p within the heap and moves behind it. */
static int take_str(struct segment *s, const unsigned char **p, struct str *out, struct err *e)
{
	const unsigned char *end = s->heap.p + s->heap.len;
	uint64_t n;
	size_t left = (size_t)(end - *p);
	int r = section_check(&s->file, *p, left < 10 ? left : 10, e);
	if (r)
		return r;
	if (!varint_get(p, end, &n) || n > (uint64_t)(end - *p))
		return bad(s, *p, "a string is longer than the heap", e);
	r = section_check(&s->file, *p, (size_t)n, e);
	*out = (struct str){ (const char *)*p, (size_t)n };
	*p += n;
	return r;
}

/* *at: the checked entry of document i. */
static int doc_entry(struct segment *s, uint32_t i, const unsigned char **at, struct err *e)
{
	*at = NULL;
	if (i >= s->stat.n_doc)
		return bad(s, NULL, "a document number is too large", e);
	*at = s->docs.p + (size_t)i * DOC_LEN;
	return section_check(&s->file, *at, DOC_LEN, e);
}

int segment_get_doc(struct segment *s, uint32_t i, struct segment_doc *d, struct err *e)
{
	const unsigned char *at;
	int r = doc_entry(s, i, &at, e);
	if (r)
		return r;
	struct cursor c = cursor_of(at, DOC_LEN);
	uint64_t heap = cursor_u64(&c);
	d->size = cursor_u64(&c);
	d->mtime_ns = cursor_u64(&c);
	d->first = cursor_u32(&c);
	d->n_chunk = cursor_u32(&c);
	d->n_word = cursor_u32(&c);
	d->n_name = cursor_u32(&c);
	if (heap > s->heap.len || !size_within(d->first, d->n_chunk, s->stat.n_chunk))
		return bad(s, at, "a document's entry points outside", e);
	const unsigned char *p = s->heap.p + heap;
	struct str *const all[] = { &d->doc, &d->name, &d->title, &d->type, &d->path, &d->sum, &d->alias };
	for (size_t k = 0; !r && k < sizeof all / sizeof *all; k++)
		r = take_str(s, &p, all[k], e);
	return r;
}

int segment_get_doc_len(struct segment *s, uint32_t i, uint32_t *n_word, uint32_t *n_name, struct err *e)
{
	const unsigned char *at;
	int r = doc_entry(s, i, &at, e);
	if (r)
		return r;
	struct cursor c = cursor_of(at + 32, 8);
	*n_word = cursor_u32(&c);
	*n_name = cursor_u32(&c);
	return 0;
}

static int take_count(struct segment *s, const unsigned char **p, size_t max, size_t *n, struct err *e)
{
	const unsigned char *end = s->heap.p + s->heap.len;
	uint64_t v;
	int r = *p < end ? section_check(&s->file, *p, 1, e) : 0;
	if (r)
		return r;
	if (!varint_get(p, end, &v) || v > max)
		return bad(s, *p, "a list is longer than the heap", e);
	*n = (size_t)v;
	return 0;
}

static int take_head(struct segment *s, uint64_t heap, struct segment_chunk *c, struct err *e)
{
	const unsigned char *p = s->heap.p + heap;
	int r = take_str(s, &p, &c->unit, e);
	if (!r)
		r = take_count(s, &p, SEGMENT_MAX_SEC, &c->n_sec, e);
	for (size_t i = 0; !r && i < c->n_sec; i++)
		r = take_str(s, &p, &c->sec[i], e);
	if (!r)
		r = take_count(s, &p, SEGMENT_MAX_META, &c->n_meta, e);
	for (size_t i = 0; !r && i < c->n_meta; i++) {
		r = take_str(s, &p, &c->meta[i].key, e);
		if (!r)
			r = take_str(s, &p, &c->meta[i].value, e);
	}
	return r;
}

/* All of a chunk; its text is not checked yet. */
static int take_chunk(struct segment *s, uint32_t i, struct segment_chunk *c, struct err *e)
{
	c->n_sec = c->n_meta = 0;
	int r = segment_get_id(s, i, c->id, e);
	if (r)
		return r;
	const unsigned char *at = s->chunks.p + (size_t)i * CHUNK_LEN;
	struct cursor in = cursor_of(at, CHUNK_LEN);
	in.at = HASH_ID_LEN;
	uint64_t heap = cursor_u64(&in), text = cursor_u64(&in);
	c->b0 = cursor_u64(&in);
	c->b1 = cursor_u64(&in);
	uint32_t text_len = cursor_u32(&in);
	c->doc = cursor_u32(&in);
	c->seq = cursor_u32(&in);
	c->n_tok = cursor_u32(&in);
	c->l0 = cursor_u32(&in);
	c->l1 = cursor_u32(&in);
	c->trunc = cursor_u32(&in) & CHUNK_TRUNC;
	if (heap > s->heap.len || !size_within(text, text_len, s->text.len) || c->doc >= s->stat.n_doc)
		return bad(s, at, "a chunk's entry points outside", e);
	c->text = (struct str){ (const char *)s->text.p + text, text_len };
	return take_head(s, heap, c, e);
}

int segment_get_chunk(struct segment *s, uint32_t i, struct segment_chunk *c, struct err *e)
{
	int r = take_chunk(s, i, c, e);
	return r ? r : section_check(&s->file, c->text.s, c->text.n, e);
}

void segment_put_sec(const struct segment_chunk *c, struct rec_writer *w)
{
	msgpack_packer *pk = rec_put_key(w, "sec");
	msgpack_pack_array(pk, c->n_sec);
	for (size_t i = 0; i < c->n_sec; i++)
		msgpack_pack_str_with_body(pk, c->sec[i].s, c->sec[i].n);
}

void segment_put_meta(const struct segment_chunk *c, struct rec_writer *w)
{
	if (!c->n_meta)
		return;
	msgpack_packer *pk = rec_put_key(w, "meta");
	msgpack_pack_map(pk, c->n_meta);
	for (size_t i = 0; i < c->n_meta; i++) {
		msgpack_pack_str_with_body(pk, c->meta[i].key.s, c->meta[i].key.n);
		msgpack_pack_str_with_body(pk, c->meta[i].value.s, c->meta[i].value.n);
	}
}

int segment_get_head(struct segment *s, uint32_t i, struct segment_chunk *c, struct err *e)
{
	int r = take_chunk(s, i, c, e);
	c->text = (struct str){ "", 0 };
	return r;
}

int segment_get_id(struct segment *s, uint32_t i, uint8_t id[HASH_ID_LEN], struct err *e)
{
	if (i >= s->stat.n_chunk)
		return bad(s, NULL, "a chunk number is too large", e);
	const unsigned char *at = s->chunks.p + (size_t)i * CHUNK_LEN;
	int r = section_check(&s->file, at, CHUNK_LEN, e);
	if (!r)
		memcpy(id, at, HASH_ID_LEN);
	return r;
}

int segment_get_lens(struct segment *s, const struct segment_len **len, struct err *e)
{
	const struct segment_len *v = *len = (const struct segment_len *)(const void *)s->lens.p;
	int r = s->lens_checked ? 0 : section_check(&s->file, s->lens.p, s->lens.len, e);
	if (r || s->lens_checked)
		return r;
	uint32_t most = 0;
	for (size_t i = 0; i < s->stat.n_chunk; i++)
		most = v[i].doc > most ? v[i].doc : most;
	if (s->stat.n_chunk && most >= s->stat.n_doc)
		return bad(s, s->lens.p, "a chunk belongs to no document", e);
	s->lens_checked = true;
	return 0;
}

/* ---- terms ---- */

/* A place in the dictionary: the term there, and where its lists begin. */
struct place {
	const unsigned char *p, *end;
	char s[TERMS_MAX + 1];
	size_t n;
	uint64_t post;
	struct segment_term term;
};

/* Moves to the next term: 1, 0 at the end of the block, <0 ERR_*. */
static int next_term(struct segment *s, struct place *at, struct err *e)
{
	uint64_t same, n, v[5];
	if (at->p == at->end)
		return 0;
	if (!varint_get(&at->p, at->end, &same) || !varint_get(&at->p, at->end, &n) || same > at->n || n > sizeof at->s - same ||
	    n > (uint64_t)(at->end - at->p))
		return bad(s, at->p, "a term is cut off", e);
	memcpy(at->s + same, at->p, (size_t)n);
	at->n = (size_t)(same + n);
	at->p += n;
	for (size_t i = 0; i < 5; i++)
		if (!varint_get(&at->p, at->end, &v[i]))
			return bad(s, at->p, "a term is cut off", e);
	if (v[0] > s->stat.n_chunk || v[1] > s->stat.n_doc || v[2] > s->stat.n_doc || !size_within(at->post, v[3], s->post.len) ||
	    !size_within(at->post + v[3], v[4], s->post.len))
		return bad(s, at->p, "a term's posting lists lie outside", e);
	const char *post = (const char *)s->post.p + at->post;
	at->term = (struct segment_term){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], { post, (size_t)v[3] },
		{ post + v[3], (size_t)v[4] } };
	at->post += v[3] + v[4];
	return 1;
}

static int open_block(struct segment *s, size_t i, struct place *at, struct err *e)
{
	const unsigned char *entry = s->term_at.p + i * 16;
	int r = section_check(&s->file, entry, 32, e);
	if (r)
		return r;
	struct cursor c = cursor_of(entry, 32);
	uint64_t from = cursor_u64(&c), post = cursor_u64(&c), to = cursor_u64(&c);
	if (from > to || to > s->terms.len || post > s->post.len)
		return bad(s, entry, "a block of terms lies outside", e);
	*at = (struct place){ .p = s->terms.p + from, .end = s->terms.p + to, .post = post };
	return section_check(&s->file, at->p, (size_t)(to - from), e);
}

static int compare(const char *a, size_t an, const char *b, size_t bn)
{
	int c = memcmp(a, b, an < bn ? an : bn);
	return c ? c : (an > bn) - (an < bn);
}

void segment_doc_term(const char *doc, size_t n, char t[SEGMENT_DOC_TERM])
{
	uint64_t h = hash_xxh64(doc, n);
	t[0] = SEGMENT_DOC_MARK;
	for (int i = 16; i > 0; i--, h >>= 4)
		t[i] = "0123456789abcdef"[h & 15];
}

int segment_find(struct segment *s, const char *t, size_t n, struct segment_term *out, struct err *e)
{
	struct place at;
	size_t lo = 0, hi = s->term_at.len / 16 - 1;	/* the block sought lies in [lo, hi) */
	int r;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if ((r = open_block(s, mid, &at, e)) || (r = next_term(s, &at, e)) < 0)
			return r;
		if (compare(at.s, at.n, t, n) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	if (hi == 0)
		return 0;
	if ((r = open_block(s, lo, &at, e)))
		return r;
	while ((r = next_term(s, &at, e)) > 0) {
		int c = compare(at.s, at.n, t, n);
		if (c > 0)
			return 0;
		if (c == 0) {
			*out = at.term;
			r = section_check(&s->file, out->chunks.s, out->chunks.n + out->names.n, e);
			return r ? r : 1;
		}
	}
	return r;
}

/* ---- verify ---- */

static int verify_list(struct segment *s, struct str list, uint32_t n, uint32_t n_entry, struct err *e)
{
	struct postings p = postings_of(list.s, list.n, n);
	struct posting it;
	uint32_t got = 0;
	while (postings_next(&p, &it))
		got++;
	return !p.bad && got == n_entry ? 0 : bad(s, list.s, "a posting list contradicts its counts", e);
}

static int verify_terms(struct segment *s, struct err *e)
{
	size_t n_block = s->term_at.len / 16 - 1, n_term = 0;
	struct place at;
	for (size_t i = 0; i < n_block; i++) {
		int r = open_block(s, i, &at, e);
		while (!r && (r = next_term(s, &at, e)) > 0) {
			n_term++;
			r = verify_list(s, at.term.chunks, s->stat.n_chunk, at.term.n_chunk, e);
			if (!r)
				r = verify_list(s, at.term.names, s->stat.n_doc, at.term.n_name, e);
		}
		if (r)
			return r;
	}
	return n_term == s->stat.n_term ? 0 : bad(s, s->terms.p, "terms are missing", e);
}

int segment_verify(struct segment *s, struct err *e)
{
	struct segment_doc d;
	struct segment_chunk c;
	const struct segment_len *len;
	int r = section_verify(&s->file, e);
	for (uint32_t i = 0; !r && i < s->stat.n_doc; i++)
		r = segment_get_doc(s, i, &d, e);
	for (uint32_t i = 0; !r && i < s->stat.n_chunk; i++)
		r = segment_get_chunk(s, i, &c, e);
	if (!r)
		r = segment_get_lens(s, &len, e);
	return r ? r : verify_terms(s, e);
}
