/* SPDX-License-Identifier: Apache-2.0
 *
 * screen: the row that is found without all logits is that of all logits, and no copy is further off than its slack says, at every level.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/pool.h"
#include "lib/model/screen.h"

enum { ROWS = 1000, COLS = 288, TOKS = 5 };		/* neither whole tiles nor whole blocks of 256 */

static uint64_t seed = 1;

static double uniform(void)	/* splitmix64, -1 .. 1 */
{
	uint64_t z = seed += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
}

struct head {
	uint8_t q8[ROWS][COLS / 32 * 34];
	float slack[ROWS];
	struct mat full;
	struct screen screen;
	uint8_t *data[2];
};

static struct mat pack_rows(enum quant_type type, const void *rows, size_t row_len, uint8_t **data)
{
	struct mat m = { .type = type, .n_row = ROWS, .n_col = COLS, .tile_len = w16_tile_len(type, COLS) };
	*data = aligned_alloc(64, m.tile_len * mat_n_tile(&m));
	for (size_t i = 0; i < mat_n_tile(&m); i++) {
		size_t n = ROWS - i * W16_ROWS < W16_ROWS ? ROWS - i * W16_ROWS : W16_ROWS;
		w16_pack_tile(type, (const uint8_t *)rows + i * W16_ROWS * row_len, row_len, n, COLS, *data + i * m.tile_len);
	}
	m.data = *data;
	return m;
}

/* Rows of random codes; every tenth one is large, and rows 500 to 504 are all the same one. */
static struct head *head_open(void)
{
	struct head *h = calloc(1, sizeof *h);
	static uint8_t copy[ROWS][COLS / 32 * 22];
	for (size_t r = 0; r < ROWS; r++) {
		for (size_t b = 0; b < COLS / 32; b++) {
			uint8_t *p = h->q8[r] + 34 * b;
			uint16_t d = quant_to_f16((float)(0.001 * (1.5 + uniform()) * (r % 10 ? 1 : 3)));
			memcpy(p, &d, 2);
			for (size_t i = 0; i < 32; i++)
				p[2 + i] = (uint8_t)(int8_t)(127 * uniform());
		}
		if (r > 500 && r < 505)
			memcpy(h->q8[r], h->q8[500], sizeof h->q8[r]);
		h->slack[r] = screen_row(h->q8[r], COLS, copy[r]);
	}
	h->full = pack_rows(QUANT_Q8_0, h->q8, sizeof h->q8[0], &h->data[0]);
	h->screen = (struct screen){ .copy = pack_rows(QUANT_Q5_0, copy, sizeof copy[0], &h->data[1]), .slack = h->slack };
	return h;
}

static void head_close(struct head *h)
{
	free(h->data[0]);
	free(h->data[1]);
	free(h);
}

/* Activations of one of five kinds; the last points at a row, which is then likely the best. */
static void fill(const struct head *h, float *x, int kind)
{
	float row[COLS];
	quant_row(QUANT_Q8_0, h->q8[(size_t)((uniform() + 1) / 2 * (ROWS - 1))], COLS, row);
	if (kind == 4)
		quant_row(QUANT_Q8_0, h->q8[502], COLS, row);
	for (size_t i = 0; i < COLS; i++)
		x[i] = kind == 0 ? 0 : kind == 1 ? (float)uniform() : kind == 2 ? (float)(uniform() * (i % 50 == 3 ? 300 : 1))
			: row[i] * 30 + (float)(0.3 * uniform());
}

static void best_is_that_of_all_logits(void **state)
{
	(void)state;
	static const char *const levels[] = { "ref", "avx2", "avx512", "vnni" };
	struct head *h = head_open();
	float *x = malloc(TOKS * COLS * sizeof *x), *all = malloc(TOKS * ROWS * sizeof *all), *work = malloc(TOKS * ROWS * sizeof *work);
	for (size_t l = 0; l < 4; l++) {
		const struct kern *k = kern_select(levels[l], NULL);
		struct arena mem = { 0 };
		struct pool *pool;
		struct nn nn;
		struct act a;
		double read = 0;
		assert_int_equal(pool_open(&pool, 2, NULL), 0);
		assert_int_equal(nn_init(&nn, k, pool, &mem, NULL), 0);
		assert_int_equal(act_init(&a, &mem, TOKS, COLS, 1u << ACT_G16, NULL), 0);
		for (int round = 0; round < 40; round++) {
			int32_t best[TOKS], plain[TOKS];
			for (int t = 0; t < TOKS; t++)
				fill(h, x + t * COLS, (t + round) % 5);
			nn_act(&nn, x, COLS, TOKS, COLS, &a);
			nn_mat(&nn, &a, &(struct nn_job){ .w = &h->full, .y = all, .ld = ROWS }, 1);
			read += screen_best(&nn, &a, &h->full, &h->screen, work, best) / TOKS;
			for (size_t t = 0; t < TOKS; t++) {
				size_t top = 0;
				double norm = 0;
				for (size_t i = 0; i < COLS; i++)
					norm += (double)x[t * COLS + i] * (double)x[t * COLS + i];
				for (size_t r = 0; r < ROWS; r++) {
					top = all[t * ROWS + r] > all[t * ROWS + top] ? r : top;
					/* codes are a little off x itself */
					assert_true(fabs((double)all[t * ROWS + r] - (double)work[t * ROWS + r]) <=
						(double)h->slack[r] * sqrt(norm) * 1.01);
				}
				assert_int_equal(best[t], top);
			}
			assert_true(screen_best(&nn, &a, &h->full, &(struct screen){ .slack = NULL }, work, plain) == TOKS);
			assert_memory_equal(best, plain, sizeof best);
		}
		assert_true(read / 40 < 0.7);	/* one kind in five needs all of the head, another most */
		pool_close(pool);
		arena_release(&mem);
	}
	free(x);
	free(all);
	free(work);
	head_close(h);
}

/* The bound is not loose by orders of magnitude either: rounding to 5 bits leaves about 1 / 31 of the largest weight / sqrt(12). */
static void slack_is_of_the_size_of_rounding(void **state)
{
	(void)state;
	struct head *h = head_open();
	for (size_t r = 0; r < ROWS; r++) {
		float w[COLS], norm = 0;
		quant_row(QUANT_Q8_0, h->q8[r], COLS, w);
		for (size_t i = 0; i < COLS; i++)
			norm += w[i] * w[i];
		assert_true(h->slack[r] > 0.01f * sqrtf(norm) && h->slack[r] < 0.06f * sqrtf(norm));
	}
	head_close(h);
}

static void a_copy_that_is_no_use_costs_time_only(void **state)
{
	(void)state;
	struct head *h = head_open();
	struct arena mem = { 0 };
	struct nn nn;
	struct act a;
	float x[COLS], all[ROWS], work[ROWS];
	int32_t best;
	assert_int_equal(nn_init(&nn, kern_select(NULL, NULL), NULL, &mem, NULL), 0);
	assert_int_equal(act_init(&a, &mem, 1, COLS, 1u << ACT_G16, NULL), 0);
	fill(h, x, 3);
	nn_act(&nn, x, COLS, 1, COLS, &a);
	nn_mat(&nn, &a, &(struct nn_job){ .w = &h->full, .y = all, .ld = ROWS }, 1);
	size_t top = 0;
	for (size_t r = 0; r < ROWS; r++)
		top = all[r] > all[top] ? r : top;
	for (size_t r = 0; r < ROWS; r++)
		h->slack[r] = r % 2 ? INFINITY : NAN;
	assert_true(screen_best(&nn, &a, &h->full, &h->screen, work, &best) == 1);
	assert_int_equal(best, top);
	for (size_t r = 0; r < ROWS; r++)
		h->slack[r] = NAN;
	assert_true(screen_best(&nn, &a, &h->full, &h->screen, work, &best) == 1);
	assert_int_equal(best, top);
	arena_release(&mem);
	head_close(h);
}

/* The copy of the best row is 0, so it is off by all that slack and norm allow; another comes near it. */
static void a_row_that_is_just_within_its_slack_is_found(void **state)
{
	(void)state;
	static uint8_t copy[ROWS][COLS / 32 * 22];
	struct head *h = head_open();
	struct arena mem = { 0 };
	struct nn nn;
	struct act a;
	float x[COLS], row[COLS], work[ROWS];
	double norm = 0;
	int32_t best;
	for (size_t r = 700; r <= 800; r += 100)	/* of different tiles */
		for (size_t b = 0; b < COLS / 32; b++) {
			uint16_t d = quant_to_f16(0.01f);
			memcpy(h->q8[r] + 34 * b, &d, 2);
			memset(h->q8[r] + 34 * b + 2, 100, 32);
		}
	memset(h->q8[800] + 2, 0, 4);
	for (size_t r = 0; r < ROWS; r++)
		h->slack[r] = screen_row(h->q8[r], COLS, copy[r]);
	quant_row(QUANT_Q8_0, h->q8[700], COLS, row);
	for (size_t i = 0; i < COLS; i++) {
		norm += (double)row[i] * (double)row[i];
		x[i] = 1;
	}
	memset(copy[700], 0, sizeof copy[700]);
	h->slack[700] = (float)(sqrt(norm) * 1.001);
	free(h->data[0]);
	free(h->data[1]);
	h->full = pack_rows(QUANT_Q8_0, h->q8, sizeof h->q8[0], &h->data[0]);
	h->screen.copy = pack_rows(QUANT_Q5_0, copy, sizeof copy[0], &h->data[1]);
	assert_int_equal(nn_init(&nn, kern_select(NULL, NULL), NULL, &mem, NULL), 0);
	assert_int_equal(act_init(&a, &mem, 1, COLS, 1u << ACT_G16, NULL), 0);
	nn_act(&nn, x, COLS, 1, COLS, &a);
	assert_true(screen_best(&nn, &a, &h->full, &h->screen, work, &best) < 0.1);
	assert_int_equal(best, 700);
	arena_release(&mem);
	head_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(best_is_that_of_all_logits),
		cmocka_unit_test(slack_is_of_the_size_of_rounding),
		cmocka_unit_test(a_copy_that_is_no_use_costs_time_only),
		cmocka_unit_test(a_row_that_is_just_within_its_slack_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
