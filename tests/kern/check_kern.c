/* SPDX-License-Identifier: Apache-2.0
 *
 * check_kern: every kernel family at every level against ref/, byte by byte. After dav1d's checkasm: two tables, families and levels.
 *
 * Inputs are random and adversarial (codes and scales at their largest, activations all at the limit, alternating, zero, tiny, heavy-tailed),
 * shapes have every tail. Buffers end or begin at a page that must not be touched. Built twice (levels.h).
 * BENCH=1 adds a line a matrix type and level: GMAC/s of one thread from the cache, by tokens a call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <math.h>

#include "tests/kern/levels.h"

/* ---- inputs ---- */

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(void)	/* xorshift64 (Marsaglia 2003) */
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32);
}

static float unit(void)
{
	return (float)(rnd() >> 8) * 0x1p-23f - 1.0f;
}

/* A buffer of n bytes, 64-byte aligned if n is a multiple of 64, against a forbidden page at its end or (at random) its beginning. */
struct guarded {
	char *map;
	size_t len;
	void *p;
};

static struct guarded guarded(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n + page - 1) / page * page;
	struct guarded g = { .len = body + 2 * page };
	g.map = mmap(NULL, g.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(g.map != MAP_FAILED);
	assert_int_equal(mprotect(g.map, page, PROT_NONE) | mprotect(g.map + page + body, page, PROT_NONE), 0);
	g.p = rnd() % 3 ? g.map + page + body - n : g.map + page;
	return g;
}

static void release(struct guarded *g)
{
	munmap(g->map, g->len);
}

enum fill { FILL_RANDOM, FILL_TAILS, FILL_ONES, FILL_SIGNS, FILL_ZERO, FILL_TINY, N_FILL };

static void fill_floats(float *x, size_t n, enum fill how)
{
	for (size_t i = 0; i < n; i++) {
		float u = unit();
		switch (how) {
		case FILL_RANDOM: x[i] = u; break;
		case FILL_TAILS: x[i] = u * u * u * (rnd() % 97 ? 1 : 300); break;
		case FILL_ONES: x[i] = 1; break;
		case FILL_SIGNS: x[i] = i & 1 ? -1 : 1; break;
		case FILL_ZERO: x[i] = 0; break;
		default: x[i] = u * 1e-31f; break;
		}
	}
}

/* Random GGUF blocks: codes and scales random, all ones or all zeros; f16 factors kept finite. */
static void fill_blocks(enum quant_type type, uint8_t *p, size_t n_block, unsigned how)
{
	const struct quant_info *q = quant_info(type);
	for (size_t b = 0; b < n_block; b++, p += q->block_len) {
		for (size_t i = 0; i < q->block_len; i++)
			p[i] = how == 0 ? (uint8_t)rnd() : how == 1 ? 0xff : 0;
		uint8_t *d = type == QUANT_Q6_K ? p + 208 : p;
		switch (type) {
		case QUANT_F32: p[3] = (uint8_t)((p[3] & 0x80) | 0x3e); break;
		case QUANT_BF16: p[1] = (uint8_t)((p[1] & 0x80) | 0x3e); break;
		case QUANT_Q4_1: case QUANT_Q5_1: case QUANT_Q4_K: case QUANT_Q5_K:
			d[3] = (uint8_t)((d[3] & 0x83) | 0x28);		/* the minimum's factor follows */
			/* fall through */
		default:
			d[1] = (uint8_t)((d[1] & 0x83) | 0x28);
		}
	}
}

static const enum quant_type TYPES[] = { QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q8_0, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K,
	QUANT_F32, QUANT_F16, QUANT_BF16 };
#define N_TYPES (sizeof TYPES / sizeof *TYPES)

/* ---- matrices ---- */

static struct mat random_mat(enum quant_type type, size_t n_row, size_t n_col, unsigned how, struct guarded *g)
{
	const struct quant_info *q = quant_info(type);
	struct mat w = { .type = type, .n_row = (uint32_t)n_row, .n_col = (uint32_t)n_col, .tile_len = w16_tile_len(type, n_col) };
	size_t row_len = n_col / q->n_block * q->block_len;
	uint8_t *rows = malloc(n_row * row_len);
	assert_non_null(rows);
	fill_blocks(type, rows, n_row * (n_col / q->n_block), how);
	*g = guarded(mat_n_tile(&w) * w.tile_len);
	for (size_t t = 0; t < mat_n_tile(&w); t++)
		w16_pack_tile(type, rows + 16 * t * row_len, row_len, n_row - 16 * t < 16 ? n_row - 16 * t : 16, n_col,
			(uint8_t *)g->p + t * w.tile_len);
	w.data = g->p;
	free(rows);
	return w;
}

/* Activations in the type's form, by the level's own quantizer. */
static struct guarded activations(const struct kern *k, enum quant_type type, const float *x, size_t n_tok, size_t n_col)
{
	enum act_form form = act_form_of(type);
	struct guarded g = guarded(form == ACT_F32 ? n_tok * n_col * sizeof(float) : n_tok * act_n_block(n_col) * sizeof(struct act_block));
	for (size_t t = 0; t < n_tok; t++)
		if (form == ACT_F32)
			memcpy((float *)g.p + t * n_col, x + t * n_col, n_col * sizeof(float));
		else
			k->act(x + t * n_col, n_col, form, (struct act_block *)g.p + t * act_n_block(n_col));
	return g;
}

static void compare_mat(const struct kern *k, enum quant_type type, size_t n_row, size_t n_col, size_t n_tok, unsigned how, enum fill fill)
{
	const struct kern *ref = kern_level(KERN_REF);
	struct guarded gw, gy = guarded(n_tok * n_row * sizeof(float));
	struct mat w = random_mat(type, n_row, n_col, how, &gw);
	float *x = malloc(n_tok * n_col * sizeof *x), *y = malloc(n_tok * n_row * sizeof *y), *bias = malloc(n_row * sizeof *bias);
	assert_true(x && y && bias);
	fill_floats(x, n_tok * n_col, fill);
	fill_floats(y, n_tok * n_row, FILL_RANDOM);
	fill_floats(bias, n_row, FILL_RANDOM);
	memcpy(gy.p, y, n_tok * n_row * sizeof *y);
	struct guarded gx = activations(k, type, x, n_tok, n_col);
	bool with_bias = rnd() & 1, add = rnd() & 1;
	struct mat_out a = { .y = y, .ld = n_row, .bias = with_bias ? bias : NULL, .add = add }, b = a;
	b.y = gy.p;
	ref->mat[type](&w, 0, mat_n_tile(&w), gx.p, n_tok, &a);
	k->mat[type](&w, 0, mat_n_tile(&w), gx.p, n_tok, &b);
	assert_memory_equal(y, gy.p, n_tok * n_row * sizeof *y);
	/* one token alone gets the same */
	if (!add) {
		size_t t = rnd() % n_tok;
		const char *xt = (const char *)gx.p + (act_form_of(type) == ACT_F32 ? t * n_col * sizeof(float)
			: t * act_n_block(n_col) * sizeof(struct act_block));
		b.y = gy.p;
		k->mat[type](&w, 0, mat_n_tile(&w), xt, 1, &b);
		assert_memory_equal(y + t * n_row, gy.p, n_row * sizeof *y);
	}
	free(x);
	free(y);
	free(bias);
	release(&gw);
	release(&gx);
	release(&gy);
}

static void check_mat(const struct kern *k, enum quant_type type)
{
	size_t unit_cols = quant_info(type)->n_block, max = 1536 / unit_cols;
	for (unsigned how = 0; how < 3; how++)
		for (int fill = 0; fill < N_FILL; fill++)
			compare_mat(k, type, 16 + rnd() % 16, unit_cols * (1 + rnd() % max), 1 + rnd() % 9, how, (enum fill)fill);
	for (size_t n_tok = 1; n_tok <= 17; n_tok++)
		compare_mat(k, type, 1 + rnd() % 48, unit_cols * (1 + rnd() % max), n_tok, 0, FILL_TAILS);
	/* more than a kernel takes at once: of tiles, and of tokens */
	compare_mat(k, type, 65 + rnd() % 32, unit_cols * (1 + rnd() % max), 129 + rnd() % 16, 0, FILL_TAILS);
}

/* ---- rows ---- */

static void check_act(const struct kern *k, unsigned variant)
{
	(void)variant;
	for (size_t n = 32; n <= 1024; n += 32)
		for (int fill = 0; fill < N_FILL; fill++)
			for (int form = 0; form < 2; form++) {
				size_t len = act_n_block(n) * sizeof(struct act_block);
				struct guarded gx = guarded(n * sizeof(float)), gy = guarded(len);
				struct act_block *y = calloc(1, len);
				assert_non_null(y);
				fill_floats(gx.p, n, (enum fill)fill);
				memset(gy.p, 0xaa, len);
				kern_level(KERN_REF)->act(gx.p, n, (enum act_form)form, y);
				k->act(gx.p, n, (enum act_form)form, gy.p);
				assert_memory_equal(y, gy.p, len);
				free(y);
				release(&gx);
				release(&gy);
			}
}

enum vec { VEC_NORM, VEC_NORM_PLAIN, VEC_SILU, VEC_GELU, VEC_ADD, VEC_SOFTMAX, N_VEC };
static const char *const VEC_NAMES[] = { "rmsnorm", "rmsnorm without weights", "silu_mul", "gelu_mul", "add", "softmax_sum" };

static float run_vec(const struct kern *k, unsigned which, const float *x, const float *u, size_t n, float *y)
{
	switch (which) {
	case VEC_NORM: k->rmsnorm(x, u, 1e-5f, n, y); break;
	case VEC_NORM_PLAIN: k->rmsnorm(x, NULL, 1e-6f, n, y); break;
	case VEC_SILU: k->silu_mul(x, u, n, y); break;
	case VEC_GELU: k->gelu_mul(x, u, n, y); break;
	case VEC_ADD: k->add(x, n, y); break;
	default: return k->softmax_sum(x, n, y);
	}
	return 0;
}

static void check_vec(const struct kern *k, unsigned which)
{
	for (size_t n = 1; n <= 200; n++)
		for (int fill = 0; fill < N_FILL; fill++) {
			struct guarded gx = guarded(n * 4), gu = guarded(n * 4), gy = guarded(n * 4);
			float y[200], *x = gx.p;
			fill_floats(x, n, (enum fill)fill);
			for (size_t i = 0; i < n && fill == FILL_RANDOM; i++)
				x[i] *= 100;		/* both ends of exp */
			fill_floats(gu.p, n, FILL_RANDOM);
			fill_floats(y, n, FILL_RANDOM);
			memcpy(gy.p, y, n * 4);
			float a = run_vec(kern_level(KERN_REF), which, x, gu.p, n, y), b = run_vec(k, which, x, gu.p, n, gy.p);
			assert_memory_equal(y, gy.p, n * 4);
			assert_memory_equal(&a, &b, 4);
			release(&gx);
			release(&gu);
			release(&gy);
		}
}

static void check_rope(const struct kern *k, unsigned norm)
{
	for (size_t n = 4; n <= 64; n += 4) {
		size_t d = 2 * n + rnd() % 3 * 16, n_head = 1 + rnd() % 4, len = n_head * d * 4;
		struct guarded gx = guarded(len), gc = guarded(n * 4), gs = guarded(n * 4);
		float x[4 * 160];
		fill_floats(gx.p, n_head * d, FILL_RANDOM);
		fill_floats(gc.p, n, FILL_RANDOM);
		fill_floats(gs.p, n, FILL_RANDOM);
		memcpy(x, gx.p, len);
		kern_level(KERN_REF)->rope(x, n_head, d, gc.p, gs.p, n, norm);
		k->rope(gx.p, n_head, d, gc.p, gs.p, n, norm);
		assert_memory_equal(x, gx.p, len);
		release(&gx);
		release(&gc);
		release(&gs);
	}
}

static void check_kv(const struct kern *k, unsigned variant)
{
	(void)variant;
	for (size_t n = KV_GROUP; n <= 1024; n += KV_GROUP)
		for (int fill = 0; fill < N_FILL + 2; fill++) {
			size_t len = n / KV_GROUP * 2;
			struct guarded gx = guarded(n * 4), gc = guarded(n), gs = guarded(len);
			float *x = gx.p, y[1024];
			int8_t code[1024];
			uint8_t scale[64];
			fill_floats(x, n, fill < N_FILL ? (enum fill)fill : FILL_TAILS);
			for (size_t i = 0; i < n && fill >= N_FILL; i++)	/* scales below f16's normal numbers and above its largest */
				x[i] = fill == N_FILL ? x[i] * 1e-5f : x[i] * 1e7f;
			if (fill == N_FILL + 1)
				x[rnd() % n] = NAN;
			kern_level(KERN_REF)->kv_round(x, n, code, scale);
			k->kv_round(x, n, gc.p, gs.p);
			assert_memory_equal(code, gc.p, n);
			assert_memory_equal(scale, gs.p, len);
			kern_level(KERN_REF)->kv_widen(code, scale, n, y);
			k->kv_widen(gc.p, gs.p, n, x);
			assert_memory_equal(y, x, n * 4);
			release(&gx);
			release(&gc);
			release(&gs);
		}
}

/* ---- attention ---- */

static void put_positions(const struct kern *k, size_t n, size_t d, struct guarded *gk, struct guarded *gv)
{
	const struct kern *ref = kern_level(KERN_REF);
	size_t len = (n + ATTN_TILE - 1) / ATTN_TILE * attn_tile_len(d) * sizeof(int16_t);
	int16_t *k2 = calloc(1, len), *v2 = calloc(1, len);
	assert_true(k2 && v2);
	*gk = guarded(len);
	*gv = guarded(len);
	for (size_t p = 0; p < n; p++) {
		float key[256], value[256];
		fill_floats(key, d, p % 5 ? FILL_RANDOM : FILL_TAILS);
		fill_floats(value, d, FILL_TAILS);
		if (p % 17 == 3)
			memset(p % 2 ? key : value, 0, d * sizeof *key);
		k->kv_put(key, value, d, p, gk->p, gv->p);
		ref->kv_put(key, value, d, p, k2, v2);
	}
	assert_memory_equal(gk->p, k2, len);
	assert_memory_equal(gv->p, v2, len);
	free(k2);
	free(v2);
}

static void check_attn(const struct kern *k, unsigned windowed)
{
	for (size_t d = 16; d <= 256; d += 16) {
		size_t n = 1 + rnd() % 150;
		struct guarded gk, gv, gq = guarded(ATTN_ROWS * d * 4);
		put_positions(k, n, d, &gk, &gv);
		fill_floats(gq.p, ATTN_ROWS * d, FILL_RANDOM);
		struct attn a = { .k = gk.p, .v = gv.p, .d_head = d, .window = windowed ? 1 + rnd() % 70 : 0, .scale = 0.125f };
		for (size_t n_row = 1; n_row <= ATTN_ROWS; n_row++) {
			float out[ATTN_ROWS][256] = { { 0 } }, out2[ATTN_ROWS][256] = { { 0 } };
			struct attn_row row[ATTN_ROWS], row2[ATTN_ROWS];
			size_t first = rnd() % n, group = 1 + rnd() % 4;
			for (size_t r = 0; r < n_row; r++) {
				size_t pos = first + r / group < n ? first + r / group : n - 1;
				row[r] = row2[r] = (struct attn_row){ (float *)gq.p + r * d, out[r], pos };
				row2[r].out = out2[r];
			}
			kern_level(KERN_REF)->attn(&a, row, n_row);
			k->attn(&a, row2, n_row);
			assert_memory_equal(out, out2, sizeof out);
		}
		release(&gk);
		release(&gv);
		release(&gq);
	}
}

/* ---- bench ---- */

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench(const struct kern *k, enum quant_type type)
{
	struct guarded gw;
	struct mat w = random_mat(type, 64, 1536, 0, &gw);
	float *x = malloc(64 * 1536 * sizeof *x), *y = malloc(64 * 64 * sizeof *y);
	assert_true(x && y);
	fill_floats(x, 64 * 1536, FILL_TAILS);
	struct guarded gx = activations(k, type, x, 64, 1536);
	struct mat_out o = { .y = y, .ld = 64 };
	fprintf(stderr, "# %-6s %-5s GMAC/s:", k->name, quant_info(type)->name);
	for (size_t n_tok = 1; n_tok <= 64; n_tok *= 2) {
		double best = 1e9;
		for (int rep = 0; rep < 5; rep++) {
			double start = seconds();
			int n = 0;
			for (; seconds() - start < 0.01; n++)
				k->mat[type](&w, 0, 4, gx.p, n_tok, &o);
			double each = (seconds() - start) / n;
			best = each < best ? each : best;
		}
		fprintf(stderr, " %zu: %.0f", n_tok, 64.0 * 1536 * (double)n_tok / best * 1e-9);
	}
	fprintf(stderr, "\n");
	free(x);
	free(y);
	release(&gw);
	release(&gx);
}

/* ---- families x levels ---- */

struct test {
	enum kern_level level;
	void (*check)(const struct kern *k, unsigned variant);
	unsigned variant;
	char name[64];
};

static void check_mat_variant(const struct kern *k, unsigned variant)
{
	check_mat(k, TYPES[variant]);
	if (getenv("BENCH"))
		bench(k, TYPES[variant]);
}

static void run(void **state)
{
	const struct test *t = *state;
	const struct kern *k = kern_level(t->level);
	if (!k)
		skip();
	t->check(k, t->variant);
}

static void add(struct test *t, struct CMUnitTest *u, size_t *n, int level, void (*check)(const struct kern *, unsigned), unsigned variant,
	const char *name)
{
	t[*n] = (struct test){ .level = (enum kern_level)level, .check = check, .variant = variant };
	snprintf(t[*n].name, sizeof t->name, "%s%s: %s equals ref", LEVELS[level], HOW, name);
	u[*n] = (struct CMUnitTest){ .name = t[*n].name, .test_func = run, .initial_state = &t[*n] };
	++*n;
}

int main(void)
{
	static struct test t[128];
	static struct CMUnitTest tests[128];
	int levels[KERN_VNNI + 1];
	bool have[KERN_VNNI + 1];
	size_t n = 0, n_level = 0;
	for (int level = FIRST_LEVEL; level <= KERN_VNNI; level++) {
		have[n_level] = kern_level((enum kern_level)level) != NULL;
		levels[n_level++] = level;
		for (unsigned i = 0; i < N_TYPES; i++)
			add(t, tests, &n, level, check_mat_variant, i, quant_info(TYPES[i])->name);
		add(t, tests, &n, level, check_act, 0, "act");
		for (unsigned i = 0; i < N_VEC; i++)
			add(t, tests, &n, level, check_vec, i, VEC_NAMES[i]);
		add(t, tests, &n, level, check_rope, 0, "rope of halves");
		add(t, tests, &n, level, check_rope, 1, "rope of neighbours");
		add(t, tests, &n, level, check_kv, 0, "kv_round and kv_widen");
		add(t, tests, &n, level, check_attn, 0, "attn and kv_put");
		add(t, tests, &n, level, check_attn, 1, "windowed attn");
	}
	levels_say(levels, have, n_level);
	return _cmocka_run_group_tests("kern" HOW, tests, n, NULL, NULL);
}
