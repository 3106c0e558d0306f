/* SPDX-License-Identifier: Apache-2.0
 *
 * pool: every index exactly once, whatever the number of threads, the grain and the load; many loops in a row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/pool.h"

#define N 10007

static unsigned char hit[N];

static void count(void *arg, size_t from, size_t to, int i_thread)
{
	assert_true(i_thread >= 0 && i_thread < *(int *)arg);
	for (size_t i = from; i < to; i++)
		hit[i]++;
}

static void pool_run_any_threads_and_grain_visits_each_index_once(void **state)
{
	(void)state;
	static const int threads[] = { 1, 2, 3, 8 };
	static const size_t grains[] = { 0, 1, 7, 64, N - 1, N, N + 1, SIZE_MAX };
	for (size_t t = 0; t < 4; t++) {
		struct pool *p;
		int n = threads[t];
		assert_int_equal(pool_open(&p, n, NULL), 0);
		assert_int_equal(pool_threads(p), n);
		for (size_t g = 0; g < 8; g++) {
			for (size_t i = 0; i < N; i++)
				hit[i] = 0;
			pool_run(p, N, grains[g], count, &n);
			for (size_t i = 0; i < N; i++)
				assert_int_equal(hit[i], 1);
		}
		pool_close(p);
	}
}

static void pool_run_without_pool_runs_inline(void **state)
{
	(void)state;
	int one = 1;
	for (size_t i = 0; i < N; i++)
		hit[i] = 0;
	assert_int_equal(pool_threads(NULL), 1);
	pool_run(NULL, 100, 9, count, &one);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(hit[i], i < 100);
	pool_run(NULL, 0, 9, count, &one);
	pool_close(NULL);
}

struct sum { size_t part[64]; };

static void add(void *arg, size_t from, size_t to, int i_thread)
{
	(void)i_thread;
	((struct sum *)arg)->part[from] = to - from;
}

/* Past 65,536 loops the epoch comes round; the pauses let workers fall asleep between loops. */
static void pool_run_many_loops_and_pauses_never_hangs(void **state)
{
	(void)state;
	struct pool *p;
	assert_int_equal(pool_open(&p, 3, NULL), 0);
	for (int loop = 0; loop < 70000; loop++) {
		struct sum s = {{0}};
		pool_run(p, 64, 1, add, &s);
		for (size_t i = 0; i < 64; i++)
			if (s.part[i] != 1)
				fail_msg("loop %d: piece %zu was not run", loop, i);
		if (loop % 7000 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	pool_close(p);
}

/* A hint is only fetched, never read: where it points doesn't matter. */
static void pool_expect_any_address_changes_nothing(void **state)
{
	(void)state;
	struct pool *p;
	assert_int_equal(pool_open(&p, 2, NULL), 0);
	for (int loop = 0; loop < 1000; loop++) {
		struct sum s = {{0}};
		pool_expect(p, loop % 2, loop % 3 ? (const char *)&s : NULL, (size_t)loop * 1024);
		pool_run(p, 64, 1, add, &s);
		for (size_t i = 0; i < 64; i++)
			assert_int_equal(s.part[i], 1);
	}
	pool_expect(NULL, 0, &p, 64);
	pool_close(p);
}

static void pool_open_too_many_threads_is_refused(void **state)
{
	(void)state;
	struct pool *p;
	struct err e = {0};
	assert_int_equal(pool_open(&p, 100000, &e), ERR_ARG);
	assert_null(p);
	assert_int_equal(pool_open(&p, -1, &e), ERR_ARG);
}

/* The caller keeps out of the way until the other thread has come by. */
static void touch_in_worker(void *arg, size_t from, size_t to, int i_thread)
{
	(void)from, (void)to;
	if (i_thread)
		(void)*(volatile char *)arg;
	else
		sleep(5);
}

/* As when a mapped file is cut short: what fault_catch promises holds in every thread. */
static void a_lost_page_ends_the_program_from_a_worker_too(void **state)
{
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		FILE *f = tmpfile();
		struct pool *p;
		char *page = f ? mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(f), 0) : MAP_FAILED;
		fault_catch("test");
		if (page == MAP_FAILED || !freopen("/dev/null", "w", stderr) || pool_open(&p, 2, NULL))
			_exit(1);
		pool_run(p, 2, 1, touch_in_worker, page);
		_exit(2);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_run_any_threads_and_grain_visits_each_index_once),
		cmocka_unit_test(pool_run_without_pool_runs_inline),
		cmocka_unit_test(pool_run_many_loops_and_pauses_never_hangs),
		cmocka_unit_test(pool_expect_any_address_changes_nothing),
		cmocka_unit_test(pool_open_too_many_threads_is_refused),
		cmocka_unit_test(a_lost_page_ends_the_program_from_a_worker_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
