/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: an online suffix automaton over token ids (Blumer et al. 1985; the construction of Crochemore & Vérin 1997).
 *
 * Every state stands for a set of substrings that end at the same places; `link` leads to the longest suffix that ends
 * at more places. So link(last) is exactly what is wanted: the longest suffix of the timeline seen before.
 *
 *	timeline   t0 t1 t2 ... tn-1			state 0 = the empty string
 *	state      { len, link, end, edges }		end = a position at which the state's strings ended before
 *	edge       { state, tok -> to }			in one open-addressing table; a list per state for cloning
 *
 * `end` is the state's first end position when it is made, and moves to the newest whenever the state is link(last): the
 * most recent repetition predicts better than the first one (measured on dialogue; on sources they agree). We deviate from
 * the textbook only in that, and in keeping edges in a hash table because the alphabet is a whole vocabulary.
 */
#include "speculate/copy.h"

#include <stdlib.h>
#include <string.h>

struct state {
	uint32_t len;		/* longest string of the state */
	uint32_t link;		/* state of its longest suffix with other end positions; NONE for the root */
	uint32_t end;		/* index of the token after an earlier occurrence */
	uint32_t edge;		/* first edge of the list, or NONE */
};
struct edge {
	uint32_t from, to, next;
	int32_t tok;
};

#define NONE UINT32_MAX

struct copy {
	int32_t *tok;
	struct state *state;
	struct edge *edge;
	uint32_t *slot;			/* hash table of edge numbers + 1, 0 = empty */
	size_t len, cap;		/* tokens; states hold 2 * cap, edges 3 * cap, slots 8 * cap (a power of two) */
	uint32_t n_state, n_edge, last;
};

static size_t slot_of(const struct copy *c, uint32_t from, int32_t tok)
{
	uint64_t h = ((uint64_t)from << 32 | (uint32_t)tok) * 0x9E3779B97F4A7C15u;	/* 2^64 / golden ratio (Knuth) */
	size_t mask = c->cap * 8 - 1, i = (size_t)(h >> 32) & mask;
	while (c->slot[i]) {
		const struct edge *x = &c->edge[c->slot[i] - 1];
		if (x->from == from && x->tok == tok)
			break;
		i = (i + 1) & mask;
	}
	return i;
}

static void edge_add(struct copy *c, uint32_t from, int32_t tok, uint32_t to)
{
	size_t i = slot_of(c, from, tok);
	c->edge[c->n_edge] = (struct edge){ .from = from, .to = to, .next = c->state[from].edge, .tok = tok };
	c->state[from].edge = c->n_edge++;
	c->slot[i] = c->n_edge;
}

static uint32_t *edge_find(struct copy *c, uint32_t from, int32_t tok)
{
	size_t i = slot_of(c, from, tok);
	return c->slot[i] ? &c->edge[c->slot[i] - 1].to : NULL;
}

/* Doubles every table. On failure what was already moved stays valid and the old sizes still hold. */
static int grow(struct copy *c, struct err *e)
{
	size_t cap = c->cap ? c->cap * 2 : 1024;
	int32_t *tok = realloc(c->tok, cap * sizeof *tok);
	if (tok)
		c->tok = tok;
	struct state *state = tok ? realloc(c->state, 2 * cap * sizeof *state) : NULL;
	if (state)
		c->state = state;
	struct edge *edge = state ? realloc(c->edge, 3 * cap * sizeof *edge) : NULL;
	if (edge)
		c->edge = edge;
	uint32_t *slot = edge ? calloc(8 * cap, sizeof *slot) : NULL;
	if (!slot || cap > UINT32_MAX / 8) {
		free(slot);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for %zu tokens of copy drafting", cap);
	}
	free(c->slot);
	c->slot = slot;
	c->cap = cap;
	for (uint32_t i = 0; i < c->n_edge; i++)
		c->slot[slot_of(c, c->edge[i].from, c->edge[i].tok)] = i + 1;
	return 0;
}

int copy_open(struct copy **out, struct err *e)
{
	struct copy *c = calloc(1, sizeof *c);
	if (!c || grow(c, e)) {
		copy_close(c);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for copy drafting");
	}
	c->state[0] = (struct state){ .link = NONE, .edge = NONE };
	c->n_state = 1;
	*out = c;
	return 0;
}

void copy_close(struct copy *c)
{
	if (!c)
		return;
	free(c->tok);
	free(c->state);
	free(c->edge);
	free(c->slot);
	free(c);
}

size_t copy_len(const struct copy *c)
{
	return c->len;
}

/* A copy of state q shortened to `len`: it takes over q's edges and link, and q then links to it. */
static uint32_t clone(struct copy *c, uint32_t q, uint32_t len)
{
	uint32_t r = c->n_state++;
	c->state[r] = (struct state){ .len = len, .link = c->state[q].link, .end = c->state[q].end, .edge = NONE };
	for (uint32_t i = c->state[q].edge; i != NONE; i = c->edge[i].next)
		edge_add(c, r, c->edge[i].tok, c->edge[i].to);
	c->state[q].link = r;
	return r;
}

int copy_push(struct copy *c, int32_t tok, struct err *e)
{
	if (c->len == c->cap && grow(c, e))
		return ERR_MEM;
	/* The suffix that repeats now ends here too: remember this end as the newest. */
	uint32_t again = c->state[c->last].link;
	if (again != NONE && again != 0)
		c->state[again].end = (uint32_t)c->len;

	uint32_t cur = c->n_state++, p = c->last;
	c->tok[c->len++] = tok;
	c->state[cur] = (struct state){ .len = (uint32_t)c->len, .end = (uint32_t)c->len, .edge = NONE };
	while (p != NONE && !edge_find(c, p, tok)) {
		edge_add(c, p, tok, cur);
		p = c->state[p].link;
	}
	if (p != NONE) {
		uint32_t q = *edge_find(c, p, tok);
		if (c->state[q].len != c->state[p].len + 1) {
			uint32_t r = clone(c, q, c->state[p].len + 1);
			for (uint32_t *to; p != NONE && (to = edge_find(c, p, tok)) && *to == q; p = c->state[p].link)
				*to = r;
			q = r;
		}
		c->state[cur].link = q;
	}
	c->last = cur;
	return 0;
}

size_t copy_draft(const struct copy *c, int32_t *out, size_t max, size_t *match)
{
	uint32_t s = c->state[c->last].link;
	*match = 0;
	if (s == NONE || s == 0)
		return 0;
	*match = c->state[s].len;
	size_t from = c->state[s].end;		/* < len: the state ended there before the newest token came */
	for (size_t i = 0; i < max; i++)
		out[i] = from + i < c->len ? c->tok[from + i] : out[from + i - c->len];
	return max;
}
