/* SPDX-License-Identifier: Apache-2.0
 *
 * sample: from logits to a token. A choice depends on the logits, the tokens before, the parameters, and on (seed, position):
 * never on how many tokens were evaluated at once or how often the sampler was asked. So drafts may be verified by choosing
 * and comparing, and a run can be repeated.
 *
 * Order of the steps (as llama.cpp's default chain): repetition penalty, top-k, top-p, min-p, temperature, one draw.
 * Temperature 0 is greedy: the largest logit, ties to the lowest id. A logit of -INFINITY forbids a token; NaN counts as that.
 */
#ifndef TT_GENERATE_SAMPLE_H
#define TT_GENERATE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct sample_params {
	double temp;		/* 0 = greedy */
	long top_k;		/* 0 = off */
	double top_p;		/* 1 = off */
	double min_p;		/* 0 = off */
	double repeat_penalty;	/* 1 = off; divides a positive logit of a recent token, multiplies a negative one */
	long repeat_last;	/* how many tokens back count as recent */
	uint64_t seed;
};
extern const struct sample_params SAMPLE_GREEDY;

struct sampler;
struct sample_item { float p; int32_t id; };

/* Copies the parameters, which are believed. ERR_MEM. */
int sampler_open(struct sampler **s, const struct sample_params *p, size_t n_vocab, struct err *e);
void sampler_close(struct sampler *s);
/* Whether every pick is simply the largest logit: greedy and without a penalty. */
bool sampler_is_plain(const struct sampler *s);

/* Whether a token may be chosen; asked only of tokens about to be. */
typedef bool (*sample_allow)(void *arg, int32_t id);

/* The token behind past[0..n_past), the whole timeline; without a penalty nobody looks at `past`, which may be NULL.
 * `allow` (may be NULL) can turn a choice down: it is then forbidden and drawn anew. Without top-k, top-p and min-p that is the same as
 * masking all such tokens first; these count a forbidden token until it has been drawn. Changes `logits`. Allocates nothing. -1 if
 * every token is forbidden. */
int32_t sampler_pick(struct sampler *s, float *logits, const int32_t *past, size_t n_past, sample_allow allow, void *arg);
/* The distribution that sampler_pick draws from: items sorted best first, probabilities adding up to 1, borrowed until the next
 * call. Greedy gives the one item. */
size_t sampler_dist(struct sampler *s, float *logits, const int32_t *past, size_t n_past, const struct sample_item **item);
/* Index of the largest of x[0..n), ties to the lowest; -1 if all are NaN or -INFINITY. */
int32_t sample_argmax(const float *x, size_t n);

#endif
