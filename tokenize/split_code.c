/* SPDX-License-Identifier: Apache-2.0
 *
 * split_code: source code and configuration. A block ends where an empty line is followed by a line without indentation
 * (a function, a class, a section of a configuration file); the comment at the top of the file gives the title.
 */
#include <string.h>

#include "tokenize/split_types.h"

/* The words of a comment line; empty if the line is none. */
static const char *comment(const struct line *l, size_t *n)
{
	const char *p = l->p, *end = l->p + l->n;
	bool mark = false;
	while (p < end && strchr(" \t/*#;-\"<!%", *p)) {
		mark |= *p != ' ' && *p != '\t';
		p++;
	}
	while (end > p && strchr(" \t*/->", end[-1]))
		end--;
	*n = mark ? (size_t)(end - p) : 0;
	return p;
}

/* Lines of a leading comment that say nothing about the file. */
static bool formal(const char *p, size_t n)
{
	static const char *const word[] = { "SPDX", "Copyright", "copyright", "(c)", "License", "-*-", "vim:", "!/", "coding",
					    "doctype", "xml " };
	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (memmem(p, n, word[i], strlen(word[i])))
			return true;
	return n < 4;
}

static void title(struct doc_info *d, struct split *s, const char *p, size_t n)
{
	char t[400];
	size_t k = strlen(d->file) < 128 ? strlen(d->file) : 128, len = cut_sentence(p, n);
	if (len > sizeof t - k - 4)
		len = sizeof t - k - 4;
	memcpy(t, d->file, k);
	memcpy(t + k, " - ", 3);
	memcpy(t + k + 3, p, len);
	doc_set_title(d, s, t, k + 3 + len);
}

int split_code(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	struct lines l;
	struct line line;
	bool gap = false, titled = false;
	d->type = "code";
	int rc = lines_open(&l, src, e);
	if (rc < 0)
		return rc;
	split_block(s, BLOCK_CODE);
	while (lines_next(&l, &line)) {
		bool empty = line_is_blank(&line) && line.end > 0;
		if (!titled && !empty) {
			size_t n;
			const char *p = comment(&line, &n);
			if (n > 0 && !formal(p, n))
				title(d, s, p, n), titled = true;
			else if (n == 0 && line.n > 2)
				titled = true;
		}
		if (gap && !empty && line.first && line.p[0] != ' ' && line.p[0] != '\t' && line.p[0] != '}')
			split_block(s, BLOCK_CODE);
		gap = empty || (gap && !line.first);
		split_line(s, &line);
	}
	return lines_end(&l, e);
}
