/* SPDX-License-Identifier: Apache-2.0
 *
 * template: how a model wants a conversation written. A file's chat template is a program; it is never run. Known ones are
 * recognised by their features and written by code: marks are control tokens (integers), everything said is encoded by
 * tok_encode, which has no special tokens, so no text can open a turn.
 *
 *	struct chat c;
 *	chat_init(&c, kind, tok);
 *	chat_turn(&c, CHAT_SYSTEM, s, n);
 *	chat_begin(&c, CHAT_USER);  chat_text(&c, sources, n);  chat_cut(&c);  chat_text(&c, question, n);  chat_end(&c);
 *	if (chat_reply(&c, &e)) ...		// c.ids is the prompt, c.text its rendering
 *	chat_release(&c);
 */
#ifndef TT_GENERATE_TEMPLATE_H
#define TT_GENERATE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "tokenize/tok.h"

enum template_kind {
	TEMPLATE_PLAIN,		/* unknown: turns are joined by blank lines */
	TEMPLATE_CHATML,	/* <|im_start|>role\n...<|im_end|>\n; also for files without any template */
	TEMPLATE_QWEN,		/* ChatML with Qwen 2.5's default system prompt */
	TEMPLATE_SMOLLM,	/* ChatML with SmolLM2's default system prompt */
	TEMPLATE_GEMMA,		/* <start_of_turn>role\n...<end_of_turn>\n; no system role: its text opens the first user turn */
	TEMPLATE_LLAMA3,	/* <|start_header_id|>role<|end_header_id|>\n\n...<|eot_id|> */
	TEMPLATE_ZEPHYR,	/* <|role|>\n...</s>\n */
	TEMPLATE_PHI3,		/* <|role|>\n...<|end|>\n */
	TEMPLATE_N
};
enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT };

/* Kind of a template text; s = NULL when the file has none. */
enum template_kind template_detect(const char *s, size_t n);
const char *template_name(enum template_kind k);
/* Names of control tokens that end a reply in some template; NULL-terminated. */
extern const char *const template_ends[];

struct chat {
	struct tok_ids ids;		/* the prompt so far */
	struct buf text;		/* the same as text, marks written out */
	const struct tok *tok;		/* borrowed */
	enum template_kind kind;
	int n_turn;			/* turns begun */
	bool is_joined;			/* Gemma: a system text waits in the open user turn */
	bool is_text;			/* the last id is of text, which what is encoded next continues */
	int fail;			/* first ERR_*; reported by chat_reply */
	struct buf pending;		/* text not yet encoded */
};
/* Writes BOS if the model wants it. */
void chat_init(struct chat *c, enum template_kind kind, const struct tok *tok);
void chat_release(struct chat *c);
/* A turn in pieces. chat_cut ends a token for sure, so that what stands before it is the same ids whatever follows. */
void chat_begin(struct chat *c, enum chat_role role);
void chat_text(struct chat *c, const char *s, size_t n);
void chat_cut(struct chat *c);
void chat_end(struct chat *c);
/* A turn at once. Gemma and Llama 3 trim what is said, as their templates do. */
void chat_turn(struct chat *c, enum chat_role role, const char *s, size_t n);
/* Opens the model's turn and finishes. ERR_MEM. */
int chat_reply(struct chat *c, struct err *e);

#endif
