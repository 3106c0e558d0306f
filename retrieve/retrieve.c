/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-retrieve: finds the chunks of an index that answer questions.
 *
 *	query records, or lines of text ──> finder ──> each query, followed by its hits and `done`
 *
 * A query with a vector is ranked by words and by meaning, one without by words alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/fault.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/rec.h"
#include "lib/base/shown.h"
#include "lib/base/utf8.h"
#include "retrieve/find.h"

#define TOOL "tt-retrieve"
#define HITS_MAX 10000

static struct {
	long n, per_doc;
	bool lexical, dense, json;
	const char *type;
	struct opt_list doc, meta;
} o = { .n = 8 };

static const struct opt opts[] = {
	{ 'n', "count", OPT_INT, &o.n, "N", "hits for each question (8)", .min = 1, .max = HITS_MAX },
	{ 0, "per-doc", OPT_INT, &o.per_doc, "N", "hits of one document, at most; 0 = any", .min = 0, .max = 255 },
	{ 0, "lexical", OPT_FLAG, &o.lexical, NULL, "by words alone" },
	{ 0, "dense", OPT_FLAG, &o.dense, NULL, "by vectors alone" },
	{ 0, "doc", OPT_LIST, &o.doc, "PATTERN", "only documents whose path matches" },
	{ 0, "type", OPT_STR, &o.type, "TYPE", "only documents of this type: man, markdown, ..." },
	{ 0, "meta", OPT_LIST, &o.meta, "KEY=VALUE", "only chunks with this in their meta" },
	{ 0, "json", OPT_FLAG, &o.json, NULL, "print JSON lines" },
	{ 0 } };
static const struct opt_program prog = { TOOL, "DIR", "find the chunks of an index that answer questions", opts };

struct run {
	struct finder f;
	struct rec_reader *in;
	struct rec_writer *out;		/* NULL: readable text */
	struct find_hit *hit;		/* [cap_hit] */
	size_t cap_hit;
	char *model;			/* of the queries; NULL = not said */
	uint64_t n_query;
	bool any, partly;
};

/* ---- output ---- */

static void put_src(struct rec_writer *w, const struct segment_doc *d)
{
	msgpack_packer *pk = rec_put_key(w, "src");
	msgpack_pack_map(pk, 2);
	rec_pack_pair(pk, "path", d->path.s, d->path.n);
	rec_pack_pair(pk, "xxh3", d->sum.s, d->sum.n);
}

static void put_score(struct rec_writer *w, const struct find_hit *h)
{
	bool cos = h->cos > DENSE_NONE;
	msgpack_packer *pk = rec_put_key(w, "score");
	msgpack_pack_map(pk, cos ? 5 : 4);
	msgpack_pack_str_with_body(pk, "bm25", 4);
	msgpack_pack_double(pk, (double)h->bm25);
	if (cos) {
		msgpack_pack_str_with_body(pk, "cos", 3);
		msgpack_pack_double(pk, (double)h->cos);
	}
	msgpack_pack_str_with_body(pk, "fused", 5);
	msgpack_pack_double(pk, (double)h->fused);
	msgpack_pack_str_with_body(pk, "cover", 5);
	msgpack_pack_double(pk, (double)h->cover);
	msgpack_pack_str_with_body(pk, "known", 5);
	msgpack_pack_double(pk, (double)h->known);
}

static int put_hit(struct run *x, const char *id, size_t id_len, size_t rank, const struct find_hit *h,
	const struct segment_doc *d, const struct segment_chunk *c, struct err *e)
{
	struct rec_writer *w = x->out;
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(c->id, HASH_ID_LEN, hex);
	rec_begin(w, "hit");
	rec_put_str(w, "query", id, id_len);
	rec_put_u64(w, "rank", rank);
	rec_put_str(w, "doc", d->doc.s, d->doc.n);
	rec_put_str(w, "name", d->name.s, d->name.n);
	rec_put_str(w, "title", d->title.s, d->title.n);
	rec_put_u64(w, "seq", c->seq);
	rec_put_cstr(w, "id", hex);
	segment_put_sec(c, w);
	segment_put_meta(c, w);
	rec_put_str(w, "unit", c->unit.s, c->unit.n);
	rec_put_span(w, "span", c->b0, c->b1, c->l0, c->l1);
	put_src(w, d);
	rec_put_str(w, "text", c->text.s, c->text.n);
	put_score(w, h);
	rec_put_u64(w, "gen", x->f.store.m.generation);
	return rec_emit(w, e);
}

/* "tar(1):120  0.895  first words of the text". */
static int print_hit(const struct find_hit *h, const struct segment_doc *d, const struct segment_chunk *c, struct err *e)
{
	struct buf b = {0};
	shown_name(&b, d->name.s, d->name.n, d->path.s, d->path.n);
	buf_printf(&b, ":%u\t%.3f\t", c->l0, (double)h->fused);
	utf8_visible_field(&b, c->text.s, utf8_floor(c->text.s, c->text.n, c->text.n < 240 ? c->text.n : 240));
	buf_putc(&b, '\n');
	int r = b.failed ? err_memory(e) : 0;
	if (!r)
		fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
	return r;
}

static int put_hits(struct run *x, const char *id, size_t id_len, size_t n, struct err *e)
{
	int r = 0;
	for (size_t i = 0; !r && i < n; i++) {
		struct segment *s = &x->f.store.seg[x->hit[i].i_seg].seg;
		struct segment_doc d;
		struct segment_chunk c;
		if ((r = segment_get_doc(s, x->hit[i].doc, &d, e)) || (r = segment_get_chunk(s, x->hit[i].chunk, &c, e)))
			return r;
		if (x->out)
			r = put_hit(x, id, id_len, i + 1, &x->hit[i], &d, &c, e);
		else
			r = print_hit(&x->hit[i], &d, &c, e);
	}
	return r;
}

/* ---- questions ---- */

/* In text the hits of each question stand apart, of one without any too: then the n-th block is the n-th question's. */
static void next_question(struct run *x)
{
	if (x->n_query++ && !x->out)
		putchar('\n');
}

/* The id of the question that is being answered, where it has none: by its number. Returns the length. */
#define OWN_ID 24
static size_t own_id(const struct run *x, char id[OWN_ID])
{
	return (size_t)snprintf(id, OWN_ID, "q%llu", (unsigned long long)x->n_query);
}

static int answer(struct run *x, const char *id, size_t id_len, struct find_query *q, struct err *e)
{
	q->lexical = !o.dense;
	q->dense = !o.lexical;
	q->per_doc = (size_t)o.per_doc;
	if (q->n > x->cap_hit) {
		struct find_hit *p = realloc(x->hit, q->n * sizeof *p);
		if (!p)
			return err_memory(e);
		x->hit = p;
		x->cap_hit = q->n;
	}
	size_t n;
	int r = finder_run(&x->f, q, x->hit, &n, e);
	x->any |= n > 0;
	return r ? r : put_hits(x, id, id_len, n, e);
}

/* How many hits the query itself wants. */
static int take_k(const struct rec *r, struct find_query *q, struct err *e)
{
	uint64_t k;
	if (!rec_get(r, "k"))
		return 0;
	if (!rec_u64(r, "k", &k) || k < 1 || k > HITS_MAX)
		return err_set(e, ERR_FORMAT, r->at, "record %llu has no usable 'k'", (unsigned long long)r->n);
	q->n = (size_t)k;
	return 0;
}

/* The vector of a query record into `code`, which q borrows; by words alone it is not looked at. */
static int take_vec(struct run *x, const struct rec *r, int8_t *code, struct find_query *q, struct err *e)
{
	if (o.lexical)
		return 0;
	int err = vectors_of_record(r, code, &q->dim, &q->scale, e);
	if (err)
		return err;
	if (q->dim == 0)
		return o.dense ? err_set(e, ERR_FORMAT, r->at, "record %llu has no vector", (unsigned long long)r->n) : 0;
	if (x->model && x->f.store.n_row && x->f.store.m.model[0] && strcmp(x->model, x->f.store.m.model) != 0)
		return err_set(e, ERR_CONF, ERR_NO_OFFSET, "the index has vectors of '%s', the question one of '%s'",
			x->f.store.m.model, x->model);
	q->code = code;
	return 0;
}

/* With the `done` that comes behind its last hit told. */
static int put_query(struct run *x, const struct rec *r, const char *id, size_t id_len, struct err *e)
{
	rec_begin(x->out, "query");
	rec_put_str(x->out, "id", id, id_len);
	rec_copy(x->out, r, (const char *const[]){ "id", "done", NULL });
	rec_put_bool(x->out, "done", true);
	return rec_emit(x->out, e);
}

static int put_done(struct run *x, const char *id, size_t id_len, struct err *e)
{
	rec_begin(x->out, "done");
	rec_put_str(x->out, "query", id, id_len);
	return rec_emit(x->out, e);
}

/* A question that cannot be used is told, and the others go on. */
static int pass_over(struct run *x, struct err *e)
{
	x->partly = true;
	if (x->out)
		return rec_emit_error(x->out, e, NULL, e);
	err_warn(TOOL, "%s", e->msg);
	return 0;
}

static int take_id(const struct rec *r, const char **id, size_t *n, struct err *e)
{
	if (!rec_get(r, "id") || rec_str(r, "id", id, n))
		return 0;
	return err_set(e, ERR_FORMAT, r->at, "record %llu has an 'id' that is no string", (unsigned long long)r->n);	/* no hit could name it */
}

static int take_text(const struct rec *r, struct find_query *q, struct err *e)
{
	if (rec_str(r, "text", &q->text, &q->text_len))
		return 0;
	return err_set(e, ERR_FORMAT, r->at, "record %llu has no 'text'", (unsigned long long)r->n);
}

/* A query with `done` brings hits of an earlier index, and its own `done` comes behind them; any other gets it here. One that cannot be
 * looked up goes on only where such hits belong to it: without any it would be answered as one of which nothing was found. */
static int take_query(struct run *x, const struct rec *r, struct err *e)
{
	_Alignas(64) int8_t code[VECTORS_MAX_DIM];
	struct find_query q = { .n = (size_t)o.n };
	char own[OWN_ID];
	const char *id = own;
	bool has_done = false;
	next_question(x);
	size_t id_len = own_id(x, own);
	rec_bool(r, "done", &has_done);
	int err = take_id(r, &id, &id_len, e);
	err = err ? err : take_text(r, &q, e);
	err = err ? err : take_k(r, &q, e);
	err = err ? err : take_vec(x, r, code, &q, e);
	if (err == ERR_FORMAT) {
		err = pass_over(x, e);
		return err || !has_done || !x->out ? err : rec_pass(x->out, r, e);
	}
	if (!err && x->out)
		err = put_query(x, r, id, id_len, e);
	if (err)
		return err == ERR_LIMIT ? pass_over(x, e) : err;
	err = answer(x, id, id_len, &q, e);
	return err || has_done || !x->out ? err : put_done(x, id, id_len, e);
}

static int take_head(struct run *x, const struct rec *r, struct err *e)
{
	const char *s;
	size_t n;
	free(x->model);
	x->model = NULL;
	if (!rec_str(r, "model", &s, &n))
		return 0;
	x->model = strndup(s, n);
	if (!x->model)
		return err_memory(e);
	return x->out ? rec_writer_model(x->out, s, n, e) : 0;	/* the vectors go on, so what they are of does too */
}

/* In text nothing is passed on, so what a stage before could not do is told here. */
static void take_error(struct run *x, const struct rec *r)
{
	rec_warn_error(TOOL, r);
	x->partly = true;
}

static int read_records(struct run *x, struct err *e)
{
	struct rec rec;
	int got;
	while ((got = rec_read(x->in, &rec, e)) > 0) {
		int r = 0;
		if (rec_is(&rec, "head"))
			r = take_head(x, &rec, e);
		else if (rec_is(&rec, "query"))
			r = take_query(x, &rec, e);
		else if (x->out)
			r = rec_pass(x->out, &rec, e);
		else if (rec_is(&rec, "error"))
			take_error(x, &rec);
		if (!r && x->out && rec_reader_would_block(x->in))
			r = rec_flush(x->out, e);
		if (r)
			return r;
	}
	return got;
}

static int answer_line(struct run *x, const char *id, size_t id_len, struct find_query *q, struct err *e)
{
	int r = 0;
	if (x->out) {
		rec_begin(x->out, "query");
		rec_put_str(x->out, "id", id, id_len);
		rec_put_str(x->out, "text", q->text, q->text_len);
		rec_put_bool(x->out, "done", true);
		r = rec_emit(x->out, e);
	}
	r = r ? r : answer(x, id, id_len, q, e);
	return r || !x->out ? r : put_done(x, id, id_len, e);
}

/* A line of text is a query without a vector. */
static int read_lines(struct run *x, struct err *e)
{
	const char *s;
	size_t n;
	int got;
	while ((got = rec_reader_line(x->in, &s, &n, e)) > 0) {
		char id[OWN_ID];
		struct find_query q = { .text = s, .text_len = n, .n = (size_t)o.n };
		if (!n)
			continue;
		next_question(x);
		size_t id_len = own_id(x, id);
		int r;
		if (o.dense) {
			err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "question %s is a line of text, without a vector", id);
			r = pass_over(x, e);
		} else {
			r = answer_line(x, id, id_len, &q, e);
		}
		if (!r && x->out && rec_reader_would_block(x->in))
			r = rec_flush(x->out, e);
		if (r)
			return r;
	}
	return got;
}

static int run(struct run *x, struct err *e)
{
	bool is_rec;
	int r = rec_reader_open(&x->in, STDIN_FILENO, "stdin", e);
	if (r)
		return r;
	if (o.json || !isatty(STDOUT_FILENO)) {
		r = rec_writer_open(&x->out, STDOUT_FILENO, TOOL, NULL, e);
		if (r)
			return r;
		rec_writer_json(x->out, o.json);
	}
	r = rec_reader_sniff(x->in, &is_rec, e);
	if (!r)
		r = is_rec ? read_records(x, e) : read_lines(x, e);
	if (!r && x->out) {
		r = rec_writer_close(x->out, e);
		x->out = NULL;
	}
	return r ? r : io_flush_stdout(e);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct run x = {0};
	fault_catch(TOOL);
	int i = opt_parse(&prog, argc, argv);
	if (argc - i != 1)
		return opt_misuse(&prog, "one index directory is needed");
	if (o.lexical && o.dense)
		return opt_misuse(&prog, "--lexical and --dense exclude each other");
	for (int k = 0; k < o.meta.n; k++)
		if (!strchr(o.meta.item[k], '='))
			return opt_misuse(&prog, "--meta needs KEY=VALUE");
	struct find_filter filter = { .doc = o.doc.item, .n_doc = (size_t)o.doc.n, .type = o.type, .meta = o.meta.item,
		.n_meta = (size_t)o.meta.n };
	scan_fn scan = scan_select(getenv("TT_CPU"), &e);
	int r = scan ? finder_open(&x.f, argv[i], &filter, scan, &e) : e.code;
	if (!r)
		r = run(&x, &e);
	if (x.out)
		rec_writer_abort(x.out);
	rec_reader_close(x.in);
	finder_close(&x.f);
	free(x.hit);
	free(x.model);
	if (r)
		return err_report(TOOL, &e);
	return x.partly ? EXIT_PARTLY : x.any ? EXIT_DONE : EXIT_NOTHING;
}
