/* SPDX-License-Identifier: Apache-2.0
 *
 * split_plain: plain text. Paragraphs end at empty lines; a line underlined with punctuation, or between two such lines, is
 * a heading (the marks get their levels in the order in which they appear, as in reStructuredText); a form feed is a page
 * end. The first line, if it stands alone or is underlined, is the title; what only reStructuredText's tools read comes before it.
 */
#include <string.h>

#include "tokenize/split_types.h"

struct plain {
	struct split *s;
	struct doc_info *d;
	char held[2][LINE_HELD];	/* the first line of a block, until the second is seen; or that of marks alone, and the second */
	struct line at[2];
	size_t n_held;
	bool titled, formal;	/* the title is known; the block's first line is none */
	char mark[6];		/* underline characters, by level; with the high bit where there is a line above too */
	size_t n_mark;
};

static void held_give(struct plain *t)
{
	for (size_t i = 0; i < t->n_held; i++)
		split_line(t->s, &t->at[i]);
	t->n_held = 0;
}

static void hold(struct plain *t, const struct line *l)
{
	struct line *at = &t->at[t->n_held];
	*at = *l;
	at->p = memcpy(t->held[t->n_held++], l->p, l->n);
	at->lf = false;
}

/* The number of marks in a line of nothing else, 0 if it is none. "..." may be text. */
static size_t marks(const struct line *l)
{
	size_t n = l->n;
	while (n > 0 && l->p[n - 1] == ' ')
		n--;
	if (n < 3 || !strchr(n > 3 ? "=-~^\"'*+#`.:_" : "=-~^\"'*+#", l->p[0]))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (l->p[i] != l->p[0])
			return 0;
	return n;
}

/* The level of an underline below the lines that are held, 0 if it is none. */
static int underline(struct plain *t, const struct line *l)
{
	const struct line *head = &t->at[t->n_held - 1];
	bool above = t->n_held == 2;
	size_t n = marks(l), width = 0;
	for (size_t i = 0; i < head->n; i++)
		width += ((unsigned char)head->p[i] & 0xC0) != 0x80;
	if (n == 0 || n + 2 < width || (above && l->p[0] != t->held[0][0]))
		return 0;
	char mark = (char)(l->p[0] | (above ? 0x80 : 0));
	for (size_t i = 0; i < t->n_mark; i++)
		if (t->mark[i] == mark)
			return (int)i + 1;
	if (t->n_mark == sizeof t->mark)
		return (int)t->n_mark;
	t->mark[t->n_mark++] = mark;
	return (int)t->n_mark;
}

static void title(struct plain *t, const char *p, size_t n)
{
	if (!t->titled && n > 2)
		doc_set_title(t->d, t->s, p, n);
	t->titled = true;
}

/* A line that says nothing to a reader: of marks alone, ".. _label:", ":orphan:". */
static bool is_formal(const struct line *l)
{
	bool markup = l->n > 1 && l->p[0] == '.' && l->p[1] == '.' && (l->n == 2 || l->p[2] == ' ');
	return markup || marks(l) || (l->n > 1 && l->p[0] == ':' && memchr(l->p + 1, ':', l->n - 1));
}

static void para_end(struct plain *t)
{
	if (t->n_held == 1 && !t->formal)
		title(t, t->held[0], t->at[0].n);
	t->titled |= t->n_held == 2;
	held_give(t);
	split_block(t->s, BLOCK_PARA);
}

static void plain_line(struct plain *t, const struct line *l)
{
	struct line rest = *l;
	if (line_is_blank(l) && l->end > 0) {
		para_end(t);
		return;
	}
	if (l->first && l->p[0] == '\f') {	/* the first line of a page */
		para_end(t);
		rest.p++, rest.n--, rest.off++;
		l = &rest;
	}
	bool may_head = l->first && l->end > 0 && l->n < LINE_HELD;
	if (t->n_held > 0) {
		const struct line *head = &t->at[t->n_held - 1];
		int level = underline(t, l);
		if (level > 0) {
			struct place at = { t->at[0].off, l->off + l->n, t->at[0].line, l->line };
			title(t, head->p, head->n);
			t->n_held = 0;
			split_heading(t->s, level, head->p, head->n, at, UNIT_SECTION);
			return;
		}
		if (t->n_held == 1 && marks(head) && may_head) {
			hold(t, l);
			return;
		}
		held_give(t);
	}
	if (split_block_len(t->s) == 0 && may_head) {
		t->formal = is_formal(l);
		hold(t, l);
		return;
	}
	t->titled |= !t->formal;
	split_line(t->s, l);
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
	return lines_close(&l, e);
}
