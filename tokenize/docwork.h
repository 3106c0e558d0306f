/* SPDX-License-Identifier: Apache-2.0
 *
 * docwork: threads that read documents, and their results in the order in which they were asked for.
 *
 *	put(0) put(1) put(2) ...      worker   worker        take(0) -> bytes, bytes, end;  take(1) -> ...
 *
 * Each document has a byte string of messages of its own. A worker keeps it to itself until the document is done or the
 * string grows over a bound; then it waits until it was taken. Only the oldest document's string is ever taken, so it
 * always moves on; the others wait with at most a bound of memory each.
 */
#ifndef TT_TOKENIZE_DOCWORK_H
#define TT_TOKENIZE_DOCWORK_H

#include "tokenize/docread.h"

struct docwork;

/* `n_thread` workers; n_ahead documents may be under way. */
int docwork_open(struct docwork **w, const struct read_opts *o, int n_thread, size_t n_ahead, struct err *e);
/* True if another document may be put. */
bool docwork_room(const struct docwork *w);
/* What `job` points to is borrowed until the job's end was taken. */
void docwork_put(struct docwork *w, const struct read_job *job);
/* The next messages of the oldest document: 1 and `out` (swapped in, the caller's to reuse; failed if there was no memory for
 * all), or 0: that document has ended and the next is the oldest. Call only when there is one. */
int docwork_take(struct docwork *w, struct buf *out);
/* Stops the workers as soon as they can. */
void docwork_close(struct docwork *w);

#endif
