/* SPDX-License-Identifier: Apache-2.0
 *
 * propose: the conversation with a drafter, one exchange a step. See propose.h and drafter.h.
 */
#include "generate/propose.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/model/find.h"

/* Pairs of one vocabulary for which drafts by the small model have been measured to pay. */
static const struct { const char *large, *small; } pairs[] = { { "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b" } };

/* A drafter refuses a model of another vocabulary, and then there would be no copies either. */
static int check_vocab(const struct model *m, const struct pack *small, const char *name, struct err *e)
{
	const void *a = NULL, *b = NULL;
	size_t n = 0, k = 0;
	bool same = pack_part(m->pack, "tok", &a, &n) && pack_part(small, "tok", &b, &k) && n == k && !memcmp(a, b, n);
	return same ? 0 : err_set(e, ERR_CONF, ERR_NO_OFFSET, "'%s' does not draft: it has another vocabulary than '%s'", name, m->name);
}

const char *propose_small(const struct model *m, const char *models, const struct pack_maker *how, struct err *e)
{
	const char *small = NULL;
	struct buf path = {0};
	struct pack *pack = NULL;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (!strcmp(m->name, pairs[i].large))
			small = pairs[i].small;
	if (!small || model_find(&path, small, models, NULL))
		return NULL;
	struct pack_maker make = *how;
	make.fill = model_parts;
	make.thin = &pack_thin_draft;
	if (pack_get(&pack, path.data, &make, e) || check_vocab(m, pack, small, e))
		small = NULL;
	pack_close(pack);
	buf_release(&path);
	return small;
}

int propose_auto(struct buf *cmd, const char *own, const char *small, int n_thread, struct err *e)
{
	struct buf path = {0};
	int r = io_beside(&path, own, "speculate", e);
	buf_puts(cmd, "exec '");
	for (size_t i = 0; i < path.len; i++)	/* for the shell, whatever the folder is called */
		if (path.data[i] == '\'')
			buf_puts(cmd, "'\\''");
		else
			buf_putc(cmd, path.data[i]);
	buf_release(&path);
	if (r)
		return r;
	buf_puts(cmd, "'");
	if (small)
		buf_printf(cmd, " -m '%s' -j %d", small, n_thread);
	return cmd->failed ? err_memory(e) : 0;
}

int propose_open(struct proposer *p, const struct model *m, struct session *s, int n_thread, const char *cmd, struct err *e)
{
	char vocab[2 * HASH_ID_LEN + 1];
	*p = (struct proposer){ .m = m, .n_thread = n_thread };
	model_vocab(m, vocab);
	int r = drafter_open(&p->d, cmd, vocab, m->arch.n_vocab, e);
	r = r ? r : cost_open(&p->cost, m, s, n_thread, e);
	if (r)
		propose_close(p);
	return r;
}

void propose_measure(struct proposer *p, struct session *s)
{
	if (p->d)
		cost_again(&p->cost, p->m, s, p->n_thread, NULL);	/* the table that is there will do */
}

void propose_close(struct proposer *p)
{
	drafter_close(p->d);
	p->d = NULL;
}

static void drop(struct proposer *p, const struct err *e)
{
	propose_close(p);
	if (p->warn)
		p->warn(e->msg);
}

/* Fetches the empty draft that answered the context. */
static int settle_debt(struct proposer *p, struct err *e)
{
	int32_t draft[DRAFTER_MAX];
	size_t got;
	int r = p->owed ? drafter_get(p->d, draft, &got, e) : 0;
	p->owed = false;
	return r;
}

static void start(void *arg, const int32_t *tok, size_t n, size_t fresh)
{
	struct proposer *p = arg;
	struct err e = {0};
	if (!p->d)
		return;
	p->told = p->n_right = 0;
	p->opening = true;
	p->guard = (struct drafter_guard){0};	/* another text, another trial */
	int r = settle_debt(p, &e);		/* of a reply that never asked */
	r = r ? r : drafter_ctx(p->d, tok, n, fresh, p->cost.ms, 0, &e);
	if (r) {
		drop(p, &e);
		return;
	}
	p->owed = true;
	p->told = n;
}

/* Tells what was appended since, `next` last, and fetches a draft. */
static int ask(struct proposer *p, const int32_t *past, size_t n, int32_t next, size_t max, int32_t *draft, size_t *got, struct err *e)
{
	int32_t *tok = malloc((n + 1 - p->told) * sizeof *tok);
	if (!tok)
		return err_memory(e);
	memcpy(tok, past + p->told, (n - p->told) * sizeof *tok);
	tok[n - p->told] = next;
	int r = settle_debt(p, e);
	r = r ? r : drafter_accept(p->d, p->n_right, tok, n + 1 - p->told, p->cost.ms, max, e);
	free(tok);
	p->told = n + 1;
	p->n_right = 0;
	return r ? r : drafter_get(p->d, draft, got, e);
}

static size_t propose(void *arg, const int32_t *past, size_t n, int32_t next, size_t max, int32_t *draft)
{
	struct proposer *p = arg;
	struct err e = {0};
	size_t got = 0;
	uint64_t t0 = io_now_ns();
	p->asked = p->d && p->told && p->told <= n && drafter_pays(&p->guard);
	if (!p->asked)
		return 0;
	if (ask(p, past, n, next, max, draft, &got, &e)) {
		drop(p, &e);
		return 0;
	}
	p->draft_ms = (double)(io_now_ns() - t0) / 1e6;
	return got;
}

static void settle(void *arg, size_t n_draft, size_t n_right, double ms)
{
	struct proposer *p = arg;
	cost_seen(&p->cost, n_draft + 1, ms);
	if (!p->asked)
		return;
	p->asked = false;
	p->n_right = n_right;
	/* What is left of reading the prompt is spent once; whether to go on is judged by what comes after. What verifying costs is taken from
	 * the table: a step during which something else ran is not the drafter's loss. */
	if (!p->opening)
		drafter_spent(&p->guard, p->cost.ms[1], p->cost.ms[n_draft + 1] + p->draft_ms, n_right + 1);
	p->opening = false;
}

void propose_hooks(struct proposer *p, struct run_hooks *h)
{
	h->draft = p;
	h->propose = propose;
	h->start = start;
	h->settle = settle;
}
