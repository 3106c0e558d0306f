/* SPDX-License-Identifier: Apache-2.0
 *
 * cost: what one step of 1..8 positions costs on this host, in milliseconds: V(b) of the drafting policy. Measured for each
 * model, level of kernels, number of threads and processor, and kept as a small text file in the cache; deleting it is harmless.
 *
 *	measured: rounds of steps of 1, 2, ... 8, until the two least times of every length agree; one round where an answer is waited for
 *	seen:     what steps take while generating moves all costs, and bends the table near their length a little
 */
#ifndef TT_GENERATE_COST_H
#define TT_GENERATE_COST_H

#include "generate/model.h"
#include "generate/session.h"
#include "lib/base/err.h"

#define COST_N (SESSION_MAX_BATCH + 1)

struct cost {
	double ms[COST_N];		/* [1..8]: a step as it costs by now */
	double measured[COST_N];	/* as the file has it; the shape of ms stays near it */
	size_t last;			/* length of the step before; 0 = none */
	double last_took;
	unsigned unsettled;		/* measurements so far, if the least times of the last did not agree; 0 = they did */
	bool is_kept;			/* there is a file of it */
};

/* Takes the time of a step of b positions. */
typedef int cost_step(void *arg, size_t b, double *ms, struct err *e);

/* Measures; `in_haste`, one round only, which counts as not settled. A table of plausible shape comes out whatever the clock does; *c keeps
 * how often that has failed to settle. */
int cost_measure(struct cost *c, bool in_haste, cost_step *step, void *arg, struct err *e);
/* The table of the file, or a first one, measured in haste on `s` and kept. The session's timeline is lost if it has to be measured. */
int cost_open(struct cost *c, const struct model *m, struct session *s, int n_thread, struct err *e);
/* Measures once more, and keeps that, if the table did not settle, has not been tried too often and can be kept. For when nobody waits. */
int cost_again(struct cost *c, const struct model *m, struct session *s, int n_thread, struct err *e);

/* A step of b positions took `took` ms: moves all costs by a part of the difference, and bends those near b by a little of it. Costs
 * stay in order. */
void cost_seen(struct cost *c, size_t b, double took);

#endif
