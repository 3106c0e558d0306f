/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_weights: any bytes as the files of an embedder's folder: config.json up to the first byte 0, model.safetensors behind it. What
 * opens has numbers that make sense, and every weight of a layer can be had or is told.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/weights.h"
#include "tests/fuzz/file.h"

static char path[2][96];

static void put(const char *file, const uint8_t *p, size_t n)
{
	FILE *f = fopen(file, "we");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		abort();
}

static void get_all(const struct weights *w)
{
	const struct hyper *h = &w->hyper;
	const size_t d = h->d_model;
	const struct { enum weight which; size_t n_row, n_col; } all[] = { { W_TOKEN, h->n_vocab, d }, { W_POSITION, h->n_pos, d }, { W_TYPE, 2, d },
		{ W_NORM, 1, d }, { W_Q, d, d }, { W_O, d, d }, { W_UP, h->d_ff, d }, { W_DOWN, d, h->d_ff }, { W_NORM_OUT, 1, d } };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct err e = {0};
		float *y = malloc(all[i].n_row * all[i].n_col * sizeof *y);
		if (!y)
			continue;
		for (int bias = 0; bias < 2; bias++)
			if (weights_get(w, all[i].which, bias ? "bias" : "weight", 0, bias ? 1 : all[i].n_row, bias ? d : all[i].n_col, y, &e) &&
				!e.msg[0])
				abort();
		free(y);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct weights w;
	struct err e = {0};
	const uint8_t *nul = n ? memchr(p, 0, n) : NULL;
	size_t n_json = nul ? (size_t)(nul - p) : n;
	const char *dir = fuzz_dir();
	snprintf(path[0], sizeof path[0], "%s/config.json", dir);
	snprintf(path[1], sizeof path[1], "%s/model.safetensors", dir);
	put(path[0], p, n_json);
	put(path[1], nul ? nul + 1 : p, nul ? n - n_json - 1 : 0);
	if (!weights_open(&w, dir, &e)) {
		if (hyper_check(&w.hyper, &e))
			abort();
		get_all(&w);
		weights_close(&w);
	} else if (!e.code || !e.msg[0]) {
		abort();
	}
	fuzz_dir_remove(dir);
	return 0;
}
