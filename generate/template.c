/* SPDX-License-Identifier: Apache-2.0
 *
 * template: one row of strings for each kind says how a turn is written; strings marked with \1 are control tokens.
 *
 *	row:    open + role name + head ... text ... + tail
 *	ChatML: \1<|im_start|>\1 user "\n" ... \1<|im_end|>\1 "\n"
 *
 * A mark that the vocabulary doesn't have (a base model) is written as plain text.
 */
#include "generate/template.h"

#include <string.h>

struct form {
	const char *name, *system;	/* default system prompt, or NULL */
	const char *open, *head, *tail;	/* around each turn; between \1 and \1 stands a control token */
	const char *reply;		/* opens the model's turn */
	const char *role[3];
	bool is_trimmed, bos;
};

#define IM "\1<|im_start|>\1", "\n", "\1<|im_end|>\1\n", "\1<|im_start|>\1assistant\n", { "system", "user", "assistant" }

static const struct form forms[TEMPLATE_N] = {
	[TEMPLATE_PLAIN] = { "plain", NULL, "", "", "\n\n", "", { "", "", "" } },
	[TEMPLATE_CHATML] = { "chatml", NULL, IM },
	[TEMPLATE_QWEN] = { "qwen", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", IM },
	[TEMPLATE_SMOLLM] = { "smollm", "You are a helpful AI assistant named SmolLM, trained by Hugging Face", IM },
	[TEMPLATE_GEMMA] = { "gemma", NULL, "\1<start_of_turn>\1", "\n", "\1<end_of_turn>\1\n", "\1<start_of_turn>\1model\n",
		{ "user", "user", "model" }, true, true },
	[TEMPLATE_LLAMA3] = { "llama3", NULL, "\1<|start_header_id|>\1", "\1<|end_header_id|>\1\n\n", "\1<|eot_id|>\1",
		"\1<|start_header_id|>\1assistant\1<|end_header_id|>\1\n\n", { "system", "user", "assistant" }, true, true },
	[TEMPLATE_ZEPHYR] = { "zephyr", NULL, "", "\n", "\1</s>\1\n", "<|assistant|>\n",
		{ "<|system|>", "<|user|>", "<|assistant|>" } },
	[TEMPLATE_PHI3] = { "phi3", NULL, "", "\n", "\1<|end|>\1\n", "\1<|assistant|>\1\n",
		{ "\1<|system|>\1", "\1<|user|>\1", "\1<|assistant|>\1" } },
};

const char *const template_ends[] = {
	"<|im_end|>", "<|endoftext|>", "<end_of_turn>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "<|end|>", "</s>", "<eos>", NULL
};

const char *template_name(enum template_kind k)
{
	return forms[k].name;
}

static bool has(const char *s, size_t n, const char *what)
{
	return memmem(s, n, what, strlen(what)) != NULL;
}

enum template_kind template_detect(const char *s, size_t n)
{
	if (!s || n == 0)
		return TEMPLATE_CHATML;
	if (has(s, n, "<|im_start|>") && has(s, n, "<|im_end|>")) {
		if (has(s, n, forms[TEMPLATE_QWEN].system))
			return TEMPLATE_QWEN;
		return has(s, n, forms[TEMPLATE_SMOLLM].system) ? TEMPLATE_SMOLLM : TEMPLATE_CHATML;
	}
	if (has(s, n, "<start_of_turn>") && has(s, n, "<end_of_turn>"))
		return TEMPLATE_GEMMA;
	if (has(s, n, "<|start_header_id|>") && has(s, n, "<|eot_id|>"))
		return TEMPLATE_LLAMA3;
	if (has(s, n, "<|assistant|>") && has(s, n, "<|end|>"))
		return TEMPLATE_PHI3;
	if (has(s, n, "<|assistant|>") && (has(s, n, "eos_token") || has(s, n, "</s>")))
		return TEMPLATE_ZEPHYR;
	return TEMPLATE_PLAIN;
}

static void put_id(struct chat *c, int32_t id)
{
	if (tok_ids_push(&c->ids, id, 0))
		c->fail = ERR_MEM;
	c->is_text = false;
}

void chat_cut(struct chat *c)
{
	if (c->pending.len) {
		int (*encode)(const struct tok *, const char *, size_t, struct tok_ids *, struct err *) = c->is_text ? tok_encode_next : tok_encode;
		c->fail = c->fail ? c->fail : encode(c->tok, c->pending.data, c->pending.len, &c->ids, NULL);
		c->is_text = true;
	}
	buf_clear(&c->pending);
}

void chat_text(struct chat *c, const char *s, size_t n)
{
	if (buf_add(&c->pending, s, n) || buf_add(&c->text, s, n))
		c->fail = ERR_MEM;
}

/* A string of the table: text, and control tokens between \1 and \1. */
static void put_form(struct chat *c, const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "\1");
		chat_text(c, s, n);
		s += n;
		if (!*s)
			break;
		char mark[32];
		n = strcspn(++s, "\1");
		memcpy(mark, s, n);
		mark[n] = 0;
		s += n + 1;
		int32_t id = tok_find_special(c->tok, mark);
		if (id < 0) {
			chat_text(c, mark, n);
			continue;
		}
		chat_cut(c);
		put_id(c, id);
		if (buf_add(&c->text, mark, n))
			c->fail = ERR_MEM;
	}
}

void chat_init(struct chat *c, enum template_kind kind, const struct tok *tok)
{
	*c = (struct chat){ .kind = kind, .tok = tok };
	if ((tok_add_bos(tok) || forms[kind].bos) && tok_special(tok, TOK_BOS) >= 0)
		put_id(c, tok_special(tok, TOK_BOS));
}

void chat_release(struct chat *c)
{
	tok_ids_release(&c->ids);
	buf_release(&c->text);
	buf_release(&c->pending);
}

void chat_begin(struct chat *c, enum chat_role role)
{
	const struct form *f = &forms[c->kind];
	if (c->n_turn++ == 0 && role != CHAT_SYSTEM && f->system)
		chat_turn(c, CHAT_SYSTEM, f->system, strlen(f->system));
	if (c->is_joined) {		/* Gemma: the user's turn was opened by the system text */
		c->is_joined = false;
		if (role == CHAT_USER)
			return;
		put_form(c, f->tail);
	}
	put_form(c, f->open);
	put_form(c, f->role[role]);
	put_form(c, f->head);
	c->is_joined = c->kind == TEMPLATE_GEMMA && role == CHAT_SYSTEM;
}

void chat_end(struct chat *c)
{
	put_form(c, c->is_joined ? "\n\n" : forms[c->kind].tail);
}

static bool is_space(char x)
{
	return x == ' ' || (x >= '\t' && x <= '\r');
}

void chat_turn(struct chat *c, enum chat_role role, const char *s, size_t n)
{
	if (forms[c->kind].is_trimmed) {
		while (n && is_space(s[n - 1]))
			n--;
		while (n && is_space(*s)) {
			s++;
			n--;
		}
	}
	chat_begin(c, role);
	chat_text(c, s, n);
	chat_end(c);
}

int chat_reply(struct chat *c, struct err *e)
{
	if (c->is_joined) {
		c->is_joined = false;
		put_form(c, forms[c->kind].tail);
	}
	put_form(c, forms[c->kind].reply);
	chat_cut(c);
	if (c->fail)
		return err_set(e, c->fail, ERR_NO_OFFSET, "out of memory for the prompt");
	return 0;
}
