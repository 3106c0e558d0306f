/* SPDX-License-Identifier: Apache-2.0
 *
 * template: is a chat written as the model's own template writes it? The reference's messages are rendered and compared byte for
 * byte; and what is said, although it contains a control token's name, must not have become that token.
 *
 *	template NAME MODEL.gguf REF/logits/NAME.json.gz
 */
#include <string.h>

#include "generate/template.h"
#include "lib/model/gguf.h"
#include "tests/conform/ref.h"

static enum chat_role role_of(const char *s)
{
	return !strcmp(s, "system") ? CHAT_SYSTEM : !strcmp(s, "user") ? CHAT_USER : CHAT_ASSISTANT;
}

static size_t count(const struct chat *c, const char *mark)
{
	size_t n = 0;
	for (size_t i = 0; i < c->ids.len; i++)
		n += c->ids.id[i] == tok_find_special(c->tok, mark);
	return n;
}

static int check(const char *name, struct chat *c, const json_t *t)
{
	const json_t *msgs = json_object_get(t, "messages");
	const char *want = json_string_value(json_object_get(t, "rendered"));
	for (size_t i = 0; i < json_array_size(msgs); i++) {
		const json_t *m = json_array_get(msgs, i);
		const char *text = json_string_value(json_object_get(m, "content"));
		chat_turn(c, role_of(json_string_value(json_object_get(m, "role"))), text, strlen(text));
	}
	if (chat_reply(c, NULL) || !want || c->text.len != strlen(want) || memcmp(c->text.data, want, c->text.len) != 0) {
		printf("FAIL template %s rendered as:\n%.*s\n", name, (int)c->text.len, c->text.data ? c->text.data : "");
		return 1;
	}
	size_t turns = json_array_size(msgs) + 1;
	if (tok_find_special(c->tok, "<|im_start|>") >= 0 && count(c, "<|im_start|>") != turns) {
		printf("FAIL template %s: %zu turns opened, not %zu\n", name, count(c, "<|im_start|>"), turns);
		return 1;
	}
	printf("ok template %s (%s, %zu bytes, %zu tokens)\n", name, template_name(c->kind), c->text.len, c->ids.len);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: template NAME MODEL.gguf FILE.json.gz\n");
		return 2;
	}
	struct err e = { 0 };
	struct gguf *g = NULL;
	struct tok *tok = NULL;
	struct chat c = { 0 };
	json_t *ref = ref_load(argv[3]);
	int rc = !ref || gguf_open(&g, argv[2], &e) || tok_open_file(&tok, argv[2], &e);
	if (rc) {
		printf("FAIL template %s %s\n", argv[1], e.msg[0] ? e.msg : "no reference");
	} else {
		struct gguf_str s = { 0 };
		gguf_str(g, "tokenizer.chat_template", &s);
		chat_init(&c, template_detect(s.s, s.n), tok);
		c.ids.len = 0;			/* a BOS in front is not part of the rendering */
		rc = check(argv[1], &c, json_object_get(ref, "template"));
	}
	chat_release(&c);
	tok_close(tok);
	gguf_close(g);
	json_decref(ref);
	return rc;
}
