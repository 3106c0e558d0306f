/* SPDX-License-Identifier: Apache-2.0
 *
 * io: mapping, reading with bounds, replacing whole or not at all, directories.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/io.h"

static char dir[64];
static struct err e;

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/io-XXXXXX");
	return mkdtemp(dir) ? chdir(dir) : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink("f");
	unlink("d/e/f/g");
	rmdir("d/e/f");
	rmdir("d/e");
	rmdir("d");
	return chdir("/") || rmdir(dir);	/* fails if anything is left over */
}

static void io_replace_leaves_only_the_new_file(void **state)
{
	(void)state;
	struct buf b = {0};
	struct stat st;
	assert_int_equal(io_replace("f", "old", 3, 0640, &e), 0);
	assert_int_equal(io_replace("f", "newer", 5, 0600, &e), 0);
	assert_int_equal(io_read_file(&b, "f", 100, &e), 0);
	assert_string_equal(b.data, "newer");
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_release(&b);
}

static void aside_abort_leaves_the_old_file(void **state)
{
	(void)state;
	struct aside a;
	struct buf b = {0};
	assert_int_equal(io_replace("f", "old", 3, 0600, &e), 0);
	assert_int_equal(aside_open(&a, "f", 0600, &e), 0);
	assert_int_equal(io_write(a.fd, "x", 1, "f", &e), 0);
	aside_abort(&a);
	aside_abort(&a);
	assert_int_equal(io_read_file(&b, "f", 100, &e), 0);
	assert_string_equal(b.data, "old");
	buf_release(&b);
	struct aside zero = {0};
	aside_abort(&zero);
	assert_int_equal(fcntl(0, F_GETFD) >= 0, 1);	/* descriptor 0 is not taken for its own */
}

/* As on a full disk: some of it is written, and then no more. */
static void io_replace_that_cannot_be_written_leaves_the_old_file(void **state)
{
	(void)state;
	struct buf b = {0};
	struct rlimit was, small;
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){ 4, was.rlim_max };
	assert_int_equal(io_replace("f", "old", 3, 0600, &e), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(io_replace("f", "a new one", 9, 0600, &e), ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, before);
	assert_int_equal(io_read_file(&b, "f", 100, &e), 0);
	assert_string_equal(b.data, "old");
	buf_release(&b);
}

static void aside_of_a_folder_that_is_gone_tells_who_may_make_it_anew(void **state)
{
	(void)state;
	struct aside a;
	for (int commit = 0; commit < 2; commit++) {
		assert_int_equal(io_mkdirs("d", &e), 0);
		assert_int_equal(aside_open(&a, "d/f", 0600, &e), 0);
		assert_int_equal(unlink(a.tmp), 0);
		assert_int_equal(rmdir("d"), 0);
		assert_int_equal(commit ? aside_commit(&a, &e) : aside_publish(&a, &e), commit ? ERR_CREATE : ERR_NOENT);
	}
	assert_int_equal(io_mkdirs("f", &e), 0);
	assert_int_equal(aside_open(&a, "f", 0600, &e), 0);
	assert_int_equal(aside_publish(&a, &e), ERR_CREATE);	/* a folder has the name */
	assert_int_equal(rmdir("f"), 0);
}

static void aside_open_without_directory_is_an_error(void **state)
{
	(void)state;
	struct aside a;
	assert_int_equal(aside_open(&a, "nowhere/f", 0600, &e), ERR_CREATE);
	assert_int_equal(io_replace("nowhere/f", "x", 1, 0600, &e), ERR_CREATE);
}

static void io_sweep_removes_what_nobody_writes(void **state)
{
	(void)state;
	static const char *const mine[] = { "notes-of-mine.txt", "f.tmp.12345", "f.tmp.1234567", "f.tmp-123456", ".tmp.123456" };
	struct aside a;
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		assert_int_equal(io_replace(mine[i], "x", 1, 0600, &e), 0);
	assert_int_equal(io_replace("f.tmp.123456", "dead", 4, 0600, &e), 0);
	assert_int_equal(mkfifo("p.tmp.123456", 0600), 0);	/* no writer of it is waited for */
	assert_int_equal(aside_open(&a, "f", 0600, &e), 0);
	io_sweep(".");
	io_sweep("nowhere");
	assert_int_equal(access("f.tmp.123456", F_OK), -1);
	assert_int_equal(access("p.tmp.123456", F_OK), -1);
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		assert_int_equal(unlink(mine[i]), 0);
	assert_int_equal(access(a.tmp, F_OK), 0);
	assert_int_equal(aside_commit(&a, &e), 0);
	io_sweep(".");
	assert_int_equal(access("f", F_OK), 0);
}

static void io_read_stops_at_its_bound(void **state)
{
	(void)state;
	struct buf b = {0};
	assert_int_equal(io_replace("f", "12345", 5, 0600, &e), 0);
	assert_int_equal(io_read_file(&b, "f", 5, &e), 0);
	buf_clear(&b);
	assert_int_equal(io_read_file(&b, "f", 4, &e), ERR_LIMIT);
	assert_int_equal(io_read_file(&b, "none", 4, &e), ERR_NOENT);
	buf_release(&b);
}

static int pipe_fd[2];
static char drained[300000];
static volatile size_t n_drained;

static void put_one(int sig)
{
	(void)sig;
	assert_int_equal(write(pipe_fd[1], "x", 1), 1);
}

static void drain_some(int sig)
{
	static unsigned n_call;
	if (sig && ++n_call % 2)	/* a write that gave nothing is interrupted too */
		return;
	ssize_t got = read(pipe_fd[0], drained + n_drained, 70000);
	n_drained += got > 0 ? (size_t)got : 0;
}

static void every_2_ms(void (*handler)(int))
{
	struct sigaction a = { .sa_handler = handler };		/* no SA_RESTART */
	const struct itimerval on = { { 0, 2000 }, { 0, 2000 } }, off = { 0 };
	if (!handler)
		setitimer(ITIMER_REAL, &off, NULL);
	a.sa_handler = handler ? handler : SIG_DFL;
	sigaction(SIGALRM, &a, NULL);
	if (handler)
		setitimer(ITIMER_REAL, &on, NULL);
}

static void io_read_and_io_write_go_on_when_interrupted(void **state)
{
	(void)state;
	static char text[sizeof drained];
	char c = 0;
	assert_int_equal(pipe(pipe_fd), 0);
	every_2_ms(put_one);
	assert_int_equal(io_read(pipe_fd[0], &c, 1), 1);
	every_2_ms(NULL);
	assert_int_equal(c, 'x');
	fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	while (read(pipe_fd[0], &c, 1) == 1)
		;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i / 251);
	every_2_ms(drain_some);
	assert_int_equal(io_write(pipe_fd[1], text, sizeof text, "pipe", &e), 0);
	every_2_ms(NULL);
	while (n_drained < sizeof text)
		drain_some(0);
	assert_memory_equal(drained, text, sizeof text);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void map_open_regular_files_only(void **state)
{
	(void)state;
	struct map m;
	assert_int_equal(io_replace("f", "12345", 5, 0600, &e), 0);
	assert_int_equal(map_open(&m, "f", &e), 0);
	assert_int_equal(m.len, 5);
	assert_memory_equal(m.data, "12345", 5);
	map_close(&m);
	map_close(&m);
	assert_int_equal(io_replace("f", "", 0, 0600, &e), 0);
	assert_int_equal(map_open(&m, "f", &e), 0);
	assert_null(m.data);
	assert_int_equal(m.len, 0);
	map_close(&m);
	assert_int_equal(map_open(&m, ".", &e), ERR_NOENT);
	assert_int_equal(map_open(&m, "none", &e), ERR_NOENT);
	assert_int_equal(mkfifo("f2", 0600), 0);
	assert_int_equal(map_open(&m, "f2", &e), ERR_NOENT);	/* and does not wait for a writer */
	unlink("f2");
}

static void what_is_there_is_not_called_absent(void **state)
{
	(void)state;
	struct map m;
	struct buf b = {0};
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(map_open(&m, "loop", &e), ERR_IO);
	assert_int_equal(io_read_file(&b, "loop", 9, &e), ERR_IO);
	unlink("loop");
	assert_int_equal(map_open(&m, "/dev/null/none", &e), ERR_NOENT);
	buf_release(&b);
}

static void io_mkdirs_makes_all_and_may_be_repeated(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(io_mkdirs("d/e//f/", &e), 0);
	assert_int_equal(io_mkdirs("d/e/f", &e), 0);
	assert_int_equal(stat("d/e/f", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(io_replace("d/e/f/g", "x", 1, 0600, &e), 0);
	assert_int_equal(io_mkdirs("d/e/f/g/h", &e), ERR_CREATE);
}

static void io_dir_follows_the_xdg_variables(void **state)
{
	(void)state;
	struct buf b = {0};
	setenv("XDG_CACHE_HOME", "/xdg", 1);
	assert_int_equal(io_dir(&b, IO_DIR_CACHE, "packs", &e), 0);
	assert_string_equal(b.data, "/xdg/tiny-titans/packs");
	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("HOME", "/home/x", 1);
	assert_int_equal(io_dir(&b, IO_DIR_CACHE, NULL, &e), 0);
	assert_string_equal(b.data, "/home/x/.cache/tiny-titans");
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", "", 1);
	assert_int_equal(io_dir(&b, IO_DIR_CACHE, NULL, &e), ERR_CONF);
	unsetenv("HOME");
	assert_int_equal(io_dir(&b, IO_DIR_CACHE, NULL, &e), ERR_CONF);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(io_replace_leaves_only_the_new_file, setup, teardown),
		cmocka_unit_test_setup_teardown(aside_abort_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(io_replace_that_cannot_be_written_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(aside_of_a_folder_that_is_gone_tells_who_may_make_it_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(aside_open_without_directory_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(io_sweep_removes_what_nobody_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(io_read_stops_at_its_bound, setup, teardown),
		cmocka_unit_test(io_read_and_io_write_go_on_when_interrupted),
		cmocka_unit_test_setup_teardown(map_open_regular_files_only, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_there_is_not_called_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(io_mkdirs_makes_all_and_may_be_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(io_dir_follows_the_xdg_variables, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
