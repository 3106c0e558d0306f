/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_prompt: any bytes as a question and its hits. A prompt that is made of them keeps within its room and opens no turn but its own, and
 * an answer from it can be written, with nothing in it that steers a terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "generate/emit.h"
#include "lib/base/io.h"
#include "tests/fuzz/vocabulary.h"

#define TURNS 5u	/* system, example, its reply, question, and the one to come */

/* Writes an answer that is the question, as far as a model could have said it. */
static void answer(const struct ask *a, const struct prompt *p, int fd, enum emit_form form)
{
	struct cites c = { .n_source = (unsigned)p->n_source };
	struct emit em;
	struct err e = {0};
	struct buf text = {0};
	for (size_t i = 0; i < a->text.n; i++)
		if (cites_allow(&c, a->text.s + i, 1)) {
			cites_push(&c, a->text.s + i, 1);
			buf_putc(&text, a->text.s[i]);
		}
	const struct emit_answer out = { .text = text.data, .n = text.len, .cites = &c, .prompt = p, .model = "tiny", .stop = "end" };
	if (emit_open(&em, fd, form, "tiny", &e) || emit_begin(&em, a->id, &e))
		abort();
	int r = emit_token(&em, text.data, text.len, &e);
	r = r ? r : emit_end(&em, &out, &e);
	if (r && r != ERR_LIMIT)
		abort();
	if (r)
		emit_abort(&em);
	else if (emit_close(&em, &e))
		abort();
	buf_release(&text);
}

/* What was written is all visible. */
static void look(int fd)
{
	struct buf b = {0};
	if (lseek(fd, 0, SEEK_SET) || io_read_fd(&b, fd, "answer", 1 << 26, NULL))
		abort();
	for (size_t i = 0; i < b.len;) {
		uint32_t c;
		bool ok;
		i += utf8_decode(b.data + i, b.len - i, &c, &ok);
		if (!ok || utf8_is_control(c))
			abort();
	}
	buf_release(&b);
}

static void build(const struct tok *tok, const struct ask *a, size_t n_max, int fd)
{
	struct prompt p;
	struct err e = {0};
	size_t marks = 0;
	int32_t start = tok_find_special(tok, "<|im_start|>");
	ask_is_answerable(a);
	if (prompt_build(&p, prompt_style_for(a), NULL, n_max % 4, a, TEMPLATE_CHATML, tok, n_max, &e)) {
		if (!e.code || !e.msg[0])
			abort();
		return;
	}
	for (size_t i = 0; i < p.chat.ids.len; i++)
		marks += p.chat.ids.id[i] == start;
	if (marks != TURNS || p.chat.ids.len > n_max)
		abort();
	for (int form = EMIT_TEXT; form <= EMIT_JSON; form++) {
		if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
			abort();
		answer(a, &p, fd, (enum emit_form)form);
		if (form != EMIT_REC)
			look(fd);
	}
	prompt_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct tok *tok;
	static int in = -1, out;
	struct rec_reader *r;
	struct rec rec;
	struct ask q = {0};
	struct err e = {0};
	if (!tok) {
		tok = fuzz_vocabulary();
		in = memfd_create("in", MFD_CLOEXEC);
		out = memfd_create("out", MFD_CLOEXEC);
	}
	if (n < 2 || ftruncate(in, 0) || pwrite(in, p + 2, n - 2, 0) != (ssize_t)n - 2 || lseek(in, 0, SEEK_SET))
		return 0;
	if (rec_reader_open(&r, in, "fuzz", &e))
		abort();
	rec_reader_allow_bare(r, true);
	while (rec_read(r, &rec, &e) > 0)
		if (rec_is(&rec, "query"))
			ask_start(&q, &rec, &e);
		else
			ask_add(&q, &rec, &e);
	if (q.text.n)
		build(tok, &q, 1000 + (size_t)p[0] * 16 + p[1], out);
	ask_release(&q);
	rec_reader_close(r);
	return 0;
}
