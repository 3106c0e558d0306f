/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_find: any bytes as a question and documents to find it in. What is indexed is whole, before and after segments are merged, and both
 * times the same is found.
 *
 *	question 0 name \n headings \n text 0 name \n headings \n text 0 ...
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/writer.h"
#include "retrieve/find.h"
#include "tests/fuzz/file.h"

#define DOCS 8u
#define HITS 32u
#define DIM 4u

static const char *dir;
static struct err e;

static void must(int rc)
{
	if (rc)
		abort();
}

/* What stands before the first `end` of *p, which is left out. */
static struct str next(struct str *p, char end)
{
	const char *at = p->n ? memchr(p->s, end, p->n) : NULL;
	struct str s = { p->s, at ? (size_t)(at - p->s) : p->n };
	p->s += s.n + (at != NULL);
	p->n -= s.n + (at != NULL);
	return s;
}

/* Every third document is another name of the first. */
static void add(struct writer *w, unsigned i, struct str all)
{
	static const char *const unit[] = { "name", "option", "para" };
	char doc[16];
	struct str name = next(&all, '\n'), sec = next(&all, '\n');
	snprintf(doc, sizeof doc, "/%u", i);
	const struct str id = { doc, strlen(doc) }, man = { "man", 3 };
	struct segment_doc d = { .doc = id, .name = name, .title = name, .type = man, .path = id };
	if (i % 3 == 2)
		d.alias = (struct str){ "/0", 2 };
	must(writer_doc(w, &d, &e));
	for (uint32_t k = 0; k < 2; k++) {
		const char *u = unit[(i + k) % 3];
		struct segment_chunk c = { .id = { (uint8_t)i, (uint8_t)k }, .seq = k, .n_sec = 1, .sec = { sec }, .text = k ? name : all,
			.unit = { u, strlen(u) } };
		int8_t code[VECTORS_MAX_DIM] = { (int8_t)all.n, (int8_t)name.n, (int8_t)k };
		must(writer_chunk(w, &c, code, DIM, 0.01f, &e));
	}
}

static int larger_first(const void *a, const void *b)
{
	const float *x = a, *y = b;
	return (*x < *y) - (*x > *y);
}

/* The scores of what is found, best first. */
static size_t find(struct str question, float score[HITS])
{
	_Alignas(64) static const int8_t code[64] = { 1, 2, 3 };
	struct finder f;
	struct find_hit hit[HITS];
	size_t n;
	must(finder_open(&f, dir, &(struct find_filter){0}, scan_select(NULL, NULL), &e));
	must(store_verify(&f.store, &e));
	const struct find_query q = { .text = question.s, .text_len = question.n, .code = code, .dim = DIM, .scale = 0.01f, .lexical = true,
		.dense = question.n % 2, .n = HITS };
	must(finder_run(&f, &q, hit, &n, &e));
	for (size_t i = 0; i < n; i++) {
		struct segment_chunk c;
		const struct find_hit *h = &hit[i];
		must(segment_get_chunk(&f.store.seg[h->i_seg].seg, h->chunk, &c, &e));
		must(!isfinite(h->fused) || !isfinite(h->bm25) || !(h->cover >= 0 && h->cover <= 1) || !(h->known >= 0 && h->known <= 1));
		must(i && h->fused > hit[i - 1].fused);
		score[i] = h->fused;
	}
	qsort(score, n, sizeof *score, larger_first);
	finder_close(&f);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str all = { (const char *)p, n }, question = next(&all, 0), doc[DOCS];
	struct writer *w;
	float before[HITS], after[HITS];
	unsigned n_doc = 0;
	bool known;
	dir = fuzz_dir();
	while (all.n && n_doc < DOCS)
		doc[n_doc++] = next(&all, 0);
	must(writer_open(&w, dir, true, 0, &e));
	for (unsigned i = 0; i < n_doc; i++) {
		add(w, i, doc[i]);
		if (i == n_doc / 2)
			must(writer_commit(w, &e));
	}
	if (n_doc > 3) {
		add(w, 1, doc[3]);
		must(writer_remove(w, "/2", 2, &known, &e) || !known);
	}
	must(writer_commit(w, &e));
	size_t n_before = find(question, before);
	must(writer_merge(w, MERGE_ALL, &e));
	writer_close(w);
	size_t n_after = find(question, after);
	must(n_before != n_after || memcmp(before, after, n_before * sizeof *before));
	fuzz_dir_remove(dir);
	return 0;
}
