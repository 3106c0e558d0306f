/* SPDX-License-Identifier: Apache-2.0
 *
 * err: messages, their cutting to size, and the table of exit statuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/utf8.h"

static void err_set_returns_its_code_and_accepts_null(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, ERR_FORMAT, 12, "bad magic in '%s'", "x"), ERR_FORMAT);
	assert_string_equal(e.msg, "bad magic in 'x'");
	assert_int_equal(e.at, 12);
	assert_int_equal(err_set(NULL, ERR_MEM, 0, "x"), ERR_MEM);
	assert_int_equal(err_sys(NULL, ERR_IO, "x"), ERR_IO);
}

static void err_sys_appends_the_reason(void **state)
{
	(void)state;
	struct err e = {0};
	errno = ENOENT;
	err_sys(&e, ERR_NOENT, "cannot open '%s'", "f");
	assert_string_equal(e.msg, "cannot open 'f': No such file or directory");
	assert_true(e.at == ERR_NO_OFFSET);
}

static void err_wrap_puts_a_prefix_and_cuts_at_the_end(void **state)
{
	(void)state;
	struct err e = {0};
	char longer[sizeof e.msg * 2];
	err_set(&e, ERR_EOF, 3, "inner");
	assert_int_equal(err_wrap(&e, "outer %d", 1), ERR_EOF);
	assert_string_equal(e.msg, "outer 1: inner");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	err_wrap(&e, "%s", longer);
	assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
	err_set(&e, ERR_EOF, 3, "%s", longer);
	err_wrap(&e, "outer");
	assert_int_equal(strncmp(e.msg, "outer: xxx", 10), 0);
	assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
}

static void a_cut_message_ends_with_a_whole_character(void **state)
{
	(void)state;
	struct err e = {0};
	char name[sizeof e.msg * 2 + 1];
	for (size_t i = 0; i < sizeof e.msg; i++)
		memcpy(name + 2 * i, "\xc3\xa9", 3);
	for (int odd = 0; odd < 2; odd++) {
		err_set(&e, ERR_IO, 0, "%s%s", odd ? "x" : "", name);
		assert_true(utf8_valid(e.msg, strlen(e.msg), NULL));
		err_wrap(&e, "%s", odd ? "xy" : "x");
		assert_true(utf8_valid(e.msg, strlen(e.msg), NULL));
		err_sys(&e, ERR_IO, "%s%s", odd ? "x" : "", name);
		assert_true(utf8_valid(e.msg, strlen(e.msg), NULL));
		assert_true(strlen(e.msg) >= sizeof e.msg - 2);
	}
}

static void err_exit_every_code_has_its_status(void **state)
{
	(void)state;
	static const struct { int code, status; } table[] = {
		{ 0, 0 }, { ERR_IO, 74 }, { ERR_EOF, 65 }, { ERR_FORMAT, 65 }, { ERR_VERSION, 76 }, { ERR_LIMIT, 65 },
		{ ERR_MEM, 74 }, { ERR_ARG, 2 }, { ERR_LOCK, 75 }, { ERR_CHECKSUM, 65 }, { ERR_UNSUPPORTED, 65 },
		{ ERR_NOENT, 66 }, { ERR_CREATE, 73 }, { ERR_PERM, 77 }, { ERR_CONF, 78 }, { ERR_BUG, 70 }, { ERR_AGAIN, 74 }, { -99, 70 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(err_exit(table[i].code), table[i].status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_returns_its_code_and_accepts_null),
		cmocka_unit_test(err_sys_appends_the_reason),
		cmocka_unit_test(err_wrap_puts_a_prefix_and_cuts_at_the_end),
		cmocka_unit_test(a_cut_message_ends_with_a_whole_character),
		cmocka_unit_test(err_exit_every_code_has_its_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
