/* SPDX-License-Identifier: Apache-2.0
 *
 * writer, merge, lock: what a commit makes visible, and what it leaves behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "index/merge.h"
#include "tests/unit/corpus.h"

static const char *const one[] = { "alpha beta", "gamma" };
static const char *const two[] = { "delta" };

static struct writer *open_writer(const char *dir)
{
	struct err e = {0};
	struct writer *w;
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	return w;
}

static void commit(struct writer *w)
{
	struct err e = {0};
	assert_int_equal(writer_commit(w, &e), 0);
}

static size_t n_files(const char *dir)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void add_same_document_replaces_it(void **state)
{
	(void)state;
	char dir[64];
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	corpus_add(w, "a", "", one, 2, 0, 0);
	corpus_add(w, "a", "", one, 2, 0, 0);	/* within a commit */
	commit(w);
	assert_int_equal(writer_store(w)->n_doc, 1);
	corpus_add(w, "a", "", two, 1, 0, 0);	/* and later */
	corpus_add(w, "b", "", two, 1, 0, 0);
	commit(w);
	assert_int_equal(writer_store(w)->n_doc, 2);
	assert_int_equal(writer_store(w)->n_chunk, 2);
	writer_close(w);
	corpus_remove(dir);
}

static void a_document_comes_again_and_again_in_no_time(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	struct segment_doc d = { .doc = str_of("a") };
	alarm(10);
	for (int i = 0; i < 300000; i++)
		assert_int_equal(writer_doc(w, &d, &e), 0);
	alarm(0);
	commit(w);
	assert_int_equal(writer_store(w)->n_doc, 1);
	writer_close(w);
	corpus_remove(dir);
}

static void uncommitted_is_invisible_and_gone(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	struct store s;
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	corpus_add(w, "a", "", one, 2, 0, 0);
	commit(w);
	corpus_add(w, "b", "", two, 1, 0, 0);
	assert_int_equal(store_open(&s, dir, &e), 0);
	assert_int_equal(s.n_doc, 1);
	store_close(&s);
	writer_close(w);
	w = open_writer(dir);
	assert_int_equal(writer_store(w)->n_doc, 1);
	writer_close(w);
	corpus_remove(dir);
}

static void reader_keeps_its_generation_while_files_go(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	struct store s;
	struct segment_chunk c;
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	corpus_add(w, "a", "", one, 2, 0, 0);
	commit(w);
	assert_int_equal(store_open(&s, dir, &e), 0);
	corpus_add(w, "a", "", two, 1, 0, 0);
	assert_int_equal(writer_merge(w, MERGE_ALL, &e), 0);
	assert_int_equal(writer_store(w)->n_chunk, 1);
	assert_int_equal(segment_get_chunk(&s.seg[0].seg, 0, &c, &e), 0);
	assert_memory_equal(c.text.s, "alpha beta", 10);
	assert_int_equal(store_verify(&s, &e), 0);
	store_close(&s);
	writer_close(w);
	corpus_remove(dir);
}

static void second_writer_is_refused_until_the_first_is_done(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	struct writer *second;
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	assert_int_equal(writer_open(&second, dir, true, 0, &e), ERR_LOCK);
	writer_close(w);
	writer_close(open_writer(dir));
	corpus_remove(dir);
}

static void many_commits_leave_few_segments(void **state)
{
	(void)state;
	char dir[64], name[16];
	struct err e = {0};
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "doc%d", i);
		corpus_add(w, name, "", one, 2, 4, (size_t)i);
		assert_int_equal(writer_merge(w, MERGE_TIERED, &e), 0);
	}
	assert_int_equal(writer_store(w)->n_doc, 40);
	assert_true(writer_store(w)->m.n_segment < 4);
	assert_int_equal(writer_store(w)->n_row, 80);
	assert_int_equal(n_files(dir), 2 + 2 * writer_store(w)->m.n_segment);
	assert_int_equal(store_verify(writer_store(w), &e), 0);
	writer_close(w);
	corpus_remove(dir);
}

static void late_vectors_fill_what_lacks_them(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	uint8_t id[HASH_ID_LEN], *has;
	int8_t code[4] = { 1, 2, 3, 127 };
	bool known;
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	corpus_add(w, "a", "", one, 2, 0, 0);
	commit(w);
	assert_int_equal(segment_get_id(&writer_store(w)->seg[0].seg, 1, id, &e), 0);
	assert_int_equal(writer_vector(w, id, code, 4, 0.5f, &known, &e), 0);
	assert_true(known);
	commit(w);
	assert_int_equal(store_has_vectors(writer_store(w), 0, &has, &e), 0);
	assert_int_equal(has[0], 0);
	assert_int_equal(has[1], 1);
	free(has);
	assert_int_equal(writer_vector(w, id, code, 4, 0.5f, &known, &e), 0);
	assert_false(known);	/* it has one now */
	assert_int_equal(writer_vector(w, id, code, 5, 0.5f, &known, &e), ERR_CONF);
	writer_close(w);
	corpus_remove(dir);
}

static void another_embedder_is_refused(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	assert_int_equal(writer_set_model(w, "one", 3, &e), 0);
	corpus_add(w, "a", "", one, 2, 4, 0);
	commit(w);
	assert_int_equal(writer_set_model(w, "two", 3, &e), ERR_CONF);
	assert_int_equal(writer_set_model(w, "one", 3, &e), 0);
	writer_close(w);
	corpus_remove(dir);
}

static void merge_gives_the_bytes_of_one_build(void **state)
{
	(void)state;
	char a[64], b[64], cmd[256];
	struct err e = {0};
	corpus_dir(a);
	corpus_dir(b);
	struct writer *w = open_writer(a);
	corpus_add(w, "x", "t", one, 2, 4, 0);
	corpus_add(w, "z", "t", two, 1, 4, 3);
	corpus_add(w, "none", "t", two, 1, 0, 0);
	commit(w);
	corpus_add(w, "y", "t", two, 1, 4, 1);
	assert_int_equal(writer_merge(w, MERGE_ALL, &e), 0);
	writer_close(w);
	w = open_writer(b);
	corpus_add(w, "x", "t", one, 2, 4, 0);
	corpus_add(w, "z", "t", two, 1, 4, 3);
	corpus_add(w, "none", "t", two, 1, 0, 0);
	corpus_add(w, "y", "t", two, 1, 4, 1);
	commit(w);
	writer_close(w);
	/* the number in the header and the sums over it differ: compare behind the header, before the toc's sums */
	snprintf(cmd, sizeof cmd, "cmp -i 64 -n $(($(stat -c %%s %s/*.seg) - 400)) %s/*.seg %s/*.seg", a, a, b);
	assert_int_equal(system(cmd), 0);
	snprintf(cmd, sizeof cmd, "cmp -i 72 -n $(($(stat -c %%s %s/*.vec) - 240)) %s/*.vec %s/*.vec", a, a, b);
	assert_int_equal(system(cmd), 0);
	corpus_remove(a);
	corpus_remove(b);
}

static void writer_sweeps_what_no_manifest_names(void **state)
{
	(void)state;
	char dir[64], cmd[256];
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	corpus_add(w, "a", "", one, 2, 0, 0);
	commit(w);
	writer_close(w);
	snprintf(cmd, sizeof cmd, "cd %s && touch 00000000000000ff.seg 00000000000000fe.vec.tmp.abcdef manifest.tmp.abcdef keep.txt", dir);
	assert_int_equal(system(cmd), 0);
	w = open_writer(dir);
	writer_close(w);
	assert_int_equal(n_files(dir), 4);	/* lock, manifest, segment, and a file that is not ours */
	corpus_remove(dir);
}

static void removed_in_any_order_they_are_gone(void **state)
{
	(void)state;
	char dir[64];
	struct err e = {0};
	bool known;
	corpus_dir(dir);
	struct writer *w = open_writer(dir);
	for (const char *name = "abcd"; *name; name++)
		corpus_add(w, (char[]){ *name, 0 }, "", two, 1, 0, 0);
	commit(w);
	for (const char *name = "dac"; *name; name++)
		assert_int_equal(writer_remove(w, name, 1, &known, &e), 0);
	commit(w);
	writer_close(w);
	w = open_writer(dir);
	assert_int_equal(writer_store(w)->n_doc, 1);
	assert_int_equal(writer_remove(w, "b", 1, &known, &e), 0);
	assert_true(known);
	writer_close(w);
	corpus_remove(dir);
}

/* Which of up to six segments are merged, by their chunks: "10100" is the first and the third. */
static void assert_picked(const uint32_t n_chunk[6], uint32_t n_dead, const char *want)
{
	struct manifest_segment seg[6] = {{0}};
	struct store s = { .m = { .segment = seg } };
	uint8_t pick[6];
	size_t n = 0;
	for (size_t i = 0; want[i]; i++) {
		seg[i] = (struct manifest_segment){ .n_chunk = n_chunk[i], .n_doc = 10, .n_dead = i == 1 ? n_dead : 0 };
		s.m.n_segment++;
		n += want[i] == '1';
	}
	assert_int_equal(merge_pick(&s, pick), n);
	for (size_t i = 0; want[i]; i++)
		assert_int_equal(pick[i], want[i] == '1');
}

static void four_segments_of_a_size_are_merged(void **state)
{
	(void)state;
	assert_picked((const uint32_t[6]){ 9, 2000, 1023, 2000, 0, 1 }, 0, "101011");
	assert_picked((const uint32_t[6]){ 1024, 4095, 3, 2000, 1024, 4096 }, 0, "110110");
	assert_picked((const uint32_t[6]){ 9, 2000, 9, 2000, 9, 2000 }, 5, "000000");
	assert_picked((const uint32_t[6]){ 9, 9, 9, 9, 9, 9 }, 6, "010000");	/* most of it left */
	assert_picked((const uint32_t[6]){ 9, 9, 9 }, 0, "000");
}

/* A disk that gives back another bit than it was given is found out, wherever that is. */
static void a_manifest_of_which_a_bit_changed_is_damaged(void **state)
{
	(void)state;
	struct manifest m = { .generation = 7, .next = 3, .dim = 4, .model = "oak" }, got;
	struct manifest_segment *s = manifest_add(&m);
	struct buf b = {0};
	s->n_doc = 3;
	assert_true(manifest_kill(s, 2) && manifest_kill(s, 0) && manifest_kill(s, 2));
	assert_int_equal(manifest_format(&m, &b, NULL), 0);
	assert_int_equal(manifest_parse(&got, b.data, b.len, "m", NULL), 0);
	assert_int_equal(got.segment[0].n_dead, 2);
	assert_int_equal(got.segment[0].dead[1], 2);
	manifest_release(&got);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		assert_int_equal(manifest_parse(&got, b.data, b.len, "m", NULL), i < 7 ? ERR_FORMAT : i == 7 ? ERR_VERSION : ERR_CHECKSUM);
		b.data[i] ^= 1;
		assert_int_equal(manifest_parse(&got, b.data, i, "m", NULL), i < 24 ? ERR_FORMAT : ERR_CHECKSUM);
	}
	buf_release(&b);
	manifest_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_same_document_replaces_it),
		cmocka_unit_test(a_document_comes_again_and_again_in_no_time),
		cmocka_unit_test(uncommitted_is_invisible_and_gone),
		cmocka_unit_test(reader_keeps_its_generation_while_files_go),
		cmocka_unit_test(second_writer_is_refused_until_the_first_is_done),
		cmocka_unit_test(many_commits_leave_few_segments),
		cmocka_unit_test(late_vectors_fill_what_lacks_them),
		cmocka_unit_test(another_embedder_is_refused),
		cmocka_unit_test(merge_gives_the_bytes_of_one_build),
		cmocka_unit_test(writer_sweeps_what_no_manifest_names),
		cmocka_unit_test(removed_in_any_order_they_are_gone),
		cmocka_unit_test(four_segments_of_a_size_are_merged),
		cmocka_unit_test(a_manifest_of_which_a_bit_changed_is_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
