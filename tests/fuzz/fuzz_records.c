/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_records: any bytes as a stream of records. What is read must be writable, in both forms, and read back equal.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/rec.h"
#include "lib/base/rec_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Through JSON and back gives the same bytes, once they are in the shortest form (which is what the way back makes). */
static void check_json(const msgpack_object *o)
{
	struct buf text = {0}, once = {0}, text2 = {0}, twice = {0};
	struct err e;
	if (rec_json_put(&text, o, 0, &e) || rec_json_get(&once, text.data, text.len, &e))
		abort();
	msgpack_unpacked u;
	size_t off = 0;
	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, once.data, once.len, &off) != MSGPACK_UNPACK_SUCCESS || off != once.len)
		abort();
	if (rec_json_put(&text2, &u.data, 0, &e) || rec_json_get(&twice, text2.data, text2.len, &e))
		abort();
	if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0 || text.len != text2.len)
		abort();
	msgpack_unpacked_destroy(&u);
	buf_release(&text);
	buf_release(&once);
	buf_release(&text2);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static int fd = -1, null = -1;
	struct rec_reader *r;
	struct rec_writer *w;
	struct rec rec;
	struct err e = {0};
	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		null = memfd_create("out", 0);
	}
	if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n || lseek(fd, 0, SEEK_SET) || ftruncate(null, 0))
		abort();
	if (rec_reader_open(&r, fd, "fuzz", &e) || rec_writer_open_bare(&w, null, "fuzz", &e))
		abort();
	rec_reader_allow_bare(r, n & 1);
	while (rec_read(r, &rec, &e) > 0) {
		enum rec_dtype t;
		size_t len;
		const void *data;
		rec_vec(&rec, "vec", &t, &len, &data);
		check_json(rec.map);
		if (rec_pass(w, &rec, &e))
			abort();
		rec_begin(w, NULL);
		rec_copy(w, &rec, NULL);
		if (rec_emit(w, &e))
			abort();
	}
	rec_reader_close(r);
	rec_writer_abort(w);
	return 0;
}
