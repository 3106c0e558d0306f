/* SPDX-License-Identifier: Apache-2.0
 *
 * speed: timing sessions. See speed.h.
 */
#include "bench/speed.h"

#include <stdlib.h>

#include "bench/probe.h"
#include "generate/session.h"
#include "lib/base/io.h"
#include "tokenize/tok.h"

#define N_DECODE 32
#define MAX_ROUNDS 32

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double speed_median(double *x, int n)
{
	qsort(x, (size_t)n, sizeof *x, by_value);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static double seconds_since(uint64_t t0)
{
	return (double)(io_now_ns() - t0) / 1e9;
}

static void add_mat(struct speed *sp, const struct mat *w, bool in_prompt)
{
	sp->weight_bytes += (double)mat_n_tile(w) * (double)w->tile_len;
	if (in_prompt)
		sp->weight_macs += (double)w->n_row * (double)w->n_col;
}

static void add_weights(struct speed *sp, const struct model *m)
{
	for (size_t l = 0; l < m->arch.n_layer; l++) {
		const struct layer *w = &m->layer[l];
		const struct mat *const all[] = { &w->q, &w->k, &w->v, &w->o, &w->gate, &w->up, &w->down };
		for (size_t i = 0; i < sizeof all / sizeof *all; i++)
			add_mat(sp, all[i], true);
	}
	add_mat(sp, screen_whole(&m->screen, &m->head), false);
}

static int32_t picked(struct session *s)
{
	int32_t id = session_best(s, 0);
	return id < 0 ? 0 : id;
}

/* One step of greedy decoding: evaluates n tokens behind each other and picks. *next is the pick behind the first. */
static int step(struct session *s, const int32_t *tok, size_t n, int32_t *next, struct err *e)
{
	int r = session_eval(s, tok, n, n, e);
	*next = r ? 0 : picked(s);
	return r;
}

/* own[N_DECODE]: what the model says after the prompt. */
static int prompt_and_decode(struct session *s, const int32_t *tok, size_t n, double *prefill, double *decode, int32_t *own, struct err *e)
{
	int32_t next = 0;
	session_rewind(s, 0);
	uint64_t t0 = io_now_ns();
	int r = session_eval(s, tok, n, 1, e);
	own[0] = r ? 0 : picked(s);
	*prefill = (double)n / seconds_since(t0);
	t0 = io_now_ns();
	for (int i = 0; !r && i < N_DECODE; i++) {
		r = step(s, own + i, 1, &next, e);
		if (i + 1 < N_DECODE)
			own[i + 1] = next;
	}
	*decode = N_DECODE / seconds_since(t0);
	return r;
}

static int measure(struct speed *sp, struct session *s, const int32_t *tok, int rounds, int32_t *own, struct err *e)
{
	int32_t next;
	double pre[MAX_ROUNDS], dec[MAX_ROUNDS], ver[COST_N][MAX_ROUNDS];
	int r = session_eval(s, tok, sp->length[0], 1, e);	/* uncounted, as in llama-bench: it touches memory and wakes the clock */
	for (size_t k = 0; !r && k < sp->n_length; k++) {
		for (int i = 0; !r && i < rounds; i++)
			r = prompt_and_decode(s, tok, sp->length[k], &pre[i], &dec[i], own, e);
		sp->prefill[k] = speed_median(pre, rounds);
		sp->decode[k] = speed_median(dec, rounds);
	}
	session_rewind(s, sp->length[0]);
	for (int i = 0; !r && i < rounds; i++)
		for (size_t b = 1; !r && b < COST_N; b++) {
			uint64_t t0 = io_now_ns();
			for (int k = 0; !r && k < 4; k++) {
				r = step(s, own, b, &next, e);
				session_rewind(s, sp->length[0]);
			}
			ver[b][i] = seconds_since(t0) * 1e3 / 4;
		}
	for (size_t b = 1; b < COST_N; b++)
		sp->verify_ms[b] = speed_median(ver[b], rounds);
	return r;
}

/* A shared host's memory has good and bad seconds, so steps and plain reads of about as many bytes take turns. */
static int measure_share(struct speed *sp, struct session *s, const int32_t *own, struct pool *pool, int rounds, struct err *e)
{
	int32_t next;
	double share[8 * MAX_ROUNDS];
	struct probe *p = probe_open(pool);
	double want = (double)PROBE_BYTES / sp->weight_bytes;
	int n_step = want < N_DECODE ? (int)want + 1 : N_DECODE, r = 0;
	if (!p)
		return err_memory(e);
	for (int i = 0; !r && i < 8 * rounds; i++) {
		double gbs = probe_read(p);
		uint64_t t0 = io_now_ns();
		for (int k = 0; !r && k < n_step; k++)
			r = step(s, own + k, 1, &next, e);
		share[i] = n_step * sp->weight_bytes / 1e9 / seconds_since(t0) / gbs;
		session_rewind(s, sp->length[0]);
	}
	if (!r)
		sp->share_of_bandwidth = speed_median(share, 8 * rounds);
	probe_close(p);
	return r;
}

/* tok[n] = English text, since how much of a vocabulary head is read depends on how sure the model is of what comes next. */
static int fill_prompt(const struct model *m, int32_t *tok, size_t n, struct err *e)
{
	static const char text[] = "The command reads a list of file names from its standard input, one on each line, and writes them to an archive. "
		"Without options it follows no symbolic links. An exit status of 0 means that all files were read; 1 that some could not be opened, "
		"which are named on standard error; 2 that the archive itself could not be written. When the output is a terminal, it refuses to "
		"write binary data there. Directories are read in the order in which the file system returns their entries, so two archives of the "
		"same tree may differ, unless the list is sorted first.\n";
	struct tok_ids ids = { 0 };
	int r = tok_encode(m->tok, text, sizeof text - 1, &ids, e);
	if (!r && !ids.len)
		r = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "the model has no tokens for a text to be read");
	for (size_t i = 0; !r && i < n; i++)
		tok[i] = ids.id[i % ids.len];
	tok_ids_release(&ids);
	return r;
}

int speed_measure(struct speed *sp, const struct model *m, struct pool *pool, int rounds, struct err *e)
{
	size_t n = 0;
	struct session *s = NULL;
	int32_t own[N_DECODE];
	for (size_t k = 0; k < sp->n_length; k++)
		n = sp->length[k] > n ? sp->length[k] : n;
	if (rounds < 1 || rounds > MAX_ROUNDS || !n)
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "%d rounds over %zu tokens", rounds, n);
	add_weights(sp, m);
	n = n > N_DECODE ? n : N_DECODE;
	int32_t *tok = malloc(n * sizeof *tok);
	int r = tok ? session_open(&s, m, pool, n + N_DECODE + 16, e) : err_memory(e);
	r = r ? r : fill_prompt(m, tok, n, e);
	if (!r)
		r = session_eval(s, tok, 64 < n ? 64 : n, 1, e);	/* pages in, threads awake */
	r = r ? r : measure(sp, s, tok, rounds, own, e);
	r = r ? r : measure_share(sp, s, own, pool, rounds, e);
	session_close(s);
	free(tok);
	return r;
}
