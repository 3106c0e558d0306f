/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-score: figures for retrieval and answers against judged queries; what tt-eval, a shell script, is built on.
 *
 *	tt-score queries F  |  tt-embed -q  |  tt-retrieve D  |  tt-score retrieval F
 *	     picks queries                                             nDCG@10, recall@10, MRR@10
 *	                                       tt-retrieve D > HITS;  tt-generate < HITS  |  tt-score answers F
 *
 * `queries` writes only what can be scored, so the other commands score every query that comes in, found or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/rec.h"
#include "retrieve/metric.h"
#include "retrieve/qset.h"
#include "retrieve/tally.h"

#define TOOL "tt-score"

static struct {
	const char *qrels, *docs, *field, *hits, *plain;
	long limit;
	bool flags, json;
} o = { .field = "text" };

static const struct opt opts[] = {
	{ .name = "qrels", .type = OPT_STR, .value = &o.qrels, .arg = "FILE", .help = "judgements: query, document, grade" },
	{ .name = "docs", .type = OPT_STR, .value = &o.docs, .arg = "FILE",
	  .help = "queries: only those whose best page is in this list" },
	{ .name = "field", .type = OPT_STR, .value = &o.field, .arg = "NAME", .help = "queries: the field that is asked (text)" },
	{ .name = "flags", .type = OPT_FLAG, .value = &o.flags, .help = "queries: only those whose answers can be judged" },
	{ .name = "limit", .type = OPT_INT, .value = &o.limit, .arg = "N", .min = 0, .max = 10000000,
	  .help = "queries: at most N, spread evenly over the file" },
	{ .name = "hits", .type = OPT_STR, .value = &o.hits, .arg = "FILE", .help = "answers: the records that tt-generate was given" },
	{ .name = "plain", .type = OPT_STR, .value = &o.plain, .arg = "FILE",
	  .help = "answers: the answer records of a run without sources" },
	{ .name = "json", .type = OPT_FLAG, .value = &o.json, .help = "print one JSON object" },
	{ 0 },
};
static const struct opt_program prog = { TOOL, "queries|retrieval|answers QUERIES",
					 "score retrieval and answers against judged queries", opts };

/* ---- queries ---- */

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The identities in the file `path`, one a line (what follows a tab is left out), sorted: id[n], pointing into b. */
static int read_docs(const char *path, struct buf *b, char ***id, size_t *n, struct err *e)
{
	int r = qset_read_lines(b, path, e);
	if (r < 0)
		return r;
	size_t lines = 1;
	for (size_t i = 0; i < b->len; i++)
		lines += b->data[i] == '\n';
	*id = calloc(lines, sizeof **id);
	if (!*id)
		return err_memory(e);
	for (char *at = b->data, *next; at && *at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		char *tab = strchr(at, '\t');
		if (tab)
			*tab = '\0';
		/* In place: an identity is no longer than the name that it comes from. */
		size_t len = strlen(at);
		if (metric_doc_id(at, len, at, len + 1))
			(*id)[(*n)++] = at;
	}
	qsort(*id, *n, sizeof **id, by_string);
	return 0;
}

/* A query can be scored on this corpus when every page with its best grade is there. */
static bool best_is_there(const struct qitem *q, char *const *id, size_t n)
{
	for (size_t i = 0; i < q->n_rel; i++)
		if (q->rel[i].grade == q->best && !bsearch(&q->rel[i].doc, id, n, sizeof *id, by_string))
			return false;
	return q->n_rel > 0;
}

static int put_query(struct rec_writer *w, const struct qitem *q, struct err *e)
{
	const char *text = json_string_value(json_object_get(q->json, o.field));
	if (!text)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "query '%s' has no field '%s'", q->id, o.field);
	rec_begin(w, "query");
	rec_put_cstr(w, "id", q->id);
	rec_put_cstr(w, "text", text);
	return rec_emit(w, e);
}

/* `want` of the n queries, evenly spread over them. */
static int put_queries(const struct qitem *const *query, size_t n, size_t want, struct err *e)
{
	struct rec_writer *w;
	int r = rec_writer_open(&w, 1, TOOL, NULL, e);
	if (r)
		return r;
	for (size_t i = 0; r == 0 && i < want; i++)
		r = put_query(w, query[i * n / want], e);
	if (r == 0)
		return rec_writer_close(w, e);
	rec_writer_abort(w);
	return r;
}

/* The status to end with, unless *e tells of a failure. */
static int cmd_queries(const char *path, struct err *e)
{
	struct qset s = { 0 };
	struct buf docs = { 0 };
	char **id = NULL;
	size_t n_id = 0, n = 0;
	int r = qset_open(&s, path, o.qrels, e);
	if (r == 0 && o.docs)
		r = read_docs(o.docs, &docs, &id, &n_id, e);
	const struct qitem **pick = calloc(s.n + 1, sizeof *pick);
	if (r == 0 && !pick)
		r = err_memory(e);
	for (size_t i = 0; r == 0 && i < s.n; i++) {
		const struct qitem *q = &s.item[i];
		if ((!o.docs || best_is_there(q, id, n_id)) && (!o.qrels || q->n_rel) && (!o.flags || qset_has_flags(q) || qset_has_gold(q)))
			pick[n++] = q;
	}
	size_t want = o.limit && (size_t)o.limit < n ? (size_t)o.limit : n;
	if (r == 0)
		r = put_queries(pick, n, want, e);
	if (r == 0 && !want)
		fprintf(stderr, "%s: no query can be scored\n", err_tool(TOOL));
	free(pick);
	free(id);
	buf_release(&docs);
	qset_close(&s);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

/* ---- figures ---- */

struct figures { json_t *json, *counts; bool failed; };	/* without --json they are printed at once */

static void open_figures(struct figures *f)
{
	*f = (struct figures){ .json = o.json ? json_object() : NULL };
	f->failed = o.json && json_object_set_new(f->json, "counts", json_object());
	f->counts = json_object_get(f->json, "counts");
}

/* A mean over `of` cases. As JSON: "name": mean, and in "counts": {"name": of}. */
static void put(struct figures *f, const char *name, double sum, size_t of)
{
	double share = of ? sum / (double)of : 0;
	if (!o.json)
		printf("%-14s %.4f  of %zu\n", name, share, of);
	else if (json_object_set_new(f->json, name, json_real(share)) || json_object_set_new(f->counts, name, json_integer((json_int_t)of)))
		f->failed = true;
}

static int print_json(const struct figures *f, struct err *e)
{
	if (f->failed)
		return err_memory(e);
	if (f->json && (json_dumpf(f->json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) || putchar('\n') == EOF))
		return err_sys(e, ERR_IO, "cannot write to standard output");
	return io_flush_stdout(e);
}

static void put_retrieval(struct figures *f, const struct tally *t)
{
	put(f, "nDCG@10", t->ndcg, t->n_query);
	put(f, "recall@10", t->recall, t->n_query);
	put(f, "MRR@10", t->rr, t->n_query);
}

/* Without the hits nothing can be said about citations, so only refusals are counted; without judgements, nothing about pages. */
static void put_answers(struct figures *f, const struct tally *t)
{
	put(f, "refused", (double)t->refused, t->n_answer);
	if (!o.hits)
		return;
	put(f, "option_right", (double)t->option_right, t->n_option);
	if (t->n_gold) {
		put(f, "exact_match", (double)t->exact, t->n_gold);
		put(f, "f1", t->f1, t->n_gold);
		put(f, "answer_held", (double)t->held, t->n_gold);
	}
	put(f, "cites", (double)t->cites, t->n_answer);
	put(f, "bad_number", (double)t->bad_number, t->n_answer);
	if (o.qrels) {
		put(f, "page_right", (double)t->page_right, t->n_answer);
		put(f, "page_any", (double)t->page_any, t->n_answer);
	}
	put(f, "first_entry", (double)t->first_entry, t->n_judged);
	put(f, "sources_hold", (double)t->sources_hold, t->n_judged);
	if (o.plain)
		put(f, "no_sources", (double)t->plain_right, t->n_plain);
}

/* Runs `f` over the records of `path`, or of stdin for NULL. */
static int with_stream(const char *path, struct tally *t,
		       int (*f)(struct tally *, struct rec_reader *, struct err *), struct err *e)
{
	struct rec_reader *in = NULL;
	int fd = path ? io_open(path, e) : 0;
	if (fd < 0)
		return fd;
	t->stream = path ? path : "stdin";
	int r = rec_reader_open(&in, fd, t->stream, e);
	if (r == 0)
		r = f(t, in, e);
	rec_reader_close(in);
	if (path)
		close(fd);
	return r;
}

static int cmd_figures(const char *command, const char *path, struct err *e)
{
	struct qset s = { 0 };
	struct tally t = { 0 };
	bool answers = strcmp(command, "answers") == 0;
	struct figures f;
	open_figures(&f);
	int r = qset_open(&s, path, o.qrels, e);
	if (r == 0)
		r = tally_init(&t, &s, e);
	if (r == 0 && (!answers || o.hits))
		r = with_stream(answers ? o.hits : NULL, &t, tally_hits, e);
	if (r == 0 && answers && o.plain)
		r = with_stream(o.plain, &t, tally_plain, e);
	if (r == 0 && answers)
		r = with_stream(NULL, &t, tally_answers, e);
	if (r == 0) {
		(answers ? put_answers : put_retrieval)(&f, &t);
		r = print_json(&f, e);
	}
	size_t n = answers ? t.n_answer : t.n_query;
	json_decref(f.json);
	tally_release(&t);
	qset_close(&s);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

int main(int argc, char **argv)
{
	fault_catch(TOOL);
	struct err e = { 0 };
	int first = opt_parse(&prog, argc, argv), r;
	if (argc - first != 2)
		return opt_misuse(&prog, "expected a command and the file of queries");
	const char *command = argv[first], *path = argv[first + 1];
	if (strcmp(command, "retrieval") == 0 && !o.qrels)
		return opt_misuse(&prog, "'retrieval' needs --qrels");
	if (strcmp(command, "queries") == 0)
		r = cmd_queries(path, &e);
	else if (strcmp(command, "retrieval") == 0 || strcmp(command, "answers") == 0)
		r = cmd_figures(command, path, &e);
	else
		return opt_misuse(&prog, "unknown command '%s'", command);
	return e.code ? err_report(TOOL, &e) : r;
}
