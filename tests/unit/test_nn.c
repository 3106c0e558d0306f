/* SPDX-License-Identifier: Apache-2.0
 *
 * nn: what many tokens give together is what each of them gives alone, at every level.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/pool.h"
#include "lib/model/nn.h"

enum { ROWS = 272, COLS = 768, TOKS = 300 };		/* more tokens than the scratch of a unit has room for */

static uint64_t seed = 1;

static float uniform(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (float)(int32_t)(seed >> 32) / 2147483648.0f;
}

static struct mat mat_random(enum quant_type type)
{
	static float row[W16_ROWS * COLS];
	struct mat m = { .type = type, .n_row = ROWS, .n_col = COLS, .tile_len = w16_tile_len(type, COLS) };
	uint8_t *data = aligned_alloc(64, m.tile_len * mat_n_tile(&m)), *p = (uint8_t *)row;
	size_t row_len = COLS / quant_info(type)->n_block * quant_info(type)->block_len;
	for (size_t i = 0; i < mat_n_tile(&m); i++) {
		for (size_t k = 0; k < W16_ROWS * COLS && type == QUANT_F32; k++)
			row[k] = uniform() / 16;
		for (size_t k = 0; k < W16_ROWS * row_len && type != QUANT_F32; k++)
			p[k] = (uint8_t)(127 * uniform());
		for (size_t k = 0; k < W16_ROWS * row_len && type != QUANT_F32; k += 34)
			memcpy(p + k, &(uint16_t){ quant_to_f16(0.0005f) }, 2);
		w16_pack_tile(type, row, row_len, W16_ROWS, COLS, data + i * m.tile_len);
	}
	m.data = data;
	return m;
}

static void nn_glu_of_many_tokens_is_that_of_each(void **state)
{
	(void)state;
	static const char *const levels[] = { "ref", "avx2", "avx512", "vnni" };
	static const enum quant_type types[] = { QUANT_F32, QUANT_Q8_0 };
	float *x = malloc(TOKS * COLS * sizeof *x), *many = calloc(TOKS * ROWS, sizeof *many), *one = calloc(ROWS, sizeof *one);
	for (size_t i = 0; i < TOKS * COLS; i++)
		x[i] = uniform();
	for (size_t i = 0; i < 8; i++) {
		struct mat gate = mat_random(types[i / 4]), up = mat_random(types[i / 4]);
		unsigned need = act_need((const struct mat *const[]){ &gate }, 1);
		struct arena mem = { 0 };
		struct pool *pool;
		struct nn nn;
		struct act a, out;
		assert_int_equal(pool_open(&pool, 2, NULL), 0);
		assert_int_equal(nn_init(&nn, kern_select(levels[i % 4], NULL), pool, &mem, NULL), 0);
		assert_int_equal(act_init(&a, &mem, TOKS, COLS, need, NULL), 0);
		assert_int_equal(act_init(&out, &mem, TOKS, ROWS, need, NULL), 0);
		nn_act(&nn, x, COLS, TOKS, COLS, &a);
		nn_glu(&nn, &a, &gate, &up, NN_SILU, many, ROWS, &out);
		for (size_t t = 0; t < TOKS; t += 23) {
			nn_act(&nn, x + t * COLS, COLS, 1, COLS, &a);
			nn_glu(&nn, &a, &gate, &up, NN_SILU, one, ROWS, &out);
			assert_memory_equal(out.f32, many + t * ROWS, ROWS * sizeof *many);
		}
		pool_close(pool);
		arena_release(&mem);
		free((void *)(uintptr_t)gate.data);
		free((void *)(uintptr_t)up.data);
	}
	free(x);
	free(many);
	free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nn_glu_of_many_tokens_is_that_of_each) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
