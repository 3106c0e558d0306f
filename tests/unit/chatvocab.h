/* SPDX-License-Identifier: Apache-2.0
 *
 * A byte-level vocabulary with the control tokens of every chat template, for test_template.c and test_prompt.c: one token a byte, so
 * that counts can be read off texts. One mark has the type that some files wrongly give it.
 */
#ifndef TT_TESTS_UNIT_CHATVOCAB_H
#define TT_TESTS_UNIT_CHATVOCAB_H

#include "tests/unit/vocab.h"

enum { CONTROL = 256, N_CONTROL = 13 };
static const struct entry chat_tokens[N_CONTROL] = {
	{ "<bos>", 3, 0 }, { "<|im_start|>", 4, 0 }, { "<|im_end|>", 3, 0 }, { "<start_of_turn>", 3, 0 }, { "<end_of_turn>", 3, 0 },
	{ "<|start_header_id|>", 3, 0 }, { "<|end_header_id|>", 3, 0 }, { "<|eot_id|>", 3, 0 }, { "</s>", 3, 0 }, { "<|end|>", 3, 0 },
	{ "<|system|>", 3, 0 }, { "<|user|>", 3, 0 }, { "<|assistant|>", 3, 0 },
};
static const char *const no_merge[] = { NULL };
static struct tok *chat_tok;
static struct buf chat_blob;

static int open_chat_vocab(void **state)
{
	static const struct vocab v = { "gpt2", "gpt-2", chat_tokens, N_CONTROL, no_merge, .bytes = true, .bos = CONTROL };
	struct err e = {0};
	(void)state;
	int r = open_vocab(&v, &chat_tok, &chat_blob, &e);
	if (r)
		fail_msg("%s", e.msg);
	return r;
}

static int close_chat_vocab(void **state)
{
	(void)state;
	tok_close(chat_tok);
	buf_release(&chat_blob);
	return 0;
}

/* Control tokens among the ids. */
static size_t n_control(const struct tok_ids *ids)
{
	size_t n = 0;
	for (size_t i = 0; i < ids->len; i++)
		n += ids->id[i] >= CONTROL;
	return n;
}

#endif
