/* SPDX-License-Identifier: Apache-2.0
 *
 * drafter: children that answer, die, stall or talk nonsense; and the guard that pauses a drafter which does not pay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generate/drafter.h"

static const int32_t tok[] = { 1, 2, 3 };
static const double cost[9] = { 0, 1, 1, 1, 1, 1, 1, 1, 1 };

/* Starts `cmd`, tells it the context and returns what drafter_get says. */
static int first_draft(const char *cmd, int32_t out[DRAFTER_MAX], size_t *n, struct err *e)
{
	struct drafter *d;
	assert_int_equal(drafter_open(&d, cmd, "vocab", 100, e), 0);
	int r = drafter_ctx(d, tok, 3, 3, cost, 4, e);
	if (!r)
		r = drafter_get(d, out, n, e);
	drafter_close(d);
	return r;
}

static void drafter_get_json_answer_is_taken(void **state)
{
	(void)state;
	int32_t out[DRAFTER_MAX];
	size_t n;
	struct err e = {0};
	assert_int_equal(first_draft("echo '{\"kind\":\"draft\",\"tok\":[7,8]}'; cat >/dev/null", out, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(out[0], 7);
	assert_int_equal(out[1], 8);
}

static void drafter_get_more_than_asked_is_cut(void **state)
{
	(void)state;
	int32_t out[DRAFTER_MAX];
	size_t n;
	assert_int_equal(first_draft("echo '{\"kind\":\"draft\",\"tok\":[1,2,3,4,5,6,7,8,9]}'; cat >/dev/null", out, &n, NULL), 0);
	assert_int_equal(n, 4);
	struct drafter *d;
	assert_int_equal(drafter_open(&d, "echo '{\"kind\":\"draft\",\"tok\":[1,2,3,4,5,6,7,8,9]}'; cat >/dev/null", "vocab", 100, NULL), 0);
	assert_int_equal(drafter_ctx(d, tok, 3, 3, cost, 1000, NULL), 0);
	assert_int_equal(drafter_get(d, out, &n, NULL), 0);
	assert_int_equal(n, DRAFTER_MAX);
	drafter_close(d);
}

static void drafter_get_dead_child_is_an_error(void **state)
{
	(void)state;
	int32_t out[DRAFTER_MAX];
	size_t n;
	struct err e = {0};
	assert_true(first_draft("exit 3", out, &n, &e) < 0);
	assert_true(first_draft("no-such-program-here 2>/dev/null", out, &n, &e) < 0);
}

static void drafter_get_nonsense_is_an_error(void **state)
{
	(void)state;
	int32_t out[DRAFTER_MAX];
	size_t n;
	assert_true(first_draft("echo '{\"kind\":\"draft\",\"tok\":[100]}'; cat >/dev/null", out, &n, NULL) < 0);
	assert_true(first_draft("echo '{\"kind\":\"draft\",\"tok\":[-1]}'; cat >/dev/null", out, &n, NULL) < 0);
	assert_true(first_draft("echo '{\"kind\":\"draft\"}'; cat >/dev/null", out, &n, NULL) < 0);
	assert_true(first_draft("head -c 1000 /dev/urandom; cat >/dev/null", out, &n, NULL) < 0);
}

static void drafter_get_stalled_child_is_given_up(void **state)
{
	(void)state;
	int32_t out[DRAFTER_MAX];
	size_t n;
	struct err e = {0};
	assert_int_equal(first_draft("exec sleep 60", out, &n, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "did not answer"));
}

/* Asks a drafter for a third draft, when it is in a hurry, that does `then` instead. The third request has n tokens. */
static int third_draft(const char *then, size_t n, struct err *e)
{
	struct drafter *d;
	int32_t out[DRAFTER_MAX], *many = calloc(n, sizeof *many);
	size_t got;
	char cmd[256];
	snprintf(cmd, sizeof cmd, "d='{\"kind\":\"draft\",\"tok\":[7]}'; echo \"$d\"; echo \"$d\"; %s", then);
	alarm(20);
	assert_non_null(many);
	for (size_t i = 0; i < n; i++)
		many[i] = 1 << 20;
	assert_int_equal(drafter_open(&d, cmd, "vocab", 100, e), 0);
	int r = drafter_ctx(d, tok, 3, 3, cost, 4, e);
	for (int i = 0; !r && i < 2; i++) {
		r = drafter_get(d, out, &got, e);
		r = r ? r : drafter_accept(d, 0, many, i ? n : 1, cost, 4, e);
	}
	r = r ? r : drafter_get(d, out, &got, e);
	drafter_close(d);
	alarm(0);
	free(many);
	return r;
}

static void drafter_get_a_record_that_never_ends_is_given_up(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(third_draft("printf '{'; exec sleep 60", 1, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "did not answer"));
	assert_int_equal(third_draft("printf '\\202'; exec sleep 60", 1, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "did not answer"));
}

static void drafter_get_chatter_is_no_answer(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(third_draft("exec yes '{\"kind\":\"weather\"}'", 1, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "did not answer"));
	assert_int_equal(third_draft("exec yes ''", 1, &e), ERR_LIMIT);
}

/* A draft that comes in pieces is one draft. */
static void drafter_get_pieces_are_put_together(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(third_draft("printf '{\"kind\":\"dra'; sleep 0.2; echo 'ft\",\"tok\":[7]}'; cat >/dev/null", 1, &e), 0);
}

#define MANY 400000	/* tokens of a record that no pipe holds */

static void drafter_accept_of_one_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(third_draft("exec yes '{\"kind\":\"weather\"}'", MANY, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "did not answer"));
}

static void drafter_accept_of_one_that_reads_late_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(third_draft("sleep 0.3; echo \"$d\"; cat >/dev/null", MANY, NULL), 0);
}

/* Nor may SIGPIPE end the program. */
static void drafter_accept_of_one_that_is_deaf_names_it(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(third_draft("exec <&-; exec sleep 60", MANY, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "cannot write to the drafter"));
}

/* What a drafter's shell put into the background holds a pipe open for as long as it lives. */
static void drafter_close_ends_what_runs_in_the_background(void **state)
{
	(void)state;
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(third_draft("sleep 60 & echo \"$d\"; cat >/dev/null", 1, NULL), 0);
	close(fd[1]);
	struct pollfd p = { .fd = fd[0] };
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_true(p.revents & POLLHUP);
	close(fd[0]);
}

static void drafter_patience_is_bounded(void **state)
{
	(void)state;
	assert_true(drafter_patience(1, 3) == 1000 && drafter_patience(1, 2) == 5000);
	assert_true(drafter_patience(100, 3) == 2000);
	assert_true(drafter_patience(1e6, 1) == 60000 && drafter_patience(1e300, 9) == 60000);
}

/* Asks a drafter that is `s` seconds late with its third draft, where a plain step takes step_ms. It writes a byte to `ready` when it
 * begins to be late. */
static int late_draft(const char *s, double step_ms, int ready)
{
	struct drafter *d;
	const double slow[9] = { 0, step_ms, step_ms, step_ms, step_ms, step_ms, step_ms, step_ms, step_ms };
	int32_t out[DRAFTER_MAX];
	size_t n;
	char cmd[160];
	snprintf(cmd, sizeof cmd, "d='{\"kind\":\"draft\",\"tok\":[7]}'; echo \"$d\"; echo \"$d\"; echo >&%d; sleep %s; echo \"$d\"; "
		"cat >/dev/null", ready, s);
	int r = drafter_open(&d, cmd, "vocab", 100, NULL);
	if (r)
		return r;
	for (int i = 0; !r && i < 3; i++) {
		r = i ? drafter_accept(d, 0, tok, 1, slow, 4, NULL) : drafter_ctx(d, tok, 3, 3, slow, 4, NULL);
		r = r ? r : drafter_get(d, out, &n, NULL);
	}
	drafter_close(d);
	return r;
}

static void drafter_get_patience_follows_the_step(void **state)
{
	(void)state;
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(late_draft("1.4", 1, fd[1]), ERR_IO);
	assert_int_equal(late_draft("1.4", 100, fd[1]), 0);
	close(fd[0]);
	close(fd[1]);
}

/* Patience is for each draft, and longer for the first of another timeline. */
static void drafter_get_one_that_is_always_slow_is_kept(void **state)
{
	(void)state;
	struct drafter *d;
	int32_t out[DRAFTER_MAX];
	size_t n;
	static const char cmd[] = "for s in 0.28 0.28 0.28 0.28 1.1; do sleep $s; echo '{\"kind\":\"draft\",\"tok\":[7]}'; done; cat >/dev/null";
	assert_int_equal(drafter_open(&d, cmd, "vocab", 100, NULL), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(i % 4 ? drafter_accept(d, 0, tok, 1, cost, 4, NULL) : drafter_ctx(d, tok, 3, 3, cost, 4, NULL), 0);
		assert_int_equal(drafter_get(d, out, &n, NULL), 0);
	}
	drafter_close(d);
}

/* Stopped and continued, as by a shell's job control: the time between is nobody's fault. */
static void drafter_get_time_stopped_does_not_count(void **state)
{
	(void)state;
	int status, fd[2];
	char c;
	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(late_draft("1.6", 1, fd[1]) ? 1 : 0);
	assert_int_equal(read(fd[0], &c, 1), 1);
	kill(pid, SIGSTOP);
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 200000000 }, NULL);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd[0]);
	close(fd[1]);
}

static void drafter_pays_losing_drafts_pause(void **state)
{
	(void)state;
	struct drafter_guard g = {0};
	int asked = 0;
	for (int i = 0; i < 1000; i++) {
		bool ask = drafter_pays(&g);
		asked += ask;
		if (ask)
			drafter_spent(&g, 10, 13, 1);	/* a draft that is never right costs 30 % */
	}
	/* Over a long text the loss stays under 2 %. */
	assert_true(asked * 3 < 1000 * 10 * 2 / 100);
	/* But it is never given up: what comes may repeat itself. */
	for (int i = 0; i < 20000; i++) {
		bool ask = drafter_pays(&g);
		asked = i < 18000 ? 0 : asked + ask;
		if (ask)
			drafter_spent(&g, 10, 13, 1);
	}
	assert_true(asked > 20);
	for (g.pause = 0; g.lost > -1.5;)
		drafter_spent(&g, 10, 12, 5);
	while (!g.pause)
		drafter_spent(&g, 10, 13, 1);
	assert_true(g.pause < 20);	/* forgiven, once it has won */
}

static void drafter_pays_winning_drafts_go_on(void **state)
{
	(void)state;
	struct drafter_guard g = {0};
	for (int i = 0; i < 200; i++) {
		assert_true(drafter_pays(&g));
		drafter_spent(&g, 10, 13, 2);
	}
}

/* However much it has won: the text may have changed. */
static void drafter_pays_what_was_won_is_no_credit(void **state)
{
	(void)state;
	struct drafter_guard g = {0};
	for (int i = 0; i < 100; i++) {
		assert_true(drafter_pays(&g));
		drafter_spent(&g, 10, 12, 5);
	}
	for (int i = 0; i < 4; i++)
		drafter_spent(&g, 10, 20, 1);
	assert_false(drafter_pays(&g));
}

/* Three steps of four give one token for 12 ms, the fourth five tokens for 15: 51 ms for eight tokens win against 10 ms each, though
 * most steps lose. */
static void drafter_pays_rare_long_drafts_go_on(void **state)
{
	(void)state;
	struct drafter_guard g = {0};
	for (int i = 0; i < 200; i++) {
		assert_true(drafter_pays(&g));
		drafter_spent(&g, 10, i % 4 ? 12 : 15, i % 4 ? 1 : 5);
	}
}

/* Fourteen steps of cheap drafts that are all wrong, as before a text begins to repeat its sources: together they cost one step. */
static void drafter_pays_poor_start_goes_on(void **state)
{
	(void)state;
	struct drafter_guard g = {0};
	for (int i = 0; i < 14; i++) {
		assert_true(drafter_pays(&g));
		drafter_spent(&g, 10, 10.8, 1);
	}
	assert_true(drafter_pays(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drafter_get_json_answer_is_taken),
		cmocka_unit_test(drafter_get_more_than_asked_is_cut),
		cmocka_unit_test(drafter_get_dead_child_is_an_error),
		cmocka_unit_test(drafter_get_nonsense_is_an_error),
		cmocka_unit_test(drafter_get_stalled_child_is_given_up),
		cmocka_unit_test(drafter_get_a_record_that_never_ends_is_given_up),
		cmocka_unit_test(drafter_get_chatter_is_no_answer),
		cmocka_unit_test(drafter_get_pieces_are_put_together),
		cmocka_unit_test(drafter_accept_of_one_that_does_not_read_is_given_up),
		cmocka_unit_test(drafter_accept_of_one_that_reads_late_is_waited_for),
		cmocka_unit_test(drafter_accept_of_one_that_is_deaf_names_it),
		cmocka_unit_test(drafter_close_ends_what_runs_in_the_background),
		cmocka_unit_test(drafter_patience_is_bounded),
		cmocka_unit_test(drafter_get_patience_follows_the_step),
		cmocka_unit_test(drafter_get_one_that_is_always_slow_is_kept),
		cmocka_unit_test(drafter_get_time_stopped_does_not_count),
		cmocka_unit_test(drafter_pays_losing_drafts_pause),
		cmocka_unit_test(drafter_pays_winning_drafts_go_on),
		cmocka_unit_test(drafter_pays_what_was_won_is_no_credit),
		cmocka_unit_test(drafter_pays_rare_long_drafts_go_on),
		cmocka_unit_test(drafter_pays_poor_start_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
