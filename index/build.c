/* SPDX-License-Identifier: Apache-2.0
 *
 * build: a segment gathered in memory and written in one go.
 *
 *	chunk -> terms_scan -> hash table of terms -> per term: bytes of its posting list so far, and the entry in the making
 *
 * Chunks come in order, so each term keeps one open entry (chunk, counts); when a later chunk has the term, the entry is
 * encoded and a new one opened. Nothing is sorted but the dictionary, at the end. Per term there are two lists: chunks, and
 * documents whose name or title has it.
 */
#include "index/segment.h"

#include <stdlib.h>
#include <string.h>

#include "index/layout.h"
#include "index/postings.h"
#include "index/terms.h"
#include "lib/base/arena.h"
#include "lib/base/grow.h"

#define NONE UINT32_MAX

struct list {
	struct buf bytes;
	struct posting open;	/* not yet encoded; tf and tf_head 0 = none */
	int64_t prev;
	uint32_t n;		/* entries, the open one included */
};

struct term {
	const char *s;		/* in the arena */
	uint32_t n, next;	/* length; next term of the same bucket + 1, 0 = none */
	uint64_t hash;
	uint32_t last_doc, n_doc;
	struct list chunks, names;
};

struct builder {
	struct buf docs, chunks, heap, text, lens;
	struct arena arena;	/* term bytes */
	struct term *term;
	size_t n_term, cap_term;
	uint32_t *bucket;	/* term number + 1 */
	size_t n_bucket;	/* a power of two */
	size_t post_len;
	struct segment_stat stat;
	uint32_t doc_first, doc_words;
	int failed;
	/* where terms_scan's callback counts */
	enum { IN_TEXT, IN_HEAD, IN_NAME } field;
	uint32_t n_word;
};

int builder_new(struct builder **b, struct err *e)
{
	*b = calloc(1, sizeof **b);
	if (*b) {
		(*b)->n_bucket = 1 << 12;
		(*b)->bucket = calloc((*b)->n_bucket, sizeof *(*b)->bucket);
		if ((*b)->bucket)
			return 0;
		free(*b);
	}
	*b = NULL;
	return err_memory(e);
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_term; i++) {
		buf_release(&b->term[i].chunks.bytes);
		buf_release(&b->term[i].names.bytes);
	}
	free(b->term);
	free(b->bucket);
	arena_release(&b->arena);
	buf_release(&b->docs);
	buf_release(&b->chunks);
	buf_release(&b->heap);
	buf_release(&b->text);
	buf_release(&b->lens);
	free(b);
}

/* ---- terms ---- */

static int grow_terms(struct builder *b)
{
	struct term *t = grow(b->term, b->n_term, &b->cap_term, sizeof *t);
	size_t n_bucket = b->n_bucket;
	if (!t)
		return ERR_MEM;
	b->term = t;
	while (n_bucket < b->cap_term * 2)
		n_bucket *= 2;
	uint32_t *bucket = calloc(n_bucket, sizeof *bucket);
	if (!bucket)
		return ERR_MEM;
	free(b->bucket);
	b->bucket = bucket;
	b->n_bucket = n_bucket;
	for (size_t i = 0; i < b->n_term; i++) {
		uint32_t *head = &bucket[t[i].hash & (n_bucket - 1)];
		t[i].next = *head;
		*head = (uint32_t)i + 1;
	}
	return 0;
}

/* The term s[0..n), made if it is new; NULL when memory is out. */
static struct term *intern(struct builder *b, const char *s, size_t n)
{
	uint64_t hash = hash_xxh64(s, n);
	for (uint32_t i = b->bucket[hash & (b->n_bucket - 1)]; i; i = b->term[i - 1].next) {
		struct term *t = &b->term[i - 1];
		if (t->hash == hash && t->n == n && memcmp(t->s, s, n) == 0)
			return t;
	}
	if (b->n_term == b->cap_term && grow_terms(b))
		return NULL;
	char *copy = arena_strdup(&b->arena, s, n);
	if (!copy)
		return NULL;
	uint32_t *head = &b->bucket[hash & (b->n_bucket - 1)];
	struct term *t = &b->term[b->n_term];
	*t = (struct term){ .s = copy, .n = (uint32_t)n, .next = *head, .hash = hash, .last_doc = NONE,
		.chunks.prev = -1, .names.prev = -1 };
	*head = (uint32_t)++b->n_term;
	return t;
}

static int list_close(struct builder *b, struct list *l)
{
	if (!l->open.tf && !l->open.tf_head)
		return 0;
	size_t was = l->bytes.len;
	int r = postings_put(&l->bytes, l->prev, &l->open);
	b->post_len += l->bytes.len - was;
	l->prev = l->open.id;
	l->open = (struct posting){0};
	return r;
}

/* The open entry for `id`. */
static struct posting *list_at(struct builder *b, struct list *l, uint32_t id)
{
	bool same = l->open.id == id && (l->open.tf || l->open.tf_head);
	if (!same) {
		if (list_close(b, l))
			b->failed = ERR_MEM;
		l->open.id = id;
		l->n++;
	}
	return &l->open;
}

static void count(void *arg, const char *s, size_t n, enum terms_kind kind)
{
	struct builder *b = arg;
	struct term *t = b->failed ? NULL : intern(b, s, n);
	if (!t) {
		b->failed = ERR_MEM;
		return;
	}
	b->n_word += kind == TERMS_WORD;
	uint32_t doc = b->stat.n_doc - 1;
	if (b->field == IN_NAME) {
		list_at(b, &t->names, doc)->tf++;
		return;
	}
	struct posting *it = list_at(b, &t->chunks, b->stat.n_chunk);
	if (b->field == IN_TEXT)
		it->tf++;
	else
		it->tf_head++;
	if (t->last_doc != doc) {
		t->last_doc = doc;
		t->n_doc++;
	}
}

/* ---- documents and chunks ---- */

static void put_str(struct buf *b, struct str s)
{
	varint_put(b, s.n);
	buf_add(b, s.s, s.n);
}

static void put_mark(struct builder *b, const char *t, size_t n)
{
	struct term *term = intern(b, t, n);
	if (!term)
		b->failed = ERR_MEM;
	else
		list_at(b, &term->names, b->stat.n_doc - 1)->tf = 1;
}

static void put_name(struct builder *b, const char *s, size_t n)
{
	char t[TERMS_MAX + 1] = { SEGMENT_NAME_MARK };
	size_t k = n && n < TERMS_MAX ? terms_fold(s, n, t + 1) : 0;
	if (k && k < TERMS_MAX)
		put_mark(b, t, k + 1);
}

/* "tar" of "tar(1)". */
static struct str base_name(const struct segment_doc *d)
{
	const char *paren = d->name.n ? memchr(d->name.s, '(', d->name.n) : NULL;
	struct str s = { d->name.s, paren ? (size_t)(paren - d->name.s) : d->name.n };
	const char *dot = d->alias.n && s.n ? memrchr(s.s, '.', s.n) : NULL;
	if (dot && dot > s.s && dot + 1 < s.s + s.n && dot[1] >= '0' && dot[1] <= '9')	/* a linked page is named by its file: "hd.1" */
		s.n = (size_t)(dot - s.s);
	return s;
}

/* The whole names a document goes by: its base name, and what a title "a, b - does this" lists. */
static void put_names(struct builder *b, const struct segment_doc *d)
{
	struct str base = base_name(d);
	put_name(b, base.s, base.n);
	const char *dash = d->title.n ? memmem(d->title.s, d->title.n, " - ", 3) : NULL;
	if (!dash)
		return;
	for (const char *p = d->title.s; p < dash; ) {
		size_t left = (size_t)(dash - p);
		const char *comma = memchr(p, ',', left);
		size_t n = comma ? (size_t)(comma - p) : left;
		const char *q = p;
		size_t k = n;
		while (k && *q == ' ')
			q++, k--;
		while (k && q[k - 1] == ' ')
			k--;
		if (k && !memchr(q, ' ', k))
			put_name(b, q, k);
		p += n + 1;
	}
}

static void close_doc(struct builder *b)
{
	if (!b->stat.n_doc)
		return;
	struct buf tail = {0};
	buf_u32(&tail, b->doc_first);
	buf_u32(&tail, b->stat.n_chunk - b->doc_first);
	buf_u32(&tail, b->doc_words);
	if (tail.failed)
		b->failed = ERR_MEM;
	else
		memcpy(b->docs.data + b->docs.len - DOC_LEN + 24, tail.data, tail.len);
	buf_release(&tail);
}

int builder_doc(struct builder *b, const struct segment_doc *d, uint32_t *i_doc, struct err *e)
{
	if (b->stat.n_doc >= NONE - 1)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "a segment can't hold more documents");
	close_doc(b);
	*i_doc = b->stat.n_doc++;
	b->doc_first = b->stat.n_chunk;
	b->doc_words = 0;
	b->field = IN_NAME;
	b->n_word = 0;
	struct str base = base_name(d);
	if (!d->alias.n)
		terms_scan(d->title.s, d->title.n, count, b);
	if (!d->alias.n && base.n && (d->title.n < base.n || !memmem(d->title.s, d->title.n, base.s, base.n)))
		terms_scan(base.s, base.n, count, b);
	put_names(b, d);
	char mark[SEGMENT_DOC_TERM];
	segment_doc_term(d->doc.s, d->doc.n, mark);
	put_mark(b, mark, sizeof mark);
	b->stat.n_name += b->n_word;
	buf_u64(&b->docs, b->heap.len);
	buf_u64(&b->docs, d->size);
	buf_u64(&b->docs, d->mtime_ns);
	buf_zeros(&b->docs, 12);	/* close_doc */
	buf_u32(&b->docs, b->n_word);
	buf_u64(&b->docs, 0);
	const struct str all[] = { d->doc, d->name, d->title, d->type, d->path, d->sum, d->alias };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		put_str(&b->heap, all[i]);
	return b->failed || b->docs.failed || b->heap.failed ? err_memory(e) : 0;
}

static void put_head(struct builder *b, const struct segment_chunk *c)
{
	put_str(&b->heap, c->unit);
	varint_put(&b->heap, c->n_sec);
	for (size_t i = 0; i < c->n_sec; i++)
		put_str(&b->heap, c->sec[i]);
	varint_put(&b->heap, c->n_meta);
	for (size_t i = 0; i < c->n_meta; i++) {
		put_str(&b->heap, c->meta[i].key);
		put_str(&b->heap, c->meta[i].value);
	}
}

int builder_chunk(struct builder *b, const struct segment_chunk *c, uint32_t *i_chunk, struct err *e)
{
	if (!b->stat.n_doc)
		return err_set(e, ERR_BUG, ERR_NO_OFFSET, "a chunk without a document");
	if (b->stat.n_chunk >= NONE - 1 || c->text.n > UINT32_MAX)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "a segment can't hold more chunks");
	b->n_word = 0;
	b->field = IN_TEXT;
	terms_scan(c->text.s, c->text.n, count, b);
	uint32_t n_text = b->n_word;
	b->field = IN_HEAD;
	for (size_t i = 0; i < c->n_sec; i++)
		terms_scan(c->sec[i].s, c->sec[i].n, count, b);
	uint32_t n_head = b->n_word - n_text;
	b->stat.n_text += n_text;
	b->stat.n_head += n_head;
	b->doc_words += b->n_word;
	buf_u32(&b->lens, b->stat.n_doc - 1);
	buf_u32(&b->lens, n_text);
	buf_u32(&b->lens, n_head);
	buf_u32(&b->lens, (uint32_t)unit_named(c->unit.s, c->unit.n));

	buf_add(&b->chunks, c->id, HASH_ID_LEN);
	const uint64_t wide[] = { b->heap.len, b->text.len, c->b0, c->b1 };
	for (size_t i = 0; i < 4; i++)
		buf_u64(&b->chunks, wide[i]);
	const uint32_t narrow[] = { (uint32_t)c->text.n, b->stat.n_doc - 1, c->seq, c->n_tok, c->l0, c->l1,
		c->trunc ? CHUNK_TRUNC : 0, 0, 0, 0 };
	for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
		buf_u32(&b->chunks, narrow[i]);
	buf_add(&b->text, c->text.s, c->text.n);
	put_head(b, c);
	if (i_chunk)
		*i_chunk = b->stat.n_chunk;
	b->stat.n_chunk++;
	return b->failed || b->chunks.failed || b->text.failed || b->heap.failed || b->lens.failed ? err_memory(e) : 0;
}

struct segment_stat builder_stat(const struct builder *b)
{
	struct segment_stat s = b->stat;
	s.n_term = (uint32_t)b->n_term;
	return s;
}

uint32_t builder_get_id(const struct builder *b, uint32_t i, uint8_t id[HASH_ID_LEN])
{
	uint32_t doc;
	memcpy(id, b->chunks.data + (size_t)i * CHUNK_LEN, HASH_ID_LEN);
	memcpy(&doc, b->lens.data + (size_t)i * LEN_LEN, sizeof doc);
	return doc;
}

size_t builder_size(const struct builder *b)
{
	return b->docs.len + b->chunks.len + b->heap.len + b->text.len + b->lens.len + b->post_len * 2 +
		b->n_term * sizeof *b->term + b->arena.used;
}

/* ---- the file ---- */

static int by_text(const void *pa, const void *pb)
{
	const struct term *a = pa, *b = pb;
	int c = memcmp(a->s, b->s, a->n < b->n ? a->n : b->n);
	return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int write_terms(struct builder *b, struct section_writer *w, struct err *e)
{
	struct buf terms = {0}, at = {0};
	const struct term *prev = NULL;
	uint64_t post = 0;
	int r = 0;
	for (size_t i = 0; i < b->n_term; i++) {
		const struct term *t = &b->term[i];
		size_t same = 0;
		if (i % TERM_BLOCK == 0) {
			buf_u64(&at, terms.len);
			buf_u64(&at, post);
		} else {
			while (same < t->n && same < prev->n && t->s[same] == prev->s[same])
				same++;
		}
		varint_put(&terms, same);
		put_str(&terms, (struct str){ t->s + same, t->n - same });
		const uint64_t v[] = { t->chunks.n, t->n_doc, t->names.n, t->chunks.bytes.len, t->names.bytes.len };
		for (size_t k = 0; k < 5; k++)
			varint_put(&terms, v[k]);
		post += t->chunks.bytes.len + t->names.bytes.len;
		prev = t;
	}
	buf_u64(&at, terms.len);
	buf_u64(&at, post);
	if (terms.failed || at.failed)
		r = err_memory(e);
	if (!r)
		r = section_add(w, SECT_TERMS, terms.data, terms.len, e);
	if (!r)
		r = section_add(w, SECT_TERM_AT, at.data, at.len, e);
	if (!r)
		r = section_begin(w, SECT_POST, e);
	for (size_t i = 0; !r && i < b->n_term; i++) {
		r = section_put(w, b->term[i].chunks.bytes.data, b->term[i].chunks.bytes.len, e);
		if (!r)
			r = section_put(w, b->term[i].names.bytes.data, b->term[i].names.bytes.len, e);
	}
	buf_release(&terms);
	buf_release(&at);
	return r;
}

static int write_sections(struct builder *b, struct section_writer *w, struct err *e)
{
	struct buf meta = {0};
	struct segment_stat s = builder_stat(b);
	buf_u32(&meta, s.n_doc);
	buf_u32(&meta, s.n_chunk);
	buf_u32(&meta, s.n_term);
	buf_u32(&meta, 0);
	buf_u64(&meta, s.n_text);
	buf_u64(&meta, s.n_head);
	buf_u64(&meta, s.n_name);
	int r = meta.failed ? err_memory(e) : section_add(w, SECT_META, meta.data, meta.len, e);
	buf_release(&meta);
	const struct { uint32_t id; const struct buf *b; } plain[] = { { SECT_DOCS, &b->docs }, { SECT_CHUNKS, &b->chunks },
		{ SECT_HEAP, &b->heap }, { SECT_TEXT, &b->text }, { SECT_LENS, &b->lens } };
	for (size_t i = 0; !r && i < sizeof plain / sizeof *plain; i++)
		r = section_add(w, plain[i].id, plain[i].b->data, plain[i].b->len, e);
	return r ? r : write_terms(b, w, e);
}

int builder_write(struct builder *b, const char *path, uint64_t number, uint64_t *pin, uint64_t *len, struct err *e)
{
	close_doc(b);
	for (size_t i = 0; i < b->n_term; i++)
		if (list_close(b, &b->term[i].chunks) || list_close(b, &b->term[i].names))
			b->failed = ERR_MEM;
	if (b->failed)
		return err_memory(e);
	qsort(b->term, b->n_term, sizeof *b->term, by_text);
	struct section_writer w = {0};
	int r = section_create(&w, path, SEGMENT_KIND, number, e);
	if (r)
		return r;
	r = write_sections(b, &w, e);
	if (!r)
		r = section_finish(&w, pin, len, e);
	section_abort(&w);
	return r;
}
