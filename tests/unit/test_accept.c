/* SPDX-License-Identifier: Apache-2.0
 *
 * test_accept: drafts change nothing about what is drawn. A toy language of five tokens, whose next token depends on the last two, is
 * sampled 100,000 times, four tokens a time, through steps as run.c makes them: a draft, the logits at each of its positions, the
 * accepted part. The counts of all 625 texts must fit the exact product of probabilities (chi-square), for every kind of drafter;
 * and each text must be the one that is drawn without drafts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "generate/accept.h"
#include "generate/sample.h"
#include "speculate/copy.h"

enum { V = 5, LEN = 4, N_TEXT = V * V * V * V, PROMPT = 8, MAX_DRAFT = 7 };
#define DRAWS 100000

static const int32_t prompt[PROMPT] = { 0, 1, 2, 0, 1, 3, 0, 1 };

static void toy_logits(int32_t a, int32_t b, float out[V])
{
	for (int v = 0; v < V; v++)
		out[v] = (float)((a * 7 + b * 5 + v * v * 3 + v * (a + 1)) % 11) * 0.25f;
}

static struct sampler *open_sampler(uint64_t seed)
{
	struct sample_params p = SAMPLE_GREEDY;
	struct sampler *s = NULL;
	p.temp = 0.9;
	p.seed = seed;
	assert_int_equal(sampler_open(&s, &p, V, NULL), 0);
	return s;
}

/* Drafts n <= max tokens behind text[0..len). */
typedef size_t (*toy_drafter)(const int32_t *text, size_t len, size_t max, int32_t *draft);

static size_t draft_none(const int32_t *text, size_t len, size_t max, int32_t *draft)
{
	(void)text;
	(void)len;
	(void)max;
	(void)draft;
	return 0;
}

/* What followed earlier places that read alike: the drafter of tt-speculate. */
static size_t draft_copy(const int32_t *text, size_t len, size_t max, int32_t *draft)
{
	struct copy *c;
	double prob[COPY_MAX];
	assert_int_equal(copy_open(&c, NULL), 0);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(copy_push(c, text[i], NULL), 0);
	size_t n = copy_draft(c, draft, prob, max);
	copy_close(c);
	return n;
}

/* A model's likeliest tokens: of the same language (`shift` 0), or of one that is rarely right. */
static size_t draft_model(const int32_t *text, size_t len, size_t max, int32_t *draft, int32_t shift)
{
	int32_t a = text[len - 2], b = text[len - 1];
	float l[V];
	for (size_t i = 0; i < max; i++) {
		toy_logits(a, b, l);
		draft[i] = (sample_argmax(l, V) + shift) % V;
		a = b;
		b = draft[i];
	}
	return max;
}

static size_t draft_likeliest(const int32_t *text, size_t len, size_t max, int32_t *draft)
{
	return draft_model(text, len, max, draft, 0);
}

static size_t draft_odd(const int32_t *text, size_t len, size_t max, int32_t *draft)
{
	return draft_model(text, len, max, draft, 2);
}

struct toy {
	struct sampler *sampler;
	int32_t text[PROMPT + LEN + 1];
	const int32_t *draft;		/* of the step under way */
	size_t len;			/* tokens that stand */
};

/* The logits behind text and the draft's first i tokens are those of a batch that was evaluated at once. */
static int toy_pick(void *arg, size_t i, int32_t *id, struct err *e)
{
	struct toy *t = arg;
	float l[V];
	(void)e;
	int32_t a = i > 1 ? t->draft[i - 2] : t->text[t->len - 2 + i], b = i > 0 ? t->draft[i - 1] : t->text[t->len - 1];
	toy_logits(a, b, l);
	*id = sampler_pick(t->sampler, l, NULL, t->len + i, NULL, NULL);
	return t->len + i + 1 == PROMPT + LEN;
}

/* Draws a text of LEN tokens into t->text + PROMPT. */
static void toy_draw(struct toy *t, uint64_t seed, toy_drafter drafter)
{
	int32_t draft[MAX_DRAFT], next;
	t->sampler = open_sampler(seed);
	t->draft = draft;
	t->len = PROMPT;
	memcpy(t->text, prompt, sizeof prompt);
	for (int rc = 0; !rc;) {
		size_t right, n = drafter(t->text, t->len, MAX_DRAFT, draft);
		rc = accept_draft(draft, n, toy_pick, t, &next, &right, NULL);
		memcpy(t->text + t->len, draft, right * sizeof *draft);
		t->len += right;
		t->text[t->len++] = next;
	}
	assert_int_equal(t->len, PROMPT + LEN);
	sampler_close(t->sampler);
}

static size_t text_index(const int32_t *tok)
{
	size_t k = 0;
	for (int i = 0; i < LEN; i++)
		k = k * V + (size_t)tok[i];
	return k;
}

/* Exact chances of all texts. */
static void toy_chances(double want[N_TEXT])
{
	struct sampler *s = open_sampler(0);
	for (size_t k = 0; k < N_TEXT; k++) {
		int32_t tok[2 + LEN] = { prompt[PROMPT - 2], prompt[PROMPT - 1] };
		want[k] = 1;
		for (size_t i = 0, unit = N_TEXT / V; i < LEN; i++, unit /= V) {
			const struct sample_item *it;
			float l[V];
			tok[2 + i] = (int32_t)(k / unit % V);
			toy_logits(tok[i], tok[i + 1], l);
			size_t n = sampler_dist(s, l, NULL, 0, &it);
			double p = 0;
			for (size_t j = 0; j < n; j++)
				p += it[j].id == tok[2 + i] ? (double)it[j].p : 0;
			want[k] *= p;
		}
	}
	sampler_close(s);
}

/* Chi-square of the texts against their chances, rare ones (under 5 expected) taken together. *n_class gets the classes. */
static double chi_square(const long *got, const double *want, int *n_class)
{
	double chi = 0, rare_want = 0, rare_got = 0;
	*n_class = 0;
	for (size_t k = 0; k < N_TEXT; k++) {
		double expect = want[k] * DRAWS;
		if (expect < 5) {
			rare_want += expect;
			rare_got += (double)got[k];
			continue;
		}
		chi += pow((double)got[k] - expect, 2) / expect;
		++*n_class;
	}
	if (rare_want >= 5) {
		chi += pow(rare_got - rare_want, 2) / rare_want;
		++*n_class;
	}
	return chi;
}

/* The 0.999 quantile of chi-square (Wilson and Hilferty 1931; good to a part in a thousand from 30 degrees of freedom on). */
static double chi_limit(int freedom)
{
	double f = 2.0 / (9.0 * freedom);
	return freedom * pow(1 - f + 3.0902 * sqrt(f), 3);
}

static void accept_many_draws_follow_distribution(toy_drafter drafter)
{
	static double want[N_TEXT];
	static long got[N_TEXT];
	struct toy t;
	int n_class;
	toy_chances(want);
	memset(got, 0, sizeof got);
	for (uint64_t seed = 0; seed < DRAWS; seed++) {
		toy_draw(&t, seed, drafter);
		got[text_index(t.text + PROMPT)]++;
	}
	double chi = chi_square(got, want, &n_class);
	assert_true(n_class > 100);
	if (chi > chi_limit(n_class - 1))
		fail_msg("chi-square %.1f of %d classes, at most %.1f", chi, n_class, chi_limit(n_class - 1));
}

static void accept_without_drafts_follows_distribution(void **state)
{
	(void)state;
	accept_many_draws_follow_distribution(draft_none);
}

static void accept_copied_drafts_follow_distribution(void **state)
{
	(void)state;
	accept_many_draws_follow_distribution(draft_copy);
}

static void accept_model_drafts_follow_distribution(void **state)
{
	(void)state;
	accept_many_draws_follow_distribution(draft_likeliest);
	accept_many_draws_follow_distribution(draft_odd);
}

static void accept_drafts_give_the_undrafted_text(void **state)
{
	(void)state;
	static const toy_drafter drafter[] = { draft_copy, draft_likeliest, draft_odd };
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct toy plain, drafted;
		toy_draw(&plain, seed, draft_none);
		for (size_t i = 0; i < sizeof drafter / sizeof *drafter; i++) {
			toy_draw(&drafted, seed, drafter[i]);
			assert_memory_equal(plain.text, drafted.text, sizeof(int32_t) * (PROMPT + LEN));
		}
	}
}

static int scripted_pick(void *arg, size_t i, int32_t *id, struct err *e)
{
	(void)e;
	*id = ((const int32_t *)arg)[i];
	return *id == 99 ? 1 : *id == 98 ? ERR_MEM : 0;
}

static void accept_counts_up_to_the_first_difference(void **state)
{
	(void)state;
	static const struct { int32_t draft[4]; size_t n; int32_t pick[5]; int rc; int32_t next; size_t right; } c[] = {
		{ { 0 }, 0, { 5 }, 0, 5, 0 },				/* no draft: one pick */
		{ { 1, 2, 3, 4 }, 4, { 1, 2, 3, 4, 5 }, 0, 5, 4 },	/* all right: one beyond */
		{ { 1, 2, 3, 4 }, 4, { 1, 2, 7, 4, 5 }, 0, 7, 2 },
		{ { 1, 2 }, 2, { 7, 2, 3 }, 0, 7, 0 },
		{ { 1, 99, 3 }, 3, { 1, 99, 3, 4 }, 1, 99, 1 },		/* the text ends with a pick that the draft had foreseen */
		{ { 1, 2 }, 2, { 1, 98 }, ERR_MEM, 98, 1 },
	};
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		int32_t next, pick[5];
		size_t right;
		memcpy(pick, c[i].pick, sizeof pick);
		assert_int_equal(accept_draft(c[i].draft, c[i].n, scripted_pick, pick, &next, &right, NULL), c[i].rc);
		assert_int_equal(next, c[i].next);
		assert_int_equal(right, c[i].right);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_counts_up_to_the_first_difference),
		cmocka_unit_test(accept_drafts_give_the_undrafted_text),
		cmocka_unit_test(accept_without_drafts_follows_distribution),
		cmocka_unit_test(accept_copied_drafts_follow_distribution),
		cmocka_unit_test(accept_model_drafts_follow_distribution),
	};
	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
