/* SPDX-License-Identifier: Apache-2.0
 *
 * source: zlib reads a plain file as it is and a gzip file decompressed, so one way of reading serves both. The file is read and
 * never mapped: it is somebody else's, who may cut it short meanwhile.
 *
 * A quote comes from rendered text, and the source may be roff: "-x" is written "\-x" and "bold" as "\fBbold\fP" there. Both sides
 * are therefore taken as words (letters and digits, folded to lower case, bytes beyond ASCII as they are), with roff's escapes
 * left out, and the quote must match from one of the words on.
 */
#include "retrieve/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"

static int hash_disk(struct source *s, int fd, struct err *e)
{
	char piece[65536];
	uint8_t sum[16];
	long n;
	struct hash_stream *h = hash_stream_new();
	if (!h)
		return err_memory(e);
	while ((n = io_read(fd, piece, sizeof piece)) > 0)
		hash_stream_add(h, piece, (size_t)n);
	hash_stream_get(h, sum);
	hash_stream_free(h);
	hash_hex(sum, sizeof sum, s->disk);
	return n < 0 || lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, ERR_IO, "cannot read '%s'", s->path) : 0;
}

static int too_long(const struct source *s, uint64_t at, struct err *e)
{
	return err_set(e, ERR_LIMIT, at, "'%s' is longer than %zu bytes", s->path, SOURCE_MAX);
}

/* Takes fd. */
static int read_plain(struct source *s, int fd, struct err *e)
{
	gzFile z = gzdopen(fd, "rb");
	int r = 0, n = 1, why;
	if (!z) {
		close(fd);
		return err_memory(e);
	}
	while (!r && n > 0) {
		if (buf_reserve(&s->text, 1 << 16)) {
			r = err_memory(e);
			break;
		}
		n = gzread(z, s->text.data + s->text.len, 1 << 16);
		if (n < 0 && (gzerror(z, &why), why == Z_MEM_ERROR))
			r = err_memory(e);
		else if (n < 0)
			r = err_set(e, ERR_FORMAT, s->text.len, "cannot decompress '%s'", s->path);
		else
			s->text.len += (size_t)n;
		if (s->text.len > SOURCE_MAX)
			r = too_long(s, s->text.len, e);
	}
	if (gzclose(z) == Z_BUF_ERROR && !r)
		r = err_set(e, ERR_EOF, s->text.len, "'%s': compressed data ends early", s->path);
	return r;
}

int source_read(struct source *s, const char *path, struct err *e)
{
	uint8_t sum[16];
	struct stat st;
	*s = (struct source){ .path = strdup(path) };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = 0;
	if (!s->path)
		r = err_memory(e);
	else if (fd < 0 || fstat(fd, &st) < 0)
		r = err_sys(e, ERR_NOENT, "cannot open '%s'", path);
	else if (!S_ISREG(st.st_mode))
		r = err_set(e, ERR_NOENT, ERR_NO_OFFSET, "cannot open '%s': not a regular file", path);
	else if ((uint64_t)st.st_size > SOURCE_MAX)	/* a disk's worth of holes, perhaps */
		r = too_long(s, ERR_NO_OFFSET, e);
	else
		r = hash_disk(s, fd, e);
	if (!r)
		r = read_plain(s, fd, e);
	else if (fd >= 0)
		close(fd);
	if (!r) {
		hash_xxh128(s->text.data, s->text.len, sum);
		hash_hex(sum, sizeof sum, s->plain);
	} else {
		if (r == ERR_MEM)
			err_wrap(e, "cannot read '%s'", path);
		source_release(s);
	}
	return r;
}

void source_release(struct source *s)
{
	free(s->path);
	buf_release(&s->text);
	*s = (struct source){0};
}

bool source_has_sum(const struct source *s, const char *sum, size_t n)
{
	return n == 32 && (memcmp(sum, s->disk, 32) == 0 || memcmp(sum, s->plain, 32) == 0);
}

/* ---- words ---- */

static bool is_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* Bytes of the punctuation at p that is beyond ASCII: U+2000 to U+207F (dashes, quotation marks, bullets) and U+3000 to U+303F. */
static size_t mark_len(const char *p, const char *end)
{
	return end - p > 2 && (memcmp(p, "\xE2\x80", 2) == 0 || memcmp(p, "\xE2\x81", 2) == 0 || memcmp(p, "\xE3\x80", 2) == 0) ? 3 : 0;
}

/* Moves *p behind an escape of roff (at a backslash): \fB \f[B] \*(Aq \s-1 \(em \[em] \- \& \e. */
static void skip_escape(const char **p, const char *end)
{
	const char *c = *p + 1;
	char of = c < end ? *c : '\0';
	if (of == 's') {	/* a size, of one digit, or of two that begin with 1 to 3 */
		c++;
		bool is_relative = c < end && (*c == '+' || *c == '-');
		c += is_relative;
		c += !is_relative && end - c > 1 && *c >= '1' && *c <= '3' && c[1] >= '0' && c[1] <= '9';
	} else if (of && strchr("fFmM*n", of)) {	/* a font, a colour, a string, a register: the name follows */
		c++;
	}
	if (c < end && *c == '(') {
		*p = end - c < 3 ? end : c + 3;
		return;
	}
	if (c < end && *c == '[') {
		while (c < end && *c != ']')
			c++;
	}
	*p = c < end ? c + 1 : end;
}

/* Behind the escapes at p that show nothing, which may stand within a word: \s-1HTML\s0s. */
static const char *skip_unseen(const char *p, const char *end)
{
	while (end - p > 1 && *p == '\\' && (p[1] == 'f' || p[1] == 's' || p[1] == 'm' || p[1] == '&'))
		skip_escape(&p, end);
	return p;
}

struct word { const char *s, *end; };

/* The next word at or behind *p; s NULL at the end. */
static struct word next_word(const char **p, const char *end)
{
	size_t mark = 0;
	while (*p < end && ((mark = mark_len(*p, end)) || !is_word((unsigned char)**p))) {
		if (**p == '\\')
			skip_escape(p, end);
		else
			*p += mark ? mark : 1;
	}
	struct word w = { *p < end ? *p : NULL, *p };
	for (const char *c = *p; c < end && is_word((unsigned char)*c) && !mark_len(c, end); c = skip_unseen(c, end))
		w.end = ++c;
	*p = w.end;
	return w;
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool same(struct word a, struct word b)
{
	while (a.s < a.end && b.s < b.end && lower(*a.s) == lower(*b.s)) {
		a.s = skip_unseen(a.s + 1, a.end);
		b.s = skip_unseen(b.s + 1, b.end);
	}
	return a.s == a.end && b.s == b.end;
}

/* True if w is the name of a macro: behind a full stop that begins a line. */
static bool is_macro(const char *from, struct word w)
{
	return w.end - w.s <= 2 && w.s > from && w.s[-1] == '.' && (w.s - 1 == from || w.s[-2] == '\n');
}

/* True if the words of quote stand at p, the first of them at once; the text begins at `from`. Macros and the entries of an index (.IX)
 * are no words between. */
static bool matches(const char *from, const char *p, const char *end, const char *quote, const char *quote_end)
{
	struct word want = next_word(&quote, quote_end);
	int gap = 0;
	while (want.s) {
		struct word got = next_word(&p, end);
		if (!got.s)
			return false;
		if (same(got, want)) {
			want = next_word(&quote, quote_end);
			gap = 0;
		} else if (!is_macro(from, got)) {
			if (++gap > SOURCE_GAP)
				return false;
		} else if (got.end - got.s == 2 && memcmp(got.s, "IX", 2) == 0) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			p = nl ? nl : end;
		}
	}
	return true;
}

bool source_has_quote(const struct source *s, uint64_t from, uint64_t to, const char *quote, size_t n)
{
	if (to > s->text.len || from >= to)
		return false;
	const char *p = s->text.data + from, *end = s->text.data + to, *q = quote;
	struct word first = next_word(&q, quote + n);
	while (first.s && p < end) {
		const char *at = p;
		struct word w = next_word(&p, end);
		if (w.s && same(w, first) && matches(s->text.data, w.s, end, quote, quote + n))
			return true;
		if (p == at)
			break;
	}
	return false;
}
