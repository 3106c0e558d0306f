/* SPDX-License-Identifier: Apache-2.0
 *
 * split_man: a manual page from source to chunks: mandoc's tree if mandoc can, our own reading if not. A page must not make
 * us read other files: mandoc follows relative paths only, and works where these lead nowhere. `.so` lines are blanked besides,
 * since mandoc would put a note in their place.
 */
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "tokenize/child.h"
#include "tokenize/man.h"
#include "tokenize/split_types.h"

#define MAN_MAX (16u << 20)
#define MAN_TIMEOUT_MS 20000u
#define MAN_MEMORY (1u << 30)
#define TREE_FREE (8u << 20)		/* a tree may be this large, */
#define TREE_RATIO 40u			/* or this many times the source: indentation grows with depth */

static int feed(void *arg, const char *p, size_t n, struct err *e)
{
	return man_tree_feed(arg, p, n, e);
}

/* A CR that is no part of CRLF ends a line, as it does in other documents. */
static void end_lines(char *p, size_t n)
{
	for (char *end = p + n; (p = memchr(p, '\r', (size_t)(end - p))); p++)
		if (p + 1 == end || p[1] != '\n')
			*p = '\n';
}

static void blank_so(char *p, size_t n)
{
	for (char *end = p + n; p < end;) {
		if (end - p > 4 && memcmp(p, ".so", 3) == 0 && (p[3] == ' ' || p[3] == '\t'))
			memcpy(p, ".\\\"", 3);
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			break;
		p++;
	}
}

static int by_mandoc(struct man *m, const struct buf *page, const char *mandoc, struct err *e)
{
	const char *const argv[] = { mandoc, "-T", "tree", NULL };
	struct man_tree *t = man_tree_new(m);
	if (!t)
		return err_memory(e);
	int status = 0, rc = child_feed(page->data, page->len, e);
	if (rc >= 0) {
		uint64_t max = (uint64_t)page->len * TREE_RATIO;
		struct child c = { .argv = argv, .in = rc, .timeout_ms = MAN_TIMEOUT_MS, .mem_max = MAN_MEMORY,
				   .out_max = max > TREE_FREE ? max : TREE_FREE, .apart = true };
		rc = child_run(&c, feed, t, &status, e);
		close(c.in);
	}
	if (rc == 0)
		rc = man_tree_end(t, e);
	if (rc == 0 && status > 6)
		rc = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "mandoc ended with status %d", status);
	man_tree_free(t);
	return rc;
}

static int read_page(struct split *s, const struct buf *page, struct doc_info *d, const char *mandoc, struct err *e)
{
	struct man *m = man_new(s, page->data, page->len, d);
	if (!m)
		return err_memory(e);
	int rc = 0;
	if (mandoc)
		rc = by_mandoc(m, page, mandoc, e);
	else
		man_roff(m);
	int end = man_finish(m, rc < 0 ? NULL : e);
	man_free(m);
	return rc < 0 ? rc : end;
}

int split_man(struct split *s, struct src *src, struct doc_info *d, const char *mandoc, struct err *e)
{
	struct buf page = {0};
	d->type = "man";
	int rc = src_slurp(src, &page, MAN_MAX, e);
	if (rc == 0) {
		hash_id(page.data, page.len, d->content);
		d->has_content = true;
		end_lines(page.data, page.len);
		blank_so(page.data, page.len);
		rc = read_page(s, &page, d, mandoc, e);
	}
	buf_release(&page);
	return rc;
}
