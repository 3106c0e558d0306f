/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-speculate: a drafter. Reads `ctx` and `accept` records, answers each with one `draft` (records.5).
 *
 *	ctx, accept --> timeline --> copy (suffix automaton) --+--> the better expectation --> draft
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
#define WINDOW 160		/* tokens of a context that the small model reads: what comes next depends on little more */
#define PAUSE 24		/* drafts for which the small model rests after it has lost */
#define MEMORY 12		/* drafts over which it is judged */
#define TRUST 1.25		/* tokens a plain step's time that it is trusted to give before it has been judged */

static struct { const char *model; long threads; } o;

struct speculate {
	struct copy *copy;
	struct small *small;		/* NULL: copies only */
	struct policy policy;
	int32_t *past;			/* the timeline from the window's start on, for the small model */
	size_t n_past, cap;
	double small_rate;		/* running tokens a unit of cost of steps drafted by the small model */
	unsigned rest;
	/* The last draft, until we hear how it went. */
	enum policy_by by;
	int32_t tok[POLICY_MAX_DRAFT];
	double prob[POLICY_MAX_DRAFT];	/* by model: what it gave each token */
	size_t n, match;		/* by copy: length of the match the first token continued */
};

static int push(struct speculate *s, int32_t tok, struct err *e)
{
	if (s->n_past == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 1024;
		int32_t *p = realloc(s->past, cap * sizeof *p);
		if (!p)
			return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
		s->past = p;
		s->cap = cap;
	}
	s->past[s->n_past++] = tok;
	return copy_push(s->copy, tok, e);
}

static int push_tokens(struct speculate *s, const struct rec *rec, struct err *e)
{
	const msgpack_object *t = rec_get(rec, "tok");
	if (!t || t->type != MSGPACK_OBJECT_ARRAY)
		return err_set(e, ERR_FORMAT, rec->at, "record %llu has no 'tok' array", (unsigned long long)rec->n);
	for (uint32_t i = 0; i < t->via.array.size; i++) {
		const msgpack_object *x = &t->via.array.ptr[i];
		if (x->type != MSGPACK_OBJECT_POSITIVE_INTEGER || x->via.u64 > INT32_MAX)
			return err_set(e, ERR_FORMAT, rec->at, "record %llu: 'tok' holds what is not a token",
				       (unsigned long long)rec->n);
		int r = push(s, (int32_t)x->via.u64, e);
		if (r)
			return r;
	}
	return 0;
}

/* A new timeline, and what verification costs on the generator's side. */
static int on_ctx(struct speculate *s, const struct rec *rec, struct err *e)
{
	double cost[POLICY_MAX_DRAFT + 2] = {0}, draft = s->policy.draft;
	const msgpack_object *c = rec_get(rec, "cost");
	bool has_cost = c && c->type == MSGPACK_OBJECT_ARRAY && c->via.array.size == POLICY_MAX_DRAFT + 1;
	for (uint32_t i = 0; has_cost && i < c->via.array.size; i++) {
		const msgpack_object *x = &c->via.array.ptr[i];
		bool is_float = x->type == MSGPACK_OBJECT_FLOAT64 || x->type == MSGPACK_OBJECT_FLOAT32;
		cost[i + 1] = is_float ? x->via.f64 : x->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? (double)x->via.u64 : 0;
		has_cost = cost[i + 1] > 0;
	}
	copy_close(s->copy);
	s->copy = NULL;
	s->n = s->n_past = 0;
	policy_init(&s->policy, has_cost ? cost : NULL, draft > 0 ? draft : has_cost ? cost[1] / 4 : 0.25);
	s->small_rate = TRUST / s->policy.verify[1];
	s->rest = 0;
	int r = copy_open(&s->copy, e);
	r = r ? r : push_tokens(s, rec, e);
	if (!r && s->n_past > WINDOW) {
		memmove(s->past, s->past + s->n_past - WINDOW, WINDOW * sizeof *s->past);
		s->n_past = WINDOW;
	}
	return r;
}

/* Steps drafted by the small model are compared with plain ones; when they lose it rests. */
static void judge_small(struct speculate *s, size_t n_right)
{
	double rate = (double)(n_right + 1) / (s->policy.verify[s->n + 1] + (double)(s->n ? s->n : 1) * s->policy.draft);
	s->small_rate += (rate - s->small_rate) / MEMORY;
	if (s->small_rate * s->policy.verify[1] < 1.0) {
		s->rest = PAUSE;
		s->small_rate = TRUST / s->policy.verify[1];	/* a fresh chance afterwards */
	}
}

static int on_accept(struct speculate *s, const struct rec *rec, struct err *e)
{
	uint64_t n_right = 0;
	rec_u64(rec, "n", &n_right);
	if (!s->copy)
		return err_set(e, ERR_FORMAT, rec->at, "'accept' before any 'ctx'");
	for (size_t i = 0; i < s->n && i <= n_right; i++) {
		if (s->by == POLICY_COPY)
			policy_copy_result(&s->policy, s->match + i, i < n_right);
		else
			policy_model_result(&s->policy, s->prob[i], i < n_right);
	}
	if (s->by == POLICY_MODEL)
		judge_small(s, n_right < s->n ? (size_t)n_right : s->n);
	return push_tokens(s, rec, e);
}

/* Copies first, the small model where there is nothing to copy that would pay. */
static int make_draft(struct speculate *s, size_t max, struct err *e)
{
	size_t have = copy_draft(s->copy, s->tok, max, &s->match);
	s->by = POLICY_COPY;
	s->n = policy_copy_length(&s->policy, s->match, have, NULL);
	if (!s->small || s->n)
		return 0;
	if (s->rest) {
		s->rest--;
		return 0;
	}
	s->by = POLICY_MODEL;
	return small_propose(s->small, &s->policy, s->past, s->n_past, max, s->tok, s->prob, &s->n, e);
}

static int reply(struct speculate *s, const struct rec *rec, struct rec_writer *out, struct err *e)
{
	uint64_t max = POLICY_MAX_DRAFT;
	rec_u64(rec, "max", &max);
	int r = make_draft(s, max < POLICY_MAX_DRAFT ? (size_t)max : POLICY_MAX_DRAFT, e);
	if (r)
		return r;
	rec_begin(out, "draft");
	msgpack_packer *p = rec_put_key(out, "tok");
	msgpack_pack_array(p, s->n);
	for (size_t i = 0; i < s->n; i++)
		msgpack_pack_int32(p, s->tok[i]);
	rec_put_cstr(out, "by", s->by == POLICY_COPY ? "copy" : "model");
	if (s->by == POLICY_COPY)
		rec_put_u64(out, "match", s->match);
	r = rec_emit(out, e);
	return r ? r : rec_flush(out, e);
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
		{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME", .help = "small model of the generator's vocabulary; without it, copies only" },
		{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N", .help = "threads of the small model; 0 = all processors", .min = 0, .max = 256, .env = "TT_THREADS" },
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
