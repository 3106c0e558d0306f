/* SPDX-License-Identifier: Apache-2.0
 *
 * man_say: where words go, and what a head is. The next word's separator is decided when it comes: nothing after an opening
 * bracket, a line break in literal text, else a space.
 */
#include <string.h>

#include "tokenize/man_int.h"

#define PP_MAX 240u		/* bytes of a paragraph that may still be a head */
#define HANG_MAX 100u		/* of one whose description is only indented */
#define NAME_MAX_LEN 160u

/* ---- where text goes ---- */

void collect_start(struct collect *c)
{
	buf_reuse(&c->b);
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

void collect_trim(struct collect *c)
{
	struct buf *b = &c->b;
	while (b->len > 0 && (b->data[b->len - 1] == ' ' || b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\t'))
		b->data[--b->len] = 0;
}

void say_pp_flush(struct man *m)
{
	if (!m->pp.on)
		return;
	m->pp.on = false;
	if (m->pp.b.len > 0)
		split_made(m->s, m->pp.b.data, m->pp.b.len, m->pp.at);
}

void say_para(struct man *m)
{
	if (m->in_name && m->name.len)
		buf_putc(&m->name, '\n');
	say_pp_flush(m);
	split_block(m->s, BLOCK_PARA);
	m->code = m->table = m->nl = m->nospace = false;
}

void say_put(struct man *m, const char *p, size_t n, struct place at)
{
	if (m->head.on) {
		collect_add(&m->head, p, n, at);
	} else if (m->pp.on) {
		collect_add(&m->pp, p, n, at);
		if (m->pp.b.len > PP_MAX)
			say_pp_flush(m);
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

void say_literal(struct man *m, bool on)
{
	if (on == m->code || m->head.on)
		return;
	say_pp_flush(m);
	split_block(m->s, on ? BLOCK_CODE : BLOCK_PARA);
	m->code = on;
	m->nl = false;
}

void say_word(struct man *m, const char *p, size_t n, uint64_t line)
{
	if (n == 0)
		return;
	char last;
	struct place at = man_place(m, line);
	size_t len = before(m, &last);
	if (m->table && !m->head.on)
		say_para(m), len = 0;
	if (len > 0) {
		if (m->nl && !m->head.on)
			say_put(m, "\n", 1, at);
		else if (!m->nospace && m->sm != SM_OFF && last != '\n')
			say_put(m, " ", 1, at);
	}
	if (m->sm == SM_STARTS)
		m->sm = SM_OFF;
	m->nl = m->nospace = false;
	say_put(m, p, n, at);
}

void say_glue(struct man *m, const char *p, uint64_t line)
{
	if (!p[0])
		return;
	m->nospace = true;
	m->nl = false;
	say_word(m, p, strlen(p), line);
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

bool head_in_pp(struct man *m)
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
	return !sentence && words_in(p, n) <= (m->pp.bold ? 12 : 3);
}

bool head_hangs(struct man *m)
{
	const struct buf *b = &m->pp.b;
	if (!m->pp.on || !head_in_pp(m) || !is_option(b->data, b->len) || b->len > HANG_MAX || memmem(b->data, b->len, "  ", 2))
		return false;
	return is_alnum(b->data[strspn(b->data, "-")]);		/* "-->" is none */
}

void head_open_entry(struct man *m, struct collect *c)
{
	collect_trim(c);
	split_entry_begin(m->s);
	split_made(m->s, c->b.data, c->b.len, c->at);
	split_entry_head_end(m->s);
	c->on = false;
	m->code = m->table = m->nl = m->nospace = false;
}

void head_list_item(struct man *m, const char *mark, size_t n, uint64_t line)
{
	say_para(m);
	split_block(m->s, BLOCK_ITEM);
	if (n > 0)
		say_word(m, mark, n, line);
}

void head_decide(struct man *m, struct frame *up, struct frame *block)
{
	collect_trim(&m->head);
	m->head.on = false;
	const char *p = m->head.b.data;
	size_t n = m->head.b.len;
	bool it = block->m->cls == M_IT;
	if (n == 0) {
		if (m->pp.on && m->pp.b.len > 0 && !it && is_option(m->pp.b.data, m->pp.b.len) && head_in_pp(m)) {
			if (up->entry)
				split_entry_end(m->s);
			head_open_entry(m, &m->pp);
			up->entry = true;
		} else {
			say_para(m);
		}
		return;
	}
	say_pp_flush(m);
	if (is_bullet(p, n)) {
		head_list_item(m, p, n, m->head.at.l0);
		return;
	}
	if (up->entry)
		split_entry_end(m->s);
	up->entry = false;
	head_open_entry(m, &m->head);
	if (it)
		block->owns = true;
	else
		up->entry = true;
}

/* " - " or a longer dash, as between names and what they do. */
static bool has_dash(const char *p, size_t n)
{
	return memmem(p, n, " - ", 3) || memmem(p, n, " \xE2\x80\x93 ", 5) || memmem(p, n, " \xE2\x80\x94 ", 5);
}

/* Of NAME's paragraphs the first, and others that name something: some pages give their usage there too. */
void head_title(struct man *m)
{
	if (!m->in_name)
		return;
	m->in_name = false;
	m->named = true;
	struct buf *b = &m->name;
	size_t len = 0;
	for (size_t i = 0, end; i < b->len; i = end + 1) {
		const char *nl = memchr(b->data + i, '\n', b->len - i);
		end = nl ? (size_t)(nl - b->data) : b->len;
		if (i > 0 && !has_dash(b->data + i, end - i))
			continue;
		memmove(b->data + len, b->data + i, end - i);
		len += end - i;
		if (end < b->len)
			b->data[len++] = '\n';		/* white space in a title becomes one space */
	}
	b->len = len;
	if (b->len > 0)
		doc_set_title(m->d, m->s, b->data, b->len);
}

void head_section(struct man *m, bool top)
{
	collect_trim(&m->head);
	m->head.on = false;
	say_pp_flush(m);
	head_title(m);
	const char *p = m->head.b.data ? m->head.b.data : "";
	size_t n = m->head.b.len;
	bool name = top && !m->named && n == 4 && strncmp(p, "NAME", 4) == 0;
	if (m->head.at.l0 == 0)
		m->head.at = man_place(m, m->frame[m->depth - 1].line);
	split_heading(m->s, top ? 1 : 2, p, n, m->head.at, name ? UNIT_NAME : UNIT_SECTION);
	m->in_name = name;
	m->code = m->table = m->nl = m->nospace = false;
	collect_start(&m->pp);	/* mandoc drops a PP right behind a heading */
	for (int i = 0; i < m->depth; i++)
		m->frame[i].entry = m->frame[i].owns = false;
}
