/* SPDX-License-Identifier: Apache-2.0
 *
 * forged: files of an index whose checksums are right and whose numbers are not, as only somebody else can have made them, and files
 * of which one block changed. Neither is believed: what is wrong is told, and nothing outside the sections is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "index/layout.h"
#include "index/terms.h"
#include "retrieve/find.h"
#include "tests/unit/corpus.h"

#define SEG "0000000000000001.seg"
#define VEC "0000000000000002.vec"
#define FILLER 99u

static const char *const text[] = { "alpha beta beta", "alpha gamma delta epsilon zeta eta theta iota kappa lambda" };

/* `width` bytes of `value` in place of those at `at` of section `id`; width 0: the section ends at `at`. */
struct lie { uint32_t id; size_t at; unsigned width; uint64_t value; const char *told; };

static void build(const char *dir, char seg[128], char vec[128])
{
	struct err e = {0};
	struct writer *w;
	snprintf(seg, 128, "%s/" SEG, dir);
	snprintf(vec, 128, "%s/" VEC, dir);
	assert_int_equal(writer_open(&w, dir, true, 0, &e), 0);
	corpus_add(w, "a", "", text, 2, 4, 0);
	assert_int_equal(writer_commit(w, &e), 0);
	writer_close(w);
}

/* Writes the sections 1 to n of `from` to `to` with one lie in them; if `apart`, so that no two have a block in common. */
static void forge(const char *from, const char *to, uint32_t kind, uint32_t n, const struct lie *lie, bool apart)
{
	static unsigned char copy[1 << 16];
	struct section_file f;
	struct section_writer w;
	struct err e = {0};
	uint64_t pin, len;
	assert_int_equal(section_open(&f, from, kind, &e), 0);
	assert_int_equal(section_create(&w, to, kind, f.number, &e), 0);
	for (uint32_t id = 1; id <= n; id++) {
		struct section_view v;
		assert_int_equal(section_get(&f, id, &v, &e), 0);
		assert_true(v.len <= sizeof copy);
		memcpy(copy, v.p, v.len);
		size_t k = v.len;
		if (lie && lie->id == id && !lie->width)
			k = lie->at;
		for (unsigned i = 0; lie && lie->id == id && i < lie->width; i++)
			copy[lie->at + i] = (unsigned char)(lie->value >> (8 * i));
		assert_int_equal(section_add(&w, id, copy, k, &e), 0);
		memset(copy, 0, sizeof copy);
		if (apart)
			assert_int_equal(section_add(&w, FILLER, copy, SECTION_BLOCK, &e), 0);
	}
	assert_int_equal(section_finish(&w, &pin, &len, &e), 0);
	section_close(&f);
}

static int open_and_verify_segment(const char *path, struct err *e)
{
	struct segment s;
	int r = segment_open(&s, path, e);
	if (!r) {
		r = segment_verify(&s, e);
		segment_close(&s);
	}
	return r;
}

static int open_and_check_vectors(const char *path, struct err *e)
{
	struct vectors v;
	int r = vectors_open(&v, path, e);
	if (!r) {
		r = vectors_check(&v, e);
		vectors_close(&v);
	}
	return r;
}

static int open_and_check_rows(const char *path, struct err *e)
{
	struct vectors v;
	int r = vectors_open(&v, path, e);
	if (!r) {
		r = vectors_check_rows(&v, e);
		vectors_close(&v);
	}
	return r;
}

/* Each lie is ERR_FORMAT and told in the words that belong to it. */
static void tell_all(const char *from, uint32_t kind, uint32_t n, const struct lie *lie, size_t n_lie,
	int (*fn)(const char *path, struct err *e))
{
	char to[160];
	struct err e = {0};
	snprintf(to, sizeof to, "%s.forged", from);
	forge(from, to, kind, n, NULL, false);
	assert_int_equal(fn(to, &e), 0);
	for (size_t i = 0; i < n_lie; i++) {
		forge(from, to, kind, n, &lie[i], false);
		e = (struct err){0};
		int r = fn(to, &e);
		if (r != ERR_FORMAT || !strstr(e.msg, lie[i].told))
			fail_msg("lie %zu, '%s' in section %u: %d %s", i, lie[i].told, lie[i].id, r, e.msg);
	}
}

static void a_segment_with_numbers_that_lie_is_refused(void **state)
{
	(void)state;
	static const char lengths[] = "do not have the lengths", doc[] = "a document's entry points outside",
		chunk[] = "a chunk's entry points outside", string[] = "a string is longer than the heap",
		list[] = "a list is longer than the heap", cut[] = "a term is cut off", block[] = "a block of terms lies outside",
		outside[] = "posting lists lie outside", counts[] = "a posting list contradicts its counts";
	char dir[64], seg[128], vec[128];
	struct segment s;
	struct err e = {0};
	uint64_t head;
	corpus_dir(dir);
	build(dir, seg, vec);
	assert_int_equal(segment_open(&s, seg, &e), 0);
	const uint64_t heap = s.heap.len, n_text = s.text.len, terms = s.terms.len, post = s.post.len;
	memcpy(&head, s.chunks.p + HASH_ID_LEN, 8);	/* in the heap, of the first chunk: "\4para", sections, pairs of meta */
	segment_close(&s);
	/* The first terms are "\1a", "\2" with 16 digits, and "a": bytes shared, length, bytes, 3 counts, 2 lengths each. */
	const size_t second = 9, third = second + 24;
	const struct lie lie[] = {
		{ SECT_META, META_LEN - 8, 0, 0, "its counts are cut off" }, { SECT_META, 0, 4, 2, lengths }, { SECT_META, 4, 4, 3, lengths },
		{ SECT_META, 8, 4, 100, lengths }, { SECT_LENS, LEN_LEN, 0, 0, lengths },
		{ SECT_DOCS, 0, 8, heap + 1, doc }, { SECT_DOCS, 24, 4, 1, doc }, { SECT_DOCS, 28, 4, 3, doc },
		{ SECT_CHUNKS, 16, 8, heap + 1, chunk }, { SECT_CHUNKS, 24, 8, n_text, chunk }, { SECT_CHUNKS, 48, 4, UINT32_MAX, chunk },
		{ SECT_CHUNKS, 52, 4, 1, chunk }, { SECT_HEAP, 0, 2, 0x7fff, string }, { SECT_HEAP, head + 5, 1, SEGMENT_MAX_SEC + 1, list },
		{ SECT_HEAP, head + 6, 1, SEGMENT_MAX_META + 1, list }, { SECT_LENS, 0, 4, 1, "a chunk belongs to no document" },
		{ SECT_TERM_AT, 0, 8, terms + 1, block }, { SECT_TERM_AT, 8, 8, post + 1, block }, { SECT_TERM_AT, 16, 8, terms + 1, block },
		{ SECT_TERMS, 0, 1, 1, cut }, { SECT_TERMS, second, 1, 3, cut }, { SECT_TERMS, second, 2, TERMS_MAX << 8 | 2, cut },
		{ SECT_TERMS, third + 3, 1, 3, outside }, { SECT_TERMS, third + 4, 1, 2, outside }, { SECT_TERMS, third + 5, 1, 2, outside },
		{ SECT_TERMS, third + 6, 1, 100, outside }, { SECT_TERMS, third + 7, 1, 100, outside },
		{ SECT_TERMS, third + 5, 1, 0, counts }, { SECT_POST, 0, 1, 1, counts }, { SECT_POST, 0, 1, 5, counts },
		{ SECT_META, 8, 4, 6, "terms are missing" },
	};
	tell_all(seg, SEGMENT_KIND, SECT_LENS, lie, sizeof lie / sizeof *lie, open_and_verify_segment);
	corpus_remove(dir);
}

static void vectors_with_numbers_that_lie_are_refused(void **state)
{
	(void)state;
	static const char counts[] = "contradict its counts", order[] = "names chunks out of order";
	char dir[64], seg[128], vec[128];
	corpus_dir(dir);
	build(dir, seg, vec);
	const struct lie lie[] = {
		{ 1, 16, 0, 0, counts }, { 1, 12, 4, 0, counts }, { 1, 16, 4, 1, counts }, { 2, 4, 0, 0, counts }, { 3, 4, 0, 0, counts },
		{ 4, 64, 0, 0, counts }, { 2, 4, 4, 2, order }, { 2, 0, 4, 1, order },
	};
	tell_all(vec, VECTORS_KIND, 4, lie, sizeof lie / sizeof *lie, open_and_check_vectors);
	tell_all(vec, VECTORS_KIND, 4, lie, sizeof lie / sizeof *lie, open_and_check_rows);
	corpus_remove(dir);
}

/* Makes the manifest of `dir` name `file` as it is now; vectors have n_row rows. */
static void enter(const char *dir, const char *file, uint32_t kind, uint32_t n_row)
{
	struct manifest m;
	struct section_file f;
	struct err e = {0};
	assert_int_equal(section_open(&f, file, kind, &e), 0);
	assert_int_equal(manifest_read(&m, dir, &e), 0);
	if (kind == VECTORS_KIND) {
		m.segment[0].layer[0] = (struct manifest_layer){ f.number, f.pin, f.map.len, n_row };
	} else {
		m.segment[0].pin = f.pin;
		m.segment[0].len = f.map.len;
	}
	assert_int_equal(manifest_write(&m, dir, &e), 0);
	manifest_release(&m);
	section_close(&f);
}

static void vectors_of_another_segment_are_refused(void **state)
{
	(void)state;
	static const struct lie lie[] = { { 1, 0, 8, 7, "" }, { 1, 16, 4, 3, "" }, { 1, 12, 4, 5, "" }, { 1, 0, 8, 1, "" } };
	char dir[64], seg[128], vec[128], own[160];
	struct store s;
	corpus_dir(dir);
	build(dir, seg, vec);
	snprintf(own, sizeof own, "%s.own", vec);
	assert_int_equal(rename(vec, own), 0);
	for (size_t i = 0; i < 4; i++) {
		struct err e = {0};
		forge(own, vec, VECTORS_KIND, 4, &lie[i], false);
		enter(dir, vec, VECTORS_KIND, i < 3 ? 2 : 1);
		assert_int_equal(store_open(&s, dir, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, "belongs to another segment"));
	}
	struct err e = {0};
	enter(dir, vec, VECTORS_KIND, 2);
	assert_int_equal(store_open(&s, dir, &e), 0);
	store_close(&s);
	corpus_remove(dir);
}

static void ranking_by_a_posting_list_that_lies_is_refused(void **state)
{
	(void)state;
	/* The lists, in the order of terms: names of "\1a", of "\2...", and of "a", a byte each; chunks of "alpha". */
	static const struct { const char *question; size_t at; } bad[] = { { "a", 0 }, { "a", 2 }, { "alpha", 3 } };
	static struct plan p;
	char dir[64], seg[128], vec[128], own[160];
	corpus_dir(dir);
	build(dir, seg, vec);
	snprintf(own, sizeof own, "%s.own", seg);
	assert_int_equal(rename(seg, own), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct store s;
		struct lexical l;
		struct err e = {0};
		forge(own, seg, SEGMENT_KIND, SECT_LENS, &(struct lie){ SECT_POST, bad[i].at, 1, 1, "" }, false);
		enter(dir, seg, SEGMENT_KIND, 0);
		assert_int_equal(store_open(&s, dir, &e), 0);
		plan_make(&p, bad[i].question, strlen(bad[i].question));
		assert_int_equal(lexical_run(&l, &s, &p, &lexical_default, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, "has a posting list that contradicts itself"));
		store_close(&s);
	}
	corpus_remove(dir);
}

static void a_unit_that_is_none_is_taken_for_another(void **state)
{
	(void)state;
	char dir[64], seg[128], vec[128], own[160];
	struct finder f;
	struct err e = {0};
	corpus_dir(dir);
	build(dir, seg, vec);
	snprintf(own, sizeof own, "%s.own", seg);
	assert_int_equal(rename(seg, own), 0);
	forge(own, seg, SEGMENT_KIND, SECT_LENS, &(struct lie){ SECT_LENS, 12, 4, UNIT_TABLE + 1, "" }, false);
	enter(dir, seg, SEGMENT_KIND, 0);
	assert_int_equal(finder_open(&f, dir, &(struct find_filter){0}, scan_select(NULL, NULL), &e), 0);
	assert_int_equal(f.all.unit[0], UNIT_OTHER);
	assert_int_equal(f.all.unit[1], UNIT_PARA);
	finder_close(&f);
	corpus_remove(dir);
}

static void vectors_that_lie_are_not_ranked_by_nor_merged(void **state)
{
	(void)state;
	_Alignas(64) static const int8_t question[64] = { 127 };
	char dir[64], seg[128], vec[128], own[160];
	struct writer *w;
	struct store s;
	struct dense d;
	struct err e = {0};
	corpus_dir(dir);
	build(dir, seg, vec);
	snprintf(own, sizeof own, "%s.own", vec);
	assert_int_equal(rename(vec, own), 0);
	forge(own, vec, VECTORS_KIND, 4, &(struct lie){ 2, 4, 4, 1 << 20, "" }, false);
	enter(dir, vec, VECTORS_KIND, 2);
	assert_int_equal(store_open(&s, dir, &e), 0);
	assert_int_equal(store_verify(&s, &e), ERR_FORMAT);
	assert_int_equal(dense_run(&d, &s, scan_select(NULL, NULL), question, 4, 1, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "names chunks out of order"));
	store_close(&s);
	assert_int_equal(writer_open(&w, dir, false, 0, &e), 0);
	corpus_add(w, "b", "", text, 1, 4, 0);
	assert_int_equal(writer_merge(w, MERGE_ALL, &e), ERR_FORMAT);
	writer_close(w);
	corpus_remove(dir);
}

/* Of the same number and length, and whole: a copy of another time, say. */
static void a_file_that_is_not_the_one_named_is_refused(void **state)
{
	(void)state;
	static const struct lie lie[] = { { SECT_DOCS, 16, 8, 99, "" }, { 3, 0, 4, 0x3c000000, "" } };
	char dir[64], seg[128], vec[128], own[160];
	struct store s;
	corpus_dir(dir);
	build(dir, seg, vec);
	for (int i = 0; i < 2; i++) {
		const char *path = i ? vec : seg;
		struct err e = {0};
		snprintf(own, sizeof own, "%s.own", path);
		assert_int_equal(rename(path, own), 0);
		forge(own, path, i ? VECTORS_KIND : SEGMENT_KIND, i ? 4 : SECT_LENS, &lie[i], false);
		assert_int_equal(store_open(&s, dir, &e), ERR_CHECKSUM);
		assert_non_null(strstr(e.msg, "is not the file that the manifest names"));
		assert_int_equal(rename(own, path), 0);
	}
	struct err e = {0};
	assert_int_equal(store_open(&s, dir, &e), 0);
	store_close(&s);
	corpus_remove(dir);
}

static void a_segment_of_other_counts_than_the_manifest_has_is_refused(void **state)
{
	(void)state;
	char dir[64], seg[128], vec[128];
	struct manifest m;
	struct store s;
	struct err e = {0};
	corpus_dir(dir);
	build(dir, seg, vec);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(manifest_read(&m, dir, &e), 0);
		m.segment[0].n_doc += i == 0;
		m.segment[0].n_chunk = i ? 1 : 2;
		assert_int_equal(manifest_write(&m, dir, &e), 0);
		manifest_release(&m);
		assert_int_equal(store_open(&s, dir, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, "other counts than the manifest"));
	}
	corpus_remove(dir);
}

static void a_manifest_whose_name_is_too_long_is_refused(void **state)
{
	(void)state;
	for (uint32_t n = MANIFEST_MAX_MODEL - 1; n <= MANIFEST_MAX_MODEL; n++) {
		struct manifest m;
		struct err e = {0};
		struct buf b = {0};
		uint8_t sum[16];
		buf_puts(&b, "TTINDEX1");
		buf_u64(&b, 1);
		buf_u64(&b, 1);
		buf_u32(&b, 0);
		buf_u32(&b, 0);
		buf_u32(&b, n);
		for (uint32_t i = 0; i < n; i++)
			buf_putc(&b, 'a');
		hash_xxh128(b.data, b.len, sum);
		buf_add(&b, sum, sizeof sum);
		assert_int_equal(manifest_parse(&m, b.data, b.len, "m", &e), n < MANIFEST_MAX_MODEL ? 0 : ERR_FORMAT);
		manifest_release(&m);
		buf_release(&b);
	}
}

static void a_manifest_with_numbers_that_lie_is_refused(void **state)
{
	(void)state;
	/* 40: a segment; 72: its counts of dead and of layers; 80: dead; 88: layer */
	static const struct { size_t at; uint32_t value; int r; } lie[] = {
		{ 80, 1, 0 }, { 7, '2', ERR_VERSION }, { 28, 2, ERR_FORMAT }, { 28, 0, ERR_FORMAT }, { 32, 256, ERR_FORMAT },
		{ 36, 0x74006574, ERR_FORMAT }, { 36, 0x74ff6574, ERR_FORMAT }, { 64, 2, ERR_FORMAT }, { 64, 3, ERR_FORMAT },
		{ 72, 4, ERR_FORMAT }, { 72, 3, ERR_FORMAT }, { 76, 2, ERR_FORMAT }, { 76, 9, ERR_FORMAT }, { 76, UINT32_MAX, ERR_FORMAT },
		{ 80, 3, ERR_FORMAT }, { 84, 4, ERR_FORMAT }, { 84, 2, ERR_FORMAT },
	};
	struct manifest m = { .generation = 1, .next = 3, .dim = 4, .model = "test" }, back;
	struct manifest_segment *g = manifest_add(&m);
	struct err e = {0};
	struct buf b = {0};
	g->n_doc = 4;
	assert_true(manifest_kill(g, 2) && manifest_kill(g, 3) && manifest_add_layer(g, &(struct manifest_layer){ 2, 1, 1, 1 }));
	for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
		buf_clear(&b);
		assert_int_equal(manifest_format(&m, &b, &e), 0);
		assert_int_equal(b.len, 136);
		for (unsigned k = 0; k < (lie[i].at == 7 ? 1 : 4); k++)
			b.data[lie[i].at + k] = (char)(unsigned char)(lie[i].value >> (8 * k));
		hash_xxh128(b.data, 120, (uint8_t *)b.data + 120);
		int r = manifest_parse(&back, b.data, b.len, "m", &e);
		if (r != lie[i].r)
			fail_msg("lie %zu at %zu: %d %s", i, lie[i].at, r, e.msg);
		manifest_release(&back);
	}
	manifest_release(&m);
	buf_release(&b);
}

/* ---- the container ---- */

struct toc { uint32_t n, n_sum; uint64_t off, len; };	/* sections, the others like the first; sums; the first section */

/* Writes `from` to `to` with another table of contents. */
static void forge_toc(const char *from, const char *to, const struct toc *t)
{
	struct section_file f;
	struct err e = {0};
	struct buf b = {0}, foot = {0};
	assert_int_equal(section_open(&f, from, SEGMENT_KIND, &e), 0);
	const char *p = f.map.data;
	buf_add(&b, p, f.toc_off);
	for (uint32_t i = 0; i < t->n; i++) {
		bool own = i > 0 && i < f.n_toc;
		buf_add(&b, p + f.toc_off + (own ? i : 0) * 24, 8);
		buf_u64(&b, own ? (uint64_t)(f.toc[i].view.p - (const unsigned char *)p) : t->off);
		buf_u64(&b, own ? f.toc[i].view.len : t->len);
	}
	for (uint32_t i = 0; i < t->n_sum; i++)
		buf_add(&b, f.sums, 8);
	buf_u64(&foot, f.toc_off);
	buf_u64(&foot, b.len + 64);
	buf_u32(&foot, t->n);
	buf_u32(&foot, t->n_sum);
	buf_u64(&foot, hash_xxh64(b.data + f.toc_off, b.len - f.toc_off));
	buf_zeros(&foot, 56 - foot.len);
	buf_u64(&foot, hash_xxh64(foot.data, foot.len));
	buf_add(&b, foot.data, foot.len);
	assert_int_equal(io_replace(to, b.data, b.len, 0600, &e), 0);
	buf_release(&b);
	buf_release(&foot);
	section_close(&f);
}

static void a_table_of_contents_that_lies_is_refused(void **state)
{
	(void)state;
	static const char outside[] = "has a section outside the file", itself[] = "has a footer that contradicts itself";
	char dir[64], seg[128], vec[128], to[160];
	struct section_file f;
	struct err e = {0};
	corpus_dir(dir);
	build(dir, seg, vec);
	snprintf(to, sizeof to, "%s.forged", seg);
	const struct { struct toc toc; const char *told; } lie[] = {
		{ { 9, 1, 0, 40 }, outside }, { { 9, 1, 65, 40 }, outside }, { { 9, 1, 64, UINT64_MAX - 32 }, outside },
		{ { 9, 1, 1 << 20, 0 }, outside }, { { SECTION_MAX + 1, 1, 64, 40 }, itself }, { { 9, 0, 64, 40 }, itself },
		{ { 9, 2, 64, 40 }, itself },
	};
	forge_toc(seg, to, &(struct toc){ SECTION_MAX, 1, 64, 40 });
	assert_int_equal(section_open(&f, to, SEGMENT_KIND, &e), 0);
	section_close(&f);
	for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
		forge_toc(seg, to, &lie[i].toc);
		e = (struct err){0};
		assert_int_equal(section_open(&f, to, SEGMENT_KIND, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, lie[i].told));
	}
	assert_int_equal(section_open(&f, seg, VECTORS_KIND, &e), ERR_FORMAT);
	corpus_remove(dir);
}

static void a_file_of_a_later_version_is_told_as_one(void **state)
{
	(void)state;
	char dir[64], seg[128], vec[128];
	struct section_file f;
	struct err e = {0};
	corpus_dir(dir);
	build(dir, seg, vec);
	int fd = open(seg, O_WRONLY);
	assert_int_equal(pwrite(fd, "\2", 1, 8), 1);
	close(fd);
	assert_int_equal(section_open(&f, seg, SEGMENT_KIND, &e), ERR_VERSION);
	corpus_remove(dir);
}

/* ---- blocks that changed ---- */

/* Opens `path` with the last byte of section `id` changed: 0, or what reading by `fn` gives. */
static int read_damaged(const char *path, uint32_t id, int (*fn)(struct segment *s, struct err *e))
{
	struct section_view v;
	struct segment s;
	struct err e = {0};
	assert_int_equal(segment_open(&s, path, &e), 0);
	assert_int_equal(section_get(&s.file, id, &v, &e), 0);
	off_t at = v.p - (const unsigned char *)s.file.map.data + (off_t)v.len - 1;
	unsigned char was = v.p[v.len - 1], bad = was ^ 1;
	segment_close(&s);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, &bad, 1, at), 1);
	int r = segment_open(&s, path, &e);
	if (!r) {
		r = fn(&s, &e);
		segment_close(&s);
	}
	assert_int_equal(pwrite(fd, &was, 1, at), 1);
	close(fd);
	return r;
}

static int read_doc(struct segment *s, struct err *e)
{
	struct segment_doc d;
	return segment_get_doc(s, 0, &d, e);
}

static int read_doc_len(struct segment *s, struct err *e)
{
	uint32_t n_word, n_name;
	return segment_get_doc_len(s, 0, &n_word, &n_name, e);
}

static int read_chunk(struct segment *s, struct err *e)
{
	struct segment_chunk c;
	return segment_get_chunk(s, 0, &c, e);
}

static int read_head(struct segment *s, struct err *e)
{
	struct segment_chunk c;
	return segment_get_head(s, 0, &c, e);
}

static int read_lens(struct segment *s, struct err *e)
{
	const struct segment_len *len;
	return segment_get_lens(s, &len, e);
}

static int find_term(struct segment *s, struct err *e)
{
	struct segment_term t;
	int r = segment_find(s, "alpha", 5, &t, e);
	return r == 1 ? 0 : r;
}

/* It begins in one block and ends in the next. */
static int read_filler(struct segment *s, struct err *e)
{
	struct section_view v;
	int r = section_get(&s->file, FILLER, &v, e);
	return r ? r : section_check(&s->file, v.p, v.len, e);
}

static void what_is_read_is_checked_first(void **state)
{
	(void)state;
	static const struct { int (*fn)(struct segment *s, struct err *e); uint32_t of; } read[] = {
		{ read_doc, 1u << SECT_DOCS | 1u << SECT_HEAP }, { read_doc_len, 1u << SECT_DOCS },
		{ read_chunk, 1u << SECT_CHUNKS | 1u << SECT_HEAP | 1u << SECT_TEXT }, { read_head, 1u << SECT_CHUNKS | 1u << SECT_HEAP },
		{ read_lens, 1u << SECT_LENS }, { find_term, 1u << SECT_TERMS | 1u << SECT_TERM_AT | 1u << SECT_POST },
	};
	char dir[64], seg[128], vec[128], to[160];
	corpus_dir(dir);
	build(dir, seg, vec);
	snprintf(to, sizeof to, "%s.forged", seg);
	forge(seg, to, SEGMENT_KIND, SECT_LENS, NULL, true);
	for (uint32_t id = SECT_META; id <= SECT_LENS; id++)
		for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
			bool bad = id == SECT_META || (read[i].of >> id & 1);
			int r = read_damaged(to, id, read[i].fn);
			if (r != (bad ? ERR_CHECKSUM : 0))
				fail_msg("section %u, reader %zu: %d", id, i, r);
		}
	assert_int_equal(read_damaged(to, FILLER, read_filler), ERR_CHECKSUM);
	corpus_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_with_numbers_that_lie_is_refused),
		cmocka_unit_test(vectors_with_numbers_that_lie_are_refused),
		cmocka_unit_test(vectors_of_another_segment_are_refused),
		cmocka_unit_test(ranking_by_a_posting_list_that_lies_is_refused),
		cmocka_unit_test(a_unit_that_is_none_is_taken_for_another),
		cmocka_unit_test(vectors_that_lie_are_not_ranked_by_nor_merged),
		cmocka_unit_test(a_file_that_is_not_the_one_named_is_refused),
		cmocka_unit_test(a_segment_of_other_counts_than_the_manifest_has_is_refused),
		cmocka_unit_test(a_manifest_with_numbers_that_lie_is_refused),
		cmocka_unit_test(a_manifest_whose_name_is_too_long_is_refused),
		cmocka_unit_test(a_table_of_contents_that_lies_is_refused),
		cmocka_unit_test(a_file_of_a_later_version_is_told_as_one),
		cmocka_unit_test(what_is_read_is_checked_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
