/* SPDX-License-Identifier: Apache-2.0
 *
 * gguf: a valid file in memory, and several hundred that are not. The base file has every kind of value once:
 *
 *	key "a.u32", "a.str", "a.arr" (i32 x 3), "a.strs" (3 strings), "a.bool", "general.alignment"; tensors "t0", "t1"
 *
 * build() notes where each field stands, so that a case is "this field, that value". A file that opens all the same (a
 * length may be changed to another that fits) must keep every promise of gguf.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/base/buf.h"
#include "lib/model/gguf.h"

enum field {
	F_MAGIC, F_VERSION, F_N_TENSOR, F_N_KV, F_KEY_LEN, F_KEY_TYPE, F_STR_LEN, F_STR_TYPE, F_ARR_ELEM, F_ARR_N, F_STRS_N,
	F_STRS_LEN, F_BOOL, F_ALIGN_TYPE, F_ALIGN, F_NAME_LEN, F_N_DIM, F_NE0, F_NE1, F_TYPE, F_OFF0, F_OFF1, F_NAME1, F_NE_T1, N_FIELD,
};
struct file {
	struct buf b;
	size_t at[N_FIELD];
};

static void put_str(struct buf *b, const char *s)
{
	buf_u64(b, strlen(s));
	buf_puts(b, s);
}

static void put_key(struct buf *b, const char *key, uint32_t type)
{
	put_str(b, key);
	buf_u32(b, type);
}

static void build(struct file *f)
{
	struct buf *b = &f->b;
	*f = (struct file){0};
#define HERE(field) (f->at[field] = b->len)
	HERE(F_MAGIC); buf_add(b, "GGUF", 4);
	HERE(F_VERSION); buf_u32(b, 3);
	HERE(F_N_TENSOR); buf_u64(b, 2);
	HERE(F_N_KV); buf_u64(b, 6);
	HERE(F_KEY_LEN); put_str(b, "a.u32");
	HERE(F_KEY_TYPE); buf_u32(b, GGUF_U32); buf_u32(b, 77);
	put_str(b, "a.str"); HERE(F_STR_TYPE); buf_u32(b, GGUF_STR);
	HERE(F_STR_LEN); put_str(b, "hello");
	put_key(b, "a.arr", GGUF_ARR); HERE(F_ARR_ELEM); buf_u32(b, GGUF_I32);
	HERE(F_ARR_N); buf_u64(b, 3); buf_u32(b, 1); buf_u32(b, 2); buf_u32(b, (uint32_t)-3);
	put_key(b, "a.strs", GGUF_ARR); buf_u32(b, GGUF_STR);
	HERE(F_STRS_N); buf_u64(b, 3); put_str(b, "x");
	HERE(F_STRS_LEN); put_str(b, "yy"); put_str(b, "");
	put_key(b, "a.bool", GGUF_BOOL); HERE(F_BOOL); buf_putc(b, 1);
	put_str(b, "general.alignment"); HERE(F_ALIGN_TYPE); buf_u32(b, GGUF_U32);
	HERE(F_ALIGN); buf_u32(b, 64);
	HERE(F_NAME_LEN); put_str(b, "t0");
	HERE(F_N_DIM); buf_u32(b, 2);
	HERE(F_NE0); buf_u64(b, 4); HERE(F_NE1); buf_u64(b, 3);
	HERE(F_TYPE); buf_u32(b, QUANT_F32);
	HERE(F_OFF0); buf_u64(b, 0);
	buf_u64(b, 2); HERE(F_NAME1); buf_puts(b, "t1"); buf_u32(b, 1);
	HERE(F_NE_T1); buf_u64(b, 32); buf_u32(b, QUANT_Q8_0);
	HERE(F_OFF1); buf_u64(b, 64);
	buf_align(b, 64);
	buf_zeros(b, 64 + 34);
#undef HERE
}

static void poke(struct file *f, enum field field, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		f->b.data[f->at[field] + i] = (char)(v >> 8 * i);
}

/* Opens an exact-size copy on the heap, so that the sanitizer sees a read of one byte too many. */
static int open_copy(const void *p, size_t n, struct gguf **g, struct err *e, void **copy)
{
	*copy = malloc(n ? n : 1);
	memcpy(*copy, p, n);
	return gguf_open_memory(g, *copy, n, "case", e);
}

static void check_promises(const struct gguf *g, const char *p, size_t n)
{
	for (size_t i = 0; i < gguf_n_tensor(g); i++) {
		const struct tensor *t = gguf_tensor_at(g, i);
		const char *d = t->data;
		assert_true(d >= p && d <= p + n && t->len <= (size_t)(p + n - d));
		assert_ptr_equal(gguf_tensor(g, t->name), t);
	}
	struct gguf_array a;
	volatile unsigned sum = 0;
	(void)sum;
	if (gguf_array(g, "a.strs", &a))
		for (uint64_t i = 0; i < a.n; i++) {
			struct gguf_str s = gguf_array_str(g, &a, i);
			for (size_t k = 0; k < s.n; k++)
				sum += (unsigned char)s.s[k];
		}
	if (gguf_array(g, "a.arr", &a) && a.type != GGUF_STR)
		for (uint64_t i = 0; i < a.n; i++)
			sum += (unsigned)gguf_array_i64(&a, i);
}

/* Opens; on success checks the promises, on failure the error. Returns the code. */
static int judge(const void *p, size_t n)
{
	struct gguf *g = NULL;
	struct err e = {0};
	void *copy;
	int r = open_copy(p, n, &g, &e, &copy);
	if (!r) {
		check_promises(g, copy, n);
	} else {
		assert_null(g);
		assert_int_equal(e.code, r);
		assert_true(r == ERR_EOF || r == ERR_FORMAT || r == ERR_LIMIT || r == ERR_UNSUPPORTED || r == ERR_VERSION);
		assert_true(e.at <= n);
		assert_non_null(strstr(e.msg, "case"));
	}
	gguf_close(g);
	free(copy);
	return r;
}

static void gguf_open_valid_finds_everything(void **state)
{
	(void)state;
	struct file f;
	struct gguf *g;
	struct err e = {0};
	struct gguf_array a;
	struct gguf_str s;
	uint64_t u;
	bool flag = false;
	build(&f);
	assert_int_equal(gguf_open_memory(&g, f.b.data, f.b.len, "x", &e), 0);
	assert_true(gguf_u64(g, "a.u32", &u) && u == 77);
	assert_false(gguf_u64(g, "a.u3", &u));
	assert_false(gguf_u64(g, "a.str", &u));
	assert_false(gguf_u64(g, "a.bool", &u));
	assert_int_equal(gguf_absent(g, "a.none", "a string", &e), 0);
	assert_int_equal(gguf_absent(g, "a.u32", "a string", &e), ERR_FORMAT);
	assert_string_equal(e.msg, "key 'a.u32' is not a string");
	assert_true(gguf_str(g, "a.str", &s) && s.n == 5 && !memcmp(s.s, "hello", 5));
	assert_true(gguf_bool(g, "a.bool", &flag) && flag);
	assert_true(gguf_array(g, "a.arr", &a) && a.n == 3 && a.type == GGUF_I32);
	assert_int_equal(gguf_array_i64(&a, 2), -3);
	assert_int_equal(gguf_array_str(g, &a, 2).n, 0);	/* which is no string */
	assert_true(gguf_array(g, "a.strs", &a) && a.n == 3);
	s = gguf_array_str(g, &a, 1);
	assert_true(s.n == 2 && !memcmp(s.s, "yy", 2));
	assert_int_equal(gguf_array_str(g, &a, 2).n, 0);
	assert_int_equal(gguf_n_tensor(g), 2);
	const struct tensor *t = gguf_tensor(g, "t1");
	assert_true(t && t->type == QUANT_Q8_0 && t->len == 34 && t->n_dim == 1 && t->ne[0] == 32 && t->ne[1] == 1);
	assert_ptr_equal(t->data, f.b.data + f.b.len - 34);
	gguf_close(g);
	buf_release(&f.b);
}

static void gguf_open_cut_anywhere_fails(void **state)
{
	(void)state;
	struct file f;
	build(&f);
	for (size_t n = 0; n < f.b.len; n++)
		assert_true(judge(f.b.data, n) != 0);
	buf_release(&f.b);
}

static void gguf_open_any_bit_flipped_keeps_promises(void **state)
{
	(void)state;
	struct file f;
	build(&f);
	for (size_t i = 0; i < f.b.len - 98; i++) {
		for (int bit = 0; bit < 8; bit++) {
			f.b.data[i] = (char)(f.b.data[i] ^ (1 << bit));
			judge(f.b.data, f.b.len);
			f.b.data[i] = (char)(f.b.data[i] ^ (1 << bit));
		}
	}
	buf_release(&f.b);
}

/* Every count and length at every value that ever broke a reader. */
static void gguf_open_extreme_counts_fail(void **state)
{
	(void)state;
	static const enum field wide[] = { F_N_TENSOR, F_N_KV, F_KEY_LEN, F_STR_LEN, F_ARR_N, F_STRS_N, F_STRS_LEN, F_NAME_LEN,
	                                   F_NE0, F_NE1, F_OFF0, F_OFF1 };
	static const uint64_t v[] = { 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 1ull << 54, 1ull << 58, 1ull << 60,
	                              (1ull << 61) - 1, 1ull << 61, (1ull << 61) + 1, 1ull << 62, (1ull << 62) - 1, INT64_MAX,
	                              1ull << 63, (1ull << 63) + 1, UINT64_MAX - 50, UINT64_MAX - 31, UINT64_MAX - 3, UINT64_MAX };
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
		for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
			struct file f;
			build(&f);
			poke(&f, wide[i], v[k], 8);
			if (judge(f.b.data, f.b.len) == 0)
				fail_msg("field %d with %llx opens", (int)wide[i], (unsigned long long)v[k]);
			buf_release(&f.b);
		}
	}
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss <= 16 * 1024);
}

static void gguf_open_product_of_dimensions_wraps_fails(void **state)
{
	(void)state;
	static const uint64_t ne[][2] = { { 1ull << 32, 1ull << 32 }, { 1024, 1ull << 54 }, { 1ull << 62, 4 }, { 0x100000001, 0xffffffff },
	                                  { 4, (1ull << 62) + 1 }, { 1ull << 31, 1ull << 33 }, { 0x5555555555555556, 3 } };
	static const uint32_t types[] = { QUANT_F32, QUANT_F16, QUANT_Q4_0, QUANT_Q8_0, QUANT_Q4_K, QUANT_Q6_K, QUANT_BF16 };
	for (size_t i = 0; i < sizeof ne / sizeof *ne; i++) {
		for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
			struct file f;
			build(&f);
			poke(&f, F_NE0, ne[i][0], 8);
			poke(&f, F_NE1, ne[i][1], 8);
			poke(&f, F_TYPE, types[k], 4);
			assert_true(judge(f.b.data, f.b.len) != 0);
			buf_release(&f.b);
		}
	}
}

static const struct {
	const char *name;
	enum field field;
	size_t width;
	uint64_t v;
	int code;
} cases[] = {
	{ "magic", F_MAGIC, 4, 0x47475546, ERR_FORMAT }, { "magic zero", F_MAGIC, 4, 0, ERR_FORMAT },
	{ "version 0", F_VERSION, 4, 0, ERR_VERSION }, { "version 1", F_VERSION, 4, 1, ERR_VERSION },
	{ "version 2 is read", F_VERSION, 4, 2, 0 }, { "version 4", F_VERSION, 4, 4, ERR_VERSION },
	{ "version -1", F_VERSION, 4, UINT32_MAX, ERR_VERSION }, { "big-endian", F_VERSION, 4, 0x03000000, ERR_UNSUPPORTED },
	{ "no tensors but trailing", F_N_TENSOR, 8, 0, 0 }, { "one tensor fewer", F_N_TENSOR, 8, 1, 0 },
	{ "one tensor more", F_N_TENSOR, 8, 3, ERR_FORMAT }, { "65537 tensors", F_N_TENSOR, 8, 65537, ERR_LIMIT },
	{ "65537 keys", F_N_KV, 8, 65537, ERR_LIMIT }, { "no key", F_KEY_LEN, 8, 0, ERR_FORMAT },
	{ "key one longer", F_KEY_LEN, 8, 6, ERR_FORMAT }, { "key 257", F_KEY_LEN, 8, 257, ERR_LIMIT },
	{ "type 13", F_KEY_TYPE, 4, 13, ERR_FORMAT }, { "type -1", F_KEY_TYPE, 4, UINT32_MAX, ERR_FORMAT },
	{ "type 2^31-1", F_KEY_TYPE, 4, INT32_MAX, ERR_FORMAT }, { "string type 99", F_STR_TYPE, 4, 99, ERR_FORMAT },
	{ "array of arrays", F_ARR_ELEM, 4, GGUF_ARR, ERR_UNSUPPORTED }, { "element type 13", F_ARR_ELEM, 4, 13, ERR_FORMAT },
	{ "element type -1", F_ARR_ELEM, 4, UINT32_MAX, ERR_FORMAT }, { "i32 read as strings", F_ARR_ELEM, 4, GGUF_STR, ERR_EOF },
	{ "i32 read as bool", F_ARR_ELEM, 4, GGUF_BOOL, ERR_EOF }, { "array 2^29", F_ARR_N, 8, 1u << 29, ERR_EOF },
	{ "bool 2", F_BOOL, 1, 2, ERR_FORMAT }, { "bool 255", F_BOOL, 1, 255, ERR_FORMAT },
	{ "alignment i32", F_ALIGN_TYPE, 4, GGUF_I32, ERR_FORMAT }, { "alignment f32", F_ALIGN_TYPE, 4, GGUF_F32, ERR_FORMAT },
	{ "alignment 0", F_ALIGN, 4, 0, ERR_FORMAT }, { "alignment 3", F_ALIGN, 4, 3, ERR_FORMAT },
	{ "alignment -1", F_ALIGN, 4, UINT32_MAX, ERR_FORMAT }, { "alignment 2^31", F_ALIGN, 4, 1u << 31, ERR_FORMAT },
	{ "alignment 2^17", F_ALIGN, 4, 1u << 17, ERR_FORMAT }, { "alignment 2^16", F_ALIGN, 4, 1u << 16, ERR_FORMAT },
	{ "alignment 32 moves t1", F_ALIGN, 4, 32, 0 }, { "alignment 128", F_ALIGN, 4, 128, ERR_FORMAT },
	{ "no name", F_NAME_LEN, 8, 0, ERR_FORMAT }, { "name 129", F_NAME_LEN, 8, 129, ERR_LIMIT },
	{ "0 dimensions", F_N_DIM, 4, 0, ERR_FORMAT }, { "5 dimensions", F_N_DIM, 4, 5, ERR_FORMAT },
	{ "255 dimensions", F_N_DIM, 4, 255, ERR_FORMAT }, { "2^32-1 dimensions", F_N_DIM, 4, UINT32_MAX, ERR_FORMAT },
	{ "ne0 0", F_NE0, 8, 0, ERR_FORMAT }, { "ne1 0", F_NE1, 8, 0, ERR_FORMAT }, { "one row more", F_NE1, 8, 4, 0 },
	{ "two rows more", F_NE1, 8, 5, ERR_FORMAT }, { "removed type 4", F_TYPE, 4, 4, ERR_UNSUPPORTED },
	{ "removed type 5", F_TYPE, 4, 5, ERR_UNSUPPORTED }, { "removed type 31", F_TYPE, 4, 31, ERR_UNSUPPORTED },
	{ "tensor type 2^31-1", F_TYPE, 4, INT32_MAX, ERR_UNSUPPORTED }, { "tensor type -1", F_TYPE, 4, UINT32_MAX, ERR_UNSUPPORTED },
	{ "rows no multiple of the block", F_TYPE, 4, QUANT_Q4_K, ERR_FORMAT },
	{ "33 in blocks of 32", F_NE_T1, 8, 33, ERR_FORMAT }, { "t0 at 64", F_OFF0, 8, 64, ERR_FORMAT },
	{ "t0 at 1", F_OFF0, 8, 1, ERR_FORMAT }, { "t1 overlaps", F_OFF1, 8, 0, ERR_FORMAT }, { "t1 at 32", F_OFF1, 8, 32, ERR_FORMAT },
	{ "t1 leaves a gap", F_OFF1, 8, 128, ERR_FORMAT }, { "t1 unaligned", F_OFF1, 8, 65, ERR_FORMAT },
	{ "same name", F_NAME1, 2, '0' << 8 | 't', ERR_FORMAT }, { "NUL in a name", F_NAME1, 2, '1' << 8, ERR_FORMAT },
};

static void gguf_open_malformed_gives_its_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct file f;
		build(&f);
		poke(&f, cases[i].field, cases[i].v, cases[i].width);
		int r = judge(f.b.data, f.b.len);
		if (r != cases[i].code)
			fail_msg("%s: %d, not %d", cases[i].name, r, cases[i].code);
		buf_release(&f.b);
	}
}

static void gguf_open_names_a_format_that_is_not_supported(void **state)
{
	(void)state;
	static const struct { uint32_t type; const char *name; } formats[] = { { 10, "10 (Q2_K)" }, { 23, "23 (IQ4_XS)" }, { 39, "39 (MXFP4)" },
		{ 31, "31 (" }, { UINT32_MAX, "4294967295 (" } };
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct file f;
		struct gguf *g;
		struct err e = {0};
		build(&f);
		poke(&f, F_TYPE, formats[i].type, 4);
		assert_int_equal(gguf_open_memory(&g, f.b.data, f.b.len, "x.gguf", &e), ERR_UNSUPPORTED);
		assert_non_null(strstr(e.msg, formats[i].name));
		buf_release(&f.b);
	}
}

static void head(struct buf *b, uint64_t n_tensor, uint64_t n_kv)
{
	*b = (struct buf){0};
	buf_add(b, "GGUF", 4);
	buf_u32(b, 3);
	buf_u64(b, n_tensor);
	buf_u64(b, n_kv);
}

static void gguf_open_same_key_twice_fails(void **state)
{
	(void)state;
	struct buf b;
	head(&b, 0, 2);
	put_key(&b, "k", GGUF_U8); buf_putc(&b, 1);
	size_t second = b.len;
	put_key(&b, "k", GGUF_STR); put_str(&b, "v");
	struct gguf *g;
	struct err e = {0};
	assert_int_equal(gguf_open_memory(&g, b.data, b.len, "x", &e), ERR_FORMAT);
	assert_int_equal(e.at, second);
	buf_release(&b);
}

/* What is there is still refused when it is longer than any model needs. */
static void gguf_open_string_of_4_mib_is_the_longest(void **state)
{
	(void)state;
	static const size_t len[] = { 4u << 20, (4u << 20) + 1, 10u << 20 };
	for (size_t i = 0; i < 3; i++) {
		struct buf b;
		head(&b, 0, 1);
		put_key(&b, "tokenizer.chat_template", GGUF_STR);
		buf_u64(&b, len[i]);
		buf_zeros(&b, len[i]);
		assert_int_equal(judge(b.data, b.len), i ? ERR_LIMIT : 0);
		buf_release(&b);
	}
}

/* A file of a gigabyte, of which only what is put there takes memory; what lies 8 MiB behind the bound cannot be read at all. */
#define META_MAX ((size_t)256 << 20)
#define SPARSE ((size_t)1 << 30)
struct sparse { char *p; size_t at; };

static struct sparse sparse_new(uint64_t n_kv)
{
	struct sparse s = { mmap(NULL, SPARSE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), 0 };
	assert_true(s.p != MAP_FAILED);
	assert_int_equal(mprotect(s.p + META_MAX + (8 << 20), SPARSE - META_MAX - (8 << 20), PROT_NONE), 0);
	struct buf b;
	head(&b, 0, n_kv);
	memcpy(s.p, b.data, b.len);
	s.at = b.len;
	buf_release(&b);
	return s;
}

/* Puts what `b` holds, and leaves a hole behind it. */
static void sparse_put(struct sparse *s, struct buf *b, size_t hole)
{
	memcpy(s->p + s->at, b->data, b->len);
	s->at += b->len + hole;
	buf_release(b);
}

/* Refuses the file, near the bound and naming the key (or, without `key`, opens it), and lets it go. */
static void sparse_judge(struct sparse *s, const char *key)
{
	struct gguf *g;
	struct err e = {0};
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	int r = gguf_open_memory(&g, s->p, SPARSE, "big.gguf", &e);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(r, key ? ERR_LIMIT : 0);
	if (key) {
		assert_true(e.at > META_MAX && e.at <= SPARSE);
		assert_non_null(strstr(e.msg, "cannot read 'big.gguf': "));
		assert_non_null(strstr(e.msg, key));
		assert_non_null(strstr(e.msg, "metadata of more than 268435456 bytes"));
	}
#ifndef __SANITIZE_THREAD__	/* whose own memory is counted too */
	assert_true(after.ru_maxrss - before.ru_maxrss <= 16 * 1024);
#endif
	gguf_close(g);
	munmap(s->p, SPARSE);
}

static void gguf_open_metadata_of_256_mib_is_the_most(void **state)
{
	(void)state;
	static const struct { enum gguf_type type; size_t more; bool good; } array[] = {
		{ GGUF_U8, 0, true }, { GGUF_BOOL, 0, true }, { GGUF_U8, 1, false }, { GGUF_BOOL, 1, false }, { GGUF_U8, 512u << 20, false },
		{ GGUF_BOOL, 512u << 20, false },
	};
	for (size_t i = 0; i < sizeof array / sizeof *array; i++) {
		struct sparse s = sparse_new(1);
		struct buf b = {0};
		put_key(&b, "flags", GGUF_ARR);
		buf_u32(&b, array[i].type);
		size_t n = META_MAX - (s.at + b.len + 8) + array[i].more;
		buf_u64(&b, n);
		sparse_put(&s, &b, n);
		sparse_judge(&s, array[i].good ? NULL : "'flags'");
	}
	/* Strings that are each allowed, by themselves and in one array. */
	struct sparse s = sparse_new(100);
	for (int i = 0; i < 65; i++) {
		char key[8];
		struct buf b = {0};
		snprintf(key, sizeof key, "k%d", i);
		put_key(&b, key, GGUF_STR);
		buf_u64(&b, 4u << 20);
		sparse_put(&s, &b, 4u << 20);
	}
	sparse_judge(&s, "'k63'");
	s = sparse_new(1);
	struct buf b = {0};
	put_key(&b, "list", GGUF_ARR); buf_u32(&b, GGUF_STR); buf_u64(&b, 100);
	sparse_put(&s, &b, 0);
	for (int i = 0; i < 66; i++) {
		buf_u64(&b, 4u << 20);
		sparse_put(&s, &b, 4u << 20);
	}
	sparse_judge(&s, "'list'");
}

/* Empty ones too: of each the place is kept. */
static void gguf_open_two_million_strings_are_the_most(void **state)
{
	(void)state;
	enum { HALF = 1 << 20 };
	for (uint64_t more = 0; more < 2; more++) {
		struct buf b;
		struct gguf *g;
		struct err e = {0};
		head(&b, 0, 2);
		for (int i = 0; i < 2; i++) {
			put_key(&b, i ? "b" : "a", GGUF_ARR);
			buf_u32(&b, GGUF_STR);
			buf_u64(&b, HALF + (i ? more : 0));
			buf_zeros(&b, 8 * (HALF + 1));
			b.len -= i && more ? 0 : 8;
		}
		assert_int_equal(gguf_open_memory(&g, b.data, b.len, "x", &e), more ? ERR_LIMIT : 0);
		assert_true(!more || strstr(e.msg, "at most 2097152 are allowed in all"));
		gguf_close(g);
		buf_release(&b);
	}
}

static void gguf_open_sums_of_sizes_wrap_fails(void **state)
{
	(void)state;
	static const uint64_t ne[][2] = { { 1ull << 61, 1ull << 61 }, { (1ull << 62) - 1, 8 }, { 1ull << 60, 3ull << 60 } };
	for (size_t i = 0; i < 3; i++) {
		struct buf b;
		head(&b, 2, 0);
		uint64_t off = 0;
		for (int t = 0; t < 2; t++) {
			put_str(&b, t ? "b" : "a");
			buf_u32(&b, 1); buf_u64(&b, ne[i][t]); buf_u32(&b, QUANT_F32); buf_u64(&b, off);
			off = (ne[i][t] * 4 + 31) & ~31ull;
		}
		buf_zeros(&b, 64);
		assert_true(judge(b.data, b.len) != 0);
		buf_release(&b);
	}
}

static void gguf_open_array_of_each_type_wraps_fails(void **state)
{
	(void)state;
	static const uint64_t size[] = { 1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8 };
	for (uint32_t type = 0; type < 13; type++) {
		for (uint64_t more = 0; size[type] && more < 3; more++) {
			struct buf b;
			head(&b, 0, 1);
			put_key(&b, "k", GGUF_ARR);
			buf_u32(&b, type);
			buf_u64(&b, (UINT64_MAX / size[type]) + more);
			buf_zeros(&b, 32);
			if (size[type] > 1 || more == 0)
				assert_int_equal(judge(b.data, b.len), ERR_EOF);
			buf_release(&b);
		}
	}
}

static void gguf_numbers_are_converted_if_they_fit(void **state)
{
	(void)state;
	struct buf b;
	struct gguf *g;
	uint64_t u;
	double d;
	head(&b, 0, 7);
	put_key(&b, "i8", GGUF_I8); buf_putc(&b, -1);
	put_key(&b, "i16", GGUF_I16); buf_add(&b, "\xfe\xff", 2);
	put_key(&b, "i32", GGUF_I32); buf_u32(&b, (uint32_t)-3);
	put_key(&b, "bool", GGUF_BOOL); buf_putc(&b, 1);
	put_key(&b, "i64", GGUF_I64); buf_u64(&b, 1ull << 40);
	put_key(&b, "u64", GGUF_U64); buf_u64(&b, UINT64_MAX);
	put_key(&b, "f32", GGUF_F32); buf_u32(&b, 0x3fc00000);
	assert_int_equal(gguf_open_memory(&g, b.data, b.len, "x", NULL), 0);
	assert_false(gguf_u64(g, "i8", &u));
	assert_true(gguf_f64(g, "i8", &d) && d > -1.5 && d < -0.5);
	assert_false(gguf_u64(g, "i16", &u) || gguf_u64(g, "i32", &u) || gguf_u64(g, "bool", &u) || gguf_f64(g, "bool", &d));
	assert_true(gguf_f64(g, "i16", &d) && d > -2.5 && d < -1.5);
	assert_true(gguf_f64(g, "i32", &d) && d > -3.5 && d < -2.5);
	assert_true(gguf_u64(g, "i64", &u) && u == 1ull << 40);
	assert_true(gguf_u64(g, "u64", &u) && u == UINT64_MAX);
	assert_false(gguf_u64(g, "f32", &u));
	assert_true(gguf_f64(g, "f32", &d) && d > 1.49 && d < 1.51);
	gguf_close(g);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gguf_open_valid_finds_everything),
		cmocka_unit_test(gguf_open_cut_anywhere_fails),
		cmocka_unit_test(gguf_open_any_bit_flipped_keeps_promises),
		cmocka_unit_test(gguf_open_extreme_counts_fail),
		cmocka_unit_test(gguf_open_product_of_dimensions_wraps_fails),
		cmocka_unit_test(gguf_open_malformed_gives_its_error),
		cmocka_unit_test(gguf_open_names_a_format_that_is_not_supported),
		cmocka_unit_test(gguf_open_same_key_twice_fails),
		cmocka_unit_test(gguf_open_string_of_4_mib_is_the_longest),
		cmocka_unit_test(gguf_open_metadata_of_256_mib_is_the_most),
		cmocka_unit_test(gguf_open_two_million_strings_are_the_most),
		cmocka_unit_test(gguf_open_sums_of_sizes_wrap_fails),
		cmocka_unit_test(gguf_open_array_of_each_type_wraps_fails),
		cmocka_unit_test(gguf_numbers_are_converted_if_they_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
