/* SPDX-License-Identifier: Apache-2.0
 *
 * run: the loop, one step of which is
 *
 *	next (picked, not yet evaluated) + draft d0 d1 d2  --evaluate-->  logits 0 1 2 3
 *	pick from logits 0: is it d0? then from logits 1: is it d1? ... the first that differs is the new `next`; the rest is rewound
 *
 * A reply from sources that ends without having cited any gets " [" and one more pick among the supplied numbers: which source the
 * model itself finds likeliest, given its answer.
 */
#include "generate/run.h"

#include <math.h>
#include <string.h>

#include "generate/accept.h"
#include "lib/base/io.h"

const char *run_stop_name(enum run_stop s)
{
	static const char *const names[] = { "end", "string", "length", "context" };
	return names[s];
}

void run_release(struct run *r)
{
	stream_release(&r->stream);
	buf_release(&r->text);
}

struct step {
	struct run *r;
	struct buf piece;
	bool done;
	size_t n_past;		/* tokens up to the first that is being evaluated, and that one */
};

static bool allow(void *arg, int32_t id)
{
	struct step *st = arg;
	const struct run *r = st->r;
	if ((size_t)id >= tok_n_vocab(r->m->tok))	/* embeddings may be more than tokens */
		return false;
	if (!r->cites)
		return true;
	buf_clear(&st->piece);
	if (model_is_end(r->m, id))
		return true;
	if (tok_piece(r->m->tok, id, &st->piece))
		return false;
	return cites_allow(r->cites, st->piece.data ? st->piece.data : "", st->piece.len);
}

static int show(struct run *r, struct err *e)
{
	if (!r->stream.out.len)
		return 0;
	if (buf_add(&r->text, r->stream.out.data, r->stream.out.len))
		return err_memory(e);
	return r->hooks.text ? r->hooks.text(r->hooks.arg, r->stream.out.data, r->stream.out.len, e) : 0;
}

static int put_text(struct run *r, const char *s, size_t n, struct err *e)
{
	if (r->cites)
		cites_push(r->cites, s, n);
	int rc = stream_push(&r->stream, s, n);
	if (rc < 0)
		return err_set(e, rc, ERR_NO_OFFSET, "out of memory for the reply");
	return show(r, e);
}

/* Takes the picked token: its text goes out. Sets st->done when the reply ends with it. */
static int take(struct step *st, int32_t id, struct err *e)
{
	struct run *r = st->r;
	r->last_ns = io_now_ns();
	if (r->n_gen++ == 0)
		r->first_ns = r->last_ns;
	if (id < 0 || model_is_end(r->m, id)) {
		st->done = true;
		r->stop = RUN_END;
		return 0;
	}
	buf_clear(&st->piece);
	if (tok_piece(r->m->tok, id, &st->piece))
		return err_memory(e);
	int rc = put_text(r, st->piece.data ? st->piece.data : "", st->piece.len, e);
	if (r->stream.is_stopped || r->n_gen >= r->n_max) {
		st->done = true;
		r->stop = r->stream.is_stopped ? RUN_STRING : RUN_LENGTH;
	}
	return rc;
}

/* The token behind the i-th kept position, n_past tokens from the start. Greedily the likeliest, if it may come: then not all logits are needed. */
static int32_t pick(struct step *st, size_t i, size_t n_past)
{
	struct run *r = st->r;
	if (sampler_is_plain(r->sampler)) {
		int32_t id = session_best(r->s, i);
		if (id < 0 || allow(st, id))
			return id;
	}
	return sampler_pick(r->sampler, session_logits(r->s, i), session_tokens(r->s), n_past, allow, st);
}

/* The pick behind the i-th evaluated token of the step; its text goes out. */
static int pick_at(void *arg, size_t i, int32_t *id, struct err *e)
{
	struct step *st = arg;
	*id = pick(st, i, st->n_past + i);
	int rc = take(st, *id, e);
	return rc ? rc : st->done;
}

/* Evaluates `next` and a draft behind it; picks on as long as the draft is right. *next becomes the first pick beyond it. */
static int advance(struct step *st, int32_t *next, struct err *e)
{
	struct run *r = st->r;
	int32_t tok[SESSION_MAX_BATCH] = { *next };
	size_t len = session_len(r->s), room = session_ctx(r->s) - len, n = 0, right = 0;
	size_t max = room - 1 < SESSION_MAX_BATCH - 1 ? room - 1 : SESSION_MAX_BATCH - 1;
	if (r->n_max - r->n_gen - 1 < max)	/* the pick beyond the draft is a token too */
		max = r->n_max - r->n_gen - 1;
	if (r->hooks.propose && max)
		n = r->hooks.propose(r->hooks.draft, session_tokens(r->s), len, *next, max, tok + 1);
	uint64_t t0 = io_now_ns();
	int rc = session_eval(r->s, tok, n + 1, n + 1, e);
	st->n_past = len + 1;
	if (!rc)
		rc = accept_draft(tok + 1, n, pick_at, st, next, &right, e);
	session_rewind(r->s, len + 1 + right);
	r->n_draft += n;
	r->n_accept += right;
	if (r->hooks.settle)
		r->hooks.settle(r->hooks.draft, n, right, (double)(io_now_ns() - t0) / 1e6);
	return rc < 0 ? rc : 0;
}

/* Reads the citations off the text that went out: what a stop string has swallowed cites nothing. */
static void read_cites(struct run *r)
{
	if (!r->cites)
		return;
	*r->cites = (struct cites){ .n_source = r->cites->n_source };
	cites_push(r->cites, r->text.data, r->text.len);
}

bool run_is_refusal(const struct run *r)
{
	for (const char *const *words = r->refusal; words && *words && r->text.len; words++)
		if (memmem(r->text.data, r->text.len, *words, strlen(*words)))
			return true;
	return false;
}

/* Nothing more comes behind a stop string. */
static bool must_cite(const struct run *r)
{
	return r->cites && r->cites->n_source && !r->cites->n_used && r->stop != RUN_CONTEXT && r->stop != RUN_STRING && r->text.len &&
		!run_is_refusal(r);
}

static bool is_number(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] < '0' || b->data[i] > '9')
			return false;
	return b->len > 0;
}

static bool is_supplied(struct step *st, int32_t id)
{
	const struct run *r = st->r;
	buf_clear(&st->piece);
	return !tok_piece(r->m->tok, id, &st->piece) && is_number(&st->piece) && cites_allow(r->cites, st->piece.data, st->piece.len);
}

/* The token with the largest of the last logits that is a supplied number. Where replies are drawn, too: a draw that is hot comes upon one
 * in tens of thousands. */
static int32_t likeliest_number(struct step *st)
{
	const float *logits = session_logits(st->r->s, 0);
	float top = -INFINITY;
	int32_t best = -1;
	for (size_t id = 0; id < st->r->m->arch.n_vocab; id++)
		if (logits[id] > top && is_supplied(st, (int32_t)id)) {
			top = logits[id];
			best = (int32_t)id;
		}
	return best;
}

/* " [" and the likeliest supplied number and "]"; what is missing of it where the reply's length ended it within a citation. */
static int force_cite(struct step *st, struct err *e)
{
	struct run *r = st->r;
	const struct cites before = *r->cites;
	struct tok_ids ids = { 0 };
	if (before.number)
		return put_text(r, "]", 1, e);
	int rc = tok_encode_next(r->m->tok, " [", 2, &ids, e);
	if (!rc && session_ctx(r->s) - session_len(r->s) >= ids.len)
		rc = session_eval(r->s, ids.id, ids.len, 1, e);
	else
		ids.len = 0;
	if (!rc && ids.len) {
		cites_push(r->cites, " [", 2);
		int32_t id = likeliest_number(st);
		*r->cites = before;		/* put_text moves it past the whole */
		buf_clear(&st->piece);
		buf_puts(&st->piece, before.is_open ? "" : " [");
		if (id >= 0 && !tok_piece(r->m->tok, id, &st->piece) && !buf_puts(&st->piece, "]"))
			rc = put_text(r, st->piece.data, st->piece.len, e);
	}
	tok_ids_release(&ids);
	return rc;
}

void run_start(const struct run *r, const int32_t *tok, size_t n)
{
	if (r->hooks.start)
		r->hooks.start(r->hooks.draft, tok, n, n - session_shared(r->s, tok, n));
}

int run_reply(struct run *r, struct err *e)
{
	struct step st = { .r = r };
	stream_clear(&r->stream);
	buf_clear(&r->text);
	r->n_gen = r->n_draft = r->n_accept = 0;
	r->first_ns = r->last_ns = io_now_ns();
	r->stop = RUN_LENGTH;
	int rc = 0;
	int32_t next = -1;
	if (r->n_max > 0) {
		next = pick(&st, 0, session_len(r->s));
		rc = take(&st, next, e);
	}
	while (!rc && r->n_max > 0 && !st.done) {
		if (session_len(r->s) == session_ctx(r->s)) {
			r->stop = RUN_CONTEXT;
			break;
		}
		rc = advance(&st, &next, e);
	}
	if (!rc)
		rc = stream_end(&r->stream) ? err_memory(e) : show(r, e);
	read_cites(r);
	if (!rc && must_cite(r))
		rc = force_cite(&st, e);
	if (!rc && !stream_end(&r->stream))
		rc = show(r, e);
	read_cites(r);
	buf_release(&st.piece);
	return rc;
}
