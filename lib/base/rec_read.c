/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_read: from a descriptor to checked records. One buffer holds what has been read and not yet handed out:
 *
 *	buf   [ handed out | this record ........ | bytes beyond it ... ]
 *	       0            at                     at + len         buf.len
 *
 * A record begins with '{' (a JSON line, converted to msgpack in `conv`) or with a msgpack map; 0x7b cannot begin a
 * record in msgpack, so each record says for itself which it is. Either way its msgpack bytes go through rec_scan, then
 * msgpack-c, then the frame: head opens a stream, end closes it and must agree in count and hash. The hash covers the
 * msgpack bytes of every record before `end`, so the two forms of one stream have the same.
 */
#include "lib/base/rec.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/rec_json.h"
#include "lib/base/rec_scan.h"
#include "lib/base/utf8.h"

#define READ_BYTES 65536u
#define STAGE_MAX 64

enum frame { OUTSIDE, IN_STREAM, BARE };

struct rec_reader {
	int fd;
	char *name;
	struct buf buf;
	size_t at;		/* start of the next record in buf */
	uint64_t base;		/* byte offset of buf[0] in the input */
	bool eof, allow_bare, allow_kindless, any;	/* any: at least one record or complete stream was seen */
	enum frame frame;
	bool is_json;		/* the last record was a JSON line */
	uint64_t n;		/* records so far in this stream */
	char stage[STAGE_MAX];	/* `tool` of the head, for messages */
	struct hash_stream *hash;
	struct rec_scan scan;	/* of the record at `at`, when it is msgpack */
	struct rec_scan scan_conv;
	struct buf conv;
	msgpack_zone zone;
	msgpack_object map;
	struct err failed;	/* the first failure; it stays */
};

int rec_reader_open(struct rec_reader **out, int fd, const char *name, struct err *e)
{
	struct rec_reader *r = calloc(1, sizeof *r);
	*out = NULL;
	if (!r || !msgpack_zone_init(&r->zone, 8192)) {
		free(r);
		return err_memory(e);
	}
	r->fd = fd;
	r->name = strdup(name);
	r->hash = hash_stream_new();
	if (!r->name || !r->hash) {
		rec_reader_close(r);
		return err_memory(e);
	}
	*out = r;
	return 0;
}

void rec_reader_close(struct rec_reader *r)
{
	if (!r)
		return;
	free(r->name);
	if (r->hash)
		hash_stream_free(r->hash);
	buf_release(&r->buf);
	buf_release(&r->conv);
	msgpack_zone_destroy(&r->zone);
	free(r);
}

void rec_reader_allow_bare(struct rec_reader *r, bool on)
{
	r->allow_bare = on;
}

void rec_reader_allow_kindless(struct rec_reader *r, bool on)
{
	r->allow_kindless = on;
}

bool rec_reader_is_json(const struct rec_reader *r)
{
	return r->is_json;
}

/* ---- bytes ---- */

/* Reads once more into the buffer. Bytes already handed out are dropped only here, so borrowed records stay whole. */
static int fill(struct rec_reader *r, struct err *e)
{
	if (r->at) {
		memmove(r->buf.data, r->buf.data + r->at, r->buf.len - r->at);
		r->buf.len -= r->at;
		r->base += r->at;
		r->at = 0;
	}
	if (buf_reserve(&r->buf, READ_BYTES))
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "%s: out of memory", r->name);
	long got = io_read(r->fd, r->buf.data + r->buf.len, r->buf.cap - r->buf.len - 1);
	if (got < 0)
		return err_sys(e, errno == EAGAIN ? ERR_AGAIN : ERR_IO, "cannot read '%s'", r->name);
	r->buf.len += (size_t)got;
	r->buf.data[r->buf.len] = '\0';
	r->eof = got == 0;
	return 0;
}

static size_t have(const struct rec_reader *r)
{
	return r->buf.len - r->at;
}

/* Reads until `n` bytes are there or the input ends. */
static int want(struct rec_reader *r, size_t n, struct err *e)
{
	while (have(r) < n && !r->eof) {
		int f = fill(r, e);
		if (f)
			return f;
	}
	return 0;
}

/* Finds the newline at or after offset `from`, reading more as needed: 1 found, 0 input ends first, <0. */
static int want_line(struct rec_reader *r, size_t *len, struct err *e)
{
	size_t seen = 0;
	for (;;) {
		const char *p = r->buf.data ? r->buf.data + r->at : NULL;
		const char *nl = have(r) > seen ? memchr(p + seen, '\n', have(r) - seen) : NULL;
		if (nl) {
			*len = (size_t)(nl - p);
			return 1;
		}
		seen = have(r);
		if (seen > REC_MAX_BYTES)
			return err_set(e, ERR_LIMIT, r->base + r->at, "%s: a line is longer than %u bytes", r->name,
				       REC_MAX_BYTES);
		if (r->eof) {
			*len = seen;
			return 0;
		}
		int f = fill(r, e);
		if (f)
			return f;
	}
}

int rec_reader_line(struct rec_reader *r, const char **s, size_t *n, struct err *e)
{
	size_t len;
	int got = want_line(r, &len, e);
	if (got < 0 || (got == 0 && len == 0))
		return got;
	*s = r->buf.data + r->at;
	*n = len;
	r->at += len + (got > 0);
	return 1;
}

/* Passes over a byte order mark. */
static int skip_bom(struct rec_reader *r, struct err *e)
{
	int f = want(r, 1, e);
	if (!f && have(r) && r->buf.data[r->at] == '\xEF')
		f = want(r, 3, e);
	if (!f && have(r))
		r->at += utf8_bom(r->buf.data + r->at, have(r));
	return f;
}

int rec_reader_sniff(struct rec_reader *r, bool *is_rec, struct err *e)
{
	int f = skip_bom(r, e);
	if (!f)
		f = want(r, 1, e);
	unsigned char c = have(r) ? (unsigned char)r->buf.data[r->at] : 0;
	if (!f && (c == 0xDE || c == 0xDF))
		f = want(r, 2, e);
	if (f)
		return f;
	/* In text, de and df begin a letter and are followed by 80..bf; in a record by the high byte of a small count. */
	unsigned char next = have(r) > 1 ? (unsigned char)r->buf.data[r->at + 1] : 0;
	*is_rec = c == '{' || (c >= 0x80 && c <= 0x8F) || ((c == 0xDE || c == 0xDF) && next <= 1);
	return 0;
}

bool rec_reader_would_block(struct rec_reader *r)
{
	if (r->eof)
		return false;
	if (have(r)) {
		const char *p = r->buf.data + r->at;
		bool text = r->is_json || *p == '{' || r->n == 0;
		/* A msgpack record that is partly here is on its way; a line counts when its newline has come. */
		if (!text || memchr(p, '\n', have(r)))
			return false;
	}
	struct pollfd f = { .fd = r->fd, .events = POLLIN };
	return poll(&f, 1, 0) == 0;
}

/* ---- one record ---- */

/* Completes a message with where it happened; the offset becomes one in the whole input. */
static int place(struct rec_reader *r, uint64_t at, struct err *e)
{
	if (e->at != ERR_NO_OFFSET)
		e->at += at;
	return r->stage[0] ? err_wrap(e, "%s: record %llu from %s", r->name, (unsigned long long)r->n, r->stage)
			   : err_wrap(e, "%s: record %llu", r->name, (unsigned long long)r->n);
}

/* Gets the msgpack record at `at`: its length in *len. */
static int get_msgpack(struct rec_reader *r, size_t *len, struct err *e)
{
	rec_scan_reset(&r->scan);
	for (;;) {
		int got = rec_scan(&r->scan, r->buf.data + r->at, have(r), e);
		if (got < 0)
			return got;
		if (got) {
			*len = r->scan.at;
			return 0;
		}
		int f = want(r, r->scan.need, e);
		if (f)
			return f;
		if (have(r) < r->scan.need)
			return err_set(e, ERR_EOF, have(r), "the input ends inside a record");
	}
}

/* Gets the JSON line at `at` into `conv`; *len is the length of the line, newline included. */
static int get_json(struct rec_reader *r, size_t *len, struct err *e)
{
	int nl = want_line(r, len, e);
	if (nl < 0)
		return nl;
	buf_clear(&r->conv);
	const char *line = r->buf.data + r->at;
	int f = rec_json_get(&r->conv, line, *len, e);
	/* A fault at the end of a line that has none is that end; one before it speaks for itself. */
	if (f && !nl && e->at != ERR_NO_OFFSET && e->at >= utf8_whole(line, *len))
		return err_set(e, ERR_EOF, *len, "the input ends inside a line of JSON");
	if (f)
		return f;
	*len += (size_t)nl;
	rec_scan_reset(&r->scan_conv);
	f = rec_scan(&r->scan_conv, r->conv.data, r->conv.len, e);
	if (f < 0)
		e->at = 0;	/* an offset in the converted bytes means nothing to the reader of the message */
	return f < 0 ? f : f == 1 ? 0 : err_set(e, ERR_BUG, 0, "conversion from JSON failed");
}

static int parse(struct rec_reader *r, const void *p, size_t n, struct err *e)
{
	size_t off = 0;
	msgpack_zone_clear(&r->zone);
	msgpack_unpack_return u = msgpack_unpack(p, n, &off, &r->zone, &r->map);
	if (u == MSGPACK_UNPACK_NOMEM_ERROR)
		return err_set(e, ERR_MEM, 0, "out of memory");
	return u == MSGPACK_UNPACK_SUCCESS ? 0 : err_set(e, ERR_FORMAT, 0, "not msgpack");
}

/* ---- the frame: head, records, end ---- */

static int open_stream(struct rec_reader *r, const struct rec *rec, struct err *e)
{
	uint64_t format;
	const char *tool;
	size_t n;
	if (r->frame == IN_STREAM)
		return err_set(e, ERR_FORMAT, 0, "a head where the end of the stream before is missing");
	if (!rec_u64(rec, "format", &format))
		return err_set(e, ERR_FORMAT, 0, "a head without a format number");
	if (format == 0 || format > REC_FORMAT)
		return err_set(e, ERR_VERSION, 0, "format %llu of records is not known, only up to %d",
			       (unsigned long long)format, REC_FORMAT);
	const msgpack_object *f = rec_get(rec, "features");
	if (f && f->type == MSGPACK_OBJECT_ARRAY && f->via.array.size > 0) {
		const msgpack_object *first = &f->via.array.ptr[0];	/* format 1 has no features yet */
		bool is_str = first->type == MSGPACK_OBJECT_STR && first->via.str.size < 64;
		return err_set(e, ERR_VERSION, 0, "feature '%.*s' of the stream is not known",
			       is_str ? (int)first->via.str.size : 1, is_str ? first->via.str.ptr : "?");
	}
	if (f && f->type != MSGPACK_OBJECT_ARRAY)
		return err_set(e, ERR_FORMAT, 0, "features of a head are not a list");
	r->stage[0] = '\0';
	if (rec_str(rec, "tool", &tool, &n))
		for (size_t i = 0; i < n && i < STAGE_MAX - 1; i++) {
			r->stage[i] = tool[i] > ' ' && tool[i] < 127 ? tool[i] : '?';	/* it goes to a terminal */
			r->stage[i + 1] = '\0';
		}
	if (r->frame == BARE) {		/* lines before it were a stream of their own */
		r->n = 0;
		hash_stream_reset(r->hash);
	}
	r->frame = IN_STREAM;
	return 0;
}

/* Checks an `end` record. In JSON lines, which people edit, count and hash may be left out. */
static int close_stream(struct rec_reader *r, const struct rec *rec, struct err *e)
{
	uint64_t n;
	uint8_t sum[16];
	char hex[33];
	const char *s;
	size_t len;
	if (r->frame == OUTSIDE)
		return err_set(e, ERR_FORMAT, 0, "an end without a stream");
	bool has_n = rec_u64(rec, "n", &n), has_sum = rec_str(rec, "xxh3", &s, &len);
	if (!r->is_json && (!has_n || !has_sum))
		return err_set(e, ERR_FORMAT, 0, "an end without its count or hash");
	if (has_n && n != r->n)
		return err_set(e, ERR_CHECKSUM, 0, "the stream says it has %llu records, and has %llu",
			       (unsigned long long)n, (unsigned long long)r->n);
	hash_stream_get(r->hash, sum);
	hash_hex(sum, sizeof sum, hex);
	if (has_sum && (len != 32 || memcmp(hex, s, 32) != 0))
		return err_set(e, ERR_CHECKSUM, 0, "the stream was changed on its way: its hash is %s", hex);
	r->frame = OUTSIDE;
	r->n = 0;
	hash_stream_reset(r->hash);
	r->stage[0] = '\0';
	r->any = true;
	return 0;
}

/* Puts a record into the frame: 1 it is the caller's, 0 it was an `end`, <0. */
static int frame_record(struct rec_reader *r, const struct rec *rec, struct err *e)
{
	const char *kind;
	size_t n;
	bool has_kind = rec_str(rec, "kind", &kind, &n) && n > 0;
	if (!has_kind && (rec_get(rec, "kind") || !r->is_json || !r->allow_kindless))
		return err_set(e, ERR_FORMAT, 0, "a record without a kind");
	if (rec_is(rec, "end"))
		return close_stream(r, rec, e);
	int f = 0;
	if (rec_is(rec, "head"))
		f = open_stream(r, rec, e);
	else if (r->frame == OUTSIDE && (r->is_json || r->allow_bare))
		r->frame = BARE;
	else if (r->frame == OUTSIDE)
		f = err_set(e, ERR_FORMAT, 0, "the stream does not begin with a head");
	if (f)
		return f;
	hash_stream_add(r->hash, rec->raw, rec->raw_len);
	r->n++;
	r->any = true;
	return 1;
}

/* Skips white space between lines of JSON, then sees whether another record begins: 1, or 0 at the end of input. What may be skipped
 * is bounded as a record is, so that a reader which has to answer in time comes back. */
static int next_begins(struct rec_reader *r, struct err *e)
{
	for (size_t n = 0; n <= REC_MAX_BYTES; n++) {
		int f = want(r, 1, e);
		if (f)
			return f;
		if (!have(r))
			return 0;
		char c = r->buf.data[r->at];
		if (!r->is_json || (c != '\n' && c != ' ' && c != '\t' && c != '\r'))
			return 1;
		r->at++;
	}
	return err_set(e, ERR_LIMIT, 0, "more than %u bytes of white space between records", REC_MAX_BYTES);
}

static int at_eof(struct rec_reader *r, struct err *e)
{
	if (r->frame == IN_STREAM)
		return err_set(e, ERR_EOF, 0, "the stream ends without its end record");
	if (!r->any && !r->allow_bare)
		return err_set(e, ERR_EOF, 0, "empty input where records are expected");
	return 0;
}

static int read_one(struct rec_reader *r, struct rec *out, struct err *e)
{
	size_t len = 0;
	int f;
	do {
		f = next_begins(r, e);
		if (f < 0)
			return f;
		if (f == 0)
			return at_eof(r, e);
		r->is_json = r->buf.data[r->at] == '{';
		f = r->is_json ? get_json(r, &len, e) : get_msgpack(r, &len, e);
		if (f)
			return f;
		out->raw = r->is_json ? r->conv.data : r->buf.data + r->at;
		out->raw_len = r->is_json ? r->conv.len : len;
		out->map = &r->map;
		f = parse(r, out->raw, out->raw_len, e);
		if (f)
			return f;
		out->n = r->n;
		out->at = r->base + r->at;
		f = frame_record(r, out, e);
		if (f >= 0)
			r->at += len;
	} while (f == 0);
	return f;
}

int rec_read(struct rec_reader *r, struct rec *out, struct err *e)
{
	if (!r->failed.code) {
		struct err mine = {0};
		int f = read_one(r, out, &mine);
		if (f >= 0)
			return f;
		if (f == ERR_AGAIN) {		/* nothing of the record has been taken: the next call begins with it again */
			if (e)
				*e = mine;
			return f;
		}
		if (mine.code != ERR_IO)
			place(r, r->base + r->at, &mine);
		r->failed = mine;
	}
	if (e)
		*e = r->failed;
	return r->failed.code;
}
