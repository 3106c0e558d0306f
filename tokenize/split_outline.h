/* SPDX-License-Identifier: Apache-2.0
 *
 * split_outline: the lines that give Org, AsciiDoc and LaTeX their structure. Everything is borrowed from the line.
 */
#ifndef TT_TOKENIZE_SPLIT_OUTLINE_H
#define TT_TOKENIZE_SPLIT_OUTLINE_H

#include "tokenize/split_types.h"

enum outline { OUTLINE_NONE, OUTLINE_ORG, OUTLINE_ADOC, OUTLINE_TEX };

/* The words of a heading or title, and what stands behind it on the line. */
struct outline_head { const char *p; size_t n; const char *rest; };

/* What the name of a file says it is. */
enum outline outline_of(const char *file);
/* The level of the heading that the line is, 0 if it is none. */
int outline_head(enum outline kind, const struct line *l, struct outline_head *h);
/* True if the line names the document. */
bool outline_title(enum outline kind, const struct line *l, struct outline_head *h);
/* If the line opens a block of code or a table in which lines mean nothing: the length of what closes it, put into `close`; else 0. */
size_t outline_opens(enum outline kind, const struct line *l, char close[LINE_HELD], enum block *block);
bool outline_closes(enum outline kind, const struct line *l, const char *close, size_t n);

#endif
