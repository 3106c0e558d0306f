/* SPDX-License-Identifier: Apache-2.0
 *
 * accept: which part of a draft stands. The rule is to draw from the model as if there were no draft, and to compare:
 *
 *	position	0	1	2	3
 *	draft		d0	d1	d2		what was guessed
 *	pick		p0	p1			drawn from the model's own distribution at the position, given what came before
 *			= d0	!= d1: p1 stands instead, d2 was evaluated behind a token that is not there
 *
 * So the text is a draw from the model whatever the draft says, as long as nothing but the logits, what came before and the
 * position's own random number decides a pick. A draft x here is a point (q(x) = 1, for copies and for a small model's likeliest
 * token alike); then this is the rule of Leviathan et al. 2023: x stands with chance min(1, p(x) / q(x)) = p(x), and else the pick
 * is distributed as p without x. Unlike an extra coin for the draft, it makes a drafted text the same as the undrafted one.
 */
#ifndef TT_GENERATE_ACCEPT_H
#define TT_GENERATE_ACCEPT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Draws at position i behind the draft's first i tokens: *id. Returns 0 to go on, 1 if the text ends with it, or an error. */
typedef int (*accept_pick)(void *arg, size_t i, int32_t *id, struct err *e);

/* Picks at positions 0, 1, ... for as long as the picks are draft[0..n): *n_right of them were, and *next is the pick beyond. Returns
 * what the last pick returned. */
int accept_draft(const int32_t *draft, size_t n, accept_pick pick, void *arg, int32_t *next, size_t *n_right, struct err *e);

#endif
