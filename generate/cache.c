/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-cache: the prefix store seen from outside.
 *
 *	list	models, blocks, bytes, hits			verify	every block against its checksum
 *	prune	down to --max MIB				clear	everything
 *	forget	state that chunks (ids on stdin) had a part in	warm	state of the best sources of queries (records on stdin)
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/ask.h"
#include "generate/block.h"
#include "generate/reuse.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/model/find.h"

#define TOOL "tt-cache"

static struct {
	const char *model, *dir;
	long threads, max_mib, ctx;
	bool verbose;
} o = { .model = "qwen2.5-coder-1.5b", .max_mib = 2048, .ctx = 4096 };

static const struct opt opts[] = {
	{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME", .help = "warm: model file or catalogue name", .env = "TT_MODEL" },
	{ .letter = 'c', .name = "context", .type = OPT_INT, .value = &o.ctx, .arg = "N", .help = "warm: tokens of context", .min = 64, .max = 1 << 20 },
	{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N", .help = "warm: threads; 0 = all processors", .min = 0, .max = 256, .env = "TT_THREADS" },
	{ .letter = 'v', .name = "verbose", .type = OPT_FLAG, .value = &o.verbose, .help = "name every block" },
	{ .name = "max", .type = OPT_INT, .value = &o.max_mib, .arg = "MIB", .help = "size that the store may reach", .min = 0, .max = 1 << 24, .env = "TT_PREFIX_MIB" },
	{ .name = "prefix-dir", .type = OPT_STR, .value = &o.dir, .arg = "DIR", .help = "where prompt state is stored", .env = "TT_PREFIX_DIR" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "list|verify|prune|clear|forget|warm", "look after stored prompt state", opts };

/* ---- walking the store ---- */

struct totals { size_t n_block, n_bad, n_gone; uint64_t bytes, hits; };
struct walk {
	/* What to do with a block: 1 removes it. `b` is NULL when it cannot be believed, and then `why` says so. */
	int (*each)(struct walk *w, const char *path, const struct block *b, const struct err *why);
	int deep;			/* compute payload checksums */
	struct totals t;
	uint8_t (*id)[HASH_ID_LEN];	/* forget: ids, sorted */
	size_t n_id;
};

static int is_hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdef") == n;
}

static void walk_block(struct walk *w, const char *path)
{
	struct block b;
	struct err why = {0};
	struct stat st;
	int r = block_open(&b, path, w->deep, &why);
	if (r == ERR_NOENT)
		return;			/* evicted under our eyes */
	w->t.n_block++;
	w->t.n_bad += r != 0;
	if (!r) {
		w->t.bytes += b.map.len;
		w->t.hits += b.hits;
	} else if (!stat(path, &st)) {
		w->t.bytes += (uint64_t)st.st_size;
	}
	if (w->each && w->each(w, path, r ? NULL : &b, &why) && !unlink(path))
		w->t.n_gone++;
	if (!r)
		block_close(&b);
}

static int walk_model(struct walk *w, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *x;
	struct buf path = {0};
	while (d && (x = readdir(d))) {
		size_t n = strlen(x->d_name);
		if (n != 2 * HASH_ID_LEN + 3 || !is_hex(x->d_name, 2 * HASH_ID_LEN) || strcmp(x->d_name + n - 3, ".kv"))
			continue;
		buf_clear(&path);
		if (!buf_printf(&path, "%s/%s", dir, x->d_name))
			walk_block(w, path.data);
	}
	if (d)
		closedir(d);
	buf_release(&path);
	return 0;
}

static int store_dir(struct buf *dir, struct err *e)
{
	if (!o.dir)
		return io_dir(dir, IO_DIR_CACHE, "prefix", e);
	return buf_puts(dir, o.dir) ? err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory") : 0;
}

/* Calls walk_model for every model of the store; prints a line a model if `show`. A store that isn't there is an empty one. */
static int walk_store(struct walk *w, bool show, struct err *e)
{
	struct buf root = {0}, dir = {0};
	int r = store_dir(&root, e);
	DIR *d = r ? NULL : opendir(root.data);
	struct dirent *x;
	while (d && (x = readdir(d))) {
		if (strlen(x->d_name) != 2 * HASH_ID_LEN || !is_hex(x->d_name, 2 * HASH_ID_LEN))
			continue;
		struct totals before = w->t;
		buf_clear(&dir);
		if (buf_printf(&dir, "%s/%s", root.data, x->d_name))
			break;
		walk_model(w, dir.data);
		if (show)
			printf("%s\t%zu blocks\t%.1f MiB\t%llu hits\n", x->d_name, w->t.n_block - before.n_block,
			       (double)(w->t.bytes - before.bytes) / 1048576, (unsigned long long)(w->t.hits - before.hits));
	}
	if (d)
		closedir(d);
	buf_release(&root);
	buf_release(&dir);
	return r;
}

/* ---- commands ---- */

static int show_block(struct walk *w, const char *path, const struct block *b, const struct err *why)
{
	(void)w;
	(void)why;
	if (o.verbose && b)
		printf("  %s\t%u hits\t%u sources\n", path, b->hits, b->n_origin);
	return 0;
}

static int report_bad(struct walk *w, const char *path, const struct block *b, const struct err *why)
{
	(void)w;
	(void)path;
	if (!b)
		err_report(TOOL, why);
	return 0;
}

static int take_all(struct walk *w, const char *path, const struct block *b, const struct err *why)
{
	(void)w;
	(void)path;
	(void)b;
	(void)why;
	return 1;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, HASH_ID_LEN);
}

/* Damaged blocks go too: nobody can tell what they hold. */
static int is_forgotten(struct walk *w, const char *path, const struct block *b, const struct err *why)
{
	(void)path;
	(void)why;
	for (uint32_t i = 0; b && i < b->n_origin; i++)
		if (bsearch(b->origin + (size_t)i * HASH_ID_LEN, w->id, w->n_id, HASH_ID_LEN, by_id))
			return 1;
	return b == NULL;
}

/* Reads chunk ids, 32 hexadecimal digits a line. */
static int read_ids(struct walk *w, struct err *e)
{
	struct buf in = {0};
	size_t cap = 0;
	int r = io_read_fd(&in, 0, "stdin", (size_t)256 << 20, e);
	for (char *at = in.data; !r && at && *at;) {
		size_t n = strcspn(at, "\n");
		struct ask_str hex = { at, n };
		if (w->n_id == cap) {
			cap = cap ? cap * 2 : 256;
			void *p = realloc(w->id, cap * sizeof *w->id);
			if (!p) {
				r = err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
				break;
			}
			w->id = p;
		}
		if (!reuse_parse_id(hex, w->id[w->n_id]))
			r = err_set(e, ERR_FORMAT, (uint64_t)(at - in.data), "not a chunk id: '%.*s'", (int)(n < 64 ? n : 64), at);
		else
			w->n_id++;
		at += n + (at[n] == '\n');
	}
	buf_release(&in);
	if (!r && w->n_id)
		qsort(w->id, w->n_id, sizeof *w->id, by_id);
	return r;
}

static int prune(struct err *e)
{
	struct buf dir = {0};
	int r = store_dir(&dir, e);
	if (!r)
		prefix_evict(dir.data, (uint64_t)o.max_mib << 20);
	buf_release(&dir);
	return r;
}

/* Evaluates instructions and best source of one query, if that is not stored yet. */
static int warm_one(struct reuse *reuse, const struct model *m, struct session *s, const struct ask *q, struct err *e)
{
	struct prompt p;
	if (!ask_is_answerable(q))
		return 0;
	int r = prompt_build(&p, &prompt_styles[0], NULL, 0, q, m->template, m->tok, session_ctx(s), e);
	if (r)
		return r;
	size_t n = p.n_best < p.chat.ids.len ? p.n_best : p.chat.ids.len;
	p.chat.ids.len = n;
	p.n_source = p.n_source ? 1 : 0;
	if (n > 1) {
		reuse_load(reuse, s, &p);
		uint64_t t0 = io_now_ns();
		r = session_sync(s, p.chat.ids.id, n, e);
		if (!r)
			reuse_keep(reuse, s, &p, (double)(io_now_ns() - t0) / 1e6);
		if (o.verbose)
			fprintf(stderr, "%s: %.*s: %zu tokens, %zu were stored\n", TOOL, (int)q->id.n, q->id.s, n, reuse->n_loaded);
	}
	prompt_release(&p);
	return r;
}

static int warm_all(struct reuse *reuse, const struct model *m, struct session *s, size_t *n, struct err *e)
{
	struct rec_reader *in = NULL;
	struct ask q = {0};
	struct rec rec;
	bool open = false;
	int got = 0, r = rec_reader_open(&in, 0, "stdin", e);
	while (!r && (got = rec_read(in, &rec, e)) > 0) {
		bool is_query = rec_is(&rec, "query");
		if (is_query && open)
			r = warm_one(reuse, m, s, &q, e);
		if (!r && is_query) {
			open = !ask_start(&q, &rec, e);
			*n += open;
		} else if (!r && open && rec_is(&rec, "hit")) {
			ask_add(&q, &rec, NULL);
		}
	}
	r = r ? r : got;
	if (!r && open)
		r = warm_one(reuse, m, s, &q, e);
	ask_release(&q);
	rec_reader_close(in);
	return r;
}

static void warn(const char *msg)
{
	err_warn(TOOL, "%s", msg);
}

static int warm(struct err *e)
{
	struct buf path = {0};
	struct pool *pool = NULL;
	struct model *m = NULL;
	struct session *s = NULL;
	struct reuse reuse = {0};
	size_t n = 0;
	const struct kern *kern = kern_select(getenv("TT_CPU"), e);
	int r = kern ? pool_open(&pool, (int)o.threads, e) : e->code;
	r = r ? r : model_find(&path, o.model, getenv("TT_MODELS"), e);
	r = r ? r : model_open(&m, path.data, kern, &(struct pack_maker){ .pool = pool }, e);
	r = r ? r : session_open(&s, m, pool, (size_t)o.ctx < m->arch.n_ctx ? (size_t)o.ctx : m->arch.n_ctx, e);
	r = r ? r : reuse_open(&reuse, m, o.dir, (uint64_t)o.max_mib << 20, e);
	reuse.warn = warn;
	r = r ? r : warm_all(&reuse, m, s, &n, e);
	if (!r)
		printf("%zu queries\n", n);
	reuse_close(&reuse);
	session_close(s);
	model_close(m);
	pool_close(pool);
	buf_release(&path);
	return r;
}

static int command(const char *name, int *status, struct err *e)
{
	struct walk w = {0};
	int r;
	if (!strcmp(name, "warm"))
		return warm(e);
	if (!strcmp(name, "prune"))
		return prune(e);
	if (!strcmp(name, "list")) {
		w.each = show_block;
	} else if (!strcmp(name, "verify")) {
		w.each = report_bad;
		w.deep = 1;
	} else if (!strcmp(name, "clear")) {
		w.each = take_all;
	} else if (!strcmp(name, "forget")) {
		w.each = is_forgotten;
	} else {
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "no command '%s'", name);
	}
	r = !strcmp(name, "forget") ? read_ids(&w, e) : 0;
	r = r ? r : walk_store(&w, !strcmp(name, "list"), e);
	free(w.id);
	if (r)
		return r;
	if (!strcmp(name, "clear") || !strcmp(name, "forget"))
		printf("%zu of %zu blocks removed\n", w.t.n_gone, w.t.n_block);
	else
		printf("%zu blocks, %.1f MiB, %llu hits, %zu damaged\n", w.t.n_block, (double)w.t.bytes / 1048576,
		       (unsigned long long)w.t.hits, w.t.n_bad);
	*status = !strcmp(name, "verify") && w.t.n_bad ? EXIT_NOTHING : EXIT_DONE;
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv), status = EXIT_DONE;
	if (argc - first != 1)
		return opt_misuse(&prog, "one command is expected");
	int r = command(argv[first], &status, &e);
	if (!r && (fflush(stdout) || ferror(stdout)))
		r = err_sys(&e, ERR_IO, "cannot write standard output");
	return r ? err_report(TOOL, &e) : status;
}
