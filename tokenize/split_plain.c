/* SPDX-License-Identifier: Apache-2.0
 *
 * split_plain: plain text. Paragraphs end at empty lines; a line underlined with punctuation, or between two such lines, is
 * a heading (the marks get their levels in the order in which they appear, as in reStructuredText); a form feed is a page
 * end; what is indented behind a paragraph that ends in "::" is literal. The first line, if it stands alone or is underlined, is the title;
 * what only reStructuredText's tools read comes before it, and its labels are left out.
 *
 * Org, AsciiDoc and LaTeX are read so too; split_outline says what their own marks are, and nothing else gives them a title.
 */
#include <string.h>

#include "tokenize/split_outline.h"

/* Literal text may begin behind an empty line, or at once; or is open. */
enum literal { LITERAL_NOT, LITERAL_BEHIND, LITERAL_NEXT, LITERAL_OPEN };

struct plain {
	struct split *s;
	struct doc_info *d;
	char held[2][LINE_HELD];	/* the first line of a block, until the second is seen; or that of marks alone, and the second */
	struct line at[2];
	size_t n_held;
	bool titled, formal;	/* the title is known; the block's first line is none */
	enum outline kind;
	bool named;		/* its own mark has given the title */
	char close[LINE_HELD];	/* what closes the block of code that is open */
	size_t n_close;
	bool table;		/* the open block is one of Org */
	enum literal literal;
	size_t indent;		/* literal text stands further in */
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
	if (n == 0 || n + 2 < width || (above && l->p[0] != t->held[0][0]) || t->kind == OUTLINE_ORG || t->kind == OUTLINE_TEX)
		return 0;
	if (t->kind == OUTLINE_ADOC) {	/* has lines of marks around blocks too, which have titles of their own */
		static const char by_level[] = "=-~^+";
		const char *at = above || n > width + 2 || strchr(".[", head->p[0]) ? NULL : strchr(by_level, l->p[0]);
		return at ? (int)(at - by_level) + 1 : 0;
	}
	char mark = (char)(l->p[0] | (above ? 0x80 : 0));
	for (size_t i = 0; i < t->n_mark; i++)
		if (t->mark[i] == mark)
			return (int)i + 1;
	if (t->n_mark == sizeof t->mark)
		return (int)t->n_mark;
	t->mark[t->n_mark++] = mark;
	return (int)t->n_mark;
}

static void name(struct plain *t, const char *p, size_t n)
{
	if (!t->named)
		doc_set_title(t->d, t->s, p, n);
	t->named = true;
}

static void title(struct plain *t, const char *p, size_t n)
{
	if (!t->titled && n > 2 && t->kind == OUTLINE_NONE)
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
	t->table = false;
}

/* A line with the marks of Org, AsciiDoc or LaTeX. True if it was dealt with. */
static bool outlined(struct plain *t, const struct line *l)
{
	struct outline_head h;
	enum block block;
	int level = t->n_close == 0 || t->kind == OUTLINE_ORG ? outline_head(t->kind, l, &h) : 0;
	if (level > 0) {
		struct place at = { l->off, l->off + l->n, l->line, l->line };
		size_t used = (size_t)(h.rest - l->p);
		struct line rest = *l;
		rest.p += used, rest.n -= used, rest.off += used;
		t->n_close = 0;
		para_end(t);
		if (t->kind == OUTLINE_ADOC && (level == 1 || l->line == 1))
			name(t, h.p, h.n);
		split_heading(t->s, level, h.p, h.n, at, UNIT_SECTION);
		if (!line_is_blank(&rest))
			split_line(t->s, &rest);
		return true;
	}
	if (t->n_close > 0) {
		split_line(t->s, l);
		if (outline_closes(t->kind, l, t->close, t->n_close)) {
			t->n_close = 0;
			split_block(t->s, BLOCK_PARA);
		}
		return true;
	}
	if (outline_title(t->kind, l, &h))
		name(t, h.p, h.n);
	if (t->n_held > 0 && underline(t, l) > 0)
		return false;
	t->n_close = outline_opens(t->kind, l, t->close, &block);
	bool row = t->kind == OUTLINE_ORG && l->n > 0 && l->p[strspn(l->p, " \t")] == '|';
	if (t->n_close > 0 || row != t->table) {
		para_end(t);
		split_block(t->s, t->n_close > 0 ? block : row ? BLOCK_TABLE : BLOCK_PARA);
		t->table = row;
	}
	if (t->n_close > 0)
		split_line(t->s, l);
	return t->n_close > 0;
}

static size_t indent_of(const struct line *l)
{
	size_t i = 0;
	while (i < l->n && (l->p[i] == ' ' || l->p[i] == '\t'))
		i++;
	return i;
}

/* What a line says of those that are indented behind it: "Run it::", ".. code-block:: sh"; nothing ".. note::". */
static enum literal announced(const struct line *l)
{
	static const char *const directive[] = { "code::", "code-block::", "parsed-literal::" };
	size_t n = l->n, i = indent_of(l);
	while (n > 0 && l->p[n - 1] == ' ')
		n--;
	if (n < 3 + i || memcmp(l->p + i, ".. ", 3) != 0)
		return n > 1 && l->p[n - 1] == ':' && l->p[n - 2] == ':' && !marks(l) ? LITERAL_BEHIND : LITERAL_NOT;
	for (size_t k = 0; k < sizeof directive / sizeof *directive; k++)
		if (memmem(l->p + i, n - i, directive[k], strlen(directive[k])))
			return LITERAL_NEXT;
	return LITERAL_NOT;
}

/* ".. _keel:" names the place for links, and says nothing to a reader. */
static bool is_label(const struct line *l)
{
	size_t n = l->n;
	while (n > 0 && l->p[n - 1] == ' ')
		n--;
	return l->first && n > 5 && memcmp(l->p, ".. _", 4) == 0 && l->p[n - 1] == ':';
}

/* A line of literal text, as reStructuredText has it. True if it was dealt with. */
static bool literal(struct plain *t, const struct line *l)
{
	bool blank = line_is_blank(l) && l->end > 0, within = !l->first || blank || indent_of(l) > t->indent;
	if (t->literal == LITERAL_NEXT && !blank && within) {
		para_end(t);
		split_block(t->s, BLOCK_CODE);
		t->literal = LITERAL_OPEN;
		t->indent = indent_of(l) - 1;
	}
	if (t->literal == LITERAL_OPEN && within) {
		split_line(t->s, l);
		return true;
	}
	if (t->literal == LITERAL_OPEN)
		split_block(t->s, BLOCK_PARA);
	if (blank) {
		t->literal = t->literal == LITERAL_BEHIND ? LITERAL_NEXT : t->literal;
	} else {
		t->literal = l->first ? announced(l) : LITERAL_NOT;
		t->indent = indent_of(l);
	}
	return false;
}

static void plain_line(struct plain *t, const struct line *l)
{
	struct line rest = *l;
	if (t->kind != OUTLINE_NONE && l->first && (l->end > 0 || l->n < LINE_HELD) && outlined(t, l))
		return;
	if (t->kind == OUTLINE_NONE && (literal(t, l) || is_label(l)))
		return;
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
			if (t->kind == OUTLINE_ADOC && level == 1)
				name(t, head->p, head->n);
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

static int read_lines(struct plain *t, struct src *src, struct err *e)
{
	struct lines l;
	struct line line;
	int rc = lines_open(&l, src, e);
	if (rc < 0)
		return rc;
	while (lines_next(&l, &line))
		plain_line(t, &line);
	held_give(t);
	return lines_close(&l, e);
}

int split_plain(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	struct plain t = { .s = s, .d = d };
	d->type = "text";
	return read_lines(&t, src, e);
}

int split_outline(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	static const char *const type[] = { "text", "org", "asciidoc", "latex" };
	struct plain t = { .s = s, .d = d, .kind = outline_of(d->file) };
	d->type = type[t.kind];
	return read_lines(&t, src, e);
}
