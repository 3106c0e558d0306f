/* SPDX-License-Identifier: Apache-2.0
 *
 * man_int: what man.c (nodes) and man_say.c (words and heads) share. Nobody else includes it.
 */
#ifndef TT_TOKENIZE_MAN_INT_H
#define TT_TOKENIZE_MAN_INT_H

#include "tokenize/man.h"
#include "tokenize/man_macro.h"

#define MAN_DEPTH 256

struct frame {
	enum man_kind kind;
	const struct macro *m;
	uint64_t line;
	unsigned n_child;	/* texts and elements seen directly below */
	bool entry;		/* an entry was opened by one of our children and goes on */
	bool owns;		/* an entry ends with this node */
	bool skip;		/* nothing below is shown */
	enum bl_type list;	/* of a Bl */
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
	struct frame frame[MAN_DEPTH];
	int depth;
	int too_deep;		/* nodes beyond MAN_DEPTH, counted to stay in step; their text is that of the node around them */
	struct collect head, pp;
	struct buf word, name;
	bool in_name, named;
	bool nl, nospace, dash;	/* `dash`: there is no space for that of an Fl alone, up to the end of its line */
	enum { SM_ON, SM_STARTS, SM_OFF } sm;	/* mdoc's Sm: spaces go from the second word on */
	bool code, table;
	int display;		/* Dl and D1 around */
};

/* The whole of a source line. */
struct place man_place(const struct man *m, uint64_t line);

/* ---- man_say.c ---- */

void collect_start(struct collect *c);
void collect_trim(struct collect *c);		/* white space at its end */

/* The paragraph that might have been a head was none: passes it on. */
void say_pp_flush(struct man *m);
/* Ends a paragraph. */
void say_para(struct man *m);
/* Bytes as they are, to where text goes now. */
void say_put(struct man *m, const char *p, size_t n, struct place at);
/* Enters or leaves literal text. */
void say_literal(struct man *m, bool on);
/* A word, readable already, with the space or line break that belongs before it. */
void say_word(struct man *m, const char *p, size_t n, uint64_t line);
/* Punctuation that macros make: glued to what is before it. */
void say_glue(struct man *m, const char *p, uint64_t line);

/* True if the short paragraph in front of an indented block looks like the head of an entry. */
bool head_in_pp(struct man *m);
/* True if it is an option, and what follows is a line that begins with white space: so go-md2man writes its description. */
bool head_hangs(struct man *m);
/* Opens an entry whose head was collected. */
void head_open_entry(struct man *m, struct collect *c);
void head_list_item(struct man *m, const char *mark, size_t n, uint64_t line);
/* The head of TP, TQ, IP (`up` is the node around the block) or of an It in a tag list is complete. */
void head_decide(struct man *m, struct frame *up, struct frame *block);
/* The NAME section is over: its text becomes the title. */
void head_title(struct man *m);
/* The head of a section is complete. */
void head_section(struct man *m, bool top);

#endif
