/* SPDX-License-Identifier: Apache-2.0
 *
 * man: the machine behind man.h. It keeps a stack of open nodes and decides, word by word, where text goes:
 *
 *	head   the head of a section or of an entry that is being read      -> split_heading / split_entry_*
 *	pp     a paragraph so short that it may be the head of what follows -> an entry if an indented block comes, else text
 *	split  everything else
 *
 * An entry that TP or IP opened stays open until its parent node shows something that is no continuation: an empty IP and
 * an indented block (RS) continue it.
 */
#include "tokenize/man.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenize/man_macro.h"
#include "tokenize/roff_text.h"

#define MAX_DEPTH 256
#define PP_MAX 240u		/* bytes of a paragraph that may still be a head */
#define NAME_MAX_LEN 160u

struct frame {
	enum man_kind kind;
	const struct macro *m;
	uint64_t line;
	unsigned n_child;	/* texts and elements seen directly below */
	bool entry;		/* an entry was opened by one of our children and goes on */
	bool owns;		/* an entry ends with this node */
	bool skip;		/* nothing below is shown */
	char list;		/* Bl: t tag, b bullet, e enum, i item, c column */
	unsigned n_item;	/* Bl: items; It: bodies */
};

struct collect { struct buf b; struct place at; bool on, bold; };

struct man {
	struct split *s;
	struct doc_info *d;
	const char *src;
	size_t len;
	uint64_t *line_at;	/* line_at[n_line + 1] */
	uint64_t n_line;
	struct frame frame[MAX_DEPTH];
	int depth;
	int too_deep;		/* nodes beyond MAX_DEPTH, counted to stay in step */
	bool limit;		/* that happened */
	struct collect head, pp;
	struct buf word, name;
	bool in_name, named;
	bool nl, nospace;
	enum { SM_ON, SM_STARTS, SM_OFF } sm;	/* mdoc's Sm: spaces go from the second word on */
	bool code, table;
	int display;		/* Dl and D1 around */
};

/* ---- source lines ---- */

static bool lines_index(struct man *m)
{
	uint64_t n = 1;
	for (const char *p = m->src, *end = p + m->len; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	m->line_at = calloc(n + 1, sizeof *m->line_at);
	if (!m->line_at)
		return false;
	uint64_t i = 1;
	for (size_t at = 0; at < m->len; at++) {
		const char *nl = memchr(m->src + at, '\n', m->len - at);
		if (!nl)
			break;
		at = (size_t)(nl - m->src);
		m->line_at[i++] = at + 1;
	}
	m->n_line = n;
	m->line_at[n] = m->len + 1;
	return true;
}

bool man_line(const struct man *m, uint64_t line, const char **p, size_t *n)
{
	if (line < 1 || line > m->n_line)
		return false;
	*p = m->src + m->line_at[line - 1];
	*n = (size_t)(m->line_at[line] - m->line_at[line - 1] - 1);
	if (*n > 0 && (*p)[*n - 1] == '\r')
		--*n;
	return true;
}

uint64_t man_n_line(const struct man *m)
{
	return m->n_line;
}

static struct place place_of(const struct man *m, uint64_t line)
{
	if (line < 1)
		line = 1;
	if (line > m->n_line)
		line = m->n_line;
	uint64_t b1 = m->line_at[line] - 1;
	return (struct place){ m->line_at[line - 1], b1, line, line };
}

struct man *man_new(struct split *s, const char *src, size_t len, struct doc_info *d)
{
	struct man *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->s = s;
	m->src = src;
	m->len = len;
	m->frame[0].m = macro_find("");
	m->frame[0].kind = MAN_BODY;
	m->depth = 1;
	if (!lines_index(m)) {
		free(m);
		return NULL;
	}
	m->d = d;
	return m;
}

void man_free(struct man *m)
{
	if (!m)
		return;
	free(m->line_at);
	buf_release(&m->head.b);
	buf_release(&m->pp.b);
	buf_release(&m->word);
	buf_release(&m->name);
	free(m);
}

/* "tar(1)": by the file's name if that is one of a page (it is what man(1) is asked for), else by the page's own heading. */
void man_head(struct man *m, const char *title, const char *sec, bool is_mdoc)
{
	struct doc_info *d = m->d;
	const char *dot = strrchr(d->file, '.');
	bool page = dot && dot > d->file && dot[1] >= '1' && dot[1] <= '9' && strlen(dot) < 12;
	if (page)
		snprintf(d->name, sizeof d->name, "%.*s(%s)", (int)(dot - d->file), d->file, dot + 1);
	else if (title[0])
		snprintf(d->name, sizeof d->name, "%s%s%s%s", title, sec[0] ? "(" : "", sec, sec[0] ? ")" : "");
	d->type = is_mdoc ? "mdoc" : "man";
	if (!m->named)
		doc_set_title(d, m->s, d->name, strlen(d->name));
}

/* ---- where text goes ---- */

static void collect_start(struct collect *c)
{
	buf_clear(&c->b);
	c->at = (struct place){0};
	c->on = true;
	c->bold = false;
}

static void collect_add(struct collect *c, const char *p, size_t n, struct place at)
{
	buf_add(&c->b, p, n);
	if (c->at.l0 == 0) {
		c->at = at;
	} else {
		if (at.l0 < c->at.l0)
			c->at.l0 = at.l0, c->at.b0 = at.b0;
		if (at.l1 > c->at.l1)
			c->at.l1 = at.l1, c->at.b1 = at.b1;
	}
}

static void collect_trim(struct collect *c)
{
	struct buf *b = &c->b;
	while (b->len > 0 && (b->data[b->len - 1] == ' ' || b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\t'))
		b->data[--b->len] = 0;
}

/* The paragraph was one: pass it on. */
static void pp_flush(struct man *m)
{
	if (!m->pp.on)
		return;
	m->pp.on = false;
	if (m->pp.b.len > 0)
		split_made(m->s, m->pp.b.data, m->pp.b.len, m->pp.at);
}

static void para(struct man *m)
{
	pp_flush(m);
	split_block(m->s, BLOCK_PARA);
	m->code = m->table = m->nl = m->nospace = false;
}

static void put(struct man *m, const char *p, size_t n, struct place at)
{
	if (m->head.on) {
		collect_add(&m->head, p, n, at);
	} else if (m->pp.on) {
		collect_add(&m->pp, p, n, at);
		if (m->pp.b.len > PP_MAX)
			pp_flush(m);
	} else {
		split_made(m->s, p, n, at);
	}
	if (m->in_name && !m->head.on && m->name.len < NAME_MAX_LEN)
		buf_add(&m->name, p, n);
}

/* Length and last byte of the text that the next word follows. */
static size_t before(const struct man *m, char *last)
{
	const struct buf *b = m->head.on ? &m->head.b : m->pp.on ? &m->pp.b : NULL;
	size_t len = b ? b->len : split_block_len(m->s);
	*last = b ? (len ? b->data[len - 1] : 0) : split_block_last(m->s);
	return len;
}

static void literal(struct man *m, bool on)
{
	if (on == m->code || m->head.on)
		return;
	pp_flush(m);
	split_block(m->s, on ? BLOCK_CODE : BLOCK_PARA);
	m->code = on;
	m->nl = false;
}

/* A word, readable already, with the space or line break that belongs before it. */
static void word(struct man *m, const char *p, size_t n, uint64_t line)
{
	if (n == 0)
		return;
	char last;
	struct place at = place_of(m, line);
	size_t len = before(m, &last);
	if (m->table && !m->head.on)
		para(m), len = 0;
	if (len > 0) {
		if (m->nl && !m->head.on)
			put(m, "\n", 1, at);
		else if (!m->nospace && m->sm != SM_OFF && last != '\n')
			put(m, " ", 1, at);
	}
	if (m->sm == SM_STARTS)
		m->sm = SM_OFF;
	m->nl = m->nospace = false;
	put(m, p, n, at);
}

/* Punctuation that macros make: glued to what is before it. */
static void glue(struct man *m, const char *p, uint64_t line)
{
	if (!p[0])
		return;
	m->nospace = true;
	m->nl = false;
	word(m, p, strlen(p), line);
}

/* ---- heads ---- */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool is_option(const char *p, size_t n)
{
	while (n > 0 && (*p == '[' || *p == '"' || *p == '\''))
		p++, n--;
	return n > 1 && *p == '-' && (is_alnum(p[1]) || p[1] == '-' || p[1] == '?' || p[1] == '#' || p[1] == '<');
}

/* Bullets, dashes, numbers: 1. 1) (1) [1] a. 12 */
static bool is_bullet(const char *p, size_t n)
{
	size_t alnum = 0, digit = 0, high = 0;
	for (size_t i = 0; i < n; i++) {
		alnum += is_alnum(p[i]);
		digit += p[i] >= '0' && p[i] <= '9';
		high += (p[i] & 0x80) != 0;
	}
	if (n == 1)
		return p[0] == 'o' || digit == 1 || strchr("*-+.#", p[0]) != NULL;
	if (high > 0)
		return alnum == 0 && n <= 4 && p[0] == '\xE2';	/* U+2000..U+2FFF: bullets, dashes, boxes */
	if (n > 6 || alnum == 0)
		return alnum == 0 && n <= 2 && p[0] != '-' && p[0] != '.';
	bool closed = strchr(".):]", p[n - 1]) != NULL;
	return digit == n || (closed && (alnum == 1 || (digit == alnum && digit > 0)) && p[0] != '-' && p[0] != '.');
}

static size_t words_in(const char *p, size_t n)
{
	size_t w = 0;
	for (size_t i = 0; i < n; i++)
		w += p[i] != ' ' && (i == 0 || p[i - 1] == ' ');
	return w;
}

/* A short paragraph in front of an indented block is a head if it looks like one. */
static bool pp_is_head(struct man *m)
{
	collect_trim(&m->pp);
	const char *p = m->pp.b.data;
	size_t n = m->pp.b.len;
	if (n == 0 || memchr(p, '\n', n))
		return false;
	if (is_option(p, n))
		return true;
	if (p[n - 1] == ':' || p[n - 1] == ';' || is_bullet(p, n))
		return false;
	bool sentence = p[n - 1] == '.' && (n < 3 || p[n - 2] != '.');
	return m->pp.bold ? words_in(p, n) <= 12 && !sentence : words_in(p, n) <= 3;
}

static void entry_open(struct man *m, struct collect *c)
{
	collect_trim(c);
	split_entry_begin(m->s);
	split_made(m->s, c->b.data, c->b.len, c->at);
	split_entry_head_end(m->s);
	c->on = false;
	m->code = m->table = m->nl = m->nospace = false;
}

static void list_item(struct man *m, const char *mark, size_t n, uint64_t line)
{
	para(m);
	split_block(m->s, BLOCK_ITEM);
	if (n > 0)
		word(m, mark, n, line);
}

/* The head of TP, TQ, IP (`up` is the node around the block) or of an It in a tag list is complete. */
static void head_decide(struct man *m, struct frame *up, struct frame *block)
{
	collect_trim(&m->head);
	m->head.on = false;
	const char *p = m->head.b.data;
	size_t n = m->head.b.len;
	bool it = block->m->cls == M_IT;
	if (n == 0) {
		if (m->pp.on && m->pp.b.len > 0 && !it && is_option(m->pp.b.data, m->pp.b.len) && pp_is_head(m)) {
			if (up->entry)
				split_entry_end(m->s);
			entry_open(m, &m->pp);
			up->entry = true;
		} else {
			para(m);
		}
		return;
	}
	pp_flush(m);
	if (is_bullet(p, n)) {
		list_item(m, p, n, m->head.at.l0);
		return;
	}
	if (up->entry)
		split_entry_end(m->s);
	up->entry = false;
	entry_open(m, &m->head);
	if (it)
		block->owns = true;
	else
		up->entry = true;
}

static void title_settle(struct man *m)
{
	if (!m->in_name)
		return;
	m->in_name = false;
	m->named = true;
	struct buf *b = &m->name;
	char *nl = b->data ? memchr(b->data, '\n', b->len) : NULL;
	if (nl)
		b->len = (size_t)(nl - b->data), *nl = 0;
	if (b->len > 0)
		doc_set_title(m->d, m->s, b->data, b->len);
}

static void section(struct man *m, bool top)
{
	collect_trim(&m->head);
	m->head.on = false;
	pp_flush(m);
	title_settle(m);
	const char *p = m->head.b.data ? m->head.b.data : "";
	size_t n = m->head.b.len;
	bool name = top && !m->named && n == 4 && strncmp(p, "NAME", 4) == 0;
	if (m->head.at.l0 == 0)
		m->head.at = place_of(m, m->frame[m->depth - 1].line);
	split_heading(m->s, top ? 1 : 2, p, n, m->head.at, name ? UNIT_NAME : UNIT_SECTION);
	m->in_name = name;
	m->code = m->table = m->nl = m->nospace = false;
	collect_start(&m->pp);	/* mandoc drops a PP right behind a heading */
	for (int i = 0; i < m->depth; i++)
		m->frame[i].entry = m->frame[i].owns = false;
}

/* ---- nodes ---- */

static struct frame *top(struct man *m)
{
	return &m->frame[m->depth - 1];
}

static void entry_of_parent_ends(struct man *m, struct frame *up)
{
	if (up->entry)
		split_entry_end(m->s);
	up->entry = false;
}

static void bl_open(struct frame *f, const char *args)
{
	static const struct { const char *name; char list; } type[] = {
		{ "-bullet", 'b' }, { "-dash", 'b' }, { "-hyphen", 'b' }, { "-enum", 'e' }, { "-item", 'i' },
		{ "-column", 'c' },
	};
	f->list = 't';
	for (size_t i = 0; i < sizeof type / sizeof *type; i++)
		if (strncmp(args, type[i].name, strlen(type[i].name)) == 0)
			f->list = type[i].list;
}

static void block_open(struct man *m, struct frame *up, struct frame *f, const char *args)
{
	switch (f->m->cls) {
	case M_PARA: case M_HP:
		para(m);
		entry_of_parent_ends(m, up);
		collect_start(&m->pp);
		break;
	case M_RS:
		if (m->pp.on && pp_is_head(m)) {
			entry_open(m, &m->pp);
			f->owns = true;
		} else {
			para(m);
		}
		collect_start(&m->pp);
		break;
	case M_SY: case M_NM:
		pp_flush(m);
		m->nl = true;
		break;
	case M_BL:
		para(m);
		bl_open(f, args);
		break;
	case M_BD:
		para(m);
		break;
	case M_DL:
		m->display++;
		literal(m, true);
		break;
	case M_FO:
		m->nl = true;
		break;
	default:
		break;
	}
}

static void it_open(struct man *m, struct frame *bl, struct frame *f)
{
	char mark[24];
	struct buf b = {0};
	bl->n_item++;
	switch (bl->list) {
	case 'b':
		list_item(m, "\xE2\x80\xA2", 3, f->line);
		break;
	case 'e':
		buf_printf(&b, "%u.", bl->n_item);
		if (b.data && b.len < sizeof mark)
			list_item(m, b.data, b.len, f->line);
		buf_release(&b);
		break;
	case 'i':
		list_item(m, "", 0, f->line);
		break;
	default:
		break;
	}
}

static void head_open(struct man *m, struct frame *block, struct frame *f)
{
	switch (f->m->cls) {
	case M_SECT: case M_SUB: case M_TAG: case M_IP:
		collect_start(&m->head);
		break;
	case M_UR:	/* an address within a head is left out */
		if (m->head.on)
			f->skip = true;
		else
			collect_start(&m->head), block->n_item = 1;
		break;
	case M_IT:
		if (m->depth > 3 && m->frame[m->depth - 4].list == 't')
			collect_start(&m->head);
		else
			f->skip = true;
		break;
	case M_RS: case M_HP: case M_BL: case M_BD: case M_DL:
		f->skip = true;
		break;
	default:
		break;
	}
	f->line = block->line;
	m->nospace = false;
}

static void body_open(struct man *m, struct frame *block, struct frame *f)
{
	const struct macro *mac = f->m;
	if (mac->cls == M_ENC && mac->open[0]) {
		word(m, mac->open, strlen(mac->open), f->line);
		m->nospace = true;
	} else if (mac->cls == M_ND) {
		word(m, "-", 1, f->line);
	} else if (mac->cls == M_FO) {
		glue(m, "(", f->line);
		m->nospace = true;
	} else if (mac->cls == M_IT) {
		struct frame *bl = m->depth > 3 ? &m->frame[m->depth - 4] : block;
		if (bl->list == 'c') {
			if (block->n_item == 0)
				m->nl = true;
			else
				word(m, "|", 1, f->line);
		}
		block->n_item++;
	} else if (mac->cls == M_EO) {
		m->nospace = true;
	}
}

static void elem_open(struct man *m, struct frame *f)
{
	switch (f->m->cls) {
	case M_SP:
		if (m->code)
			m->nl = true;
		else if (!m->head.on && !(m->pp.on && m->pp.b.len == 0))
			para(m);
		f->skip = true;
		break;
	case M_BR:
		m->nl = true;
		break;
	case M_NF:
		literal(m, true);
		break;
	case M_FI:
		literal(m, false);
		f->skip = true;
		break;
	case M_NS:
		m->nospace = true;
		break;
	case M_AP:
		glue(m, "'", f->line);
		m->nospace = true;
		break;
	case M_SKIP: case M_SM:
		f->skip = true;
		break;
	case M_OP:
		word(m, "[", 1, f->line);
		m->nospace = true;
		break;
	case M_IN:
		word(m, "#include <", 10, f->line);
		m->nospace = true;
		break;
	case M_FT:
		m->nl = true;
		break;
	default:
		break;
	}
}

void man_open(struct man *m, enum man_kind kind, const char *label, const char *args, uint64_t line, unsigned flags)
{
	if (m->too_deep > 0 || m->depth == MAX_DEPTH) {
		m->too_deep++;
		m->limit = true;
		return;
	}
	struct frame *up = top(m), *f = &m->frame[m->depth++];
	*f = (struct frame){ .kind = kind, .m = macro_find(label), .line = line };
	f->skip = up->skip || (flags & MAN_HIDDEN);
	if (f->skip)
		return;
	if ((flags & MAN_LINE) && (flags & MAN_NOFILL))
		m->nl = true;
	switch (kind) {
	case MAN_BLOCK:
		block_open(m, up, f, args);
		if (f->m->cls == M_IT && m->depth > 2)
			it_open(m, &m->frame[m->depth - 3], f);
		break;
	case MAN_HEAD:
		head_open(m, up, f);
		break;
	case MAN_BODY:
		body_open(m, up, f);
		break;
	case MAN_TAIL:
		m->nospace = true;
		break;
	case MAN_ELEM:
		if (m->pp.on && m->pp.b.len == 0 && f->m->cls == M_FONT)
			m->pp.bold = true;
		if (f->m->cls == M_FA && up->m->cls == M_FO && up->n_child > 0)
			glue(m, ",", line);
		up->n_child++;
		elem_open(m, f);
		break;
	}
}

/* Text below the macros that treat their arguments one by one. True if it was dealt with. */
static bool text_special(struct man *m, struct frame *f, const char *p, size_t n, uint64_t line, unsigned flags)
{
	unsigned i = f->n_child - 1;
	switch (f->m->cls) {
	case M_SM:
		return true;
	case M_TAG:	/* on the macro's own line stands a width */
		return f->kind == MAN_HEAD && line == f->line && !(flags & MAN_LINE);
	case M_IP:
		return f->kind == MAN_HEAD && i > 0;
	case M_ALT: case M_PF:
		m->nospace |= i > 0;
		return false;
	case M_FL:
		if (flags & (MAN_OPENS | MAN_CLOSES))
			return false;
		word(m, "-", 1, line);
		m->nospace = true;
		return false;
	case M_XR:
		if (i == 1) {
			glue(m, "(", line);
			m->nospace = true;
			word(m, p, n, line);
			glue(m, ")", line);
			return true;
		}
		return false;
	case M_FN:
		if (i > 0) {
			glue(m, i == 1 ? "(" : ",", line);
			m->nospace = i == 1;
		}
		return false;
	case M_FA:
		if (i > 0)
			glue(m, ",", line);
		return false;
	default:
		return false;
	}
}

void man_text(struct man *m, const char *p, size_t n, uint64_t line, unsigned flags)
{
	struct frame *f = top(m);
	if (m->too_deep > 0 || (flags & MAN_HIDDEN))
		return;
	f->n_child++;
	if (f->m->cls == M_SM)
		m->sm = n == 3 && strncmp(p, "off", 3) == 0 ? SM_STARTS : SM_ON;
	if (f->skip)
		return;
	literal(m, (flags & MAN_NOFILL) || m->display > 0);
	if ((flags & MAN_LINE) && (flags & MAN_NOFILL))
		m->nl = true;
	if (m->pp.on && m->pp.b.len == 0 && roff_begins_bold(p, n))
		m->pp.bold = true;
	buf_clear(&m->word);
	bool joined = roff_text(p, n, &m->word);
	if (flags & MAN_CLOSES)
		m->nospace = true, m->nl = false;
	const char *w = m->word.data ? m->word.data : "";
	if (text_special(m, f, w, m->word.len, line, flags))
		return;
	if (m->word.len == 0 && (flags & MAN_NOFILL) && (flags & MAN_LINE) && m->code)
		put(m, "\n", split_block_len(m->s) > 0, place_of(m, line));
	word(m, w, m->word.len, line);
	m->nospace = joined || (flags & MAN_OPENS);
}

void man_row(struct man *m, const char *p, size_t n, uint64_t line)
{
	if (m->too_deep > 0 || top(m)->skip)
		return;
	if (!m->table) {
		para(m);
		split_block(m->s, BLOCK_TABLE);
	}
	m->table = false;
	buf_clear(&m->word);
	roff_text(p, n, &m->word);
	m->nl = true;
	word(m, m->word.data, m->word.len, line);
	m->table = true;
	if (n == 0)
		para(m);
}

void man_raw(struct man *m, uint64_t line, const char *until)
{
	const char *p;
	size_t n, k = strlen(until);
	for (; man_line(m, line, &p, &n) && !(n > k && p[0] == '.' && memcmp(p + 1, until, k) == 0); line++)
		if (n > 0 && p[0] != '.')
			word(m, p, n, line);
}

static void elem_close(struct man *m, struct frame *f, uint64_t line)
{
	switch (f->m->cls) {
	case M_FL:
		if (f->n_child == 0)
			word(m, "-", 1, line), m->nospace = true;
		break;
	case M_FN:
		glue(m, f->n_child <= 1 ? "()" : ")", line);
		break;
	case M_OP:
		glue(m, "]", line);
		break;
	case M_IN:
		glue(m, ">", line);
		break;
	case M_PF:
		m->nospace = true;
		break;
	default:
		break;
	}
}

static void block_close(struct man *m, struct frame *f)
{
	if (f->entry)
		split_entry_end(m->s);
	switch (f->m->cls) {
	case M_UR:
		if (f->n_item > 0 && m->head.b.len > 0) {
			word(m, "<", 1, f->line);
			glue(m, m->head.b.data, f->line);
			glue(m, ">", f->line);
		}
		break;
	case M_DL:
		m->display -= m->display > 0;
		para(m);
		break;
	case M_BD: case M_BL: case M_IT: case M_RS:
		para(m);
		break;
	default:
		break;
	}
	if (f->owns)
		split_entry_end(m->s);
	f->entry = f->owns = false;
}

static void head_close(struct man *m, struct frame *f)
{
	struct frame *block = top(m), *up = m->depth > 1 ? &m->frame[m->depth - 2] : block;
	switch (f->m->cls) {
	case M_SECT: case M_SUB:
		section(m, f->m->cls == M_SECT);
		break;
	case M_TAG: case M_IP:
		head_decide(m, up, block);
		break;
	case M_IT:
		head_decide(m, up, block);
		break;
	case M_UR:
		m->head.on = false;
		collect_trim(&m->head);
		break;
	default:
		break;
	}
}

void man_close(struct man *m)
{
	if (m->too_deep > 0) {
		m->too_deep--;
		return;
	}
	if (m->depth <= 1)
		return;
	struct frame f = *top(m);
	m->depth--;
	if (f.skip)
		return;
	switch (f.kind) {
	case MAN_ELEM:
		elem_close(m, &f, f.line);
		break;
	case MAN_HEAD:
		head_close(m, &f);
		break;
	case MAN_BODY:
		if (f.entry)
			split_entry_end(m->s);
		if (f.m->cls == M_ENC)
			glue(m, f.m->close, f.line);
		else if (f.m->cls == M_FO)
			glue(m, ")", f.line);
		break;
	case MAN_BLOCK:
		block_close(m, &f);
		break;
	case MAN_TAIL:
		break;
	}
}

int man_finish(struct man *m, struct err *e)
{
	m->too_deep = 0;
	while (m->depth > 1)
		man_close(m);
	pp_flush(m);
	title_settle(m);
	if (m->limit)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "macros are nested more than %d deep", MAX_DEPTH);
	if (m->word.failed || m->head.b.failed || m->pp.b.failed || m->name.failed)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	return 0;
}
