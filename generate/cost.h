/* SPDX-License-Identifier: Apache-2.0
 *
 * cost: what one step of 1..8 positions costs on this host, in milliseconds: V(b) of the drafting policy. Measured once for each
 * model, level of kernels and number of threads, and kept as a small text file in the cache; deleting it is harmless.
 */
#ifndef TT_GENERATE_COST_H
#define TT_GENERATE_COST_H

#include "generate/model.h"
#include "generate/session.h"
#include "lib/base/err.h"

#define COST_N (SESSION_MAX_BATCH + 1)

/* ms[1..8], from the file if there is one. False if not. */
bool cost_load(const struct model *m, int n_thread, double ms[COST_N]);
/* Measures on a session, whose timeline is rewound to what it was, and writes the file. About thirty decoding steps; an odd
 * measurement cannot make a longer step cheaper than a shorter one. */
int cost_measure(const struct model *m, struct session *s, int n_thread, double ms[COST_N], struct err *e);

/* A step of b positions took `took` ms: moves all costs by a part of the difference, and ms[b] by some more if it is small. Costs stay
 * in order. */
void cost_seen(double ms[COST_N], size_t b, double took);

#endif
