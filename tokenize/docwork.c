/* SPDX-License-Identifier: Apache-2.0
 *
 * docwork: a ring of slots, one mutex, two conditions. Where slot[i % n] is, the ring's counters say and its is_done:
 *
 *	free -put-> waiting -start-> running -> done -take-> free
 */
#include "tokenize/docwork.h"

#include <pthread.h>
#include <stdlib.h>

struct slot {
	struct read_job job;
	bool is_done;
	struct buf ready;		/* published, not yet taken */
	struct docwork *w;
};

struct docwork {
	const struct read_opts *o;
	pthread_mutex_t mu;
	pthread_cond_t work, news;	/* for workers: something waits or was taken; for the taker */
	struct slot *slot;
	size_t n_slot;
	uint64_t put, start, take;	/* documents put, begun, ended */
	bool stop;
	pthread_t *thread;
	int n_thread;
};

/* A failure too is something to be taken. */
static bool has(const struct buf *b)
{
	return b->len > 0 || b->failed;
}

/* Publishes what a worker has; waits until the last lot was taken. */
static void drain(struct read_job *j)
{
	struct slot *s = j->arg;
	struct docwork *w = s->w;
	pthread_mutex_lock(&w->mu);
	while (has(&s->ready) && !w->stop)
		pthread_cond_wait(&w->work, &w->mu);
	if (w->stop) {
		buf_clear(&j->out);
	} else {
		struct buf b = s->ready;
		s->ready = j->out;
		j->out = b;
		pthread_cond_signal(&w->news);
	}
	pthread_mutex_unlock(&w->mu);
	j->drained = true;
}

static void *worker(void *arg)
{
	struct docwork *w = arg;
	struct count *c = count_new(w->o->tok);
	pthread_mutex_lock(&w->mu);
	while (!w->stop) {
		if (w->start == w->put) {
			pthread_cond_wait(&w->work, &w->mu);
			continue;
		}
		struct slot *s = &w->slot[w->start++ % w->n_slot];
		pthread_mutex_unlock(&w->mu);
		if (c) {
			doc_read(w->o, c, &s->job);
		} else {
			struct err e = {0};
			err_memory(&e);
			doc_error(&s->job, &e);
		}
		if (has(&s->job.out))
			drain(&s->job);
		pthread_mutex_lock(&w->mu);
		s->is_done = true;
		pthread_cond_signal(&w->news);
	}
	pthread_mutex_unlock(&w->mu);
	count_free(c);
	return NULL;
}

int docwork_open(struct docwork **out, const struct read_opts *o, int n_thread, size_t n_ahead, struct err *e)
{
	struct docwork *w = calloc(1, sizeof *w);
	*out = NULL;
	if (!w)
		return err_memory(e);
	w->o = o;
	w->n_slot = n_ahead;
	w->slot = calloc(n_ahead, sizeof *w->slot);
	w->thread = calloc((size_t)n_thread, sizeof *w->thread);
	pthread_mutex_init(&w->mu, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->news, NULL);
	if (!w->slot || !w->thread) {
		docwork_close(w);
		return err_memory(e);
	}
	for (; w->n_thread < n_thread; w->n_thread++)
		if (pthread_create(&w->thread[w->n_thread], NULL, worker, w) != 0)
			break;
	if (w->n_thread == 0) {
		docwork_close(w);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "cannot start a thread");
	}
	*out = w;
	return 0;
}

bool docwork_room(const struct docwork *w)
{
	return w->put - w->take < w->n_slot;
}

void docwork_put(struct docwork *w, const struct read_job *job)
{
	pthread_mutex_lock(&w->mu);
	struct slot *s = &w->slot[w->put % w->n_slot];
	struct buf keep = s->job.out;
	buf_clear(&keep);
	s->job = *job;
	s->job.out = keep;
	s->job.drain = drain;
	s->job.drained = false;
	s->job.arg = s;
	s->w = w;
	s->is_done = false;
	w->put++;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->mu);
}

int docwork_take(struct docwork *w, struct buf *out)
{
	pthread_mutex_lock(&w->mu);
	struct slot *s = &w->slot[w->take % w->n_slot];
	while (!has(&s->ready) && !s->is_done)
		pthread_cond_wait(&w->news, &w->mu);
	int got = has(&s->ready);
	if (got) {
		struct buf b = *out;
		*out = s->ready;
		s->ready = b;
		buf_clear(&s->ready);
		pthread_cond_broadcast(&w->work);
	} else {
		w->take++;
	}
	pthread_mutex_unlock(&w->mu);
	return got;
}

void docwork_close(struct docwork *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->mu);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->mu);
	for (int i = 0; i < w->n_thread; i++)
		pthread_join(w->thread[i], NULL);
	for (size_t i = 0; w->slot && i < w->n_slot; i++) {
		buf_release(&w->slot[i].ready);
		buf_release(&w->slot[i].job.out);
	}
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->news);
	pthread_mutex_destroy(&w->mu);
	free(w->slot);
	free(w->thread);
	free(w);
}
