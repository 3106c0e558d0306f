/* SPDX-License-Identifier: Apache-2.0
 *
 * small: a session over the compact pack that follows the generator's timeline. Rejected drafts are rewound by the next
 * session_sync, which keeps the common prefix. See small.h.
 */
#include "speculate/small.h"

#include <stdlib.h>

#include "generate/model.h"
#include "generate/session.h"
#include "lib/base/io.h"
#include "lib/model/find.h"

#define N_CTX 8192		/* positions; pages are touched only as they are used */

struct small {
	struct model *model;
	struct session *session;
	char vocab[2 * HASH_ID_LEN + 1];
};

int small_open(struct small **out, const char *name, const char *models, const struct kern *kern, struct pool *pool, struct err *e)
{
	struct pack_maker how = { .pool = pool, .thin = &pack_thin_draft };
	struct buf path = {0};
	struct small *s = calloc(1, sizeof *s);
	int r = s ? model_find(&path, name, models, e) : err_memory(e);
	r = r ? r : model_open(&s->model, path.data, kern, &how, e);
	if (!r) {
		size_t n_ctx = s->model->arch.n_ctx < N_CTX ? s->model->arch.n_ctx : N_CTX;
		model_vocab(s->model, s->vocab);
		r = session_open(&s->session, s->model, pool, n_ctx, e);
	}
	buf_release(&path);
	if (r) {
		small_close(s);
		return r;
	}
	*out = s;
	return 0;
}

void small_close(struct small *s)
{
	if (!s)
		return;
	session_close(s->session);
	model_close(s->model);
	free(s);
}

const char *small_vocab(const struct small *s)
{
	return s->vocab;
}

/* The likeliest token and its probability among those of the short head. */
static int32_t best(struct small *s, double *prob)
{
	float *logit = session_logits(s->session, 0);
	size_t n = s->model->head.n_row, top = 0;
	for (size_t i = 1; i < n; i++)
		if (logit[i] > logit[top])
			top = i;
	*prob = 1.0 / (double)s->model->kern->softmax_sum(logit, n, logit);
	return (int32_t)top;
}

size_t small_unread(const struct small *s, const int32_t *timeline, size_t n)
{
	return n - session_shared(s->session, timeline, n);
}

int small_read(struct small *s, const int32_t *timeline, size_t n, struct err *e)
{
	return n && n <= session_ctx(s->session) ? session_sync(s->session, timeline, n, e) : 0;
}

int small_propose(struct small *s, struct policy *policy, const int32_t *timeline, size_t n, size_t max, struct small_draft *d,
		  struct err *e)
{
	double joint = 1.0;
	d->n = d->asked = 0;
	if (!max || !n || n + max > session_ctx(s->session))
		return 0;
	int r = 0;
	do {
		uint64_t start = io_now_ns();
		double p;
		if (d->n)
			r = session_eval(s->session, &d->tok[d->n - 1], 1, 1, e);
		else
			r = session_sync(s->session, timeline, n, e);
		if (r)
			break;
		int32_t next = best(s, &p);
		policy_drafted(policy, (double)(io_now_ns() - start) / 1e6);
		d->asked++;
		double chance = policy_chance(policy, POLICY_MODEL, p);
		if (!policy_model_keep(policy, d->n, joint, chance))
			break;
		joint *= chance;
		d->prob[d->n] = p;
		d->tok[d->n++] = next;
	} while (d->n < max && policy_model_more(policy, d->n, joint));
	return r;
}
