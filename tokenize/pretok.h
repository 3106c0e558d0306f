/* SPDX-License-Identifier: Apache-2.0
 *
 * pretok: cutting text into the words that byte-level BPE works on, as each family's regular expressions say.
 */
#ifndef TT_TOKENIZE_PRETOK_H
#define TT_TOKENIZE_PRETOK_H

#include <stdbool.h>
#include <stddef.h>

enum pretok {
	PRETOK_NONE, PRETOK_DEFAULT, PRETOK_GPT2, PRETOK_LLAMA3, PRETOK_QWEN2, PRETOK_QWEN35, PRETOK_STARCODER, PRETOK_FALCON,
	PRETOK_DEEPSEEK_CODER, PRETOK_DEEPSEEK_LLM, PRETOK_DEEPSEEK_V3, PRETOK_GPT4O, PRETOK_TEKKEN, N_PRETOK,
};

/* What a name of tokenizer.ggml.pre means. */
struct pretok_def {
	const char *name;
	enum pretok pre;
	bool ignore_merges;	/* a word that is a token is that token, whatever the merges give */
	bool add_bos;		/* unless the file says otherwise */
};
/* Static; NULL if no such name is known. */
const struct pretok_def *pretok_find(const char *name, size_t n);

/* Calls fn for each word of s[0..n) in order; together they are the whole text. `s` is well-formed UTF-8 (encoded surrogates
 * are let through). Stops at the first non-zero return of fn, and returns it. Linear in n; no allocation. */
typedef int (*pretok_fn)(void *arg, size_t from, size_t to);
int pretok_split(enum pretok pre, const char *s, size_t n, pretok_fn fn, void *arg);

#endif
