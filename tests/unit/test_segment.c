/* SPDX-License-Identifier: Apache-2.0
 *
 * segment, section, vectors, manifest, store: what is written is read, and what was damaged is not believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "index/postings.h"
#include "tests/unit/corpus.h"

static const char *const tar[] = { "tar stores files in an archive", "-x, --extract extract files", "-t list an archive" };
static const char *const ls[] = { "list files of a directory", "-l long listing" };

/* The linker puts this in place of realloc (Makefile): the call with which n_left gets to 0 fails. */
static long n_left;
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
	return n_left && --n_left == 0 ? NULL : __real_realloc(p, n);
}

static void build(const char *dir)
{
	struct err e = {0};
	struct writer *w;
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	assert_int_equal(writer_set_model(w, "test", 4, &e), 0);
	corpus_add(w, "tar(1)", "tar - an archiving utility", tar, 3, 8, 0);
	corpus_add(w, "ls(1)", "ls - list directory contents", ls, 2, 8, 3);
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
}

static void varint_and_postings_round_trip(void **state)
{
	(void)state;
	struct buf b = {0};
	const struct posting in[] = { { 0, 1, 0 }, { 1, 3, 2 }, { 1000, 1, 0 }, { 1001, 0, 1 }, { 4000000000u, 70000, 1 } };
	int64_t prev = -1;
	for (size_t i = 0; i < 5; i++) {
		postings_put(&b, prev, &in[i]);
		prev = in[i].id;
	}
	struct postings p = postings_of(b.data, b.len, 4000000001u);
	struct posting it;
	for (size_t i = 0; i < 5; i++) {
		assert_true(postings_next(&p, &it));
		assert_memory_equal(&it, &in[i], sizeof it);
	}
	assert_false(postings_next(&p, &it));
	assert_false(p.bad);
	p = postings_of(b.data, b.len, 1001);	/* an id out of bounds */
	for (int i = 0; i < 3; i++)
		assert_true(postings_next(&p, &it));
	assert_false(postings_next(&p, &it));
	assert_true(p.bad);
	p = postings_of(b.data, b.len - 1, 4000000001u);	/* cut off */
	while (postings_next(&p, &it))
		;
	assert_true(p.bad);
	buf_release(&b);
}

static void segment_round_trip_keeps_everything(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	struct store s;
	struct segment_doc d;
	struct segment_chunk c;
	corpus_dir(dir);
	build(dir);
	assert_int_equal(store_open(&s, dir, &e), 0);
	assert_int_equal(s.n_doc, 2);
	assert_int_equal(s.n_chunk, 5);
	assert_string_equal(s.m.model, "test");
	assert_int_equal(s.m.dim, 8);
	assert_int_equal(segment_get_doc(&s.seg[0].seg, 1, &d, &e), 0);
	assert_memory_equal(d.doc.s, "ls(1)", 5);
	assert_int_equal(d.first, 3);
	assert_int_equal(d.n_chunk, 2);
	assert_int_equal(d.mtime_ns, 7);
	assert_int_equal(segment_get_chunk(&s.seg[0].seg, 4, &c, &e), 0);
	assert_memory_equal(c.text.s, "-l long listing", 15);
	assert_int_equal(c.doc, 1);
	assert_int_equal(c.b1, 10);
	assert_true(segment_get_chunk(&s.seg[0].seg, 5, &c, &e) < 0);
	assert_true(segment_get_doc(&s.seg[0].seg, 2, &d, &e) < 0);
	assert_int_equal(store_verify(&s, &e), 0);
	assert_int_equal(s.seg[0].layer[0].code[4 * 64 + 4], 127);
	store_close(&s);
	corpus_remove(dir);
}

static void segment_get_head_gives_all_but_the_text(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	struct writer *w;
	struct store s;
	struct segment_chunk c, head, in = { .l0 = 3, .l1 = 9, .text = str_of("-x\nTake."), .unit = str_of("option"), .n_sec = 2,
		.sec = { str_of("OPTIONS"), str_of("-x") }, .n_meta = 1, .meta = { { str_of("lang"), str_of("en") } } };
	corpus_dir(dir);
	build(dir);
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	corpus_add(w, "at(1)", "at - run later", tar, 1, 8, 1);
	assert_int_equal(writer_chunk(w, &in, NULL, 0, 0, &e), 0);
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
	assert_int_equal(store_open(&s, dir, &e), 0);
	struct segment *g = &s.seg[s.m.n_segment - 1].seg;
	uint32_t last = g->stat.n_chunk - 1;
	assert_int_equal(segment_get_chunk(g, last, &c, &e), 0);
	assert_int_equal(segment_get_head(g, last, &head, &e), 0);
	assert_int_equal(c.text.n, 8);
	assert_int_equal(head.text.n, 0);
	assert_int_equal(head.doc, c.doc);
	assert_int_equal(head.l1, 9);
	assert_int_equal(head.n_sec, 2);
	assert_memory_equal(head.sec, c.sec, 2 * sizeof *c.sec);
	assert_memory_equal(head.meta[0].value.s, "en", 2);
	assert_true(segment_get_head(g, last + 1, &head, &e) < 0);
	store_close(&s);
	corpus_remove(dir);
}

static void segment_find_gives_counts_of_every_term(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	struct store s;
	struct segment_term t;
	corpus_dir(dir);
	build(dir);
	assert_int_equal(store_open(&s, dir, &e), 0);
	struct segment *g = &s.seg[0].seg;
	assert_int_equal(segment_find(g, "file", 4, &t, &e), 1);
	assert_int_equal(t.n_chunk, 3);
	assert_int_equal(t.n_doc, 2);
	assert_int_equal(t.n_name, 0);
	assert_int_equal(segment_find(g, "list", 4, &t, &e), 1);
	assert_int_equal(t.n_chunk, 3);
	assert_int_equal(t.n_name, 1);
	assert_int_equal(segment_find(g, "--extract", 9, &t, &e), 1);
	assert_int_equal(segment_find(g, "\x01" "tar", 4, &t, &e), 1);
	assert_int_equal(t.n_name, 1);
	assert_int_equal(segment_find(g, "zebra", 5, &t, &e), 0);
	assert_int_equal(segment_find(g, "", 0, &t, &e), 0);
	store_close(&s);
	corpus_remove(dir);
}

static size_t slurp(const char *dir, const char *name, unsigned char *p, size_t cap, char path[128])
{
	snprintf(path, 128, "%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, p, cap);
	close(fd);
	assert_true(n > 0);
	return (size_t)n;
}

static void every_flipped_byte_is_detected(void **state)
{
	(void)state;
	static const char *const files[] = { "manifest", "0000000000000001.seg", "0000000000000002.vec" };
	static unsigned char p[1 << 16];
	char dir[64], path[128];
	corpus_dir(dir);
	build(dir);
	for (size_t f = 0; f < 3; f++) {
		size_t n = slurp(dir, files[f], p, sizeof p, path);
		int fd = open(path, O_WRONLY);
		for (size_t i = 0; i < n; i++) {
			struct err e = {0};
			struct store s;
			unsigned char bad = p[i] ^ (unsigned char)(1u << (i % 8));
			assert_int_equal(pwrite(fd, &bad, 1, (off_t)i), 1);
			int r = store_open(&s, dir, &e);
			if (!r) {
				r = store_verify(&s, &e);
				store_close(&s);
			}
			assert_true(r < 0);
			assert_int_equal(pwrite(fd, &p[i], 1, (off_t)i), 1);
		}
		close(fd);
	}
	corpus_remove(dir);
}

static void every_truncation_is_detected(void **state)
{
	(void)state;
	static const char *const files[] = { "manifest", "0000000000000001.seg", "0000000000000002.vec" };
	static unsigned char p[1 << 16];
	char dir[64], path[128];
	corpus_dir(dir);
	build(dir);
	for (size_t f = 0; f < 3; f++) {
		size_t n = slurp(dir, files[f], p, sizeof p, path);
		for (size_t i = n; i-- > 0; ) {
			struct err e = {0};
			struct store s;
			assert_int_equal(truncate(path, (off_t)i), 0);
			assert_true(store_open(&s, dir, &e) < 0);
		}
		int fd = open(path, O_WRONLY);
		assert_int_equal(write(fd, p, n), n);
		close(fd);
	}
	corpus_remove(dir);
}

static void swapped_files_are_detected(void **state)
{
	(void)state;
	char dir[64], cmd[256];
	struct err e = {0};
	struct writer *w;
	struct store s;
	corpus_dir(dir);
	build(dir);
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	corpus_add(w, "at(1)", "at - run later", tar, 3, 8, 1);
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
	snprintf(cmd, sizeof cmd, "cd %s && mv *1.seg x && mv *3.seg 0000000000000001.seg && mv x 0000000000000003.seg", dir);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(store_open(&s, dir, &e), ERR_CHECKSUM);
	corpus_remove(dir);
}

static void a_file_is_written_whole_or_not_at_all_without_memory(void **state)
{
	(void)state;
	char dir[64], path[128];
	struct err e = {0};
	struct vectors_builder b = { .dim = 4 };
	struct vectors v;
	uint64_t pin, len;
	bool is_done = false;
	corpus_dir(dir);
	snprintf(path, sizeof path, "%s/0000000000000002.vec", dir);
	assert_int_equal(vectors_put(&b, 0, (const int8_t[4]){ 1, 2, 3, 4 }, 0.5f, &e), 0);
	for (long n = 1; !is_done; n++) {
		n_left = n;
		int r = vectors_write(&b, path, 2, 1, 1, &pin, &len, &e);
		is_done = n_left > 0;
		n_left = 0;
		assert_int_equal(r, is_done ? 0 : ERR_MEM);
		assert_int_equal(access(path, F_OK), r ? -1 : 0);
	}
	assert_int_equal(vectors_open(&v, path, &e), 0);
	assert_true(v.file.pin == pin && v.file.map.len == len);
	assert_int_equal(vectors_check(&v, &e), 0);
	vectors_close(&v);
	vectors_release(&b);
	corpus_remove(dir);
}

static void manifest_round_trip_keeps_everything(void **state)
{
	(void)state;
	struct err e = {0};
	struct manifest m = { .generation = 3, .next = 9, .dim = 4 }, back;
	struct buf b = {0};
	strcpy(m.model, "minilm:12");
	struct manifest_segment *s = manifest_add(&m);
	s->number = 5;
	s->n_doc = 10;
	assert_true(manifest_kill(s, 7) && manifest_kill(s, 2) && manifest_kill(s, 7));
	assert_true(manifest_add_layer(s, &(struct manifest_layer){ 6, 1, 2, 3 }));
	assert_int_equal(manifest_format(&m, &b, &e), 0);
	assert_int_equal(manifest_parse(&back, b.data, b.len, "m", &e), 0);
	assert_int_equal(back.generation, 3);
	assert_int_equal(back.segment[0].n_dead, 2);
	assert_int_equal(back.segment[0].dead[0], 2);
	assert_int_equal(back.segment[0].layer[0].n_row, 3);
	manifest_release(&back);
	manifest_release(&m);
	buf_release(&b);
}

static void documents_are_killed_in_any_order_in_no_time(void **state)
{
	(void)state;
	struct err e = {0};
	struct manifest m = {0}, back;
	struct buf b = {0};
	struct manifest_segment *s = manifest_add(&m);
	const uint32_t n = 500000;
	s->n_doc = n;
	alarm(10);
	for (uint32_t i = n; i-- > 0; )
		assert_true(manifest_kill(s, i));
	alarm(0);
	assert_int_equal(manifest_format(&m, &b, &e), 0);
	assert_int_equal(manifest_parse(&back, b.data, b.len, "m", &e), 0);
	assert_int_equal(back.segment[0].n_dead, n);
	manifest_release(&back);
	manifest_release(&m);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint_and_postings_round_trip),
		cmocka_unit_test(segment_round_trip_keeps_everything),
		cmocka_unit_test(segment_get_head_gives_all_but_the_text),
		cmocka_unit_test(segment_find_gives_counts_of_every_term),
		cmocka_unit_test(every_flipped_byte_is_detected),
		cmocka_unit_test(every_truncation_is_detected),
		cmocka_unit_test(swapped_files_are_detected),
		cmocka_unit_test(a_file_is_written_whole_or_not_at_all_without_memory),
		cmocka_unit_test(manifest_round_trip_keeps_everything),
		cmocka_unit_test(documents_are_killed_in_any_order_in_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
