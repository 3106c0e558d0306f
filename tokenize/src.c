/* SPDX-License-Identifier: Apache-2.0
 *
 * src: read, hash, gunzip. A file that is not held is read twice, once for the hash and once for the text.
 * Size, mtime and ctime tell whether it changed in between.
 */
#include "tokenize/src.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/utf8.h"

#define RATIO_MAX 100u			/* decompressed : compressed, beyond RATIO_FREE bytes */
#define RATIO_FREE (8u << 20)
#define GUNZIP_MAX (256u << 20)

struct src_gz { z_stream z; bool done; unsigned char in[65536]; };

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int hash_file(struct src *s, bool text, struct err *e)
{
	char piece[65536];
	unsigned char magic[2] = {0};
	struct hash_stream *h = hash_stream_new();
	if (!h)
		return err_memory(e);
	s->held = s->st.st_size <= (off_t)SRC_HELD;
	int rc = 0;
	for (;;) {
		long n = io_read(s->fd, piece, sizeof piece);
		if (n < 0)
			rc = err_sys(e, ERR_IO, "cannot read '%s'", s->name);
		if (n <= 0)
			break;
		for (size_t i = 0; i < 2 && s->raw_len + i < 2 && i < (size_t)n; i++)
			magic[s->raw_len + i] = (unsigned char)piece[i];
		hash_stream_add(h, piece, (size_t)n);
		s->raw_len += (uint64_t)n;
		if (s->held && s->raw.len + (size_t)n > 2 * SRC_HELD) {	/* it grows as we read */
			buf_release(&s->raw);
			s->held = false;
		}
		if (s->held && buf_add(&s->raw, piece, (size_t)n) < 0) {
			rc = err_memory(e);
			break;
		}
		s->gz = magic[0] == 0x1F && magic[1] == 0x8B;
		s->binary = text && !s->gz && memchr(piece, 0, (size_t)n);
		if (s->binary)		/* what follows may be a disk's worth of holes */
			break;
	}
	hash_stream_get(h, s->hash);
	hash_stream_free(h);
	s->mixed |= !s->binary && s->raw_len != (uint64_t)s->st.st_size && S_ISREG(s->st.st_mode);
	return rc;
}

static int opened(struct src *s, bool text, struct err *e)
{
	int rc = hash_file(s, text, e);
	if (rc == 0)
		rc = src_rewind(s, e);
	if (rc < 0)
		src_close(s);
	return rc;
}

int src_open(struct src *s, const char *path, bool text, struct err *e)
{
	*s = (struct src){ .name = path, .fd = -1 };
	s->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s->fd < 0) {
		int code = errno == ENXIO ? ERR_UNSUPPORTED : errno == EMFILE || errno == ENFILE ? ERR_IO : errno == EACCES ? ERR_PERM : ERR_NOENT;
		return err_sys(e, code, "cannot open '%s'", path);
	}
	int rc = 0;
	if (fstat(s->fd, &s->st) < 0)
		rc = err_sys(e, ERR_IO, "cannot stat '%s'", path);
	else if (S_ISDIR(s->st.st_mode))
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s' is a folder; give the files in it, as find names them", path);
	else if (!S_ISREG(s->st.st_mode))
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s' is not a regular file", path);
	if (rc < 0) {
		src_close(s);
		return rc;
	}
	return opened(s, text, e);
}

int src_open_fd(struct src *s, int fd, const char *name, bool text, struct err *e)
{
	*s = (struct src){ .name = name, .fd = fd };
	if (fstat(fd, &s->st) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		int rc = err_sys(e, ERR_IO, "cannot rewind '%s'", name);
		src_close(s);
		return rc;
	}
	return opened(s, text, e);
}

int src_open_mem(struct src *s, const void *p, size_t n, const char *name, struct err *e)
{
	*s = (struct src){ .name = name, .fd = -1, .held = true, .raw_len = n };
	if (buf_add(&s->raw, p, n) < 0)
		return err_memory(e);
	hash_xxh128(p, n, s->hash);
	s->st.st_size = (off_t)n;
	return 0;
}

static void gz_free(struct src *s)
{
	if (!s->z)
		return;
	inflateEnd(&s->z->z);
	free(s->z);
	s->z = NULL;
}

int src_rewind(struct src *s, struct err *e)
{
	s->raw_at = s->out_len = 0;
	gz_free(s);
	if (!s->held && lseek(s->fd, 0, SEEK_SET) < 0)
		return err_sys(e, ERR_IO, "cannot rewind '%s'", s->name);
	if (!s->gz)
		return 0;
	s->z = calloc(1, sizeof *s->z);
	if (!s->z || inflateInit2(&s->z->z, 15 + 16) != Z_OK) {
		free(s->z);
		s->z = NULL;
		return err_memory(e);
	}
	return 0;
}

static long raw_read(struct src *s, void *p, size_t n, struct err *e)
{
	long got;
	if (s->held) {
		size_t left = s->raw.len - (size_t)s->raw_at;
		got = (long)(n < left ? n : left);
		if (got > 0)
			memcpy(p, s->raw.data + s->raw_at, (size_t)got);
	} else {
		got = io_read(s->fd, p, n);
		if (got < 0)
			return err_sys(e, ERR_IO, "cannot read '%s'", s->name);
	}
	s->raw_at += (uint64_t)got;
	return got;
}

/* Reads more of the file; 0 at its end. */
static long gz_fill(struct src *s, struct err *e)
{
	struct src_gz *g = s->z;
	long got = raw_read(s, g->in, sizeof g->in, e);
	if (got == 0 && !g->done)
		return err_set(e, ERR_EOF, s->raw_at, "'%s': compressed data ends early", s->name);
	g->z.next_in = g->in;
	g->z.avail_in = got > 0 ? (uInt)got : 0;
	return got;
}

static long gz_read(struct src *s, char *p, size_t n, struct err *e)
{
	struct src_gz *g = s->z;
	g->z.next_out = (unsigned char *)p;
	g->z.avail_out = n > UINT32_MAX ? UINT32_MAX : (uInt)n;
	size_t want = g->z.avail_out;
	while (g->z.avail_out > 0) {
		long got = g->z.avail_in ? 1 : gz_fill(s, e);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		if (g->done) {		/* another member, or padding */
			if (g->z.next_in[0] != 0x1F)
				break;
			inflateReset(&g->z);
			g->done = false;
		}
		int rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			g->done = true;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			return err_set(e, ERR_FORMAT, s->raw_at - g->z.avail_in, "'%s': bad compressed data", s->name);
	}
	size_t made = want - g->z.avail_out;
	s->out_len += made;
	if (s->out_len > GUNZIP_MAX)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' holds over %u MiB when decompressed", s->name, GUNZIP_MAX >> 20);
	if (s->out_len > RATIO_FREE && s->out_len / RATIO_MAX > s->raw_len)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' grows to over %u times its size when decompressed", s->name,
			       RATIO_MAX);
	return (long)made;
}

long src_read(struct src *s, char *p, size_t n, struct err *e)
{
	return s->gz ? gz_read(s, p, n, e) : raw_read(s, p, n, e);
}

/* Bytes of a document's text. */
static long text_read(struct src *s, char *p, size_t n, struct err *e)
{
	long got = src_read(s, p, n, e);
	return got > 0 && memchr(p, 0, (size_t)got) ? err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "binary") : got;
}

int src_slurp(struct src *s, struct buf *b, size_t max, struct err *e)
{
	for (;;) {
		if (buf_reserve(b, 65536) < 0)
			return err_memory(e);
		long n = text_read(s, b->data + b->len, 65536, e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		b->len += (size_t)n;
		if (b->len > max)
			return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' holds over %zu bytes", s->name, max);
	}
	b->data[b->len] = 0;
	return 0;
}

/* A held file was read in one go: it is whole if nothing changed since before. One that was read twice must hash the same. */
bool src_changed(struct src *s, bool to_end)
{
	struct stat now;
	if (s->fd < 0)
		return false;
	if (s->mixed || fstat(s->fd, &now) < 0 || !same_file(&s->st, &now))
		return true;
	return to_end && !s->held && s->raw_at != s->raw_len;
}

void src_close(struct src *s)
{
	gz_free(s);
	buf_release(&s->raw);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- lines ---- */

#define PIECE 65536u

int lines_open(struct lines *l, struct src *src, struct err *e)
{
	*l = (struct lines){ .src = src, .cap = 2 * PIECE, .line = 1 };
	l->buf = malloc(l->cap + 1);
	return l->buf ? 0 : err_memory(e);
}

int lines_close(struct lines *l, struct err *e)
{
	free(l->buf);
	l->buf = NULL;
	if (l->err.code && e)
		*e = l->err;
	return l->err.code;
}

bool line_is_blank(const struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->p[i] != ' ' && l->p[i] != '\t' && l->p[i] != '\f')
			return false;
	return true;
}

/* Makes at least PIECE + 2 bytes available unless the source ends. */
static bool fill(struct lines *l)
{
	if (l->eof || l->to - l->from >= PIECE + 2)
		return true;
	memmove(l->buf, l->buf + l->from, l->to - l->from);
	l->to -= l->from;
	l->from = 0;
	while (!l->eof && l->to < l->cap) {
		long n = text_read(l->src, l->buf + l->to, l->cap - l->to, &l->err);
		if (n < 0)
			return false;
		l->eof = n == 0;
		l->to += (size_t)n;
	}
	if (!l->bom) {
		l->bom = true;
		size_t bom = utf8_bom(l->buf, l->to);
		l->from += bom;
		l->off += bom;
	}
	return true;
}

/* Where a piece without a line end may be cut: not within a character. */
static size_t whole_piece(const char *p, size_t n)
{
	size_t k = n;
	while (k > n - 4 && ((unsigned char)p[k] & 0xC0) == 0x80)
		k--;
	return k > n - 4 ? k : n;
}

bool lines_next(struct lines *l, struct line *out)
{
	if (!fill(l) || l->from == l->to)
		return false;
	const char *p = l->buf + l->from;
	size_t n = l->to - l->from, max = n < PIECE ? n : PIECE;
	size_t known = l->no_lf > l->off ? (size_t)(l->no_lf - l->off) : 0;
	const char *lf = known < max ? memchr(p + known, '\n', max - known) : NULL;
	size_t len = lf ? (size_t)(lf - p) : max;
	l->no_lf = l->off + len;
	const char *cr = memchr(p, '\r', len);
	if (cr)
		len = (size_t)(cr - p);
	*out = (struct line){ .p = p, .n = len, .off = l->off, .line = l->line, .first = !l->mid };
	if (cr)
		out->end = len + 1 < n && p[len + 1] == '\n' ? 2 : 1;
	else if (lf)
		out->end = 1, out->lf = true;
	else if (n > max)
		out->n = whole_piece(p, max);
	l->mid = out->end == 0;
	l->line += out->end > 0;
	l->from += out->n + out->end;
	l->off += out->n + out->end;
	return true;
}
