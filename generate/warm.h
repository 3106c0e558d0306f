/* SPDX-License-Identifier: Apache-2.0
 *
 * warm: filling the prefix store ahead. What a prompt holds up to the end of its best source depends on that source alone, so it can be
 * computed before anybody asks:
 *
 *	| instructions | worked example | best source |	question |
 *	`------------- stored -----------------------'
 *
 * A source is a `chunk` record, or the first hit of a query. What a run has stored does not give way to what comes later in it: when
 * nothing else is left to give way, it stops.
 */
#ifndef TT_GENERATE_WARM_H
#define TT_GENERATE_WARM_H

#include "generate/model.h"
#include "generate/reuse.h"
#include "generate/session.h"

struct warm {
	struct reuse *reuse;
	const struct model *m;
	struct session *s;
	const char *dir;		/* of the store */
	uint64_t max_bytes;		/* that it may reach */
	size_t n_max;			/* sources to warm at most; 0 = all */
	bool keep_full;			/* stop when the store is full instead of evicting */
	void (*progress)(const struct warm *w);	/* after each source; may be NULL */
	/* results */
	size_t n_warm, n_stored;	/* warmed now; were stored already */
	size_t n_bad;			/* records that could not be used */
	uint64_t bytes;			/* of the store, at the last look */
	bool is_full;			/* stopped for want of room or by n_max */
	struct warm_done { uint8_t id[HASH_ID_LEN]; bool is_there; } *done;	/* chunks warmed now, for warm_index */
	size_t n_done, cap_done;
};

/* Warms for the records on `fd`, in their order. */
int warm_records(struct warm *w, int fd, const char *name, struct err *e);
/* Warms for the chunks of an index: first those that the store knows to have been asked for, most used first, then the others as
 * they stand, until the store is full. What left the index meanwhile is removed again at the end. */
int warm_index(struct warm *w, const char *index, struct err *e);
void warm_release(struct warm *w);

#endif
