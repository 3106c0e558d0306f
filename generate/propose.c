/* SPDX-License-Identifier: Apache-2.0
 *
 * propose: the conversation with a drafter, one exchange a step. See propose.h and drafter.h.
 */
#include "generate/propose.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"

int propose_auto(struct buf *cmd, const char *exe_dir, struct err *e)
{
	/* Copies only: on two cores a small model has not paid for its own steps yet (docs/speculation.md). */
	return buf_printf(cmd, "exec '%s/tt-speculate'", exe_dir) ? err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory") : 0;
}

int propose_open(struct proposer *p, const struct model *m, struct session *s, int n_thread, const char *cmd, struct err *e)
{
	char vocab[2 * HASH_ID_LEN + 1];
	*p = (struct proposer){ .m = m };
	model_vocab(m, vocab);
	int r = drafter_open(&p->d, cmd, vocab, m->arch.n_vocab, e);
	if (!r && !cost_load(m, n_thread, p->cost))
		r = cost_measure(m, s, n_thread, p->cost, e);
	if (r)
		propose_close(p);
	return r;
}

void propose_close(struct proposer *p)
{
	drafter_close(p->d);
	p->d = NULL;
}

void propose_start(void *arg)
{
	struct proposer *p = arg;
	p->told = 0;
	p->n_right = 0;
}

static void drop(struct proposer *p, const struct err *e)
{
	propose_close(p);
	if (p->warn)
		p->warn(e->msg);
}

size_t propose_hook(void *arg, const int32_t *past, size_t n, int32_t next, size_t max, int32_t *draft)
{
	struct proposer *p = arg;
	struct err e = {0};
	size_t got = 0;
	int r;
	p->start_ns = io_now_ns();
	/* The first step runs plain, so that there is something to compare with. */
	p->asked = p->d && p->guard.n_plain && drafter_pays(&p->guard);
	if (!p->asked)
		return 0;
	int32_t *tok = malloc((n + 1 - p->told) * sizeof *tok);
	if (!tok)
		return 0;
	memcpy(tok, past + p->told, (n - p->told) * sizeof *tok);
	tok[n - p->told] = next;
	p->opening = p->told == 0;
	if (p->opening)
		r = drafter_ctx(p->d, tok, n + 1, p->cost, max, &e);
	else
		r = drafter_accept(p->d, p->n_right, tok, n + 1 - p->told, max, &e);
	free(tok);
	p->told = n + 1;
	p->n_right = 0;
	if (!r)
		r = drafter_get(p->d, draft, &got, &e);
	if (r)
		drop(p, &e);
	return r ? 0 : got;
}

void propose_settle(void *arg, size_t n_draft, size_t n_right, double ms)
{
	struct proposer *p = arg;
	(void)ms;	/* of the evaluation alone; what counts is the step with its drafting */
	(void)n_draft;
	if (p->asked)
		p->n_right = n_right;
	/* Reading the prompt is spent once; whether to go on is judged by what comes after. */
	if (!p->asked || !p->opening)
		drafter_spent(&p->guard, p->asked, (double)(io_now_ns() - p->start_ns) / 1e6, n_right + 1);
}
