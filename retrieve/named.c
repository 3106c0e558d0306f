/* SPDX-License-Identifier: Apache-2.0
 *
 * named: see named.h.
 */
#include "retrieve/named.h"

#include <ctype.h>
#include <string.h>

#define SHORTEST 3	/* letters of a long name: -name of find(1) has four, -xvf of tar(1) is three short ones and matches nothing */

struct look {
	const char *s;		/* the term looked for */
	size_t n;
	bool found;
};

static void look_at(void *arg, const char *t, size_t n, enum terms_kind kind)
{
	struct look *l = arg;
	l->found |= kind == TERMS_WORD && n == l->n && memcmp(t, l->s, n) == 0;
}

struct name {
	const struct plan *p;
	struct str page;
	bool says_no;		/* --no-clobber is what "not clobbering" asks for */
	bool some, missing;
};

static bool is_asked(const struct name *m, const char *t, size_t n)
{
	const struct plan *p = m->p;
	for (size_t i = 0; i < p->n_term; i++)
		if (p->term[i].n == n && !p->term[i].literal && memcmp(p->term[i].s, t, n) == 0)
			return m->says_no || !p->term[i].ruled_out;
	return false;
}

static void add_word(void *arg, const char *t, size_t n, enum terms_kind kind)
{
	struct name *m = arg;
	if (kind != TERMS_WORD || m->missing || terms_is_stop(t, n))
		return;
	struct look in_page = { t, n, false };
	if (is_asked(m, t, n))
		terms_scan(m->page.s, m->page.n, look_at, &in_page);
	else
		m->missing = true;
	m->missing |= in_page.found;
	m->some = true;
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

bool named_by(const struct plan *p, struct str option, struct str page)
{
	for (size_t at = 0; at < option.n; ) {
		size_t from = at;
		while (at < option.n && in_name(option.s[at]))
			at++;
		size_t dash = from;
		while (dash < at && dash < from + 2 && option.s[dash] == '-')
			dash++;
		struct name m = { .p = p, .page = page, .says_no = at - dash > 3 && memcmp(option.s + dash, "no-", 3) == 0 };
		if (dash > from && at - dash >= SHORTEST && isalpha((unsigned char)option.s[dash]))
			terms_scan(option.s + dash, at - dash, add_word, &m);
		if (m.some && !m.missing)
			return true;
		at += at == from;
	}
	return false;
}
