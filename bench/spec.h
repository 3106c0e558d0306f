/* SPDX-License-Identifier: Apache-2.0
 *
 * spec: plain decoding against drafted decoding of the same prompts, by category; and whether the bytes are equal.
 */
#ifndef TT_BENCH_SPEC_H
#define TT_BENCH_SPEC_H

#include <jansson.h>

#include "generate/model.h"
#include "lib/base/err.h"

struct pool;

/* Reads lines {id, category, turns: [text, ...]} from `path` and answers each twice, greedily, turn after turn, with at most n_max
 * tokens a turn; stops after `limit` lines of a category (0 = all). `draft` is a drafter's command. *out gets {category: {prompts, tokens, plain,
 * drafted (tokens a second), speedup, drafted_tokens, accepted, equal}, ..., all: {...}}; the caller decrefs. */
int spec_run(json_t **out, const struct model *m, struct pool *pool, const char *path, const char *draft, size_t n_max, size_t limit,
	     struct err *e);

#endif
