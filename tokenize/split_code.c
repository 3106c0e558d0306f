/* SPDX-License-Identifier: Apache-2.0
 *
 * split_code: source code and configuration. A block ends where an empty line is followed by a line without indentation
 * (a function, a class, a section of a configuration file); the comment at the top of the file gives the title. The first line of
 * a CSV or TSV names its columns.
 */
#include <string.h>
#include <strings.h>

#include "lib/base/utf8.h"
#include "tokenize/split_types.h"

/* The comment at the top of a file, while a title is looked for in it. */
struct top {
	const char *close;	/* what closes the block that is open */
	bool closed;		/* the last line closed one */
	bool legal;		/* in a licence, which goes on to the end of its block or to an empty line */
	bool over;		/* the title was found, or something that is no comment */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Steps behind what opens a comment at *p; false if nothing does. `#include`, `#id` and `%define` are no comments. */
static bool opens(struct top *t, const char **p, const char *end)
{
	static const struct { const char *open, *close; } mark[] = {
		{ "/*", "*/" }, { "<!--", "-->" }, { "\"\"\"", "\"\"\"" }, { "'''", "'''" },
		{ "//", NULL }, { "--", NULL }, { ";", NULL }, { "#", NULL }, { "%", NULL },
	};
	for (size_t i = 0; i < sizeof mark / sizeof *mark; i++) {
		size_t k = strlen(mark[i].open);
		if ((size_t)(end - *p) < k || memcmp(*p, mark[i].open, k) != 0)
			continue;
		char c = **p;
		*p += k;
		t->close = mark[i].close;
		while (*p < end && !t->close && **p == c)
			++*p;
		return (c != '#' && c != '%') || *p == end || is_blank(**p);
	}
	return false;
}

/* The words of a line of comment; *n is 0 if there are none. */
static const char *comment(struct top *t, const struct line *l, size_t *n)
{
	const char *p = l->p, *end = l->p + l->n;
	*n = 0;
	t->closed = false;
	while (p < end && is_blank(*p))
		p++;
	const char *from = p;
	if (!t->close && !opens(t, &p, end)) {	/* #!/bin/sh, <?xml ...?> and <!DOCTYPE ...> may stand before it */
		t->over = end - from < 2 || (memcmp(from, "#!", 2) != 0 && memcmp(from, "<?", 2) != 0 && memcmp(from, "<!", 2) != 0);
		return from;
	}
	const char *close = t->close ? memmem(p, (size_t)(end - p), t->close, strlen(t->close)) : NULL;
	if (close) {
		end = close;
		t->close = NULL;
		t->closed = true;
	}
	while (p < end && strchr(" \t/*#;-!%", *p))
		p++;
	while (end > p && strchr(" \t*/-", end[-1]))
		end--;
	*n = (size_t)(end - p);
	return p;
}

static bool holds(const char *p, size_t n, const char *const *word, size_t n_word)
{
	for (size_t i = 0; i < n_word; i++)
		if (memmem(p, n, word[i], strlen(word[i])))
			return true;
	return false;
}

/* Lines of the comment that say nothing about the file: marks for tools, and all of a licence. */
static bool formal(struct top *t, const char *p, size_t n)
{
	static const char *const tool[] = { "SPDX", "-*-", "vim:", "coding:", "coding=", "go:build", "+build" };
	static const char *const legal[] = { "Copyright", "copyright", "(c)", "License" };
	if (n < 4 || holds(p, n, tool, sizeof tool / sizeof *tool))
		return true;
	t->legal |= holds(p, n, legal, sizeof legal / sizeof *legal);
	return t->legal;
}

/* The length of the file's own name at p[0..n), with or without its ending, and of the mark behind it ("lamp.c - ", "lamp: "); of all
 * there is if that is its name alone; else 0. */
static size_t own_name(const struct doc_info *d, const char *p, size_t n)
{
	const char *dot = strrchr(d->file, '.');
	size_t full = strlen(d->file), stem = dot ? (size_t)(dot - d->file) : full;
	size_t i = n >= full && memcmp(p, d->file, full) == 0 ? full : n > stem && memcmp(p, d->file, stem) == 0 ? stem : 0;
	if (i == n || i == 0)
		return i;
	while (i < n && is_blank(p[i]))
		i++;
	size_t mark = i;
	while (i < n && (p[i] == '-' || p[i] == ':'))
		i++;
	if (i == mark || i == n || !is_blank(p[i]))
		return 0;
	while (i < n && is_blank(p[i]))
		i++;
	return i;
}

static void title(struct doc_info *d, struct split *s, const char *p, size_t n)
{
	char t[400];
	size_t k = utf8_floor(d->file, strlen(d->file), 128), len = utf8_floor(p, cut_sentence(p, n), sizeof t - k - 4);
	memcpy(t, d->file, k);
	memcpy(t + k, " - ", 3);
	memcpy(t + k + 3, p, len);
	doc_set_title(d, s, t, k + 3 + len);
}

/* Looks for the title in one more line. */
static void look(struct top *t, const struct line *l, struct doc_info *d, struct split *s)
{
	if (line_is_blank(l)) {
		t->legal &= t->close != NULL;
		return;
	}
	size_t n;
	const char *p = comment(t, l, &n);
	size_t own = n > 0 ? own_name(d, p, n) : 0;
	t->legal &= own == 0;	/* a licence is over where the file names itself */
	if (n > own && !formal(t, p + own, n - own)) {
		title(d, s, p + own, n - own);
		t->over = true;
	}
	t->legal &= !t->closed;
}

/* True if the first line of a file of rows names its columns: no cell of it begins as a number does. */
static bool is_head(const struct line *l)
{
	bool begins = true;
	for (size_t i = 0; i < l->n; i++) {
		if (begins && strchr("0123456789+-.#", l->p[i]))
			return false;
		begins = strchr(",;\t", l->p[i]) || (begins && (l->p[i] == '"' || l->p[i] == ' '));
	}
	return l->n > 0;
}

static bool has_rows(const char *file)
{
	const char *dot = strrchr(file, '.');
	return dot && (strcasecmp(dot, ".csv") == 0 || strcasecmp(dot, ".tsv") == 0);
}

int split_code(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	struct lines l;
	struct line line;
	bool gap = false;
	struct top top = {0};
	d->type = "code";
	int rc = lines_open(&l, src, e);
	if (rc < 0)
		return rc;
	split_block(s, BLOCK_CODE);
	while (lines_next(&l, &line)) {
		bool empty = line_is_blank(&line) && line.end > 0;
		if (!top.over)
			look(&top, &line, d, s);
		if (gap && !empty && line.first && line.p[0] != ' ' && line.p[0] != '\t' && line.p[0] != '}')
			split_block(s, BLOCK_CODE);
		gap = empty || (gap && !line.first);
		split_line(s, &line);
		if (line.line == 1 && line.first && line.end > 0 && has_rows(d->file) && is_head(&line))
			split_table_head(s);
	}
	return lines_close(&l, e);
}
