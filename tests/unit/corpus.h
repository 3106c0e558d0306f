/* SPDX-License-Identifier: Apache-2.0
 *
 * corpus: a few documents and a directory to index them in, for tests of the index and of ranking.
 */
#ifndef TT_TESTS_CORPUS_H
#define TT_TESTS_CORPUS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/writer.h"

static inline struct str str_of(const char *s)
{
	return (struct str){ s, strlen(s) };
}

/* A fresh directory; removed by corpus_remove. */
static inline void corpus_dir(char path[64])
{
	strcpy(path, "/tmp/tt-index-test.XXXXXX");
	assert_non_null(mkdtemp(path));
}

static inline void corpus_remove(const char *path)
{
	char cmd[128];
	snprintf(cmd, sizeof cmd, "rm -r '%s'", path);
	assert_int_equal(system(cmd), 0);
}

/* A document `name` with one chunk for each of text[n]; chunk i's vector has a 127 at place `dim_at + i` when dim > 0. */
static inline void corpus_add(struct writer *w, const char *name, const char *title, const char *const *text, size_t n, size_t dim,
	size_t dim_at)
{
	struct err e = {0};
	struct segment_doc d = { .doc = str_of(name), .name = str_of(name), .title = str_of(title), .type = str_of("text"),
		.path = str_of(name), .sum = str_of("00"), .size = 1 + n, .mtime_ns = 7 };
	assert_int_equal(writer_doc(w, &d, &e), 0);
	for (size_t i = 0; i < n; i++) {
		struct segment_chunk c = { .seq = (uint32_t)i, .n_tok = 3, .b0 = i, .b1 = i + 9, .l0 = 1, .l1 = 2,
			.text = str_of(text[i]), .unit = str_of("para") };
		int8_t code[VECTORS_MAX_DIM] = {0};
		struct hash_part part[] = { { name, strlen(name) }, { text[i], strlen(text[i]) } };
		hash_id_parts(part, 2, c.id);
		if (dim)
			code[(dim_at + i) % dim] = 127;
		assert_int_equal(writer_chunk(w, &c, dim ? code : NULL, dim, 1.0f / 127, &e), 0);
	}
}

#endif
