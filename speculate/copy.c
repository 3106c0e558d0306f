/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: earlier places that read like the end of the timeline vote for the next token.
 *
 *	timeline   ... the file is  removed ... the file was  removed by ... if the file is
 *	                           ^ alike: 3               ^ 1 and, but for one word, 2 more   ^ the end
 *
 * A place is wherever the last token stood before; a chain through the tokens of one kind leads to all of them, newest first. It is
 * `alike` by the tokens before it that equal those before the end, and by half of those that follow when one token was replaced, left
 * out or put in, since a text that is told in other words comes back to its source. Tokens are rated as by PPM (Cleary and Witten
 * 1984): the places most alike say how often each token followed them, and leave what they are not sure of to those next in rank:
 *
 *	p(t) = c1(t) / (n1 + u1)  +  u1 / (n1 + u1) * c2(t) / (n2 + u2)		u = (kinds of tokens seen) * UNSURE / alike
 *
 * so one place that is alike by m tokens is trusted by m / (m + 4). Replayed on recorded replies this beats the newest place of the
 * longest match, and a third rank adds nothing.
 */
#include "speculate/copy.h"

#include <stdlib.h>

#define MATCH 32		/* tokens compared at most */
#define PLACES 64		/* newest places looked at */
#define RETURN 3		/* tokens alike beyond a difference that are no accident */
#define UNSURE 4.0		/* tokens alike at which a single place is right every other time */

struct copy {
	int32_t *tok;
	uint32_t *before;	/* the place of the same token before, counted from 1; 0 = none */
	uint32_t *newest;	/* hash table: the newest place of a token, counted from 1; 0 = free */
	size_t len, cap;	/* tokens; `newest` holds 2 * cap, a power of two */
};

struct place {
	int32_t tok;		/* what followed */
	unsigned alike;		/* in halves of a token */
};

static uint32_t *newest_of(const struct copy *c, int32_t tok)
{
	size_t mask = c->cap * 2 - 1, i = (size_t)(((uint64_t)(uint32_t)tok * 0x9E3779B97F4A7C15u) >> 32) & mask;	/* Knuth */
	while (c->newest[i] && c->tok[c->newest[i] - 1] != tok)
		i = (i + 1) & mask;
	return &c->newest[i];
}

/* Doubles every table. On failure what was already moved stays valid and the old sizes still hold. */
static int grow(struct copy *c, struct err *e)
{
	size_t cap = c->cap ? c->cap * 2 : 1024;
	int32_t *tok = realloc(c->tok, cap * sizeof *tok);
	if (tok)
		c->tok = tok;
	uint32_t *before = tok ? realloc(c->before, cap * sizeof *before) : NULL;
	if (before)
		c->before = before;
	uint32_t *newest = before ? calloc(2 * cap, sizeof *newest) : NULL;
	if (!newest || cap > UINT32_MAX / 2) {
		free(newest);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for %zu tokens of copy drafting", cap);
	}
	free(c->newest);
	c->newest = newest;
	c->cap = cap;
	for (size_t i = 0; i < c->len; i++)
		*newest_of(c, c->tok[i]) = (uint32_t)i + 1;
	return 0;
}

int copy_open(struct copy **out, struct err *e)
{
	struct copy *c = calloc(1, sizeof *c);
	if (!c || grow(c, e)) {
		copy_close(c);
		return err_memory(e);
	}
	*out = c;
	return 0;
}

void copy_close(struct copy *c)
{
	if (!c)
		return;
	free(c->tok);
	free(c->before);
	free(c->newest);
	free(c);
}

int copy_push(struct copy *c, int32_t tok, struct err *e)
{
	if (c->len + COPY_MAX >= c->cap && grow(c, e))	/* a draft is written behind the timeline */
		return ERR_MEM;
	uint32_t *newest = newest_of(c, tok);
	c->before[c->len] = *newest;
	c->tok[c->len++] = tok;
	*newest = (uint32_t)c->len;
	return 0;
}

/* How many tokens before a and before b > a are the same, MATCH at most. */
static unsigned common(const int32_t *tok, size_t a, size_t b)
{
	unsigned n = 0;
	while (n < MATCH && n < a && tok[a - 1 - n] == tok[b - 1 - n])
		n++;
	return n;
}

static unsigned alike(const int32_t *tok, size_t at, size_t end)
{
	unsigned m = common(tok, at, end), beyond = 0;
	at -= m;
	end -= m;
	if (m < MATCH && at) {
		const unsigned replaced = common(tok, at - 1, end - 1), left_out = common(tok, at - 1, end), put_in = common(tok, at, end - 1);
		beyond = replaced > left_out ? replaced : left_out;
		beyond = beyond > put_in ? beyond : put_in;
	}
	return 2 * m + (beyond >= RETURN ? beyond : 0);
}

/* What the places of the first two ranks hold likeliest; the newest of equals. */
static int32_t vote(const struct place *p, size_t n, double *prob)
{
	struct { int32_t tok; unsigned first, both; } said[PLACES];
	unsigned high = 0, low = 0, n_first = 0, n_both = 0, k_first = 0;
	size_t k = 0, top = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i].alike > high) {
			low = high;
			high = p[i].alike;
		} else if (p[i].alike < high && p[i].alike > low) {
			low = p[i].alike;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i].alike < low)
			continue;
		size_t t = 0;
		while (t < k && said[t].tok != p[i].tok)
			t++;
		if (t == k) {
			said[k].tok = p[i].tok;
			said[k].first = said[k].both = 0;
			k++;
		}
		n_both++;
		said[t].both++;
		if (p[i].alike == high) {
			n_first++;
			k_first += !said[t].first++;
		}
	}
	double unsure = k_first * 2 * UNSURE / high, rest = unsure / (n_first + unsure);
	double all = low ? n_both + (double)k * 2 * UNSURE / low : 1;
	*prob = 0;
	for (size_t t = 0; t < k; t++) {
		double x = said[t].first / (n_first + unsure) + (low ? rest * said[t].both / all : 0);
		if (x > *prob) {
			*prob = x;
			top = t;
		}
	}
	return said[top].tok;
}

size_t copy_draft(struct copy *c, int32_t *tok, double *prob, size_t max)
{
	size_t n = 0;
	for (; n < max && n < COPY_MAX && c->len; n++) {
		size_t end = c->len + n, k = 0;
		struct place p[PLACES];
		for (uint32_t at = *newest_of(c, c->tok[end - 1]); at && k < PLACES; at = c->before[at - 1])
			if (at < end)		/* the end itself is no place */
				p[k++] = (struct place){ c->tok[at], alike(c->tok, at, end) };
		if (!k)
			break;
		tok[n] = c->tok[end] = vote(p, k, &prob[n]);
	}
	return n;
}
