/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-pack: makes the pack of a model ahead of its first use, checks one, lists what is in it. (lib/model/pack.h tells what a pack is.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/model.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/base/utf8.h"
#include "lib/model/find.h"

#define TOOL "tt-pack"

static struct { long threads; bool verify, list; } o;

static const struct opt opts[] = {
	{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N",
		.help = "threads; 0 = all processors", .min = 0, .max = POOL_MAX_THREADS, .env = "TT_THREADS" },
	{ .letter = 'l', .name = "list", .type = OPT_FLAG, .value = &o.list, .help = "print a line for each section" },
	{ .name = "verify", .type = OPT_FLAG, .value = &o.verify, .help = "compare every section with its checksum" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "MODEL ...", "make, check and list packs of models", opts };

static void progress(void *arg, uint64_t done, uint64_t total)
{
	if (total)
		fprintf(stderr, "\r%s: packing '%s': %3u %%%s", err_tool(TOOL), (const char *)arg, (unsigned)(done * 100 / total),
			done == total ? "\n" : "");
}

static int list(const struct pack *p, struct err *e)
{
	static const char *const kind[] = { "", "part", "vector", "matrix" };
	struct buf name = {0};
	for (size_t i = 0; i < pack_n_sect(p) && !name.failed; i++) {
		const struct pack_sect *s = pack_sect(p, i);
		const struct quant_info *q = s->kind == PACK_PART ? NULL : quant_info(s->type);
		buf_clear(&name);
		if (!utf8_visible_field(&name, s->name, strlen(s->name)))	/* the model file's */
			printf("%s\t%s\t%s\t%u\t%u\t%llu\n", name.data, kind[s->kind], q ? q->name : "-", s->n_row, s->n_col,
			       (unsigned long long)s->len);
	}
	int r = name.failed ? err_memory(e) : 0;
	buf_release(&name);
	return r;
}

/* A damaged pack is removed: opening alone would never find out. */
static int verify(const char *model_path, const struct pack_maker *how, struct err *e)
{
	struct buf where = {0};
	struct pack *p;
	int r = pack_get(&p, model_path, how, e);
	r = r ? r : pack_path(&where, pack_id(p), e);
	if (!r && (r = pack_verify(p, e)))
		err_wrap(e, unlink(where.data) ? "cannot remove '%s'" : "removed '%s', which is made again at its next use", where.data);
	pack_close(p);
	buf_release(&where);
	return r;
}

static int one(const char *name, struct pool *pool, const struct kern *kern, struct err *e)
{
	struct buf path = {0}, where = {0};
	struct model *m = NULL;
	struct stat st;
	struct pack_maker how = { .fill = model_parts, .pool = pool, .progress = isatty(STDERR_FILENO) ? progress : NULL,
		.arg = (void *)(uintptr_t)name };
	int r = model_find(&path, name, getenv("TT_MODELS"), e);
	if (!r && !stat(path.data, &st) && S_ISDIR(st.st_mode))
		r = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s' is a folder, an embedder perhaps: tt-embed makes its pack at its first use",
			path.data);
	if (!r && o.verify)	/* before anything looks into it */
		r = verify(path.data, &how, e);
	r = r ? r : model_open(&m, path.data, kern, &how, e);
	r = r ? r : pack_path(&where, pack_id(m->pack), e);
	if (!r && o.list)
		r = list(m->pack, e);
	else if (!r)
		printf("%s\n", where.data);
	model_close(m);
	buf_release(&path);
	buf_release(&where);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct pool *pool = NULL;
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv);
	if (first == argc)
		return opt_misuse(&prog, "which model?");
	const struct kern *kern = kern_select(getenv("TT_CPU"), &e);
	int r = kern ? pool_open(&pool, (int)o.threads, &e) : e.code, status = EXIT_DONE;
	for (int i = first; !r && i < argc; i++)
		if (one(argv[i], pool, kern, &e)) {	/* the others are no worse for it */
			int now = err_report(TOOL, &e);
			status = status ? status : now;
		}
	pool_close(pool);
	r = r ? r : io_flush_stdout(&e);
	return r ? err_report(TOOL, &e) : status;
}
