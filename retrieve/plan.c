/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: see plan.h.
 */
#include "retrieve/plan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

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
	if (p->n_term == PLAN_MAX_TERMS)
		return;
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

static bool is_number(const char *s, size_t n)
{
	while (n && isdigit((unsigned char)s[n - 1]))
		n--;
	return n == 0;
}

static void add_name(struct plan *p, const char *s, size_t n, bool set_off, bool meant)
{
	char t[TERMS_MAX];
	size_t k = terms_fold(s, n, t);
	if (!k || k + 1 > TERMS_MAX || is_number(t, k))
		return;
	for (size_t i = 0; i < p->n_name; i++)
		if (p->name[i].n == k + 1 && memcmp(p->name[i].s + 1, t, k) == 0) {
			p->name[i].meant |= meant;
			return;
		}
	struct plan_name *it = &p->name[p->n_name++];
	it->s[0] = SEGMENT_NAME_MARK;
	memcpy(it->s + 1, t, k);
	it->n = k + 1;
	it->meant = meant;
	it->set_off = set_off;
	terms_scan(s, n, take_term, it);
}

/* A word of the question without what stands around it. */
struct word {
	const char *s;
	size_t n;
	bool colon;		/* stands behind it */
	bool opens, closes;	/* a name that is written as one begins or ends here: `git commit`, git-commit(1) */
};

/* Bytes of the character that begins s[0..n), or ends it, if that cannot stand there in a name; else 0. */
static size_t edge(const char *s, size_t n, bool at_end)
{
	char c = s[at_end ? n - 1 : 0];
	if (strchr(".,;:!?()[]{}<>\"'`", c))
		return 1;
	const char *mark = n < 3 ? NULL : at_end ? s + n - 3 : s;
	return mark && memcmp(mark, "\xE2\x80", 2) == 0 && (mark[2] & 0xF8) == 0x98 ? 3 : 0;	/* U+2018 to U+201F: quotation marks */
}

/* Bytes of "tar" in "tar(1" and in "tar's". */
static size_t n_base(const char *s, size_t n)
{
	const char *paren = memchr(s, '(', n);
	if (paren)
		return (size_t)(paren - s);
	if (n > 2 && memcmp(s + n - 2, "'s", 2) == 0)
		return n - 2;
	return n > 4 && memcmp(s + n - 4, "\xE2\x80\x99s", 4) == 0 ? n - 4 : n;
}

/* What is between spaces, s[0..n), as a word; false if nothing of it is. */
static bool take_word(struct word *w, const char *s, size_t n)
{
	size_t from = 0, to = n, k;
	while (from < to && s[from] != '.' && (k = edge(s + from, to - from, false)))
		from += k;
	bool colon = to > from && s[to - 1] == ':';
	while (from < to && (k = edge(s + from, to - from, true)))
		to -= k;
	to = from + n_base(s + from, to - from);
	bool paren = to < n && s[to] == '(';
	*w = (struct word){ .s = s + from, .n = to - from, .colon = colon, .opens = paren || (from && s[from - 1] == '`'),
		.closes = paren || (to < n && s[to] == '`') };
	return w->n > 0;
}

static size_t take_words(struct word *w, const char *s, size_t n)
{
	size_t n_w = 0;
	for (size_t at = 0; at < n && n_w < PLAN_MAX_WORDS; ) {
		while (at < n && (unsigned char)s[at] <= ' ')
			at++;
		size_t from = at;
		while (at < n && (unsigned char)s[at] > ' ')
			at++;
		n_w += take_word(&w[n_w], s + from, at - from);
	}
	return n_w;
}

static bool is_one_of(const char *const *list, const struct word *w)
{
	for (; *list; list++)
		if (strlen(*list) == w->n && strncasecmp(*list, w->s, w->n) == 0)
			return true;
	return false;
}

/* True if the words from w[i] to w[k] are a name by how they are written, or by what stands before or behind them. */
static bool is_meant(const struct word *w, size_t n_w, size_t i, size_t k)
{
	static const char *const before[] = { "with", "using", "use", "via", "in", "of", "is", "does", NULL };
	static const char *const behind[] = { "command", "program", "tool", "utility", NULL };
	return (w[i].opens && w[k].closes) || (i && is_one_of(before, &w[i - 1])) || (k + 1 < n_w && is_one_of(behind, &w[k + 1]));
}

/* Every run of one to three words joined by "-", as "git rebase --onto" names git-rebase(1). */
static void add_names(struct plan *p, const char *s, size_t n)
{
	struct word w[PLAN_MAX_WORDS];
	size_t n_w = take_words(w, s, n), colon = 0;
	while (colon < n_w && !w[colon].colon)
		colon++;
	for (size_t i = 0; i < n_w; i++) {
		char join[TERMS_MAX];
		size_t len = 0;
		for (size_t k = i; k < n_w && k < i + 3; k++) {
			if (len + w[k].n + 1 > sizeof join)
				break;
			if (k > i)
				join[len++] = '-';
			memcpy(join + len, w[k].s, w[k].n);
			len += w[k].n;
			add_name(p, join, len, i == 0 && colon < n_w && k <= colon && colon - k < 2, is_meant(w, n_w, i, k));
		}
	}
}

static void mark_informing(struct plan *p)
{
	bool any = false;
	for (size_t i = 0; i < p->n_term; i++)
		any |= p->term[i].informs = !p->term[i].stop && !p->term[i].literal;
	for (size_t i = 0; !any && i < p->n_term; i++)
		p->term[i].informs = true;
}

void plan_make(struct plan *p, const char *s, size_t n)
{
	*p = (struct plan){0};
	terms_scan(s, n, add_term, &(struct adding){ p, false });
	mark_informing(p);
	add_names(p, s, n);
}
