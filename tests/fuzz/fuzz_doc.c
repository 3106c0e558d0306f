/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_doc: any bytes as a file of one of the names that tt-chunk knows, plain or compressed, and as a line of JSON. Whatever comes of it
 * can be written: a document and its chunks, or what is wrong with it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/file.h"
#include "tokenize/docout.h"
#include "tokenize/docread.h"

static char path[96];

static void put(const char *dir, const char *name, const uint8_t *p, size_t n)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd))
		abort();
}

static int nowhere(void *arg, const char *s, size_t n, struct err *e)
{
	(void)arg;
	(void)s;
	(void)n;
	(void)e;
	return 0;
}

static void write_records(const struct buf *b)
{
	struct rec_writer *w;
	struct err e = {0};
	if (rec_writer_open(&w, -1, "fuzz", NULL, &e))
		abort();
	rec_writer_to(w, nowhere, NULL);
	struct docout *o = docout_new(w);
	docout_begin(o, NULL);
	if (docout_put(o, b->data, b->len, NULL, &e) || docout_stat(o, &e) || docout_counts(o)->n_doc + docout_counts(o)->n_error == 0)
		abort();
	docout_free(o);
	if (rec_writer_close(w, &e))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const name[] = { "lamp.txt", "lamp.rst", "lamp.md", "lamp.html", "lamp.1", "lamp.1.gz", "lamp.c", "lamp.csv", "lamp.org",
		"lamp.adoc", "lamp.tex", "lamp" };
	const size_t n_name = sizeof name / sizeof *name;
	if (n < 2)
		return 0;
	static struct count *c;		/* a table of words: made once, for speed */
	if (!c)
		c = count_new(NULL);
	struct read_opts o = { .limit = 32 + p[1] / 2, .note = p[1] & 1, .roots = { .any = true } };
	struct read_job j = { .kind = READ_JSON, .path = "lamp.jsonl", .json = (const char *)p + 2, .json_len = n - 2, .line = 1 };
	size_t i = p[0] % (n_name + 1);
	const char *dir = fuzz_dir();
	if (i < n_name) {
		put(dir, name[i], p + 2, n - 2);
		j.kind = READ_FILE;
		j.path = j.doc = path;
	}
	doc_read(&o, c, &j);
	write_records(&j.out);
	buf_release(&j.out);
	fuzz_dir_remove(dir);
	return 0;
}
