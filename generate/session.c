/* SPDX-License-Identifier: Apache-2.0
 *
 * session: the timeline over a decoder and its keys and values.
 *
 *	tok[0 .. len)   what the past consists of
 *	kv[0 .. len)    its state; positions from len on are leftovers and are overwritten before they are read
 *
 * Rewinding is therefore only a smaller `len`.
 */
#include "generate/session.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "generate/decoder.h"

_Static_assert(SESSION_MAX_BATCH <= SCREEN_MAX, "decoder_best takes all positions that can be asked for");

struct session {
	const struct model *m;
	struct decoder *d;
	struct kv kv;
	int32_t *tok;		/* [n_ctx] */
	size_t len, n_ctx;
	float *logits;		/* [SESSION_MAX_BATCH, n_vocab]; room for decoder_best until they are asked for */
	bool has_logits, has_best;
	int32_t best[SESSION_MAX_BATCH];
};

int session_open(struct session **out, const struct model *m, struct pool *p, size_t n_ctx, struct err *e)
{
	struct session *s = calloc(1, sizeof *s);
	if (!s)
		return err_memory(e);
	s->m = m;
	s->n_ctx = n_ctx;
	int rc = n_ctx == 0 || n_ctx > ARCH_MAX_CTX ? err_set(e, ERR_ARG, ERR_NO_OFFSET, "a context of %zu tokens", n_ctx)
		: kv_open(&s->kv, &m->arch, n_ctx, e);
	if (!rc)
		rc = decoder_open(&s->d, m, p, e);
	if (!rc) {
		s->tok = malloc(n_ctx * sizeof *s->tok);
		s->logits = aligned_alloc(64, (SESSION_MAX_BATCH * m->arch.n_vocab * sizeof *s->logits + 63) / 64 * 64);
		if (!s->tok || !s->logits)
			rc = err_memory(e);
	}
	if (rc) {
		session_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	decoder_close(s->d);
	kv_close(&s->kv);
	free(s->tok);
	free(s->logits);
	free(s);
}

size_t session_len(const struct session *s)
{
	return s->len;
}

const int32_t *session_tokens(const struct session *s)
{
	return s->tok;
}

size_t session_ctx(const struct session *s)
{
	return s->n_ctx;
}

float *session_logits(struct session *s, size_t i)
{
	if (!s->has_logits) {
		decoder_logits(s->d, s->logits);
		s->has_logits = true;
	}
	return s->logits + i * s->m->arch.n_vocab;
}

int32_t session_best(struct session *s, size_t i)
{
	if (!s->has_best) {
		decoder_best(s->d, s->logits, s->best);
		s->has_best = true;
		s->has_logits = false;
	}
	return s->best[i];
}

void session_rewind(struct session *s, size_t n)
{
	if (n < s->len)
		s->len = n;
}

static int check_tokens(const struct session *s, const int32_t *tok, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (tok[i] < 0 || (size_t)tok[i] >= s->m->arch.n_vocab)
			return err_set(e, ERR_ARG, ERR_NO_OFFSET, "token id %d is not in the vocabulary", (int)tok[i]);
	return 0;
}

/* Whether tok[0..n) may follow. */
static int check_append(const struct session *s, const int32_t *tok, size_t n, struct err *e)
{
	if (n > s->n_ctx - s->len)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "%zu tokens after %zu exceed the context of %zu", n, s->len, s->n_ctx);
	return check_tokens(s, tok, n, e);
}

int session_eval(struct session *s, const int32_t *tok, size_t n, size_t n_out, struct err *e)
{
	if (n_out > SESSION_MAX_BATCH)
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "logits of %zu positions asked for", n_out);
	int rc = check_append(s, tok, n, e);
	if (rc)
		return rc;
	kv_expect(&s->kv, s->len + n);
	n_out = n_out < n ? n_out : n;
	s->has_logits = s->has_best = false;
	for (size_t at = 0; at < n;) {
		size_t left = n - at, some = left;
		if (left > DECODER_BATCH)	/* the last call evaluates all positions whose logits are wanted */
			some = left - DECODER_BATCH >= n_out ? DECODER_BATCH : left - n_out;
		decoder_run(s->d, &s->kv, tok + at, some, s->len, some == left ? n_out : 0);
		memcpy(s->tok + s->len, tok + at, some * sizeof *tok);
		s->len += some;
		at += some;
	}
	return 0;
}

size_t session_shared(const struct session *s, const int32_t *tok, size_t n)
{
	size_t same = 0;
	while (same < n && same < s->len && s->tok[same] == tok[same])
		same++;
	return same;
}

int session_sync(struct session *s, const int32_t *tok, size_t n, struct err *e)
{
	if (n > s->n_ctx)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "%zu tokens exceed the context of %zu", n, s->n_ctx);
	int rc = check_tokens(s, tok, n, e);
	if (rc)
		return rc;
	size_t same = session_shared(s, tok, n);
	if (n && same == n)
		same--;
	s->len = same;
	return session_eval(s, tok + same, n - same, 1, e);
}

size_t session_state_len(const struct session *s, size_t n)
{
	return n * kv_token_len(&s->kv);
}

uint8_t *session_state(struct session *s, size_t pos)
{
	return kv_state(&s->kv, pos);
}

int session_state_take(struct session *s, const int32_t *tok, size_t n, struct err *e)
{
	int rc = check_append(s, tok, n, e);
	if (rc)
		return rc;
	kv_expect(&s->kv, s->len + n);
	decoder_expand(s->d, &s->kv, s->len, n);
	memcpy(s->tok + s->len, tok, n * sizeof *tok);
	s->len += n;
	return 0;
}
