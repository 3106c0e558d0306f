/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-index: keeps an index directory: adds and removes documents, merges, lists, verifies.
 *
 *	records on stdin ──> intake (one document held) ──> writer ──> commit when it is time, and at the end
 *
 * `add` commits whole documents while the stream still flows, so that a long run is useful early and loses little when it is
 * killed: the first commit COMMIT_FIRST_S after the first document, then at intervals that double, or when WRITER_MAX bytes are
 * held. A stream that ends without its `end` commits nothing more.
 */
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/intake.h"
#include "lib/base/buf.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/utf8.h"

#define TOOL "tt-index"
#define COMMIT_FIRST_S 8
#define COMMIT_MOST_S 600
#define WRITER_MAX ((size_t)512 << 20)
#define SHOW_NS 500000000u

static struct {
	long lock_wait, commit_every, expect;
	bool json, vectors, ids, verbose;
} o = { .commit_every = COMMIT_FIRST_S };

static const struct opt opts[] = {
	{ 0, "lock-wait", OPT_INT, &o.lock_wait, "SECONDS", "wait so long for another writer", .min = 0, .max = 86400,
		.env = "TT_LOCK_WAIT" },
	{ 0, "commit-every", OPT_INT, &o.commit_every, "SECONDS", "first interval of commits while adding; 0 = only at the end",
		.min = 0, .max = 86400 },
	{ 0, "expect", OPT_INT, &o.expect, "N", "add: how many documents (or vectors) will come, for the progress on a terminal",
		.min = 0, .max = 2000000000 },
	{ 0, "vectors", OPT_FLAG, &o.vectors, NULL, "add: only give indexed chunks the vectors that they lack" },
	{ 0, "ids", OPT_FLAG, &o.ids, NULL, "add, rm, forget: print the ids of the chunks that left" },
	{ 0, "json", OPT_FLAG, &o.json, NULL, "print JSON lines" },
	{ 'v', "verbose", OPT_FLAG, &o.verbose, NULL, "add: tell of each commit, and what was read" },
	{ 0 } };
static const struct opt_program prog = { TOOL, "add|rm|merge|forget|stat|list|chunks|pending|verify DIR [DOC ...]",
	"keep an index of documents", opts };

/* ---- add ---- */

struct add {
	struct writer *w;
	struct intake in;
	struct gone gone;
	struct rec_reader *reader;
	uint64_t due_ns, every_ns;	/* the next commit; 0 = nothing to commit */
	uint64_t n_doc, n_chunk, n_unknown;
	bool partly;
	bool watched;			/* somebody looks: stderr is a terminal */
	uint64_t shown_ns;		/* when progress was shown last, or the start */
	bool shown;			/* a line of progress stands there */
};

/* Progress is shown here, at the end of the pipe, for the stages before it too. */
static void show(struct add *a)
{
	uint64_t now = a->watched ? io_now_ns() : 0, n = o.vectors ? a->n_chunk : a->n_doc;
	if (!a->watched || now - a->shown_ns < SHOW_NS)
		return;
	fprintf(stderr, "\r\033[K%s: %" PRIu64, err_tool(TOOL), n);
	if (o.expect)
		fprintf(stderr, " of %ld", o.expect);
	fprintf(stderr, o.vectors ? " vectors" : " documents, %" PRIu64 " chunks", a->n_chunk);
	a->shown_ns = now;
	a->shown = true;
}

static void unshow(struct add *a)
{
	if (a->shown)
		fputs("\r\033[K", stderr);
	a->shown = false;
}

/* Trouble with one record, r of looking into it: said, and passed over. Anything else ends the run. */
static int one_bad(struct add *a, int r, const struct err *e)
{
	if (r != ERR_FORMAT)
		return r;
	unshow(a);
	err_warn(TOOL, "%s", e->msg);
	a->partly = true;
	return 0;
}

/* Nobody who does not listen to what leaves keeps it from being done, the merge included. */
static int commit_and_merge(struct writer *w, const struct gone *gone, enum writer_merge how, struct err *e)
{
	int r = writer_commit(w, e);
	if (r)
		return r;
	r = writer_merge(w, how, e);
	if (r)
		return err_wrap(e, "what was added or removed is committed, but segments could not be merged");
	if (gone->unheard.code)
		*e = gone->unheard;
	return gone->unheard.code;
}

static int commit(struct add *a, struct err *e)
{
	int r = commit_and_merge(a->w, &a->gone, MERGE_TIERED, e);
	if (!r && o.verbose)
		fprintf(stderr, "%s: generation %" PRIu64 ": %u documents, %u chunks\n", err_tool(TOOL), writer_store(a->w)->m.generation,
			writer_store(a->w)->n_doc, writer_store(a->w)->n_chunk);
	a->due_ns = 0;
	a->every_ns = a->every_ns * 2 < (uint64_t)COMMIT_MOST_S * 1000000000u ? a->every_ns * 2 : a->every_ns;
	return r;
}

static int commit_if_due(struct add *a, struct err *e)
{
	if (writer_size(a->w) > WRITER_MAX)
		return commit(a, e);
	if (!a->every_ns || !writer_dirty(a->w))
		return 0;
	uint64_t now = io_now_ns();
	if (!a->due_ns)
		a->due_ns = now + a->every_ns;
	return now >= a->due_ns ? commit(a, e) : 0;
}

/* Commits on time even though the stage before us takes its time. */
static int wait_for_input(struct add *a, struct err *e)
{
	while (a->due_ns && rec_reader_would_block(a->reader)) {
		uint64_t now = io_now_ns();
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		if (now < a->due_ns && poll(&p, 1, (int)((a->due_ns - now) / 1000000u) + 1) != 0)
			return 0;
		int r = commit_if_due(a, e);
		if (r)
			return r;
	}
	return 0;
}

static int flush(struct add *a, struct err *e)
{
	bool is_whole = a->in.open && !a->in.is_bad;
	a->n_doc += is_whole;
	a->n_chunk += is_whole ? a->in.n_chunk : 0;
	show(a);
	int r = intake_flush(&a->in, a->w, e);
	return r ? r : commit_if_due(a, e);
}

/* The document held is of the stream before. */
static int take_head(struct add *a, const struct rec *r, struct err *e)
{
	const char *s;
	size_t n;
	int err = flush(a, e);
	bool has = rec_str(r, "model", &s, &n) && n;
	return err || !has ? err : writer_set_model(a->w, s, n, e);
}

static int take_tomb(struct add *a, const struct rec *r, struct err *e)
{
	const char *s;
	size_t n;
	bool known;
	int err = flush(a, e);
	if (err)
		return err;
	if (!rec_str(r, "doc", &s, &n))
		return one_bad(a, err_set(e, ERR_FORMAT, r->at, "record %" PRIu64 " removes no document", r->n), e);
	return writer_remove(a->w, s, n, &known, e);
}

static int take_vector(struct add *a, const struct rec *r, struct err *e)
{
	uint8_t id[HASH_ID_LEN];
	int8_t *code;
	size_t dim = 0;
	float scale;
	bool known = true;
	int err = intake_id(r, id, e);
	if (!err)
		err = intake_vector(r, &a->in.arena, &code, &dim, &scale, e);
	err = one_bad(a, err, e);
	if (!err && dim)
		err = writer_vector(a->w, id, code, dim, scale, &known, e);
	a->n_unknown += !err && !known;
	a->n_chunk += !err && dim && known;
	arena_rewind(&a->in.arena, 0);
	show(a);
	return err ? err : commit_if_due(a, e);
}

static int take_error(struct add *a, const struct rec *r)
{
	const char *doc;
	size_t n_doc;
	if (rec_str(r, "doc", &doc, &n_doc))
		intake_void(&a->in, doc, n_doc);
	unshow(a);
	rec_warn_error(TOOL, r);
	a->partly = true;
	return 0;
}

/* A document that changed while it was read is sent again, by a second `doc` record: what came of it before is no document. */
static int take_doc(struct add *a, const struct rec *r, struct err *e)
{
	const char *doc;
	size_t n;
	if (rec_str(r, "doc", &doc, &n))
		intake_void(&a->in, doc, n);
	int err = flush(a, e);
	return err ? err : one_bad(a, intake_doc(&a->in, r, e), e);
}

static int take(struct add *a, const struct rec *r, struct err *e)
{
	if (rec_is(r, "head"))
		return take_head(a, r, e);
	if (rec_is(r, "error"))
		return take_error(a, r);
	if (o.vectors)
		return rec_is(r, "chunk") ? take_vector(a, r, e) : 0;
	if (rec_is(r, "chunk"))
		return one_bad(a, intake_chunk(&a->in, r, e), e);
	if (rec_is(r, "tomb"))
		return take_tomb(a, r, e);
	return rec_is(r, "doc") ? take_doc(a, r, e) : 0;
}

/* `first` is a record that was read already, or NULL. */
static int add(struct add *a, const struct rec *first, struct err *e)
{
	struct rec rec;
	int r = first ? take(a, first, e) : 0;
	while (!r) {
		r = wait_for_input(a, e);
		int got = r ? r : rec_read(a->reader, &rec, e);
		if (got <= 0) {
			r = got;
			break;
		}
		r = take(a, &rec, e);
	}
	if (!r)
		r = flush(a, e);
	if (!r)
		r = commit(a, e);
	unshow(a);
	if (a->n_unknown)
		err_warn(TOOL, "%" PRIu64 " vectors were of chunks that are not there, or have one", a->n_unknown);
	return r;
}

/* Where there is nothing yet, nothing is made before a record has come: input that is none leaves no trace. */
static int run_add(const char *dir)
{
	struct err e = {0};
	struct rec rec;
	struct add a = { .every_ns = (uint64_t)o.commit_every * 1000000000u, .watched = isatty(STDERR_FILENO),
		.shown_ns = io_now_ns(), .gone.to = stdout };
	int r = rec_reader_open(&a.reader, STDIN_FILENO, "stdin", &e), got = 0;
	if (!r && !o.vectors && *dir && access(dir, F_OK) != 0)
		r = (got = rec_read(a.reader, &rec, &e)) < 0 ? got : 0;
	if (!r)
		r = writer_open(&a.w, dir, !o.vectors, o.lock_wait, &e);
	if (!r && o.ids)
		writer_note(a.w, &a.gone);
	if (!r)
		r = add(&a, got ? &rec : NULL, &e);
	writer_close(a.w);
	rec_reader_close(a.reader);
	intake_release(&a.in);
	gone_release(&a.gone);
	r = r ? r : io_flush_stdout(&e);
	if (r)
		return err_report(TOOL, &e);
	if (o.verbose)
		fprintf(stderr, "%s: %" PRIu64 " documents, %" PRIu64 " chunks read\n", err_tool(TOOL), a.n_doc, a.n_chunk);
	return a.partly ? EXIT_PARTLY : EXIT_DONE;
}

/* ---- rm, forget, merge ---- */

static int run_rm(const char *dir, char **doc, int n_doc, bool forget)
{
	struct err e = {0};
	struct writer *w;
	struct gone gone = { .to = stdout };
	int missing = 0, r = writer_open(&w, dir, false, o.lock_wait, &e);
	if (!r && o.ids)
		writer_note(w, &gone);
	for (int i = 0; !r && i < n_doc; i++) {
		bool known;
		r = writer_remove(w, doc[i], strlen(doc[i]), &known, &e);
		if (!r && !known) {
			err_warn(TOOL, "'%s' is not in the index", doc[i]);
			missing++;
		}
	}
	if (!r)
		r = commit_and_merge(w, &gone, forget ? MERGE_DEAD : MERGE_TIERED, &e);
	if (!r && forget && writer_sweep(w, &e))
		r = err_wrap(&e, "what was removed left the index, but not yet the directory");
	writer_close(w);
	gone_release(&gone);
	r = r ? r : io_flush_stdout(&e);
	if (r)
		return err_report(TOOL, &e);
	return missing == 0 ? EXIT_DONE : missing == n_doc ? EXIT_NOTHING : EXIT_PARTLY;
}

static int run_merge(const char *dir)
{
	struct err e = {0};
	struct writer *w;
	int r = writer_open(&w, dir, false, o.lock_wait, &e);
	if (!r)
		r = writer_merge(w, MERGE_ALL, &e);
	writer_close(w);
	return r ? err_report(TOOL, &e) : EXIT_DONE;
}

/* ---- stat, list, chunks, pending, verify ---- */

/* A field of a tab-separated line: tab, newline and backslash are escaped; on a terminal, all that could steer it. */
static void print_field(struct str s)
{
	struct buf b = {0};
	if (isatty(STDOUT_FILENO) && !utf8_visible(&b, s.s, s.n))
		s = (struct str){ b.data, b.len };
	for (size_t i = 0; i < s.n; i++)
		if (s.s[i] == '\t' || s.s[i] == '\n' || s.s[i] == '\\')
			printf("\\%c", s.s[i] == '\t' ? 't' : s.s[i] == '\n' ? 'n' : '\\');
		else
			putchar(s.s[i]);
	buf_release(&b);
}

/* The embedder's name came with a stream, so it is quoted. */
static int print_stat_json(const struct store *s, uint32_t with, uint64_t n_term, uint64_t bytes, struct err *e)
{
	json_t *name = json_string(s->m.model);
	char *model = name ? json_dumps(name, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
	if (model)
		printf("{\"kind\":\"stat\",\"generation\":%" PRIu64 ",\"docs\":%u,\"chunks\":%u,\"vectors\":%u,\"terms\":%" PRIu64
			",\"segments\":%zu,\"bytes\":%" PRIu64 ",\"dim\":%u,\"model\":%s}\n", s->m.generation, s->n_doc, s->n_chunk, with,
			n_term, s->m.n_segment, bytes, s->m.dim, model);
	json_decref(name);
	free(model);
	return model ? 0 : err_memory(e);
}

static int print_stat(struct store *s, struct err *e)
{
	uint64_t bytes = 0, n_term = 0;
	uint32_t with = 0;
	int r = 0;
	for (size_t i = 0; !r && i < s->m.n_segment; i++) {
		struct store_segment *g = &s->seg[i];
		const struct segment_len *len;
		uint8_t *has = NULL;
		bytes += g->m->len;
		n_term += g->seg.stat.n_term;
		for (size_t k = 0; k < g->m->n_layer; k++)
			bytes += g->m->layer[k].len;
		r = segment_get_lens(&g->seg, &len, e);
		if (!r)
			r = store_has_vectors(s, i, &has, e);
		for (uint32_t k = 0; !r && k < g->m->n_chunk; k++)
			with += has[k] && !g->dead[len[k].doc];
		free(has);
	}
	if (r)
		return r;
	if (o.json)
		return print_stat_json(s, with, n_term, bytes, e);
	printf("generation\t%" PRIu64 "\ndocuments\t%u\nchunks\t%u\nvectors\t%u\nterms\t%" PRIu64 "\nsegments\t%zu\nbytes\t%" PRIu64
		"\ndimensions\t%u\nembedder\t", s->m.generation, s->n_doc, s->n_chunk, with, n_term, s->m.n_segment, bytes, s->m.dim);
	print_field((struct str){ s->m.model, strlen(s->m.model) });
	putchar('\n');
	return 0;
}

static int list_doc(const struct segment_doc *d, struct rec_writer *w, struct err *e)
{
	if (!w) {
		print_field(d->doc);
		printf("\t%" PRIu64 "\t%" PRIu64 "\t", d->size, d->mtime_ns);
		print_field(d->sum);
		if (d->alias.n) {
			putchar('\t');
			print_field(d->alias);
		}
		putchar('\n');
		return 0;
	}
	rec_begin(w, "doc");
	rec_put_str(w, "doc", d->doc.s, d->doc.n);
	rec_put_str(w, "name", d->name.s, d->name.n);
	rec_put_str(w, "title", d->title.s, d->title.n);
	rec_put_str(w, "type", d->type.s, d->type.n);
	rec_put_src(w, d->path.s, d->path.n, d->size, d->mtime_ns, d->sum.s, d->sum.n);
	if (d->alias.n) {
		msgpack_packer *pk = rec_put_key(w, "meta");
		msgpack_pack_map(pk, 1);
		rec_pack_pair(pk, "alias_of", d->alias.s, d->alias.n);
	}
	return rec_emit(w, e);
}

static int list(struct store *s, struct err *e)
{
	struct rec_writer *w = NULL;
	int r = o.json ? rec_writer_open(&w, STDOUT_FILENO, TOOL, NULL, e) : 0;
	if (w)
		rec_writer_json(w, true);
	for (size_t i = 0; !r && i < s->m.n_segment; i++)
		for (uint32_t k = 0; !r && k < s->seg[i].m->n_doc; k++) {
			struct segment_doc d;
			if (s->seg[i].dead[k])
				continue;
			r = segment_get_doc(&s->seg[i].seg, k, &d, e);
			if (!r)
				r = list_doc(&d, w, e);
		}
	if (!w)
		return r;
	if (!r)
		return rec_writer_close(w, e);
	rec_writer_abort(w);
	return r;
}

static int put_chunk(struct rec_writer *w, const struct segment_doc *d, const struct segment_chunk *c, struct err *e)
{
	char id[2 * HASH_ID_LEN + 1];
	hash_hex(c->id, HASH_ID_LEN, id);
	rec_begin(w, "chunk");
	rec_put_str(w, "doc", d->doc.s, d->doc.n);
	rec_put_u64(w, "seq", c->seq);
	rec_put_cstr(w, "id", id);
	rec_put_str(w, "name", d->name.s, d->name.n);
	rec_put_str(w, "title", d->title.s, d->title.n);
	segment_put_sec(c, w);
	rec_put_str(w, "unit", c->unit.s, c->unit.n);
	rec_put_span(w, "span", c->b0, c->b1, c->l0, c->l1);
	rec_put_str(w, "text", c->text.s, c->text.n);
	rec_put_u64(w, "n_tok", c->n_tok);
	if (c->trunc)
		rec_put_bool(w, "trunc", true);
	segment_put_meta(c, w);
	return rec_emit(w, e);
}

/* The chunks of one segment: all, or those that lack a vector. */
static int put_chunks_of(struct store *s, size_t i, bool all, struct rec_writer *w, struct err *e)
{
	struct store_segment *g = &s->seg[i];
	uint8_t *has = NULL;
	int r = all ? 0 : store_has_vectors(s, i, &has, e);
	if (r)
		return r;
	for (uint32_t k = 0; !r && k < g->m->n_doc; k++) {
		struct segment_doc d;
		struct segment_chunk c;
		if (g->dead[k])
			continue;
		r = segment_get_doc(&g->seg, k, &d, e);
		for (uint32_t j = 0; !r && j < d.n_chunk; j++) {
			if (!all && has[d.first + j])
				continue;
			r = segment_get_chunk(&g->seg, d.first + j, &c, e);
			if (!r)
				r = put_chunk(w, &d, &c, e);
		}
	}
	free(has);
	return r;
}

static int put_chunks(struct store *s, bool all, struct err *e)
{
	struct rec_writer *w;
	int r = rec_writer_open(&w, STDOUT_FILENO, TOOL, NULL, e);
	if (r)
		return r;
	if (o.json)
		rec_writer_json(w, true);
	for (size_t i = 0; !r && i < s->m.n_segment; i++)
		r = put_chunks_of(s, i, all, w, e);
	if (!r)
		return rec_writer_close(w, e);
	rec_writer_abort(w);
	return r;
}

static int chunks(struct store *s, struct err *e)
{
	return put_chunks(s, true, e);
}

static int pending(struct store *s, struct err *e)
{
	return put_chunks(s, false, e);
}

static int run_read(const char *dir, int (*fn)(struct store *, struct err *), bool verify)
{
	struct err e = {0};
	struct store s;
	int r = store_open(&s, dir, &e);
	if (!r) {
		r = fn(&s, &e);
		store_close(&s);
	}
	r = r ? r : io_flush_stdout(&e);
	if (!r)
		return EXIT_DONE;
	int status = err_report(TOOL, &e);
	return verify && status == EXIT_DATA ? EXIT_NOTHING : status;
}

int main(int argc, char **argv)
{
	fault_catch(TOOL);
	int i = opt_parse(&prog, argc, argv);
	if (argc - i < 2)
		return opt_misuse(&prog, "a command and an index directory are needed");
	if (o.ids)
		signal(SIGPIPE, SIG_IGN);	/* a reader that leaves must not end what is half done */
	const char *cmd = argv[i], *dir = argv[i + 1];
	char **doc = argv + i + 2;
	int n_doc = argc - i - 2;
	bool rm = strcmp(cmd, "rm") == 0, forget = strcmp(cmd, "forget") == 0;
	if (n_doc && !rm && !forget)
		return opt_misuse(&prog, "'%s' takes no documents", cmd);
	if (rm || forget)
		return n_doc || forget ? run_rm(dir, doc, n_doc, forget) : opt_misuse(&prog, "which documents?");
	if (strcmp(cmd, "add") == 0)
		return run_add(dir);
	if (strcmp(cmd, "merge") == 0)
		return run_merge(dir);
	if (strcmp(cmd, "stat") == 0)
		return run_read(dir, print_stat, false);
	if (strcmp(cmd, "list") == 0)
		return run_read(dir, list, false);
	if (strcmp(cmd, "chunks") == 0)
		return run_read(dir, chunks, false);
	if (strcmp(cmd, "pending") == 0)
		return run_read(dir, pending, false);
	if (strcmp(cmd, "verify") == 0)
		return run_read(dir, store_verify, true);
	return opt_misuse(&prog, "unknown command '%s'", cmd);
}
