/* SPDX-License-Identifier: Apache-2.0
 *
 * child: runs a converter with limits and reads what it prints. The child gets a descriptor as stdin, a pipe as stdout,
 * /dev/null as stderr, a short environment of our making, and bounds on processor time, memory, file sizes and elapsed
 * time; it cannot outlive the call, nor this process.
 */
#ifndef TT_TOKENIZE_CHILD_H
#define TT_TOKENIZE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct child {
	const char *const *argv;	/* NULL-terminated; argv[0] is looked for on the PATH */
	int in;				/* becomes stdin; -1 = /dev/null */
	unsigned timeout_ms;		/* time that is waited for it; processor time is bounded by the same */
	uint64_t mem_max;		/* address space, bytes */
	uint64_t out_max;		/* bytes it may print */
	bool apart;			/* no relative path leads it anywhere */
};
/* Called with each piece of output; a negative return kills the child and is returned. */
typedef int (*child_fn)(void *arg, const char *p, size_t n, struct err *e);

/* 0 if it ended by itself (*status = its exit status, 128 + n after signal n). ERR_NOENT: not found; ERR_LIMIT: killed for
 * time or output; ERR_IO. Safe to call from several threads at once. */
int child_run(const struct child *c, child_fn fn, void *arg, int *status, struct err *e);
/* An anonymous file holding p[0..n), positioned at its start: its descriptor, the caller's to close; or ERR_IO. */
int child_feed(const void *p, size_t n, struct err *e);

#endif
