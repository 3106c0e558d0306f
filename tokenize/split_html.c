/* SPDX-License-Identifier: Apache-2.0
 *
 * split_html: a tolerant tag stripper, not a parser: tags open and close blocks, whatever stands between is text.
 *
 *	bytes --> text run | <tag ...> | &entity; | <!-- --> | <script>..</script>
 *
 * h1-h6 are headings, dl/dt/dd entries, the items of ol are counted, pre is code, tr is a row of a table, title is the title.
 * What nav and select hold leads elsewhere, or is picked from, and is no text.
 * White space collapses outside pre. The file is held in memory (at most HTML_MAX). Places are the bytes of each run of text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenize/html_entity.h"
#include "tokenize/split_types.h"

#define HTML_MAX (32u << 20)
#define LIST_MAX 16u		/* lists within each other of which the items are counted */

enum tag_class { T_INLINE, T_BLOCK, T_HEADING, T_PRE, T_ROW, T_CELL, T_TABLE, T_ITEM, T_BR, T_DROP, T_SKIP, T_APART, T_TITLE, T_DL, T_DT, T_DD,
	T_LIST };

struct tag { const char *name; enum tag_class cls; };

struct list { int next, step; };	/* the next item's number, and how far it is from one to the next: 0 where none are shown */

static const struct tag tag[] = {	/* sorted; what is not here is inline */
	{ "address", T_BLOCK }, { "article", T_BLOCK }, { "aside", T_BLOCK }, { "blockquote", T_BLOCK }, { "body", T_BLOCK },
	{ "br", T_BR }, { "button", T_APART }, { "caption", T_BLOCK }, { "center", T_BLOCK }, { "dd", T_DD },
	{ "details", T_BLOCK }, { "div", T_BLOCK },
	{ "dl", T_DL }, { "dt", T_DT }, { "fieldset", T_BLOCK }, { "figcaption", T_BLOCK }, { "figure", T_BLOCK },
	{ "footer", T_BLOCK }, { "form", T_BLOCK }, { "h1", T_HEADING }, { "h2", T_HEADING }, { "h3", T_HEADING },
	{ "h4", T_HEADING }, { "h5", T_HEADING }, { "h6", T_HEADING }, { "head", T_BLOCK }, { "header", T_BLOCK },
	{ "hr", T_BLOCK }, { "html", T_BLOCK }, { "li", T_ITEM }, { "main", T_BLOCK }, { "nav", T_SKIP }, { "ol", T_LIST },
	{ "option", T_BLOCK }, { "p", T_BLOCK }, { "pre", T_PRE }, { "script", T_DROP }, { "section", T_BLOCK }, { "select", T_SKIP },
	{ "style", T_DROP }, { "summary", T_BLOCK }, { "svg", T_DROP }, { "table", T_TABLE }, { "tbody", T_BLOCK },
	{ "td", T_CELL }, { "template", T_DROP }, { "textarea", T_BLOCK }, { "tfoot", T_BLOCK }, { "th", T_CELL },
	{ "thead", T_BLOCK }, { "title", T_TITLE }, { "tr", T_ROW }, { "ul", T_LIST },
};

struct html {
	struct split *s;
	struct doc_info *d;
	const char *p;
	size_t n, at;
	uint64_t line;		/* of `line_at` */
	size_t line_at;
	struct buf head;	/* a heading or the title being read */
	struct place head_at;
	bool collecting, space, titled;
	bool new_line;		/* within pre a block began or ended: what follows is on a line of its own */
	bool bullet;		/* a list item has begun and has no text yet */
	struct list item;	/* as its list was when it began */
	struct list list[LIST_MAX];	/* those that are open */
	size_t n_list;
	const char *attr;	/* of the tag that was seen last, up to `at` */
	int level, pre, table;
	bool th, td;		/* which cells the row has so far */
	bool in_title;
	bool unclosed;		/* an element to be skipped was never closed: no other is skipped */
	bool no_gt;		/* there is no '>' from `at` on */
	bool no_quote;		/* a tag's quotes went on to the end: they are no longer believed */
};

static int by_name(const void *key, const void *elem)
{
	return strcmp(key, ((const struct tag *)elem)->name);
}

/* A CR that is no part of CRLF ends a line by itself. */
static bool ends_at_cr(const struct html *h, size_t at)
{
	return h->p[at] == '\r' && !(at + 1 < h->n && h->p[at + 1] == '\n');
}

/* The line of byte `at`; asked in rising order. */
static uint64_t line_of(struct html *h, size_t at)
{
	for (; h->line_at < at; h->line_at++)
		h->line += h->p[h->line_at] == '\n' || ends_at_cr(h, h->line_at);
	return h->line;
}

static void give(struct html *h, const char *p, size_t n, size_t b0, size_t b1)
{
	struct place at = { b0, b1, 0, 0 };
	at.l0 = line_of(h, b0);
	at.l1 = line_of(h, b1 > b0 ? b1 - 1 : b1);	/* a line end belongs to its line */
	if (h->collecting) {
		buf_add(&h->head, p, n);
		if (h->head_at.l0 == 0)
			h->head_at = at;
		h->head_at.b1 = at.b1;
		h->head_at.l1 = at.l1;
	} else {
		if (h->bullet) {
			char mark[16] = "- ";
			if (h->item.step)
				snprintf(mark, sizeof mark, "%d. ", h->item.next);
			split_made(h->s, mark, strlen(mark), (struct place){ b0, b0, at.l0, at.l0 });
		}
		h->bullet = false;
		split_made(h->s, p, n, at);
	}
}

static void space(struct html *h, size_t at)
{
	char last = h->collecting ? (h->head.len ? h->head.data[h->head.len - 1] : ' ') : split_block_last(h->s);
	if (h->new_line && last && last != '\n' && h->p[at] != '\n')
		give(h, "\n", 1, at, at);
	else if (h->space && last && last != ' ' && last != '\n')
		give(h, " ", 1, at, at);
	h->space = h->new_line = false;
}

/* In a heading, and in the head of an entry, which go on, white space is what is left of it. */
static void block(struct html *h, enum block kind)
{
	if (!h->collecting)
		split_block(h->s, kind);
	h->space = h->collecting || split_block_len(h->s) > 0;
	h->bullet = h->new_line = false;
}

static void collect_start(struct html *h)
{
	buf_reuse(&h->head);
	h->head_at = (struct place){0};
	h->collecting = true;
	h->space = false;
}

static void collect_end(struct html *h)
{
	if (!h->collecting)
		return;
	h->collecting = false;
	const char *p = h->head.data ? h->head.data : "";
	if (h->in_title && strcmp(p, "-") == 0)		/* what pandoc calls a document without a title */
		buf_reuse(&h->head);
	if ((h->in_title || (h->level == 1 && !h->titled)) && h->head.len > 0) {
		doc_set_title(h->d, h->s, p, h->head.len);
		h->titled = true;
	}
	if (!h->in_title && h->head.len > 0)
		split_heading(h->s, h->level, p, h->head.len, h->head_at, UNIT_SECTION);
	h->in_title = false;
}

/* Skips to behind </name>; everything up to there is dropped. */
static void drop(struct html *h, const char *name)
{
	size_t k = strlen(name);
	for (; h->at < h->n; h->at++) {
		const char *lt = memchr(h->p + h->at, '<', h->n - h->at);
		if (!lt) {
			h->at = h->n;
			return;
		}
		h->at = (size_t)(lt - h->p);
		if (h->n - h->at > k + 2 && lt[1] == '/' && strncasecmp(lt + 2, name, k) == 0) {
			const char *gt = memchr(lt, '>', h->n - h->at);
			h->at = gt ? (size_t)(gt - h->p) + 1 : h->n;
			return;
		}
	}
}

/* Skips to behind the </name> that belongs to what has just begun, others of the name within it included. */
static void skip(struct html *h, const char *name)
{
	size_t k = strlen(name), at = h->at;
	for (size_t depth = 1; depth > 0;) {
		const char *lt = h->unclosed ? NULL : memchr(h->p + at, '<', h->n - at);
		size_t close = lt && lt + 1 < h->p + h->n && lt[1] == '/';
		h->unclosed = !lt || h->n - (size_t)(lt - h->p) < close + k + 2;
		if (h->unclosed)
			return;
		at = (size_t)(lt - h->p) + 1;
		if (strncasecmp(lt + 1 + close, name, k) == 0 && strchr("> \t\r\n", lt[1 + close + k]))
			depth += close ? (size_t)-1 : 1;
	}
	const char *gt = memchr(h->p + at, '>', h->n - at);
	if (gt)
		h->at = (size_t)(gt - h->p) + 1;
}

static void entry_tag(struct html *h, enum tag_class cls, bool close)
{
	collect_end(h);
	split_entry_head_end(h->s);
	if (cls != T_DD && (cls == T_DT) != close)
		split_entry_end(h->s);
	if (cls == T_DT && !close)
		split_entry_begin(h->s);
	split_block(h->s, BLOCK_PARA);
	h->space = h->bullet = false;
}

static void block_tag(struct html *h)
{
	if (h->pre && !h->table && !h->collecting)
		h->new_line = true;
	else if (h->table || h->pre)
		h->space = true;
	else if (!h->bullet)	/* <li><p> */
		block(h, BLOCK_PARA);
}

/* True if the tag that was seen last has the attribute ` NAME=` with a number, which goes to *v. */
static bool number_attr(const struct html *h, const char *name, int *v)
{
	const char *end = h->p + h->at, *p = memmem(h->attr, (size_t)(end - h->attr), name, strlen(name));
	if (!p)
		return false;
	p += strlen(name);
	p += *p == '"' || *p == '\'';
	bool minus = *p == '-';
	const char *digit = p + minus;
	int n = 0;
	for (p = digit; p < end && *p >= '0' && *p <= '9' && n < 100000; p++)
		n = n * 10 + (*p - '0');
	if (p > digit)
		*v = minus ? -n : n;
	return p > digit;
}

/* Counts from `start` on, or 1; backwards where it is reversed. From where one without `start` does that isn't known yet: its items are
 * not numbered. */
static void list_tag(struct html *h, bool ordered, bool close)
{
	if (close) {
		h->n_list -= h->n_list > 0;
		return;
	}
	if (h->n_list < LIST_MAX) {
		struct list *l = &h->list[h->n_list];
		*l = (struct list){ 1, ordered };
		bool has_start = number_attr(h, " start=", &l->next);
		if (ordered && memmem(h->attr, (size_t)(h->p + h->at - h->attr), " reversed", 9))
			l->step = has_start ? -1 : 0;
	}
	h->n_list++;
}

/* Within a table an item is a line of its cell, within a head no line at all. */
static void item_tag(struct html *h, bool close)
{
	char last = split_block_last(h->s);
	if (!h->table)
		block(h, BLOCK_ITEM);
	else if (!close && !h->collecting && last && last != '\n' && last != ' ')
		give(h, "\n", 1, h->at, h->at);
	h->bullet = !close && (h->table ? !h->collecting : !h->space);
	if (!close) {
		struct list *l = h->n_list > 0 && h->n_list <= LIST_MAX ? &h->list[h->n_list - 1] : NULL;
		h->item = (struct list){0};
		if (l) {
			number_attr(h, " value=", &l->next);
			h->item = *l;
			l->next += l->step;
		}
	}
}

/* Steps behind the sign that is all the text of a link: one to the place where it stands, which generators of pages put behind
 * headings and terms. */
static void skip_permalink(struct html *h)
{
	static const char *const sign[] = { "\xC2\xB6", "\xC2\xA7", "#", "\xF0\x9F\x94\x97", "&para;", "&sect;", "&#182;", "&#167;" };
	const char *p = h->p + h->at;
	for (size_t i = 0; i < sizeof sign / sizeof *sign; i++) {
		size_t k = strlen(sign[i]);
		if (h->n - h->at >= k + 4 && memcmp(p, sign[i], k) == 0 && strncasecmp(p + k, "</a>", 4) == 0)
			h->at += k;
	}
}

static void inline_begins(struct html *h, const char *name)
{
	if (strcmp(name, "a") == 0)
		skip_permalink(h);
	else if (memmem(h->attr, (size_t)(h->p + h->at - h->attr), "\"mw-editsection\"", 16))	/* "[edit]" of Wikipedia */
		skip(h, name);
}

/* `empty`: <script src="x"/>, as XML writes an element without contents. */
static void tag_seen(struct html *h, const char *name, bool close, bool empty)
{
	const struct tag *t = bsearch(name, tag, sizeof tag / sizeof *tag, sizeof *tag, by_name);
	switch (t ? t->cls : T_INLINE) {
	case T_INLINE:
		if (!close)
			inline_begins(h, name);
		break;
	case T_DROP:
		if (!close && !empty)
			drop(h, name);
		break;
	case T_TITLE:
	case T_HEADING:
		collect_end(h);
		if (close || empty)
			break;
		block(h, BLOCK_PARA);
		h->in_title = t->cls == T_TITLE;
		h->level = name[1] - '0';
		collect_start(h);
		break;
	case T_PRE:
		h->pre += close ? -(h->pre > 0) : 1;
		block(h, h->pre ? BLOCK_CODE : BLOCK_PARA);
		break;
	case T_TABLE:
		h->table += close ? -(h->table > 0) : 1;
		block(h, h->table ? BLOCK_TABLE : BLOCK_PARA);
		break;
	case T_ROW:	/* </tr> may be left out */
		if (split_block_last(h->s) && split_block_last(h->s) != '\n' && !h->collecting)
			give(h, "\n", 1, h->at, h->at);
		if (h->th && !h->td && h->table)
			split_table_head(h->s);
		h->th = h->td = h->space = false;
		break;
	case T_CELL:
		if (!close && split_block_last(h->s) && split_block_last(h->s) != '\n')
			give(h, " | ", 3, h->at, h->at);
		h->th |= name[1] == 'h';
		h->td |= name[1] == 'd';
		h->space = false;
		break;
	case T_ITEM:
		item_tag(h, close);
		break;
	case T_BR:
		if (!h->collecting && split_block_len(h->s) > 0)
			give(h, "\n", 1, h->at, h->at);
		else
			h->space = true;
		break;
	case T_APART:
		h->space = true;
		break;
	case T_SKIP:
		if (!close && !empty)
			skip(h, name);
		block_tag(h);
		break;
	case T_LIST:
		list_tag(h, name[0] == 'o', close);
		/* fall through */
	case T_BLOCK:
		block_tag(h);
		break;
	case T_DL: case T_DT: case T_DD:
		entry_tag(h, t->cls, close);
		break;
	}
}

/* At '<': a tag, a comment, a declaration, or just a character. Returns false for the last. */
static bool markup(struct html *h)
{
	const char *p = h->p + h->at;
	size_t n = h->n - h->at;
	if (n > 3 && memcmp(p, "<!--", 4) == 0) {
		const char *end = memmem(p + 2, n - 2, "-->", 3);	/* <!--> is one */
		h->at = end ? (size_t)(end - h->p) + 3 : h->n;
		return true;
	}
	bool close = n > 1 && p[1] == '/', decl = n > 1 && (p[1] == '!' || p[1] == '?');
	size_t i = close ? 2 : 1, k = 0;
	char name[16] = "";
	while (i + k < n && k < sizeof name - 1 && (((p[i + k] | 32) >= 'a' && (p[i + k] | 32) <= 'z') ||
						    (k > 0 && (p[i + k] == '-' || (p[i + k] >= '0' && p[i + k] <= '9'))))) {
		char c = p[i + k];
		name[k] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		k++;
	}
	if (h->no_gt || (!name[0] && !decl && !close))
		return false;
	char quote = 0;
	for (i += k; i < n && (quote || p[i] != '>'); i++) {
		if (quote)
			quote = p[i] == quote ? 0 : quote;
		else if ((p[i] == '"' || p[i] == '\'') && p[i - 1] == '=' && !h->no_quote)
			quote = p[i];
	}
	if (i == n) {	/* never closed: a stray '<' unless it is the end of the file */
		h->no_quote = true;
		const char *gt = memchr(p, '>', n);
		h->no_gt = !gt;
		if (!gt)
			return false;
		i = (size_t)(gt - p);
	}
	h->attr = p + (close ? 2 : 1) + k;
	h->at += i + 1;
	if (name[0])
		tag_seen(h, name, close, p[i - 1] == '/');
	return true;
}

/* Text up to the next markup. Character references become characters. */
static void text(struct html *h)
{
	while (h->at < h->n) {
		const char *p = h->p + h->at;
		size_t left = h->n - h->at, k = 0;
		if (*p == '&') {
			char enc[4];
			uint32_t cp;
			size_t took = html_entity(p, left, &cp);
			space(h, h->at);
			if (took > 0)
				give(h, enc, utf8_encode(cp == 0xA0 ? ' ' : cp, enc), h->at, h->at + took);
			else
				give(h, "&", 1, h->at, h->at + 1);
			h->at += took ? took : 1;
			continue;
		}
		if (!h->pre && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
			h->space = true;
			h->at++;
			continue;
		}
		while (k < left && p[k] != '<' && p[k] != '&' && p[k] != '\r' &&
		       (h->pre ? k == 0 || p[k - 1] != '\n' : p[k] != ' ' && p[k] != '\n' && p[k] != '\t'))
			k++;
		if (k == 0) {
			if (*p == '\r' && ends_at_cr(h, h->at))
				give(h, "\n", 1, h->at, h->at + 1);
			if (*p == '\r')
				h->at++;
			if (*p != '<')
				continue;
			return;
		}
		space(h, h->at);
		give(h, p, k, h->at, h->at + k);
		h->at += k;
	}
}

int split_html(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	struct buf b = {0};
	struct html h = { .s = s, .d = d, .line = 1 };
	d->type = "html";
	int rc = src_slurp(src, &b, HTML_MAX, e);
	h.p = b.data ? b.data : "";
	h.n = rc == 0 ? b.len : 0;
	if (h.n >= 3 && memcmp(h.p, "\xEF\xBB\xBF", 3) == 0)
		h.at = 3;
	while (h.at < h.n) {
		text(&h);
		if (h.at < h.n && !markup(&h)) {
			space(&h, h.at);
			give(&h, "<", 1, h.at, h.at + 1);
			h.at++;
		}
	}
	collect_end(&h);
	if (rc == 0 && h.head.failed)
		rc = err_memory(e);
	buf_release(&h.head);
	buf_release(&b);
	return rc;
}
