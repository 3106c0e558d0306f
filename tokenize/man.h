/* SPDX-License-Identifier: Apache-2.0
 *
 * man: manual pages. Two readers say what stands in the source (man_tree: mandoc's syntax tree; man_roff: our own,
 * for what mandoc can't do), one machine (man.c) makes sections, entries and paragraphs of it.
 *
 *	page.1.gz --gunzip--> roff --mandoc -T tree--> nodes with line numbers --man.c--> split
 *
 * Both man(7) and mdoc(7) pages come as a tree of nodes, opened and closed:
 *
 *	SH block > head > "OPTIONS"              man_open(BLOCK,"SH") man_open(HEAD,"SH") man_text("OPTIONS") man_close ...
 *	         > body > TP block > head > "-x"
 *	                           > body > "extract files"
 *
 * An entry's head is what TP, IP, TQ, .It -tag and their kin hold, or a short paragraph in front of an indented block
 * (the way DocBook and AsciiDoc write lists), or an option in front of an indented line (go-md2man). Bullets and numbers are
 * not heads but list items.
 */
#ifndef TT_TOKENIZE_MAN_H
#define TT_TOKENIZE_MAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "tokenize/split_types.h"

enum man_kind { MAN_BLOCK, MAN_HEAD, MAN_BODY, MAN_TAIL, MAN_ELEM };
enum {				/* flags of a node, as mandoc prints them */
	MAN_LINE = 1,		/* first on its source line */
	MAN_NOFILL = 2,		/* in literal text */
	MAN_OPENS = 4,		/* opening punctuation: nothing between it and what follows */
	MAN_CLOSES = 8,		/* closing punctuation: nothing between it and what precedes */
	MAN_HIDDEN = 16,	/* not to be shown */
	MAN_MADE = 32,		/* not in the source */
	MAN_DOUBLED = 64,	/* a quotation mark within it is written twice */
};

struct man;

/* `src[0..len)` is the page (decompressed), borrowed, like `d`, whose title is set when NAME was read. NULL: no memory. */
struct man *man_new(struct split *s, const char *src, size_t len, struct doc_info *d);
void man_free(struct man *m);

/* A node begins, and text, in the order of the source, on whose line `line` they stand; flags MAN_*. `label` is the macro's name, `args` are
 * its arguments. man_close ends the node that is open. */
void man_open(struct man *m, enum man_kind kind, const char *label, const char *args, uint64_t line, unsigned flags);
void man_text(struct man *m, const char *p, size_t n, uint64_t line, unsigned flags);
/* A row of a table, its cells already joined; an empty one ends the table. */
void man_row(struct man *m, const char *p, size_t n, uint64_t line);
/* Source lines as they are, from `line` to before the request `.until` (equations). */
void man_raw(struct man *m, uint64_t line, const char *until);
void man_close(struct man *m);
/* Ends what is open. 0, or ERR_MEM. */
int man_finish(struct man *m, struct err *e);

/* What .TH or .Dt say: gives the document its type, and its name if the file's is none of a page's. */
void man_head(struct man *m, const char *title, const char *sec, bool is_mdoc);
/* Line `line` of the source; false beyond the end. */
bool man_line(const struct man *m, uint64_t line, const char **p, size_t *n);

/* ---- readers ---- */

/* A line reader of `mandoc -T tree` output. man_tree_end: ERR_FORMAT if it was no such output. */
struct man_tree;
struct man_tree *man_tree_new(struct man *m);
void man_tree_free(struct man_tree *t);
int man_tree_feed(struct man_tree *t, const char *p, size_t n, struct err *e);
int man_tree_end(struct man_tree *t, struct err *e);

/* Our own reading of the source: all of man(7), the frame of mdoc(7), simple strings, no macros or conditionals. */
void man_roff(struct man *m);

#endif
