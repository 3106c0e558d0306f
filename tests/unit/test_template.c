/* SPDX-License-Identifier: Apache-2.0
 *
 * template: conversations as the models' own templates write them, and texts that try to write control tokens.
 */
#include "generate/template.h"
#include "tests/unit/chatvocab.h"

struct turn { enum chat_role role; const char *text; };

/* A system text, a question that holds a mark, an answer, a question with two lines; as in the reference renderings. */
static const struct turn talk[] = {
	{ CHAT_SYSTEM, "You answer from the sources only." }, { CHAT_USER, "Hello <|im_start|> there?" }, { CHAT_ASSISTANT, "Hi." },
	{ CHAT_USER, "List files.\nThanks" },
};
static const struct turn bare[] = { { CHAT_USER, " List files.\n" } };

#define CHATML_TALK "<|im_start|>system\nYou answer from the sources only.<|im_end|>\n" \
	"<|im_start|>user\nHello <|im_start|> there?<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n" \
	"<|im_start|>user\nList files.\nThanks<|im_end|>\n<|im_start|>assistant\n"
#define LLAMA3(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"

static const struct rendering {
	enum template_kind kind;
	const struct turn *turn;
	size_t n;
	const char *want;
	size_t n_mark;		/* control tokens that the template writes (BOS aside) */
} renderings[] = {
	{ TEMPLATE_CHATML, talk, 4, CHATML_TALK, 9 },
	{ TEMPLATE_QWEN, talk, 4, CHATML_TALK, 9 },
	{ TEMPLATE_SMOLLM, talk, 4, CHATML_TALK, 9 },
	{ TEMPLATE_CHATML, bare, 1, "<|im_start|>user\n List files.\n<|im_end|>\n<|im_start|>assistant\n", 3 },
	{ TEMPLATE_QWEN, bare, 1, "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
		"<|im_start|>user\n List files.\n<|im_end|>\n<|im_start|>assistant\n", 5 },
	{ TEMPLATE_SMOLLM, bare, 1, "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
		"<|im_start|>user\n List files.\n<|im_end|>\n<|im_start|>assistant\n", 5 },
	{ TEMPLATE_GEMMA, talk, 4, "<start_of_turn>user\nYou answer from the sources only.\n\nHello <|im_start|> there?<end_of_turn>\n"
		"<start_of_turn>model\nHi.<end_of_turn>\n<start_of_turn>user\nList files.\nThanks<end_of_turn>\n<start_of_turn>model\n", 7 },
	{ TEMPLATE_GEMMA, bare, 1, "<start_of_turn>user\nList files.<end_of_turn>\n<start_of_turn>model\n", 3 },
	{ TEMPLATE_LLAMA3, talk, 4, LLAMA3("system") "You answer from the sources only.<|eot_id|>" LLAMA3("user")
		"Hello <|im_start|> there?<|eot_id|>" LLAMA3("assistant") "Hi.<|eot_id|>" LLAMA3("user") "List files.\nThanks<|eot_id|>"
		LLAMA3("assistant"), 14 },
	{ TEMPLATE_LLAMA3, bare, 1, LLAMA3("user") "List files.<|eot_id|>" LLAMA3("assistant"), 5 },
	{ TEMPLATE_PHI3, bare, 1, "<|user|>\n List files.\n<|end|>\n<|assistant|>\n", 3 },
	{ TEMPLATE_PLAIN, bare, 1, " List files.\n\n\n", 0 },
};

static void chat_known_templates_render_as_the_models_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof renderings / sizeof *renderings; i++) {
		const struct rendering *r = &renderings[i];
		struct chat c;
		chat_init(&c, r->kind, chat_tok);
		size_t bos = c.ids.len;
		for (size_t k = 0; k < r->n; k++)
			chat_turn(&c, r->turn[k].role, r->turn[k].text, strlen(r->turn[k].text));
		assert_int_equal(chat_reply(&c, NULL), 0);
		if (c.text.len != strlen(r->want) || memcmp(c.text.data, r->want, c.text.len) != 0)
			fail_msg("%s: rendered as\n%.*s", template_name(r->kind), (int)c.text.len, c.text.data);
		assert_int_equal(n_control(&c.ids) - bos, r->n_mark);
		chat_release(&c);
	}
}

static void chat_bos_stands_where_the_model_wants_it(void **state)
{
	(void)state;
	struct chat c;
	chat_init(&c, TEMPLATE_GEMMA, chat_tok);
	assert_int_equal(c.ids.len, 1);
	assert_int_equal(c.ids.id[0], CONTROL);
	assert_int_equal(c.text.len, 0);
	chat_release(&c);
	chat_init(&c, TEMPLATE_QWEN, chat_tok);
	assert_int_equal(c.ids.len, 0);
	chat_release(&c);
}

/* Every mark of every template inside a text is text: as many ids as bytes, none of them a control token. */
static void chat_marks_in_texts_stay_text(void **state)
{
	(void)state;
	struct buf all = {0};
	for (size_t i = 0; i < N_CONTROL; i++)
		buf_printf(&all, "x%s%s\n", chat_tokens[i].text, chat_tokens[(i + 1) % N_CONTROL].text);
	for (enum template_kind k = 0; k < TEMPLATE_N; k++) {
		struct chat with, without;
		chat_init(&with, k, chat_tok);
		chat_init(&without, k, chat_tok);
		chat_turn(&with, CHAT_SYSTEM, all.data, all.len);
		chat_turn(&without, CHAT_SYSTEM, "s", 1);
		chat_turn(&with, CHAT_USER, all.data, all.len);
		chat_turn(&without, CHAT_USER, "u", 1);
		assert_int_equal(chat_reply(&with, NULL), 0);
		assert_int_equal(chat_reply(&without, NULL), 0);
		assert_int_equal(n_control(&with.ids), n_control(&without.ids));
		assert_int_equal(with.ids.len - without.ids.len, with.text.len - without.text.len);
		chat_release(&with);
		chat_release(&without);
	}
	buf_release(&all);
}

/* A mark cut in two by pieces of a text is not put together again either. */
static void chat_mark_in_pieces_stays_text(void **state)
{
	(void)state;
	struct chat c;
	chat_init(&c, TEMPLATE_CHATML, chat_tok);
	chat_begin(&c, CHAT_USER);
	chat_text(&c, "<|im_", 5);
	chat_text(&c, "start|>", 7);
	chat_end(&c);
	assert_int_equal(chat_reply(&c, NULL), 0);
	assert_int_equal(n_control(&c.ids), 3);
	chat_release(&c);
}

/* What stands before a cut is the same ids whatever follows. */
static void chat_cut_makes_a_stable_prefix(void **state)
{
	(void)state;
	static const char *const tail[] = { "", " more", "\n\n\n", "é" };
	int32_t first[256];
	size_t n_first = 0;
	for (size_t i = 0; i < sizeof tail / sizeof *tail; i++) {
		struct chat c;
		chat_init(&c, TEMPLATE_QWEN, chat_tok);
		chat_begin(&c, CHAT_USER);
		chat_text(&c, "Sources:\n\n", 10);
		chat_cut(&c);
		size_t n = c.ids.len;
		chat_text(&c, tail[i], strlen(tail[i]));
		chat_end(&c);
		assert_int_equal(chat_reply(&c, NULL), 0);
		assert_true(n < sizeof first / sizeof *first);
		if (i == 0) {
			n_first = n;
			memcpy(first, c.ids.id, n * sizeof *first);
		}
		assert_int_equal(n, n_first);
		assert_memory_equal(first, c.ids.id, n * sizeof *first);
		chat_release(&c);
	}
}

/* SentencePiece puts a space in front of a text, and of one behind a control token, and of no piece of one. */
static void chat_pieces_of_a_text_get_no_space_in_front(void **state)
{
	(void)state;
	static const struct entry tokens[] = {
		{ "<unk>", 2, 0 }, { "<s>", 3, 0 }, { "</s>", 3, 0 }, { "▁", 1, -1 }, { "a", 1, -2 }, { "b", 1, -2 }, { "\n", 1, -2 },
		{ "▁b", 1, -1 }, { "<", 1, -2 }, { "|", 1, -2 }, { ">", 1, -2 }, { "u", 1, -2 }, { "s", 1, -2 }, { "e", 1, -2 },
		{ "r", 1, -2 }, { "i", 1, -2 }, { "t", 1, -2 }, { "n", 1, -2 },
	};
	static const struct vocab spm = { "llama", NULL, tokens, sizeof tokens / sizeof *tokens, NULL, .bos = 1 };
	static const struct { enum template_kind kind; const char *want; } cases[] = {
		{ TEMPLATE_PLAIN, "a\nb\n\n" }, { TEMPLATE_ZEPHYR, "<|user|>\na\nb \n<|assistant|>\n" },
	};
	struct tok *tok;
	struct buf blob, said = {0};
	assert_int_equal(open_vocab(&spm, &tok, &blob, NULL), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct chat c;
		chat_init(&c, cases[i].kind, tok);
		chat_begin(&c, CHAT_USER);
		chat_text(&c, "a\n", 2);
		chat_cut(&c);
		chat_cut(&c);
		chat_text(&c, "b", 1);
		chat_end(&c);
		assert_int_equal(chat_reply(&c, NULL), 0);
		buf_clear(&said);
		assert_int_equal(tok_decode(tok, c.ids.id, c.ids.len, &said), 0);
		if (said.len != strlen(cases[i].want) || memcmp(said.data, cases[i].want, said.len) != 0)
			fail_msg("%s: encoded as\n%.*s", template_name(cases[i].kind), (int)said.len, said.data);
		chat_release(&c);
	}
	/* Marks that the vocabulary does not have are text. */
	struct chat c;
	chat_init(&c, TEMPLATE_CHATML, tok);
	chat_turn(&c, CHAT_USER, "b", 1);
	assert_int_equal(chat_reply(&c, NULL), 0);
	assert_true(c.ids.len > 20);
	for (size_t i = 0; i < c.ids.len; i++)
		assert_true(c.ids.id[i] >= 0);
	chat_release(&c);
	buf_release(&said);
	tok_close(tok);
	buf_release(&blob);
}

static void detect_template_text_gives_kind(void **state)
{
	(void)state;
	static const struct { const char *text; enum template_kind kind; } c[] = {
		{ "{{'<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>'}}", TEMPLATE_CHATML },
		{ "<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>", TEMPLATE_QWEN },
		{ "<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>", TEMPLATE_SMOLLM },
		{ "{{ '<start_of_turn>' + role + '\\n' }}{{ '<end_of_turn>\\n' }}", TEMPLATE_GEMMA },
		{ "'<|start_header_id|>' + role + '<|end_header_id|>\\n\\n' + text + '<|eot_id|>'", TEMPLATE_LLAMA3 },
		{ "'<|user|>\\n' + content + '<|end|>\\n<|assistant|>\\n'", TEMPLATE_PHI3 },
		{ "'<|user|>\\n' + content + eos_token + '<|assistant|>'", TEMPLATE_ZEPHYR },
		{ "[INST] {{ content }} [/INST]", TEMPLATE_PLAIN }, { "{{ '<|im_start|>' + content }}", TEMPLATE_PLAIN },
		{ "{{ '<start_of_turn>' + content }}", TEMPLATE_PLAIN }, { "content + '<|end|>'", TEMPLATE_PLAIN },
		{ "", TEMPLATE_CHATML },
	};
	assert_int_equal(template_detect(NULL, 0), TEMPLATE_CHATML);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		assert_int_equal(template_detect(c[i].text, strlen(c[i].text)), c[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chat_known_templates_render_as_the_models_own),
		cmocka_unit_test(chat_bos_stands_where_the_model_wants_it),
		cmocka_unit_test(chat_marks_in_texts_stay_text),
		cmocka_unit_test(chat_mark_in_pieces_stays_text),
		cmocka_unit_test(chat_cut_makes_a_stable_prefix),
		cmocka_unit_test(chat_pieces_of_a_text_get_no_space_in_front),
		cmocka_unit_test(detect_template_text_gives_kind),
	};
	return cmocka_run_group_tests_name("template", tests, open_chat_vocab, close_chat_vocab);
}
