/* SPDX-License-Identifier: Apache-2.0
 *
 * throughput: random token ids, since arithmetic does not depend on them. See throughput.h.
 */
#include "bench/throughput.h"

#include "bench/speed.h"
#include "embed/forward.h"

#define CHUNK_TOKENS 234	/* what tt-chunk makes of manual pages on average, when bounded by 256 */
#define QUERY_TOKENS 12
#define CHUNK_ROUNDS 7	/* a batch of chunks takes most of a second */
#define QUERY_ROUNDS 21

static void fill(struct forward *f, const struct bert *b, size_t len, size_t n_text, uint64_t *seed)
{
	int32_t id[HYPER_MAX_TOK];
	forward_clear(f);
	for (size_t i = 0; i < n_text; i++) {
		for (size_t t = 0; t < len; t++) {
			*seed = *seed * 6364136223846793005u + 1442695040888963407u;
			id[t] = (int32_t)((*seed >> 33) % b->hyper.n_vocab);
		}
		if (!forward_add(f, id, len))
			break;
	}
}

/* Median seconds of a batch. */
static double batch_s(struct forward *f, const struct bert *b, size_t len, size_t n_text, int n_round)
{
	double s[QUERY_ROUNDS];
	uint64_t seed = 1;
	for (int i = 0; i < n_round; i++) {
		fill(f, b, len, n_text, &seed);
		uint64_t t = io_now_ns();
		forward_run(f);
		s[i] = (double)(io_now_ns() - t) / 1e9;
	}
	return speed_median(s, n_round);
}

int throughput_measure(struct throughput *out, const struct bert *b, struct pool *p, struct err *e)
{
	struct forward *f;
	const struct hyper *h = &b->hyper;
	int r = forward_open(&f, b, p, e);
	if (r)
		return r;
	size_t len = h->max_tok < CHUNK_TOKENS ? h->max_tok : CHUNK_TOKENS, query = h->max_tok < QUERY_TOKENS ? h->max_tok : QUERY_TOKENS;
	double s = batch_s(f, b, len, FORWARD_TOKENS, CHUNK_ROUNDS), n_tok = (double)forward_n_tok(f), d = (double)h->d_model;
	out->tokens_per_s = n_tok / s;
	out->gmacs = out->tokens_per_s * (double)h->n_layer * (4 * d * d + 2 * d * (double)h->d_ff + 2 * d * (double)len) / 1e9;
	out->query_ms = batch_s(f, b, query, 1, QUERY_ROUNDS) * 1e3;
	forward_close(f);
	return 0;
}
