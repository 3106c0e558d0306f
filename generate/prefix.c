/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix: the chain of ids, loading and storing. The file format is block.c's, eviction evict.c's. See prefix.h.
 */
#include "generate/prefix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/block.h"
#include "generate/evict.h"
#include "generate/session.h"
#include "lib/base/buf.h"
#include "lib/base/io.h"

_Static_assert(BLOCK_MAX_TOK == SESSION_BLOCK && BLOCK_MAX_ORIGIN == PREFIX_MAX_ORIGIN, "a block holds them");

struct prefix {
	char *root;		/* <dir> */
	char *dir;		/* <dir>/<model hex> */
	uint8_t model[HASH_ID_LEN];
	uint64_t max_bytes;
	time_t spare;		/* what was written or used since stays */
	struct buf damaged;	/* name of the first block that was found so */
	struct buf path;	/* scratch */
	struct buf hit;		/* ids of the blocks loaded and not yet counted */
};

/* A place in the chain: the blocks up to token `at`, the last of which has `id`. */
struct link { size_t at; uint8_t id[HASH_ID_LEN]; };

int prefix_dir(struct buf *out, const char *dir, struct err *e)
{
	if (!dir)
		return io_dir(out, IO_DIR_CACHE, "prefix", e);
	if (!*dir)	/* blocks would go to the root of the file system */
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "empty name of the directory of stored state");
	return buf_puts(out, dir) ? err_memory(e) : 0;
}

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
		return err_memory(e);
	}
	memcpy(p->model, model, HASH_ID_LEN);
	p->max_bytes = max_bytes;
	p->spare = EVICT_SPARE_NONE;
	*out = p;
	return 0;
}

void prefix_close(struct prefix *p)
{
	if (!p)
		return;
	buf_release(&p->damaged);
	buf_release(&p->path);
	buf_release(&p->hit);
	free(p->root);
	free(p->dir);
	free(p);
}

const char *prefix_damaged(const struct prefix *p)
{
	return p->damaged.len ? p->damaged.data : NULL;
}

/* The id of the block tok[0..n) behind `parent` (at 0: the first). */
static void block_id(const struct prefix *p, const struct link *parent, const int32_t *tok, size_t n, uint8_t id[HASH_ID_LEN])
{
	const uint8_t version = BLOCK_VERSION;
	const struct hash_part part[] = {
		{ p->model, HASH_ID_LEN }, { &version, 1 }, { parent->id, parent->at ? HASH_ID_LEN : 0 }, { tok, n * sizeof *tok },
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

static bool is_there(struct prefix *p, const uint8_t id[HASH_ID_LEN])
{
	const char *path = block_path(p, id);
	return path && !access(path, R_OK);
}

/* The block behind `l` that holds the most of tok[l->at .. n): n_tok of it, or 0. A whole one is looked for first. */
static size_t find(struct prefix *p, const struct link *l, const int32_t *tok, size_t n, uint8_t id[HASH_ID_LEN])
{
	for (size_t k = n - l->at < SESSION_BLOCK ? n - l->at : SESSION_BLOCK; k; k--) {
		block_id(p, l, tok + l->at, k, id);
		if (is_there(p, id))
			return k;
	}
	return 0;
}

size_t prefix_stored(struct prefix *p, const int32_t *tok, size_t n)
{
	struct link l = { 0 };
	uint8_t id[HASH_ID_LEN];
	for (size_t k = SESSION_BLOCK; k == SESSION_BLOCK && l.at < n; l.at += k) {
		k = find(p, &l, tok, n, id);
		memcpy(l.id, id, HASH_ID_LEN);
	}
	return l.at;
}

/* ---- loading ---- */

/* Reads the block tok[0..n) behind `l` to where its state belongs. False if it is gone, or not to be believed and removed. */
static bool load_one(struct prefix *p, struct session *s, const struct link *l, const int32_t *tok, size_t n, const uint8_t id[HASH_ID_LEN])
{
	const char *path = block_path(p, id);
	struct block b;
	if (!path)
		return false;
	int r = block_open(&b, path, NULL);
	if (!r) {
		if (memcmp(b.id, id, HASH_ID_LEN) || memcmp(b.parent, l->id, HASH_ID_LEN) || memcmp(b.model, p->model, HASH_ID_LEN) ||
			b.n_before != l->at || b.n_tok != n || memcmp(b.tok, tok, n * sizeof *tok) ||
			b.payload_len != session_state_len(s, n))
			r = ERR_FORMAT;
		else
			r = block_read(&b, session_state(s, l->at), NULL);
		block_close(&b);
	}
	if (r == ERR_CHECKSUM || r == ERR_FORMAT || r == ERR_VERSION) {
		unlink(path);
		if (!p->damaged.len)
			buf_puts(&p->damaged, path);
	}
	return !r && !buf_add(&p->hit, id, HASH_ID_LEN);
}

int prefix_load(struct prefix *p, struct session *s, const int32_t *tok, size_t n, size_t *n_loaded, struct err *e)
{
	size_t have = session_shared(s, tok, n), from = SIZE_MAX;
	struct link l = { 0 };
	uint8_t id[HASH_ID_LEN];
	*n_loaded = 0;
	if (n > session_ctx(s))
		return 0;
	while (l.at + 1 < n) {
		size_t k = SESSION_BLOCK;
		if (l.at + SESSION_BLOCK <= have) {
			block_id(p, &l, tok + l.at, SESSION_BLOCK, id);
		} else {
			k = find(p, &l, tok, n - 1, id);
			if (!k || l.at + k <= have)
				break;
			if (from == SIZE_MAX) {		/* what is in memory of this block gives way to more of it */
				from = l.at;
				session_rewind(s, from);
			}
			if (!load_one(p, s, &l, tok + l.at, k, id))
				break;
		}
		l.at += k;
		memcpy(l.id, id, HASH_ID_LEN);
		if (k < SESSION_BLOCK)
			break;
	}
	if (from == SIZE_MAX || l.at == from)
		return 0;
	*n_loaded = l.at - from;
	return session_state_take(s, tok + from, l.at - from, e);
}

void prefix_count_hits(struct prefix *p)
{
	for (size_t at = 0; at + HASH_ID_LEN <= p->hit.len; at += HASH_ID_LEN) {
		const char *path = block_path(p, (const uint8_t *)p->hit.data + at);
		if (path)
			block_touch(path);
	}
	buf_clear(&p->hit);
}

/* ---- storing ---- */

void prefix_spare(struct prefix *p, time_t from)
{
	p->spare = from;
}

/* A block that is there counts as stored; where one was found damaged, others may be, and each is looked at. */
static bool is_stored(struct prefix *p, const uint8_t id[HASH_ID_LEN], size_t len)
{
	struct block b;
	if (!is_there(p, id))
		return false;
	if (!p->damaged.len)
		return true;
	if (block_open(&b, p->path.data, NULL))
		return false;
	bool ok = b.payload_len == len && !block_check(&b, NULL);
	block_close(&b);
	return ok;
}

/* Visits what is to be kept: calls fn for each block that is not stored yet, until it returns not 0. */
struct visit {
	struct prefix *p;
	struct session *s;
	const struct prefix_keep *k;
	uint64_t missing;	/* bytes */
	uint64_t room;		/* bytes that may be written */
};
typedef int (*visit_fn)(struct visit *v, const struct link *l, size_t n, const uint8_t id[HASH_ID_LEN], struct err *e);

static int visit_one(struct visit *v, const struct link *l, size_t n, visit_fn fn, uint8_t id[HASH_ID_LEN], struct err *e)
{
	block_id(v->p, l, session_tokens(v->s) + l->at, n, id);
	return is_stored(v->p, id, session_state_len(v->s, n)) ? 0 : fn(v, l, n, id, e);
}

static int visit(struct visit *v, visit_fn fn, struct err *e)
{
	struct link l = { 0 };
	uint8_t id[HASH_ID_LEN];
	int r = 0;
	while (!r) {
		for (size_t i = 0; !r && i < PREFIX_MAX_CUT; i++) {
			size_t cut = v->k->cut[i];
			if (cut > l.at && cut < l.at + SESSION_BLOCK && cut <= v->k->n)
				r = visit_one(v, &l, cut - l.at, fn, id, e);
		}
		if (r || l.at + SESSION_BLOCK > v->k->n)
			break;
		r = visit_one(v, &l, SESSION_BLOCK, fn, id, e);
		l.at += SESSION_BLOCK;
		memcpy(l.id, id, HASH_ID_LEN);
	}
	return r;
}

static int measure(struct visit *v, const struct link *l, size_t n, const uint8_t id[HASH_ID_LEN], struct err *e)
{
	(void)l;
	(void)id;
	(void)e;
	v->missing += session_state_len(v->s, n) + BLOCK_HEAD_MAX;
	return 0;
}

static int write_one(struct visit *v, const struct link *l, size_t n, const uint8_t id[HASH_ID_LEN], struct err *e)
{
	const struct prefix_keep *k = v->k;
	const char *path = block_path(v->p, id);
	struct block b = { .n_tok = (uint32_t)n, .n_before = l->at, .payload_len = session_state_len(v->s, n),
		.cost_ns = k->ns_per_token * n };
	if (b.payload_len + BLOCK_HEAD_MAX > v->room)
		return 1;	/* eviction took of this very chain what was counted as stored */
	v->room -= b.payload_len + BLOCK_HEAD_MAX;
	if (!path)
		return err_memory(e);
	memcpy(b.id, id, HASH_ID_LEN);
	memcpy(b.parent, l->id, HASH_ID_LEN);
	memcpy(b.model, v->p->model, HASH_ID_LEN);
	memcpy(b.tok, session_tokens(v->s) + l->at, n * sizeof *b.tok);
	for (size_t i = 0; i < k->n_origin && b.n_origin < BLOCK_MAX_ORIGIN; i++)
		if (k->origin[i].from < l->at + n)
			memcpy(b.origin[b.n_origin++], k->origin[i].id, HASH_ID_LEN);
	int r = block_write(&b, session_state(v->s, l->at), path, e);
	/* As it may be at any time: the store was cleared or removed, or something forgotten. */
	return r == ERR_NOENT || (r == ERR_CREATE && access(v->p->dir, F_OK)) ? 0 : r;
}

int prefix_save(struct prefix *p, struct session *s, const struct prefix_keep *k, struct err *e)
{
	struct visit v = { .p = p, .s = s, .k = k };
	int r = 0;
	if (!p->max_bytes || k->n > session_len(s))
		return 1;
	r = visit(&v, measure, e);
	if (!r && v.missing > p->max_bytes)
		return 1;
	if (!r && v.missing) {
		uint64_t left;
		r = evict_before(p->root, p->max_bytes - v.missing, p->spare, &left, e);
		v.room = left < p->max_bytes ? p->max_bytes - left : 0;
		r = r ? r : io_mkdirs(p->dir, e);
		r = r ? r : visit(&v, write_one, e);
	}
	return r;
}
