/* SPDX-License-Identifier: Apache-2.0
 *
 * evict: a look at every file, and, only if they are too many, into every header. See evict.h.
 *
 *	survey (names, sizes, ages) -> look (cost, hits, parent) -> raise parents, deepest first -> sort by worth -> unlink
 */
#include "generate/evict.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "generate/block.h"
#include "lib/base/grow.h"
#include "lib/base/io.h"

#define ASIDE_MAX_S 3600	/* a writer takes milliseconds */
#define AHEAD_MAX_S 86400
#define YOUNG_S 60		/* ages below this count the same */

struct candidate {
	char path[80];		/* "<model>/<id>.kv" below the root */
	uint8_t id[HASH_ID_LEN], parent[HASH_ID_LEN];
	uint64_t bytes, n_before;
	double age, worth;
	bool is_spared;
};

struct survey { struct candidate *item; size_t n, cap; uint64_t bytes; time_t spare; };

/* In seconds. A time that is soon to come is young: the clock was set back. Any other is of a clock that went wrong, and would stay young
 * for years: it is as old as it is far from now. */
static double age_of(const struct stat *st, time_t now)
{
	double age = difftime(now, st->st_mtime);
	return age < -AHEAD_MAX_S ? -age : fmax(age, 0);
}

/* False when memory is out. */
static bool add(struct survey *v, const char *model, const char *name, const struct stat *st, time_t now)
{
	struct candidate *grown = grow(v->item, v->n, &v->cap, sizeof *grown);
	if (!grown)
		return false;
	v->item = grown;
	struct candidate *c = &v->item[v->n++];
	*c = (struct candidate){ .bytes = (uint64_t)st->st_size, .age = age_of(st, now) };
	c->is_spared = st->st_mtime >= v->spare && st->st_mtime - now <= AHEAD_MAX_S;
	block_name_id(name, c->id);
	snprintf(c->path, sizeof c->path, "%.32s/%.39s", model, name);
	v->bytes += c->bytes;
	return true;
}

/* Adds the folder of a model, at `path`; what is not a folder in the store itself is none. One of another user is passed over: no block of
 * another model hangs on what is in it. */
static int survey_model(struct survey *v, const char *path, const char *model, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	time_t now = time(NULL);
	const char *name;
	if (!d && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES)
		r = err_sys(e, ERR_IO, "cannot read '%s'", path);
	while ((name = io_next_name(d, path, &r, e))) {
		struct stat st;
		bool aside = block_is_aside_name(name);
		if ((!aside && !block_is_name(name)) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (!aside && !add(v, model, name, &st, now))
			r = err_memory(e);
		if (aside && age_of(&st, now) > ASIDE_MAX_S)
			unlinkat(fd, name, 0);
		else if (aside)
			v->bytes += (uint64_t)st.st_size;
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return r;
}

static int survey_store(struct survey *v, DIR *root, const char *dir, struct err *e)
{
	struct buf path = { 0 };
	const char *name;
	int r = 0;
	while ((name = io_next_name(root, dir, &r, e))) {
		if (!block_is_model_name(name))
			continue;
		buf_clear(&path);
		r = buf_printf(&path, "%s/%s", dir, name) ? err_memory(e) : survey_model(v, path.data, name, e);
	}
	buf_release(&path);
	return r;
}

/* A block that can't be read is worth nothing, one to be spared more than any other. */
static int look(struct candidate *c, const char *dir, struct buf *path, struct err *e)
{
	struct block b;
	buf_clear(path);
	int r = buf_printf(path, "%s/%s", dir, c->path) ? ERR_MEM : block_open(&b, path->data, NULL);
	if (r)
		return r == ERR_MEM ? err_memory(e) : 0;
	c->worth = c->is_spared ? INFINITY : (double)b.cost_ns * (double)block_uses(&b) / (double)c->bytes / (c->age + YOUNG_S);
	c->n_before = b.n_before;
	memcpy(c->parent, b.parent, HASH_ID_LEN);
	block_close(&b);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct candidate *)a)->id, ((const struct candidate *)b)->id, HASH_ID_LEN);
}

/* Shallow first. */
static int by_depth(const void *a, const void *b)
{
	const struct candidate *x = *(struct candidate *const *)a, *y = *(struct candidate *const *)b;
	return (x->n_before > y->n_before) - (x->n_before < y->n_before);
}

/* Least worth first; of equals the deepest. */
static int by_worth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->worth != y->worth)
		return x->worth < y->worth ? -1 : 1;
	return (x->n_before < y->n_before) - (x->n_before > y->n_before);
}

static int heed_parents(struct survey *v, struct err *e)
{
	qsort(v->item, v->n, sizeof *v->item, by_id);
	struct candidate **order = malloc((v->n + 1) * sizeof *order), **parent = malloc((v->n + 1) * sizeof *parent);
	bool ok = order && parent;
	for (size_t i = 0; ok && i < v->n; i++)
		order[i] = &v->item[i];
	if (ok) {
		qsort(order, v->n, sizeof *order, by_depth);
		for (size_t i = 0; i < v->n; i++) {	/* downwards: nothing is worth anything behind a gap */
			struct candidate key;
			memcpy(key.id, order[i]->parent, HASH_ID_LEN);
			parent[i] = order[i]->n_before ? bsearch(&key, v->item, v->n, sizeof *v->item, by_id) : NULL;
			if (order[i]->n_before && (!parent[i] || parent[i]->worth <= 0))
				order[i]->worth = 0;
		}
		for (size_t i = v->n; i-- > 0;)		/* upwards */
			if (parent[i] && parent[i]->worth < order[i]->worth)
				parent[i]->worth = order[i]->worth;
	}
	free(order);
	free(parent);
	return ok ? 0 : err_memory(e);
}

static int rank(struct survey *v, const char *dir, struct err *e)
{
	struct buf path = { 0 };
	int r = 0;
	for (size_t i = 0; !r && i < v->n; i++)
		r = look(&v->item[i], dir, &path, e);
	buf_release(&path);
	r = r ? r : heed_parents(v, e);
	if (!r)
		qsort(v->item, v->n, sizeof *v->item, by_worth);
	return r;
}

int evict(const char *dir, uint64_t max_bytes, uint64_t *left, struct err *e)
{
	return evict_before(dir, max_bytes, EVICT_SPARE_NONE, left, e);
}

int evict_before(const char *dir, uint64_t max_bytes, time_t spare, uint64_t *left, struct err *e)
{
	const uint64_t enough = max_bytes / 20 * 19;
	struct survey v = { .spare = spare };
	DIR *root = opendir(dir);
	int r = root || errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, errno == EACCES ? ERR_PERM : ERR_IO, "cannot read '%s'", dir);
	r = r ? r : survey_store(&v, root, dir, e);
	if (!r && v.n && v.bytes > max_bytes) {
		r = rank(&v, dir, e);
		for (size_t i = 0; !r && i < v.n && v.bytes > enough && v.item[i].worth < INFINITY; i++)
			if (!unlinkat(dirfd(root), v.item[i].path, 0) || errno == ENOENT)
				v.bytes -= v.item[i].bytes;
	}
	if (root)
		closedir(root);
	free(v.item);
	*left = v.bytes;
	return r;
}
