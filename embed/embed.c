/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-embed: records in, the same records out, chunks and queries with their vectors.
 *
 *	input --> batch (records wait in line) --> forward (16,384 tokens at a time) --> output
 *
 * A batch leaves when it is full, or when the input would have to be waited for: a lone question is answered at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed/batch.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/model/find.h"

#define TOOL "tt-embed"
#define PROGRESS_NS 200000000u

static struct {
	const char *model, *dtype;
	long threads;
	bool query, strict, json, verbose;
} o = { .model = MODEL_EMBEDDER, .dtype = "i8" };

static const struct opt opts[] = {
	{ 'm', "model", OPT_STR, &o.model, "NAME", "embedder: a folder, a GGUF file or a catalogue name", .env = "TT_EMBEDDER" },
	{ 'q', "query", OPT_FLAG, &o.query, NULL, "the input is questions: lines of text, or records" },
	{ 'j', "threads", OPT_INT, &o.threads, "N", "threads; 0 = one a processor", .min = 0, .max = POOL_MAX_THREADS, .env = "TT_THREADS" },
	{ 0, "dtype", OPT_STR, &o.dtype, "TYPE", "numbers of the vectors: i8, f16 or f32" },
	{ 0, "strict", OPT_FLAG, &o.strict, NULL, "a text that is too long is an error, not cut" },
	{ 0, "json", OPT_FLAG, &o.json, NULL, "write JSON lines" },
	{ 'v', "verbose", OPT_FLAG, &o.verbose, NULL, "say at the end how much was done how fast" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "", "give chunks and queries their vectors", opts };

struct run {
	struct pool *pool;
	struct bert *model;
	struct forward *f;
	struct rec_reader *in;
	struct rec_writer *out;
	struct batch *batch;
	bool has_vec;			/* the input's head names our model */
	uint64_t start_ns, shown_ns;
	bool is_shown;
};

static void warn(const char *msg)
{
	err_warn(TOOL, "%s", msg);
}

/* ---- progress ---- */

static void show(struct run *x, const char *end)
{
	struct batch_stats s = batch_stats(x->batch);
	double seconds = (double)(io_now_ns() - x->start_ns) / 1e9;
	fprintf(stderr, "%s%s: %llu chunks, %llu texts read, %.0f tokens/s%s", isatty(STDERR_FILENO) ? "\r" : "", err_tool(TOOL),
		(unsigned long long)s.n_chunk, (unsigned long long)s.n_text,
		seconds > 0 ? (double)s.n_tok / seconds : 0.0, end);
}

static void progress(struct run *x)
{
	uint64_t now = io_now_ns();
	if (o.query || !isatty(STDERR_FILENO) || now - x->shown_ns < PROGRESS_NS)
		return;
	x->shown_ns = now;
	x->is_shown = true;
	show(x, "");
}

/* ---- the stream ---- */

/* A record's own error is told and counted, and an `error` record takes its place; others end the run. */
static int settle(struct run *x, int rc, const struct rec *r, struct err *e)
{
	if (rc != ERR_LIMIT && rc != ERR_FORMAT)
		return rc;
	err_report(TOOL, e);
	struct err what = *e;
	rc = batch_flush(x->batch, e);
	return rc ? rc : batch_refuse(x->batch, r, &what, e);
}

/* What waits is written when nothing more is to be had at once. */
static int pause_if_idle(struct run *x, struct err *e)
{
	int r = 0;
	if (rec_reader_would_block(x->in)) {
		if (batch_waits(x->batch))
			r = batch_flush(x->batch, e);
		if (!r)
			r = rec_flush(x->out, e);
	}
	progress(x);
	return r;
}

/* True if the stream's head says that its vectors are this model's. */
static bool same_model(const struct run *x, const struct rec *r)
{
	const char *s;
	size_t n;
	return rec_str(r, "model", &s, &n) && n == strlen(x->model->model) && !memcmp(s, x->model->model, n);
}

static int embed_records(struct run *x, struct err *e)
{
	struct rec r;
	int got, rc = 0;
	while (!rc && (got = rec_read(x->in, &r, e)) != 0) {
		if (got < 0)
			return got;
		if (rec_is(&r, "head"))
			x->has_vec = same_model(x, &r);
		else
			rc = settle(x, batch_add(x->batch, &r, x->has_vec, o.query, e), &r, e);
		if (!rc)
			rc = pause_if_idle(x, e);
	}
	return rc;
}

static int embed_lines(struct run *x, struct err *e)
{
	const char *s;
	size_t n;
	uint64_t i = 0;
	int got, rc = 0;
	while (!rc && (got = rec_reader_line(x->in, &s, &n, e)) != 0) {
		char id[24];
		if (got < 0)
			return got;
		if (n && s[n - 1] == '\r')
			n--;
		if (strspn(s, " \t") < n) {
			snprintf(id, sizeof id, "q%llu", (unsigned long long)++i);
			rc = settle(x, batch_add_line(x->batch, id, s, n, e), NULL, e);
		}
		if (!rc)
			rc = pause_if_idle(x, e);
	}
	return rc;
}

static int embed_all(struct run *x, struct err *e)
{
	bool is_rec = true;
	int rc = rec_reader_sniff(x->in, &is_rec, e);
	if (rc)
		return rc;
	if (!is_rec && !o.query)
		return err_set(e, ERR_FORMAT, 0, "the input is not a stream of records (for lines of text: -q)");
	rc = is_rec ? embed_records(x, e) : embed_lines(x, e);
	if (!rc)
		rc = batch_flush(x->batch, e);
	return rc;
}

static int open_all(struct run *x, struct err *e)
{
	struct buf path = {0};
	enum bert_was was = BERT_THERE;
	enum rec_dtype dtype = !strcmp(o.dtype, "f32") ? REC_F32 : !strcmp(o.dtype, "f16") ? REC_F16 : REC_I8;
	struct batch_options how = { .dtype = dtype, .is_strict = o.strict, .warn = warn };
	const struct kern_bert *kern = kern_bert_select(getenv("TT_CPU"), e);
	int rc = kern ? model_find(&path, o.model, getenv("TT_MODELS"), e) : e->code;
	if (!rc)
		rc = pool_open(&x->pool, (int)o.threads, e);
	if (!rc)
		rc = bert_open(&x->model, path.data, o.model, kern, &was, e);
	if (!rc && was == BERT_DAMAGED)
		warn(BERT_MENDED);
	if (!rc && was == BERT_MISSING && isatty(STDERR_FILENO))
		fprintf(stderr, "%s: prepared '%s' for its first use\n", err_tool(TOOL), o.model);
	if (!rc)
		rc = forward_open(&x->f, x->model, x->pool, e);
	if (!rc)
		rc = rec_reader_open(&x->in, STDIN_FILENO, "stdin", e);
	if (!rc)
		rc = rec_writer_open(&x->out, STDOUT_FILENO, TOOL, x->model->model, e);
	if (!rc && o.json)
		rec_writer_json(x->out, true);
	if (!rc && o.query)
		rec_reader_allow_kindless(x->in, true);
	if (!rc)
		rc = batch_open(&x->batch, x->f, x->model, x->out, &how, e);
	x->start_ns = io_now_ns();
	buf_release(&path);
	return rc;
}

int main(int argc, char **argv)
{
	struct run x = {0};
	struct err e = {0};
	fault_catch(TOOL);
	if (opt_parse(&prog, argc, argv) < argc)
		return opt_misuse(&prog, "the input is stdin; there are no operands");
	if (strcmp(o.dtype, "i8") && strcmp(o.dtype, "f16") && strcmp(o.dtype, "f32"))
		return opt_misuse(&prog, "unknown --dtype '%s' (i8, f16 or f32)", o.dtype);
	int rc = open_all(&x, &e);
	if (!rc)
		rc = embed_all(&x, &e);
	if (!rc && (o.verbose || x.is_shown))
		show(&x, "\n");
	if (rc) {
		rec_writer_abort(x.out);
	} else {
		rc = rec_writer_close(x.out, &e);
	}
	bool is_partly = x.batch && batch_stats(x.batch).n_bad;
	batch_close(x.batch);
	rec_reader_close(x.in);
	forward_close(x.f);
	bert_close(x.model);
	pool_close(x.pool);
	return rc ? err_report(TOOL, &e) : is_partly ? EXIT_PARTLY : EXIT_DONE;
}
