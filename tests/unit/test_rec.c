/* SPDX-License-Identifier: Apache-2.0
 *
 * rec: whole streams through a file and back: framing, truncation at every byte, JSON lines, text lines, pass-through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"
#include "lib/base/rec.h"

static struct err e;

static int file_with(const void *p, size_t n)
{
	int fd = memfd_create("rec", 0);
	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, p, n, "memfd", &e), 0);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* A small stream: head, two chunks, end. */
static void make_stream(struct buf *out, bool json)
{
	static const char *const text[] = { "one", "zw\xc3\xb6lf" };
	struct rec_writer *w;
	int8_t vec[5] = { -127, 0, 1, 2, 127 };
	int fd = memfd_create("out", 0);
	assert_int_equal(rec_writer_open(&w, fd, "tt-test", "minilm:00", &e), 0);
	rec_writer_json(w, json);
	for (uint64_t i = 0; i < 2; i++) {
		rec_begin(w, "chunk");
		rec_put_u64(w, "seq", i);
		rec_put_cstr(w, "text", text[i]);
		rec_put_span(w, "span", 10, 20, 1, 2);
		rec_put_vec(w, "vec", REC_I8, vec, 5);
		rec_put_f64(w, "vec_scale", 0.25);
		msgpack_pack_int64(rec_put_key(w, "neg"), -5);
		rec_put_bool(w, "trunc", i == 1);
		assert_int_equal(rec_emit(w, &e), 0);
	}
	assert_int_equal(rec_writer_close(w, &e), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(io_read_fd(out, fd, "out", 1u << 20, &e), 0);
	close(fd);
}

/* Reads everything: the last result of rec_read; *n counts the records. */
static int read_all(const void *p, size_t len, bool bare, int *n)
{
	struct rec_reader *r;
	struct rec rec;
	int fd = file_with(p, len), got;
	assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
	rec_reader_allow_bare(r, bare);
	*n = 0;
	memset(&e, 0, sizeof e);
	while ((got = rec_read(r, &rec, &e)) > 0)
		++*n;
	if (got < 0)
		assert_int_equal(rec_read(r, &rec, NULL), got);	/* a failure stays */
	rec_reader_close(r);
	close(fd);
	return got;
}

static void rec_stream_both_forms_come_back_as_written(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		struct buf b = {0};
		struct rec_reader *r;
		struct rec rec;
		make_stream(&b, json);
		int fd = file_with(b.data, b.len);
		assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
		assert_int_equal(rec_read(r, &rec, &e), 1);
		assert_true(rec_is(&rec, "head"));
		for (uint64_t i = 0; i < 2; i++) {
			uint64_t v;
			double d;
			bool t;
			const char *s;
			const void *vec;
			size_t n;
			enum rec_dtype type;
			assert_int_equal(rec_read(r, &rec, &e), 1);
			assert_true(rec_is(&rec, "chunk"));
			assert_int_equal(rec.n, i + 1);
			assert_true(rec_u64(&rec, "seq", &v));
			assert_int_equal(v, i);
			assert_true(rec_str(&rec, "text", &s, &n));
			assert_int_equal(n, i ? 6 : 3);
			assert_true(rec_bool(&rec, "trunc", &t));
			assert_int_equal(t, i);
			assert_true(rec_f64(&rec, "vec_scale", &d) && d > 0.24 && d < 0.26);
			assert_true(rec_f64(&rec, "neg", &d) && d < -4.9);
			assert_false(rec_u64(&rec, "neg", &v));
			assert_false(rec_str(&rec, "seq", &s, &n));
			assert_null(rec_get(&rec, "absent"));
			assert_true(rec_vec(&rec, "vec", &type, &n, &vec));
			assert_int_equal(type, REC_I8);
			assert_int_equal(n, 5);
			assert_memory_equal(vec, "\x81\x00\x01\x02\x7f", 5);
		}
		assert_int_equal(rec_read(r, &rec, &e), 0);
		assert_int_equal(rec_read(r, &rec, &e), 0);
		rec_reader_close(r);
		close(fd);
		buf_release(&b);
	}
}

static void rec_read_cut_at_every_byte_never_succeeds(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		struct buf b = {0};
		int n;
		make_stream(&b, json);
		/* A JSON stream may lack its very last byte, the newline. */
		for (size_t len = 0; len < b.len - (size_t)json; len++) {
			int got = read_all(b.data, len, false, &n);
			if (got != ERR_EOF)
				fail_msg("cut at byte %zu of %zu: %d, %s", len, b.len, got, e.msg);
			assert_int_equal(e.at, len);
			assert_non_null(strstr(e.msg, "record"));
		}
		buf_release(&b);
	}
}

static void rec_read_any_byte_changed_never_succeeds(void **state)
{
	(void)state;
	struct buf b = {0};
	int n;
	make_stream(&b, false);
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] = (char)(b.data[i] ^ 1 << bit);
			if (read_all(b.data, b.len, false, &n) >= 0)
				fail_msg("bit %d of byte %zu was changed unseen", bit, i);
			b.data[i] = (char)(b.data[i] ^ 1 << bit);
		}
	buf_release(&b);
}

static void rec_read_messages_name_stage_record_and_offset(void **state)
{
	(void)state;
	struct buf b = {0};
	int n;
	make_stream(&b, false);
	assert_int_equal(read_all(b.data, b.len - 60, false, &n), ERR_EOF);
	assert_int_equal(n, 2);
	assert_string_equal(e.msg, "stdin: record 2 from tt-test: the input ends inside a record");
	assert_int_equal(e.at, b.len - 60);
	/* What is wrong with the record that a line makes is told with the place of the line. */
	buf_clear(&b);
	buf_puts(&b, "{\"kind\":\"query\"}\n");
	size_t line = b.len;
	buf_puts(&b, "{\"kind\":\"query\",\"a\":");
	for (int i = 0; i < REC_MAX_DEPTH; i++)
		buf_putc(&b, '[');
	for (int i = 0; i < REC_MAX_DEPTH; i++)
		buf_putc(&b, ']');
	buf_puts(&b, "}\n");
	assert_int_equal(read_all(b.data, b.len, false, &n), ERR_LIMIT);
	assert_int_equal(n, 1);
	assert_int_equal(e.at, line);
	buf_release(&b);
}

/* The stage's name comes with the stream. */
static void rec_read_messages_name_any_stage_safely(void **state)
{
	(void)state;
	struct buf b = {0};
	int n;
	buf_puts(&b, "{\"kind\":\"head\",\"format\":1,\"tool\":\"a\\u001B\xc3\xbc \"}\n{\"kind\":7}\n");
	assert_int_equal(read_all(b.data, b.len, false, &n), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "record 1 from a????: "));
	static const char odd[] = "{\"kind\":\"head\",\"format\":1,\"features\":[{\"$u64\":\"18446744069414584325\"}]}\n";
	assert_int_equal(read_all(odd, sizeof odd - 1, false, &n), ERR_VERSION);
	assert_non_null(strstr(e.msg, "feature '?'"));
	buf_clear(&b);
	buf_printf(&b, "{\"kind\":\"head\",\"format\":1,\"tool\":\"%0200d\"}\n{\"kind\":\"end\",\"n\":1}\n", 0);
	assert_int_equal(read_all(b.data, b.len, false, &n), 0);
	buf_release(&b);
}

static void rec_read_concatenated_streams_are_one_input(void **state)
{
	(void)state;
	struct buf b = {0};
	int n;
	make_stream(&b, false);
	make_stream(&b, true);
	make_stream(&b, false);
	assert_int_equal(read_all(b.data, b.len, false, &n), 0);
	assert_int_equal(n, 9);
	buf_puts(&b, "noise");
	assert_int_equal(read_all(b.data, b.len, false, &n), ERR_FORMAT);
	assert_null(strstr(e.msg, " from "));		/* no stage of before */
	buf_release(&b);
}

static void rec_read_broken_frames_are_refused(void **state)
{
	(void)state;
	static const struct { const char *json; int want; } cases[] = {
		{ "{\"kind\":\"head\",\"format\":1}\n{\"kind\":\"head\",\"format\":1}\n", ERR_FORMAT },
		{ "{\"kind\":\"head\",\"format\":2}\n", ERR_VERSION },
		{ "{\"kind\":\"head\",\"format\":0}\n", ERR_VERSION },
		{ "{\"kind\":\"head\"}\n", ERR_FORMAT },
		{ "{\"kind\":\"head\",\"format\":1,\"features\":[\"zip\"]}\n", ERR_VERSION },
		{ "{\"kind\":\"head\",\"format\":1,\"features\":{}}\n", ERR_FORMAT },
		{ "{\"kind\":\"head\",\"format\":1,\"features\":[]}\n{\"kind\":\"end\"}\n", 0 },
		{ "{\"kind\":\"head\",\"format\":1}\n{\"kind\":\"end\",\"n\":2}\n", ERR_CHECKSUM },
		{ "{\"kind\":\"head\",\"format\":1}\n{\"kind\":\"end\",\"n\":1}\n", 0 },
		{ "{\"kind\":\"head\",\"format\":1}\n{\"kind\":\"end\",\"xxh3\":\"00\"}\n", ERR_CHECKSUM },
		{ "{\"kind\":\"end\"}\n", ERR_FORMAT },
		/* lines before a head are a stream of their own */
		{ "{\"kind\":\"query\"}\n{\"kind\":\"head\",\"format\":1}\n{\"kind\":\"end\",\"n\":1}\n", 0 },
		{ "{\"id\":\"x\"}\n", ERR_FORMAT },
		{ "{\"kind\":7}\n", ERR_FORMAT },
		{ "{\"kind\":\"query\",\"text\":\"a\"}\n\n {\"kind\":\"query\",\"text\":\"b\"}", 0 },
		{ "{\"kind\":\"query\",\"kind\":\"query\"}\n", ERR_FORMAT },
		{ "{\"kind\":\"query\"} x\n", ERR_FORMAT },
		{ "{\"kind\":\"query\",\"kind\":\"query\"}", ERR_FORMAT },
		{ "{\"kind\":\"query\",\"vec\":{\"$vec\":1}}", ERR_FORMAT },
		{ "{\"kind\":\"query\",\"k\":99999999999999999999}", ERR_FORMAT },
		{ "{\"kind\":\"query\",\"k\":[1", ERR_EOF },
		{ "", ERR_EOF },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int n, got = read_all(cases[i].json, strlen(cases[i].json), false, &n);
		if (got != cases[i].want)
			fail_msg("case %zu: %d, %s", i, got, e.msg);
	}
}

static void rec_read_bare_msgpack_only_when_allowed(void **state)
{
	(void)state;
	static const char rec[] = "\x81\xa4kind\xa5query\x81\xa4kind\xa5query";
	int n;
	assert_int_equal(read_all(rec, sizeof rec - 1, false, &n), ERR_FORMAT);
	assert_int_equal(read_all(rec, sizeof rec - 1, true, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(read_all("", 0, true, &n), 0);
}

static void rec_pass_and_copy_keep_unknown_kinds_and_keys(void **state)
{
	(void)state;
	static const char in[] = "{\"kind\":\"martian\",\"odd\":{\"deep\":[1,2.5,null]},\"vec\":{\"$vec\":{\"t\":\"f32\",\"b64\":\"AACAPw==\"}}}\n";
	static const char *const except[] = { "odd", NULL };
	struct rec_reader *r;
	struct rec_writer *w;
	struct rec rec;
	struct buf b = {0};
	int fd = file_with(in, sizeof in - 1), out = memfd_create("out", 0);
	assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
	assert_int_equal(rec_writer_open(&w, out, "tt-test", NULL, &e), 0);
	rec_writer_json(w, true);
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_int_equal(rec_pass(w, &rec, &e), 0);
	rec_begin(w, NULL);
	rec_copy(w, &rec, except);
	assert_int_equal(rec_emit(w, &e), 0);
	rec_begin(w, "venusian");
	rec_copy(w, &rec, NULL);
	assert_int_equal(rec_emit(w, &e), 0);
	assert_int_equal(rec_writer_close(w, &e), 0);
	lseek(out, 0, SEEK_SET);
	assert_int_equal(io_read_fd(&b, out, "out", 1u << 20, &e), 0);
	const char *line = strchr(b.data, '\n') + 1;
	assert_int_equal(strncmp(line, in, sizeof in - 1), 0);
	assert_non_null(strstr(b.data, "\n{\"kind\":\"martian\",\"vec\":{\"$vec\":{\"t\":\"f32\",\"b64\":\"AACAPw==\"}}}\n"));
	assert_non_null(strstr(b.data, "\n{\"kind\":\"venusian\",\"odd\":"));
	rec_reader_close(r);
	close(fd);
	close(out);
	buf_release(&b);
}

/* Other writers' numbers and lengths may be wider than they need to be; as lines of JSON they come back in the shortest form. */
static void rec_pass_to_json_hashes_what_is_read_back(void **state)
{
	(void)state;
	static const char in[] = "\x82\xa4kind\xda\x00\x05query\xa1k\xd3\0\0\0\0\0\0\0\x05";
	struct rec_reader *r;
	struct rec_writer *w;
	struct rec rec;
	struct buf b = {0};
	int n, fd = file_with(in, sizeof in - 1), out = memfd_create("out", 0);
	assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
	rec_reader_allow_bare(r, true);
	assert_int_equal(rec_writer_open(&w, out, "tt-test", NULL, &e), 0);
	rec_writer_json(w, true);
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_int_equal(rec_pass(w, &rec, &e), 0);
	assert_int_equal(rec_writer_close(w, &e), 0);
	lseek(out, 0, SEEK_SET);
	assert_int_equal(io_read_fd(&b, out, "out", 1u << 20, &e), 0);
	assert_int_equal(read_all(b.data, b.len, false, &n), 0);
	assert_int_equal(n, 2);
	rec_reader_close(r);
	close(fd);
	close(out);
	buf_release(&b);
}

static void rec_emit_what_no_reader_accepts_is_a_bug(void **state)
{
	(void)state;
	struct rec_writer *w;
	int fd = memfd_create("out", 0);
	assert_int_equal(rec_writer_open(&w, fd, "tt-test", NULL, &e), 0);
	rec_begin(w, "chunk");
	rec_put_u64(w, "n", 1);
	rec_put_u64(w, "n", 2);
	assert_int_equal(rec_emit(w, &e), ERR_BUG);
	rec_begin(w, "chunk");
	rec_put_key(w, "nothing follows");
	assert_int_equal(rec_emit(w, &e), ERR_BUG);
	rec_begin(w, "chunk");
	rec_put_str(w, "bad", "a\xff" "b", 3);
	assert_int_equal(rec_emit(w, &e), 0);
	rec_writer_abort(w);
	close(fd);
}

static size_t size_of(int fd)
{
	return (size_t)lseek(fd, 0, SEEK_END);
}

static void rec_writer_writes_each_record_once_and_holds_no_more_than_64_kib(void **state)
{
	(void)state;
	static char longer[REC_MAX_BYTES];
	struct rec_writer *w;
	struct rec_reader *r;
	struct rec rec;
	enum rec_dtype t;
	const void *data;
	uint64_t at;
	size_t n;
	int fd = memfd_create("out", 0);
	memset(longer, 'x', sizeof longer);
	assert_int_equal(rec_writer_open(&w, fd, "tt-test", NULL, &e), 0);
	for (int i = 0; i < 3; i++) {
		rec_begin(w, "chunk");
		rec_put_vec(w, "bits", REC_B1, "\xff\x01", 9);
		assert_int_equal(rec_emit(w, &e), 0);
		assert_int_equal(rec_flush(w, &e), 0);
	}
	size_t before = size_of(fd);
	rec_begin(w, "chunk");
	rec_put_str(w, "text", longer, 70000);
	assert_int_equal(rec_emit(w, &e), 0);
	assert_true(size_of(fd) > before + 70000);
	rec_begin(w, "chunk");
	rec_put_str(w, "text", longer, sizeof longer);
	assert_int_equal(rec_emit(w, &e), ERR_LIMIT);
	struct err what;
	err_set(&what, ERR_FORMAT, 77, "odd");
	assert_int_equal(rec_emit_error(w, &what, "d", &e), 0);
	assert_int_equal(rec_writer_close(w, &e), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(rec_reader_open(&r, fd, "out", &e), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_true(rec_is(&rec, "chunk"));
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_true(rec_is(&rec, "error") && rec_u64(&rec, "at", &at) && at == 77);
	assert_int_equal(rec_read(r, &rec, &e), 0);
	rec_reader_close(r);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(rec_reader_open(&r, fd, "out", &e), 0);
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_true(rec_vec(&rec, "bits", &t, &n, &data) && n == 16 && ((const char *)data)[1] == 1);
	rec_reader_close(r);
	close(fd);
}

static void rec_writer_bare_adds_no_head(void **state)
{
	(void)state;
	struct rec_writer *w;
	int fd = memfd_create("out", 0);
	assert_int_equal(rec_writer_open_bare(&w, fd, "tt-test", &e), 0);
	assert_int_equal(rec_flush(w, &e), 0);
	assert_int_equal(size_of(fd), 0);
	rec_writer_abort(w);
	close(fd);
}

static void rec_flush_to_full_disk_is_an_error(void **state)
{
	(void)state;
	FILE *f = fopen("/dev/full", "w");
	if (!f)
		skip();
	struct rec_writer *w;
	assert_int_equal(rec_writer_open(&w, fileno(f), "tt-test", NULL, &e), 0);
	rec_begin(w, "stat");
	assert_int_equal(rec_emit(w, &e), 0);
	assert_int_equal(rec_writer_close(w, &e), ERR_IO);
	fclose(f);
}

static void rec_reader_sniff_tells_records_from_text(void **state)
{
	(void)state;
	static const struct { const char *in; size_t n; bool rec; } cases[] = {
		{ "{\"kind\"", 7, true }, { "\x82", 1, true }, { "\xde\x00\x10", 3, true }, { "\xdf\0\0\0\1", 5, true },
		{ "how", 3, false }, { "\xde\x80", 2, false }, { "\xc3\xa4", 2, false }, { "", 0, false }, { "\n", 1, false },
		{ "\xef\xbb\xbf{\"kind\"", 10, true }, { "\xef\xbb\xbfhow", 6, false }, { "\xef\xbb\xbf", 3, false }, { "\xef", 1, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rec_reader *r;
		bool is;
		int fd = file_with(cases[i].in, cases[i].n);
		assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
		assert_int_equal(rec_reader_sniff(r, &is, &e), 0);
		assert_int_equal(is, cases[i].rec);
		rec_reader_close(r);
		close(fd);
	}
}

static void rec_reader_line_gives_each_line_and_the_last(void **state)
{
	(void)state;
	struct buf b = {0};
	struct rec_reader *r;
	const char *s;
	size_t n, lines = 0;
	for (int i = 0; i < 30000; i++)
		buf_printf(&b, "line %d\n", i);
	buf_puts(&b, "\nlast");
	int fd = file_with(b.data, b.len);
	assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
	while (rec_reader_line(r, &s, &n, &e) > 0)
		lines++;
	assert_int_equal(lines, 30002);
	assert_int_equal(n, 4);
	assert_memory_equal(s, "last", 4);
	rec_reader_close(r);
	close(fd);
	buf_release(&b);
	fd = memfd_create("no line end", 0);
	assert_int_equal(ftruncate(fd, REC_MAX_BYTES + 200000), 0);
	assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
	assert_int_equal(rec_reader_line(r, &s, &n, &e), ERR_LIMIT);
	rec_reader_close(r);
	close(fd);
}

/* What another writer may have put there: a vector that is none is not read as one. Behind the last, too short, stands a zero. */
static void rec_get_values_that_are_not_what_they_should_be_are_left_alone(void **state)
{
	(void)state;
	static const char line[] = "{\"kind\":\"x\",\"one\":[1],\"two\":[1,2],\"three\":[1,2,3],\"minus\":[1,-2],"
		"\"big\":{\"$u64\":\"18446744073709551615\"},"
		"\"bits\":{\"$ext\":{\"type\":1,\"b64\":\"AwAAAP8B\"}},"
		"\"half\":{\"$ext\":{\"type\":1,\"b64\":\"AQAAAAA8AEA=\"}},"
		"\"empty\":{\"$ext\":{\"type\":1,\"b64\":\"AAAAAA==\"}},"
		"\"type\":{\"$ext\":{\"type\":1,\"b64\":\"BAAAAAE=\"}},"
		"\"pad\":{\"$ext\":{\"type\":1,\"b64\":\"AgAAAQE=\"}},"
		"\"pad2\":{\"$ext\":{\"type\":1,\"b64\":\"AgABAAE=\"}},"
		"\"odd\":{\"$ext\":{\"type\":1,\"b64\":\"AAAAAAECAw==\"}},"
		"\"odd2\":{\"$ext\":{\"type\":1,\"b64\":\"AQAAAAE=\"}},"
		"\"short\":{\"$ext\":{\"type\":1,\"b64\":\"AgAA\"}}}\n";
	static const char *const none[] = { "short", "type", "pad", "pad2", "odd", "odd2", "two", "absent" };
	static const char *const no_pair[] = { "one", "three", "minus", "kind", "absent" };
	struct rec_reader *r;
	struct rec rec;
	enum rec_dtype t = REC_I8;
	const void *data = NULL;
	size_t n = 7;
	uint64_t from = 3, to = 4;
	double d;
	int fd = file_with(line, sizeof line - 1);
	assert_int_equal(rec_reader_open(&r, fd, "stdin", &e), 0);
	assert_int_equal(rec_read(r, &rec, &e), 1);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(rec_vec(&rec, none[i], &t, &n, &data));
	for (size_t i = 0; i < sizeof no_pair / sizeof *no_pair; i++)
		assert_false(rec_pair(rec_get(&rec, no_pair[i]), &from, &to));
	assert_true(t == REC_I8 && n == 7 && !data && from == 3 && to == 4);
	assert_true(rec_vec(&rec, "bits", &t, &n, &data) && t == REC_B1 && n == 16);
	assert_true(rec_vec(&rec, "half", &t, &n, &data) && t == REC_F16 && n == 2);
	assert_true(rec_vec(&rec, "empty", &t, &n, &data) && t == REC_F32 && n == 0);
	assert_true(rec_pair(rec_get(&rec, "two"), &from, &to) && from == 1 && to == 2);
	assert_true(rec_f64(&rec, "big", &d) && d > 1.8e19);
	assert_null(rec_get(&rec, "thre"));
	rec_reader_close(r);
	close(fd);
}

static void rec_is_headed_compares_the_whole_first_line(void **state)
{
	(void)state;
	assert_true(rec_is_headed("-x, --get\nTake.", 15, "-x, --get", 9));
	assert_true(rec_is_headed("-x", 2, "-x", 2));
	assert_false(rec_is_headed("-x", 2, "-x, --get", 9));
	assert_false(rec_is_headed("FILES of users", 14, "FILES", 5));
	assert_false(rec_is_headed("text", 4, "", 0));
}

static void rec_reader_would_block_only_on_an_idle_pipe(void **state)
{
	(void)state;
	struct buf b = {0};
	struct rec_reader *r;
	struct rec rec;
	int p[2];
	assert_int_equal(pipe(p), 0);
	make_stream(&b, false);
	assert_int_equal(rec_reader_open(&r, p[0], "stdin", &e), 0);
	assert_true(rec_reader_would_block(r));
	assert_int_equal(io_write(p[1], b.data, b.len, "pipe", &e), 0);
	assert_false(rec_reader_would_block(r));
	for (int i = 0; i < 3; i++)
		assert_int_equal(rec_read(r, &rec, &e), 1);
	close(p[1]);
	assert_false(rec_reader_would_block(r));
	assert_int_equal(rec_read(r, &rec, &e), 0);
	rec_reader_close(r);
	close(p[0]);
	buf_release(&b);
}

static void rec_reader_would_block_within_a_line_of_text(void **state)
{
	(void)state;
	struct rec_reader *r;
	const char *s;
	size_t n;
	int p[2];
	assert_int_equal(pipe(p), 0);
	assert_int_equal(rec_reader_open(&r, p[0], "stdin", &e), 0);
	assert_int_equal(io_write(p[1], "one\ntwo\nthr", 11, "pipe", &e), 0);
	assert_int_equal(rec_reader_line(r, &s, &n, &e), 1);
	assert_false(rec_reader_would_block(r));
	assert_int_equal(rec_reader_line(r, &s, &n, &e), 1);
	assert_true(rec_reader_would_block(r));
	rec_reader_close(r);
	close(p[0]);
	close(p[1]);
}

/* From a descriptor that is not waited for, a record comes whole or not yet. */
static void rec_read_a_record_in_pieces_is_read_again(void **state)
{
	(void)state;
	static const char line[] = "{\"kind\":\"chunk\",\"text\":\"one\"}\n";
	struct rec_reader *r;
	struct rec rec;
	struct err why = {0};
	int p[2];
	assert_int_equal(pipe(p), 0);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(rec_reader_open(&r, p[0], "test", &e), 0);
	for (size_t i = 0; i < sizeof line - 1; i++) {
		assert_int_equal(rec_read(r, &rec, &why), ERR_AGAIN);
		assert_int_equal(write(p[1], line + i, 1), 1);
	}
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_true(rec_is(&rec, "chunk"));
	assert_int_equal(rec_read(r, &rec, &why), ERR_AGAIN);
	close(p[1]);
	assert_int_equal(rec_read(r, &rec, &e), 0);
	rec_reader_close(r);
	close(p[0]);
}

static void rec_read_endless_white_space_is_an_error(void **state)
{
	(void)state;
	struct buf b = {0};
	struct rec rec;
	struct rec_reader *r;
	buf_puts(&b, "{\"kind\":\"chunk\"}\n");
	while (b.len < REC_MAX_BYTES + 100)
		buf_puts(&b, "                                                                \n");
	buf_puts(&b, "{\"kind\":\"chunk\"}\n");
	int fd = file_with(b.data, b.len);
	assert_int_equal(rec_reader_open(&r, fd, "test", &e), 0);
	assert_int_equal(rec_read(r, &rec, &e), 1);
	assert_int_equal(rec_read(r, &rec, &e), ERR_LIMIT);
	rec_reader_close(r);
	close(fd);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rec_stream_both_forms_come_back_as_written),
		cmocka_unit_test(rec_read_cut_at_every_byte_never_succeeds),
		cmocka_unit_test(rec_read_any_byte_changed_never_succeeds),
		cmocka_unit_test(rec_read_messages_name_stage_record_and_offset),
		cmocka_unit_test(rec_read_messages_name_any_stage_safely),
		cmocka_unit_test(rec_read_concatenated_streams_are_one_input),
		cmocka_unit_test(rec_read_broken_frames_are_refused),
		cmocka_unit_test(rec_read_bare_msgpack_only_when_allowed),
		cmocka_unit_test(rec_pass_and_copy_keep_unknown_kinds_and_keys),
		cmocka_unit_test(rec_pass_to_json_hashes_what_is_read_back),
		cmocka_unit_test(rec_emit_what_no_reader_accepts_is_a_bug),
		cmocka_unit_test(rec_writer_writes_each_record_once_and_holds_no_more_than_64_kib),
		cmocka_unit_test(rec_writer_bare_adds_no_head),
		cmocka_unit_test(rec_flush_to_full_disk_is_an_error),
		cmocka_unit_test(rec_reader_sniff_tells_records_from_text),
		cmocka_unit_test(rec_reader_line_gives_each_line_and_the_last),
		cmocka_unit_test(rec_get_values_that_are_not_what_they_should_be_are_left_alone),
		cmocka_unit_test(rec_is_headed_compares_the_whole_first_line),
		cmocka_unit_test(rec_reader_would_block_only_on_an_idle_pipe),
		cmocka_unit_test(rec_reader_would_block_within_a_line_of_text),
		cmocka_unit_test(rec_read_a_record_in_pieces_is_read_again),
		cmocka_unit_test(rec_read_endless_white_space_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
