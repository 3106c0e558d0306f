/* SPDX-License-Identifier: Apache-2.0
 *
 * block: the file format of block.h through the checked cursor.
 */
#include "generate/block.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cursor.h"

#define MAX_TOK 4096u		/* far above any block; bounds what a hostile header can make us look at */
#define MAX_ORIGIN 4096u

static int parse(struct block *b, const char *path, int deep, struct err *e)
{
	struct cursor c = cursor_of(b->map.data, b->map.len);
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
	cursor_u64(&c);
	b->payload_len = cursor_u64(&c);
	b->cost_ns = cursor_u64(&c);
	const void *sum = cursor_take(&c, 16);
	if (!cursor_ok(&c) || b->n_tok > MAX_TOK || b->n_origin > MAX_ORIGIN)
		return err_set(e, ERR_FORMAT, c.at, "'%s': bad prefix block header", path);
	b->tok = cursor_take(&c, (uint64_t)b->n_tok * 4);
	b->origin = cursor_take(&c, (uint64_t)b->n_origin * HASH_ID_LEN);
	size_t head_len = c.at;
	uint64_t head_sum = cursor_u64(&c);
	cursor_align(&c, 64);
	b->payload = cursor_take(&c, b->payload_len);
	b->hits = cursor_u32(&c);
	if (!cursor_ok(&c) || cursor_left(&c))
		return err_set(e, ERR_FORMAT, c.at, "'%s': prefix block of the wrong length", path);
	uint8_t now[16];
	if (hash_xxh64(b->map.data, head_len) != head_sum)
		return err_set(e, ERR_CHECKSUM, 0, "'%s': prefix block header is damaged", path);
	if (deep) {
		hash_xxh128(b->payload, (size_t)b->payload_len, now);
		if (memcmp(now, sum, sizeof now))
			return err_set(e, ERR_CHECKSUM, head_len, "'%s': prefix block is damaged", path);
	}
	memcpy(b->id, id, sizeof b->id);
	memcpy(b->parent, parent, sizeof b->parent);
	memcpy(b->model, model, sizeof b->model);
	return 0;
}

int block_open(struct block *b, const char *path, int deep, struct err *e)
{
	*b = (struct block){0};
	int r = map_open(&b->map, path, e);
	if (r)
		return r;
	r = parse(b, path, deep, e);
	if (r)
		map_close(&b->map);
	return r;
}

void block_close(struct block *b)
{
	map_close(&b->map);
}

int block_write(const struct block *b, const char *path, struct err *e)
{
	struct buf head = {0};
	uint8_t sum[16];
	hash_xxh128(b->payload, (size_t)b->payload_len, sum);
	buf_add(&head, "TTKV", 4);
	buf_u32(&head, BLOCK_VERSION);
	buf_add(&head, b->id, HASH_ID_LEN);
	buf_add(&head, b->parent, HASH_ID_LEN);
	buf_u32(&head, b->n_tok);
	buf_u32(&head, b->n_origin);
	buf_add(&head, b->model, HASH_ID_LEN);
	buf_u64(&head, 0);
	buf_u64(&head, b->payload_len);
	buf_u64(&head, b->cost_ns);
	buf_add(&head, sum, sizeof sum);
	buf_add(&head, b->tok, (size_t)b->n_tok * 4);
	buf_add(&head, b->origin, (size_t)b->n_origin * HASH_ID_LEN);
	if (!head.failed)
		buf_u64(&head, hash_xxh64(head.data, head.len));
	buf_align(&head, 64);
	if (head.failed) {
		buf_release(&head);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	}
	struct aside a;
	int r = aside_open(&a, path, 0600, e);
	if (!r) {
		static const char no_hits[4];
		r = io_write(a.fd, head.data, head.len, a.tmp, e);
		r = r ? r : io_write(a.fd, b->payload, (size_t)b->payload_len, a.tmp, e);
		r = r ? r : io_write(a.fd, no_hits, sizeof no_hits, a.tmp, e);
		if (r)
			aside_abort(&a);
		else
			r = aside_publish(&a, e);
	}
	buf_release(&head);
	return r;
}

void block_touch(const struct block *b, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	uint32_t hits = b->hits + 1;
	uint8_t le[4] = { (uint8_t)hits, (uint8_t)(hits >> 8), (uint8_t)(hits >> 16), (uint8_t)(hits >> 24) };
	struct stat st;
	/* The file may have been replaced or removed meanwhile: only a file of the same length is touched. */
	if (!fstat(fd, &st) && (size_t)st.st_size == b->map.len && pwrite(fd, le, 4, st.st_size - 4) == 4)
		futimens(fd, NULL);
	close(fd);
}
