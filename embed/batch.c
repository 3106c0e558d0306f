/* SPDX-License-Identifier: Apache-2.0
 *
 * batch: a queue of records, some of which own a place in the forward batch.
 *
 *	item	[raw bytes in `raw`] [index of its text in the forward batch, or none] [cut?]
 */
#include "embed/batch.h"

#include <stdlib.h>
#include <string.h>

#include "embed/pooling.h"

#define MAX_ITEMS 4096u
#define MAX_RAW (32u << 20)
#define NO_TEXT UINT32_MAX

struct item {
	size_t at, len;			/* bytes in `raw`; of a line: its text */
	uint32_t text;			/* index in the forward batch, or NO_TEXT */
	bool is_cut, is_line, is_query;	/* is_query: to be written as a query, whatever kind it came as */
	char id[24];			/* of a line, or of a question that came without one */
};

struct batch {
	struct forward *f;
	const struct bert *model;
	struct rec_writer *out;
	struct batch_options o;
	struct batch_stats stats;
	struct item item[MAX_ITEMS];
	size_t n;
	struct buf raw, text;
	struct tok_ids ids;
	int32_t *id;			/* [max_tok] */
	uint16_t *half;			/* [d_model] */
	int8_t *code;			/* [d_model] */
};

int batch_open(struct batch **out, struct forward *f, const struct bert *model, struct rec_writer *w, const struct batch_options *o,
	struct err *e)
{
	struct batch *b = calloc(1, sizeof *b);
	*out = NULL;
	if (!b)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	b->f = f;
	b->model = model;
	b->out = w;
	b->o = *o;
	b->id = calloc(model->hyper.max_tok, sizeof *b->id);
	b->half = calloc(model->hyper.d_model, sizeof *b->half);
	b->code = calloc(model->hyper.d_model, sizeof *b->code);
	if (!b->id || !b->half || !b->code) {
		batch_close(b);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	}
	*out = b;
	return 0;
}

void batch_close(struct batch *b)
{
	if (!b)
		return;
	buf_release(&b->raw);
	buf_release(&b->text);
	tok_ids_release(&b->ids);
	free(b->id);
	free(b->half);
	free(b->code);
	free(b);
}

/* ---- texts ---- */

static void add_part(struct buf *text, size_t from, const char *s, size_t n)
{
	if (n && text->len > from)
		buf_putc(text, '\n');
	buf_add(text, s, n);
}

/* What is embedded of a chunk: title, headings, text, a line each; what is empty is left out, and a last heading that the text itself
 * begins with. */
static int text_of(struct batch *b, const struct rec *r, bool is_query, struct err *e)
{
	const char *s = "", *title = "";
	size_t n = 0, n_title = 0;
	buf_clear(&b->text);
	if (!rec_str(r, "text", &s, &n))
		return err_set(e, ERR_FORMAT, r->at, "record %llu has no text", (unsigned long long)r->n);
	if (is_query) {
		buf_add(&b->text, b->model->query, b->model->query_len);
		buf_add(&b->text, s, n);
	} else {
		const msgpack_object *sec = rec_get(r, "sec");
		buf_add(&b->text, b->model->document, b->model->document_len);
		size_t from = b->text.len;
		rec_str(r, "title", &title, &n_title);
		add_part(&b->text, from, title, n_title);
		size_t n_head = sec && sec->type == MSGPACK_OBJECT_ARRAY ? sec->via.array.size : 0;
		bool first = true;
		for (size_t i = 0; i < n_head; i++) {
			const msgpack_object *o = &sec->via.array.ptr[i];
			if (o->type != MSGPACK_OBJECT_STR || !o->via.str.size)
				continue;
			if (i + 1 == n_head && rec_is_headed(s, n, o->via.str.ptr, o->via.str.size))
				continue;
			if (!first)
				buf_puts(&b->text, " > ");
			if (first)
				add_part(&b->text, from, o->via.str.ptr, o->via.str.size);
			else
				buf_add(&b->text, o->via.str.ptr, o->via.str.size);
			first = false;
		}
		add_part(&b->text, from, s, n);
	}
	return b->text.failed ? err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory") : 0;
}

/* b->text as ids in the forward batch, which is flushed first if it has no room. `where` names the record in messages. */
static int add_text(struct batch *b, struct item *it, const char *where, struct err *e)
{
	size_t max = b->model->hyper.max_tok, n;
	char msg[320];
	b->ids.len = 0;
	int r = tok_encode(b->model->tok, b->text.data ? b->text.data : "", b->text.len, &b->ids, e);
	if (r)
		return r;
	n = b->ids.len + 2 < max ? b->ids.len + 2 : max;
	it->is_cut = b->ids.len + 2 > max;
	snprintf(msg, sizeof msg, "%.200s: %zu tokens, of which the embedder reads %zu", where, b->ids.len, max - 2);
	if (it->is_cut && b->o.is_strict)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "%s", msg);
	if (it->is_cut && b->o.warn)
		b->o.warn(msg);
	b->id[0] = b->model->cls;
	if (n > 2)
		memcpy(b->id + 1, b->ids.id, (n - 2) * sizeof *b->id);
	b->id[n - 1] = b->model->sep;
	if (!forward_add(b->f, b->id, n)) {
		if ((r = batch_flush(b, e)))
			return r;
		forward_add(b->f, b->id, n);
	}
	it->text = (uint32_t)forward_n_text(b->f) - 1;
	b->stats.n_chunk++;
	b->stats.n_tok += n;
	b->stats.n_cut += it->is_cut;
	return 0;
}

/* Puts the item, whose bytes are at p, into the queue. */
static int enqueue(struct batch *b, struct item *it, const void *p, size_t n, struct err *e)
{
	it->at = b->raw.len;
	it->len = n;
	if (buf_add(&b->raw, p, n))
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	b->item[b->n++] = *it;
	return b->n == MAX_ITEMS || b->raw.len > MAX_RAW ? batch_flush(b, e) : 0;
}

int batch_add(struct batch *b, const struct rec *r, bool has_vec, bool as_query, struct err *e)
{
	struct item it = { .text = NO_TEXT };
	bool is_query = rec_is(r, "query") || (as_query && !rec_get(r, "kind"));
	char where[320];
	const char *name = "";
	size_t n = 0;
	if (!is_query && !rec_is(r, "chunk"))
		return enqueue(b, &it, r->raw, r->raw_len, e);
	if (has_vec && rec_get(r, "vec")) {
		b->stats.n_same++;
		return enqueue(b, &it, r->raw, r->raw_len, e);
	}
	if (!rec_str(r, "name", &name, &n))
		rec_str(r, "id", &name, &n);
	snprintf(where, sizeof where, "record %llu%s%.*s%s", (unsigned long long)r->n, n ? " (" : "", n < 120 ? (int)n : 120, name,
		n ? ")" : "");
	it.is_query = is_query;
	if (is_query && !rec_get(r, "id"))
		snprintf(it.id, sizeof it.id, "q%llu", (unsigned long long)b->stats.n_chunk + 1);
	int rc = text_of(b, r, is_query, e);
	if (!rc)
		rc = add_text(b, &it, where, e);
	return rc ? rc : enqueue(b, &it, r->raw, r->raw_len, e);
}

int batch_add_line(struct batch *b, const char *id, const char *s, size_t n, struct err *e)
{
	struct item it = { .text = NO_TEXT, .is_line = true, .is_query = true };
	snprintf(it.id, sizeof it.id, "%s", id);
	buf_clear(&b->text);
	buf_add(&b->text, b->model->query, b->model->query_len);
	if (buf_add(&b->text, s, n))
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	int r = add_text(b, &it, id, e);
	return r ? r : enqueue(b, &it, s, n, e);
}

/* ---- writing ---- */

static void put_vec(struct batch *b, const struct item *it)
{
	const float *v = forward_vec(b->f, it->text);
	size_t d = b->model->hyper.d_model;
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

static int write_item(struct batch *b, const struct item *it, struct err *e)
{
	static const char *const ours[] = { "vec", "vec_scale", NULL }, *const cut[] = { "vec", "vec_scale", "trunc", NULL };
	const char *p = b->raw.data + it->at;
	if (it->is_line) {
		rec_begin(b->out, "query");
		rec_put_cstr(b->out, "id", it->id);
		rec_put_str(b->out, "text", p, it->len);
		put_vec(b, it);
		return rec_emit(b->out, e);
	}
	msgpack_unpacked u;
	msgpack_unpacked_init(&u);
	size_t off = 0;
	int r;
	if (msgpack_unpack_next(&u, p, it->len, &off) != MSGPACK_UNPACK_SUCCESS || u.data.type != MSGPACK_OBJECT_MAP) {
		r = err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");	/* rec_read had checked these bytes */
	} else {
		struct rec rec = { .map = &u.data, .raw = p, .raw_len = it->len };
		if (it->text == NO_TEXT) {
			r = rec_pass(b->out, &rec, e);
		} else {
			rec_begin(b->out, it->is_query ? "query" : "chunk");
			if (*it->id)
				rec_put_cstr(b->out, "id", it->id);
			rec_copy(b->out, &rec, it->is_cut ? cut : ours);
			put_vec(b, it);
			r = rec_emit(b->out, e);
		}
	}
	msgpack_unpacked_destroy(&u);
	return r;
}

int batch_flush(struct batch *b, struct err *e)
{
	int r = 0;
	if (forward_n_text(b->f))
		forward_run(b->f);
	for (size_t i = 0; i < b->n && !r; i++)
		r = write_item(b, &b->item[i], e);
	forward_clear(b->f);
	b->n = 0;
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
