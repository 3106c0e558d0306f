/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_write: records are packed key by key into `body`; rec_emit puts the map's size in front, looks at the result with
 * the same scan that readers use (so that a record nobody could read never leaves), adds it to the stream's hash, and
 * appends it, as msgpack or as a JSON line, to `out`:
 *
 *	rec_put_* -> body ->+-> rec (map header + body) -> rec_scan -> hash -> [JSON] -> out -> fd, at 64 KiB or rec_flush
 *
 * Failures of memory stick in the bufs and are reported by rec_emit. The head is held back until the first record, so
 * that rec_writer_json may still choose the form.
 */
#include "lib/base/rec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/rec_json.h"
#include "lib/base/rec_scan.h"
#include "lib/base/utf8.h"

#define FLUSH_BYTES 65536u

struct rec_writer {
	int fd;
	rec_put_fn put;		/* takes the bytes in place of fd; may be NULL */
	void *arg;
	char *tool, *model;
	bool json, flush_each;	/* a person watches: each record is shown at once */
	bool bare;		/* no head of our own */
	bool begun;		/* the head is out */
	struct buf body, rec, out;
	msgpack_packer pk;
	size_t n_key;
	uint64_t n;		/* records written in this stream, head included */
	struct hash_stream *hash;
	struct rec_scan scan;
};

static int write_to_buf(void *arg, const char *s, size_t n)
{
	return buf_add(arg, s, n);
}

static int open_writer(struct rec_writer **out, int fd, const char *tool, const char *model, bool bare, struct err *e)
{
	struct rec_writer *w = calloc(1, sizeof *w);
	*out = NULL;
	if (!w)
		return err_memory(e);
	w->fd = fd;
	w->bare = bare;
	w->json = w->flush_each = isatty(fd) == 1;
	w->hash = hash_stream_new();
	w->tool = strdup(tool);
	w->model = model ? strdup(model) : NULL;
	msgpack_packer_init(&w->pk, &w->body, write_to_buf);
	if (!w->hash || !w->tool || (model && !w->model)) {
		rec_writer_abort(w);
		return err_memory(e);
	}
	*out = w;
	return 0;
}

int rec_writer_open(struct rec_writer **w, int fd, const char *tool, const char *model, struct err *e)
{
	return open_writer(w, fd, tool, model, false, e);
}

int rec_writer_model(struct rec_writer *w, const char *model, size_t n, struct err *e)
{
	char *copy = strndup(model, n);
	if (!copy)
		return err_memory(e);
	free(w->model);
	w->model = copy;
	return 0;
}

int rec_writer_open_bare(struct rec_writer **w, int fd, const char *tool, struct err *e)
{
	return open_writer(w, fd, tool, NULL, true, e);
}

void rec_writer_to(struct rec_writer *w, rec_put_fn put, void *arg)
{
	w->put = put;
	w->arg = arg;
}

void rec_writer_json(struct rec_writer *w, bool on)
{
	w->json = on;
}

void rec_writer_abort(struct rec_writer *w)
{
	if (!w)
		return;
	if (w->hash)
		hash_stream_free(w->hash);
	buf_release(&w->body);
	buf_release(&w->rec);
	buf_release(&w->out);
	free(w->tool);
	free(w->model);
	free(w);
}

/* ---- one record ---- */

void rec_begin(struct rec_writer *w, const char *kind)
{
	buf_clear(&w->body);
	w->n_key = 0;
	if (kind)
		rec_put_cstr(w, "kind", kind);
}

msgpack_packer *rec_put_key(struct rec_writer *w, const char *key)
{
	w->n_key++;
	msgpack_pack_str_with_body(&w->pk, key, strlen(key));
	return &w->pk;
}

/* Packs s[0..n) with each ill-formed sequence replaced by U+FFFD. */
static void put_mended(struct rec_writer *w, const char *s, size_t n)
{
	struct buf b = {0};
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		char c[4];
		i += utf8_decode(s + i, n - i, &cp, NULL);
		buf_add(&b, c, utf8_encode(cp, c));
	}
	if (b.failed)
		w->body.failed = b.failed;
	else
		msgpack_pack_str_with_body(&w->pk, b.data, b.len);
	buf_release(&b);
}

void rec_put_str(struct rec_writer *w, const char *key, const char *s, size_t n)
{
	rec_put_key(w, key);
	if (utf8_valid(s, n, NULL))
		msgpack_pack_str_with_body(&w->pk, s, n);
	else
		put_mended(w, s, n);
}

void rec_put_cstr(struct rec_writer *w, const char *key, const char *s)
{
	rec_put_str(w, key, s, strlen(s));
}

void rec_put_u64(struct rec_writer *w, const char *key, uint64_t v)
{
	msgpack_pack_uint64(rec_put_key(w, key), v);
}

void rec_put_f64(struct rec_writer *w, const char *key, double v)
{
	msgpack_pack_double(rec_put_key(w, key), v);
}

void rec_put_bool(struct rec_writer *w, const char *key, bool v)
{
	if (v)
		msgpack_pack_true(rec_put_key(w, key));
	else
		msgpack_pack_false(rec_put_key(w, key));
}

void rec_put_vec(struct rec_writer *w, const char *key, enum rec_dtype t, const void *data, size_t n)
{
	const char head[REC_VEC_HEAD] = { (char)t, 0, 0, 0 };
	size_t bytes = t == REC_F32 ? n * 4 : t == REC_F16 ? n * 2 : t == REC_B1 ? (n + 7) / 8 : n;
	msgpack_pack_ext(rec_put_key(w, key), sizeof head + bytes, REC_EXT_VEC);
	msgpack_pack_ext_body(&w->pk, head, sizeof head);
	if (bytes)
		msgpack_pack_ext_body(&w->pk, data, bytes);
}

void rec_put_span(struct rec_writer *w, const char *key, uint64_t b0, uint64_t b1, uint64_t l0, uint64_t l1)
{
	const uint64_t v[2][2] = { { b0, b1 }, { l0, l1 } };
	msgpack_pack_map(rec_put_key(w, key), 2);
	for (int i = 0; i < 2; i++) {
		msgpack_pack_str_with_body(&w->pk, i ? "l" : "b", 1);
		msgpack_pack_array(&w->pk, 2);
		msgpack_pack_uint64(&w->pk, v[i][0]);
		msgpack_pack_uint64(&w->pk, v[i][1]);
	}
}

void rec_put_ids(struct rec_writer *w, const char *key, const int32_t *id, size_t n)
{
	msgpack_pack_array(rec_put_key(w, key), n);
	for (size_t i = 0; i < n; i++)
		msgpack_pack_int32(&w->pk, id[i]);
}

void rec_pack_pair(msgpack_packer *pk, const char *key, const char *s, size_t n)
{
	msgpack_pack_str_with_body(pk, key, strlen(key));
	msgpack_pack_str_with_body(pk, s, n);
}

void rec_put_src(struct rec_writer *w, const char *path, size_t path_len, uint64_t size, uint64_t mtime_ns, const char *xxh3, size_t xxh3_len)
{
	msgpack_packer *pk = rec_put_key(w, "src");
	msgpack_pack_map(pk, 4);
	rec_pack_pair(pk, "path", path, path_len);
	msgpack_pack_str_with_body(pk, "size", 4);
	msgpack_pack_uint64(pk, size);
	msgpack_pack_str_with_body(pk, "mtime_ns", 8);
	msgpack_pack_uint64(pk, mtime_ns);
	rec_pack_pair(pk, "xxh3", xxh3, xxh3_len);
}

static bool is_listed(const msgpack_object_str *key, const char *const *list)
{
	for (; list && *list; list++)
		if (strlen(*list) == key->size && memcmp(*list, key->ptr, key->size) == 0)
			return true;
	return false;
}

void rec_copy(struct rec_writer *w, const struct rec *r, const char *const *except)
{
	static const char *const kind[] = { "kind", NULL };
	bool has_kind = w->n_key > 0;
	for (uint32_t i = 0; i < r->map->via.map.size; i++) {
		const msgpack_object_kv *kv = &r->map->via.map.ptr[i];
		const msgpack_object_str *key = &kv->key.via.str;
		if (is_listed(key, except) || (has_kind && is_listed(key, kind)))
			continue;
		w->n_key++;
		msgpack_pack_object(&w->pk, kv->key);
		msgpack_pack_object(&w->pk, kv->val);
	}
}

/* ---- the stream ---- */

static int write_out(struct rec_writer *w, struct err *e)
{
	int r = w->put ? w->put(w->arg, w->out.data, w->out.len, e) : io_write(w->fd, w->out.data, w->out.len, "stdout", e);
	buf_clear(&w->out);
	return r;
}

/* Appends the JSON line of the record p[0..n). */
static int add_json(struct rec_writer *w, const void *p, size_t n, struct err *e)
{
	msgpack_unpacked u;
	size_t off = 0;
	msgpack_unpacked_init(&u);
	int r = msgpack_unpack_next(&u, p, n, &off) == MSGPACK_UNPACK_SUCCESS
		? rec_json_put(&w->out, &u.data, 0, e) : err_memory(e);
	msgpack_unpacked_destroy(&u);
	buf_putc(&w->out, '\n');
	return r;
}

/* Appends one record's bytes to the stream; `counts` is false for the `end` itself. */
static int add_record(struct rec_writer *w, const void *p, size_t n, bool counts, struct err *e)
{
	if (counts) {
		hash_stream_add(w->hash, p, n);
		w->n++;
	}
	int r = 0;
	if (w->json)
		r = add_json(w, p, n, e);
	else
		buf_add(&w->out, p, n);
	if (!r && w->out.failed)
		r = err_memory(e);
	if (!r && (w->flush_each || w->out.len >= FLUSH_BYTES))
		r = write_out(w, e);
	return r;
}

/* Finishes the map in `body`. */
static int emit(struct rec_writer *w, bool counts, struct err *e)
{
	msgpack_packer pk;
	struct err why = {0};
	buf_clear(&w->rec);
	msgpack_packer_init(&pk, &w->rec, write_to_buf);
	msgpack_pack_map(&pk, w->n_key);
	if (w->body.failed || buf_add(&w->rec, w->body.data, w->body.len))
		return err_memory(e);
	rec_scan_reset(&w->scan);
	int r = rec_scan(&w->scan, w->rec.data, w->rec.len, &why);
	if (r == ERR_LIMIT)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "a record is too large to be written: %s", why.msg);
	if (r != 1 || w->scan.at != w->rec.len)
		return err_set(e, ERR_BUG, ERR_NO_OFFSET, "a malformed record was about to be written: %s",
			       r < 0 ? why.msg : "values are missing or left over");
	return add_record(w, w->rec.data, w->rec.len, counts, e);
}

/* Writes the head, unless it is out already. Whatever is in `body` is kept. */
static int begin_stream(struct rec_writer *w, struct err *e)
{
	if (w->begun)
		return 0;
	w->begun = true;
	struct buf body = w->body;
	size_t n_key = w->n_key;
	w->body = (struct buf){0};
	rec_begin(w, "head");
	rec_put_u64(w, "format", REC_FORMAT);
	rec_put_cstr(w, "tool", w->tool);
	rec_put_cstr(w, "version", TT_VERSION);
	if (w->model)
		rec_put_cstr(w, "model", w->model);
	int r = emit(w, true, e);
	buf_release(&w->body);
	w->body = body;
	w->n_key = n_key;
	return r;
}

static int end_stream(struct rec_writer *w, struct err *e)
{
	uint8_t sum[16];
	char hex[33];
	hash_stream_get(w->hash, sum);
	hash_hex(sum, sizeof sum, hex);
	rec_begin(w, "end");
	rec_put_u64(w, "n", w->n);
	rec_put_cstr(w, "xxh3", hex);
	w->begun = false;
	w->n = 0;
	hash_stream_reset(w->hash);
	return emit(w, false, e);
}

int rec_emit(struct rec_writer *w, struct err *e)
{
	int r = begin_stream(w, e);
	return r ? r : emit(w, true, e);
}

int rec_pass(struct rec_writer *w, const struct rec *r, struct err *e)
{
	int f = 0;
	if (w->bare && rec_is(r, "head")) {
		if (w->begun)
			f = end_stream(w, e);
		w->begun = true;
	} else {
		f = begin_stream(w, e);
	}
	if (f || !w->json)
		return f ? f : add_record(w, r->raw, r->raw_len, true, e);
	/* The stream's hash is of the bytes that a reader of the line will make, which may be shorter than those that came. */
	rec_begin(w, NULL);
	rec_copy(w, r, NULL);
	return emit(w, true, e);
}

int rec_emit_error(struct rec_writer *w, const struct err *what, const char *doc, struct err *e)
{
	rec_begin(w, "error");
	rec_put_cstr(w, "stage", w->tool);
	rec_put_cstr(w, "msg", what->msg);
	if (what->at != ERR_NO_OFFSET)
		rec_put_u64(w, "at", what->at);
	if (doc)
		rec_put_cstr(w, "doc", doc);
	return rec_emit(w, e);
}

int rec_flush(struct rec_writer *w, struct err *e)
{
	int r = w->bare ? 0 : begin_stream(w, e);
	return r ? r : write_out(w, e);
}

int rec_writer_close(struct rec_writer *w, struct err *e)
{
	int r = begin_stream(w, e);
	if (!r)
		r = end_stream(w, e);
	if (!r)
		r = write_out(w, e);
	rec_writer_abort(w);
	return r;
}
