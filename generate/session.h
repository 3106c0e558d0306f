/* SPDX-License-Identifier: Apache-2.0
 *
 * session: a model's state as a timeline of tokens. The caller says which tokens the past consists of; the session keeps
 * what it already has, rewinds what differs, and evaluates the rest. Nobody above this file sees a tensor.
 *
 * A position's keys, values and logits are the same bytes for every way of cutting the timeline into calls (batch split),
 * for every thread count, and whether state was computed or loaded.
 *
 * Not thread-safe per session. Memory is sized at open; evaluation allocates nothing.
 */
#ifndef TT_GENERATE_SESSION_H
#define TT_GENERATE_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct model;		/* generate/model.h: an opened pack */
struct pool;
struct session;

#define SESSION_BLOCK 32	/* tokens of a whole block of stored state */
#define SESSION_MAX_BATCH 8	/* positions whose logits one call can return (verification of drafts) */

/* An empty timeline with room for n_ctx tokens. Borrows the model and the pool (NULL: this thread alone). ERR_ARG for no room or too much of
 * it; ERR_MEM. */
int session_open(struct session **s, const struct model *m, struct pool *p, size_t n_ctx, struct err *e);
void session_close(struct session *s);

size_t session_len(const struct session *s);			/* tokens in the timeline */
const int32_t *session_tokens(const struct session *s);		/* borrowed; valid until the next call */
size_t session_ctx(const struct session *s);

/* Makes the timeline equal to tok[0..n): keeps the longest common prefix, rewinds, evaluates the rest. At least the last token is
 * evaluated, so that session_logits speaks of it. ERR_LIMIT if n > n_ctx, ERR_ARG for an id that is no token (the timeline is then unchanged). */
int session_sync(struct session *s, const int32_t *tok, size_t n, struct err *e);
/* Appends n tokens and keeps the logits of the last min(n, n_out) positions; n_out <= SESSION_MAX_BATCH. Errors as above. */
int session_eval(struct session *s, const int32_t *tok, size_t n, size_t n_out, struct err *e);
/* Logits [n_vocab] of the i-th kept position of the last evaluation (0 = first kept), computed when they are first asked for. Borrowed until
 * the next evaluation; the caller may write into them (sampling does). */
float *session_logits(struct session *s, size_t i);
/* The token with the largest of these logits, the first of equals; -1 if there is none. Cheaper than asking for all of them, which may still be
 * done afterwards; after they were written into, it would not see that. */
int32_t session_best(struct session *s, size_t i);
/* How many of tok[0..n) the past begins with. */
size_t session_shared(const struct session *s, const int32_t *tok, size_t n);
/* Forgets every token from position n on. O(1). */
void session_rewind(struct session *s, size_t n);

/* ---- stored state, as the prefix store keeps it on disk: a run of tokens is one piece of bytes ---- */
size_t session_state_len(const struct session *s, size_t n);	/* bytes of n tokens */
/* The state of tokens from `pos` on, which may be copied as far as session_len, and filled as far as session_ctx. */
uint8_t *session_state(struct session *s, size_t pos);
/* Appends tok[0..n), whose state has been put behind session_len by the caller. It must be what was evaluated by the same model for
 * the same tokens from 0 on: the prefix store's chain of hashes guarantees it. Errors as above. */
int session_state_take(struct session *s, const int32_t *tok, size_t n, struct err *e);

#endif
