/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest: see manifest.h for the layout. The checksum covers every byte, so parsing beyond it guards against a file made by
 * someone else, not against accidents.
 */
#include "index/manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/grow.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/utf8.h"

#define SUM_LEN 16
#define MAX_LEN (1u << 30)

static const char magic[8] = "TTINDEX1";

static void release_segment(struct manifest_segment *s)
{
	free(s->dead);
	free(s->layer);
	*s = (struct manifest_segment){0};
}

void manifest_release(struct manifest *m)
{
	for (size_t i = 0; i < m->n_segment; i++)
		release_segment(&m->segment[i]);
	free(m->segment);
	*m = (struct manifest){0};
}

struct manifest_segment *manifest_add(struct manifest *m)
{
	struct manifest_segment *s = realloc(m->segment, (m->n_segment + 1) * sizeof *s);
	if (!s)
		return NULL;
	m->segment = s;
	s[m->n_segment] = (struct manifest_segment){0};
	return &s[m->n_segment++];
}

void manifest_drop(struct manifest *m, size_t i)
{
	release_segment(&m->segment[i]);
	memmove(&m->segment[i], &m->segment[i + 1], (m->n_segment - i - 1) * sizeof *m->segment);
	m->n_segment--;
}

bool manifest_kill(struct manifest_segment *s, uint32_t doc)
{
	uint32_t *dead = grow(s->dead, s->n_dead, &s->cap_dead, sizeof *dead);
	if (!dead)
		return false;
	s->dead = dead;
	dead[s->n_dead++] = doc;
	return true;
}

bool manifest_add_layer(struct manifest_segment *s, const struct manifest_layer *l)
{
	struct manifest_layer *layer = realloc(s->layer, (s->n_layer + 1) * sizeof *layer);
	if (!layer)
		return false;
	s->layer = layer;
	layer[s->n_layer++] = *l;
	return true;
}

int manifest_path(struct buf *out, const char *dir, uint64_t number, const char *ext, struct err *e)
{
	buf_clear(out);
	buf_printf(out, "%s/%016" PRIx64 ".%s", dir, number, ext);
	return out->failed ? err_memory(e) : 0;
}

/* ---- reading ---- */

static int parse_dead(struct manifest_segment *s, struct cursor *c, uint32_t n)
{
	size_t len;
	if (n > s->n_doc || !size_mul(n, 4, &len) || len > cursor_left(c))
		return cursor_fail(c), ERR_FORMAT;
	s->dead = malloc(len ? len : 1);
	if (!s->dead)
		return ERR_MEM;
	s->n_dead = s->cap_dead = n;
	for (uint32_t i = 0; i < n; i++) {
		s->dead[i] = cursor_u32(c);
		if (s->dead[i] >= s->n_doc || (i && s->dead[i] <= s->dead[i - 1]))
			return cursor_fail(c), ERR_FORMAT;
	}
	return 0;
}

static int parse_segment(struct manifest_segment *s, struct cursor *c)
{
	s->number = cursor_u64(c);
	s->pin = cursor_u64(c);
	s->len = cursor_u64(c);
	s->n_doc = cursor_u32(c);
	s->n_chunk = cursor_u32(c);
	uint32_t n_dead = cursor_u32(c), n_layer = cursor_u32(c);
	int r = parse_dead(s, c, n_dead);
	if (r)
		return r;
	if (n_layer > cursor_left(c) / 32)
		return cursor_fail(c), ERR_FORMAT;
	for (uint32_t i = 0; i < n_layer; i++) {
		struct manifest_layer l = { .number = cursor_u64(c), .pin = 0 };
		l.pin = cursor_u64(c);
		l.len = cursor_u64(c);
		l.n_row = cursor_u32(c);
		cursor_u32(c);
		if (!manifest_add_layer(s, &l))
			return ERR_MEM;
	}
	return cursor_ok(c) ? 0 : ERR_FORMAT;
}

static int parse_body(struct manifest *m, struct cursor *c)
{
	m->generation = cursor_u64(c);
	m->next = cursor_u64(c);
	m->dim = cursor_u32(c);
	uint32_t n = cursor_u32(c), n_model = cursor_u32(c);
	const char *model = cursor_take(c, n_model);
	if (!model || n_model >= sizeof m->model || memchr(model, '\0', n_model) || !utf8_valid(model, n_model, NULL))
		return cursor_fail(c), ERR_FORMAT;
	memcpy(m->model, model, n_model);
	for (uint32_t i = 0; i < n; i++) {
		struct manifest_segment *s = cursor_left(c) ? manifest_add(m) : NULL;
		int r = s ? parse_segment(s, c) : cursor_left(c) ? ERR_MEM : ERR_FORMAT;
		if (r)
			return r;
	}
	return cursor_ok(c) && cursor_left(c) == 0 ? 0 : ERR_FORMAT;
}

int manifest_parse(struct manifest *m, const void *p, size_t len, const char *name, struct err *e)
{
	uint8_t sum[SUM_LEN];
	*m = (struct manifest){0};
	if (len < sizeof magic + SUM_LEN || memcmp(p, magic, sizeof magic - 1) != 0)
		return err_set(e, ERR_FORMAT, 0, "'%s' is not the manifest of an index", name);
	if (((const char *)p)[sizeof magic - 1] != magic[sizeof magic - 1])
		return err_set(e, ERR_VERSION, sizeof magic - 1, "'%s' has a format that this version does not know", name);
	len -= SUM_LEN;
	hash_xxh128(p, len, sum);
	if (memcmp((const char *)p + len, sum, SUM_LEN) != 0)
		return err_set(e, ERR_CHECKSUM, ERR_NO_OFFSET, "'%s' is damaged: its checksum differs", name);
	struct cursor c = cursor_of(p, len);
	c.at = sizeof magic;
	int r = parse_body(m, &c);
	if (r)
		manifest_release(m);
	if (r == ERR_MEM)
		return err_memory(e);
	return r ? err_set(e, r, c.bad_at, "'%s' contradicts itself", name) : 0;
}

int manifest_read(struct manifest *m, const char *dir, struct err *e)
{
	struct buf path = {0}, b = {0};
	*m = (struct manifest){0};
	buf_printf(&path, "%s/manifest", dir);
	int r = path.failed ? err_memory(e) : io_read_file(&b, path.data, MAX_LEN, e);
	if (!r)
		r = manifest_parse(m, b.data, b.len, path.data, e);
	buf_release(&path);
	buf_release(&b);
	return r;
}

/* ---- writing ---- */

static int by_number(const void *pa, const void *pb)
{
	const uint32_t *a = pa, *b = pb;
	return (*a > *b) - (*a < *b);
}

/* They are killed in any order, and maybe twice. */
static void sort_dead(struct manifest_segment *s)
{
	size_t n = 0;
	if (s->n_dead)
		qsort(s->dead, s->n_dead, sizeof *s->dead, by_number);
	for (size_t i = 0; i < s->n_dead; i++)
		if (!n || s->dead[n - 1] != s->dead[i])
			s->dead[n++] = s->dead[i];
	s->n_dead = n;
}

int manifest_format(struct manifest *m, struct buf *b, struct err *e)
{
	size_t start = b->len;
	buf_add(b, magic, sizeof magic);
	buf_u64(b, m->generation);
	buf_u64(b, m->next);
	buf_u32(b, m->dim);
	buf_u32(b, (uint32_t)m->n_segment);
	buf_u32(b, (uint32_t)strlen(m->model));
	buf_puts(b, m->model);
	for (size_t i = 0; i < m->n_segment; i++) {
		struct manifest_segment *s = &m->segment[i];
		sort_dead(s);
		buf_u64(b, s->number);
		buf_u64(b, s->pin);
		buf_u64(b, s->len);
		buf_u32(b, s->n_doc);
		buf_u32(b, s->n_chunk);
		buf_u32(b, (uint32_t)s->n_dead);
		buf_u32(b, (uint32_t)s->n_layer);
		for (size_t k = 0; k < s->n_dead; k++)
			buf_u32(b, s->dead[k]);
		for (size_t k = 0; k < s->n_layer; k++) {
			buf_u64(b, s->layer[k].number);
			buf_u64(b, s->layer[k].pin);
			buf_u64(b, s->layer[k].len);
			buf_u32(b, s->layer[k].n_row);
			buf_u32(b, 0);
		}
	}
	if (b->failed)
		return err_memory(e);
	uint8_t sum[SUM_LEN];
	hash_xxh128(b->data + start, b->len - start, sum);
	return buf_add(b, sum, SUM_LEN) ? err_memory(e) : 0;
}

static bool has_other(const char *path, const struct buf *b)
{
	struct buf now = {0};
	bool is = io_read_file(&now, path, MAX_LEN, NULL) == 0 && (now.len != b->len || memcmp(now.data, b->data, now.len) != 0);
	buf_release(&now);
	return is;
}

/* After a failure: if the new manifest is in place already (the sync of the directory failed), puts the old one back, or none
 * where there was none. What was reported as failed must not show up later. */
static void take_back(const char *path, const struct buf *old, bool was_there)
{
	struct aside a;
	if (!has_other(path, old))
		return;
	if (!was_there) {
		unlink(path);
		return;
	}
	/* Where the disk syncs nothing any more, whoever reads the file now finds the old bytes at least. */
	if (!io_replace(path, old->data, old->len, 0600, NULL) || !has_other(path, old) || aside_open(&a, path, 0600, NULL))
		return;
	if (io_write(a.fd, old->data, old->len, a.tmp, NULL))
		aside_abort(&a);
	else
		aside_publish(&a, NULL);
}

int manifest_write(struct manifest *m, const char *dir, struct err *e)
{
	struct buf path = {0}, b = {0}, old = {0};
	m->generation++;
	buf_printf(&path, "%s/manifest", dir);
	int r = path.failed ? err_memory(e) : manifest_format(m, &b, e);
	if (!r) {
		int had = io_read_file(&old, path.data, MAX_LEN, e);
		r = had == ERR_NOENT ? 0 : had;
		if (!r && (r = io_replace(path.data, b.data, b.len, 0600, e)) < 0)
			take_back(path.data, &old, !had);
	}
	if (r)
		m->generation--;
	buf_release(&path);
	buf_release(&b);
	buf_release(&old);
	return r;
}
