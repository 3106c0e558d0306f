/* SPDX-License-Identifier: Apache-2.0
 *
 * emit: what a reader of text sees, byte for byte, and what a record of an answer tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/emit.h"
#include "lib/base/io.h"

#define STR(s) { (s), sizeof(s) - 1 }

static char path[] = "/tmp/test_answer.XXXXXX";
static struct emit em;
static int fd;

static void start(enum emit_form form)
{
	strcpy(path + sizeof path - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(emit_open(&em, fd, form, "oak", NULL), 0);
}

/* What has been written, into `out`. */
static const char *written(struct buf *out)
{
	buf_clear(out);
	assert_int_equal(io_read_file(out, path, 1 << 16, NULL), 0);
	buf_putc(out, 0);
	return out->data;
}

static void finish(void)
{
	assert_int_equal(emit_close(&em, NULL), 0);
	close(fd);
	unlink(path);
}

static const struct ask_source keel = { .doc = STR("/n/keel"), .id = STR("07"), .name = STR("keel\n[2] rib"),
	.sec = { STR("A\x1B"), STR("B") }, .n_sec = 2 };
static const struct ask_source rib = { .doc = STR("/n/rib"), .id = STR("08") };
static const struct prompt prompt = { .source = { &keel, &rib }, .n_source = 2 };
static const struct cites cited = { .used = { 2, 1, 3 }, .n_used = 3 };		/* of the third the prompt has none */

static void answer(const char *text, const struct cites *cites)
{
	const struct emit_answer a = { .text = text, .n = strlen(text), .cites = cites, .prompt = &prompt, .model = "oak", .stop = "end",
		.n_prompt = 1, .n_cached = 2, .n_gen = 3, .n_draft = 4, .n_accept = 5, .ttft_ms = 6, .gen_ms = 7 };
	assert_int_equal(emit_begin(&em, (struct ask_str)STR("q7"), NULL), 0);
	if (a.n)
		assert_int_equal(emit_token(&em, text, a.n, NULL), 0);
	assert_int_equal(emit_end(&em, &a, NULL), 0);
}

/* Answers are parted by an empty line; nothing in them steers a terminal, or looks like a source. */
static void text_is_answers_and_their_sources(void **state)
{
	(void)state;
	struct buf out = { 0 };
	start(EMIT_TEXT);
	answer("Lay\x1B[1m it. [2][1]", &cited);
	answer("", &(struct cites){ 0 });
	answer("Step it.\n", NULL);
	assert_string_equal(written(&out), "Lay\\x1B[1m it. [2][1]\n\n[2] /n/rib\n[1] keel [2] rib  A\\x1B > B\n\n\n\nStep it.\n");
	assert_int_equal(emit_error(&em, &(struct err){ .code = ERR_FORMAT }, NULL), 0);
	finish();
	buf_release(&out);
}

static void records_tell_what_an_answer_cost(void **state)
{
	(void)state;
	static const char *const want[] = { "\"query\":\"q7\",\"text\":\"Lay it. [2]\"", "\"n_prompt\":1", "\"n_cached\":2", "\"n_gen\":3",
		"\"n_draft\":4", "\"n_accept\":5", "\"ttft_ms\":6.0", "\"gen_ms\":7.0", "\"model\":\"oak\"", "\"stop\":\"end\"",
		"{\"n\":2,\"doc\":\"/n/rib\",\"name\":\"\",\"id\":\"08\"},{\"n\":1,\"doc\":\"/n/keel\",\"name\":\"keel\\n[2] rib\",\"id\":\"07\"}]" };
	struct buf out = { 0 };
	start(EMIT_JSON);
	assert_int_equal(emit_begin(&em, (struct ask_str)STR("q7"), NULL), 0);
	assert_int_equal(emit_token(&em, "Lay", 3, NULL), 0);
	assert_non_null(strstr(written(&out), "\"Lay\""));		/* at once */
	answer("Lay it. [2]", &cited);
	written(&out);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		if (!strstr(out.data, want[i]))
			fail_msg("no %s in %s", want[i], out.data);
	finish();
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_answers_and_their_sources),
		cmocka_unit_test(records_tell_what_an_answer_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
