/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: headers that lie, by hand; cuts and bit flips of a valid file, by machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/base/buf.h"
#include "lib/model/safetensors.h"

#define GOOD "{\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},\"__metadata__\":{\"format\":\"pt\"}," \
             "\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[24,32]}}"

static void make(struct buf *b, const char *header, size_t n_data)
{
	*b = (struct buf){0};
	buf_u64(b, strlen(header));
	buf_puts(b, header);
	buf_zeros(b, n_data);
}

/* Opens an exact-size copy and checks what the header file promises. */
static int judge(const void *p, size_t n)
{
	struct safetensors *s;
	struct err e = {0};
	char *copy = malloc(n ? n : 1);
	memcpy(copy, p, n);
	int r = safetensors_open_memory(&s, copy, n, "case", &e);
	if (r) {
		assert_null(s);
		assert_int_equal(e.code, r);
		assert_non_null(strstr(e.msg, "case"));
	}
	for (size_t i = 0; !r && i < safetensors_n_tensor(s); i++) {
		const struct tensor *t = safetensors_at(s, i);
		const char *d = t->data;
		assert_true(d >= copy && t->len <= n - (size_t)(d - copy));
		assert_ptr_equal(safetensors_tensor(s, t->name), t);
	}
	safetensors_close(s);
	free(copy);
	return r;
}

static void safetensors_open_valid_lists_tensors_in_gguf_order(void **state)
{
	(void)state;
	struct buf b;
	struct safetensors *s;
	make(&b, GOOD, 32);
	assert_int_equal(safetensors_open_memory(&s, b.data, b.len, "x", NULL), 0);
	assert_int_equal(safetensors_n_tensor(s), 2);
	const struct tensor *t = safetensors_tensor(s, "b");
	assert_true(t && t->type == QUANT_F32 && t->n_dim == 2 && t->ne[0] == 3 && t->ne[1] == 2 && t->ne[2] == 1);
	assert_ptr_equal(t->data, b.data + b.len - 32);
	assert_null(safetensors_tensor(s, "__metadata__"));
	safetensors_close(s);
	buf_release(&b);
	/* Of a type that nothing here reads: there, but not listed. */
	make(&b, "{\"p\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
		"\"w\":{\"dtype\":\"BF16\",\"shape\":[8],\"data_offsets\":[16,32]}}", 32);
	assert_int_equal(safetensors_open_memory(&s, b.data, b.len, "x", NULL), 0);
	assert_int_equal(safetensors_n_tensor(s), 1);
	assert_null(safetensors_tensor(s, "p"));
	t = safetensors_tensor(s, "w");
	assert_true(t && t->type == QUANT_BF16 && (const char *)t->data == b.data + b.len - 16);
	safetensors_close(s);
	buf_release(&b);
}

static void safetensors_open_cut_or_extended_fails(void **state)
{
	(void)state;
	struct buf b;
	make(&b, GOOD, 32);
	for (size_t n = 0; n < b.len; n++)
		assert_true(judge(b.data, n) != 0);
	buf_putc(&b, 0);
	assert_int_equal(judge(b.data, b.len), ERR_FORMAT);
	buf_release(&b);
}

static void safetensors_open_any_bit_flipped_keeps_promises(void **state)
{
	(void)state;
	struct buf b;
	make(&b, GOOD, 32);
	for (size_t i = 0; i < b.len - 32; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] = (char)(b.data[i] ^ (1 << bit));
			judge(b.data, b.len);
			b.data[i] = (char)(b.data[i] ^ (1 << bit));
		}
	}
	buf_release(&b);
}

static void safetensors_open_bad_header_length_fails(void **state)
{
	(void)state;
	static const uint64_t v[] = { 0, 1, 7, 1u << 31, UINT32_MAX, 1ull << 32, 100000000, 100000001, 1ull << 61, 1ull << 63,
	                              UINT64_MAX - 7, UINT64_MAX };
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct buf b;
		make(&b, GOOD, 32);
		for (size_t k = 0; k < 8; k++)
			b.data[k] = (char)(v[i] >> 8 * k);
		assert_true(judge(b.data, b.len) != 0);
		buf_release(&b);
	}
}

/* Headers that are all there: one longer than the format allows, of which nothing may be read; and one of values without end. */
static void safetensors_open_large_headers_fail_in_bounded_memory(void **state)
{
	(void)state;
	enum { N = 100000001 };
	static const struct { uint64_t n; const char *said; } v[] = {
		{ N, "header of 100000001 bytes; at most 100000000 are allowed" }, { N - 1, "more than 1048576 values" },
	};
	char *p = mmap(NULL, 8 + N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	p[8] = '{';
	memset(p + 9, ',', 2 << 20);
	for (size_t i = 0; i < 2; i++) {
		struct safetensors *s;
		struct err e = {0};
		struct rusage before, after;
		for (size_t k = 0; k < 8; k++)
			p[k] = (char)(v[i].n >> 8 * k);
		getrusage(RUSAGE_SELF, &before);
		assert_int_equal(safetensors_open_memory(&s, p, 8 + N, "big.safetensors", &e), ERR_LIMIT);
		getrusage(RUSAGE_SELF, &after);
		assert_non_null(strstr(e.msg, "'big.safetensors'"));
		assert_non_null(strstr(e.msg, v[i].said));
		assert_int_equal(e.at, i ? 8 + (1 << 20) : 0);
		assert_true(after.ru_maxrss - before.ru_maxrss <= 16 * 1024);
	}
	munmap(p, 8 + N);
}

#define T(dtype, shape, offs) "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offs "}}"
static const struct {
	const char *header;
	int code;
} cases[] = {
	{ T("\"F32\"", "[8]", "[0,32]"), 0 }, { T("\"F32\"", "[]", "[0,4]"), ERR_FORMAT }, { T("\"I64\"", "[4]", "[0,32]"), 0 },
	{ T("\"BOOL\"", "[32]", "[0,32]"), 0 }, { T("\"U8\"", "[32]", "[0,32]"), 0 }, { T("\"I8\"", "[32]", "[0,32]"), 0 },
	{ T("\"F8_E4M3\"", "[32]", "[0,32]"), 0 }, { T("\"F8_E5M2\"", "[32]", "[0,32]"), 0 }, { T("\"F16\"", "[16]", "[0,32]"), 0 },
	{ T("\"BF16\"", "[16]", "[0,32]"), 0 }, { T("\"I16\"", "[16]", "[0,32]"), 0 }, { T("\"U16\"", "[16]", "[0,32]"), 0 },
	{ T("\"I32\"", "[8]", "[0,32]"), 0 }, { T("\"U32\"", "[8]", "[0,32]"), 0 }, { T("\"U64\"", "[4]", "[0,32]"), 0 },
	{ T("\"F64\"", "[4]", "[0,32]"), 0 },
	{ T("\"F32\"", "[8]", "[0,31]"), ERR_FORMAT }, { T("\"F32\"", "[8]", "[0,33]"), ERR_FORMAT },
	{ T("\"F32\"", "[7]", "[4,32]"), ERR_FORMAT }, { T("\"F32\"", "[7]", "[0,28]"), ERR_FORMAT },
	{ T("\"F32\"", "[9]", "[0,36]"), ERR_EOF }, { T("\"F32\"", "[8]", "[32,0]"), ERR_FORMAT },
	{ T("\"F32\"", "[-8]", "[0,32]"), ERR_FORMAT }, { T("\"F32\"", "[8.0]", "[0,32]"), ERR_FORMAT },
	{ T("\"F32\"", "[8]", "[-4,28]"), ERR_FORMAT }, { T("\"F32\"", "[8]", "[0]"), ERR_FORMAT },
	{ T("\"F32\"", "[8]", "[0,32,64]"), ERR_FORMAT }, { T("\"F32\"", "[8]", "\"0,32\""), ERR_FORMAT },
	{ T("\"F32\"", "8", "[0,32]"), ERR_FORMAT }, { T("\"F32\"", "[1,1,1,2,4]", "[0,32]"), ERR_UNSUPPORTED },
	{ T("\"F33\"", "[8]", "[0,32]"), ERR_UNSUPPORTED }, { T("3", "[8]", "[0,32]"), ERR_FORMAT },
	{ T("\"F32\"", "[4294967296,4294967296]", "[0,0]"), ERR_FORMAT },
	{ T("\"F32\"", "[4611686018427387904,4]", "[0,0]"), ERR_FORMAT },
	{ T("\"F32\"", "[9223372036854775807,2]", "[0,32]"), ERR_FORMAT },
	{ T("\"F32\"", "[99999999999999999999]", "[0,32]"), ERR_FORMAT },
	{ "{\"t\":3}", ERR_FORMAT }, { "{\"t\":{}}", ERR_FORMAT }, { "[]", ERR_FORMAT }, { "{", ERR_FORMAT }, { "{}x", ERR_FORMAT },
	{ "{\"a\":[[[[[1]]]]]}", ERR_LIMIT }, { "{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}", ERR_LIMIT }, { "{}", ERR_FORMAT },
	{ "{\"t\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]},\"t\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}",
	  ERR_FORMAT },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]},\"b\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}",
	  ERR_FORMAT },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},\"b\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[12,32]}}",
	  ERR_FORMAT },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,32]}}",
	  ERR_FORMAT },
};

static void safetensors_open_malformed_gives_its_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b;
		make(&b, cases[i].header, 32);
		int r = judge(b.data, b.len);
		if (r != cases[i].code)
			fail_msg("%s: %d, not %d", cases[i].header, r, cases[i].code);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(safetensors_open_valid_lists_tensors_in_gguf_order),
		cmocka_unit_test(safetensors_open_cut_or_extended_fails),
		cmocka_unit_test(safetensors_open_any_bit_flipped_keeps_promises),
		cmocka_unit_test(safetensors_open_bad_header_length_fails),
		cmocka_unit_test(safetensors_open_large_headers_fail_in_bounded_memory),
		cmocka_unit_test(safetensors_open_malformed_gives_its_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
