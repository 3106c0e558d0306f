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

#include "lib/base/opt.h"
#include "lib/base/rec.h"
#include "speculate/copy.h"
#include "speculate/policy.h"

#define TOOL "tt-speculate"

struct speculate {
	struct copy *copy;
	struct policy policy;
	/* The last draft, until we hear how it went. */
	enum policy_by by;
	int32_t tok[POLICY_MAX_DRAFT];
	double prob[POLICY_MAX_DRAFT];	/* by model: what it gave each token */
	size_t n, match;		/* by copy: length of the match the first token continued */
};

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
		int r = copy_push(s->copy, (int32_t)x->via.u64, e);
		if (r)
			return r;
	}
	return 0;
}

/* A new timeline, and what verification costs on the generator's side. */
static int on_ctx(struct speculate *s, const struct rec *rec, struct err *e)
{
	double cost[POLICY_MAX_DRAFT + 2] = {0};
	const msgpack_object *c = rec_get(rec, "cost");
	bool has_cost = c && c->type == MSGPACK_OBJECT_ARRAY && c->via.array.size == POLICY_MAX_DRAFT + 1;
	for (uint32_t i = 0; has_cost && i < c->via.array.size; i++) {
		const msgpack_object *x = &c->via.array.ptr[i];
		cost[i + 1] = x->type == MSGPACK_OBJECT_FLOAT64 || x->type == MSGPACK_OBJECT_FLOAT32 ? x->via.f64 : 0;
		has_cost = cost[i + 1] > 0;
	}
	copy_close(s->copy);
	s->copy = NULL;
	s->n = 0;
	policy_init(&s->policy, has_cost ? cost : NULL, 0);
	int r = copy_open(&s->copy, e);
	return r ? r : push_tokens(s, rec, e);
}

static int on_accept(struct speculate *s, const struct rec *rec, struct err *e)
{
	uint64_t n_right = 0;
	rec_u64(rec, "n", &n_right);
	if (!s->copy)
		return err_set(e, ERR_FORMAT, rec->at, "'accept' before any 'ctx'");
	for (size_t i = 0; i < s->n && i <= n_right; i++)
		policy_copy_result(&s->policy, s->match + i, i < n_right);
	return push_tokens(s, rec, e);
}

static int reply(struct speculate *s, const struct rec *rec, struct rec_writer *out, struct err *e)
{
	uint64_t max = POLICY_MAX_DRAFT;
	rec_u64(rec, "max", &max);
	if (max > POLICY_MAX_DRAFT)
		max = POLICY_MAX_DRAFT;
	size_t have = copy_draft(s->copy, s->tok, (size_t)max, &s->match);
	s->n = policy_copy_length(&s->policy, s->match, have, NULL);
	rec_begin(out, "draft");
	msgpack_packer *p = rec_put_key(out, "tok");
	msgpack_pack_array(p, s->n);
	for (size_t i = 0; i < s->n; i++)
		msgpack_pack_int32(p, s->tok[i]);
	rec_put_cstr(out, "by", "copy");
	rec_put_u64(out, "match", s->match);
	int r = rec_emit(out, e);
	return r ? r : rec_flush(out, e);
}

static int serve(struct rec_reader *in, struct rec_writer *out, struct err *e)
{
	struct speculate s = {0};
	struct rec rec;
	int got, r = 0;
	while (!r && (got = rec_read(in, &rec, e)) > 0) {
		if (rec_is(&rec, "ctx"))
			r = on_ctx(&s, &rec, e);
		else if (rec_is(&rec, "accept"))
			r = on_accept(&s, &rec, e);
		else
			continue;
		r = r ? r : reply(&s, &rec, out, e);
	}
	copy_close(s.copy);
	return r ? r : got;
}

int main(int argc, char **argv)
{
	static const struct opt opts[] = { { 0 } };
	static const struct opt_program prog = { TOOL, "", "propose tokens for tt-generate to verify", opts };
	struct err e = {0};
	struct rec_reader *in = NULL;
	struct rec_writer *out = NULL;
	if (opt_parse(&prog, argc, argv) < argc)
		return opt_misuse(&prog, "no operands are taken");
	int r = rec_reader_open(&in, 0, "stdin", &e);
	r = r ? r : rec_writer_open(&out, 1, TOOL, NULL, &e);
	r = r ? r : serve(in, out, &e);
	if (out && !r)
		r = rec_writer_close(out, &e);
	else
		rec_writer_abort(out);
	rec_reader_close(in);
	return r ? err_report(TOOL, &e) : EXIT_DONE;
}
