/* SPDX-License-Identifier: Apache-2.0
 *
 * split: collects what a reader says into items, and hands them to the packer as soon as nothing that follows can
 * change them: a paragraph outside entries when it ends, an entry when the next thing after it begins.
 *
 * Heads without a body are one entry together with the head that follows them at the same depth ("-a" / "--all" as two
 * list items with one description, as perl's manual pages write them).
 */
#include "tokenize/split.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/grow.h"
#include "lib/base/utf8.h"
#include "tokenize/split_int.h"

#define ITEM_HELD (32u << 10)	/* an item longer than this is packed while it still grows */
#define HEAD_MAX 600u		/* heads joined into one entry */
#define TABLE_HEAD_MAX 2000u
#define TITLE_MAX 40u		/* tokens */
#define HEADING_MAX 28u

void split_memory(struct split *s)
{
	if (!s->err.code)
		err_memory(&s->err);
}

struct split *split_new(struct count *count, size_t limit, split_fn emit, void *arg)
{
	struct split *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->count = count;
	s->limit = limit < 32 ? 32 : limit;
	s->emit = emit;
	s->arg = arg;
	s->sec_unit = s->cur_unit = UNIT_SECTION;
	return s;
}

void split_free(struct split *s)
{
	if (!s)
		return;
	pack_path_drop(s, 0);
	free(s->title);
	free(s->table_head);
	free(s->item);
	free(s->mark);
	buf_release(&s->text);
	buf_release(&s->out);
	free(s);
}

static void title_swap(struct split *s, struct path *t)
{
	struct path was = { s->title, s->title_cost, s->title_cut };
	s->title = t->text;
	s->title_cost = t->cost;
	s->title_cut = t->cut;
	*t = was;
}

void split_title(struct split *s, const char *title, size_t n)
{
	struct path t = {0};
	size_t max = s->limit / 4 < TITLE_MAX ? s->limit / 4 : TITLE_MAX;
	t.text = pack_shorten(s, title, n, max, &t.cost, &t.cut);
	if (!t.text)
		split_memory(s);
	title_swap(s, &t);
	if (s->cur_cost > pack_room(s)) {	/* what was filled beside a shorter title leaves with that */
		title_swap(s, &t);
		pack_flush(s, false);
		title_swap(s, &t);
	}
	free(t.text);
}

/* ---- items ---- */

static bool item_push(struct split *s, struct item it)
{
	struct item *v = grow(s->item, s->n_item, &s->item_cap, sizeof *v);
	if (!v) {
		split_memory(s);
		return false;
	}
	s->item = v;
	s->item[s->n_item++] = it;
	return true;
}

static void mark_add(struct split *s, struct place at, bool linear)
{
	struct mark *last = s->n_mark ? &s->mark[s->n_mark - 1] : NULL;
	if (last && !linear && !last->linear && last->at.b0 == at.b0 && last->at.b1 == at.b1)
		return;
	struct mark *v = grow(s->mark, s->n_mark, &s->mark_cap, sizeof *v);
	if (!v) {
		split_memory(s);
		return;
	}
	s->mark = v;
	s->mark[s->n_mark++] = (struct mark){ .t = s->text.len, .linear = linear, .at = at };
}

/* White space at the end of an item is never shown. */
static void item_close(struct split *s)
{
	if (!s->item_open)
		return;
	s->item_open = false;
	struct item *it = &s->item[s->n_item - 1];
	it->t1 = s->text.len;
	if (it->t0 == it->t1)
		s->n_item--;
}

/* A pending entry may still be joined by a following head, so it is packed when something else comes. */
static void settle(struct split *s)
{
	item_close(s);
	if (s->depth == 0 && s->n_item > 0)
		pack_items(s, false);
}

/* An item that grows without end is cut, preferably between lines or at white space, and what lies before the cut is packed. */
static void item_relieve(struct split *s)
{
	struct item *it = &s->item[s->n_item - 1];
	size_t len = s->text.len - it->t0;
	if (s->in_head || len < ITEM_HELD)
		return;
	const char *p = s->text.data + it->t0;
	const char *nl = memrchr(p + len - 4096, '\n', 4096);
	size_t cut = nl ? (size_t)(nl - p) + 1 : len;
	while (!nl && cut > len - 4096 && p[cut - 1] != ' ')
		cut--;
	if (cut <= len - 4096) {
		size_t from = utf8_floor(p, len, len - 256);
		cut = from + cut_grapheme(p + from, len - from, 200);
	}
	struct item rest = *it;
	it->t1 = it->t0 + cut;
	rest.t0 = it->t1;
	rest.cont = true;
	if (!item_push(s, rest))
		return;
	if (s->depth == 0) {
		/* The packer forgets items; the open one is set aside and comes back at its new place. */
		s->n_item--;
		rest.t1 = s->text.len;
		s->item_open = false;
		size_t tail = rest.t1 - rest.t0;
		pack_items(s, false);
		rest.t0 = s->text.len - tail;
		s->item[s->n_item++] = rest;
		s->item_open = true;
	}
}

static bool item_ready(struct split *s)
{
	if (s->err.code)
		return false;
	if (!s->item_open) {
		if (!s->in_head && s->depth == 0 && s->n_item > 0)
			settle(s);
		struct item it = { .kind = s->in_head ? (int)ITEM_HEAD : s->block, .depth = s->depth, .t0 = s->text.len, .t1 = s->text.len };
		if (!item_push(s, it))
			return false;
		s->item_open = true;
	}
	s->sec_used = true;
	return true;
}

void split_block(struct split *s, enum block kind)
{
	if (s->in_head)
		return;
	item_close(s);
	s->block = (int)kind;
}

void split_table_head(struct split *s)
{
	size_t n = split_block_len(s);
	if (n == 0 || n > TABLE_HEAD_MAX || s->depth > 0)
		return;
	struct item *it = &s->item[s->n_item - 1];
	const char *p = s->text.data + it->t0;
	if ((const char *)memchr(p, '\n', n) != p + n - 1)
		return;
	while (n > 0 && strchr("| \n", p[n - 1]))
		n--;
	while (n > 0 && (*p == '|' || *p == ' '))
		p++, n--;
	free(s->table_head);
	s->table_head = strndup(p, n);
	it->headed = s->table_head != NULL;
	if (!s->table_head)
		split_memory(s);
}

size_t split_block_len(const struct split *s)
{
	return s->item_open ? s->text.len - s->item[s->n_item - 1].t0 : 0;
}

char split_block_last(const struct split *s)
{
	return split_block_len(s) > 0 ? s->text.data[s->text.len - 1] : 0;
}

/* How much of p[0..n) is shown as it is: well-formed, and no NUL. *run counts the bytes up to the next NUL, so that none is looked
 * for twice: text may be all NULs or all ill-formed. */
static size_t good_len(const char *p, size_t n, size_t *run)
{
	if (*run == 0)
		*run = strnlen(p, n);
	size_t good = *run;
	utf8_valid(p, *run, &good);
	*run -= good;
	return good;
}

/* Puts U+FFFD for what stands at p[0..n) behind a good stretch; returns how many bytes that is. */
static size_t put_bad(struct split *s, const char *p, size_t n, size_t *run)
{
	uint32_t cp;
	size_t step = utf8_decode(p, n, &cp, NULL);
	buf_puts(&s->text, "\xEF\xBF\xBD");
	*run -= *run < step ? *run : step;
	return step;
}

void split_made(struct split *s, const char *p, size_t n, struct place at)
{
	if (n == 0 || !item_ready(s))
		return;
	mark_add(s, at, false);
	size_t run = 0;
	while (n > 0) {
		size_t good = good_len(p, n, &run);
		buf_add(&s->text, p, good);
		p += good;
		n -= good;
		if (n == 0)
			break;
		size_t bad = put_bad(s, p, n, &run);
		p += bad;
		n -= bad;
	}
	if (s->text.failed)
		split_memory(s);
	else
		item_relieve(s);
}

/* One stretch within one line: a linear mark for what is well-formed, a mark of its own for each replaced byte. */
static void text_line(struct split *s, const char *p, size_t n, uint64_t off, uint64_t line)
{
	size_t run = 0;
	while (n > 0) {
		size_t good = good_len(p, n, &run);
		if (good > 0) {
			mark_add(s, (struct place){ off, off + good, line, line }, true);
			buf_add(&s->text, p, good);
		}
		p += good;
		n -= good;
		off += good;
		if (n == 0)
			break;
		uint32_t cp;
		size_t bad = utf8_decode(p, n, &cp, NULL);
		mark_add(s, (struct place){ off, off + bad, line, line }, false);
		put_bad(s, p, n, &run);
		p += bad;
		n -= bad;
		off += bad;
	}
}

void split_text(struct split *s, const char *p, size_t n, uint64_t off, uint64_t line)
{
	while (n > 0) {
		if (!item_ready(s))
			return;
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) + 1 : n;
		if (len > ITEM_HELD)
			len = utf8_whole(p, ITEM_HELD);
		text_line(s, p, len, off, line);
		line += p[len - 1] == '\n';
		p += len;
		n -= len;
		off += len;
		if (s->text.failed) {
			split_memory(s);
			return;
		}
		item_relieve(s);
	}
}

/* ---- sections and entries ---- */

/* Ends the innermost section: a heading over nothing at all is text too. */
static void section_end(struct split *s)
{
	while (s->depth > 0)
		split_entry_end(s);
	item_close(s);
	bool bare = !s->sec_used && s->n_sec > 0;
	if (bare) {
		const char *head = s->path[s->n_sec - 1].text;
		split_block(s, BLOCK_PARA);
		split_made(s, head, strlen(head), s->sec_at);
		item_close(s);
	}
	if (!s->err.code)
		pack_items(s, true);
	s->block = BLOCK_PARA;
}

void split_heading(struct split *s, int level, const char *text, size_t n, struct place at, enum unit first)
{
	if (s->err.code)
		return;
	/* A section below makes the one above used. */
	if (s->n_sec > 0 && s->level[s->n_sec - 1] < level)
		s->sec_used = true;
	section_end(s);
	int keep = s->n_sec;
	while (keep > 0 && s->level[keep - 1] >= level)
		keep--;
	if (keep == SPLIT_MAX_SEC)
		keep--;
	pack_path_drop(s, keep);
	pack_path_push(s, text, n, s->limit / 8 < HEADING_MAX ? s->limit / 8 : HEADING_MAX);
	s->level[keep] = level;
	s->n_sec = s->n_path;
	s->sec_at = at;
	s->sec_unit = first;
	s->sec_used = s->n_sec == keep;		/* an empty heading has nothing to show */
	s->n_sec_chunk = 0;
	if (s->n_sec > keep && s->path[keep].cut) {	/* what the path has no room for is text */
		split_made(s, text, n, at);
		split_block(s, BLOCK_PARA);
	}
}

void split_entry_begin(struct split *s)
{
	if (s->err.code)
		return;
	item_close(s);
	struct item *last = s->n_item ? &s->item[s->n_item - 1] : NULL;
	bool join = last && last->kind == ITEM_HEAD && last->depth == s->depth + 1 && last->t1 - last->t0 < HEAD_MAX;
	if (!join && s->depth == 0)
		settle(s);
	s->depth++;
	s->in_head = true;
	if (join) {
		s->item_open = true;
		buf_puts(&s->text, ", ");
	}
}

void split_entry_head_end(struct split *s)
{
	if (!s->in_head)
		return;
	item_close(s);
	s->in_head = false;
	s->block = BLOCK_PARA;
}

void split_entry_end(struct split *s)
{
	split_entry_head_end(s);
	item_close(s);
	if (s->depth > 0)
		s->depth--;
	s->block = BLOCK_PARA;
}

int split_close(struct split *s, struct err *e)
{
	if (!s->err.code)
		section_end(s);
	if (s->err.code && e)
		*e = s->err;
	return s->err.code;
}
