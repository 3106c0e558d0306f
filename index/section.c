/* SPDX-License-Identifier: Apache-2.0
 *
 * section: see section.h for the layout. A writer gathers 64 KiB, hashes and writes them; nothing is ever rewritten, so one
 * pass makes the file. The chain of trust runs manifest -> pin -> footer -> toc and sums -> blocks.
 */
#include "index/section.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/hash.h"

#define HEADER_LEN 64
#define FOOTER_LEN 64
#define TOC_ENTRY 24
#define VERSION 1

static const char magic[8] = "TTSECT1\n";

/* ---- reading ---- */

static int damaged(const struct section_file *f, size_t at, const char *what, struct err *e)
{
	return err_set(e, ERR_CHECKSUM, at, "'%s' is damaged: %s", f->path, what);
}

static int read_header(struct section_file *f, uint32_t kind, struct err *e)
{
	if (f->map.len < HEADER_LEN + FOOTER_LEN || memcmp(f->map.data, magic, sizeof magic) != 0)
		return err_set(e, ERR_FORMAT, 0, "'%s' is not a file of an index", f->path);
	struct cursor c = cursor_of(f->map.data, HEADER_LEN);
	c.at = sizeof magic;
	uint32_t version = cursor_u32(&c), got = cursor_u32(&c);
	f->number = cursor_u64(&c);
	if (version != VERSION)
		return err_set(e, ERR_VERSION, 8, "'%s' has format version %u, not %d", f->path, version, VERSION);
	return got == kind ? 0 : err_set(e, ERR_FORMAT, 12, "'%s' is a file of kind %u, not %u", f->path, got, kind);
}

static int read_footer(struct section_file *f, struct err *e)
{
	const unsigned char *p = f->map.data;
	size_t len = f->map.len, at = len - FOOTER_LEN;
	struct cursor c = cursor_of(p + at, FOOTER_LEN);
	uint64_t toc_off = cursor_u64(&c), file_len = cursor_u64(&c);
	uint32_t n_toc = cursor_u32(&c), n_sum = cursor_u32(&c);
	uint64_t sum = cursor_u64(&c);
	c.at = FOOTER_LEN - 8;
	f->pin = cursor_u64(&c);
	if (hash_xxh64(p + at, FOOTER_LEN - 8) != f->pin || file_len != len)
		return damaged(f, at, "its footer changed, or it is cut off", e);
	if (n_toc > SECTION_MAX || toc_off < HEADER_LEN || toc_off > at || toc_off % SECTION_ALIGN ||
	    n_sum != (toc_off + SECTION_BLOCK - 1) / SECTION_BLOCK ||
	    at - toc_off != (uint64_t)n_toc * TOC_ENTRY + (uint64_t)n_sum * 8)
		return err_set(e, ERR_FORMAT, at, "'%s' has a footer that contradicts itself", f->path);
	if (hash_xxh64(p + toc_off, at - (size_t)toc_off) != sum)
		return damaged(f, (size_t)toc_off, "its table of contents changed", e);
	f->n_toc = n_toc;
	f->n_sum = n_sum;
	f->toc_off = (size_t)toc_off;
	f->sums = p + toc_off + (size_t)n_toc * TOC_ENTRY;
	return 0;
}

static int read_toc(struct section_file *f, struct err *e)
{
	const unsigned char *p = f->map.data;
	struct cursor c = cursor_of(p + f->toc_off, f->n_toc * TOC_ENTRY);
	for (size_t i = 0; i < f->n_toc; i++) {
		uint32_t id = cursor_u32(&c);
		cursor_u32(&c);
		uint64_t off = cursor_u64(&c), len = cursor_u64(&c);
		if (off < HEADER_LEN || off % SECTION_ALIGN || !size_within(off, len, f->toc_off))
			return err_set(e, ERR_FORMAT, f->toc_off, "'%s' has a section outside the file", f->path);
		f->toc[i] = (struct section_toc){ id, { p + off, (size_t)len } };
	}
	return 0;
}

int section_open(struct section_file *f, const char *path, uint32_t kind, struct err *e)
{
	*f = (struct section_file){0};
	int r = map_open(&f->map, path, e);
	if (r)
		return r;
	f->path = strdup(path);
	r = f->path ? read_header(f, kind, e) : err_memory(e);
	if (!r)
		r = read_footer(f, e);
	if (!r)
		r = read_toc(f, e);
	if (!r) {
		f->seen = calloc(f->n_sum ? f->n_sum : 1, 1);
		r = f->seen ? section_check(f, f->map.data, HEADER_LEN, e) : err_memory(e);
	}
	if (r)
		section_close(f);
	return r;
}

void section_close(struct section_file *f)
{
	free(f->seen);
	free(f->path);
	map_close(&f->map);
	*f = (struct section_file){0};
}

int section_get(const struct section_file *f, uint32_t id, struct section_view *v, struct err *e)
{
	for (size_t i = 0; i < f->n_toc; i++)
		if (f->toc[i].id == id) {
			*v = f->toc[i].view;
			return 0;
		}
	return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' has no section %u", f->path, id);
}

static uint64_t sum_at(const struct section_file *f, size_t i)
{
	struct cursor c = cursor_of(f->sums + i * 8, 8);
	return cursor_u64(&c);
}

int section_check(struct section_file *f, const void *p, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	const unsigned char *base = f->map.data;
	size_t from = (size_t)((const unsigned char *)p - base);
	for (size_t i = from / SECTION_BLOCK; i <= (from + n - 1) / SECTION_BLOCK && i < f->n_sum; i++) {
		if (f->seen[i])
			continue;
		size_t at = i * SECTION_BLOCK, len = f->toc_off - at < SECTION_BLOCK ? f->toc_off - at : SECTION_BLOCK;
		if (hash_xxh64(base + at, len) != sum_at(f, i))
			return damaged(f, at, "the block's checksum differs", e);
		f->seen[i] = 1;
	}
	return 0;
}

int section_verify(struct section_file *f, struct err *e)
{
	memset(f->seen, 0, f->n_sum);
	return section_check(f, f->map.data, f->toc_off, e);
}

/* ---- writing ---- */

static int write_block(struct section_writer *w, struct err *e)
{
	int r = io_write(w->aside.fd, w->block.data, w->block.len, w->aside.tmp, e);
	if (!r && buf_u64(&w->sums, hash_xxh64(w->block.data, w->block.len)))
		r = err_memory(e);
	buf_clear(&w->block);
	return r;
}

int section_put(struct section_writer *w, const void *p, size_t n, struct err *e)
{
	const char *s = p;
	w->off += n;
	while (n) {
		size_t room = SECTION_BLOCK - w->block.len, k = n < room ? n : room;
		if (buf_add(&w->block, s, k))
			return err_memory(e);
		s += k;
		n -= k;
		int r = w->block.len == SECTION_BLOCK ? write_block(w, e) : 0;
		if (r)
			return r;
	}
	return 0;
}

static int pad(struct section_writer *w, struct err *e)
{
	static const char zeros[SECTION_ALIGN];
	return section_put(w, zeros, (SECTION_ALIGN - w->off % SECTION_ALIGN) % SECTION_ALIGN, e);
}

int section_create(struct section_writer *w, const char *path, uint32_t kind, uint64_t number, struct err *e)
{
	*w = (struct section_writer){0};
	int r = aside_open(&w->aside, path, 0600, e);
	if (r)
		return r;
	struct buf h = {0};
	buf_add(&h, magic, sizeof magic);
	buf_u32(&h, VERSION);
	buf_u32(&h, kind);
	buf_u64(&h, number);
	buf_zeros(&h, HEADER_LEN - h.len);
	r = h.failed ? err_memory(e) : section_put(w, h.data, h.len, e);
	buf_release(&h);
	if (r)
		section_abort(w);
	return r;
}

/* The length of the section being written becomes known when the next one begins. */
static void end_section(struct section_writer *w)
{
	if (!w->n_toc || w->toc.failed)
		return;
	char *entry = w->toc.data + (size_t)(w->n_toc - 1) * TOC_ENTRY;
	struct cursor c = cursor_of(entry + 8, 8);
	uint64_t len = w->off - cursor_u64(&c);
	for (int i = 0; i < 8; i++)
		entry[16 + i] = (char)(unsigned char)(len >> (8 * i));
}

int section_begin(struct section_writer *w, uint32_t id, struct err *e)
{
	end_section(w);
	int r = pad(w, e);
	if (r)
		return r;
	if (w->n_toc == SECTION_MAX)
		return err_set(e, ERR_BUG, ERR_NO_OFFSET, "too many sections in '%s'", w->aside.path);
	buf_u32(&w->toc, id);
	buf_u32(&w->toc, 0);
	buf_u64(&w->toc, w->off);
	buf_u64(&w->toc, 0);
	w->n_toc++;
	return w->toc.failed ? err_memory(e) : 0;
}

int section_add(struct section_writer *w, uint32_t id, const void *p, size_t n, struct err *e)
{
	int r = section_begin(w, id, e);
	return r ? r : section_put(w, p, n, e);
}

int section_finish(struct section_writer *w, uint64_t *pin, uint64_t *len, struct err *e)
{
	struct buf f = {0};
	end_section(w);
	int r = pad(w, e);
	uint64_t toc_off = w->off;
	if (!r && w->block.len)
		r = write_block(w, e);
	uint32_t n_sum = (uint32_t)(w->sums.len / 8);
	buf_add(&w->toc, w->sums.data, w->sums.len);
	buf_u64(&f, toc_off);
	buf_u64(&f, toc_off + w->toc.len + FOOTER_LEN);
	buf_u32(&f, w->n_toc);
	buf_u32(&f, n_sum);
	buf_u64(&f, w->toc.failed ? 0 : hash_xxh64(w->toc.data, w->toc.len));
	buf_zeros(&f, FOOTER_LEN - 8 - f.len);
	if (!f.failed && !w->toc.failed) {
		*pin = hash_xxh64(f.data, f.len);
		*len = toc_off + w->toc.len + FOOTER_LEN;
		buf_u64(&f, *pin);
	}
	if (!r && (f.failed || w->toc.failed))
		r = err_memory(e);
	if (!r)
		r = io_write(w->aside.fd, w->toc.data, w->toc.len, w->aside.tmp, e);
	if (!r)
		r = io_write(w->aside.fd, f.data, f.len, w->aside.tmp, e);
	if (!r)
		r = aside_commit(&w->aside, e);
	buf_release(&f);
	section_abort(w);
	return r;
}

void section_abort(struct section_writer *w)
{
	aside_abort(&w->aside);
	buf_release(&w->block);
	buf_release(&w->sums);
	buf_release(&w->toc);
	*w = (struct section_writer){ .aside = { .fd = -1 } };
}
