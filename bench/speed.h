/* SPDX-License-Identifier: Apache-2.0
 *
 * speed: how fast a model reads, writes and verifies here. Prompts are English text, computed anew each time; what is written is what the
 * model says after them.
 */
#ifndef TT_BENCH_SPEED_H
#define TT_BENCH_SPEED_H

#include "generate/cost.h"
#include "generate/model.h"
#include "lib/base/err.h"

struct pool;

#define SPEED_N_LENGTH 8
struct speed {
	size_t n_length, length[SPEED_N_LENGTH];	/* in: prompt lengths to measure */
	double prefill[SPEED_N_LENGTH];			/* tokens a second */
	double decode[SPEED_N_LENGTH];			/* tokens a second after a prompt of that length */
	double verify_ms[COST_N];			/* a step of 1..8 positions after the first length */
	double share_of_bandwidth;			/* weights that decoding steps read a second, to what a plain read gets in turn with them */
	double weight_bytes, weight_macs;		/* that one decoding step reads; products that one token of a prompt costs */
};

/* Medians of `rounds` rounds; the share of bandwidth of eight times as many. ERR_MEM. */
int speed_measure(struct speed *sp, const struct model *m, struct pool *pool, int rounds, struct err *e);

/* Sorts x[0..n), n >= 1. */
double speed_median(double *x, int n);

#endif
