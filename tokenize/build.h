/* SPDX-License-Identifier: Apache-2.0
 *
 * build: from a GGUF's tokenizer.* keys to a blob. Internal to tokenize/.
 */
#ifndef TT_TOKENIZE_BUILD_H
#define TT_TOKENIZE_BUILD_H

#include "lib/model/gguf.h"
#include "tokenize/make.h"

struct build {
	const struct gguf *g;
	struct gguf_array token, type, score, merge;
	bool has_type, has_score;
	uint32_t n_vocab;
};

/* Byte-level BPE: fills the maker's sections from the arrays (types are there already), lays the blob out and fills the
 * word table. */
int build_bpe(struct maker *m, const struct build *b, struct err *e);

#endif
