/* SPDX-License-Identifier: Apache-2.0
 *
 * user: user-defined tokens are found before anything else looks at the text. Where they overlap, the longest wins wherever
 * it stands, then the next shorter in what is left, each from the left. Taken literally that is a pass over the text for
 * each token; here the text is scanned once for places where one starts, and overlapping candidates are settled in the
 * region they cover:
 *
 *	text ...... [ candidates that touch each other ] ...... [ next region ] ...
 *	            for each length, longest first: mark the matches that touch no mark
 *
 * A walk down the trie gives all matches at a place as a mask over lengths. Most regions are one token and are done when
 * their end is known. The cost is linear in the text times the longest token.
 */
#include "tokenize/user.h"

#include <stdlib.h>

#include "lib/base/grow.h"
#include "tokenize/vocab.h"

/* Matches at s[i]: a bit for each length, longest = lowest; id[k] is set for bit k if id is not NULL. */
static uint64_t matches_at(const struct tok *t, const char *s, size_t i, size_t n, uint32_t *id)
{
	const struct user_index *u = t->user;
	uint64_t mask = 0;
	size_t from = i;
	uint32_t at = u->first[(unsigned char)s[i]], prev = 0;
	while (at > prev && at < u->n_node) {
		const struct user_node *v = &u->node[at];
		if (v->id < t->h->n_vocab && v->i_len < u->n_len && u->len[v->i_len] == i - from + 1) {
			mask |= 1ull << v->i_len;
			if (id)
				id[v->i_len] = v->id;
		}
		if (++i == n)
			break;
		prev = at;
		at = v->child;
		for (uint32_t last = prev; at > last && at < u->n_node && u->node[at].byte != (unsigned char)s[i];) {
			last = at;
			at = u->node[at].sibling;
			if (at <= last)
				at = 0;
		}
	}
	return mask;
}

static size_t longest_of(const struct tok *t, uint64_t mask)
{
	return mask ? t->user->len[__builtin_ctzll(mask)] : 0;
}

struct job {
	const struct tok *t;
	const char *s;
	size_t n;
	size_t done;			/* text before this is handed over */
	uint64_t *mask;			/* [cap]: matches at each byte of a region; then its marks: 1 << index of the length */
	size_t cap;
	int (*text)(void *, size_t from, size_t to);
	int (*token)(void *, uint32_t id, size_t from);
	void *arg;
};

/* Hands over the text before `at` and the token of length len[k] there. */
static int hand_over(struct job *j, size_t at, unsigned k)
{
	uint32_t id[64] = {0};
	int r = at > j->done ? j->text(j->arg, j->done, at) : 0;
	if (r)
		return r;
	matches_at(j->t, j->s, at, j->n, id);
	j->done = at + j->t->user->len[k];
	return j->token(j->arg, id[k], at);
}

/* Decides the region of n bytes whose matches are in j->mask, in place: a byte where a token was marked keeps one bit and the
 * bytes behind it none. */
static void settle(struct job *j, size_t n)
{
	const uint64_t marked = 1ull << 63;
	uint64_t *m = j->mask;
	for (uint32_t k = 0; k < j->t->user->n_len; k++) {
		size_t len = j->t->user->len[k], free_len = 0;	/* unmarked bytes before i */
		for (size_t i = 0; i < n;) {
			if (m[i] & marked) {
				i += j->t->user->len[__builtin_ctzll(m[i])];
				free_len = 0;
				continue;
			}
			i++;
			if (++free_len < len || !(m[i - len] >> k & 1))
				continue;
			m[i - len] = marked | 1ull << k;
			free_len = 0;
		}
	}
	for (size_t i = 0; i < n; i++)
		m[i] = m[i] & marked ? m[i] & ~marked : 0;
}

/* The region that starts at i with `mask`: finds its end, settles it, hands its tokens over. */
static int region(struct job *j, size_t i, uint64_t mask, size_t *end)
{
	size_t first_len = longest_of(j->t, mask), n = first_len;
	int r = 0;
	for (size_t k = 0; k < n; k++) {
		uint64_t *m = grow(j->mask, k, &j->cap, sizeof *m);
		if (!m)
			return ERR_MEM;
		j->mask = m;
		j->mask[k] = k ? matches_at(j->t, j->s, i + k, j->n, NULL) : mask;
		size_t len = longest_of(j->t, j->mask[k]);
		if (k + len > n)
			n = k + len;
	}
	*end = i + n;
	if (n == first_len)
		return hand_over(j, i, (unsigned)__builtin_ctzll(mask));
	settle(j, n);
	for (size_t k = 0; k < n && !r; k++)
		if (j->mask[k])
			r = hand_over(j, i + k, (unsigned)__builtin_ctzll(j->mask[k]));
	return r;
}

int user_split(const struct tok *t, const char *s, size_t n, int (*text)(void *, size_t from, size_t to),
               int (*token)(void *, uint32_t id, size_t from), void *arg)
{
	struct job j = { .t = t, .s = s, .n = n, .text = text, .token = token, .arg = arg };
	int r = 0;
	for (size_t i = 0; t->h->n_user && i < n && !r;) {
		uint64_t mask = t->user->first[(unsigned char)s[i]] ? matches_at(t, s, i, n, NULL) : 0;
		if (mask)
			r = region(&j, i, mask, &i);
		else
			i++;
	}
	if (!r && j.done < n)
		r = text(arg, j.done, n);
	free(j.mask);
	return r;
}
