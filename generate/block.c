/* SPDX-License-Identifier: Apache-2.0
 *
 * block: the file format of block.h through the checked cursor.
 */
#include "generate/block.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "lib/base/io.h"

#define HITS_LEN 4
#define MAX_HITS 1000000

static int parse(struct block *b, const void *head, size_t len, const char *path, struct err *e)
{
	struct cursor c = cursor_of(head, len);
	const void *magic = cursor_take(&c, 4);
	uint32_t version = cursor_u32(&c);
	if (!magic || memcmp(magic, "TTKV", 4))
		return err_set(e, ERR_FORMAT, 0, "'%s' is not a prefix block", path);
	if (version != BLOCK_VERSION)
		return err_set(e, ERR_VERSION, 4, "'%s': prefix block version %u", path, version);
	const void *id = cursor_take(&c, HASH_ID_LEN), *parent = cursor_take(&c, HASH_ID_LEN);
	b->n_tok = cursor_u32(&c);
	b->n_origin = cursor_u32(&c);
	const void *model = cursor_take(&c, HASH_ID_LEN);
	b->n_before = cursor_u64(&c);
	b->payload_len = cursor_u64(&c);
	b->cost_ns = cursor_u64(&c);
	const void *sum = cursor_take(&c, 16);
	if (!cursor_ok(&c) || b->n_tok < 1 || b->n_tok > BLOCK_MAX_TOK || b->n_origin > BLOCK_MAX_ORIGIN)
		return err_set(e, ERR_FORMAT, c.at, "'%s': bad prefix block header", path);
	const void *tok = cursor_take(&c, (uint64_t)b->n_tok * sizeof *b->tok);
	const void *origin = cursor_take(&c, (uint64_t)b->n_origin * HASH_ID_LEN);
	size_t head_len = c.at;
	uint64_t head_sum = cursor_u64(&c);
	const uint8_t *pad = (const uint8_t *)head + (c.at < len ? c.at : len);
	cursor_align(&c, 64);
	b->payload_at = c.at;
	if (!cursor_ok(&c) || b->file_len < c.at + HITS_LEN || b->payload_len != b->file_len - c.at - HITS_LEN)
		return err_set(e, ERR_FORMAT, c.at, "'%s': prefix block of the wrong length", path);
	if (hash_xxh64(head, head_len) != head_sum)
		return err_set(e, ERR_CHECKSUM, 0, "'%s': prefix block header is damaged", path);
	for (; pad < (const uint8_t *)head + b->payload_at; pad++)
		if (*pad)
			return err_set(e, ERR_FORMAT, (uint64_t)(pad - (const uint8_t *)head), "'%s': prefix block header is damaged", path);
	memcpy(b->id, id, sizeof b->id);
	memcpy(b->parent, parent, sizeof b->parent);
	memcpy(b->model, model, sizeof b->model);
	memcpy(b->sum, sum, sizeof b->sum);
	memcpy(b->tok, tok, b->n_tok * sizeof *b->tok);
	memcpy(b->origin, origin, (size_t)b->n_origin * HASH_ID_LEN);
	return 0;
}

/* Reads n bytes from `at` on; a short read says that the file was cut meanwhile. */
static bool read_at(int fd, void *dst, size_t n, uint64_t at)
{
	uint8_t *p = dst;
	while (n) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

int block_open(struct block *b, const char *path, struct err *e)
{
	uint8_t head[BLOCK_HEAD_MAX], hits[HITS_LEN];
	struct stat st;
	*b = (struct block){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) };
	if (b->fd < 0)
		return err_sys(e, errno == ENOENT || errno == ELOOP ? ERR_NOENT : errno == EACCES ? ERR_PERM : ERR_IO, "cannot open '%s'", path);
	int r = fstat(b->fd, &st) ? err_sys(e, ERR_IO, "cannot stat '%s'", path)
		: S_ISREG(st.st_mode) ? 0 : err_set(e, ERR_NOENT, ERR_NO_OFFSET, "'%s' is not a regular file", path);
	if (!r) {
		b->file_len = (uint64_t)st.st_size;
		size_t n = b->file_len < sizeof head ? (size_t)b->file_len : sizeof head;
		r = read_at(b->fd, head, n, 0) ? parse(b, head, n, path, e) : err_sys(e, ERR_IO, "cannot read '%s'", path);
	}
	if (!r && !read_at(b->fd, hits, sizeof hits, b->file_len - HITS_LEN))
		r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' was cut while it was read", path);
	if (r) {
		block_close(b);
		return r;
	}
	b->hits = (uint32_t)hits[0] | (uint32_t)hits[1] << 8 | (uint32_t)hits[2] << 16 | (uint32_t)hits[3] << 24;
	return 0;
}

void block_close(struct block *b)
{
	close(b->fd);
	b->fd = -1;
}

static int cut_off(const struct block *b, struct err *e)
{
	return err_set(e, ERR_CHECKSUM, b->payload_at, "prefix block cannot be read whole");
}

static int compare(const struct block *b, const uint8_t now[16], struct err *e)
{
	return memcmp(now, b->sum, sizeof b->sum) ? err_set(e, ERR_CHECKSUM, b->payload_at, "prefix block is damaged") : 0;
}

int block_read(const struct block *b, void *dst, struct err *e)
{
	uint8_t now[16];
	if (!read_at(b->fd, dst, (size_t)b->payload_len, b->payload_at))
		return cut_off(b, e);
	hash_xxh128(dst, (size_t)b->payload_len, now);
	return compare(b, now, e);
}

int block_check(const struct block *b, struct err *e)
{
	uint8_t piece[65536], now[16];
	struct hash_stream *h = hash_stream_new();
	bool whole = true;
	if (!h)
		return err_memory(e);
	for (uint64_t at = 0, n; whole && at < b->payload_len; at += n) {
		n = b->payload_len - at < sizeof piece ? b->payload_len - at : sizeof piece;
		whole = read_at(b->fd, piece, (size_t)n, b->payload_at + at);
		if (whole)
			hash_stream_add(h, piece, (size_t)n);
	}
	hash_stream_get(h, now);
	hash_stream_free(h);
	return whole ? compare(b, now, e) : cut_off(b, e);
}

static int make_head(const struct block *b, const void *payload, struct buf *head, struct err *e)
{
	uint8_t sum[16];
	hash_xxh128(payload, (size_t)b->payload_len, sum);
	buf_add(head, "TTKV", 4);
	buf_u32(head, BLOCK_VERSION);
	buf_add(head, b->id, HASH_ID_LEN);
	buf_add(head, b->parent, HASH_ID_LEN);
	buf_u32(head, b->n_tok);
	buf_u32(head, b->n_origin);
	buf_add(head, b->model, HASH_ID_LEN);
	buf_u64(head, b->n_before);
	buf_u64(head, b->payload_len);
	buf_u64(head, b->cost_ns);
	buf_add(head, sum, sizeof sum);
	buf_add(head, b->tok, (size_t)b->n_tok * sizeof *b->tok);
	buf_add(head, b->origin, (size_t)b->n_origin * HASH_ID_LEN);
	if (!head->failed)
		buf_u64(head, hash_xxh64(head->data, head->len));
	buf_align(head, 64);
	return head->failed ? err_memory(e) : 0;
}

int block_write(const struct block *b, const void *payload, const char *path, struct err *e)
{
	static const char no_hits[HITS_LEN];
	struct buf head = { 0 };
	struct aside a;
	int r = make_head(b, payload, &head, e);
	r = r ? r : aside_open(&a, path, 0600, e);
	if (!r) {
		r = io_write(a.fd, head.data, head.len, a.tmp, e);
		r = r ? r : io_write(a.fd, payload, (size_t)b->payload_len, a.tmp, e);
		r = r ? r : io_write(a.fd, no_hits, sizeof no_hits, a.tmp, e);
		if (r)
			aside_abort(&a);
		else
			r = aside_publish(&a, e);
	}
	buf_release(&head);
	return r;
}

void block_touch(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t le[HITS_LEN];
	struct stat st;
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > HITS_LEN && read_at(fd, le, HITS_LEN, (uint64_t)st.st_size - HITS_LEN)) {
		for (int i = 0; i < HITS_LEN && !++le[i]; i++)
			;
		if (pwrite(fd, le, HITS_LEN, st.st_size - HITS_LEN) == HITS_LEN)
			futimens(fd, NULL);
	}
	close(fd);
}

uint64_t block_uses(const struct block *b)
{
	return 1u + (b->hits < MAX_HITS ? b->hits : MAX_HITS);
}

/* ---- names ---- */

#define HEX_LEN ((size_t)2 * HASH_ID_LEN)

static bool begins_with_id(const char *name)
{
	return strspn(name, "0123456789abcdef") == HEX_LEN;
}

bool block_is_model_name(const char *name)
{
	return begins_with_id(name) && !name[HEX_LEN];
}

bool block_is_name(const char *name)
{
	return begins_with_id(name) && !strcmp(name + HEX_LEN, ".kv");
}

bool block_is_aside_name(const char *name)
{
	return begins_with_id(name) && !strncmp(name + HEX_LEN, ".kv.tmp.", 8);
}

void block_name_id(const char *name, uint8_t id[HASH_ID_LEN])
{
	hash_unhex(name, HASH_ID_LEN, id);
}
