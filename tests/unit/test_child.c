/* SPDX-License-Identifier: Apache-2.0
 *
 * child: what a converter prints, its status, its time; and what it can reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
	c.mem_max = c.mem_max ? c.mem_max : 1u << 30;
	c.out_max = c.out_max ? c.out_max : 1u << 20;
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

static void child_run_stops_one_that_takes_too_long(void **state)
{
	(void)state;
	struct buf out = {0};
	int status;
	uint64_t from = io_now_ns();
	assert_int_equal(run("echo light; exec sleep 20", (struct child){ .timeout_ms = 100 }, &out, &status), ERR_LIMIT);
	assert_string_equal(out.data, "light\n");
	assert_int_equal(run("while :; do :; done", (struct child){ .timeout_ms = 100 }, &out, &status), ERR_LIMIT);
	assert_int_equal(status, 128 + 9);
	assert_true(io_now_ns() - from < 10000000000u);
	buf_release(&out);
}

/* In a process of its own, which the command stops for two seconds. */
static void child_run_counts_no_time_for_which_it_was_stopped(void **state)
{
	(void)state;
	struct buf out = {0};
	int status;
	pid_t pid = fork();
	if (!pid) {
		const char *command = "(sleep 0.1; kill -STOP $PPID; sleep 2; kill -CONT $PPID) & sleep 0.4; head -c 200000 /dev/zero";
		int r = run(command, (struct child){ .timeout_ms = 1700 }, &out, &status);
		_exit(r || out.len != 200000);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What the command itself started does not go on for ever either. */
static void child_run_stops_all_that_was_started(void **state)
{
	(void)state;
	struct buf out = {0};
	int status;
	assert_int_equal(run("sleep 60 & echo $!; wait", (struct child){ .timeout_ms = 300 }, &out, &status), ERR_LIMIT);
	pid_t pid = (pid_t)atoi(out.data);
	char path[64], state_of[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 200; i++) {		/* it is gone, or waits for init to take note of that */
		FILE *f = fopen(path, "r");
		if (!f || !fgets(state_of, sizeof state_of, f) || strstr(state_of, ") Z "))
			state_of[0] = '\0';
		if (f)
			fclose(f);
		if (!state_of[0])
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	assert_true(pid > 1);
	assert_string_equal(state_of, "");
	buf_release(&out);
}

static void child_run_stops_one_that_prints_too_much(void **state)
{
	(void)state;
	struct buf out = {0};
	int status;
	assert_int_equal(run("yes", (struct child){ .out_max = 100000 }, &out, &status), ERR_LIMIT);
	assert_true(out.len <= 100000);
	buf_release(&out);
}

static int refuse(void *arg, const char *p, size_t n, struct err *e)
{
	(void)arg;
	(void)p;
	(void)n;
	return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "enough");
}

static void child_run_ends_with_the_error_of_its_reader(void **state)
{
	(void)state;
	const char *const argv[] = { "yes", NULL };
	struct child c = { .argv = argv, .in = -1, .timeout_ms = 10000, .mem_max = 1u << 30, .out_max = 1u << 30 };
	struct err e = {0};
	int status;
	assert_int_equal(child_run(&c, refuse, NULL, &status, &e), ERR_FORMAT);
	assert_true(status == 128 + SIGKILL || status == 128 + SIGPIPE);
}

/* The limits are set when the child runs already: it waits for the first. */
static void child_run_bounds_processor_memory_core_and_files(void **state)
{
	(void)state;
	static const char wait[] = "until test \"$(ulimit -t)\" = 3; do :; done; ";
	char command[200];
	struct buf out = {0};
	int status;
	struct rlimit core;
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	core.rlim_cur = core.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_CORE, &core), 0);
	snprintf(command, sizeof command, "%s ulimit -v; ulimit -c", wait);
	assert_int_equal(run(command, (struct child){ .timeout_ms = 2000, .mem_max = 1u << 28 }, &out, &status), 0);
	assert_string_equal(out.data, "262144\n0\n");
	snprintf(command, sizeof command, "%s sleep 0.1; exec dd if=/dev/zero of=/dev/null bs=200M count=1", wait);
	assert_int_equal(run(command, (struct child){ .timeout_ms = 2000, .mem_max = 1u << 26 }, &out, &status), 0);
	assert_int_equal(status, 1);
	snprintf(command, sizeof command, "%s sleep 0.1; f=$(mktemp); head -c 200000 /dev/zero >$f; s=$?; wc -c <$f; rm $f; exit $s", wait);
	buf_clear(&out);
	assert_int_equal(run(command, (struct child){ .timeout_ms = 2000, .out_max = 100000 }, &out, &status), 0);
	assert_true(status != 0);
	assert_string_equal(out.data, "100000\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_run_gives_output_and_status),
		cmocka_unit_test(child_run_stops_one_that_closed_its_output),
		cmocka_unit_test(child_run_stops_one_that_takes_too_long),
		cmocka_unit_test(child_run_counts_no_time_for_which_it_was_stopped),
		cmocka_unit_test(child_run_stops_all_that_was_started),
		cmocka_unit_test(child_run_stops_one_that_prints_too_much),
		cmocka_unit_test(child_run_ends_with_the_error_of_its_reader),
		cmocka_unit_test(child_run_bounds_processor_memory_core_and_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
