/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: see plan.h.
 */
#include "retrieve/plan.h"

#include <string.h>

#include "index/segment.h"

#define STOP_WEIGHT 0.3f	/* measured: 0 and 1 are both worse on man pages and on abstracts */

struct adding {
	struct plan *p;
	bool ruled_out;		/* a negation was the last word but function words */
};

static bool is_negation(const char *t, size_t n)
{
	static const char *const word[] = { "without", "not", "don't", "instead", "except" };
	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (strlen(word[i]) == n && memcmp(word[i], t, n) == 0)
			return true;
	return false;
}

static void add_term(void *arg, const char *t, size_t n, enum terms_kind kind)
{
	struct adding *a = arg;
	struct plan *p = a->p;
	bool stop = kind == TERMS_WORD && terms_is_stop(t, n), ruled_out = a->ruled_out && !stop;
	a->ruled_out = is_negation(t, n) || (a->ruled_out && stop);
	for (size_t i = 0; i < p->n_term; i++) {
		struct plan_term *it = &p->term[i];
		if (it->n == n && memcmp(it->s, t, n) == 0) {
			it->weight += stop ? 0 : 1;
			it->ruled_out &= ruled_out;
			return;
		}
	}
	if (p->n_term == PLAN_MAX_TERMS) {
		p->cut = true;
		return;
	}
	struct plan_term *it = &p->term[p->n_term++];
	memcpy(it->s, t, n);
	it->n = n;
	it->stop = stop;
	it->ruled_out = ruled_out;
	it->literal = kind == TERMS_LITERAL;
	it->weight = stop ? STOP_WEIGHT : 1;
}

/* A compound comes last of its terms. */
static void take_term(void *arg, const char *t, size_t n, enum terms_kind kind)
{
	struct plan_name *it = arg;
	(void)kind;
	memcpy(it->term, t, n);
	it->n_term = n;
}

static void add_name(struct plan *p, const char *s, size_t n, bool set_off)
{
	char t[TERMS_MAX];
	size_t k = n && n < TERMS_MAX ? terms_fold(s, n, t) : 0;
	if (!k || k + 1 > TERMS_MAX)
		return;
	for (size_t i = 0; i < p->n_name; i++)
		if (p->name[i].n == k + 1 && memcmp(p->name[i].s + 1, t, k) == 0)
			return;
	if (p->n_name == PLAN_MAX_NAMES)
		return;
	struct plan_name *it = &p->name[p->n_name++];
	it->s[0] = SEGMENT_NAME_MARK;
	memcpy(it->s + 1, t, k);
	it->n = k + 1;
	it->set_off = set_off;
	terms_scan(s, n, take_term, it);
}

/* Characters that cannot stand in a name, or only within one. */
static bool is_edge(char c)
{
	return c == '\0' || strchr(".,;:!?()[]{}<>\"'`", c) != NULL;
}

/* Every run of one to three words joined by "-", as "git rebase --onto" names git-rebase(1). */
static void add_names(struct plan *p, const char *s, size_t n)
{
	struct { size_t from, to; } w[PLAN_MAX_NAMES];
	size_t n_w = 0, colon = 0;
	for (size_t at = 0; at < n && n_w < PLAN_MAX_NAMES; ) {
		while (at < n && (unsigned char)s[at] <= ' ')
			at++;
		size_t from = at;
		while (at < n && (unsigned char)s[at] > ' ')
			at++;
		size_t to = at;
		while (from < to && is_edge(s[from]) && s[from] != '.')
			from++;
		bool has_colon = to > from && s[to - 1] == ':';
		while (to > from && is_edge(s[to - 1]))
			to--;
		if (to == from)
			continue;
		w[n_w].from = from;
		w[n_w++].to = to;
		if (has_colon && !colon)
			colon = n_w;
	}
	for (size_t i = 0; i < n_w; i++) {
		char join[TERMS_MAX];
		size_t len = 0;
		for (size_t k = i; k < n_w && k < i + 3; k++) {
			size_t m = w[k].to - w[k].from;
			if (len + m + 1 > sizeof join)
				break;
			if (k > i)
				join[len++] = '-';
			memcpy(join + len, s + w[k].from, m);
			len += m;
			add_name(p, join, len, i == 0 && k < colon && colon - k <= 2);
		}
	}
}

void plan_make(struct plan *p, const char *s, size_t n)
{
	*p = (struct plan){0};
	terms_scan(s, n, add_term, &(struct adding){ p, false });
	add_names(p, s, n);
}
