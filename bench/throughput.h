/* SPDX-License-Identifier: Apache-2.0
 *
 * throughput: how fast an embedder is here.
 */
#ifndef TT_BENCH_THROUGHPUT_H
#define TT_BENCH_THROUGHPUT_H

#include "embed/bert.h"

struct pool;
struct throughput {
	double tokens_per_s;	/* chunks of 234 tokens in full batches, median of the rounds */
	double query_ms;	/* one text of 12 tokens, median */
	double gmacs;		/* products of matrices and attention a second behind tokens_per_s, in 10^9 */
};
/* Takes about two seconds. */
int throughput_measure(struct throughput *out, const struct bert *b, struct pool *p, struct err *e);

#endif
