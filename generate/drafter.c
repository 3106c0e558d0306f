/* SPDX-License-Identifier: Apache-2.0
 *
 * drafter: the child, its two pipes and the patience we have with it. See drafter.h.
 */
#include "generate/drafter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/rec.h"

#define PIPE_BYTES (1 << 20)
#define PATIENCE_MS 1000	/* many times the cost of any sensible draft, */
#define PATIENCE_STEPS 20	/* or as long as so many plain steps take by now: what starves the drafter slows us too */
#define PATIENCE_MAX_MS 60000	/* what a step takes is read from a file, which may say anything */
#define PATIENCE_FIRST 5	/* times that for the first two drafts: it may have a model to open and a prompt to read */
#define SLICE_MS 50		/* waiting is counted in pieces, so that time for which both of us were stopped counts as one */
#define PAUSE_MIN 16
#define PAUSE_MAX 256
#define ALLOWED 1.5		/* plain steps that a drafter may lose before it is paused, and that wins make up for */

struct drafter {
	pid_t pid;
	int to, from;			/* our ends of the two pipes */
	struct rec_writer *out;
	struct rec_reader *in;
	size_t n_vocab, max;
	unsigned n_asked;		/* requests since the last new timeline */
	double step_ms;			/* a plain step of the generator, as of the last request */
	double waited;			/* milliseconds of patience that it has used up */
	bool is_well;			/* nothing went wrong yet */
};

static int spawn(struct drafter *d, const char *cmd, struct err *e)
{
	int to[2], from[2];
	if (pipe2(to, O_CLOEXEC))
		return err_sys(e, ERR_IO, "cannot make a pipe for the drafter");
	if (pipe2(from, O_CLOEXEC)) {
		close(to[0]);
		close(to[1]);
		return err_sys(e, ERR_IO, "cannot make a pipe for the drafter");
	}
	d->pid = fork();
	if (d->pid == 0) {
		setpgid(0, 0);		/* so that what its shell starts can be ended with it */
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	d->to = to[1];
	d->from = from[0];
	fcntl(d->from, F_SETFL, O_NONBLOCK);	/* half a record must not hold us */
	fcntl(d->to, F_SETPIPE_SZ, PIPE_BYTES);	/* mostly a whole timeline fits, whether it is read at once or not */
	fcntl(d->to, F_SETFL, O_NONBLOCK);
	if (d->pid < 0)
		return err_sys(e, ERR_IO, "cannot start the drafter '%s'", cmd);
	return 0;
}

double drafter_patience(double step_ms, unsigned n)
{
	double ms = step_ms * PATIENCE_STEPS > PATIENCE_MS ? step_ms * PATIENCE_STEPS : PATIENCE_MS;
	ms *= n <= 2 ? PATIENCE_FIRST : 1;
	return ms < PATIENCE_MAX_MS ? ms : PATIENCE_MAX_MS;
}

/* Counts what has passed since t0; an error when patience is at its end. */
static int count(struct drafter *d, uint64_t t0, struct err *e)
{
	double ms = (double)(io_now_ns() - t0) / 1e6, patience = drafter_patience(d->step_ms, d->n_asked);
	d->waited += ms < SLICE_MS ? ms : SLICE_MS;
	return d->waited < patience ? 0 : err_set(e, ERR_IO, ERR_NO_OFFSET, "the drafter did not answer within %.0f ms", patience);
}

/* Writes to the drafter, which is waited for as long as for a draft: one that reads slowly is told all, one that does not read because we
 * do not read what it writes is given up. */
static int put(struct drafter *d, const char *s, size_t n, struct err *e)
{
	int r = 0;
	while (n && !r) {
		uint64_t t0 = io_now_ns();
		ssize_t done = write(d->to, s, n);
		if (done >= 0) {
			s += done;
			n -= (size_t)done;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, ERR_IO, "cannot write to the drafter");
		poll(&(struct pollfd){ .fd = d->to, .events = POLLOUT }, 1, SLICE_MS);
		r = count(d, t0, e);
	}
	return r;
}

/* A dead drafter must be an error here and not the end of us, while a closed stdout keeps ending the program quietly: so SIGPIPE is held
 * back for this one write, and taken off the queue if it came. */
static int put_quietly(void *arg, const char *s, size_t n, struct err *e)
{
	sigset_t pipe_only, before, pending;
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	int r = put(arg, s, n, e);
	if (r && !sigismember(&pending, SIGPIPE)) {
		struct timespec none = {0};
		while (sigtimedwait(&pipe_only, NULL, &none) < 0 && errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int drafter_open(struct drafter **out, const char *cmd, const char *vocab, size_t n_vocab, struct err *e)
{
	struct drafter *d = calloc(1, sizeof *d);
	if (!d)
		return err_memory(e);
	*d = (struct drafter){ .to = -1, .from = -1, .n_vocab = n_vocab, .is_well = true };
	int r = spawn(d, cmd, e);
	r = r ? r : rec_reader_open(&d->in, d->from, "drafter", e);
	r = r ? r : rec_writer_open(&d->out, d->to, "tt-generate", vocab, e);
	if (r) {
		d->is_well = false;
		drafter_close(d);
		return r;
	}
	rec_reader_allow_bare(d->in, true);
	rec_writer_to(d->out, put_quietly, d);
	*out = d;
	return 0;
}

/* Waits for the child a moment, then ends it, and in any case what its shell has left behind: until it is reaped, its group is ours. */
static void reap(pid_t pid)
{
	siginfo_t ended = {0};
	for (int i = 0; i < 50 && !waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) && !ended.si_pid; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	if (kill(-pid, SIGKILL))
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void drafter_close(struct drafter *d)
{
	if (!d)
		return;
	d->waited = PATIENCE_MAX_MS;
	if (d->is_well)
		rec_writer_close(d->out, NULL);	/* its `end`, if there is room for it: the drafter then ends by itself */
	else
		rec_writer_abort(d->out);
	rec_reader_close(d->in);
	if (d->to >= 0)
		close(d->to);
	if (d->from >= 0)
		close(d->from);
	if (d->pid > 0)
		reap(d->pid);
	free(d);
}

/* What every request ends with: V(1..8) as it is known by now, and how many tokens are wanted. */
static int request(struct drafter *d, const double cost[DRAFTER_COST], size_t max, struct err *e)
{
	msgpack_packer *p = rec_put_key(d->out, "cost");
	msgpack_pack_array(p, DRAFTER_COST - 1);
	for (int b = 1; b < DRAFTER_COST; b++)
		msgpack_pack_double(p, cost[b]);
	d->max = max < DRAFTER_MAX ? max : DRAFTER_MAX;
	d->n_asked++;
	d->step_ms = cost[1];
	d->waited = 0;
	rec_put_u64(d->out, "max", d->max);
	int r = rec_emit(d->out, e);
	r = r ? r : rec_flush(d->out, e);
	d->is_well = !r;
	return r;
}

int drafter_ctx(struct drafter *d, const int32_t *tok, size_t n, size_t fresh, const double cost[DRAFTER_COST], size_t max, struct err *e)
{
	d->n_asked = 0;
	rec_begin(d->out, "ctx");
	rec_put_ids(d->out, "tok", tok, n);
	rec_put_u64(d->out, "fresh", fresh);
	return request(d, cost, max, e);
}

int drafter_accept(struct drafter *d, size_t n_right, const int32_t *tok, size_t n, const double cost[DRAFTER_COST], size_t max, struct err *e)
{
	rec_begin(d->out, "accept");
	rec_put_u64(d->out, "n", n_right);
	rec_put_ids(d->out, "tok", tok, n);
	return request(d, cost, max, e);
}

/* Waits for a draft. Its head, kinds that we do not know and records that never end take of our patience as silence does. */
static int await(struct drafter *d, struct rec *rec, struct err *e)
{
	int r = 0;
	while (!r) {
		uint64_t t0 = io_now_ns();
		int got = rec_read(d->in, rec, e);
		if (got > 0 && rec_is(rec, "draft"))
			return 0;
		if (!got)
			return err_set(e, ERR_EOF, ERR_NO_OFFSET, "the drafter ended");
		if (got == ERR_AGAIN)
			poll(&(struct pollfd){ .fd = d->from, .events = POLLIN }, 1, SLICE_MS);
		else if (got < 0)
			return got;
		r = count(d, t0, e);
	}
	return r;
}

static int get(struct drafter *d, int32_t tok[DRAFTER_MAX], size_t *n, struct err *e)
{
	struct rec rec;
	*n = 0;
	int r = await(d, &rec, e);
	if (r)
		return r;
	const msgpack_object *t = rec_get(&rec, "tok");
	if (!t || t->type != MSGPACK_OBJECT_ARRAY)
		return err_set(e, ERR_FORMAT, rec.at, "the drafter sent a draft without 'tok'");
	for (uint32_t i = 0; i < t->via.array.size && *n < d->max; i++) {
		const msgpack_object *x = &t->via.array.ptr[i];
		if (x->type != MSGPACK_OBJECT_POSITIVE_INTEGER || x->via.u64 >= d->n_vocab)
			return err_set(e, ERR_FORMAT, rec.at, "the drafter sent a token outside the vocabulary");
		tok[(*n)++] = (int32_t)x->via.u64;
	}
	return 0;
}

int drafter_get(struct drafter *d, int32_t tok[DRAFTER_MAX], size_t *n, struct err *e)
{
	int r = get(d, tok, n, e);
	d->is_well = !r;
	return r;
}

bool drafter_pays(struct drafter_guard *g)
{
	if (g->pause) {
		g->pause--;
		return false;
	}
	return true;
}

void drafter_spent(struct drafter_guard *g, double plain_ms, double ms, size_t n_tok)
{
	/* A sum and not a mean of ratios: a long accepted draft weighs as much as the steps that it replaces, and many small losses, which
	 * the drafter has chosen to risk, as little as they are. */
	g->lost += ms / plain_ms - (double)n_tok;
	if (g->lost <= -ALLOWED || !g->next_pause)
		g->next_pause = PAUSE_MIN;
	if (g->lost < -ALLOWED)
		g->lost = -ALLOWED;
	if (g->lost > ALLOWED) {
		g->pause = g->next_pause;
		g->next_pause = g->next_pause < PAUSE_MAX ? g->next_pause * 2 : PAUSE_MAX;
		g->lost = 0;		/* judged afresh after the pause */
	}
}
