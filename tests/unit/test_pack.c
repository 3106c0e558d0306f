/* SPDX-License-Identifier: Apache-2.0
 *
 * pack: a table whose checksums are right is believed only as far as it makes sense: what the kernels read lies within the file.
 * And what a compact one differs in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "generate/model.h"
#include "lib/base/io.h"
#include "lib/model/pack_file.h"
#include "tests/unit/tiny.h"

static char path[] = "/tmp/tt-pack-XXXXXX";
static struct buf sound;
static const uint8_t ID[HASH_ID_LEN] = { 1 };

static int make_pack(void **state)
{
	struct tiny t = { .arch = "llama", .seed = 5 };
	struct buf b = { 0 };
	struct gguf *g;
	(void)state;
	tiny_write(&t, &b);
	close(mkstemp(path));
	int r = gguf_open_memory(&g, b.data, b.len, "tiny", NULL);
	r = r ? r : pack_write(path, g, ID, &(struct pack_maker){ .fill = model_parts }, NULL);
	gguf_close(g);
	buf_release(&b);
	return r ? r : io_read_file(&sound, path, 64u << 20, NULL);
}

static int remove_pack(void **state)
{
	(void)state;
	buf_release(&sound);
	return unlink(path);
}

static void set(char *p, size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[at + i] = (char)(v >> 8 * i);
}

static uint64_t get(const char *p, size_t at, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)(uint8_t)p[at + i] << 8 * i;
	return v;
}

/* Opens the pack with n bytes at `at` set to v: of the header, or of the line of section `name`. `sums` puts right the checksums. */
static int open_with(const char *name, size_t at, uint64_t v, size_t n, bool sums)
{
	struct buf b = { 0 };
	struct pack *p = NULL;
	buf_add(&b, sound.data, sound.len);
	size_t table = get(b.data, 40, 8), n_sect = get(b.data, 12, 4);
	for (size_t i = 0; name && i < n_sect; i++)
		if (!strcmp(b.data + table + i * PACK_LINE, name))
			at += table + i * PACK_LINE;
	set(b.data, at, v, n);
	if (sums && name)
		set(b.data, 48, hash_xxh64(b.data + table, n_sect * PACK_LINE), 8);
	if (sums)
		set(b.data, 56, hash_xxh64(b.data, 56), 8);
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
	fclose(f);
	buf_release(&b);
	int r = pack_open(&p, path, ID, NULL);
	pack_close(p);
	return r;
}

/* What a block of each type that tiny models have is scaled by: no number, or infinite. */
static void write_values_that_are_not_finite_are_refused(void **state)
{
	static const struct { enum quant_type type; size_t at, n; uint64_t v; } bad[] = {
		{ QUANT_F32, 0, 4, 0x7fc00000 }, { QUANT_F32, 0, 4, 0xff800000 }, { QUANT_F16, 0, 2, 0x7c00 }, { QUANT_BF16, 0, 2, 0xff80 },
		{ QUANT_Q4_0, 0, 2, 0x7e00 }, { QUANT_Q4_1, 0, 2, 0x7c00 }, { QUANT_Q4_1, 2, 2, 0xfc01 }, { QUANT_Q5_0, 0, 2, 0xfc00 },
		{ QUANT_Q5_1, 2, 2, 0x7c00 }, { QUANT_Q8_0, 0, 2, 0x7c01 }, { QUANT_Q4_K, 0, 2, 0x7c00 }, { QUANT_Q4_K, 2, 2, 0x7c00 },
		{ QUANT_Q5_K, 2, 2, 0x7c00 }, { QUANT_Q6_K, 208, 2, 0x7c00 },
	};
	(void)state;
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
		const struct quant_info *q = quant_info(bad[k].type);
		char row[512] = { 0 };
		assert_true(quant_is_finite(bad[k].type, row, q->n_block * 2));
		set(row, q->block_len + bad[k].at, bad[k].v, bad[k].n);
		assert_true(quant_is_finite(bad[k].type, row, q->n_block));
		assert_false(quant_is_finite(bad[k].type, row, q->n_block * 2));
	}
	struct tiny t = { .arch = "llama", .seed = 5 };
	struct buf b = { 0 };
	struct gguf *g;
	tiny_write(&t, &b);
	assert_int_equal(gguf_open_memory(&g, b.data, b.len, "tiny", NULL), 0);
	for (size_t i = 0; i < gguf_n_tensor(g); i++) {
		const struct tensor *x = gguf_tensor_at(g, i);
		const struct quant_info *q = quant_info(x->type);
		struct err e = { 0 };
		char *last = (char *)(uintptr_t)x->data + x->len - q->block_len, kept[256], want[256];
		size_t k = 0;
		while (bad[k].type != x->type)
			assert_true(++k < sizeof bad / sizeof *bad);
		memcpy(kept, last, q->block_len);
		set(last, bad[k].at, bad[k].v, bad[k].n);
		assert_int_equal(pack_write(path, g, ID, &(struct pack_maker){ .fill = model_parts }, &e), ERR_FORMAT);
		snprintf(want, sizeof want, "cannot pack 'tiny': a value of tensor '%s' is not finite", x->name);
		assert_string_equal(e.msg, want);
		memcpy(last, kept, q->block_len);
	}
	assert_int_equal(pack_write(path, g, ID, &(struct pack_maker){ .fill = model_parts }, NULL), 0);
	gguf_close(g);
	buf_release(&b);
}

static void open_header_that_lies_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_with(NULL, 32, sound.len, 8, true), 0);
	assert_int_equal(open_with(NULL, 0, 'x', 1, true), ERR_FORMAT);
	assert_int_equal(open_with(NULL, 8, PACK_LAYOUT - 1, 4, true), ERR_VERSION);
	assert_int_equal(open_with(NULL, 8, PACK_LAYOUT + 1, 4, true), ERR_VERSION);
	assert_int_equal(open_with(NULL, 16, 2, 1, true), ERR_CONF);		/* another model's */
	assert_int_equal(open_with(NULL, 32, sound.len - 1, 8, true), ERR_FORMAT);
	assert_int_equal(open_with(NULL, 32, sound.len + 64, 8, true), ERR_FORMAT);	/* it was cut */
	assert_int_equal(open_with(NULL, 12, PACK_MAX_SECT + 1, 4, true), ERR_FORMAT);
	assert_int_equal(open_with(NULL, 12, get(sound.data, 12, 4) + 1, 4, true), ERR_FORMAT);
	assert_int_equal(open_with(NULL, 40, sound.len, 8, true), ERR_FORMAT);
	assert_int_equal(open_with(NULL, 40, UINT64_MAX - 63, 8, true), ERR_FORMAT);
	assert_int_equal(open_with(NULL, 16, 2, 1, false), ERR_CHECKSUM);
	assert_int_equal(open_with("arch", 96, 2, 1, false), ERR_CHECKSUM);
}

static void open_line_that_lies_is_refused(void **state)
{
	(void)state;
	static const char m[] = "blk.1.ffn_down.weight", v[] = "output_norm.weight";	/* 256 x 512; 256 */
	static const struct { const char *name; size_t at; uint64_t v; size_t n; } lies[] = {
		{ m, 64, 0, 4 }, { m, 64, 4, 4 }, { m, 68, 99, 4 }, { m, 72, 0, 4 }, { m, 72, 257, 4 }, { m, 72, 240, 4 }, { m, 76, 256, 4 },
		{ m, 76, 0, 4 }, { m, 76, 1u << 31, 4 }, { v, 64, PACK_MAT, 4 }, { v, 68, QUANT_F16, 4 }, { v, 72, 2, 4 }, { v, 76, 257, 4 },
		{ v, 76, 255, 4 }, { "arch", 80, UINT64_MAX - 63, 8 }, { "arch", 88, 1 << 30, 8 }, { "arch", 88, UINT64_MAX, 8 },
		{ "arch", 80, 4097, 8 }, { "arch", 0, 'z', 1 },
	};
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
		if (open_with(lies[i].name, lies[i].at, lies[i].v, lies[i].n, true) != ERR_FORMAT)
			fail_msg("'%s' with %llx at %zu", lies[i].name, (unsigned long long)lies[i].v, lies[i].at);
	for (size_t i = 4; i < PACK_NAME; i += 8)	/* a name without an end */
		set(sound.data, get(sound.data, 40, 8) + i, 0x6161616161616161, i + 8 < PACK_NAME ? 8 : PACK_NAME - i);
	assert_int_equal(open_with("", 0, 0, 0, true), ERR_FORMAT);
}

static struct pack *write_thin(const struct gguf *g, const struct pack_thin *thin)
{
	struct pack *p;
	assert_int_equal(pack_write(path, g, ID, &(struct pack_maker){ .thin = thin }, NULL), 0);
	assert_int_equal(pack_open(&p, path, ID, NULL), 0);
	return p;
}

/* Of a compact pack: what it is to have fewer bits of has them, and nothing else differs from the whole one. */
static void write_thin_rounds_what_is_asked(void **state)
{
	(void)state;
	const struct pack_thin thin = { .what = PACK_THIN_ATT | PACK_THIN_HEAD, .n_head = 40 };
	struct tiny t = { .arch = "qwen2", .seed = 5 };
	struct buf b = { 0 };
	struct gguf *g;
	tiny_write(&t, &b);
	assert_int_equal(gguf_open_memory(&g, b.data, b.len, "tiny", NULL), 0);
	struct pack *all = write_thin(g, NULL), *some = write_thin(g, &thin);
	assert_int_equal(pack_n_sect(all), pack_n_sect(some));
	for (size_t i = 0; i < pack_n_sect(all); i++) {
		const struct pack_sect *x = pack_sect(all, i), *y = pack_sect(some, i);
		bool is_head = !strcmp(x->name, "output.weight"), is_att = x->kind == PACK_MAT && strstr(x->name, ".attn_");
		assert_string_equal(x->name, y->name);
		assert_int_equal(y->n_row, is_head ? 40 : x->n_row);
		assert_int_equal(y->type, (is_head || is_att) && w16_bits(x->type) != 4 ? QUANT_Q4_0 : x->type);
		assert_int_equal(x->sum == y->sum, x->type == y->type && !is_head);
	}
	pack_close(all);
	pack_close(some);
	gguf_close(g);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_values_that_are_not_finite_are_refused),
		cmocka_unit_test(open_header_that_lies_is_refused),
		cmocka_unit_test(open_line_that_lies_is_refused),
		cmocka_unit_test(write_thin_rounds_what_is_asked),
	};
	return cmocka_run_group_tests_name("pack", tests, make_pack, remove_pack);
}
