/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix: the chain of ids, loading, storing and eviction. The file format is block.c's. See prefix.h.
 *
 * Eviction takes the blocks of least worth, worth = cost * (1 + hits) / bytes / age, the idea of GDSF (Cherkasova 1998) as
 * RAGCache (arXiv 2404.12457, section 5.1) applies it to prefixes: a block that took long to compute and was used often
 * goes last. A block whose parent went is dead weight and soon the oldest; it needs no rule of its own.
 */
#include "generate/prefix.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "generate/block.h"
#include "generate/session.h"
#include "lib/base/buf.h"
#include "lib/base/io.h"

struct prefix {
	char *root;		/* <dir> */
	char *dir;		/* <dir>/<model hex> */
	uint8_t model[HASH_ID_LEN];
	uint64_t max_bytes;
	size_t n_damaged;
	struct buf path;	/* scratch */
};

int prefix_open(struct prefix **out, const char *dir, const uint8_t model[HASH_ID_LEN], uint64_t max_bytes, struct err *e)
{
	struct prefix *p = calloc(1, sizeof *p);
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(model, HASH_ID_LEN, hex);
	if (p)
		p->root = strdup(dir);
	if (!p || !p->root || asprintf(&p->dir, "%s/%s", dir, hex) < 0) {
		free(p ? p->root : NULL);
		free(p);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	}
	memcpy(p->model, model, HASH_ID_LEN);
	p->max_bytes = max_bytes;
	*out = p;
	return 0;
}

void prefix_close(struct prefix *p)
{
	if (!p)
		return;
	buf_release(&p->path);
	free(p->root);
	free(p->dir);
	free(p);
}

size_t prefix_damaged(const struct prefix *p)
{
	return p->n_damaged;
}

/* The id of the block tok[0..32) behind `parent` (NULL for the first). */
static void block_id(const struct prefix *p, const uint8_t *parent, const int32_t *tok, uint8_t id[HASH_ID_LEN])
{
	const uint8_t version = BLOCK_VERSION;
	const struct hash_part part[] = {
		{ p->model, HASH_ID_LEN }, { &version, 1 }, { parent, parent ? HASH_ID_LEN : 0 },
		{ tok, SESSION_BLOCK * sizeof *tok },
	};
	hash_id_parts(part, sizeof part / sizeof *part, id);
}

static const char *block_path(struct prefix *p, const uint8_t id[HASH_ID_LEN])
{
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(id, HASH_ID_LEN, hex);
	buf_clear(&p->path);
	buf_printf(&p->path, "%s/%s.kv", p->dir, hex);
	return p->path.failed ? NULL : p->path.data;
}

/* 1 if the block was loaded into the session, 0 if it is not there or not to be believed, < 0 on ERR_MEM. */
static int load_one(struct prefix *p, struct session *s, size_t i, const int32_t *tok, const uint8_t id[HASH_ID_LEN],
		    const uint8_t *parent, struct err *e)
{
	static const uint8_t none[HASH_ID_LEN];
	const char *path = block_path(p, id);
	struct block b;
	if (!path)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	int r = block_open(&b, path, 1, NULL);
	if (r == ERR_CHECKSUM || r == ERR_FORMAT || r == ERR_VERSION) {
		unlink(path);
		p->n_damaged++;
	}
	if (r)
		return 0;
	int same = !memcmp(b.id, id, HASH_ID_LEN) && !memcmp(b.parent, parent ? parent : none, HASH_ID_LEN) &&
		   !memcmp(b.model, p->model, HASH_ID_LEN) && b.n_tok == SESSION_BLOCK &&
		   !memcmp(b.tok, tok, SESSION_BLOCK * sizeof *tok) && b.payload_len == session_block_len(s);
	if (!same) {
		unlink(path);
		p->n_damaged++;
	} else {
		r = session_block_load(s, i, tok, b.payload, e);
		if (!r)
			block_touch(&b, path);
	}
	block_close(&b);
	return same ? (r ? r : 1) : 0;
}

static size_t common_prefix(const struct session *s, const int32_t *tok, size_t n)
{
	size_t k = 0, len = session_len(s);
	const int32_t *have = session_tokens(s);
	while (k < len && k < n && have[k] == tok[k])
		k++;
	return k;
}

int prefix_load(struct prefix *p, struct session *s, const int32_t *tok, size_t n, size_t *n_loaded, struct err *e)
{
	uint8_t id[2][HASH_ID_LEN];
	size_t have = common_prefix(s, tok, n), n_block = n ? (n - 1) / SESSION_BLOCK : 0;
	*n_loaded = 0;
	for (size_t i = 0; i < n_block; i++) {
		uint8_t *parent = i ? id[(i + 1) & 1] : NULL;
		block_id(p, parent, tok + i * SESSION_BLOCK, id[i & 1]);
		if ((i + 1) * SESSION_BLOCK <= have)
			continue;
		size_t was = session_len(s);
		if (i == have / SESSION_BLOCK && was > i * SESSION_BLOCK) {
			/* Part of this block is in memory; give it up only for a stored whole. */
			const char *path = block_path(p, id[i & 1]);
			if (!path || access(path, R_OK))
				break;
			session_rewind(s, i * SESSION_BLOCK);
		}
		int got = load_one(p, s, i, tok + i * SESSION_BLOCK, id[i & 1], parent, e);
		if (got < 0)
			return got;
		if (!got)
			break;
		*n_loaded += SESSION_BLOCK;
	}
	return 0;
}

/* ---- eviction ---- */

struct candidate { char path[80]; double worth; uint64_t bytes; };	/* "<model>/<id>.kv" below the root */

static int by_worth(const void *a, const void *b)
{
	double x = ((const struct candidate *)a)->worth, y = ((const struct candidate *)b)->worth;
	return (x > y) - (x < y);
}

struct survey { struct candidate *item; size_t n, cap; uint64_t bytes; };

/* Whether a name begins with an id in hexadecimal. Whatever else lies in the directory is not ours to remove. */
static int begins_with_id(const char *name)
{
	return strspn(name, "0123456789abcdef") == 2 * HASH_ID_LEN;
}

/* Whether a name is a block's, or that of one being written. */
static int is_block_name(const char *name)
{
	const char *end = name + 2 * HASH_ID_LEN;
	return begins_with_id(name) && (!strcmp(end, ".kv") || !strncmp(end, ".kv.tmp.", 8));
}

/* Adds one model's blocks. Aside files of writers long dead are removed. */
static void survey_model(struct survey *v, int root, const char *model)
{
	int fd = openat(root, model, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	time_t now = time(NULL);
	struct dirent *x;
	while (d && (x = readdir(d))) {
		struct stat st;
		struct candidate c = {0};
		if (!is_block_name(x->d_name) || fstatat(fd, x->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		time_t age = now > st.st_mtime ? now - st.st_mtime : 0;
		if (strstr(x->d_name, ".tmp.")) {
			if (age > 3600)
				unlinkat(fd, x->d_name, 0);
			continue;
		}
		int len = snprintf(c.path, sizeof c.path, "%s/%s", model, x->d_name);
		if (len < 0 || (size_t)len >= sizeof c.path)
			continue;	/* not a name of ours */
		if (v->n == v->cap) {
			size_t cap = v->cap ? v->cap * 2 : 256;
			struct candidate *grown = realloc(v->item, cap * sizeof *grown);
			if (!grown)
				break;
			v->item = grown;
			v->cap = cap;
		}
		c.bytes = (uint64_t)st.st_size;
		c.worth = (double)age;		/* turned into a worth by evict, if it comes to that */
		v->item[v->n++] = c;
		v->bytes += c.bytes;
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

void prefix_evict(const char *dir, uint64_t max_bytes)
{
	struct survey v = {0};
	struct buf path = {0};
	DIR *root = opendir(dir);
	struct dirent *x;
	while (root && (x = readdir(root)))
		if (begins_with_id(x->d_name) && !x->d_name[2 * HASH_ID_LEN])
			survey_model(&v, dirfd(root), x->d_name);
	for (size_t i = 0; v.bytes > max_bytes && i < v.n; i++) {
		struct block b;
		double age = v.item[i].worth;
		buf_clear(&path);
		buf_printf(&path, "%s/%s", dir, v.item[i].path);
		v.item[i].worth = 0;
		if (path.failed || block_open(&b, path.data, 0, NULL))
			continue;
		v.item[i].worth = (double)b.cost_ns * (1.0 + b.hits) / (double)v.item[i].bytes / (age + 60.0);
		block_close(&b);
	}
	if (v.bytes > max_bytes)
		qsort(v.item, v.n, sizeof *v.item, by_worth);
	/* Down to 90 %, so that not every answer evicts. */
	for (size_t i = 0, on = v.bytes > max_bytes; on && i < v.n && v.bytes > max_bytes / 10 * 9; i++)
		if (!unlinkat(dirfd(root), v.item[i].path, 0))
			v.bytes -= v.item[i].bytes;
	if (root)
		closedir(root);
	free(v.item);
	buf_release(&path);
}

/* A block that is there counts as stored; where one was found damaged, others may be, and each is looked at. */
static int is_stored(const struct prefix *p, const char *path)
{
	struct block b;
	if (access(path, F_OK))
		return 0;
	if (p->n_damaged && block_open(&b, path, 1, NULL))
		return 0;
	if (p->n_damaged)
		block_close(&b);
	return 1;
}

int prefix_save(struct prefix *p, struct session *s, size_t n, const struct prefix_origin *origin, size_t n_origin,
		uint64_t ns_per_token, struct err *e)
{
	if (!p->max_bytes || n < SESSION_BLOCK)
		return 0;
	int r = io_mkdirs(p->dir, e), wrote = 0;
	void *payload = r ? NULL : malloc(session_block_len(s));
	if (!r && !payload)
		r = err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	uint8_t id[2][HASH_ID_LEN], from[PREFIX_MAX_ORIGIN][HASH_ID_LEN];
	const int32_t *tok = session_tokens(s);
	for (size_t i = 0; !r && i < n / SESSION_BLOCK; i++) {
		struct block b = { .n_tok = SESSION_BLOCK, .tok = tok + i * SESSION_BLOCK, .origin = from[0],
				   .payload = payload, .payload_len = session_block_len(s),
				   .cost_ns = ns_per_token * SESSION_BLOCK };
		block_id(p, i ? id[(i + 1) & 1] : NULL, b.tok, id[i & 1]);
		const char *path = block_path(p, id[i & 1]);
		if (!path || is_stored(p, path))
			continue;
		memcpy(b.id, id[i & 1], HASH_ID_LEN);
		if (i)
			memcpy(b.parent, id[(i + 1) & 1], HASH_ID_LEN);
		memcpy(b.model, p->model, HASH_ID_LEN);
		for (size_t k = 0; k < n_origin && b.n_origin < PREFIX_MAX_ORIGIN; k++)
			if (origin[k].from < (i + 1) * SESSION_BLOCK)
				memcpy(from[b.n_origin++], origin[k].id, HASH_ID_LEN);
		session_block_save(s, i, payload);
		r = block_write(&b, path, e);
		wrote = 1;
	}
	free(payload);
	if (wrote)
		prefix_evict(p->root, p->max_bytes);
	return r;
}
