/* SPDX-License-Identifier: Apache-2.0
 *
 * rec: record streams, the public interface between programs (records.5). A stream is a concatenation of msgpack
 * maps with string keys, opened by `kind: head` and closed by `kind: end` {n, xxh3}; JSON lines are read wherever
 * records are (first byte '{'). Before msgpack-c sees an object, a bounded pre-scan of our own has checked one complete
 * object: at most 16 MiB, depth 16, 256 keys a map, valid UTF-8, no duplicate key, no count larger than the bytes there.
 *
 *	struct rec_reader *in;  struct rec rec;  int got;
 *	rec_reader_open(&in, 0, "stdin", &e);
 *	while ((got = rec_read(in, &rec, &e)) > 0)
 *		if (rec_is(&rec, "chunk")) ... rec_str(&rec, "text", &s, &n) ...
 *	// got == 0: complete (its `end` was seen and verified); got < 0: ERR_*, nothing that only a complete stream may
 *	// commit may be kept; e.msg names stage, record number and byte offset.
 *
 * `head` records are returned to the caller like any other (so that a stage can read the model identity); `end` is not.
 * Concatenated streams (head..end head..end) are legal. A critical feature named in a head that is unknown: ERR_VERSION.
 * Everything a `struct rec` points to is borrowed until the next rec_read on the same reader.
 */
#ifndef TT_BASE_REC_H
#define TT_BASE_REC_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define REC_FORMAT 1			/* version of records.5 that is written */
#define REC_MAX_BYTES (16u << 20)
#define REC_MAX_DEPTH 16
#define REC_MAX_KEYS 256

/* msgpack ext type of a vector: dtype byte, flags byte, 2 zero bytes, little-endian elements. */
#define REC_EXT_VEC 1
#define REC_VEC_HEAD 4	/* bytes before the elements */
enum rec_dtype { REC_F32 = 0, REC_F16 = 1, REC_I8 = 2, REC_B1 = 3 };

struct rec {
	const msgpack_object *map;	/* the whole map */
	const void *raw;		/* its msgpack bytes, as they stood in the stream (or as converted from JSON) */
	size_t raw_len;
	uint64_t n, at;			/* record number in the stream (head = 0), byte offset of the record */
};

/* ---- reading ---- */
struct rec_reader;
/* Borrows fd. `name` is used in messages. Reading is buffered; nothing is read yet. */
int rec_reader_open(struct rec_reader **r, int fd, const char *name, struct err *e);
void rec_reader_close(struct rec_reader *r);
/* 1: a record; 0: end of a complete stream, or of an empty one where bare input is accepted; <0: ERR_*. From a descriptor with
 * O_NONBLOCK, ERR_AGAIN while the next record is not there whole; call again. Any other error stays. */
int rec_read(struct rec_reader *r, struct rec *out, struct err *e);
/* Accept input without head and end (JSON lines written by hand are always accepted so). */
void rec_reader_allow_bare(struct rec_reader *r, bool on);
/* Accept JSON lines without `kind`, as people write questions by hand ({"text": "..."}); rec_is is false of them. */
void rec_reader_allow_kindless(struct rec_reader *r, bool on);
/* Sets *is_rec to whether the input's first byte announces records or JSON lines, and not plain text (then rec_read is not used and
 * rec_reader_line returns lines). Blocks for the first byte. Empty input is not records. A byte order mark in front is passed over. */
int rec_reader_sniff(struct rec_reader *r, bool *is_rec, struct err *e);
/* A line of plain text without its newline, borrowed until the next call: 1, 0 at the end, <0 ERR_*. At most 16 MiB. */
int rec_reader_line(struct rec_reader *r, const char **s, size_t *n, struct err *e);
/* True if the last record was a JSON line. */
bool rec_reader_is_json(const struct rec_reader *r);
/* True if rec_read would have to wait for more input (programs flush and batch by it). */
bool rec_reader_would_block(struct rec_reader *r);

/* ---- looking into a record ---- */
bool rec_is(const struct rec *r, const char *kind);
/* NULL if absent. */
const msgpack_object *rec_get(const struct rec *r, const char *key);
/* NULL also if `map` is, or is no map. What is within one can be looked up by type, too: rec_str(&(struct rec){ .map = map }, ...) */
const msgpack_object *rec_map_get(const msgpack_object *map, const char *key);
/* The two numbers of `a`, as `span` has them; false, leaving the outputs alone, when it is NULL or something else. */
bool rec_pair(const msgpack_object *a, uint64_t *from, uint64_t *to);
/* Each returns false, leaving the outputs alone, when the key is absent or of another type. */
bool rec_str(const struct rec *r, const char *key, const char **s, size_t *n);
bool rec_u64(const struct rec *r, const char *key, uint64_t *v);
bool rec_f64(const struct rec *r, const char *key, double *v);	/* integers are converted */
bool rec_bool(const struct rec *r, const char *key, bool *v);
/* True if the first line of a text is `heading`: an option's or entry's text begins with the last of its `sec`, and what shows both
 * leaves one out. */
bool rec_is_headed(const char *text, size_t n, const char *heading, size_t n_heading);
/* Tells on stderr, as a warning of `tool`, what an `error` record says: for who passes it to nobody. */
void rec_warn_error(const char *tool, const struct rec *r);
/* A `vec`: element type, count and the (unaligned) element bytes. */
bool rec_vec(const struct rec *r, const char *key, enum rec_dtype *t, size_t *n, const void **data);

/* ---- writing ---- */
struct rec_writer;
/* Writes `head` {kind, format, tool, version, model?, features?} before the first record or flush. Borrows fd. `model` may be NULL.
 * If fd is a terminal the writer prints JSON lines instead of msgpack (binary never goes to a terminal). */
int rec_writer_open(struct rec_writer **w, int fd, const char *tool, const char *model, struct err *e);
/* A writer that adds no head of its own: the caller passes one on (tt-json). A `head` passed while a stream is open
 * writes that stream's `end` first. */
int rec_writer_open_bare(struct rec_writer **w, int fd, const char *tool, struct err *e);
/* The model of the head to come, in place of what rec_writer_open was told; copied. Without effect once the head is out. ERR_MEM. */
int rec_writer_model(struct rec_writer *w, const char *model, size_t n, struct err *e);
/* JSON lines instead of msgpack (option --json), or msgpack even on a terminal. Call before the first record. */
void rec_writer_json(struct rec_writer *w, bool on);
/* Gives the stream's bytes to `put` and not to a descriptor: all of s[0..n), or an ERR_*. Call before the first record. */
typedef int (*rec_put_fn)(void *arg, const char *s, size_t n, struct err *e);
void rec_writer_to(struct rec_writer *w, rec_put_fn put, void *arg);
/* One record: rec_begin, any number of rec_put_*, rec_emit. The map's size is counted for you. */
void rec_begin(struct rec_writer *w, const char *kind);
void rec_put_str(struct rec_writer *w, const char *key, const char *s, size_t n);	/* invalid UTF-8 is replaced by U+FFFD */
void rec_put_cstr(struct rec_writer *w, const char *key, const char *s);
void rec_put_u64(struct rec_writer *w, const char *key, uint64_t v);
void rec_put_f64(struct rec_writer *w, const char *key, double v);
void rec_put_bool(struct rec_writer *w, const char *key, bool v);
void rec_put_vec(struct rec_writer *w, const char *key, enum rec_dtype t, const void *data, size_t n);
/* span: {b: [from, to], l: [from, to]} (bytes half-open, lines from 1, inclusive) */
void rec_put_span(struct rec_writer *w, const char *key, uint64_t b0, uint64_t b1, uint64_t l0, uint64_t l1);
/* src: {path, size, mtime_ns, xxh3} (records.5), the last in hexadecimal digits. */
void rec_put_src(struct rec_writer *w, const char *path, size_t path_len, uint64_t size, uint64_t mtime_ns, const char *xxh3, size_t xxh3_len);
/* Ids of tokens: an array of integers. */
void rec_put_ids(struct rec_writer *w, const char *key, const int32_t *id, size_t n);
/* Anything else: a key, then packing by hand through the returned packer (exactly one value). */
msgpack_packer *rec_put_key(struct rec_writer *w, const char *key);
/* Within a map that is packed by hand: a key and a text, well-formed UTF-8. */
void rec_pack_pair(msgpack_packer *pk, const char *key, const char *s, size_t n);
/* Copies every key of `r` except those in the NULL-terminated list `except` (may be NULL), `kind` included unless
 * rec_begin was given one: rec_begin(w, NULL); rec_copy(w, r, NULL) copies a record whole. */
void rec_copy(struct rec_writer *w, const struct rec *r, const char *const *except);
/* Finishes the record; buffered until 64 KiB or rec_flush. ERR_IO where that cannot be written; ERR_LIMIT of a record that is too large, which
 * is left out; ERR_MEM. */
int rec_emit(struct rec_writer *w, struct err *e);
/* A record unchanged (unknown kinds pass through so). */
int rec_pass(struct rec_writer *w, const struct rec *r, struct err *e);
/* An `error` record {stage, msg, at, doc?}: one bad record does not end the stream; the program then exits 3.
 * `what` may be `e`. */
int rec_emit_error(struct rec_writer *w, const struct err *what, const char *doc, struct err *e);
int rec_flush(struct rec_writer *w, struct err *e);
/* Writes `end`, flushes, frees. Without this call a stream is incomplete: after an error use rec_writer_abort. */
int rec_writer_close(struct rec_writer *w, struct err *e);
void rec_writer_abort(struct rec_writer *w);

#endif
