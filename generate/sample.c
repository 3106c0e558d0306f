/* SPDX-License-Identifier: Apache-2.0
 *
 * sample: penalties, truncation, temperature, one draw.
 *
 *	logits --penalty--> --top-k--> sorted items --softmax--> --top-p--> --min-p--> --temperature--> draw
 *
 * Only what can still be chosen is sorted: min-p and top-p without top-k first drop everything below e^-20 of the best, which
 * for any vocabulary of 2^18 together weighs less than 2^18 * 2e-9 = 0.0006 and is out of reach of sensible cut-offs; with
 * neither, all tokens stay candidates. exp is a polynomial of our own, so that a seed means the same tokens on every libm.
 */
#include "generate/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"

const struct sample_params SAMPLE_GREEDY = { .temp = 0, .top_p = 1, .repeat_penalty = 1, .repeat_last = 64 };

struct sampler {
	struct sample_params p;
	size_t n_vocab;
	struct sample_item *item;	/* [n_vocab], and as many to sort with; NULL when greedy */
	struct sample_item only;	/* the greedy distribution */
};

int sampler_open(struct sampler **out, const struct sample_params *p, size_t n_vocab, struct err *e)
{
	struct sampler *s = calloc(1, sizeof *s);
	size_t bytes;
	if (!s || !size_mul(n_vocab, 2 * sizeof *s->item, &bytes)) {
		free(s);
		return err_memory(e);
	}
	s->p = *p;
	s->n_vocab = n_vocab;
	if (p->temp > 0 && !(s->item = malloc(bytes ? bytes : 1))) {
		free(s);
		return err_memory(e);
	}
	*out = s;
	return 0;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	free(s->item);
	free(s);
}

bool sampler_is_plain(const struct sampler *s)
{
	return !s->item && (s->p.repeat_penalty == 1 || s->p.repeat_last <= 0);
}

int32_t sample_argmax(const float *x, size_t n)
{
	int32_t best = -1;
	float top = -INFINITY;
	for (size_t i = 0; i < n; i++)
		if (x[i] > top) {
			top = x[i];
			best = (int32_t)i;
		}
	return best;
}

/* splitmix64 (Steele, Lea, Flood 2014): a bijection that mixes well, so hashing the triple with it is a generator. */
static uint64_t mix(uint64_t z)
{
	z += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* In [0, 1), for the k-th draw at a position. */
static double uniform(uint64_t seed, uint64_t pos, uint64_t k)
{
	uint64_t z = mix(mix(mix(seed) ^ pos) ^ k);
	return (double)(z >> 11) * 0x1p-53;
}

/* e^x for x <= 0 in double: x = n ln2 + r, a Taylor polynomial of degree 12 on |r| <= ln2/2 (error < 2e-16). */
static double exp_neg(double x)
{
	if (!(x > -700))
		return 0;
	double n = floor(x * 1.4426950408889634 + 0.5);
	double r = fma(n, -0.6931471803691238, x);
	r = fma(n, -1.9082149292705877e-10, r);
	double t = 1, sum = 1;
	for (int i = 1; i <= 12; i++) {
		t = t * r / i;
		sum += t;
	}
	return ldexp(sum, (int)n);
}

static void penalize(const struct sampler *s, float *logits, const int32_t *past, size_t n_past)
{
	if (s->p.repeat_penalty == 1 || s->p.repeat_last <= 0)
		return;
	size_t last = (size_t)s->p.repeat_last;
	size_t from = n_past > last ? n_past - last : 0;
	for (size_t i = from; i < n_past; i++) {
		int32_t id = past[i];
		size_t seen = from;
		while (past[seen] != id)
			seen++;
		if (seen < i || id < 0 || (size_t)id >= s->n_vocab)	/* once each */
			continue;
		double v = logits[id];
		logits[id] = (float)(v > 0 ? v / s->p.repeat_penalty : v * s->p.repeat_penalty);
	}
}

/* Best first: larger value, then lower id. */
static int by_value(const void *a, const void *b)
{
	const struct sample_item *x = a, *y = b;
	if (x->p != y->p)
		return x->p > y->p ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static void sift(struct sample_item *h, size_t n, size_t i)
{
	for (;;) {	/* h[0] is the worst kept */
		size_t w = i, l = 2 * i + 1, r = l + 1;
		if (l < n && by_value(&h[l], &h[w]) > 0)
			w = l;
		if (r < n && by_value(&h[r], &h[w]) > 0)
			w = r;
		if (w == i)
			return;
		struct sample_item t = h[i];
		h[i] = h[w];
		h[w] = t;
		i = w;
	}
}

/* A number that is less for what comes first: the bits of a float, turned so that they compare as it does. */
static uint32_t place(float v)
{
	uint32_t bits;
	v += 0.0f;	/* of the two zeros, one */
	memcpy(&bits, &v, sizeof bits);
	return bits & 0x80000000u ? bits : ~bits & 0x7fffffffu;
}

/* As qsort by by_value, of items in the order of their ids: byte by byte, the lowest first, each time keeping the order among equals. For a
 * whole vocabulary, which is sorted for every token, ten times as fast. */
static void sort_by_bytes(struct sample_item *item, struct sample_item *other, size_t n)
{
	for (unsigned shift = 0; shift < 32; shift += 8) {
		size_t at[256] = { 0 }, sum = 0;
		for (size_t i = 0; i < n; i++)
			at[place(item[i].p) >> shift & 255]++;
		for (size_t b = 0; b < 256; b++) {
			size_t count = at[b];
			at[b] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			other[at[place(item[i].p) >> shift & 255]++] = item[i];
		struct sample_item *t = item;
		item = other;
		other = t;
	}
}

/* Fills item[] with the candidates, sorted; returns their number. */
static size_t candidates(struct sampler *s, const float *logits)
{
	float top = -INFINITY;
	for (size_t i = 0; i < s->n_vocab; i++)
		if (logits[i] > top)
			top = logits[i];
	if (top == -INFINITY)
		return 0;
	bool cut = s->p.top_p < 1 || s->p.min_p > 1e-8;
	float floor_at = cut ? top - 20 : -INFINITY;
	size_t k = s->p.top_k > 0 && (size_t)s->p.top_k < s->n_vocab ? (size_t)s->p.top_k : s->n_vocab;
	size_t n = 0;
	for (size_t i = 0; i < s->n_vocab; i++) {
		if (!(logits[i] > -INFINITY) || logits[i] < floor_at)
			continue;
		struct sample_item it = { logits[i], (int32_t)i };
		if (n < k) {
			s->item[n++] = it;
			if (n == k && k < s->n_vocab)
				for (size_t j = k / 2; j-- > 0;)
					sift(s->item, k, j);
		} else if (by_value(&it, &s->item[0]) < 0) {
			s->item[0] = it;
			sift(s->item, k, 0);
		}
	}
	if (k < s->n_vocab)
		qsort(s->item, n, sizeof *s->item, by_value);
	else
		sort_by_bytes(s->item, s->item + s->n_vocab, n);
	return n;
}

/* item[].p from logits to probabilities at temperature `temp`. */
static void softmax(struct sample_item *item, size_t n, double temp)
{
	double top = item[0].p, sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += exp_neg(((double)item[i].p - top) / temp);
	for (size_t i = 0; i < n; i++)
		item[i].p = (float)(exp_neg(((double)item[i].p - top) / temp) / sum);
}

/* How many of the sorted items top-p and min-p keep (at least one). */
static size_t truncate_p(const struct sampler *s, const struct sample_item *item, size_t n)
{
	double top = item[0].p, sum = 0, acc = 0;
	for (size_t i = 0; i < n; i++)
		sum += exp_neg((double)item[i].p - top);
	for (size_t i = 0; i < n; i++) {
		double w = exp_neg((double)item[i].p - top);
		if (i > 0 && (w < s->p.min_p || acc >= s->p.top_p * sum))
			return i;
		acc += w;
	}
	return n;
}

/* sampler_dist after the penalty. */
static size_t dist(struct sampler *s, const float *logits, const struct sample_item **item)
{
	if (!s->item) {
		s->only = (struct sample_item){ 1, sample_argmax(logits, s->n_vocab) };
		*item = &s->only;
		return s->only.id >= 0;
	}
	*item = s->item;
	size_t n = candidates(s, logits);
	if (n == 0)
		return 0;
	if (s->p.top_p < 1 || s->p.min_p > 0)
		n = truncate_p(s, s->item, n);
	softmax(s->item, n, s->p.temp);
	return n;
}

size_t sampler_dist(struct sampler *s, float *logits, const int32_t *past, size_t n_past, const struct sample_item **item)
{
	penalize(s, logits, past, n_past);
	return dist(s, logits, item);
}

/* The item that u in [0, 1) falls on. */
static int32_t draw(const struct sample_item *item, size_t n, double u)
{
	double acc = 0;
	for (size_t i = 0; i < n; i++) {
		acc += (double)item[i].p;
		if (u < acc)
			return item[i].id;
	}
	return n ? item[0].id : -1;	/* u beyond the rounded sum: the best */
}

int32_t sampler_pick(struct sampler *s, float *logits, const int32_t *past, size_t n_past, sample_allow allow, void *arg)
{
	penalize(s, logits, past, n_past);
	for (uint64_t k = 0;; k++) {
		const struct sample_item *item;
		size_t n = dist(s, logits, &item);
		int32_t id = draw(item, n, uniform(s->p.seed, n_past, k));
		if (id < 0 || !allow || allow(arg, id))
			return id;
		logits[id] = -INFINITY;
	}
}
