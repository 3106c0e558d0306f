/* SPDX-License-Identifier: Apache-2.0
 *
 * man_tree: reads what `mandoc -T tree` prints, a line at a time, as it arrives.
 *
 *	title = "TAR"					the head, up to an empty line
 *	sec   = "1"
 *
 *	SH (block) *17:2				label (kind) [*]line:column[flags]
 *	  SH (head) 17:2 ID=HREF			+2 columns: a block's head and body
 *	      NAME (text) 17:5				+4: what stands in them
 *	 LL 0Lb[Alias] 1L{a long cell} (tbl) 57:1	a row: layout, then number, layout and text of each cell
 *
 * Depth is indentation. Text may itself begin with spaces, which look the same; the source tells how many there are.
 */
#include <stdlib.h>
#include <string.h>

#include "tokenize/man.h"

#define LINE_MAX_LEN (1u << 20)
#define DEPTH_MAX 512

struct man_tree {
	struct man *m;
	struct buf line;
	bool in_head, seen;		/* the head's lines; it was there */
	char title[64], sec[16];
	bool is_mdoc;
	unsigned col[DEPTH_MAX];	/* column of each open node */
	int depth;
	uint64_t in_line;		/* the line of text that an equation stands in, while its parts are read; or 0 */
	struct buf cells;
};

struct man_tree *man_tree_new(struct man *m)
{
	struct man_tree *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->m = m;
	t->in_head = true;
	return t;
}

void man_tree_free(struct man_tree *t)
{
	if (!t)
		return;
	buf_release(&t->line);
	buf_release(&t->cells);
	free(t);
}

/* title = "TAR" */
static void head_line(struct man_tree *t, const char *p, size_t n)
{
	const char *q = memchr(p, '"', n), *end = p + n;
	char *to = NULL;
	size_t cap = 0;
	if (n > 5 && memcmp(p, "title", 5) == 0)
		to = t->title, cap = sizeof t->title, t->seen = true;
	else if (n > 4 && memcmp(p, "sec ", 4) == 0)
		to = t->sec, cap = sizeof t->sec;
	else if (n > 4 && memcmp(p, "name", 4) == 0)
		t->is_mdoc = true;
	if (!to || !q || end[-1] != '"' || end - 1 <= q)
		return;
	size_t len = (size_t)(end - 1 - (q + 1));
	if (len >= cap)
		len = cap - 1;
	memcpy(to, q + 1, len);
	to[len] = 0;
}

/* "(kind) *12:3)." at the end of a line. */
struct tail { const char *kind; size_t kind_len; uint64_t line, col; unsigned flags; };

static bool parse_place(const char *p, size_t n, struct tail *t)
{
	static const struct { const char *name; unsigned flag; } word[] = {
		{ "NOFILL", MAN_NOFILL }, { "NOSRC", MAN_MADE }, { "NOPRT", MAN_HIDDEN },
	};
	size_t i = 0;
	t->flags = 0;
	t->line = t->col = 0;
	if (i < n && p[i] == '(')
		t->flags |= MAN_OPENS, i++;
	if (i < n && p[i] == '*')
		t->flags |= MAN_LINE, i++;
	size_t from = i;
	for (; i < n && p[i] >= '0' && p[i] <= '9' && t->line < UINT32_MAX; i++)
		t->line = t->line * 10 + (uint64_t)(p[i] - '0');
	if (i == from || i >= n || p[i++] != ':')
		return false;
	for (from = i; i < n && p[i] >= '0' && p[i] <= '9' && t->col < UINT32_MAX; i++)
		t->col = t->col * 10 + (uint64_t)(p[i] - '0');
	if (i == from)
		return false;
	if (i < n && p[i] == ')')
		t->flags |= MAN_CLOSES, i++;
	if (i < n && p[i] == '.')
		i++;
	while (i < n && p[i] == ' ') {
		size_t w = ++i;
		while (i < n && p[i] != ' ')
			i++;
		for (size_t k = 0; k < sizeof word / sizeof *word; k++)
			if (strlen(word[k].name) == i - w && memcmp(word[k].name, p + w, i - w) == 0)
				t->flags |= word[k].flag;
	}
	return i == n;
}

/* True if "(kind) " begins p[0..n). */
static bool parse_kind(const char *p, size_t n, struct tail *t)
{
	static const char *const kind[] = { "text", "elem", "block", "head", "body", "tail", "comment", "tbl",
					    "tbl options", "eqn" };
	for (size_t k = 0; n > 0 && p[0] == '(' && k < sizeof kind / sizeof *kind; k++) {
		t->kind = kind[k];
		t->kind_len = strlen(kind[k]);
		if (n >= t->kind_len + 3 && memcmp(p + 1, t->kind, t->kind_len) == 0 && memcmp(p + 1 + t->kind_len, ") ", 2) == 0)
			return true;
	}
	return false;
}

/* Finds the tail: the last "(kind) " followed by a place; or the kind behind the label of a node with arguments, whose place stands
 * behind these. Returns the length of what is before it, or SIZE_MAX. */
static size_t parse_tail(const char *p, size_t n, struct tail *t)
{
	for (size_t i = n; i-- > 0;)
		if (parse_kind(p + i, n - i, t) && parse_place(p + i + t->kind_len + 3, n - i - t->kind_len - 3, t))
			return i > 0 && p[i - 1] == ' ' ? i - 1 : i;
	size_t label = 0;
	while (label < n && p[label] == ' ')
		label++;
	while (label < n && p[label] != ' ')
		label++;
	if (label == n || !parse_kind(p + label + 1, n - label - 1, t))
		return SIZE_MAX;
	for (const char *sp = p + label + 1; (sp = memchr(sp, ' ', (size_t)(p + n - sp)));)
		if (++sp, parse_place(sp, (size_t)(p + n - sp), t))
			return label;
	return SIZE_MAX;
}

static void pop_to(struct man_tree *t, unsigned col)
{
	while (t->depth > 0 && t->col[t->depth - 1] >= col) {
		t->depth--;
		man_close(t->m);
	}
}

/* Spaces in the source where a text node stands: that many of the printed line's are its own. */
static unsigned own_spaces(const struct man_tree *t, const struct tail *tail)
{
	const char *p;
	size_t n, i = tail->col - 1;
	if (!man_line(t->m, tail->line, &p, &n) || i >= n)
		return 0;
	while (i < n && p[i] == ' ')
		i++;
	return (unsigned)(i - (tail->col - 1));
}

/* True if p[0..n) is what is printed between cells, " 1L", or the end. */
static bool is_between(const char *p, size_t n)
{
	size_t i = 1;
	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return n == 0 || (p[0] == ' ' && i > 1 && i < n && strchr("LCRNA-=S^", p[i]));
}

static void table_row(struct man_tree *t, const char *p, size_t n, uint64_t line)
{
	buf_reuse(&t->cells);
	for (size_t i = 0; i < n; i++) {
		bool cell = (p[i] == '[' || p[i] == '{') && i > 0;
		if (!cell)
			continue;
		char close = p[i] == '[' ? ']' : '}';
		size_t end = i + 1;
		while (end < n && !(p[end] == close && is_between(p + end + 1, n - end - 1)))
			end++;
		if (t->cells.len > 0)
			buf_puts(&t->cells, " | ");
		buf_add(&t->cells, p + i + 1, end - i - 1);
		i = end;
	}
	if (t->cells.len > 0)
		man_row(t->m, t->cells.data, t->cells.len, line);
}

/* True if `line` is .EQ, and not text with an equation in it. */
static bool is_eq(const struct man_tree *t, uint64_t line)
{
	const char *p;
	size_t n;
	return man_line(t->m, line, &p, &n) && n > 2 && (p[0] == '.' || p[0] == '\'') && memmem(p, n < 8 ? n : 8, "EQ", 2);
}

/* eqn-text text="x" font=4 */
static void equation_text(struct man_tree *t, const char *p, size_t n)
{
	static const char mark[] = " text=\"";
	const char *from = memmem(p, n, mark, sizeof mark - 1), *end = p + n;
	if (!from)
		return;
	from += sizeof mark - 1;
	const char *quote = memchr(from, '"', (size_t)(end - from));
	man_text(t->m, from, (size_t)((quote ? quote : end) - from), t->in_line, 0);
}

/* The text of p[0..label), the line's part before "(text)"; `col` spaces begin it. */
static void text_node(struct man_tree *t, const char *p, size_t label, unsigned col, const struct tail *tail)
{
	unsigned own = own_spaces(t, tail);
	if (label == 0 || (col == label && own == 0))	/* empty text: the space before "(text)" was the separator */
		col = (unsigned)label;
	col = own <= col ? col - own : 0;
	pop_to(t, col);
	/* Indentation that fits no open node belongs to the text. */
	unsigned base = t->depth ? t->col[t->depth - 1] + 4 : 0;
	if (t->depth && t->depth < DEPTH_MAX && col > base)
		col = base;
	man_text(t->m, p + col, label > col ? label - col : 0, tail->line, tail->flags);
}

/* Opens the node that p[col..label) names; a block's arguments stand between its kind and its place. */
static void open_node(struct man_tree *t, const char *p, size_t n, size_t label, unsigned col, const struct tail *tail)
{
	static const struct { const char *name; enum man_kind kind; } kind[] = {
		{ "block", MAN_BLOCK }, { "head", MAN_HEAD }, { "body", MAN_BODY }, { "tail", MAN_TAIL },
	};
	char name[16] = "", args[64] = "";
	size_t len = label - col < sizeof name ? label - col : sizeof name - 1, from = label + tail->kind_len + 4;
	memcpy(name, p + col, len);
	if (from < n && tail->kind[0] == 'b') {
		len = n - from < sizeof args ? n - from : sizeof args - 1;
		memcpy(args, p + from, len);
	}
	enum man_kind k = MAN_ELEM;
	for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
		if (strcmp(tail->kind, kind[i].name) == 0)
			k = kind[i].kind;
	if (t->depth == DEPTH_MAX)
		return;		/* its text is that of the node around it */
	man_open(t->m, k, name, args, tail->line, tail->flags);
	t->col[t->depth++] = col;
}

static void node_line(struct man_tree *t, const char *p, size_t n)
{
	struct tail tail;
	size_t label = parse_tail(p, n, &tail);
	unsigned col = 0;
	if (label == SIZE_MAX) {	/* a part of an equation: it has no place */
		if (t->in_line)
			equation_text(t, p, n);
		return;
	}
	t->in_line = 0;
	while (col < label && p[col] == ' ')
		col++;
	if (strcmp(tail.kind, "comment") == 0)
		return;
	if (strcmp(tail.kind, "text") == 0) {
		text_node(t, p, label, col, &tail);
		return;
	}
	pop_to(t, col);
	if (strcmp(tail.kind, "tbl") == 0)
		table_row(t, p + col, label - col, tail.line);
	else if (strcmp(tail.kind, "eqn") == 0 && is_eq(t, tail.line))
		man_raw(t->m, tail.line + 1, "EN");
	else if (strcmp(tail.kind, "eqn") == 0)
		t->in_line = tail.line;
	else if (strcmp(tail.kind, "tbl options") != 0)
		open_node(t, p, n, label, col, &tail);
}

static void one_line(struct man_tree *t, const char *p, size_t n)
{
	if (!t->in_head)
		node_line(t, p, n);
	else if (n > 0)
		head_line(t, p, n);
	else if (t->seen) {
		t->in_head = false;
		man_head(t->m, t->title, t->sec, t->is_mdoc);
	}
}

int man_tree_feed(struct man_tree *t, const char *p, size_t n, struct err *e)
{
	while (n > 0) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n;
		if (t->line.len + len > LINE_MAX_LEN)
			return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "mandoc printed a line of over %u bytes", LINE_MAX_LEN);
		if (nl && t->line.len == 0) {
			one_line(t, p, len);
		} else {
			if (buf_add(&t->line, p, len) < 0)
				return err_memory(e);
			if (nl) {
				one_line(t, t->line.data, t->line.len);
				buf_clear(&t->line);
			}
		}
		p += len + (nl != NULL);
		n -= len + (nl != NULL);
	}
	return 0;
}

int man_tree_end(struct man_tree *t, struct err *e)
{
	if (t->line.len > 0)
		one_line(t, t->line.data, t->line.len);
	pop_to(t, 0);
	if (t->cells.failed)
		return err_memory(e);
	if (!t->seen)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "mandoc printed no syntax tree");
	return 0;
}
