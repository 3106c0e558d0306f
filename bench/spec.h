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

struct spec {
	const struct model *m;
	struct pool *pool;
	const char *prompts;	/* file of lines {category, turns: [text, ...]} */
	const char *draft;	/* a drafter's command */
	size_t n_max, limit;	/* tokens of a turn at most; lines of a category, 0 = all */
	void (*warn)(const char *msg);	/* told once, when the drafter was lost */
	/* After each prompt: how many there were, how much of the file is done, and the ratio of times so far. May be NULL. */
	void (*progress)(size_t n, double share, double speedup);
};

/* Answers each prompt twice, greedily, turn after turn. *out gets {category: {prompts, turns_left_out, tokens, plain, drafted (tokens a
 * second), speedup, drafted_tokens, accepted, drafter_lost, equal}, ..., all: {...}}; the caller decrefs. A drafter that is lost (it died,
 * stalled, talked nonsense) costs the rest of that prompt's drafts and is started again for the next; if none was left of any prompt, that
 * is an error. */
int spec_run(json_t **out, const struct spec *how, struct err *e);

#endif
