/* SPDX-License-Identifier: Apache-2.0
 *
 * answer: the way of one request.
 *
 *	ask --gate--> refused: "not in your documents"
 *	    --prompt_build--> tokens --(load)--> session_sync --> run_reply --> emit_end --(keep)-->
 */
#include "generate/answer.h"

#include <string.h>

#include "lib/base/io.h"

_Static_assert(ASK_MAX_SOURCES <= CITES_MAX, "an answer may cite all of its sources");

static const char REFUSED[] = "not in your documents";

static int show(void *arg, const char *s, size_t n, struct err *e)
{
	return emit_token(arg, s, n, e);
}

void answer_init(struct answerer *a, const struct model *m, struct session *s, struct sampler *sampler, struct emit *emit,
	const struct answer_params *p)
{
	*a = (struct answerer){ .m = m, .s = s, .p = *p, .emit = emit };
	a->run = (struct run){ .m = m, .s = s, .sampler = sampler, .n_max = p->n_max, .hooks = { .arg = emit, .text = show } };
}

void answer_release(struct answerer *a)
{
	run_release(&a->run);
}

static int refuse(struct answerer *a, struct ask_str query, struct err *e)
{
	struct emit_answer out = { .text = REFUSED, .n = strlen(REFUSED), .refused = true, .model = a->m->id, .stop = "refused" };
	int rc = emit_begin(a->emit, query, e);
	a->run.n_gen = 0;		/* a->run tells of the reply before */
	if (!rc && a->emit->form == EMIT_TEXT)
		rc = emit_token(a->emit, REFUSED, strlen(REFUSED), e);
	if (!rc)
		rc = emit_end(a->emit, &out, e);
	a->n_refused += !rc;
	return rc;
}

/* Evaluates the prompt, generates, writes. `cites` is NULL for plain prompts. */
static int reply(struct answerer *a, struct ask_str query, struct prompt *p, struct cites *cites, uint64_t t0, struct err *e)
{
	struct run *r = &a->run;
	const struct tok_ids *ids = &p->chat.ids;
	size_t cached = 0;
	if (a->hooks.load)
		cached = a->hooks.load(a->hooks.arg, a->s, p);
	run_start(r, ids->id, ids->len);
	uint64_t t1 = io_now_ns();
	int rc = session_sync(a->s, ids->id, ids->len, e);
	double eval_ms = (double)(io_now_ns() - t1) / 1e6;
	if (!rc)
		rc = emit_begin(a->emit, query, e);
	r->cites = cites;
	r->refusal = prompt_refusal;
	if (!rc)
		rc = run_reply(r, e);
	if (rc)
		return rc;
	struct emit_answer out = {
		.text = r->text.len ? r->text.data : "", .n = r->text.len, .cites = cites, .prompt = p, .model = a->m->id,
		.refused = cites && !cites->n_used && run_is_refusal(r), .stop = run_stop_name(r->stop),
		.n_prompt = ids->len, .n_cached = cached, .n_gen = r->n_gen, .n_draft = r->n_draft, .n_accept = r->n_accept,
		.ttft_ms = (double)(r->first_ns - t0) / 1e6, .gen_ms = (double)(r->last_ns - r->first_ns) / 1e6,
	};
	rc = emit_end(a->emit, &out, e);
	a->n_refused += out.refused;
	a->n_answered += !out.refused;
	if (!rc && a->hooks.keep)
		a->hooks.keep(a->hooks.arg, a->s, p, eval_ms);
	return rc;
}

int answer_query(struct answerer *a, const struct ask *q, struct err *e)
{
	uint64_t t0 = io_now_ns();
	struct prompt p;
	size_t n_max = session_ctx(a->s) - a->p.n_max;
	int rc;
	a->is_cut = false;
	if (a->p.no_source) {
		const char *system = a->p.system ? a->p.system : prompt_system_plain;
		rc = prompt_plain(&p, system, q->text.s, q->text.n, a->m->template, a->m->tok, n_max, e);
		if (!rc)
			rc = reply(a, q->id, &p, NULL, t0, e);
		prompt_release(&p);
		return rc;
	}
	if (!ask_is_answerable(q))
		return refuse(a, q->id, e);
	rc = prompt_build(&p, prompt_style_for(q), a->p.system, a->p.max_source, q, a->m->template, a->m->tok, n_max - RUN_CITE_MAX, e);
	if (rc)
		return rc;
	a->is_cut = p.is_cut;
	struct cites cites = { .n_source = (unsigned)p.n_source };
	rc = p.n_source ? reply(a, q->id, &p, &cites, t0, e)
		: err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "no source fits into a context of %zu tokens", session_ctx(a->s));
	prompt_release(&p);
	return rc;
}

int answer_plain(struct answerer *a, const char *text, size_t n, struct err *e)
{
	uint64_t t0 = io_now_ns();
	struct prompt p = { 0 };
	size_t n_max = session_ctx(a->s) - a->p.n_max;
	int rc;
	if (a->p.is_raw)
		rc = prompt_raw(&p, text, n, a->m->tok, n_max, e);
	else
		rc = prompt_plain(&p, a->p.system, text, n, a->m->template, a->m->tok, n_max, e);
	if (!rc)
		rc = reply(a, (struct ask_str){ "p1", 2 }, &p, NULL, t0, e);
	prompt_release(&p);
	return rc;
}
