/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-chunk: documents in, `doc` and `chunk` records out.
 *
 *	paths --> links (aliases) --> docwork (threads: open, recognise, split) --> docout (records, in the order of input)
 *
 * Paths are taken WINDOW at a time, so that aliases are known before their document is written; within a window documents
 * leave as soon as they are done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/grow.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/base/utf8.h"
#include "lib/model/find.h"
#include "tokenize/docout.h"
#include "tokenize/docwork.h"
#include "tokenize/known.h"
#include "tokenize/links.h"

#define TOOL "tt-chunk"
#define WINDOW 65536u
#define AHEAD_PER_THREAD 12u
#define JSON_LINE_MAX (16u << 20)
#define PATH_LEN_MAX 65536u
#define FLUSH_NS 200000000u

static struct {
	const char *model, *stdin_as, *known, *roots;
	long threads, limit;
	bool zero, tomb, jsonl, all_languages, own_reader, json, strict, verbose;
	struct opt_list filters;
} o = { .model = MODEL_EMBEDDER, .limit = 256 };

static const struct opt opts[] = {
	{ 'm', "model", OPT_STR, &o.model, "EMBEDDER", "whose tokenizer bounds the chunks", .env = "TT_EMBEDDER" },
	{ 'j', "threads", OPT_INT, &o.threads, "N", "documents read at the same time; 0 = one a processor", .min = 0,
		.max = POOL_MAX_THREADS, .env = "TT_THREADS" },
	{ '0', "null", OPT_FLAG, &o.zero, NULL, "paths on stdin end with a NUL byte instead of a line feed" },
	{ 0, "limit", OPT_INT, &o.limit, "TOKENS", "tokens a chunk may have, title and headings included", .min = 32,
		.max = 8192 },
	{ 0, "stdin-as", OPT_STR, &o.stdin_as, "NAME", "stdin is one document, called NAME" },
	{ 0, "jsonl", OPT_FLAG, &o.jsonl, NULL, "the files (or stdin) hold a document a line: {\"id\", \"title\", \"text\"}" },
	{ 0, "filter", OPT_LIST, &o.filters, "PATTERN=[TYPE:]COMMAND", "convert files whose name matches" },
	{ 0, "tomb", OPT_FLAG, &o.tomb, NULL, "a path that is gone gives a tomb instead of an error" },
	{ 0, "known", OPT_STR, &o.known, "LIST", "pass over files whose bytes are those of LIST, from tt-index list" },
	{ 0, "roots", OPT_STR, &o.roots, "LIST", "read only what lies below the folders of LIST, a line each" },
	{ 0, "all-languages", OPT_FLAG, &o.all_languages, NULL, "do not skip manual pages in other languages" },
	{ 0, "no-mandoc", OPT_FLAG, &o.own_reader, NULL, "read manual pages without mandoc" },
	{ 0, "strict", OPT_FLAG, &o.strict, NULL, "stop at the first document that cannot be read" },
	{ 0, "json", OPT_FLAG, &o.json, NULL, "write JSON lines" },
	{ 'v', "verbose", OPT_FLAG, &o.verbose, NULL, "say what was done" },
	{ 0 } };
static const struct opt_program prog = { TOOL, "[FILE ...]", "cut documents into chunks with exact places", opts };

struct run {
	struct docwork *work;
	struct docout *out;
	struct known known;
	const struct roots *roots;
	struct rec_writer *w;
	struct buf taken;
	struct buf before;		/* u64, sorted: hashes of the documents of earlier windows */
	uint64_t flushed_ns;
	int last;			/* code of the last error message */
	bool stop;			/* --strict saw one */
};

/* ---- one list of jobs through the threads ---- */

struct job {
	struct read_job read;
	const char *aliases;		/* for docout_begin, or NULL */
};
struct jobs {
	struct job *v;
	size_t n, cap;
};

static int jobs_add(struct jobs *j, const struct read_job *read, const char *aliases)
{
	struct job *v = grow(j->v, j->n, &j->cap, sizeof *v);
	if (!v)
		return ERR_MEM;
	j->v = v;
	j->v[j->n++] = (struct job){ *read, aliases };
	return 0;
}

/* Writes what the oldest document has until it ends. */
static int write_oldest(struct run *r, const char *aliases, struct err *e)
{
	int rc = 0;
	docout_begin(r->out, aliases);
	while (docwork_take(r->work, &r->taken)) {
		if (rc == 0 && r->taken.failed)		/* no document, and no error for it either, may be missing */
			rc = err_memory(e);
		if (rc == 0 && !r->stop)
			rc = docout_put(r->out, r->taken.data, r->taken.len, &r->last, e);
		buf_clear(&r->taken);
	}
	r->stop |= o.strict && docout_counts(r->out)->n_error > 0;
	uint64_t now = io_now_ns();
	if (rc == 0 && now - r->flushed_ns > FLUSH_NS) {
		r->flushed_ns = now;
		rc = rec_flush(r->w, e);
	}
	return rc;
}

static int jobs_run(struct run *r, const struct jobs *j, struct err *e)
{
	size_t put = 0, took = 0;
	int rc = 0;
	while (took < j->n && rc == 0 && !r->stop) {
		while (put < j->n && docwork_room(r->work))
			docwork_put(r->work, &j->v[put++].read);
		rc = write_oldest(r, j->v[took++].aliases, e);
	}
	for (; took < put; took++)	/* after an error: let the threads finish */
		while (docwork_take(r->work, &r->taken))
			buf_clear(&r->taken);
	return rc;
}

/* ---- lines ---- */

/* Reads up to `delim` into `b`, without it, and a NUL behind. 1; 0 at the end; ERR_LIMIT over `max` bytes, which are all that is held. */
static int read_line(struct buf *b, FILE *f, int delim, size_t max, const char *name, struct err *e)
{
	int c = 0;
	buf_clear(b);
	while ((c = getc_unlocked(f)) != EOF && c != delim && b->len <= max)
		buf_putc(b, (char)c);
	if (c == EOF && ferror(f))
		return err_sys(e, ERR_IO, "cannot read '%s'", name);
	if (b->len > max)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s': a line of over %zu bytes", name, max);
	size_t n = b->len;
	if (buf_putc(b, 0))
		return err_memory(e);
	b->len = n;
	return c != EOF || n > 0;
}

/* ---- paths ---- */

static int by_hash(const void *pa, const void *pb)
{
	uint64_t a, b;
	memcpy(&a, pa, sizeof a);
	memcpy(&b, pb, sizeof b);
	return (a > b) - (a < b);
}

/* Enters path[0..n) for links to them that a later window may have. */
static int remember(struct run *r, const struct link_path *path, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		buf_u64(&r->before, hash_xxh64(path[i].doc, strlen(path[i].doc)));
	if (r->before.failed)
		return err_memory(e);
	if (r->before.len)
		qsort(r->before.data, r->before.len / sizeof(uint64_t), sizeof(uint64_t), by_hash);
	return 0;
}

static bool came_before(const struct run *r, const char *doc)
{
	uint64_t h = hash_xxh64(doc, strlen(doc));
	return r->before.len && bsearch(&h, r->before.data, r->before.len / sizeof h, sizeof h, by_hash);
}

/* The document, known or of an earlier window, whose file `p` is a link to; NULL if there is none. */
static const char *known_target(const struct run *r, const struct link_path *p, struct arena *a)
{
	char *real = r->known.n > 0 || r->before.len ? realpath(p->path, NULL) : NULL;
	bool found = real && strcmp(real, p->doc) != 0 && (known_find(&r->known, real) || came_before(r, real));
	const char *doc = found ? arena_strdup(a, real, strlen(real)) : NULL;
	free(real);
	return doc;
}

/* The checksum by which a file is what it is known as; none if it has become an alias meanwhile. */
static const uint8_t *known_as(const struct run *r, const char *doc, bool is_alias)
{
	const struct known_doc *d = known_find(&r->known, doc);
	return d && (d->is_alias || !is_alias) ? d->hash : NULL;
}

static int window_jobs(struct run *r, struct link_path *path, size_t n, struct jobs *jobs, struct arena *a, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct link_path *p = &path[i], *root = p->target != LINKS_NONE ? &path[p->target] : p;
		struct read_job job = { .kind = READ_FILE, .path = p->path, .doc = p->doc };
		if (root != p && strcmp(root->doc, p->doc) == 0)
			continue;
		if (p->outside) {
			/* The page it stands for is not among the paths: it comes first, under its own name. */
			struct read_job target = { .kind = READ_FILE, .path = p->outside, .doc = p->outside,
						   .known = known_as(r, p->outside, false) };
			rc = jobs_add(jobs, &target, p->aliases);
		}
		job.alias_of = root->outside ? root->outside : known_target(r, root, a);
		if (!job.alias_of && root != p)
			job.alias_of = root->doc;
		if (job.alias_of)
			job.kind = READ_ALIAS;
		job.known = known_as(r, p->doc, job.alias_of != NULL);
		if (rc == 0)
			rc = jobs_add(jobs, &job, p->aliases);
	}
	return rc < 0 ? err_memory(e) : jobs_run(r, jobs, e);
}

static int bad_name(struct run *r, const char *path, struct err *e)
{
	struct err what;
	r->last = err_set(&what, ERR_UNSUPPORTED, ERR_NO_OFFSET, "the file name '%s' is not UTF-8", path);
	docout_counts(r->out)->n_error++;
	r->stop |= o.strict;
	return rec_emit_error(r->w, &what, path, e);
}

/* Takes path[0..n): skips, finds aliases, reads. */
static int window_run(struct run *r, char **name, size_t n, struct err *e)
{
	struct arena a = {0};
	struct jobs jobs = {0};
	char *cwd = getcwd(NULL, 0);
	struct link_path *path = calloc(n ? n : 1, sizeof *path);
	size_t k = 0;
	int rc = cwd && path ? 0 : err_memory(e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!utf8_valid(name[i], strlen(name[i]), NULL)) {
			rc = bad_name(r, name[i], e);
			continue;
		}
		const char *doc = links_absolute(&a, cwd, name[i]);
		if (!doc)
			rc = err_memory(e);
		else if (!o.all_languages && links_localized(doc))
			docout_counts(r->out)->n_skipped++;
		else
			path[k++] = (struct link_path){ .path = name[i], .doc = doc };
	}
	if (rc == 0)
		rc = links_find(path, k, r->roots, &a, e);
	if (rc == 0)
		rc = window_jobs(r, path, k, &jobs, &a, e);
	if (rc == 0)
		rc = remember(r, path, k, e);
	free(jobs.v);
	free(path);
	free(cwd);
	arena_release(&a);
	return rc;
}

static int paths_stdin(struct run *r, struct err *e)
{
	char **name = calloc(WINDOW, sizeof *name);
	struct buf line = {0};
	int rc = name ? 0 : err_memory(e), got = 1;
	while (rc == 0 && got > 0 && !r->stop) {
		size_t n = 0;
		while (rc == 0 && n < WINDOW && (got = read_line(&line, stdin, o.zero ? 0 : '\n', PATH_LEN_MAX, "standard input", e)) > 0) {
			if (line.len == 0)
				continue;
			name[n] = strdup(line.data);
			if (name[n])
				n++;
			else
				rc = err_memory(e);
		}
		if (rc == 0)
			rc = got < 0 ? got : window_run(r, name, n, e);
		for (size_t i = 0; i < n; i++)
			free(name[i]);
	}
	buf_release(&line);
	free(name);
	return rc;
}

/* ---- other inputs ---- */

static int one_job(struct run *r, const struct read_job *job, struct err *e)
{
	struct jobs jobs = {0};
	int rc = jobs_add(&jobs, job, NULL);
	rc = rc < 0 ? err_memory(e) : jobs_run(r, &jobs, e);
	free(jobs.v);
	return rc;
}

/* A document a line; as many lines as the threads take at a time. */
static int json_lines(struct run *r, FILE *f, const char *name, size_t n_ahead, struct err *e)
{
	struct jobs jobs = {0};
	struct buf *line = calloc(n_ahead, sizeof *line);
	uint64_t n_line = 0;
	int rc = line ? 0 : err_memory(e), got = 1;
	while (rc == 0 && got > 0 && !r->stop) {
		jobs.n = 0;
		while (rc == 0 && jobs.n < n_ahead && (got = read_line(&line[jobs.n], f, '\n', JSON_LINE_MAX, name, e)) > 0) {
			const struct buf *l = &line[jobs.n];
			n_line++;
			if (strspn(l->data, " \t\r") == l->len)
				continue;
			size_t bom = n_line == 1 ? utf8_bom(l->data, l->len) : 0;
			struct read_job job = { .kind = READ_JSON, .path = name, .json = l->data + bom, .json_len = l->len - bom,
						.line = n_line };
			if (jobs_add(&jobs, &job, NULL) < 0)
				rc = err_memory(e);
		}
		if (rc == 0)
			rc = got < 0 ? got : jobs_run(r, &jobs, e);
	}
	for (size_t i = 0; line && i < n_ahead; i++)
		buf_release(&line[i]);
	free(line);
	free(jobs.v);
	return rc;
}

static int json_files(struct run *r, char **file, int n, size_t n_ahead, struct err *e)
{
	if (n == 0)
		return json_lines(r, stdin, "standard input", n_ahead, e);
	int rc = 0;
	for (int i = 0; i < n && rc == 0 && !r->stop; i++) {
		if (!utf8_valid(file[i], strlen(file[i]), NULL)) {
			rc = bad_name(r, file[i], e);
			continue;
		}
		FILE *f = fopen(file[i], "re");
		if (!f)
			return err_sys(e, errno == EACCES ? ERR_PERM : ERR_NOENT, "cannot open '%s'", file[i]);
		rc = json_lines(r, f, file[i], n_ahead, e);
		fclose(f);
	}
	return rc;
}

/* ---- setting up ---- */

static bool on_path(const char *program)
{
	const char *path = getenv("PATH");
	struct buf b = {0};
	bool found = false;
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path && !found;) {
		size_t n = strcspn(path, ":");
		buf_clear(&b);
		buf_add(&b, path, n);
		buf_printf(&b, "/%s", program);
		found = b.data && access(b.data, X_OK) == 0;
		path += n + (path[n] == ':');
	}
	buf_release(&b);
	return found;
}

/* Without the embedder's tokenizer the chunks are a little smaller than they could be; indexing by words still works. */
static struct tok *tokenizer(void)
{
	struct buf path = {0};
	struct tok *t = NULL;
	struct err e = {0};
	int rc = model_find(&path, o.model, getenv("TT_MODELS"), &e);
	if (rc == 0)
		rc = tok_open_file(&t, path.data, &e);
	if (rc < 0)
		err_warn(TOOL, "%s; chunk sizes are estimated", e.msg);
	buf_release(&path);
	return rc < 0 ? NULL : t;
}

static int filters(struct filter *f, size_t *n, struct err *e)
{
	for (*n = 0; *n < (size_t)o.filters.n; ++*n) {
		char *spec = strdup(o.filters.item[*n]);
		int rc = spec ? filter_parse(&f[*n], spec, e) : err_memory(e);
		if (rc < 0) {
			free(spec);
			return rc;
		}
	}
	return 0;
}

static void filters_free(struct filter *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)(uintptr_t)f[i].pattern);	/* the copy that filter_parse took apart */
}

static int read_all(struct run *r, char **operand, int n, size_t n_ahead, struct err *e)
{
	if (o.stdin_as) {
		struct read_job job = { .kind = READ_STDIN, .path = o.stdin_as, .doc = o.stdin_as };
		return one_job(r, &job, e);
	}
	if (o.jsonl)
		return json_files(r, operand, n, n_ahead, e);
	if (n == 0 || (n == 1 && strcmp(operand[0], "-") == 0))
		return paths_stdin(r, e);
	return window_run(r, operand, (size_t)n, e);
}

static int finish(struct run *r, int n_operand, int rc, struct err *e)
{
	struct docout_count n = r->out ? *docout_counts(r->out) : (struct docout_count){0};
	if (rc == 0 && r->stop)
		rc = rec_flush(r->w, e);	/* the last record says at which */
	bool stopped = rc == 0 && r->stop;
	if (stopped)
		rc = err_set(e, r->last, ERR_NO_OFFSET, "stopped at a document that cannot be read");
	if (rc == 0)
		rc = docout_stat(r->out, e);
	docwork_close(r->work);
	docout_free(r->out);
	known_close(&r->known);
	buf_release(&r->taken);
	buf_release(&r->before);
	if (rc == 0)
		rc = rec_writer_close(r->w, e);
	else
		rec_writer_abort(r->w);
	if (rc < 0)
		return stopped ? (err_report(TOOL, e), EXIT_DATA) : err_report(TOOL, e);
	if (o.verbose)
		fprintf(stderr, "%s: %llu documents, %llu chunks, %llu tokens, %llu aliases, %llu in other languages skipped, "
			"%llu not read\n", err_tool(TOOL), (unsigned long long)n.n_doc, (unsigned long long)n.n_chunk,
			(unsigned long long)n.n_tok, (unsigned long long)n.n_alias, (unsigned long long)n.n_skipped,
			(unsigned long long)n.n_error);
	if (n.n_error == 0)
		return EXIT_DONE;
	bool alone = n_operand == 1 && n.n_error == 1;
	return alone && (r->last == ERR_NOENT || r->last == ERR_PERM) ? err_exit(r->last) : EXIT_PARTLY;
}

int main(int argc, char **argv)
{
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv), n = argc - first;
	if (o.stdin_as && (n > 0 || o.jsonl))
		return opt_misuse(&prog, "--stdin-as takes no files");
	if (o.stdin_as && !utf8_valid(o.stdin_as, strlen(o.stdin_as), NULL))
		return opt_misuse(&prog, "the name '%s' is not UTF-8", o.stdin_as);
	struct err e = {0};
	struct filter filter[sizeof o.filters.item / sizeof *o.filters.item];
	struct read_opts ro = { .limit = (size_t)o.limit, .mandoc = "mandoc", .filter = filter, .tomb = o.tomb, .note = o.known != NULL };
	struct run r = { .roots = &ro.roots };
	int rc = filters(filter, &ro.n_filter, &e);
	if (rc < 0) {
		filters_free(filter, ro.n_filter);
		return opt_misuse(&prog, "%s", e.msg);
	}
	if (o.own_reader || !on_path("mandoc")) {
		if (!o.own_reader)
			err_warn(TOOL, "'mandoc' is not installed; manual pages are read in a simpler way");
		ro.mandoc = NULL;
	}
	rc = roots_open(&ro.roots, o.roots, &e);
	if (rc == 0 && o.known)
		rc = known_open(&r.known, o.known, &e);
	if (rc < 0)
		return err_report(TOOL, &e);
	struct tok *tok = tokenizer();
	ro.tok = tok;
	int n_thread = o.threads > 0 ? (int)o.threads : pool_processors();
	size_t n_ahead = AHEAD_PER_THREAD * (size_t)n_thread;
	rc = rec_writer_open(&r.w, 1, TOOL, NULL, &e);
	if (rc < 0)
		return err_report(TOOL, &e);
	if (o.json)
		rec_writer_json(r.w, true);
	r.out = docout_new(r.w);
	if (!r.out)
		rc = err_memory(&e);
	if (rc == 0)
		rc = docwork_open(&r.work, &ro, n_thread, n_ahead, &e);
	if (rc == 0)
		rc = read_all(&r, argv + first, n, n_ahead, &e);
	rc = finish(&r, n, rc, &e);
	filters_free(filter, ro.n_filter);
	roots_close(&ro.roots);
	tok_close(tok);
	return rc;
}
