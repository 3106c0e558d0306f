/* SPDX-License-Identifier: Apache-2.0
 *
 * pack: opening packs and finding things in them. The table's lines are sorted by name, so looking up is a binary search.
 */
#include "lib/model/pack.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/io.h"
#include "lib/model/pack_file.h"

struct pack {
	struct map map;
	uint8_t id[HASH_ID_LEN];
	size_t n_sect;
	struct pack_sect *sect;
};

static int damaged(struct err *e, const char *path, uint64_t at, const char *what)
{
	return err_set(e, ERR_FORMAT, at, "pack '%s' is damaged: %s", path, what);
}

/* A line's lengths are what its kind, type and shape demand, and its bytes lie inside the file. */
static bool line_ok(const struct pack_sect *s, uint64_t table_at)
{
	size_t len;
	if (s->at % 64 || !size_within(s->at, s->len, table_at))
		return false;
	if (s->kind == PACK_PART)
		return true;
	if (s->kind == PACK_VEC)
		return s->type == QUANT_F32 && s->n_row == 1 && s->len == (uint64_t)s->n_col * 4;
	if (s->kind != PACK_MAT || !quant_info(s->type) || !s->n_row)
		return false;
	size_t tile = w16_tile_len(s->type, s->n_col);
	return tile && size_mul(tile, ((uint64_t)s->n_row + W16_ROWS - 1) / W16_ROWS, &len) && len == s->len;
}

static int read_table(struct pack *p, const char *path, uint64_t at, struct err *e)
{
	struct cursor c = cursor_of((const char *)p->map.data + at, p->n_sect * PACK_LINE);
	for (size_t i = 0; i < p->n_sect; i++) {
		struct pack_sect *s = &p->sect[i];
		size_t line = c.at;
		s->name = cursor_take(&c, PACK_NAME);
		s->kind = (enum pack_kind)cursor_u32(&c);
		s->type = (enum quant_type)cursor_u32(&c);
		s->n_row = cursor_u32(&c);
		s->n_col = cursor_u32(&c);
		s->at = cursor_u64(&c);
		s->len = cursor_u64(&c);
		s->sum = cursor_u64(&c);
		cursor_take(&c, PACK_LINE - 104);
		if (!cursor_ok(&c) || !memchr(s->name, 0, PACK_NAME) || !line_ok(s, at))
			return damaged(e, path, at + line, "bad table line");
		if (i && strcmp(s[-1].name, s->name) >= 0)
			return damaged(e, path, at + line, "table is not sorted");
	}
	return 0;
}

static int read_header(struct pack *p, const char *path, const uint8_t *id, struct err *e)
{
	struct cursor c = cursor_of(p->map.data, p->map.len < PACK_HEADER ? 0 : PACK_HEADER);
	const void *magic = cursor_take(&c, 8);
	if (!magic || memcmp(magic, PACK_MAGIC, 8))
		return err_set(e, ERR_FORMAT, 0, "'%s' is not a pack", path);
	uint32_t layout = cursor_u32(&c), n = cursor_u32(&c);
	const void *own_id = cursor_take(&c, HASH_ID_LEN);
	uint64_t file_len = cursor_u64(&c), table_at = cursor_u64(&c), table_sum = cursor_u64(&c), sum = cursor_u64(&c);
	if (sum != hash_xxh64(p->map.data, 56))
		return err_set(e, ERR_CHECKSUM, 0, "pack '%s' is damaged: header checksum", path);
	if (layout != PACK_LAYOUT)
		return err_set(e, ERR_VERSION, 8, "pack '%s' has layout %u, this program knows %d", path, layout, PACK_LAYOUT);
	if (file_len != p->map.len || n > PACK_MAX_SECT || !size_within(table_at, (uint64_t)n * PACK_LINE, file_len))
		return damaged(e, path, 32, "lengths do not fit the file");
	if (table_sum != hash_xxh64((const char *)p->map.data + table_at, (size_t)n * PACK_LINE))
		return err_set(e, ERR_CHECKSUM, table_at, "pack '%s' is damaged: table checksum", path);
	memcpy(p->id, own_id, HASH_ID_LEN);
	if (id && memcmp(id, p->id, HASH_ID_LEN))
		return err_set(e, ERR_CONF, 16, "pack '%s' was made from another model", path);
	p->n_sect = n;
	p->sect = calloc(n + 1u, sizeof *p->sect);
	if (!p->sect)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for the table of '%s'", path);
	return read_table(p, path, table_at, e);
}

int pack_open(struct pack **out, const char *path, const uint8_t *id, struct err *e)
{
	struct pack *p = calloc(1, sizeof *p);
	*out = NULL;
	if (!p)
		return err_memory(e);
	int r = map_open(&p->map, path, e);
	map_want_large(&p->map);
	if (!r)
		r = read_header(p, path, id, e);
	if (r)
		pack_close(p);
	else
		*out = p;
	return r;
}

void pack_close(struct pack *p)
{
	if (!p)
		return;
	map_close(&p->map);
	free(p->sect);
	free(p);
}

void pack_populate(const struct pack *p)
{
	map_populate(&p->map);
}

uint64_t pack_sum(uint64_t h, const void *piece, size_t len)
{
	uint64_t pair[2] = { h, hash_xxh64(piece, len) };
	return hash_xxh64(pair, sizeof pair);
}

int pack_verify(const struct pack *p, struct err *e)
{
	for (size_t i = 0; i < p->n_sect; i++) {
		const struct pack_sect *s = &p->sect[i];
		const char *data = (const char *)p->map.data + s->at;
		uint64_t h = 0;
		for (size_t at = 0; at < s->len; at += PACK_PIECE)
			h = pack_sum(h, data + at, s->len - at < PACK_PIECE ? s->len - at : PACK_PIECE);
		if (s->sum != h)
			return err_set(e, ERR_CHECKSUM, s->at, "pack is damaged: section '%s' changed", s->name);
	}
	return 0;
}

/* ---- looking up ---- */

static int by_name(const void *key, const void *sect)
{
	return strcmp(key, ((const struct pack_sect *)sect)->name);
}

static const struct pack_sect *find(const struct pack *p, const char *name, enum pack_kind kind)
{
	const struct pack_sect *s = bsearch(name, p->sect, p->n_sect, sizeof *p->sect, by_name);
	return s && s->kind == kind ? s : NULL;
}

static const void *bytes(const struct pack *p, const struct pack_sect *s)
{
	return (const char *)p->map.data + s->at;
}

bool pack_mat(const struct pack *p, const char *name, struct mat *m)
{
	const struct pack_sect *s = find(p, name, PACK_MAT);
	if (!s)
		return false;
	*m = (struct mat){ .type = s->type, .n_row = s->n_row, .n_col = s->n_col,
		.tile_len = w16_tile_len(s->type, s->n_col), .data = bytes(p, s) };
	return true;
}

bool pack_vec(const struct pack *p, const char *name, const float **v, size_t *n)
{
	const struct pack_sect *s = find(p, name, PACK_VEC);
	if (!s)
		return false;
	*v = bytes(p, s);
	*n = s->n_col;
	return true;
}

bool pack_part(const struct pack *p, const char *name, const void **data, size_t *n)
{
	const struct pack_sect *s = find(p, name, PACK_PART);
	if (!s)
		return false;
	*data = bytes(p, s);
	*n = (size_t)s->len;
	return true;
}

const uint8_t *pack_id(const struct pack *p)
{
	return p->id;
}

size_t pack_n_sect(const struct pack *p)
{
	return p->n_sect;
}

const struct pack_sect *pack_sect(const struct pack *p, size_t i)
{
	return &p->sect[i];
}
