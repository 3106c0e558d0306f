/* SPDX-License-Identifier: Apache-2.0
 *
 * user: user-defined tokens are found before anything else looks at the text. Where they overlap, the longest wins wherever
 * it stands, then the next shorter in what is left, each from the left. Taken literally that is a pass over the text for
 * each token; here the text is scanned once for places where one could start, and overlapping candidates are settled in
 * the region they cover:
 *
 *	text ...... [ candidates that touch each other ] ...... [ next region ] ...
 *	            for each length, longest first: mark the matches that touch no mark
 *
 * Two masks, by first and by second byte, say which lengths are possible at all, so ordinary text costs two loads a byte.
 */
#include "tokenize/user.h"

#include <stdlib.h>

#include "tokenize/vocab.h"

struct mark { uint32_t id, len; };	/* len 0 = unmarked */

/* The user-defined token that is s[0..n) exactly, or VOCAB_NONE. */
static uint32_t user_token(const struct tok *t, const char *s, size_t n)
{
	uint32_t v = vocab_word(t, s, n, WORD_CONT);
	if (!v || WORD_ID(v) >= t->h->n_vocab || t->type[WORD_ID(v)] != TYPE_USER)
		return VOCAB_NONE;
	return WORD_ID(v);
}

/* Lengths (bits, longest first = lowest) that may match at s[i]. */
static inline uint64_t lengths_at(const struct user_index *u, const char *s, size_t i, size_t n)
{
	uint64_t m = u->first[(unsigned char)s[i]];
	if (!m)
		return 0;
	return i + 1 < n ? m & u->second[(unsigned char)s[i + 1]] : m;
}

/* Longest token at i, 0 if none. */
static size_t longest_at(const struct tok *t, const char *s, size_t i, size_t n)
{
	for (uint64_t m = lengths_at(t->user, s, i, n); m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);
		if (k < t->user->n_len && t->user->len[k] <= n - i && user_token(t, s + i, t->user->len[k]) != VOCAB_NONE)
			return t->user->len[k];
	}
	return 0;
}

/* Marks the matches in s[from..to), where no match crosses the ends; mark[i] is for s[from + i]. */
static void settle(const struct tok *t, const char *s, size_t from, size_t to, struct mark *mark)
{
	size_t n = to - from;
	memset(mark, 0, n * sizeof *mark);
	for (uint32_t k = 0; k < t->user->n_len; k++) {
		size_t len = t->user->len[k], gap = 0;	/* unmarked bytes up to here */
		for (size_t i = 0; len <= n && i < n;) {
			if (mark[i].len) {
				i += mark[i].len;
				gap = 0;
				continue;
			}
			i++;
			if (++gap < len)
				continue;
			size_t at = i - len;
			if (!(lengths_at(t->user, s, from + at, to) >> k & 1))
				continue;
			uint32_t id = user_token(t, s + from + at, len);
			if (id == VOCAB_NONE)
				continue;
			mark[at] = (struct mark){ id, (uint32_t)len };
			gap = 0;
		}
	}
}

/* End of the region of touching candidates that starts at i. */
static size_t region_end(const struct tok *t, const char *s, size_t i, size_t n)
{
	size_t end = i + longest_at(t, s, i, n);
	for (size_t k = i + 1; k < end; k++) {
		size_t len = longest_at(t, s, k, n);
		if (k + len > end)
			end = k + len;
	}
	return end;
}

int user_split(const struct tok *t, const char *s, size_t n, int (*text)(void *, size_t from, size_t to),
               int (*token)(void *, uint32_t id, size_t from), void *arg)
{
	size_t done = 0, cap = 0;
	struct mark *mark = NULL;
	int r = 0;
	for (size_t i = 0; t->h->n_user && i < n && !r;) {
		if (!lengths_at(t->user, s, i, n) || !longest_at(t, s, i, n)) {
			i++;
			continue;
		}
		size_t end = region_end(t, s, i, n);
		if (end - i > cap) {
			struct mark *m = realloc(mark, (end - i) * sizeof *m);
			if (!m) {
				r = ERR_MEM;
				break;
			}
			mark = m;
			cap = end - i;
		}
		settle(t, s, i, end, mark);
		for (size_t k = i; k < end && !r;) {
			struct mark m = mark[k - i];
			if (!m.len) {
				k++;
				continue;
			}
			if (k > done)
				r = text(arg, done, k);
			if (!r)
				r = token(arg, m.id, k);
			k += m.len;
			done = k;
		}
		i = end;
	}
	if (!r && done < n)
		r = text(arg, done, n);
	free(mark);
	return r;
}
