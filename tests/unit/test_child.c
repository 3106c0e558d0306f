/* SPDX-License-Identifier: Apache-2.0
 *
 * child: what a converter prints, its status, its time; and what it can reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"
#include "tokenize/child.h"

static int collect(void *arg, const char *p, size_t n, struct err *e)
{
	(void)e;
	return buf_add(arg, p, n);
}

/* Runs a command of the shell; what it prints is added to `out`. */
static int run(const char *command, struct child c, struct buf *out, int *status)
{
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct err e = {0};
	c.argv = argv;
	c.in = -1;
	c.timeout_ms = c.timeout_ms ? c.timeout_ms : 10000;
	c.mem_max = 1u << 30;
	c.out_max = 1u << 20;
	*status = -1;
	return child_run(&c, collect, out, status, &e);
}

static void child_run_gives_output_and_status(void **state)
{
	(void)state;
	struct buf out = {0};
	int status;
	assert_int_equal(run("echo light; exit 3", (struct child){0}, &out, &status), 0);
	assert_int_equal(status, 3);
	assert_string_equal(out.data, "light\n");
	assert_int_equal(run("kill -9 $$", (struct child){0}, &out, &status), 0);
	assert_int_equal(status, 128 + 9);
	buf_release(&out);
}

static void child_run_stops_one_that_closed_its_output(void **state)
{
	(void)state;
	struct buf out = {0};
	int status;
	uint64_t from = io_now_ns();
	assert_int_equal(run("exec sleep 20 >&-", (struct child){ .timeout_ms = 200 }, &out, &status), ERR_LIMIT);
	assert_true(io_now_ns() - from < 10000000000u);
	assert_int_equal(run("exec >&-; sleep 0.1; exit 4", (struct child){0}, &out, &status), 0);
	assert_int_equal(status, 4);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_run_gives_output_and_status),
		cmocka_unit_test(child_run_stops_one_that_closed_its_output),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
