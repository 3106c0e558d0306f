/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_get: from a model file's name to its open pack. The pack is named by the content of the model file, not by its path, so
 * copies and links share one; the content hash is remembered under the file's device, inode, size and times.
 *
 *	$XDG_CACHE_HOME/tiny-titans/ids/<BLAKE2b of dev, ino, size, mtime, ctime>	the 16 bytes of the id and their XXH3
 *	$XDG_CACHE_HOME/tiny-titans/packs/<id>-<layout>.pack
 */
#include "lib/model/pack.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/model/gguf.h"

/* Name of the file that remembers the id of `m`. */
static int memo_path(struct buf *out, const struct map *m, struct err *e)
{
	uint64_t key[5] = { m->dev, m->ino, m->len, m->mtime_ns, m->ctime_ns };
	uint8_t h[HASH_ID_LEN];
	char hex[2 * HASH_ID_LEN + 1];
	hash_id(key, sizeof key, h);
	hash_hex(h, sizeof h, hex);
	int r = io_dir(out, IO_DIR_CACHE, "ids/", e);
	if (!r)
		r = buf_puts(out, hex) ? err_memory(e) : 0;
	return r;
}

static bool memo_read(const char *path, uint8_t id[HASH_ID_LEN])
{
	struct buf b = {0};
	bool ok = !io_read_file(&b, path, 64, NULL) && b.len == HASH_ID_LEN + 8;
	if (ok) {
		uint64_t sum = hash_xxh64(b.data, HASH_ID_LEN);
		ok = !memcmp(b.data + HASH_ID_LEN, &sum, 8);
		memcpy(id, b.data, HASH_ID_LEN);
	}
	buf_release(&b);
	return ok;
}

/* Best effort: without it the next process hashes again. */
static void memo_write(const char *path, const uint8_t id[HASH_ID_LEN])
{
	uint8_t b[HASH_ID_LEN + 8];
	uint64_t sum = hash_xxh64(id, HASH_ID_LEN);
	struct buf dir = {0};
	memcpy(b, id, HASH_ID_LEN);
	memcpy(b + HASH_ID_LEN, &sum, 8);
	if (!io_cache_dir(&dir, "ids", NULL))
		io_replace(path, b, sizeof b, 0644, NULL);
	buf_release(&dir);
}

/* With `is_gguf`, what is no model is told so before all of its gigabytes are read. */
static int map_id(const struct map *m, const char *model_path, bool is_gguf, uint8_t id[HASH_ID_LEN], struct err *e)
{
	struct buf path = {0};
	int r = 0;
	bool has_memo = !memo_path(&path, m, NULL);
	if (!has_memo || !memo_read(path.data, id)) {
		struct gguf *g = NULL;
		if (is_gguf)
			r = gguf_open_memory(&g, m->data, m->len, model_path, e);
		gguf_close(g);
		if (!r)
			hash_id(m->data, m->len, id);
		if (!r && has_memo)
			memo_write(path.data, id);
	}
	buf_release(&path);
	return r;
}

int pack_model_id(const char *model_path, uint8_t id[HASH_ID_LEN], struct err *e)
{
	struct map m;
	int r = map_open(&m, model_path, e);
	if (!r)
		r = map_id(&m, model_path, false, id, e);
	map_close(&m);
	return r;
}

static int path_of(struct buf *out, const uint8_t id[HASH_ID_LEN], int layout, struct err *e)
{
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(id, HASH_ID_LEN, hex);
	int r = io_dir(out, IO_DIR_CACHE, "packs/", e);
	if (!r)
		r = buf_printf(out, "%s-%d.pack", hex, layout) ? err_memory(e) : 0;
	return r;
}

int pack_path(struct buf *out, const uint8_t id[HASH_ID_LEN], struct err *e)
{
	return path_of(out, id, PACK_LAYOUT, e);
}

/* Packs of this model that only older programs can read: each is as large as the model. Who still has one open keeps it. */
static void remove_older(const uint8_t id[HASH_ID_LEN])
{
	for (int layout = 1; layout < PACK_LAYOUT; layout++) {
		struct buf path = {0};
		if (!path_of(&path, id, layout, NULL))
			unlink(path.data);
		buf_release(&path);
	}
}

/* `m` is what `id` is of; by now the name may be another file's. */
static int make(const char *path, const struct map *m, const char *model_path, const uint8_t *id, const struct pack_maker *mk, struct err *e)
{
	struct gguf *g = NULL;
	struct buf dir = {0};
	int r = io_cache_dir(&dir, "packs", e);
	if (!r)
		r = gguf_open_memory(&g, m->data, m->len, model_path, e);
	if (!r)
		r = pack_write(path, g, id, mk, e);
	gguf_close(g);
	buf_release(&dir);
	return r;
}

int pack_get(struct pack **p, const char *model_path, const struct pack_maker *mk, struct err *e)
{
	uint8_t id[HASH_ID_LEN];
	struct buf path = {0};
	struct err why = {0};
	struct map m;
	*p = NULL;
	int r = map_open(&m, model_path, e);
	if (!r)
		r = map_id(&m, model_path, true, id, e);
	if (!r && mk->thin) {
		const uint32_t how[2] = { mk->thin->what, mk->thin->n_head };
		const struct hash_part part[] = { { id, sizeof id }, { "thin", 4 }, { how, sizeof how } };
		uint8_t of[HASH_ID_LEN];
		hash_id_parts(part, 3, of);
		memcpy(id, of, sizeof id);
	}
	if (!r)
		r = pack_path(&path, id, e);
	int cannot = r ? 0 : pack_open(p, path.data, id, &why);
	if (cannot == ERR_MEM) {	/* made again it would need as much */
		r = err_set(e, ERR_MEM, ERR_NO_OFFSET, "%s", why.msg);
	} else if (cannot) {
		r = make(path.data, &m, model_path, id, mk, e);
		if (!r)
			r = pack_open(p, path.data, id, e);
		if (!r)
			remove_older(id);
	}
	map_close(&m);
	buf_release(&path);
	return r;
}
