/* SPDX-License-Identifier: Apache-2.0
 *
 * split_plain: plain text. Paragraphs end at empty lines; a line underlined with punctuation is a heading (the marks get
 * their levels in the order in which they appear, as in reStructuredText); a form feed is a page end. The first line, if
 * it stands alone or is underlined, is the title.
 */
#include <string.h>

#include "tokenize/split_types.h"

#define HELD 200u		/* a first line that long is no heading */

struct plain {
	struct split *s;
	struct doc_info *d;
	char held[HELD];	/* the first line of a block, until the second is seen */
	size_t held_len;
	struct line at;
	bool has_held, titled;
	char mark[6];		/* underline characters, by level */
	size_t n_mark;
};

static bool blank(const struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->p[i] != ' ' && l->p[i] != '\t' && l->p[i] != '\f')
			return false;
	return true;
}

static void give(struct plain *t, const struct line *l)
{
	bool lf = l->lf && l->n > 0;
	split_text(t->s, l->p, l->n + lf, l->off, l->line);
	if (!lf && l->end > 0)
		split_text(t->s, "\n", 1, l->off + l->n, l->line);
}

static void held_give(struct plain *t)
{
	if (!t->has_held)
		return;
	t->has_held = false;
	struct line l = t->at;
	l.p = t->held;
	l.n = t->held_len;
	l.lf = false;
	give(t, &l);
}

/* The level of an underline below a line of `width` bytes, 0 if it is none. */
static int underline(struct plain *t, const struct line *l, size_t width)
{
	size_t n = l->n;
	while (n > 0 && l->p[n - 1] == ' ')
		n--;
	if (n < 3 || n + 2 < width || !strchr("=-~^\"'*+#", l->p[0]))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (l->p[i] != l->p[0])
			return 0;
	for (size_t i = 0; i < t->n_mark; i++)
		if (t->mark[i] == l->p[0])
			return (int)i + 1;
	if (t->n_mark == sizeof t->mark)
		return (int)t->n_mark;
	t->mark[t->n_mark++] = l->p[0];
	return (int)t->n_mark;
}

static void title(struct plain *t, const char *p, size_t n)
{
	if (!t->titled && n > 2)
		doc_set_title(t->d, t->s, p, n);
	t->titled = true;
}

static void plain_line(struct plain *t, const struct line *l)
{
	if (blank(l) && l->end > 0) {
		if (t->has_held)
			title(t, t->held, t->held_len);
		held_give(t);
		split_block(t->s, BLOCK_PARA);
		return;
	}
	if (t->has_held) {
		int level = underline(t, l, t->held_len);
		if (level > 0) {
			title(t, t->held, t->held_len);
			struct place at = { t->at.off, l->off + l->n, t->at.line, l->line };
			t->has_held = false;
			split_heading(t->s, level, t->held, t->held_len, at, UNIT_SECTION);
			return;
		}
		held_give(t);
	}
	bool starts = split_block_len(t->s) == 0 && l->first;
	if (starts && l->end > 0 && l->n < HELD) {
		memcpy(t->held, l->p, l->n);
		t->held_len = l->n;
		t->at = *l;
		t->has_held = true;
		return;
	}
	t->titled = true;
	give(t, l);
}

int split_plain(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	struct plain t = { .s = s, .d = d };
	struct lines l;
	struct line line;
	d->type = "text";
	int rc = lines_open(&l, src, e);
	if (rc < 0)
		return rc;
	while (lines_next(&l, &line))
		plain_line(&t, &line);
	held_give(&t);
	if (l.err.code && e)
		*e = l.err;
	lines_close(&l);
	return l.err.code;
}
