/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: drafts that cost nothing. What follows the longest suffix of the timeline that has occurred before is proposed again:
 * prompts, sources and the output so far repeat each other a great deal in grounded answers and summaries.
 *
 *	struct copy *c;  copy_open(&c, &e);
 *	copy_push(c, tok);				// every token of the timeline, in order
 *	size_t n = copy_draft(c, out, 7, &match);	// up to 7 tokens; `match` = length of the repeated suffix
 *
 * Not thread-safe per handle. O(1) amortised a token, about 80 bytes a token.
 */
#ifndef TT_SPECULATE_COPY_H
#define TT_SPECULATE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct copy;

int copy_open(struct copy **c, struct err *e);
void copy_close(struct copy *c);

/* Appends one token. ERR_MEM leaves the handle as it was but for a timeline that is no longer complete: close it. */
int copy_push(struct copy *c, int32_t tok, struct err *e);
/* Tokens so far. */
size_t copy_len(const struct copy *c);

/* Writes the continuation of the longest repeated suffix to out[0..n) and returns n <= max; *match gets the suffix's
 * length (0 when nothing repeats, and then n is 0). The continuation may run into itself, as in "ababab". */
size_t copy_draft(const struct copy *c, int32_t *out, size_t max, size_t *match);

#endif
