/* SPDX-License-Identifier: Apache-2.0
 *
 * cites: an automaton over bytes. Every number in 1..n_source has only prefixes in 1..n_source, so "the number so far is a
 * supplied one" is all that has to hold; a leading zero never does.
 */
#include "generate/cites.h"

/* Adds x to a set kept in order; a full set, which no number that may come is missing from, stays as it is. */
static void note(unsigned *set, size_t *n, unsigned x)
{
	for (size_t i = 0; i < *n; i++)
		if (set[i] == x)
			return;
	if (*n < CITES_MAX)
		set[(*n)++] = x;
}

/* The number that has ended, and those it is the end of: [1-3] cites 2 too. */
static void note_number(struct cites *c)
{
	unsigned from = c->is_range && c->last && c->last < c->number ? c->last : c->number;
	for (unsigned x = from; x <= c->number; x++)
		note(c->open, &c->n_open, x);
	c->last = c->number;
	c->is_range = false;
}

/* One byte; false if it makes a number that was not supplied. */
static bool step(struct cites *c, char x)
{
	if (x == '[') {
		c->is_open = true;
		c->number = c->last = 0;
		c->n_open = 0;
		return true;
	}
	if (!c->is_open)
		return true;
	if (x >= '0' && x <= '9') {
		c->number = 10 * c->number + (unsigned)(x - '0');
		return c->number >= 1 && c->number <= c->n_source;
	}
	if (c->number)
		note_number(c);
	c->number = 0;
	c->is_range = x == '-' || (x == ' ' && c->is_range);
	if (x == ',' || x == ';' || x == '-' || x == ' ')
		return true;
	if (x == ']')
		for (size_t i = 0; i < c->n_open; i++)
			note(c->used, &c->n_used, c->open[i]);
	c->is_open = false;	/* closed, or [x: not a citation */
	return true;
}

bool cites_allow(const struct cites *c, const char *s, size_t n)
{
	struct cites t = *c;
	for (size_t i = 0; i < n; i++)
		if (!step(&t, s[i]))
			return false;
	return true;
}

void cites_push(struct cites *c, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		step(c, s[i]);
}
