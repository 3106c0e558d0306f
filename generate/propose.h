/* SPDX-License-Identifier: Apache-2.0
 *
 * propose: drafts inside the generation loop: which drafter runs, what it is told, and when it is not asked.
 *
 * `--draft auto` starts tt-speculate, which copies, with a small model where one is known and present; `none` turns drafts off; anything
 * else is the command of a drafter. A drafter that fails is dropped with one warning.
 */
#ifndef TT_GENERATE_PROPOSE_H
#define TT_GENERATE_PROPOSE_H

#include <stddef.h>

#include "generate/cost.h"
#include "generate/drafter.h"
#include "generate/run.h"

struct proposer {
	const struct model *m;
	struct drafter *d;		/* NULL: no drafts (any more) */
	struct drafter_guard guard;
	struct cost cost;
	int n_thread;
	void (*warn)(const char *msg);	/* told once why a drafter was dropped */
	size_t told;			/* tokens of the timeline that the drafter knows; 0 = a new timeline */
	size_t n_right;			/* of its last draft */
	bool owed;			/* the draft that answers the context has not been fetched */
	bool asked, opening;		/* in the step under way: a draft; the first, for which a prompt was read */
	double draft_ms;		/* that it took for the step under way */
};

/* The small model that drafts for `m`, or NULL: the name of one of its vocabulary, if it is there (`models`: model_find). Its compact
 * pack is made at first use, as `how` says; NULL with *e set if that fails, or if what has the name has another vocabulary. */
const char *propose_small(const struct model *m, const char *models, const struct pack_maker *how, struct err *e);
/* The command that `auto` means, appended to `cmd`: copies, and guesses of `small` if it is not NULL. The drafter lies beside the running
 * program, whose bare name is `own` (io_beside). */
int propose_auto(struct buf *cmd, const char *own, const char *small, int n_thread, struct err *e);
/* Starts a drafter. The cost table is loaded, or measured on `s` if there is none yet. */
int propose_open(struct proposer *p, const struct model *m, struct session *s, int n_thread, const char *cmd, struct err *e);
/* Once nothing waits any more: measures the cost table again if it has not settled yet. `s` loses its timeline. */
void propose_measure(struct proposer *p, struct session *s);
void propose_close(struct proposer *p);

/* Hangs the proposer, which is borrowed, into a loop. When a reply starts, the drafter is told the prompt, and reads it meanwhile. */
void propose_hooks(struct proposer *p, struct run_hooks *h);

#endif
