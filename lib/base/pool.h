/* SPDX-License-Identifier: Apache-2.0
 *
 * pool: a few threads that share loops. Each has a run of the pieces and steals from the others' when it is done, the caller
 * works too, waiting threads spin for about 30 us and then sleep on a futex: a pipe has other stages, and spinning barriers starve them.
 *
 * What a loop computes must not depend on which thread runs which chunk, nor on their number: each index writes its
 * own output. That is what makes results byte-identical for every thread count.
 */
#ifndef TT_BASE_POOL_H
#define TT_BASE_POOL_H

#include <stddef.h>

struct err;
struct pool;

#define POOL_MAX_THREADS 256

/* Processors this process may run on, in 1..POOL_MAX_THREADS. */
int pool_processors(void);

/* `n_thread` counts the caller; 0 = pool_processors(). ERR_ARG over POOL_MAX_THREADS, ERR_MEM also where threads cannot be started. */
int pool_open(struct pool **p, int n_thread, struct err *e);
void pool_close(struct pool *p);
int pool_threads(const struct pool *p);		/* 1 for NULL */

/* Calls fn(arg, from, to, i_thread) over [0, n) in pieces of at most `grain` (more, should there be 2^32 pieces), each index exactly once;
 * returns when all are done. `i_thread` is in [0, pool_threads). p may be NULL (runs inline). Not reentrant: fn must not call pool_run. */
typedef void (*pool_fn)(void *arg, size_t from, size_t to, int i_thread);
void pool_run(struct pool *p, size_t n, size_t grain, pool_fn fn, void *arg);

/* A hint: [at, at + len) is what thread `i_thread` will read first in a loop to come, so it fetches this into its cache while it
 * waits. Each thread starts at piece i_thread * n_piece / pool_threads. Holds until the next hint. */
void pool_expect(struct pool *p, int i_thread, const void *at, size_t len);

#endif
