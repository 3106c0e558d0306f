/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_chunk: any bytes as a document of each type, and as what mandoc might print. The first byte picks; chunks must stay
 * within the limit's bytes and their places within the source.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/utf8.h"
#include "tokenize/man.h"

struct bounds { size_t len; };

static int check(void *arg, const struct split_chunk *c, struct err *e)
{
	(void)e;
	const struct bounds *b = arg;
	if (c->at.b0 > c->at.b1 || c->at.b1 > b->len || c->at.l0 > c->at.l1 || c->len == 0 || !utf8_valid(c->text, c->len, NULL))
		abort();
	return 0;
}

static void tree(struct split *s, const uint8_t *p, size_t n, struct doc_info *d)
{
	/* The first half is the page, the second what mandoc says about it. */
	struct man *m = man_new(s, (const char *)p, n / 2, d);
	struct man_tree *t = man_tree_new(m);
	man_tree_feed(t, "title = \"X\"\n\n", 13, NULL);
	man_tree_feed(t, (const char *)p + n / 2, n - n / 2, NULL);
	man_tree_end(t, NULL);
	man_tree_free(t);
	man_finish(m, NULL);
	man_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2)
		return 0;
	static const char *const file[] = { "fuzz.txt", "fuzz.org", "fuzz.adoc", "fuzz.tex" };	/* the first is plain text */
	struct bounds b = { n };
	static struct count *c;		/* a table of words: made once, for speed */
	if (!c)
		c = count_new(NULL);
	struct split *s = split_new(c, 32 + p[0] / 2, check, &b);
	struct doc_info d = { .file = "fuzz.1", .type = "text" };
	struct src src;
	if (src_open_mem(&src, p + 1, n - 1, "fuzz", NULL) == 0) {
		switch (p[0] % 6) {
		case 0:
			d.file = file[p[0] / 6 % 4];
			split_outline(s, &src, &d, NULL);
			break;
		case 1: split_markdown(s, &src, &d, NULL); break;
		case 2: split_code(s, &src, &d, NULL); break;
		case 3: split_html(s, &src, &d, NULL); break;
		case 4: split_man(s, &src, &d, NULL, NULL); break;
		default: tree(s, p + 1, n - 1, &d); break;
		}
		src_close(&src);
	}
	split_close(s, NULL);
	split_free(s);
	return 0;
}
