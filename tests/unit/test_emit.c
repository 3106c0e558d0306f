/* SPDX-License-Identifier: Apache-2.0
 *
 * emit: when text goes out, and that what two programs append to one file stays apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/emit.h"

static const struct ask_str id = { "q1", 2 };

static void say(struct emit *em, const char *s)
{
	assert_int_equal(emit_token(em, s, strlen(s), NULL), 0);
}

static void end(struct emit *em, const char *all)
{
	assert_int_equal(emit_end(em, &(struct emit_answer){ .text = all, .n = strlen(all) }, NULL), 0);
}

static void emit_text_two_answers_in_a_file_do_not_mix(void **state)
{
	(void)state;
	char path[] = "/tmp/emit-XXXXXX", got[64] = "";
	struct emit a, b;
	int fd = mkstemp(path), other = open(path, O_WRONLY | O_APPEND);
	assert_true(fd >= 0 && other >= 0 && fcntl(fd, F_SETFL, O_APPEND) == 0);
	assert_int_equal(emit_open(&a, fd, EMIT_TEXT, "m", NULL), 0);
	assert_int_equal(emit_open(&b, other, EMIT_TEXT, "m", NULL), 0);
	assert_int_equal(emit_begin(&a, id, NULL), 0);
	say(&a, "one ");
	assert_int_equal(emit_begin(&b, id, NULL), 0);
	say(&b, "two");
	say(&a, "three");
	end(&a, "one three");
	assert_int_equal(emit_begin(&a, id, NULL), 0);
	say(&a, "four");
	end(&b, "two");
	end(&a, "four");
	assert_true(pread(fd, got, sizeof got - 1, 0) > 0);
	assert_string_equal(got, "one three\ntwo\n\nfour\n");
	emit_close(&a, NULL);
	emit_close(&b, NULL);
	close(fd);
	close(other);
	unlink(path);
}

static void emit_text_on_a_pipe_comes_as_it_is_made(void **state)
{
	(void)state;
	char got[16] = "";
	int fd[2];
	struct emit em;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(emit_open(&em, fd[1], EMIT_TEXT, "m", NULL), 0);
	assert_int_equal(emit_begin(&em, id, NULL), 0);
	say(&em, "one\x1b");
	assert_true(read(fd[0], got, sizeof got - 1) > 0);
	assert_non_null(strstr(got, "one"));
	assert_null(strchr(got, '\x1b'));
	emit_close(&em, NULL);
	close(fd[0]);
	close(fd[1]);
}

/* What there is of an answer that failed is kept, and told apart from the next. */
static void emit_text_half_an_answer_stays_before_the_next(void **state)
{
	(void)state;
	char path[] = "/tmp/emit-XXXXXX", got[32] = "";
	struct emit em;
	int fd = mkstemp(path);
	assert_int_equal(emit_open(&em, fd, EMIT_TEXT, "m", NULL), 0);
	assert_int_equal(emit_begin(&em, id, NULL), 0);
	say(&em, "half");
	assert_int_equal(emit_error(&em, &(struct err){ .code = ERR_LIMIT }, NULL), 0);
	assert_int_equal(pread(fd, got, sizeof got - 1, 0), 4);
	assert_string_equal(got, "half");
	emit_abort(&em);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emit_text_two_answers_in_a_file_do_not_mix),
		cmocka_unit_test(emit_text_on_a_pipe_comes_as_it_is_made),
		cmocka_unit_test(emit_text_half_an_answer_stays_before_the_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
