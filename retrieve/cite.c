/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-cite: reads answers and looks every citation up in its source, as it is on disk now.
 *
 * A citation is true if
 *	- it quotes: its span lies within the source, and the words quoted stand there;
 *	- it does not: the source is, by its checksum, the one that was indexed. Its span, which is of the text that a converter made if there
 *	  was one, then says what it said.
 * Each gets `ok`; what could not be verified also gets `why`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/rec.h"
#include "lib/base/shown.h"
#include "lib/base/utf8.h"
#include "retrieve/source.h"

#define TOOL "tt-cite"

static struct { bool json, quiet; } o;
static const struct opt opts[] = {
	{ 0, "json", OPT_FLAG, &o.json, NULL, "print JSON lines" },
	{ 'q', "quiet", OPT_FLAG, &o.quiet, NULL, "print nothing; the exit status tells" },
	{ 0 } };
static const struct opt_program prog = { TOOL, "", "verify the citations of answers against their sources", opts };

struct run {
	struct rec_reader *in;
	struct rec_writer *out;		/* NULL: readable text, or nothing */
	struct source source;		/* the one read last */
	struct err source_err;		/* why it could not be read */
	size_t n_ok, n_bad;
	bool partly;			/* without `out`: a stage before could not do all */
};

struct text { const char *s; size_t n; };

static struct text get_str(const msgpack_object *map, const char *key)
{
	struct text t = {0};
	rec_str(&(struct rec){ .map = map }, key, &t.s, &t.n);
	return t;
}

/* Makes x->source the file at path; NULL when it could not be read (x->source_err tells). */
static const struct source *read_source(struct run *x, struct text path)
{
	if (x->source.path && strlen(x->source.path) == path.n && memcmp(x->source.path, path.s, path.n) == 0)
		return &x->source;
	source_release(&x->source);
	x->source_err = (struct err){0};
	char *p = strndup(path.s, path.n);
	int r = p ? source_read(&x->source, p, &x->source_err) : err_memory(&x->source_err);
	free(p);
	return r ? NULL : &x->source;
}

/* NULL if the citation is true, else why not. */
static const char *verify(struct run *x, const msgpack_object *cite)
{
	uint64_t from, to;
	const msgpack_object *src = rec_map_get(cite, "src");
	struct text path = get_str(src, "path"), sum = get_str(src, "xxh3"), quote = get_str(cite, "quote");
	if (!path.n)
		path = get_str(cite, "doc");
	if (!path.n || memchr(path.s, '\0', path.n))
		return "it names no source";
	if (!rec_pair(rec_map_get(rec_map_get(cite, "span"), "b"), &from, &to))
		return "it has no span";
	const struct source *s = read_source(x, path);
	if (!s)
		return x->source_err.msg;
	if (!quote.n && sum.n)
		return source_has_sum(s, sum.s, sum.n) ? NULL : "the source has changed since it was indexed";
	if (!quote.n)
		return "it neither quotes nor has the source's checksum";
	if (from > to || to > s->text.len)
		return "its span lies outside the source";
	return source_has_quote(s, from, to, quote.s, quote.n) ? NULL : "the quotation is not there";
}

static bool is_key(const msgpack_object_kv *kv, const char *key)
{
	return kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == strlen(key) &&
		memcmp(kv->key.via.str.ptr, key, kv->key.via.str.size) == 0;
}

/* The citation with `ok`, and `why` when it is false, in place of what it had. */
static void pack_cite(msgpack_packer *pk, const msgpack_object *cite, const char *why)
{
	uint32_t keep = 0;
	for (uint32_t i = 0; i < cite->via.map.size; i++)
		keep += !is_key(&cite->via.map.ptr[i], "ok") && !is_key(&cite->via.map.ptr[i], "why");
	msgpack_pack_map(pk, keep + (why ? 2 : 1));
	for (uint32_t i = 0; i < cite->via.map.size; i++) {
		const msgpack_object_kv *kv = &cite->via.map.ptr[i];
		if (is_key(kv, "ok") || is_key(kv, "why"))
			continue;
		msgpack_pack_object(pk, kv->key);
		msgpack_pack_object(pk, kv->val);
	}
	msgpack_pack_str_with_body(pk, "ok", 2);
	if (why) {
		msgpack_pack_false(pk);
		rec_pack_pair(pk, "why", why, strlen(why));
	} else {
		msgpack_pack_true(pk);
	}
}

/* Not 0 if there is no memory. */
static int print_cite(const msgpack_object *cite, const char *why)
{
	struct text name = get_str(cite, "name"), path = get_str(rec_map_get(cite, "src"), "path");
	struct buf b = {0};
	if (o.quiet)
		return 0;
	shown_name(&b, name.s, name.n, path.s, path.n);		/* one line a citation, whatever a name or a path holds */
	if (why) {
		buf_putc(&b, '\t');
		utf8_visible_field(&b, why, strlen(why));
	}
	int r = b.failed;
	if (!r)
		printf("%s\t%s\n", why ? "FALSE" : "true", b.data ? b.data : "");
	buf_release(&b);
	return r;
}

static int take_answer(struct run *x, const struct rec *r, struct err *e)
{
	static const char *const except[] = { "cites", NULL };
	const msgpack_object *cites = rec_get(r, "cites");
	msgpack_packer *pk = NULL;
	if (!cites || cites->type != MSGPACK_OBJECT_ARRAY)
		return x->out ? rec_pass(x->out, r, e) : 0;
	if (x->out) {
		rec_begin(x->out, NULL);
		rec_copy(x->out, r, except);
		pk = rec_put_key(x->out, "cites");
		msgpack_pack_array(pk, cites->via.array.size);
	}
	for (uint32_t i = 0; i < cites->via.array.size; i++) {
		const msgpack_object *c = &cites->via.array.ptr[i];
		bool is_map = c->type == MSGPACK_OBJECT_MAP;
		const char *why = is_map ? verify(x, c) : "it is no map";
		if (x->source_err.code == ERR_MEM) {	/* that says nothing of the citation */
			*e = x->source_err;
			return e->code;
		}
		x->n_ok += !why;
		x->n_bad += why != NULL;
		if (pk && is_map)
			pack_cite(pk, c, why);
		else if (pk)
			msgpack_pack_object(pk, *c);
		else if (is_map && print_cite(c, why))
			return err_memory(e);
	}
	return x->out ? rec_emit(x->out, e) : 0;
}

/* What a stage before could not do, where no record goes on. */
static int take_error(struct run *x, const struct rec *r)
{
	bool is_error = rec_is(r, "error");
	if (is_error && !o.quiet)
		rec_warn_error(TOOL, r);
	x->partly |= is_error;
	return 0;
}

static int run(struct run *x, struct err *e)
{
	struct rec rec;
	int got, r = rec_reader_open(&x->in, STDIN_FILENO, "stdin", e);
	if (!r && !o.quiet && (o.json || !isatty(STDOUT_FILENO))) {
		r = rec_writer_open(&x->out, STDOUT_FILENO, TOOL, NULL, e);
		if (!r)
			rec_writer_json(x->out, o.json);
	}
	if (r)
		return r;
	while ((got = rec_read(x->in, &rec, e)) > 0) {
		const char *model;
		size_t n;
		if (rec_is(&rec, "head"))
			r = x->out && rec_str(&rec, "model", &model, &n) ? rec_writer_model(x->out, model, n, e) : 0;
		else
			r = rec_is(&rec, "answer") ? take_answer(x, &rec, e) : x->out ? rec_pass(x->out, &rec, e) : take_error(x, &rec);
		if (!r && x->out && rec_reader_would_block(x->in))
			r = rec_flush(x->out, e);
		if (r)
			return r;
	}
	if (got)
		return got;
	if (x->out) {
		r = rec_writer_close(x->out, e);
		x->out = NULL;
	}
	return r ? r : io_flush_stdout(e);
}

int main(int argc, char **argv)
{
	fault_catch(TOOL);
	struct err e = {0};
	struct run x = {0};
	if (opt_parse(&prog, argc, argv) != argc)
		return opt_misuse(&prog, "answers are read from standard input");
	int r = run(&x, &e);
	if (x.out)
		rec_writer_abort(x.out);
	rec_reader_close(x.in);
	source_release(&x.source);
	if (r)
		return err_report(TOOL, &e);
	if (x.n_bad && !o.quiet)
		fprintf(stderr, "%s: %zu of %zu citations could not be verified\n", err_tool(TOOL), x.n_bad, x.n_bad + x.n_ok);
	return x.n_bad ? EXIT_NOTHING : x.partly ? EXIT_PARTLY : EXIT_DONE;
}
