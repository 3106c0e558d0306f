/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-cache: the prefix store seen from outside.
 *
 *	list	models, blocks, bytes, hits			verify	every block against its checksum
 *	prune	down to --max MIB				clear	everything
 *	forget	state that chunks (ids on stdin) had a part in	warm	sources of an index, or of records on stdin, ahead
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/evict.h"
#include "generate/prefix.h"
#include "generate/walk.h"
#include "generate/warm.h"
#include "lib/base/fault.h"
#include "lib/base/grow.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/model/find.h"

#define TOOL "tt-cache"

static struct {
	const char *model, *dir;
	long threads, max_mib, ctx, n_max;
	bool verbose;
} o = { .model = MODEL_GENERATOR, .max_mib = 2048, .ctx = 4096 };

static const struct opt opts[] = {
	{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME",
		.help = "warm: model file or catalogue name", .env = "TT_MODEL" },
	{ .letter = 'c', .name = "context", .type = OPT_INT, .value = &o.ctx, .arg = "N",
		.help = "warm: tokens of context", .min = 64, .max = 1 << 20 },
	{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N",
		.help = "warm: threads; 0 = all processors", .min = 0, .max = POOL_MAX_THREADS, .env = "TT_THREADS" },
	{ .letter = 'n', .name = "count", .type = OPT_INT, .value = &o.n_max, .arg = "N",
		.help = "warm: sources at most; 0 = all", .min = 0, .max = 1 << 30 },
	{ .letter = 'v', .name = "verbose", .type = OPT_FLAG, .value = &o.verbose, .help = "name every block" },
	{ .name = "max", .type = OPT_INT, .value = &o.max_mib, .arg = "MIB",
		.help = "size that the store may reach", .min = 0, .max = 1 << 24, .env = "TT_PREFIX_MIB" },
	{ .name = "prefix-dir", .type = OPT_STR, .value = &o.dir, .arg = "DIR", .help = "where prompt state is stored", .env = "TT_PREFIX_DIR" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "list|verify|prune|clear|forget|warm [INDEX]", "look after stored prompt state", opts };

/* ---- list, verify, clear, forget: a walk over the store ---- */

struct totals { size_t n_block, n_bad, n_gone, n_kept; uint64_t bytes, hits; };
struct visit {
	bool (*drop)(struct visit *v, const struct block *b);	/* whether a block goes; NULL: none does */
	bool verify, list;
	struct totals t;
	char model[80];			/* list: the model that `sub` is of */
	struct totals sub;
	uint8_t (*id)[HASH_ID_LEN];	/* forget: ids, sorted */
	size_t n_id;
	struct err *e;			/* of the command: what ends the walk */
};

static void show_model(struct visit *v)
{
	if (*v->model)
		printf("%s\t%zu blocks\t%.1f MiB\t%llu hits\n", v->model, v->sub.n_block, (double)v->sub.bytes / 1048576,
			(unsigned long long)v->sub.hits);
	v->sub = (struct totals){ 0 };
}

static void show_block(struct visit *v, const char *path, const struct block *b)
{
	const char *name = strrchr(path, '/');	/* ".../MODEL/BLOCK.kv" */
	const char *model = name - 2 * HASH_ID_LEN;
	if (strncmp(v->model, model, 2 * HASH_ID_LEN) != 0) {
		show_model(v);
		snprintf(v->model, sizeof v->model, "%.*s", 2 * HASH_ID_LEN, model);
	}
	v->sub.n_block++;
	v->sub.bytes += b ? b->file_len : 0;
	v->sub.hits += b ? b->hits : 0;
	if (o.verbose && b)
		printf("  %s\t%u tokens after %llu\t%u hits\t%u sources\n", path, b->n_tok, (unsigned long long)b->n_before, b->hits,
			b->n_origin);
}

/* Removes a file; says and counts it if it cannot be. */
static bool remove_file(struct visit *v, const char *path)
{
	struct err e;
	if (!unlink(path))
		return true;
	if (errno != ENOENT) {
		err_sys(&e, ERR_IO, "cannot remove '%s'", path);
		err_report(TOOL, &e);
		v->t.n_kept++;
	}
	return false;
}

static int visit_block(void *arg, const char *path, const struct block *b, const struct err *why)
{
	struct visit *v = arg;
	if (!why) {	/* half a block, of a writer that was killed or else does without; nobody can tell what it holds */
		if (v->drop)
			remove_file(v, path);
		return 0;
	}
	struct err e = *why;
	v->t.n_block++;
	if (b && v->verify && block_check(b, &e)) {
		if (e.code == ERR_MEM) {	/* that says nothing of the block */
			*v->e = e;
			return e.code;
		}
		err_wrap(&e, "'%s'", path);
		b = NULL;
	}
	if (!b && v->verify)
		err_report(TOOL, &e);
	v->t.n_bad += !b;
	v->t.bytes += b ? b->file_len : 0;
	v->t.hits += b ? b->hits : 0;
	if (v->list)
		show_block(v, path, b);
	if (v->drop && v->drop(v, b))
		v->t.n_gone += remove_file(v, path);
	return 0;
}

/* ---- commands ---- */

static bool drop_all(struct visit *v, const struct block *b)
{
	(void)v;
	(void)b;
	return true;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, HASH_ID_LEN);
}

/* Damaged blocks go too: nobody can tell what they hold. */
static bool drop_forgotten(struct visit *v, const struct block *b)
{
	for (uint32_t i = 0; b && i < b->n_origin; i++)
		if (bsearch(b->origin[i], v->id, v->n_id, HASH_ID_LEN, by_id))
			return true;
	return b == NULL;
}

/* Reads chunk ids, 32 hexadecimal digits a line. */
static int read_ids(struct visit *v, struct err *e)
{
	struct buf in = {0};
	size_t cap = 0;
	int r = io_read_fd(&in, 0, "stdin", (size_t)256 << 20, e);
	for (size_t at = 0; !r && at < in.len; at++) {
		const char *line = in.data + at, *nl = memchr(line, '\n', in.len - at);
		size_t n = nl ? (size_t)(nl - line) : in.len - at;
		struct ask_str hex = { line, n };
		void *p = grow(v->id, v->n_id, &cap, sizeof *v->id);
		if (!p) {
			r = err_memory(e);
			break;
		}
		v->id = p;
		if (!reuse_parse_id(hex, v->id[v->n_id]))
			r = err_set(e, ERR_FORMAT, at, "not a chunk id: '%.*s'", (int)(n < 64 ? n : 64), line);
		else
			v->n_id++;
		at += n;
	}
	buf_release(&in);
	if (!r && v->n_id)
		qsort(v->id, v->n_id, sizeof *v->id, by_id);
	return r;
}

static int prune(int *status, struct err *e)
{
	const uint64_t max = (uint64_t)o.max_mib << 20;
	struct visit v = {0};
	struct buf dir = {0};
	uint64_t left = 0;
	int r = prefix_dir(&dir, o.dir, e);
	r = r ? r : walk_store(dir.data, visit_block, &v, e);	/* evict passes over what may not be read */
	r = r ? r : evict(dir.data, max, &left, e);
	if (!r && left > max) {
		err_warn(TOOL, "'%s' still takes %.1f MiB: not every file could be removed", dir.data, (double)left / 1048576);
		*status = EXIT_PARTLY;
	}
	buf_release(&dir);
	return r;
}

static int look(const char *name, int *status, struct err *e)
{
	struct visit v = { .list = !strcmp(name, "list"), .verify = !strcmp(name, "verify"), .e = e };
	struct buf dir = {0};
	bool forget = !strcmp(name, "forget");
	v.drop = forget ? drop_forgotten : !strcmp(name, "clear") ? drop_all : NULL;
	int r = prefix_dir(&dir, o.dir, e);
	r = r ? r : forget ? read_ids(&v, e) : 0;
	if (!r && (!forget || v.n_id))
		r = walk_store(dir.data, visit_block, &v, e);
	buf_release(&dir);
	free(v.id);
	if (r)
		return r;
	if (v.list)
		show_model(&v);
	if (v.drop)
		printf("%zu of %zu blocks removed\n", v.t.n_gone, v.t.n_block);
	else
		printf("%zu blocks, %.1f MiB, %llu hits, %zu damaged\n", v.t.n_block, (double)v.t.bytes / 1048576,
			(unsigned long long)v.t.hits, v.t.n_bad);
	*status = v.t.n_kept ? EXIT_PARTLY : v.verify && v.t.n_bad ? EXIT_NOTHING : EXIT_DONE;
	return 0;
}

/* ---- warm ---- */

static void warn(const char *msg)
{
	err_warn(TOOL, "%s", msg);
}

static void progress(const struct warm *w)
{
	fprintf(stderr, "\r\033[K%s: %zu warmed, %zu were stored, %.0f MiB", err_tool(TOOL), w->n_warm, w->n_stored, (double)w->bytes / 1048576);
}

static int warm(const char *index, int *status, struct err *e)
{
	struct buf path = {0}, dir = {0};
	struct pool *pool = NULL;
	struct model *m = NULL;
	struct reuse reuse = {0};
	struct warm w = { .reuse = &reuse, .max_bytes = (uint64_t)o.max_mib << 20, .n_max = (size_t)o.n_max };
	struct session *s = NULL;
	const struct kern *kern = kern_select(getenv("TT_CPU"), e);
	int r = kern ? pool_open(&pool, (int)o.threads, e) : e->code;
	r = r ? r : model_find(&path, o.model, getenv("TT_MODELS"), e);
	r = r ? r : model_open(&m, path.data, kern, &(struct pack_maker){ .pool = pool }, e);
	r = r ? r : session_open(&s, m, pool, (size_t)o.ctx < m->arch.n_ctx ? (size_t)o.ctx : m->arch.n_ctx, e);
	r = r ? r : prefix_dir(&dir, o.dir, e);
	r = r ? r : reuse_open(&reuse, m, dir.data, w.max_bytes, e);
	if (!r) {
		bool watched = isatty(STDERR_FILENO);
		reuse.warn = warn;
		w.m = m;
		w.s = s;
		w.dir = dir.data;
		w.progress = watched ? progress : NULL;
		r = index ? warm_index(&w, index, e) : warm_records(&w, STDIN_FILENO, "stdin", e);
		if (watched)
			fputs("\r\033[K", stderr);
		printf("%zu warmed, %zu were stored\n", w.n_warm, w.n_stored);
		if (w.n_bad) {
			err_warn(TOOL, "%zu records could not be used", w.n_bad);
			*status = EXIT_PARTLY;
		}
	}
	warm_release(&w);
	reuse_close(&reuse);
	session_close(s);
	model_close(m);
	pool_close(pool);
	buf_release(&path);
	buf_release(&dir);
	return r;
}

static int command(const char *name, const char *operand, int *status, struct err *e)
{
	if (!strcmp(name, "warm"))
		return warm(operand, status, e);
	if (!strcmp(name, "prune"))
		return prune(status, e);
	if (!strcmp(name, "list") || !strcmp(name, "verify") || !strcmp(name, "clear") || !strcmp(name, "forget"))
		return look(name, status, e);
	return err_set(e, ERR_ARG, ERR_NO_OFFSET, "no command '%s'", name);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv), status = EXIT_DONE;
	if (argc - first < 1 || argc - first > (strcmp(argv[first], "warm") ? 1 : 2))
		return opt_misuse(&prog, "one command is expected, and an index at most behind 'warm'");
	int r = command(argv[first], argc - first > 1 ? argv[first + 1] : NULL, &status, &e);
	r = r ? r : io_flush_stdout(&e);
	return r ? err_report(TOOL, &e) : status;
}
