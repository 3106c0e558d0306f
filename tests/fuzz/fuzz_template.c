/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_template: any bytes as a model file's chat template, which is only ever looked at, and as what is said in a turn. The prompt
 * of a conversation decodes to its rendering, and no text opens a turn.
 */
#include <stdint.h>
#include <stdlib.h>

#include "generate/template.h"
#include "tests/fuzz/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct tok *tok;
	struct chat c;
	size_t marks = 0;
	if (!tok)
		tok = fuzz_vocabulary();
	enum template_kind kind = template_detect((const char *)p, n);
	if (kind >= TEMPLATE_N || !template_name(kind))
		abort();
	int32_t start = tok_find_special(tok, "<|im_start|>");
	chat_init(&c, TEMPLATE_CHATML, tok);
	chat_turn(&c, CHAT_USER, (const char *)p, n);
	if (chat_reply(&c, NULL))
		abort();
	for (size_t i = 0; i < c.ids.len; i++)
		marks += c.ids.id[i] == start;
	if (marks != 2)		/* the turn of the user and that of the model */
		abort();
	chat_release(&c);
	return 0;
}
