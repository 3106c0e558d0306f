/* SPDX-License-Identifier: Apache-2.0
 *
 * split_int: what split.c (collecting) and split_pack.c (packing) share. Nobody else includes it.
 *
 *	text:  [ first paragraph | second paragraph | option head | its text | ... ]	one buffer, readable UTF-8
 *	item:    {para, 0..16}     {para, 16..33}     {head, ..}    {para, ..}		stretches of text
 *	mark:   ^line 1    ^line 2   ^line 4 ...					where stretches stand in the source
 *	cur:   the chunk being filled: slices of text
 */
#ifndef TT_TOKENIZE_SPLIT_INT_H
#define TT_TOKENIZE_SPLIT_INT_H

#include "tokenize/split.h"

enum { ITEM_HEAD = BLOCK_TABLE + 1 };	/* beside enum block: the head of an entry */

struct item {
	int kind;		/* enum block or ITEM_HEAD */
	int depth;		/* entries around it; a head lies inside the entry it opens */
	bool cont;		/* goes on where the item before it stops */
	bool headed;		/* a table with a head, which is in split.table_head */
	size_t t0, t1;		/* text */
};

/* From text byte `t` to the next mark, text stands at `at`; byte for byte from at.b0 if `linear`. */
struct mark { size_t t; bool linear; struct place at; };

struct slice {
	size_t t0, t1;
	const char *sep;	/* goes before it */
	bool line;		/* begins with a line: white space before its first word is indentation */
};

#define CUR_MAX 512u		/* slices a chunk may have */

struct path { char *text; size_t cost; bool cut; };

struct split {
	struct count *count;
	size_t limit;
	split_fn emit;
	void *arg;
	struct err err;			/* the first failure */

	char *title;			/* shortened */
	size_t title_cost;
	bool title_cut;
	struct path path[SPLIT_MAX_SEC + SPLIT_MAX_ENTRY];	/* headings, then heads of entries while packing */
	int n_sec;			/* headings in `path` */
	int n_path;			/* headings and entry heads */
	int level[SPLIT_MAX_SEC];	/* level[i] of heading path[i] */
	struct place sec_at;		/* of the innermost heading */
	enum unit sec_unit;
	bool sec_used;			/* the innermost section has had text or a section below it */
	size_t n_sec_chunk;		/* chunks it has given so far */

	struct buf text;
	struct item *item;
	size_t n_item, item_cap;
	struct mark *mark;
	size_t n_mark, mark_cap;
	bool item_open;			/* the last item still grows */
	bool in_head;			/* text goes to an entry's head */
	char *table_head;		/* of the table that was begun last */
	int block;			/* kind of the next item */
	int depth;			/* entries open */

	struct slice cur[CUR_MAX];
	size_t n_cur, cur_cost, cur_bytes;
	struct item last;		/* the item that was packed last, outside entries */
	enum unit cur_unit;		/* of an entry's chunk; UNIT_SECTION outside */
	bool cur_code, cur_table;	/* all slices are code, tables */
	struct buf out;			/* the composed chunk */
};

/* Memory is out; an error before that stays. */
void split_memory(struct split *s);

/* ---- split_pack.c ---- */

/* Packs item[0, n_item) and forgets them; `final` also passes on the chunk being filled. */
void pack_items(struct split *s, bool final);
/* Passes on the chunk being filled. `whole`: it is all there is in its section. */
void pack_flush(struct split *s, bool whole);
/* Tokens of text that a chunk has room for beside its title and path. */
size_t pack_room(const struct split *s);
/* Adds text to the path, shortened to at most `max` tokens. */
void pack_path_push(struct split *s, const char *text, size_t n, size_t max);
void pack_path_drop(struct split *s, int n);	/* keeps the first n */
/* A copy of s[0..n), white space collapsed, at most `max` tokens (an ellipsis marks a cut); NULL when memory is out. */
char *pack_shorten(struct split *s, const char *text, size_t n, size_t max, size_t *cost, bool *cut);

#endif
