/* SPDX-License-Identifier: Apache-2.0
 *
 * For fuzz targets of what is said in turns: the vocabulary of a tiny model.
 */
#ifndef TT_TESTS_FUZZ_VOCABULARY_H
#define TT_TESTS_FUZZ_VOCABULARY_H

#include <stdlib.h>

#include "lib/model/gguf.h"
#include "tests/unit/tiny.h"
#include "tokenize/tok.h"

/* To be called once; it lives as long as the process. */
static inline struct tok *fuzz_vocabulary(void)
{
	static struct buf file, blob;
	struct tiny t = { .arch = "qwen2", .seed = 3 };
	struct gguf *g;
	struct tok *tok;
	tiny_write(&t, &file);
	if (gguf_open_memory(&g, file.data, file.len, "tiny", NULL) || tok_build_gguf(&blob, g, NULL) ||
		tok_open(&tok, blob.data, blob.len, NULL))
		abort();
	gguf_close(g);
	return tok;
}

#endif
