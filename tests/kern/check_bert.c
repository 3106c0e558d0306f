/* SPDX-License-Identifier: Apache-2.0
 *
 * check_bert: the encoder's kernels at every level against ref, byte by byte, on shapes with tails and on values that are random,
 * constant, huge or tiny. Operands end at a page that may not be touched. Built twice (levels.h). With BENCH=1 the matrix product is timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/kern/bert.h"
#include "tests/kern/levels.h"

#define D_MAX 1536
#define T_MAX 40
#define T_MANY 205	/* more than any level takes at a time, and not a multiple of anything */

static uint64_t seed = 1;
static int n_bad, n_done;

static uint32_t rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static float *floats(size_t n, int style)
{
	float *x = guarded_end(n * sizeof *x);
	for (size_t i = 0; i < n; i++) {
		float u = (float)(int32_t)(rnd() % 20001 - 10000) / 10000.0f;
		x[i] = style == 0 ? u : style == 1 ? 0.0f : style == 2 ? u * u * u * 1e18f : style == 3 ? u * 1e-30f : i % 97 ? u : 40 * u;
	}
	return x;
}

static void compare(const char *what, const struct kern_bert *k, const void *a, const void *b, size_t n, size_t i, size_t j)
{
	n_done++;
	if (!memcmp(a, b, n))
		return;
	size_t at = 0;
	while (((const char *)a)[at] == ((const char *)b)[at])
		at++;
	printf("# %s %s: %zu, %zu: byte %zu of %zu differs\n", k->name, what, i, j, at, n);
	n_bad++;
}

static void check_mat(const struct kern_bert *ref, const struct kern_bert *k, size_t n_col, size_t n_tok, int style)
{
	size_t n_group = (n_col + BERT_GROUP - 1) / BERT_GROUP, n_row = 48, n_block = (n_tok + 11) / 12, ld = n_row + 3;
	uint8_t *wd = guarded_end(n_row / 16 * n_group * BERT_W_LEN);
	struct bert_mat w = { wd, floats(n_row, 0), n_row, n_group };
	for (size_t i = 0; i < n_row / 16 * n_group; i++, wd += BERT_W_LEN) {
		float *s = (float *)(void *)(wd + 16 * BERT_GROUP);
		for (size_t j = 0; j < 16 * BERT_GROUP; j++)
			wd[j] = (uint8_t)(style == 4 ? 0x81 : rnd() % 255 + 1 - 128);
		for (size_t j = 0; j < 32; j++)
			s[j] = (float)(rnd() % 1000) * 1e-5f;
	}
	float *x = floats(n_tok * n_col, style), *y[2], *start = floats(n_tok * ld, 0);
	for (int op = BERT_SET; op <= BERT_GELU; op++) {
		for (int i = 0; i < 2; i++) {
			const struct kern_bert *l = i ? k : ref;
			uint8_t *blocks = guarded_end(n_block * n_group * l->x_len);
			for (size_t t = 0; t < n_tok; t += 12)
				l->quant(x + t * n_col, n_col, n_tok - t < 12 ? n_tok - t : 12, n_col, blocks + t / 12 * n_group * l->x_len);
			y[i] = guarded_end(n_tok * ld * sizeof(float));
			memcpy(y[i], start, n_tok * ld * sizeof(float));
			l->mat(&w, 1, 2, blocks, n_group * l->x_len, n_tok, y[i], ld, (enum bert_op)op);
		}
		compare("quant and mat", k, y[0], y[1], n_tok * ld * sizeof(float), n_col, n_tok);
	}
}

static void check_norm(const struct kern_bert *ref, const struct kern_bert *k, size_t n, int style)
{
	struct bert_norm p = { floats(n, 0), floats(n, 0), floats(n, 0), floats(n, 0), n, 1e-12f };
	float *x[2] = { floats(n, style), guarded_end(n * 4) }, *z[2] = { guarded_end(n * 4), guarded_end(n * 4) };
	memcpy(x[1], x[0], n * 4);
	ref->norm(&p, x[0], z[0]);
	k->norm(&p, x[1], z[1]);
	compare("norm", k, x[0], x[1], n * 4, n, 0);
	compare("norm", k, z[0], z[1], n * 4, n, 1);
}

static void check_attn(const struct kern_bert *ref, const struct kern_bert *k, size_t d, size_t n_tok, int style)
{
	size_t ld = 3 * d + 16;
	float *qkv = floats(n_tok * ld, style), *out[2] = { guarded_end(n_tok * d * 4), guarded_end(n_tok * d * 4) };
	for (int i = 0; i < 2; i++) {
		struct bert_attn a = { qkv, qkv + d, qkv + 2 * d, ld, out[i], d, n_tok, d, 0.2f, guarded_end(bert_attn_scratch(n_tok, d)) };
		(i ? k : ref)->attn(&a);
	}
	compare("attn", k, out[0], out[1], n_tok * d * 4, d, n_tok);
}

static void bench(const struct kern_bert *k)
{
	size_t n_tok = 48, n_col = 384, n_row = 1536, n_group = n_col / BERT_GROUP;
	uint8_t *w = guarded_end(n_row / 16 * n_group * BERT_W_LEN), *x = guarded_end(4 * n_group * k->x_len);
	memset(w, 1, n_row / 16 * n_group * BERT_W_LEN);
	memset(x, 1, 4 * n_group * k->x_len);
	struct bert_mat m = { w, floats(n_row, 0), n_row, n_group };
	float *y = guarded_end(n_tok * n_row * 4);
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 50; i++) {
		uint64_t t = io_now_ns();
		k->mat(&m, 0, n_row / 16, x, n_group * k->x_len, n_tok, y, n_row, BERT_SET);
		t = io_now_ns() - t;
		best = t < best ? t : best;
	}
	printf("# %s: %.1f GMAC/s, one thread, %zu tokens, %zu x %zu\n", k->name, (double)(n_tok * n_col * n_row) / (double)best, n_tok,
		n_row, n_col);
}

static void check_level(const struct kern_bert *ref, const struct kern_bert *k)
{
	static const size_t heads[] = { 16, 32, 48, 64, 128 };
	for (int style = 0; style < 5; style++) {
		for (size_t n = 1; n <= T_MAX; n += n < 14 ? 1 : 5)
			check_mat(ref, k, (n % 4 + 1) * 112 % 400 + 16, n, style);
		check_mat(ref, k, 208, T_MANY, style);
		for (size_t n = 16; n <= D_MAX; n += 16 * (1 + n / 100))
			check_norm(ref, k, n, style);
		for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
			for (size_t n = 1; n <= 70; n += 1 + n / 3)
				check_attn(ref, k, heads[h], n, style);
	}
	if (getenv("BENCH"))
		bench(k);
}

/* The chooser asks the processor; what SIMDe makes needs AVX2 only. */
static const struct kern_bert *level_of(int level)
{
#ifdef KERN_EMULATED
	return level == KERN_VNNI && kern_bert_level(KERN_AVX2) ? &kern_bert_vnni : NULL;
#else
	return kern_bert_level((enum kern_level)level);
#endif
}

static bool check_one(int level)
{
	const struct kern_bert *k = level_of(level);
	if (k)
		check_level(kern_bert_level(KERN_REF), k);
	return k != NULL;
}

int main(void)
{
	return levels_run("bert", check_one, &n_done, &n_bad);
}
