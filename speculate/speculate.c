/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-speculate: a drafter. Reads `ctx` and `accept` records, answers each with one `draft` (records.5).
 *
 *	ctx, accept --> timeline --> copy (earlier places) ----+--> the better expectation --> draft
 *	                      \----> draft (small model)  -----+        (policy)
 *
 * What was accepted of the last draft is counted before the next is made. See generate/drafter.h for the other end.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/base/rec.h"
#include "lib/kern/kern.h"
#include "speculate/copy.h"
#include "speculate/policy.h"
#include "speculate/small.h"

#define TOOL "tt-speculate"
#define SHORT 160		/* tokens that the small model reads for a reply at most */
#define AHEAD 32		/* and at most twice what the generator reads itself, and so many */

static struct { const char *model; long threads; } o;

struct speculate {
	struct copy *copy;
	struct small *small;		/* NULL: copies only */
	struct policy policy;
	/* The timeline for the small model, which keeps what it has read for the next one that begins in the same way. */
	int32_t *past;
	size_t n_past, cap;
	bool is_read;			/* false: there is too much to read, copies only */
	/* The last draft, until we hear how it went. */
	enum policy_by by;
	struct small_draft draft;
};

static int keep_past(struct speculate *s, const int32_t *tok, size_t n, struct err *e)
{
	if (n > s->cap - s->n_past) {
		size_t cap = s->cap ? s->cap : 1024;
		while (n > cap - s->n_past && cap <= SIZE_MAX / 2 / sizeof *s->past)
			cap *= 2;
		int32_t *p = n > cap - s->n_past ? NULL : realloc(s->past, cap * sizeof *p);
		if (!p)
			return err_memory(e);
		s->past = p;
		s->cap = cap;
	}
	if (n)		/* or there may be no memory yet */
		memcpy(s->past + s->n_past, tok, n * sizeof *tok);
	s->n_past += n;
	return 0;
}

static int push_copy(struct copy *c, const int32_t *tok, size_t n, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < n && !r; i++)
		r = copy_push(c, tok[i], e);
	return r;
}

/* The record's tokens, in memory that the caller frees. */
static int get_tokens(const struct rec *rec, int32_t **tok, size_t *n, struct err *e)
{
	const msgpack_object *t = rec_get(rec, "tok");
	*tok = NULL;
	*n = 0;
	if (!t || t->type != MSGPACK_OBJECT_ARRAY)
		return err_set(e, ERR_FORMAT, rec->at, "record %llu has no 'tok' array", (unsigned long long)rec->n);
	if (!(*tok = malloc((t->via.array.size + (size_t)1) * sizeof **tok)))
		return err_memory(e);
	for (uint32_t i = 0; i < t->via.array.size; i++) {
		const msgpack_object *x = &t->via.array.ptr[i];
		if (x->type != MSGPACK_OBJECT_POSITIVE_INTEGER || x->via.u64 > INT32_MAX)
			return err_set(e, ERR_FORMAT, rec->at, "record %llu: 'tok' holds what is not a token",
				       (unsigned long long)rec->n);
		(*tok)[(*n)++] = (int32_t)x->via.u64;
	}
	return 0;
}

/* The small model takes part in a reply if it can know all of the timeline at little cost: what it has not read yet is short, and not
 * much beside the `fresh` tokens that the generator reads itself. Of long prompts it would know the end only, and does worse than copies. */
static int begin_past(struct speculate *s, const int32_t *tok, size_t n, uint64_t fresh, struct err *e)
{
	size_t unread = s->small ? small_unread(s->small, tok, n) : 0;
	s->is_read = s->small && unread <= SHORT && unread <= 2 * fresh + AHEAD;
	s->n_past = 0;
	return s->is_read ? keep_past(s, tok, n, e) : 0;
}

/* What verification costs on the generator's side. False if the record does not say so. */
static bool get_costs(const struct rec *rec, double cost[POLICY_MAX_DRAFT + 2])
{
	const msgpack_object *c = rec_get(rec, "cost");
	bool ok = c && c->type == MSGPACK_OBJECT_ARRAY && c->via.array.size == POLICY_MAX_DRAFT + 1;
	for (uint32_t i = 0; ok && i < c->via.array.size; i++) {
		const msgpack_object *x = &c->via.array.ptr[i];
		bool is_float = x->type == MSGPACK_OBJECT_FLOAT64 || x->type == MSGPACK_OBJECT_FLOAT32;
		cost[i + 1] = is_float ? x->via.f64 : x->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? (double)x->via.u64 : 0;
		ok = cost[i + 1] > 0;
	}
	return ok;
}

/* A new timeline. */
static int on_ctx(struct speculate *s, const struct rec *rec, struct err *e)
{
	double cost[POLICY_MAX_DRAFT + 2], draft = s->policy.draft;
	bool has_cost = get_costs(rec, cost);
	int32_t *tok;
	size_t n;
	uint64_t fresh;
	int r = get_tokens(rec, &tok, &n, e);
	if (!rec_u64(rec, "fresh", &fresh))
		fresh = n;
	copy_close(s->copy);
	s->copy = NULL;
	s->draft.n = s->draft.asked = 0;
	policy_init(&s->policy, has_cost ? cost : NULL, draft > 0 ? draft : has_cost ? cost[1] / 4 : 0.25);
	r = r ? r : copy_open(&s->copy, e);
	r = r ? r : push_copy(s->copy, tok, n, e);
	r = r ? r : begin_past(s, tok, n, fresh, e);
	free(tok);
	return r;
}

static int on_accept(struct speculate *s, const struct rec *rec, struct err *e)
{
	const struct small_draft *d = &s->draft;
	double cost[POLICY_MAX_DRAFT + 2];
	uint64_t n_right = 0;
	int32_t *tok;
	size_t n;
	rec_u64(rec, "n", &n_right);
	if (!s->copy)
		return err_set(e, ERR_FORMAT, rec->at, "'accept' before any 'ctx'");
	size_t right = n_right < d->n ? (size_t)n_right : d->n;
	for (size_t i = 0; i < d->n && i <= right; i++)
		policy_result(&s->policy, s->by, d->prob[i], i < right);
	policy_step(&s->policy, d->n, right, d->asked);
	if (get_costs(rec, cost))
		policy_costs(&s->policy, cost);
	int r = get_tokens(rec, &tok, &n, e);
	r = r ? r : push_copy(s->copy, tok, n, e);
	if (!r && s->is_read)
		r = keep_past(s, tok, n, e);
	free(tok);
	return r;
}

/* Copies or the small model's guesses, whichever gains more. */
static int make_draft(struct speculate *s, size_t max, struct err *e)
{
	struct small_draft *d = &s->draft;
	struct small_draft copied = { .n = 0 };
	double gain;
	copied.n = copy_draft(s->copy, copied.tok, copied.prob, max);
	copied.n = policy_copy_length(&s->policy, copied.prob, copied.n, &gain);
	int r = 0;
	d->n = d->asked = 0;
	s->is_read = s->is_read && small_unread(s->small, s->past, s->n_past) <= SHORT;		/* too much was said while it rested */
	if (max && s->is_read && policy_model_ask(&s->policy, gain))
		r = small_propose(s->small, &s->policy, s->past, s->n_past, max, d, e);
	s->by = d->n ? POLICY_MODEL : POLICY_COPY;
	if (!d->n) {
		copied.asked = d->asked;
		*d = copied;
	}
	return r;
}

static int reply(struct speculate *s, const struct rec *rec, struct rec_writer *out, struct err *e)
{
	uint64_t max = POLICY_MAX_DRAFT;
	rec_u64(rec, "max", &max);
	int r = make_draft(s, max < POLICY_MAX_DRAFT ? (size_t)max : POLICY_MAX_DRAFT, e);
	if (r)
		return r;
	rec_begin(out, "draft");
	rec_put_ids(out, "tok", s->draft.tok, s->draft.n);
	rec_put_cstr(out, "by", s->by == POLICY_COPY ? "copy" : "model");
	r = rec_emit(out, e);
	r = r ? r : rec_flush(out, e);
	/* Nothing is wanted yet: the generator is reading its prompt. So do we. */
	return !r && !max && s->is_read ? small_read(s->small, s->past, s->n_past, e) : r;
}

/* The generator's head names its vocabulary; a small model of another one could only talk nonsense. */
static int on_head(const struct speculate *s, const struct rec *rec, struct err *e)
{
	const char *v;
	size_t n;
	if (!s->small || !rec_str(rec, "model", &v, &n))
		return 0;
	if (n == strlen(small_vocab(s->small)) && !memcmp(v, small_vocab(s->small), n))
		return 0;
	return err_set(e, ERR_CONF, ERR_NO_OFFSET, "'%s' has another vocabulary than the generator's model", o.model);
}

static int serve(struct speculate *s, struct rec_reader *in, struct rec_writer *out, struct err *e)
{
	struct rec rec;
	int got, r = 0;
	while (!r && (got = rec_read(in, &rec, e)) > 0) {
		if (rec_is(&rec, "head"))
			r = on_head(s, &rec, e);
		else if (rec_is(&rec, "ctx"))
			r = on_ctx(s, &rec, e);
		else if (rec_is(&rec, "accept"))
			r = on_accept(s, &rec, e);
		if (!r && (rec_is(&rec, "ctx") || rec_is(&rec, "accept")))
			r = reply(s, &rec, out, e);
	}
	if (r == ERR_ARG)	/* a token that the small model does not have: it is the record that is wrong, not the command line */
		r = e->code = ERR_FORMAT;
	return r ? r : got;
}

static int open_small(struct speculate *s, struct pool **pool, struct err *e)
{
	const struct kern *kern = kern_select(getenv("TT_CPU"), e);
	int r = kern ? pool_open(pool, (int)o.threads, e) : e->code;
	return r ? r : small_open(&s->small, o.model, getenv("TT_MODELS"), kern, *pool, e);
}

int main(int argc, char **argv)
{
	static const struct opt opts[] = {
		{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME",
			.help = "small model of the generator's vocabulary; without it, copies only" },
		{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N",
			.help = "threads of the small model; 0 = all processors", .min = 0, .max = POOL_MAX_THREADS, .env = "TT_THREADS" },
		{ 0 }
	};
	static const struct opt_program prog = { TOOL, "", "propose tokens for tt-generate to verify", opts };
	struct err e = {0};
	struct rec_reader *in = NULL;
	struct rec_writer *out = NULL;
	struct speculate s = {0};
	struct pool *pool = NULL;
	fault_catch(TOOL);
	if (opt_parse(&prog, argc, argv) < argc)
		return opt_misuse(&prog, "no operands are taken");
	int r = o.model ? open_small(&s, &pool, &e) : 0;
	r = r ? r : rec_reader_open(&in, 0, "stdin", &e);
	r = r ? r : rec_writer_open(&out, 1, TOOL, NULL, &e);
	r = r ? r : serve(&s, in, out, &e);
	if (out && !r)
		r = rec_writer_close(out, &e);
	else
		rec_writer_abort(out);
	rec_reader_close(in);
	copy_close(s.copy);
	small_close(s.small);
	pool_close(pool);
	free(s.past);
	if (r == ERR_EOF)
		return err_exit(r);	/* the generator is gone, a closed pipe killed it perhaps; it says why, if anybody does */
	return r ? err_report(TOOL, &e) : EXIT_DONE;
}
