/* SPDX-License-Identifier: Apache-2.0
 *
 * batch: a queue of records, some of which wait for the vectors of their text and their title.
 *
 *	item	[raw bytes in `raw`] [slots of text and title in `seen`, or none] [cut?]
 *	news	[slot] of each text in the forward batch, which fills it
 */
#include "embed/batch.h"

#include <stdlib.h>
#include <string.h>

#include "embed/pooling.h"
#include "embed/seen.h"
#include "lib/base/utf8.h"

#define MAX_ITEMS 4096u
#define MAX_RAW (32u << 20)
/* What a title weighs beside its chunk's text. Half or twice as much moves nDCG@10 by less than 0.005 on scifact and tldr_man. */
#define TITLE_SHARE 0.5f

struct item {
	size_t at, len;			/* bytes in `raw`; of a line: its text */
	uint32_t text, title;		/* slots of `seen`, or SEEN_NONE */
	bool is_cut, is_line, is_query;	/* is_query: to be written as a query, whatever kind it came as */
	char id[24];			/* of a line, or of a question that came without one */
};

struct batch {
	struct forward *f;
	struct bert *model;
	struct rec_writer *out;
	struct batch_options o;
	struct batch_stats stats;
	struct item item[MAX_ITEMS];
	size_t n;
	struct seen *seen;
	struct buf news;		/* u32: slot of each text in the forward batch */
	struct buf raw, text, title;
	struct tok_ids ids;
	int32_t *id;			/* [max_tok] */
	float *mixed;			/* [d_model] */
	uint16_t *half;			/* [d_model] */
	int8_t *code;			/* [d_model] */
};

int batch_open(struct batch **out, struct forward *f, struct bert *model, struct rec_writer *w, const struct batch_options *o,
	struct err *e)
{
	struct batch *b = calloc(1, sizeof *b);
	*out = NULL;
	if (!b)
		return err_memory(e);
	b->f = f;
	b->model = model;
	b->out = w;
	b->o = *o;
	b->id = calloc(model->hyper.max_tok, sizeof *b->id);
	b->mixed = calloc(model->hyper.d_model, sizeof *b->mixed);
	b->half = calloc(model->hyper.d_model, sizeof *b->half);
	b->code = calloc(model->hyper.d_model, sizeof *b->code);
	int rc = seen_open(&b->seen, model->hyper.d_model, e);
	if (!rc && (!b->id || !b->mixed || !b->half || !b->code))
		rc = err_memory(e);
	if (rc) {
		batch_close(b);
		return rc;
	}
	*out = b;
	return 0;
}

void batch_close(struct batch *b)
{
	if (!b)
		return;
	seen_close(b->seen);
	buf_release(&b->news);
	buf_release(&b->raw);
	buf_release(&b->text);
	buf_release(&b->title);
	tok_ids_release(&b->ids);
	free(b->id);
	free(b->mixed);
	free(b->half);
	free(b->code);
	free(b);
}

/* ---- texts ---- */

/* A line of the headings that text s[0..n) stands under, without a last one that it begins with itself. */
static void put_headings(struct buf *b, const msgpack_object *sec, const char *s, size_t n)
{
	size_t from = b->len, n_head = sec && sec->type == MSGPACK_OBJECT_ARRAY ? sec->via.array.size : 0;
	for (size_t i = 0; i < n_head; i++) {
		const msgpack_object *o = &sec->via.array.ptr[i];
		if (o->type != MSGPACK_OBJECT_STR || !o->via.str.size)
			continue;
		if (i + 1 == n_head && rec_is_headed(s, n, o->via.str.ptr, o->via.str.size))
			continue;
		if (b->len > from)
			buf_puts(b, " > ");
		buf_add(b, o->via.str.ptr, o->via.str.size);
	}
	if (n && b->len > from)
		buf_putc(b, '\n');
}

/* What is embedded of a query: its text; of a chunk: headings and text, and its title by itself. */
static int text_of(struct batch *b, const struct rec *r, bool is_query, struct err *e)
{
	const struct bert *m = b->model;
	const char *s, *title;
	size_t n, n_title;
	buf_clear(&b->text);
	buf_clear(&b->title);
	if (!rec_str(r, "text", &s, &n))
		return err_set(e, ERR_FORMAT, r->at, "record %llu has no text", (unsigned long long)r->n);
	buf_add(&b->text, is_query ? m->query : m->document, is_query ? m->query_len : m->document_len);
	if (!is_query)
		put_headings(&b->text, rec_get(r, "sec"), s, n);
	buf_add(&b->text, s, n);
	if (!is_query && rec_str(r, "title", &title, &n_title) && n_title) {
		buf_add(&b->title, m->document, m->document_len);
		buf_add(&b->title, title, n_title);
	}
	return b->text.failed || b->title.failed ? err_memory(e) : 0;
}

/* Puts a text that nobody knows yet into the forward batch: *slot, or SEEN_NONE if the batch must run first. */
static int place_text(struct batch *b, const struct buf *text, const uint8_t id[HASH_ID_LEN], uint32_t *slot, struct err *e)
{
	size_t max = b->model->hyper.max_tok;
	b->ids.len = 0;
	int r = tok_encode(b->model->tok, text->data ? text->data : "", text->len, &b->ids, e);
	if (r)
		return r;
	size_t n = b->ids.len + 2 < max ? b->ids.len + 2 : max;
	b->id[0] = b->model->cls;
	if (n > 2)
		memcpy(b->id + 1, b->ids.id, (n - 2) * sizeof *b->id);
	b->id[n - 1] = b->model->sep;
	r = bert_use(b->model, b->id, n, e);
	if (r < 0)
		return r;
	if (r && b->o.warn)
		b->o.warn(BERT_MENDED);
	*slot = forward_room(b->f) >= n ? seen_add(b->seen, id, b->ids.len) : SEEN_NONE;
	if (*slot == SEEN_NONE)
		return 0;
	if (buf_add(&b->news, slot, sizeof *slot))
		return err_memory(e);
	forward_add(b->f, b->id, n);
	b->stats.n_text++;
	b->stats.n_tok += n;
	return 0;
}

static int find_or_place(struct batch *b, const struct buf *text, uint32_t *slot, struct err *e)
{
	uint8_t id[HASH_ID_LEN];
	hash_id(text->data, text->len, id);
	*slot = seen_find(b->seen, id);
	return *slot == SEEN_NONE ? place_text(b, text, id, slot, e) : 0;
}

/* Gives the item the slots of b->text and b->title. The forward batch runs first if it has no room for them, twice where each of the two
 * fills it. `where` names the record in messages. */
static int add_text(struct batch *b, struct item *it, const char *where, struct err *e)
{
	size_t max = b->model->hyper.max_tok;
	char msg[320];
	for (int n_run = 0;; n_run++) {
		int r = find_or_place(b, &b->text, &it->text, e);
		it->title = SEEN_NONE;
		if (!r && it->text != SEEN_NONE && b->title.len)
			r = find_or_place(b, &b->title, &it->title, e);
		if (r)
			return r;
		if (it->text != SEEN_NONE && (it->title != SEEN_NONE || !b->title.len))
			break;
		if (n_run == 2)
			return err_set(e, ERR_BUG, ERR_NO_OFFSET, "no room for a text in an empty batch");
		if ((r = batch_flush(b, e)))
			return r;
	}
	size_t n = seen_n_tok(b->seen, it->text), n_title = it->title != SEEN_NONE ? seen_n_tok(b->seen, it->title) : 0;
	n = n_title > n ? n_title : n;
	it->is_cut = n + 2 > max;
	snprintf(msg, sizeof msg, "%.200s: %zu tokens, of which the embedder reads %zu", where, n, max - 2);
	if (it->is_cut && b->o.is_strict)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "%s", msg);
	if (it->is_cut && b->o.warn)
		b->o.warn(msg);
	b->stats.n_chunk++;
	return 0;
}

/* Puts the item, whose bytes are at p, into the queue. */
static int enqueue(struct batch *b, struct item *it, const void *p, size_t n, struct err *e)
{
	it->at = b->raw.len;
	it->len = n;
	if (buf_add(&b->raw, p, n))
		return err_memory(e);
	b->item[b->n++] = *it;
	return b->n == MAX_ITEMS || b->raw.len > MAX_RAW ? batch_flush(b, e) : 0;
}

int batch_add(struct batch *b, const struct rec *r, bool has_vec, bool as_query, struct err *e)
{
	struct item it = { .text = SEEN_NONE };
	bool is_query = rec_is(r, "query") || (as_query && !rec_get(r, "kind"));
	char where[320];
	const char *name = "";
	size_t n = 0;
	if ((!is_query && !rec_is(r, "chunk")) || (has_vec && rec_get(r, "vec")))
		return enqueue(b, &it, r->raw, r->raw_len, e);
	if (!rec_str(r, "name", &name, &n))
		rec_str(r, "id", &name, &n);
	snprintf(where, sizeof where, "record %llu%s%.*s%s", (unsigned long long)r->n, n ? " (" : "", n < 120 ? (int)n : 120, name,
		n ? ")" : "");
	it.is_query = is_query;
	if (is_query && !rec_get(r, "id"))
		snprintf(it.id, sizeof it.id, "q%llu", (unsigned long long)b->stats.n_chunk + 1);
	else if (is_query && !rec_str(r, "id", &name, &n))	/* its hits could not name it */
		return err_set(e, ERR_FORMAT, r->at, "record %llu has an 'id' that is no string", (unsigned long long)r->n);
	int rc = text_of(b, r, is_query, e);
	if (!rc)
		rc = add_text(b, &it, where, e);
	return rc ? rc : enqueue(b, &it, r->raw, r->raw_len, e);
}

int batch_add_line(struct batch *b, const char *id, const char *s, size_t n, struct err *e)
{
	struct item it = { .text = SEEN_NONE, .is_line = true, .is_query = true };
	snprintf(it.id, sizeof it.id, "%s", id);
	buf_clear(&b->text);
	buf_clear(&b->title);
	buf_add(&b->text, b->model->query, b->model->query_len);
	if (buf_add(&b->text, s, n))
		return err_memory(e);
	int r = add_text(b, &it, id, e);
	return r ? r : enqueue(b, &it, s, n, e);
}

/* ---- writing ---- */

static void put_vec(struct batch *b, const struct item *it)
{
	const float *v = seen_vec(b->seen, it->text);
	size_t d = b->model->hyper.d_model;
	if (it->title != SEEN_NONE) {
		pooling_add(v, seen_vec(b->seen, it->title), TITLE_SHARE, d, b->mixed);
		v = b->mixed;
	}
	if (b->o.dtype == REC_F32) {
		rec_put_vec(b->out, "vec", REC_F32, v, d);
	} else if (b->o.dtype == REC_F16) {
		for (size_t i = 0; i < d; i++)
			b->half[i] = quant_to_f16(v[i]);
		rec_put_vec(b->out, "vec", REC_F16, b->half, d);
	} else {
		float scale = pooling_i8(v, d, b->code);
		rec_put_vec(b->out, "vec", REC_I8, b->code, d);
		rec_put_f64(b->out, "vec_scale", (double)scale);
	}
	if (it->is_cut)
		rec_put_bool(b->out, "trunc", true);
}

int batch_refuse(struct batch *b, const struct rec *r, const struct err *why, struct err *e)
{
	char doc[4096] = "";
	const char *s = "";
	size_t n = 0;
	if (r && rec_str(r, "doc", &s, &n))
		snprintf(doc, sizeof doc, "%.*s", (int)utf8_whole(s, n < sizeof doc ? n : sizeof doc - 1), s);
	b->stats.n_bad++;
	return rec_emit_error(b->out, why, *doc ? doc : NULL, e);
}

/* Writes what was put; a record that its vector makes too large is refused, and those that wait with it go on. */
static int emit(struct batch *b, const struct rec *rec, struct err *e)
{
	int r = rec_emit(b->out, e);
	if (r != ERR_LIMIT)
		return r;
	if (b->o.warn)
		b->o.warn(e->msg);
	return batch_refuse(b, rec, e, e);
}

static int write_line(struct batch *b, const struct item *it, const char *text, struct err *e)
{
	rec_begin(b->out, "query");
	rec_put_cstr(b->out, "id", it->id);
	rec_put_str(b->out, "text", text, it->len);
	put_vec(b, it);
	return emit(b, NULL, e);
}

static int write_record(struct batch *b, const struct item *it, const struct rec *rec, struct err *e)
{
	static const char *const ours[] = { "vec", "vec_scale", NULL }, *const cut[] = { "vec", "vec_scale", "trunc", NULL };
	if (it->text == SEEN_NONE)
		return rec_pass(b->out, rec, e);
	rec_begin(b->out, it->is_query ? "query" : "chunk");
	if (*it->id)
		rec_put_cstr(b->out, "id", it->id);
	rec_copy(b->out, rec, it->is_cut ? cut : ours);
	put_vec(b, it);
	return emit(b, rec, e);
}

static int write_item(struct batch *b, const struct item *it, struct err *e)
{
	const char *p = b->raw.data + it->at;
	msgpack_unpacked u;
	size_t off = 0;
	if (it->is_line)
		return write_line(b, it, p, e);
	msgpack_unpacked_init(&u);
	bool ok = msgpack_unpack_next(&u, p, it->len, &off) == MSGPACK_UNPACK_SUCCESS && u.data.type == MSGPACK_OBJECT_MAP;
	int r = ok ? write_record(b, it, &(struct rec){ .map = &u.data, .raw = p, .raw_len = it->len }, e)
		: err_memory(e);	/* rec_read had checked these bytes */
	msgpack_unpacked_destroy(&u);
	return r;
}

int batch_flush(struct batch *b, struct err *e)
{
	int r = 0;
	if (forward_n_text(b->f))
		forward_run(b->f);
	for (size_t i = 0; i < forward_n_text(b->f); i++) {
		uint32_t slot;
		memcpy(&slot, b->news.data + i * sizeof slot, sizeof slot);
		memcpy(seen_vec(b->seen, slot), forward_vec(b->f, i), b->model->hyper.d_model * sizeof(float));
	}
	for (size_t i = 0; i < b->n && !r; i++)
		r = write_item(b, &b->item[i], e);
	forward_clear(b->f);
	seen_turn(b->seen);
	b->n = 0;
	buf_clear(&b->news);
	buf_clear(&b->raw);
	return r;
}

bool batch_waits(const struct batch *b)
{
	return b->n > 0;
}

struct batch_stats batch_stats(const struct batch *b)
{
	return b->stats;
}
