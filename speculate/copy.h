/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: drafts that cost nothing. What followed earlier places of the timeline that read like its end is proposed again: prompts,
 * sources and the output so far repeat each other a great deal in grounded answers and summaries.
 *
 *	struct copy *c;  copy_open(&c, &e);
 *	copy_push(c, tok, &e);				// every token of the timeline, in order
 *	size_t n = copy_draft(c, tok, prob, 7);		// up to 7 tokens, and how sure each one is
 *
 * Not thread-safe per handle. A push takes constant time, about 20 bytes a token; a drafted token compares 64 places at most.
 */
#ifndef TT_SPECULATE_COPY_H
#define TT_SPECULATE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define COPY_MAX 8		/* tokens in a draft */

struct copy;

/* An empty timeline. ERR_MEM. */
int copy_open(struct copy **c, struct err *e);
void copy_close(struct copy *c);

/* Appends one token. ERR_MEM leaves the handle as it was but for a timeline that is no longer complete: close it. */
int copy_push(struct copy *c, int32_t tok, struct err *e);

/* Writes what may come next to tok[0..n) and returns n <= max, COPY_MAX at most; 0 when the last token is new. prob[i] is an estimate
 * of the chance that tok[i] is right where those before it are. The continuation may run into itself, as in "ababab". */
size_t copy_draft(struct copy *c, int32_t *tok, double *prob, size_t max);

#endif
