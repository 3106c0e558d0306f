/* SPDX-License-Identifier: Apache-2.0
 *
 * split_types: the readers, one for each type of document. Each reads its source from the start to the end, tells the
 * splitter what it sees and fills in what it learns about the document. None closes the splitter.
 */
#ifndef TT_TOKENIZE_SPLIT_TYPES_H
#define TT_TOKENIZE_SPLIT_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "tokenize/split.h"
#include "tokenize/src.h"

enum doc_type { DOC_TEXT, DOC_MARKDOWN, DOC_CODE, DOC_HTML, DOC_MAN, DOC_OUTLINE, DOC_NONE };

struct doc_info {
	const char *file;		/* base name without .gz; borrowed */
	char name[256];			/* "tar(1)"; starts as the file name */
	char title[512];		/* starts as the file name */
	bool title_fixed;		/* the title came with the document and stays */
	const char *type;		/* "man", "mdoc", "text" ... */
	uint8_t content[16];		/* BLAKE2b-128 of a manual page's text, to know duplicates by */
	bool has_content;
};

/* What a document is, by its name (base name without .gz, and the folders before it) and its first bytes. */
enum doc_type doc_type_of(const char *path, const char *file, const char *p, size_t n);
/* NULL if p[0..n), the beginning of a document, is text; else the reason why it isn't. */
const char *doc_not_text(const char *p, size_t n);
/* Sets the title, unless it is fixed, and tells the splitter, if there is one yet; white space is collapsed. */
void doc_set_title(struct doc_info *d, struct split *s, const char *p, size_t n);

#define LINE_HELD 200u		/* a line that long is no heading, and isn't held to see whether it is */
/* Tells the splitter of a line as it stands; whatever ends it becomes LF. */
void split_line(struct split *s, const struct line *l);

int split_plain(struct split *s, struct src *src, struct doc_info *d, struct err *e);
int split_outline(struct split *s, struct src *src, struct doc_info *d, struct err *e);	/* Org, AsciiDoc, LaTeX, as the file's name says */
int split_markdown(struct split *s, struct src *src, struct doc_info *d, struct err *e);
int split_code(struct split *s, struct src *src, struct doc_info *d, struct err *e);
int split_html(struct split *s, struct src *src, struct doc_info *d, struct err *e);
/* `mandoc` is the program to run, or NULL for our own reading. */
int split_man(struct split *s, struct src *src, struct doc_info *d, const char *mandoc, struct err *e);

#endif
