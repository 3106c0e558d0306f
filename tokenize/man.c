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

#include "tokenize/man_int.h"
#include "tokenize/roff_text.h"

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

struct place man_place(const struct man *m, uint64_t line)
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

/* ---- nodes ---- */

static struct frame *top(struct man *m)
{
	return &m->frame[m->depth - 1];
}

static void line_or_word(struct man *m, unsigned flags)
{
	if (m->dash && (flags & MAN_LINE))
		m->nospace = false;
	m->dash = false;
}

static void entry_of_parent_ends(struct man *m, struct frame *up)
{
	if (up->entry)
		split_entry_end(m->s);
	up->entry = false;
}

static void block_open(struct man *m, struct frame *up, struct frame *f, const char *args)
{
	switch (f->m->cls) {
	case M_PARA: case M_HP:
		say_para(m);
		entry_of_parent_ends(m, up);
		collect_start(&m->pp);
		break;
	case M_RS:
		if (m->pp.on && head_in_pp(m)) {
			head_open_entry(m, &m->pp);
			f->owns = true;
		} else {
			say_para(m);
		}
		collect_start(&m->pp);
		break;
	case M_SY: case M_NM:
		say_pp_flush(m);
		m->nl = true;
		break;
	case M_BL:
		say_para(m);
		f->list = bl_type(args);
		if (f->list == BL_COLUMN)
			split_block(m->s, BLOCK_TABLE);
		break;
	case M_BD:
		say_para(m);
		break;
	case M_DL:
		m->display++;
		say_literal(m, true);
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
	case BL_BULLET:
		head_list_item(m, "\xE2\x80\xA2", 3, f->line);
		break;
	case BL_ENUM:
		buf_printf(&b, "%u.", bl->n_item);
		if (b.data && b.len < sizeof mark)
			head_list_item(m, b.data, b.len, f->line);
		buf_release(&b);
		break;
	case BL_ITEM:
		head_list_item(m, "", 0, f->line);
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
		if (m->depth > 3 && m->frame[m->depth - 4].list == BL_TAG)
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
		say_word(m, mac->open, strlen(mac->open), f->line);
		m->nospace = true;
	} else if (mac->cls == M_ND) {
		say_word(m, "-", 1, f->line);
	} else if (mac->cls == M_FO) {
		say_glue(m, "(", f->line);
		m->nospace = true;
	} else if (mac->cls == M_IT) {
		struct frame *bl = m->depth > 3 ? &m->frame[m->depth - 4] : block;
		if (bl->list == BL_COLUMN) {
			if (block->n_item == 0)
				m->nl = true;
			else
				say_word(m, "|", 1, f->line);
		}
		block->n_item++;
	} else if (mac->cls == M_EO) {
		m->nospace = true;
	}
}

/* An empty line of literal text. */
static void empty_line(struct man *m, uint64_t line)
{
	say_put(m, "\n", split_block_len(m->s) > 0, man_place(m, line));
	m->nl = true;
}

/* An empty line between paragraphs. AsciiDoctor writes no other, so what follows may be the head of an indented block; within the
 * body of a TP or IP nothing is. */
static void space_open(struct man *m, const struct frame *up)
{
	if (m->head.on || (m->pp.on && m->pp.b.len == 0))
		return;
	say_para(m);
	enum macro_class c = up->m->cls;
	if (up->kind == MAN_BODY && (c == M_SECT || c == M_SUB || c == M_PARA || c == M_RS))
		collect_start(&m->pp);
}

static void elem_open(struct man *m, const struct frame *up, struct frame *f)
{
	switch (f->m->cls) {
	case M_SP:
		if (m->code)
			empty_line(m, f->line);
		else
			space_open(m, up);
		f->skip = true;
		break;
	case M_BR:
		m->nl = true;
		break;
	case M_NF:
		say_literal(m, true);
		break;
	case M_FI:
		say_literal(m, false);
		f->skip = true;
		break;
	case M_NS:
		m->nospace = true;
		break;
	case M_AP:
		say_glue(m, "'", f->line);
		m->nospace = true;
		break;
	case M_SKIP: case M_SM:
		f->skip = true;
		break;
	case M_OP:
		say_word(m, "[", 1, f->line);
		m->nospace = true;
		break;
	case M_IN:
		say_word(m, "#include <", 10, f->line);
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
	if (m->too_deep > 0 || m->depth == MAN_DEPTH) {
		m->too_deep++;
		return;
	}
	struct frame *up = top(m), *f = &m->frame[m->depth++];
	*f = (struct frame){ .kind = kind, .m = macro_find(label), .line = line };
	f->skip = up->skip || (flags & MAN_HIDDEN);
	if (f->skip)
		return;
	line_or_word(m, flags);
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
			say_glue(m, ",", line);
		up->n_child++;
		elem_open(m, up, f);
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
		say_word(m, "-", 1, line);
		m->nospace = true;
		return false;
	case M_XR:
		if (i == 1) {
			say_glue(m, "(", line);
			m->nospace = true;
			say_word(m, p, n, line);
			say_glue(m, ")", line);
			return true;
		}
		return false;
	case M_FN:
		if (i > 0) {
			say_glue(m, i == 1 ? "(" : ",", line);
			m->nospace = i == 1;
		}
		return false;
	case M_FA:
		if (i > 0)
			say_glue(m, ",", line);
		return false;
	default:
		return false;
	}
}

static void undouble(struct buf *b)
{
	size_t to = 0;
	for (size_t i = 0; i < b->len; i++) {
		b->data[to++] = b->data[i];
		i += b->data[i] == '"' && i + 1 < b->len && b->data[i + 1] == '"';
	}
	b->len = to;
}

/* `w` begins a line of what is shown, being literal or behind white space; in a paragraph it may describe the option before it. */
static void line_begins(struct man *m, struct frame *f, const char *w, unsigned flags)
{
	bool option = w[strspn(w, " \t")] == '-';
	if ((flags & MAN_NOFILL) || f->kind != MAN_BODY || option || m->nl || !head_hangs(m)) {
		m->nl = true;
		return;
	}
	entry_of_parent_ends(m, f);
	head_open_entry(m, &m->pp);
	f->entry = true;
}

void man_text(struct man *m, const char *p, size_t n, uint64_t line, unsigned flags)
{
	struct frame *f = top(m);
	if (flags & MAN_HIDDEN)
		return;
	f->n_child++;
	if (f->m->cls == M_SM)
		m->sm = n == 3 && strncmp(p, "off", 3) == 0 ? SM_STARTS : SM_ON;
	if (f->skip)
		return;
	line_or_word(m, flags);
	say_literal(m, (flags & MAN_NOFILL) || m->display > 0);
	if (m->pp.on && m->pp.b.len == 0 && roff_begins_bold(p, n))
		m->pp.bold = true;
	buf_reuse(&m->word);
	bool joined = roff_text(p, n, &m->word);
	if (flags & MAN_DOUBLED)
		undouble(&m->word);
	const char *w = m->word.data ? m->word.data : "";
	if ((flags & MAN_LINE) && ((flags & MAN_NOFILL) || (n > 0 && (p[0] == ' ' || p[0] == '\t') && !m->in_name)))
		line_begins(m, f, w, flags);
	if (flags & MAN_CLOSES)
		m->nospace = true, m->nl = false;
	if (text_special(m, f, w, m->word.len, line, flags))
		return;
	if (m->word.len == 0 && (flags & MAN_NOFILL) && (flags & MAN_LINE) && m->code)
		empty_line(m, line);
	say_word(m, w, m->word.len, line);
	m->nospace = joined || (flags & MAN_OPENS);
}

void man_row(struct man *m, const char *p, size_t n, uint64_t line)
{
	if (top(m)->skip)
		return;
	if (!m->table) {
		say_para(m);
		split_block(m->s, BLOCK_TABLE);
	}
	m->table = false;
	buf_reuse(&m->word);
	roff_text(p, n, &m->word);
	m->nl = true;
	say_word(m, m->word.data, m->word.len, line);
	m->table = true;
	if (n == 0)
		say_para(m);
}

void man_raw(struct man *m, uint64_t line, const char *until)
{
	const char *p;
	size_t n, k = strlen(until);
	for (; man_line(m, line, &p, &n) && !(n > k && p[0] == '.' && memcmp(p + 1, until, k) == 0); line++)
		if (n > 0 && p[0] != '.')
			say_word(m, p, n, line);
}

static void elem_close(struct man *m, struct frame *f, uint64_t line)
{
	switch (f->m->cls) {
	case M_FL:
		if (f->n_child == 0)
			say_word(m, "-", 1, line), m->nospace = m->dash = true;
		break;
	case M_FN:
		say_glue(m, f->n_child <= 1 ? "()" : ")", line);
		break;
	case M_OP:
		say_glue(m, "]", line);
		break;
	case M_IN:
		say_glue(m, ">", line);
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
			say_word(m, "<", 1, f->line);
			say_glue(m, m->head.b.data, f->line);
			say_glue(m, ">", f->line);
		}
		break;
	case M_DL:
		m->display -= m->display > 0;
		say_para(m);
		break;
	case M_IT:
		if (m->depth > 2 && m->frame[m->depth - 2].list == BL_COLUMN)
			m->nl = true;
		else
			say_para(m);
		break;
	case M_BD: case M_BL: case M_RS:
		say_para(m);
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
		head_section(m, f->m->cls == M_SECT);
		break;
	case M_TAG: case M_IP: case M_IT:
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
			say_glue(m, f.m->close, f.line);
		else if (f.m->cls == M_FO)
			say_glue(m, ")", f.line);
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
	say_pp_flush(m);
	head_title(m);
	if (m->word.failed || m->head.b.failed || m->pp.b.failed || m->name.failed)
		return err_memory(e);
	return 0;
}
