/* SPDX-License-Identifier: Apache-2.0
 *
 * split_outline: what a line is in text whose headings are marked where they begin.
 *
 *	Org		* Lamp   ** Wick       #+TITLE: Lamp      #+BEGIN_SRC ... #+END_SRC
 *	AsciiDoc	= Lamp   == Wick                          ----, ...., //// or |=== ... and the same again
 *	LaTeX		\section{Lamp}         \title{Lamp}       \begin{verbatim} ... \end{verbatim}
 *
 * The rest is read as plain text (split_plain.c): paragraphs stay as they are written, marks included.
 */
#include "tokenize/split_outline.h"

#include <string.h>
#include <strings.h>

enum outline outline_of(const char *file)
{
	static const struct { const char *end; enum outline kind; } known[] = {
		{ ".org", OUTLINE_ORG }, { ".adoc", OUTLINE_ADOC }, { ".asciidoc", OUTLINE_ADOC }, { ".tex", OUTLINE_TEX },
	};
	const char *dot = strrchr(file, '.');
	for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
		if (strcasecmp(dot, known[i].end) == 0)
			return known[i].kind;
	return OUTLINE_NONE;
}

/* Steps behind `with`, in any case; false if p[0..end) doesn't begin with it. */
static bool after(const char **p, const char *end, const char *with)
{
	size_t k = strlen(with);
	if ((size_t)(end - *p) < k || strncasecmp(*p, with, k) != 0)
		return false;
	*p += k;
	return true;
}

/* *[short]{long}: what stands within the braces, others among it; false if they aren't there, or not closed on the line. */
static bool tex_arg(const char *p, const char *end, struct outline_head *h)
{
	int depth = 0;
	after(&p, end, "*");
	const char *close = p < end && *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;
	p = close ? close + 1 : p;
	for (const char *q = p; q < end && (q > p || *q == '{'); q++) {
		depth += (*q == '{') - (*q == '}');
		if (depth == 0) {
			*h = (struct outline_head){ p + 1, (size_t)(q - p) - 1, q + 1 };
			return true;
		}
	}
	return false;
}

/* The level is that of the name, a book's parts being 1. */
static int tex_head(const char *p, const char *end, struct outline_head *h)
{
	static const char *const name[] = { "\\part", "\\chapter", "\\section", "\\subsection", "\\subsubsection", "\\paragraph" };
	for (int i = 0; i < 6; i++) {
		const char *q = p;
		if (after(&q, end, name[i]) && tex_arg(q, end, h))
			return i + 1;
	}
	return 0;
}

int outline_head(enum outline kind, const struct line *l, struct outline_head *h)
{
	const char *p = l->p, *end = l->p + l->n;
	char mark = kind == OUTLINE_ORG ? '*' : '=';
	if (kind == OUTLINE_TEX)
		return tex_head(p, end, h);
	while (p < end && *p == mark)
		p++;
	int level = (int)(p - l->p);
	if (level == 0 || p == end || *p != ' ')
		return 0;
	while (p < end && *p == ' ')
		p++;
	*h = (struct outline_head){ p, (size_t)(end - p), end };
	return level;
}

bool outline_title(enum outline kind, const struct line *l, struct outline_head *h)
{
	const char *p = l->p, *end = l->p + l->n;
	if (kind == OUTLINE_TEX)
		return after(&p, end, "\\title") && tex_arg(p, end, h);
	if (kind != OUTLINE_ORG || !after(&p, end, "#+title:"))
		return false;
	*h = (struct outline_head){ p, (size_t)(end - p), end };
	return true;
}

/* True if p[0..n) is a line between which AsciiDoc takes all as it stands. */
static bool adoc_fence(const char *p, size_t n)
{
	size_t from = n > 0 && p[0] == '|';
	if (n < 4 || !strchr(from ? "=" : "-./+", p[from]))
		return false;
	for (size_t i = from; i < n; i++)
		if (p[i] != p[from])
			return false;
	return true;
}

size_t outline_opens(enum outline kind, const struct line *l, char close[LINE_HELD], enum block *block)
{
	static const char *const env[] = { "{verbatim}", "{lstlisting}", "{minted}" };
	const char *p = l->p, *end = l->p + l->n;
	*block = BLOCK_CODE;
	while (end > p && end[-1] == ' ')
		end--;
	while (kind != OUTLINE_ADOC && p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t n = (size_t)(end - p);
	if (kind == OUTLINE_ADOC && n < LINE_HELD && adoc_fence(p, n)) {
		*block = *p == '|' ? BLOCK_TABLE : BLOCK_CODE;
		memcpy(close, p, n);
		return n;
	}
	if (kind == OUTLINE_ORG && (after(&p, end, "#+begin_src") || after(&p, end, "#+begin_example"))) {
		memcpy(close, "#+end_", 6);
		return 6;
	}
	bool begins = kind == OUTLINE_TEX && after(&p, end, "\\begin");
	for (size_t i = 0; begins && i < sizeof env / sizeof *env; i++)
		if (after(&p, end, env[i])) {
			size_t k = strlen(env[i]);
			memcpy(close, "\\end", 4);
			memcpy(close + 4, env[i], k);
			return 4 + k;
		}
	return 0;
}

bool outline_closes(enum outline kind, const struct line *l, const char *close, size_t n)
{
	const char *p = l->p, *end = l->p + l->n;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && end[-1] == ' ')
		end--;
	size_t len = (size_t)(end - p);
	return (kind == OUTLINE_ADOC ? len == n : len >= n) && strncasecmp(p, close, n) == 0;
}
