/* SPDX-License-Identifier: Apache-2.0
 *
 * split_markdown: Markdown as CommonMark and GitHub write it: # and underlined headings, fenced and indented code, tables,
 * list items, and front matter in YAML or TOML, of which `title` is used. The text stays as it is written, marks included: people
 * search for `--flag` in backticks too, and spans stay exact. Within a fence, a comment or <pre> nothing is a heading.
 */
#include <string.h>
#include <strings.h>

#include "lib/base/utf8.h"
#include "tokenize/split_types.h"

struct md {
	struct split *s;
	const struct lines *l;		/* what is still to come */
	struct doc_info *d;
	char fence;			/* ` or ~ while in fenced code */
	size_t fence_len, fence_at;	/* ...its length, and the column where it began */
	bool fence_item;		/* ...within a list item */
	const char *raw_end;		/* what closes the comment or the element of HTML that is open and read as it stands */
	char front;			/* - or + in front matter */
	bool front_text;		/* the lines that follow are the title */
	bool front_ok;			/* ...which may begin (first line) */
	bool titled, item, blank;	/* within a list item; the line before was empty */
	enum block kind;
	bool bare;			/* the table has no bars at the beginning of its rows */
	char h1[LINE_HELD];		/* what stands in <h1>, or in a title of several lines, so far */
	size_t n_h1;
	bool in_h1, in_tag;
	char held[LINE_HELD];		/* one-line paragraph that an underline may turn into a heading */
	struct line at;
	bool has_held;
};

static void held_give(struct md *m)
{
	if (!m->has_held)
		return;
	m->has_held = false;
	struct line l = m->at;
	l.p = m->held;
	l.lf = false;
	split_line(m->s, &l);
}

static void block(struct md *m, enum block kind)
{
	held_give(m);
	split_block(m->s, kind);
	m->kind = kind;
	m->item = kind == BLOCK_ITEM;
}

#define WORDS_MAX 1024u		/* a heading longer than that keeps its links */

/* The length of what (...) holds at p[0..n), brackets included; 0 if there is none. */
static size_t target_of(const char *p, size_t n)
{
	int depth = 0;
	for (size_t i = 0; i < n && (i > 0 || p[0] == '('); i++) {
		depth += (p[i] == '(') - (p[i] == ')');
		if (depth == 0)
			return i + 1;
	}
	return 0;
}

/* Puts the words of a heading into t[WORDS_MAX], its links without what they lead to: "[2.1](https://...) of May" is "2.1 of May". */
static size_t words_of(const char *p, size_t n, char *t)
{
	size_t k = 0, open[8], n_open = 0;	/* where brackets began in t */
	bool code = false;
	for (size_t i = 0; i < n; i++) {
		code ^= p[i] == '`';
		size_t len = p[i] == ']' && !code && n_open > 0 ? target_of(p + i + 1, n - i - 1) : 0;
		if (len > 0) {
			size_t from = open[--n_open], mark = from > 0 && t[from - 1] == '!';	/* a picture */
			memmove(t + from - mark, t + from + 1, k - from - 1);
			k -= 1 + mark;
			i += len;
			continue;
		}
		if (p[i] == '[' && !code && n_open < sizeof open / sizeof *open)
			open[n_open++] = k;
		else if (p[i] == ']' && !code && n_open > 0)
			n_open--;
		t[k++] = p[i];
	}
	return k;
}

static void heading(struct md *m, int level, const char *p, size_t n, struct place at)
{
	char words[WORDS_MAX];
	while (n > 0 && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	size_t n_words = n <= WORDS_MAX ? words_of(p, n, words) : n;
	const char *w = n <= WORDS_MAX ? words : p;
	if (!m->titled && level == 1 && n_words > 0)
		doc_set_title(m->d, m->s, w, n_words);
	m->titled = true;
	split_heading(m->s, level, w, n_words, at, UNIT_SECTION);
	if (n_words < n) {	/* what the links lead to is text */
		split_made(m->s, p, n, at);
		split_block(m->s, BLOCK_PARA);
	}
	m->kind = BLOCK_PARA;
	m->item = false;
}

/* A run of at least three ` or ~: the length of the fence, else 0. ```code``` in one line is none. */
static size_t fence_of(const char *p, size_t n)
{
	size_t k = 0;
	while (k < n && p[k] == p[0])
		k++;
	if (k < 3 || (p[0] == '`' && memchr(p + k, '`', n - k)))
		return 0;
	return p[0] == '`' || p[0] == '~' ? k : 0;
}

/* Nothing but white space. */
static bool empty(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n == 0;
}

/* The length of what stands before a closing sequence of #, which white space parts from it: "C#" keeps its own. */
static size_t before_close(const char *p, size_t n)
{
	size_t k = n;
	while (k > 0 && (p[k - 1] == ' ' || p[k - 1] == '\t'))
		k--;
	while (k > 0 && p[k - 1] == '#')
		k--;
	return k == 0 || p[k - 1] == ' ' || p[k - 1] == '\t' ? k : n;
}

static int atx(const char *p, size_t n)
{
	size_t k = 0;
	while (k < n && p[k] == '#')
		k++;
	return k >= 1 && k <= 6 && (k == n || p[k] == ' ' || p[k] == '\t') ? (int)k : 0;
}

static int setext(const char *p, size_t n)
{
	while (n > 0 && p[n - 1] == ' ')
		n--;
	for (size_t i = 1; i < n; i++)
		if (p[i] != p[0])
			return 0;
	return n == 0 ? 0 : p[0] == '=' ? 1 : p[0] == '-' && n > 1 ? 2 : 0;
}

/* The length of a list item's mark and the white space behind it, else 0. */
static size_t list_mark(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && p[i] >= '0' && p[i] <= '9' && i < 9)
		i++;
	if (i + 1 >= n || !strchr(i > 0 ? ".)" : "-*+", p[i]) || (p[i + 1] != ' ' && p[i + 1] != '\t'))
		return 0;
	for (i++; i < n && (p[i] == ' ' || p[i] == '\t');)
		i++;
	return i;
}

/* Where `tag` stands in p[0..n), in whatever case; NULL if it does not. */
static const char *find_tag(const char *p, size_t n, const char *tag)
{
	size_t k = strlen(tag);
	for (; n >= k; p++, n--)
		if (strncasecmp(p, tag, k) == 0)
			return p;
	return NULL;
}

/* The title in <h1>, of one line or several, as the first pages of projects have it that are centred. */
static void html_title(struct md *m, const char *p, size_t n)
{
	char words[WORDS_MAX];
	m->in_h1 |= n > 3 && strncasecmp(p, "<h1", 3) == 0 && (p[3] == '>' || p[3] == ' ');
	for (const char *end = p + n; m->in_h1 && p < end; p++) {
		if (end - p >= 5 && strncasecmp(p, "</h1>", 5) == 0) {
			m->in_h1 = false;
			m->titled = m->n_h1 > 0;
			if (m->titled)
				doc_set_title(m->d, m->s, words, words_of(m->h1, utf8_whole(m->h1, m->n_h1), words));
			return;
		}
		m->in_tag = *p == '<' || (m->in_tag && *p != '>');
		bool word = !m->in_tag && *p != '>' && m->n_h1 < sizeof m->h1;
		if (word && (*p != ' ' || m->n_h1 > 0))
			m->h1[m->n_h1++] = *p;
	}
	if (m->n_h1 > 0 && m->n_h1 < sizeof m->h1)
		m->h1[m->n_h1++] = ' ';
}

/* The title, if a line of front matter gives it: `title: Lamp`, or `title = "Lamp"` in TOML. */
static void front_title(struct md *m, const struct line *l)
{
	const char *p = l->p + 5, *end = l->p + l->n;
	if (l->n <= 7 || memcmp(l->p, "title", 5) != 0)
		return;
	while (p < end && *p == ' ')
		p++;
	if (p == end || *p++ != (m->front == '+' ? '=' : ':'))
		return;
	while (p < end && *p == ' ')
		p++;
	while (end > p && end[-1] == ' ')
		end--;
	if (end - p > 1 && (*p == '"' || *p == '\'') && end[-1] == *p)
		p++, end--;
	m->front_text = end > p && (*p == '>' || *p == '|');	/* these say that it follows */
	if (end > p && !m->front_text)
		doc_set_title(m->d, m->s, p, (size_t)(end - p)), m->titled = true;
}

/* A line that is indented, of a title that began on the line above. */
static void front_title_more(struct md *m, const struct line *l)
{
	size_t room = sizeof m->h1 - m->n_h1, n = l->n < room ? l->n : room;
	if (line_is_blank(l))
		return;
	memcpy(m->h1 + m->n_h1, l->p, n);
	m->n_h1 += n;
	doc_set_title(m->d, m->s, m->h1, utf8_whole(m->h1, m->n_h1));
	m->titled = true;
}

/* True for a line of three `c`, which opens front matter as well as it closes it. */
static bool is_front_rule(const struct line *l, char c)
{
	return l->n >= 3 && l->p[0] == c && l->p[1] == c && l->p[2] == c && empty(l->p + 3, l->n - 3);
}

/* True if a line that closes the front matter that `c` opened is among those that are held: 64 KiB at least, or all. */
static bool front_ends(const struct lines *l, char c)
{
	for (const char *p = l->buf + l->from, *end = l->buf + l->to; p < end; p++) {
		struct line line = { .p = p };
		while (p < end && *p != '\n' && *p != '\r')
			p++;
		line.n = (size_t)(p - line.p);
		if (is_front_rule(&line, c) || (c == '-' && is_front_rule(&line, '.')))
			return true;
	}
	return false;
}

static void front_matter(struct md *m, const struct line *l)
{
	bool rule = l->n == 0 && split_block_len(m->s) == 0;	/* the first line was a rule across the page */
	if (rule || is_front_rule(l, m->front) || (m->front == '-' && is_front_rule(l, '.'))) {
		m->front = 0;
		split_block(m->s, BLOCK_PARA);
		return;
	}
	m->front_text &= l->n > 0 && (l->p[0] == ' ' || l->p[0] == '\t');
	if (m->front_text)
		front_title_more(m, l);
	else
		front_title(m, l);
	split_line(m->s, l);
}

/* What closes the comment or element that p[0..n) opens and doesn't close, in which no line is Markdown; else NULL. */
static const char *raw_of(const char *p, size_t n)
{
	static const struct { const char *open, *close; } raw[] = {
		{ "<!--", "-->" }, { "<pre", "</pre>" }, { "<script", "</script>" }, { "<style", "</style>" }, { "<textarea", "</textarea>" },
	};
	for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
		size_t k = strlen(raw[i].open);
		bool opens = n >= k && strncasecmp(p, raw[i].open, k) == 0 && (i == 0 || n == k || strchr(" \t>", p[k]));
		if (opens)
			return find_tag(p, n, raw[i].close) ? NULL : raw[i].close;
	}
	return NULL;
}

/* A line of what raw_of found. */
static void raw_line(struct md *m, const struct line *l)
{
	split_line(m->s, l);
	if (find_tag(l->p, l->n, m->raw_end))
		m->raw_end = NULL;
}

/* Front matter, fences and raw HTML, in which nothing else is seen. True if the line was dealt with. */
static bool verbatim(struct md *m, const struct line *l, const char *p, size_t n, size_t indent)
{
	bool rule = m->front_ok && l->n == 3 && (is_front_rule(l, '-') || is_front_rule(l, '+'));
	m->front_ok = false;
	if (rule && front_ends(m->l, l->p[0])) {
		m->front = l->p[0];
		split_block(m->s, BLOCK_CODE);
	}
	if (rule)
		return true;
	if (m->front) {
		front_matter(m, l);
		return true;
	}
	if (m->raw_end) {
		raw_line(m, l);
		return true;
	}
	size_t mark = m->fence ? 0 : list_mark(p, n);	/* a fence may stand right behind one */
	p += mark;
	n -= mark;
	size_t fence = n > 0 ? fence_of(p, n) : 0;
	if (m->fence) {
		split_line(m->s, l);
		if (fence >= m->fence_len && p[0] == m->fence && indent < m->fence_at + 4 && empty(p + fence, n - fence)) {
			m->fence = 0;
			block(m, BLOCK_PARA);
			m->item = m->fence_item;
		}
		return true;
	}
	if (fence > 0 && (indent < 4 || m->item)) {
		m->fence = p[0];
		m->fence_len = fence;
		m->fence_at = indent + mark;
		m->fence_item = mark > 0 || (m->item && indent > 0);
		block(m, BLOCK_CODE);
		split_line(m->s, l);
		return true;
	}
	if (mark == 0 && (indent < 4 || m->item) && (m->raw_end = raw_of(p, n))) {
		held_give(m);
		if (!m->item)
			block(m, BLOCK_CODE);
		split_line(m->s, l);
	}
	return m->raw_end != NULL;
}

/* Headings of both kinds. True if the line was one, or underlined one. */
static bool heading_line(struct md *m, const struct line *l, const char *p, size_t n, size_t indent)
{
	struct place at = { l->off, l->off + l->n, l->line, l->line };
	int level = indent < 4 ? atx(p, n) : 0;
	if (level > 0) {
		held_give(m);
		heading(m, level, p + level, before_close(p + level, n - (size_t)level), at);
		return true;
	}
	level = m->has_held ? setext(p, n) : 0;
	if (level == 0)
		return false;
	m->has_held = false;
	at.b0 = m->at.off;
	at.l0 = m->at.line;
	heading(m, level, m->held, m->at.n, at);
	return true;
}

/* The line below the head of a table. */
static bool is_table_rule(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && strchr("|:- \t", p[i]))
		i++;
	return i == n && memchr(p, '-', n) && memchr(p, '|', n);
}

/* A line that is no heading and no fence: begins the block it belongs to, if that isn't open. */
static void text_line(struct md *m, const struct line *l, const char *p, size_t n, size_t indent, bool was_blank)
{
	bool rule = is_table_rule(p, n);
	if (rule && m->has_held && memchr(m->held, '|', m->at.n)) {	/* what is held is the head of a table without bars around it */
		split_block(m->s, BLOCK_TABLE);
		m->kind = BLOCK_TABLE;
		m->bare = true;
	}
	held_give(m);
	if (list_mark(p, n) && (indent < 4 || m->item)) {
		if (indent < 2 || !m->item)
			block(m, BLOCK_ITEM);
		split_line(m->s, l);
		return;
	}
	bool row = p[0] == '|' || (m->kind == BLOCK_TABLE && m->bare && memchr(p, '|', n));
	if (rule && row && m->kind == BLOCK_TABLE)
		split_table_head(m->s);
	m->bare &= m->kind == BLOCK_TABLE;
	if (row && m->kind != BLOCK_TABLE)
		block(m, BLOCK_TABLE);
	else if (!row && m->kind == BLOCK_TABLE)
		block(m, BLOCK_PARA);
	else if (indent >= 4 && was_blank && !m->item && m->kind == BLOCK_PARA)
		block(m, BLOCK_CODE);
	else if (indent < 4 && m->kind == BLOCK_CODE)
		block(m, BLOCK_PARA);
	else if (indent == 0 && was_blank && m->item)
		block(m, BLOCK_PARA);
	/* No line below underlines what stands in a quotation. */
	if (split_block_len(m->s) == 0 && m->kind == BLOCK_PARA && p[0] != '>' && l->n < LINE_HELD && l->end > 0) {
		memcpy(m->held, l->p, l->n);
		m->at = *l;
		m->has_held = true;
		return;
	}
	split_line(m->s, l);
}

static void md_line(struct md *m, const struct line *l)
{
	size_t indent = 0, white = 0;	/* columns, of which a tab fills four, and bytes */
	for (; white < l->n && (l->p[white] == ' ' || l->p[white] == '\t'); white++)
		indent = l->p[white] == '\t' ? (indent | 3) + 1 : indent + 1;
	const char *p = l->p + white;
	size_t n = l->n - white;
	bool was_blank = m->blank;
	m->blank = false;
	if (!l->first && m->raw_end) {
		raw_line(m, l);
	} else if (!l->first) {
		held_give(m);
		split_line(m->s, l);
	} else if (verbatim(m, l, p, n, indent)) {
		return;
	} else if (line_is_blank(l)) {
		m->blank = true;
		held_give(m);
		if (m->kind != BLOCK_CODE && !m->item)
			block(m, BLOCK_PARA);
		else if (split_block_len(m->s) > 0)
			split_line(m->s, l);
	} else if (!heading_line(m, l, p, n, indent)) {
		if (!m->titled)
			html_title(m, p, n);
		text_line(m, l, p, n, indent, was_blank);
	}
}

int split_markdown(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	struct lines l;
	struct md m = { .s = s, .l = &l, .d = d, .front_ok = true };
	struct line line;
	d->type = "markdown";
	int rc = lines_open(&l, src, e);
	if (rc < 0)
		return rc;
	while (lines_next(&l, &line))
		md_line(&m, &line);
	held_give(&m);
	return lines_close(&l, e);
}
