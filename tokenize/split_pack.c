/* SPDX-License-Identifier: Apache-2.0
 *
 * split_pack: fills chunks with items. Greedy: an item joins the chunk while it fits; one that doesn't starts the next chunk,
 * unless the present one is still less than a quarter full or the item fits nowhere whole: then it is taken sentence by
 * sentence (tables line by line, code in runs of lines), a sentence that fits nowhere word by word (and up to the end of a line,
 * as those of a log have no sentences), a word that fits nowhere by graphemes.
 * Where a paragraph is cut between sentences the last one is repeated, if it is short.
 *
 * Cost is the larger of tokens and bytes/16: white space costs WordPiece nothing and a 10,000-byte "word" one token, but
 * a chunk must stay readable and quotable too.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenize/split_int.h"

#define BYTES_PER_TOK 16u
#define HEAD_SHARE 3u		/* an entry's head may take 1/3 of the limit in the path */
#define TABLE_HEAD_SHARE 8u	/* that of a table 1/8 */
#define NESTED_SHARE 3u		/* nested entries longer than 1/3 of a chunk stand alone */

static size_t cost_of(struct split *s, size_t t0, size_t t1)
{
	size_t tok = count_tokens(s->count, s->text.data + t0, t1 - t0);
	size_t bytes = (t1 - t0) / BYTES_PER_TOK;
	return tok > bytes ? tok : bytes;
}

/* ---- title and path ---- */

char *pack_shorten(struct split *s, const char *text, size_t n, size_t max, size_t *cost, bool *cut)
{
	struct buf b = {0};
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		char enc[4];
		size_t step = utf8_decode(text + i, n - i, &cp, NULL);
		if (cp == ' ' || cp == '\n' || cp == '\t' || cp == '\r' || cp == 0) {
			if (b.len > 0 && b.data[b.len - 1] != ' ')
				buf_putc(&b, ' ');
		} else {
			buf_add(&b, enc, utf8_encode(cp, enc));
		}
		i += step;
		if (b.len / BYTES_PER_TOK > max)	/* enough to be cut below */
			break;
	}
	while (b.len > 0 && b.data[b.len - 1] == ' ')
		b.data[--b.len] = 0;
	*cost = b.len ? count_tokens(s->count, b.data, b.len) : 0;
	*cut = false;
	while (*cost > max || b.len / BYTES_PER_TOK >= max) {
		size_t keep = b.len - b.len / 8 - 1;
		keep = utf8_floor(b.data, b.len, keep);
		size_t word = keep;
		while (word > keep / 2 && !count_is_space(b.data[word]))
			word--;
		b.len = word > keep / 2 ? word : keep;
		buf_puts(&b, "\xE2\x80\xA6");
		*cost = count_tokens(s->count, b.data, b.len);
		*cut = true;
		if (b.failed || b.len < 16)
			break;
		if (*cost > max)
			b.len -= 3;
	}
	buf_putc(&b, 0);
	if (b.failed) {
		buf_release(&b);
		return NULL;
	}
	return b.data;
}

void pack_path_push(struct split *s, const char *text, size_t n, size_t max)
{
	if (s->n_path == SPLIT_MAX_SEC + SPLIT_MAX_ENTRY)
		return;
	struct path *p = &s->path[s->n_path];
	p->text = pack_shorten(s, text, n, max, &p->cost, &p->cut);
	if (!p->text) {
		split_memory(s);
		return;
	}
	if (!p->text[0]) {
		free(p->text);
		return;
	}
	s->n_path++;
}

void pack_path_drop(struct split *s, int n)
{
	while (s->n_path > n)
		free(s->path[--s->n_path].text);
	if (s->n_sec > n)
		s->n_sec = n;
}

/* The part of the path that is shown: all of it, or its first and innermost parts when it would crowd out the text. */
static int path_from(const struct split *s, size_t *cost)
{
	size_t sum = s->title_cost + 2;
	for (int i = 0; i < s->n_path; i++)
		sum += s->path[i].cost + (i > 0);
	int from = 0;
	while (sum > s->limit / 2 && from + 1 < s->n_path)
		sum -= s->path[from++].cost + 1;
	*cost = sum;
	return from;
}

size_t pack_room(const struct split *s)
{
	size_t cost;
	path_from(s, &cost);
	return cost + 8 < s->limit ? s->limit - cost : 8;
}

/* ---- a finished chunk ---- */

static const struct mark *mark_find(const struct split *s, size_t t)
{
	size_t lo = 0, hi = s->n_mark;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->mark[mid].t <= t)
			lo = mid;
		else
			hi = mid;
	}
	return &s->mark[lo];
}

static void place_widen(struct place *p, const struct split *s, size_t t0, size_t t1)
{
	const struct mark *end = s->mark + s->n_mark;
	for (const struct mark *m = mark_find(s, t0); m < end && m->t < t1; m++) {
		struct place at = m->at;
		if (m->linear) {
			size_t next = m + 1 < end ? m[1].t : t1;
			size_t from = t0 > m->t ? t0 : m->t, to = t1 < next ? t1 : next;
			at.b0 = m->at.b0 + (from - m->t);
			at.b1 = m->at.b0 + (to - m->t);
		}
		if (p->b1 == 0 || at.b0 < p->b0)
			p->b0 = at.b0;
		if (p->l0 == 0 || at.l0 < p->l0)
			p->l0 = at.l0;
		if (at.b1 > p->b1)
			p->b1 = at.b1;
		if (at.l1 > p->l1)
			p->l1 = at.l1;
	}
}

/* The first of several lines keeps its indentation, by which it stands above or below the others; a line alone needs none. */
static void slice_trim(const struct split *s, struct slice *c)
{
	const char *p = s->text.data;
	while (c->t1 > c->t0 && count_is_space(p[c->t1 - 1]))
		c->t1--;
	size_t t = c->t0, line = t;
	while (t < c->t1 && count_is_space(p[t]))
		if (p[t++] == '\n')
			c->line = true, line = t;
	c->t0 = c->line && memchr(p + t, '\n', c->t1 - t) ? line : t;
}

static enum unit unit_of(const struct split *s, bool whole)
{
	if (s->cur_unit != UNIT_SECTION)
		return s->cur_unit;
	if (s->sec_unit == UNIT_NAME)
		return UNIT_NAME;
	if (whole && s->n_sec > 0)
		return UNIT_SECTION;
	return s->cur_code ? UNIT_CODE : s->cur_table ? UNIT_TABLE : UNIT_PARA;
}

static void chunk_emit(struct split *s, bool whole, const struct place *at)
{
	struct split_chunk c = { .title = s->title ? s->title : "", .unit = unit_of(s, whole), .at = *at };
	size_t prefix;
	int from = path_from(s, &prefix);
	c.trunc = s->title_cut || from > 0;
	for (int i = from; i < s->n_path; i++) {
		c.sec[c.n_sec++] = s->path[i].text;
		c.trunc |= s->path[i].cut;
	}
	c.text = s->out.data;
	c.len = s->out.len;
	c.n_tok = prefix + count_exact(s->count, c.text, c.len);
	c.trunc |= c.n_tok > s->limit;
	c.hidden = cut_hidden(c.text, c.len);
	s->n_sec_chunk++;
	struct err e = {0};
	int rc = s->emit(s->arg, &c, &e);
	if (rc < 0) {
		s->err = e;
		s->err.code = rc;
	}
}

void pack_flush(struct split *s, bool whole)
{
	struct place at = {0};
	buf_clear(&s->out);
	for (size_t i = 0; i < s->n_cur; i++) {
		struct slice c = s->cur[i];
		slice_trim(s, &c);
		if (c.t0 >= c.t1)
			continue;
		if (s->out.len > 0)
			buf_puts(&s->out, c.sep);
		buf_add(&s->out, s->text.data + c.t0, c.t1 - c.t0);
		place_widen(&at, s, c.t0, c.t1);
	}
	if (s->out.failed)
		split_memory(s);
	if (s->out.len > 0 && !s->err.code)
		chunk_emit(s, whole && s->n_sec_chunk == 0, &at);
	s->n_cur = 0;
	s->cur_cost = s->cur_bytes = 0;
	s->cur_code = s->cur_table = true;
}

/* ---- filling ---- */

/* True if `t` is where a line of the item begins; code that is cut while it grows is cut between lines. */
static bool at_line(const struct split *s, const struct item *it, size_t t)
{
	return t > it->t0 ? s->text.data[t - 1] == '\n' : !it->cont || it->kind == BLOCK_CODE;
}

static void cur_add(struct split *s, const struct item *it, size_t t0, size_t t1, const char *sep, size_t cost)
{
	struct slice *last = s->n_cur ? &s->cur[s->n_cur - 1] : NULL;
	if (last && last->t1 == t0 && (it->cont || t0 > it->t0)) {
		last->t1 = t1;
	} else {
		if (s->n_cur == CUR_MAX)
			pack_flush(s, false);
		if (s->n_cur == 0)
			s->cur_code = s->cur_table = true;
		s->cur[s->n_cur++] = (struct slice){ t0, t1, sep, at_line(s, it, t0) };
	}
	s->cur_cost += cost;
	s->cur_bytes += t1 - t0;
	s->cur_code &= it->kind == BLOCK_CODE;
	s->cur_table &= it->kind == BLOCK_TABLE;
}

/* Where the last whole line of [t0, t) ends, if that leaves half of it; else t, behind which text goes on. */
static size_t whole_lines(const struct split *s, size_t t0, size_t t)
{
	const char *p = s->text.data, *nl = memrchr(p + t0, '\n', t + 1 - t0);
	size_t end = nl ? (size_t)(nl - p) : t0;
	return 2 * (end - t0) >= t - t0 ? end : t;
}

/* Where a comma or the like ends in the last quarter of s[0..n), which is part of a word; else n. */
static size_t behind_mark(const char *s, size_t n)
{
	for (size_t i = n; 4 * i > 3 * n; i--)
		if (strchr(",;|&", s[i - 1]))
			return i;
	return n;
}

/* Adds as many words of [t0, t1) as fit into an empty chunk; returns where it stopped. */
static size_t fill_words(struct split *s, const struct item *it, size_t t0, size_t t1, size_t room)
{
	const char *p = s->text.data;
	size_t t = t0, sum = 0, most = (room + 1) * BYTES_PER_TOK;
	size_t stop = t1 - t0 > most ? t0 + most : t1;	/* a word that goes on does not fit, however long it is */
	while (t < t1) {
		size_t end = t;
		while (end < stop && count_is_space(p[end]))
			end++;
		while (end < stop && !count_is_space(p[end]))
			end++;
		size_t cost = cost_of(s, t, end);
		if (sum + cost > room || (end - t0) / BYTES_PER_TOK > room) {
			if (t > t0)
				break;
			/* The first word alone is too much: less of it until it fits, between graphemes, or behind a mark. */
			size_t max = (end - t) < room * BYTES_PER_TOK ? end - t : room * BYTES_PER_TOK;
			while (max > 8 && cost_of(s, t, t + cut_grapheme(p + t, end - t, max)) > room)
				max -= max / 4;
			t += behind_mark(p + t, cut_grapheme(p + t, end - t, max > 4 ? max : 4));
			sum = room;
			break;
		}
		sum += cost;
		t = end;
	}
	size_t line = t < t1 ? whole_lines(s, t0, t) : t;
	cur_add(s, it, t0, line, "", line < t ? cost_of(s, t0, line) : sum);
	return line;
}

/* Adds [t, end), which fits nowhere whole, word by word. */
static void fill_long(struct split *s, const struct item *it, size_t t, size_t end, size_t room)
{
	while (t < end && !s->err.code) {
		t = fill_words(s, it, t, end, room);
		if (t < end)
			pack_flush(s, false);
	}
}

static bool has_room(const struct split *s, size_t room, size_t cost, size_t len)
{
	return s->cur_cost + cost <= room && (s->cur_bytes + len) / BYTES_PER_TOK <= room;
}

/* Lines of code or of a table: [t, end), which cost `sum`. */
struct run { size_t t, end, sum; };

/* As many lines from `t` on as the chunk has room for. Where more follow, code ends before the least indented line of those behind
 * an empty one, if the chunk is half full then: between the methods of a class, the steps of a function. Where none is empty it ends
 * before the least indented of all but those that close something: between the entries of a YAML or JSON file. */
static struct run next_lines(struct split *s, const struct item *it, size_t t, size_t room)
{
	const char *p = s->text.data;
	struct run r = { t, t, 0 }, best = r, before = r, dense = r;
	size_t least = SIZE_MAX, dense_least = SIZE_MAX;
	bool blank = false;
	while (r.end < it->t1) {
		const char *nl = memchr(p + r.end, '\n', it->t1 - r.end);
		size_t next = nl ? (size_t)(nl - p) + 1 : it->t1, indent = 0, cost = cost_of(s, r.end, next);
		while (r.end + indent < next && count_is_space(p[r.end + indent]))
			indent++;
		bool empty = r.end + indent == next;
		bool may_end = !empty && it->kind == BLOCK_CODE && 2 * (s->cur_cost + r.sum) >= room;
		if (may_end && blank && indent <= least) {
			best = r;
			least = indent;
		} else if (may_end && next < it->t1 && indent <= dense_least && !strchr(")]}", p[r.end + indent])) {
			dense = r;
			dense_least = indent;
		}
		if (!has_room(s, room, r.sum + cost, next - t)) {
			if (next == it->t1 && before.end > t)	/* the last line takes one along: it may be what closes a fence */
				r = before;
			return best.end > t ? best : dense.end > t ? dense : r;
		}
		before = r;
		blank = empty;
		r.sum += cost;
		r.end = next;
	}
	return r;
}

static void fill_lines(struct split *s, const struct item *it, const char *sep)
{
	int n_path = s->n_path;
	bool cut = it->cont;
	for (size_t t = it->t0; t < it->t1 && !s->err.code;) {
		if (cut && it->headed && s->n_path == n_path)
			pack_path_push(s, s->table_head, strlen(s->table_head), s->limit / TABLE_HEAD_SHARE);
		size_t room = pack_room(s);
		struct run r = next_lines(s, it, t, room);
		if (r.end > t) {
			cur_add(s, it, t, r.end, sep, r.sum);
		} else if (s->n_cur == 0) {	/* a line that is too long */
			const char *nl = memchr(s->text.data + t, '\n', it->t1 - t);
			r.end = nl ? (size_t)(nl - s->text.data) + 1 : it->t1;
			fill_long(s, it, t, r.end, room);
			t = r.end;
			continue;
		}
		t = r.end;
		cut = t < it->t1;
		if (cut)
			pack_flush(s, false);
	}
	if (s->n_path > n_path) {	/* what follows is no part of the table */
		pack_flush(s, false);
		pack_path_drop(s, n_path);
	}
}

static void fill_sentences(struct split *s, const struct item *it, const char *sep)
{
	size_t room = pack_room(s), last_t = it->t0, last_cost = 0;
	for (size_t t = it->t0; t < it->t1 && !s->err.code;) {
		size_t len = cut_sentence(s->text.data + t, it->t1 - t), cost = cost_of(s, t, t + len);
		if (s->n_cur > 0 && !has_room(s, room, cost, len)) {
			pack_flush(s, false);
			bool overlap = it->kind == BLOCK_PARA && last_cost > 0 && last_cost <= room / 5 &&
				       last_cost + cost <= room;
			if (overlap)
				cur_add(s, it, last_t, t, sep, last_cost);
		}
		last_t = t;
		last_cost = cost;
		if (cost <= room && len / BYTES_PER_TOK <= room) {
			cur_add(s, it, t, t + len, sep, cost);
		} else {
			fill_long(s, it, t, t + len, room);
			last_cost = 0;
		}
		t += len;
	}
}

static void pack_item(struct split *s, const struct item *it, const char *sep)
{
	size_t room = pack_room(s), cost = cost_of(s, it->t0, it->t1), len = it->t1 - it->t0;
	bool alone = cost <= room && len / BYTES_PER_TOK <= room;
	bool fits = alone && has_room(s, room, cost, len);
	if (!fits && alone && s->cur_cost >= room / 4) {
		pack_flush(s, false);
		fits = true;
	}
	bool whole = !(it->headed && it->cont) && (fits || (alone && s->n_cur == 0));
	if (whole)
		cur_add(s, it, it->t0, it->t1, sep, cost);
	else if (it->kind == BLOCK_CODE || it->kind == BLOCK_TABLE)
		fill_lines(s, it, sep);
	else
		fill_sentences(s, it, sep);
}

static const char *separator(const struct item *prev, const struct item *it)
{
	if (!prev)
		return "\n\n";
	if (it->cont)
		return "";
	if (prev->kind == ITEM_HEAD)
		return prev->depth > 1 ? "  " : "\n";
	if (it->kind == ITEM_HEAD || (it->kind == BLOCK_ITEM && prev->kind == BLOCK_ITEM))
		return "\n";
	return "\n\n";
}

/* ---- entries ---- */

static bool item_is_option(const struct split *s, const struct item *it)
{
	const char *p = s->text.data + it->t0;
	size_t n = it->t1 - it->t0;
	if (it->kind != ITEM_HEAD)
		return false;
	while (n > 0 && (*p == '[' || *p == '"' || *p == '\''))
		p++, n--;
	return n > 1 && ((*p == '-' && !count_is_space(p[1])) || (*p == '+' && (p[1] | 32) >= 'a' && (p[1] | 32) <= 'z'));
}

/* The end of the entry whose head is item[i]. */
static size_t entry_end(const struct split *s, size_t i, size_t n)
{
	int depth = s->item[i].depth;
	size_t end = i + 1;
	while (end < n && s->item[end].depth >= depth && !(s->item[end].kind == ITEM_HEAD && s->item[end].depth == depth))
		end++;
	return end;
}

/* True if the nested entry item[i, end) is a unit of its own: an option always is; another only if it is long and its parent
 * doesn't fit into one chunk anyway. Short ones (the letters that an option takes) are read with their parent. */
static bool is_apart(struct split *s, size_t i, size_t end, size_t room, bool fits)
{
	if (s->item[i].depth >= SPLIT_MAX_ENTRY)
		return false;
	bool option = false;
	size_t sum = 0;
	for (size_t k = i; k < end; k++) {
		option |= item_is_option(s, &s->item[k]);
		sum += cost_of(s, s->item[k].t0, s->item[k].t1);
	}
	return option || (!fits && sum > room / NESTED_SHARE);
}

/* item[a] is a head, [a, b) its entry. */
static void pack_entry(struct split *s, size_t a, size_t b)
{
	const struct item *head = &s->item[a];
	int n_path = s->n_path;
	pack_flush(s, false);
	enum unit outer = s->cur_unit, unit = item_is_option(s, head) ? UNIT_OPTION : UNIT_ENTRY;
	s->cur_unit = unit;
	pack_path_push(s, s->text.data + head->t0, head->t1 - head->t0, s->limit / HEAD_SHARE);
	size_t sum = 0, room = pack_room(s);
	for (size_t i = a; i < b; i++)
		sum += cost_of(s, s->item[i].t0, s->item[i].t1);
	for (size_t i = a; i < b && !s->err.code;) {
		const struct item *it = &s->item[i];
		size_t end = i + 1;
		if (i > a && it->kind == ITEM_HEAD && is_apart(s, i, entry_end(s, i, b), room, sum <= room)) {
			end = entry_end(s, i, b);
			pack_entry(s, i, end);
		} else {
			pack_item(s, it, i == a + 1 && it->kind != ITEM_HEAD ? "\n" : separator(i > a ? it - 1 : NULL, it));
		}
		i = end;
	}
	pack_flush(s, false);
	s->cur_unit = outer;
	pack_path_drop(s, n_path);
}

/* ---- housekeeping ---- */

/* Drops text that no slice and no later text needs. `used` is the end of what was packed. */
static void compact(struct split *s, size_t used)
{
	size_t keep = used;
	for (size_t i = 0; i < s->n_cur; i++)
		if (s->cur[i].t0 < keep)
			keep = s->cur[i].t0;
	if (keep == 0)
		return;
	memmove(s->text.data, s->text.data + keep, s->text.len - keep);
	s->text.len -= keep;
	s->text.data[s->text.len] = 0;
	for (size_t i = 0; i < s->n_cur; i++) {
		s->cur[i].t0 -= keep;
		s->cur[i].t1 -= keep;
	}
	if (s->n_mark == 0)
		return;
	size_t first = (size_t)(mark_find(s, keep) - s->mark);
	s->n_mark -= first;
	memmove(s->mark, s->mark + first, s->n_mark * sizeof *s->mark);
	if (s->mark[0].t < keep) {
		if (s->mark[0].linear)
			s->mark[0].at.b0 += keep - s->mark[0].t;
		s->mark[0].t = keep;
	}
	for (size_t i = 0; i < s->n_mark; i++)
		s->mark[i].t -= keep;
}

void pack_items(struct split *s, bool final)
{
	size_t used = s->n_item ? s->item[s->n_item - 1].t1 : s->text.len;
	for (size_t i = 0; i < s->n_item && !s->err.code;) {
		const struct item *it = &s->item[i];
		if (it->kind != ITEM_HEAD) {
			pack_item(s, it, separator(s->n_cur > 0 ? &s->last : NULL, it));
			s->last = *it;
			i++;
			continue;
		}
		size_t end = entry_end(s, i, s->n_item);
		pack_entry(s, i, end);
		s->n_sec_chunk++;	/* what follows is not the whole section */
		i = end;
	}
	s->n_item = 0;
	if (final)
		pack_flush(s, true);
	if (s->text.data)
		compact(s, used);
}
