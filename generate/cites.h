/* SPDX-License-Identifier: Apache-2.0
 *
 * cites: the numbers in brackets. While an answer is generated, a token is allowed only if no number after `[` could become
 * anything but the number of a supplied source; afterwards the numbers used are read off.
 *
 *	text [1] text [2, 3] [1-3] text        within brackets: digits, and , ; - and spaces between numbers
 */
#ifndef TT_GENERATE_CITES_H
#define TT_GENERATE_CITES_H

#include <stdbool.h>
#include <stddef.h>

#define CITES_MAX 64	/* sources that a prompt may have */

struct cites {
	unsigned n_source;	/* numbers 1..n_source are allowed; at most CITES_MAX */
	unsigned number;	/* digits so far of the number being written */
	unsigned last;		/* the number before it since `[`; 0 = none */
	bool is_range;		/* `-` stands between the two */
	bool is_open;		/* after `[` and nothing but numbers and separators */
	unsigned open[CITES_MAX];	/* numbers since `[`; they count when `]` comes */
	size_t n_open;
	unsigned used[CITES_MAX];	/* numbers used, in order of first use */
	size_t n_used;
};

/* Whether the bytes s[0..n) may come next. */
bool cites_allow(const struct cites *c, const char *s, size_t n);
/* Moves past s[0..n) and notes the numbers that were completed. */
void cites_push(struct cites *c, const char *s, size_t n);

#endif
