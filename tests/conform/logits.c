/* SPDX-License-Identifier: Apache-2.0
 *
 * logits: is the decoder right? Teacher-forced over reference rows: each prompt, then the 48 tokens that a peer generated; at each
 * of these positions our log-probabilities are compared with the float32 truth's ten best.
 *
 *	logits NAME MODEL.gguf REF/logits/NAME.json.gz [THREADS [ROWS]]
 *
 * Prints a line a check: our number, the peer's own distance from the truth, ok or FAIL. Exit 1 if one fails.
 */
#include <math.h>
#include <stdlib.h>

#include "generate/model.h"
#include "generate/session.h"
#include "lib/base/pool.h"
#include "tests/conform/ref.h"

struct tally {
	double *diff;		/* |difference of log-probability| */
	size_t n, cap, n_pos, n_same, bad;
};

/* log(sum(exp(x))) */
static double log_sum(const float *x, size_t n)
{
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < n; i++)
		top = (double)x[i] > top ? (double)x[i] : top;
	for (size_t i = 0; i < n; i++)
		sum += exp((double)x[i] - top);
	return top + log(sum);
}

static void compare(struct tally *t, const float *x, size_t n_vocab, const json_t *truth)
{
	double norm = log_sum(x, n_vocab);
	size_t best = 0;
	for (size_t i = 1; i < n_vocab; i++)
		if (x[i] > x[best])
			best = i;
	t->n_pos++;
	t->n_same += (json_int_t)best == json_integer_value(json_array_get(json_array_get(truth, 0), 0));
	for (size_t i = 0; i < 10 && i < json_array_size(truth); i++) {
		const json_t *it = json_array_get(truth, i);
		json_int_t id = json_integer_value(json_array_get(it, 0));
		if (id < 0 || (size_t)id >= n_vocab || t->n == t->cap) {
			t->bad++;
			continue;
		}
		t->diff[t->n++] = fabs((double)x[id] - norm - json_number_value(json_array_get(it, 1)));
	}
}

static size_t ids_of(const json_t *a, int32_t *out, size_t cap)
{
	size_t n = json_array_size(a);
	for (size_t i = 0; i < n && i < cap; i++)
		out[i] = (int32_t)json_integer_value(json_array_get(a, i));
	return n < cap ? n : cap;
}

static int run_row(struct tally *t, struct session *s, const struct model *m, const json_t *row, struct err *e)
{
	int32_t tok[4096];
	const json_t *truth = json_object_get(row, "truth");
	size_t n = ids_of(json_object_get(row, "prompt"), tok, 4000);
	int rc = session_sync(s, tok, n, e);
	if (!rc && json_array_size(truth))
		compare(t, session_logits(s, 0), m->arch.n_vocab, json_array_get(truth, 0));
	size_t n_greedy = ids_of(json_object_get(row, "greedy"), tok, 96), n_truth = json_array_size(truth);
	for (size_t i = 1; i < n_truth && i <= n_greedy && !rc; ) {
		size_t some = n_truth - i < SESSION_MAX_BATCH ? n_truth - i : SESSION_MAX_BATCH;
		some = n_greedy - i + 1 < some ? n_greedy - i + 1 : some;
		rc = session_eval(s, tok + i - 1, some, some, e);
		for (size_t j = 0; j < some && !rc; j++)
			compare(t, session_logits(s, j), m->arch.n_vocab, json_array_get(truth, i + j));
		i += some;
	}
	return rc;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int line(const char *name, const char *what, double ours, double peer, int ok)
{
	printf("%s logits %s %s %.5f (llama.cpp %.5f)\n", ok ? "ok" : "FAIL", name, what, ours, peer);
	return !ok;
}

static int report(struct tally *t, const char *name, const json_t *sum)
{
	if (!t->n || t->bad) {
		printf("FAIL logits %s %zu values, %zu unusable\n", name, t->n, t->bad);
		return 1;
	}
	double mean = 0;
	for (size_t i = 0; i < t->n; i++)
		mean += t->diff[i] / (double)t->n;
	qsort(t->diff, t->n, sizeof *t->diff, by_size);
	double at = 0.99 * (double)(t->n - 1), lo = t->diff[(size_t)at], hi = t->diff[(size_t)ceil(at)];
	double p99 = lo + (hi - lo) * (at - floor(at)), agree = (double)t->n_same / (double)t->n_pos;
	double peer_mean = json_number_value(json_object_get(sum, "mean_abs_dlogprob_top10"));
	double peer_p99 = json_number_value(json_object_get(sum, "p99_abs_dlogprob_top10"));
	double peer_agree = json_number_value(json_object_get(sum, "top1_agreement"));
	int bad = line(name, "mean |dlogprob|", mean, peer_mean, mean <= peer_mean);
	bad |= line(name, "p99 |dlogprob|", p99, peer_p99, p99 <= peer_p99);
	bad |= line(name, "first choice agrees", agree, peer_agree, agree >= peer_agree - 1e-5);
	return bad;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: logits NAME MODEL.gguf FILE.json.gz [THREADS [ROWS]]\n");
		return 2;
	}
	struct err e = { 0 };
	struct model *m = NULL;
	struct pool *p = NULL;
	struct session *s = NULL;
	json_t *ref = ref_load(argv[3]);
	const json_t *rows = json_object_get(ref, "rows");
	const struct kern *kern = kern_select(getenv("TT_CPU"), &e);
	size_t n = json_array_size(rows);
	struct tally t = { .cap = n * 1000 };
	t.diff = malloc((t.cap + 1) * sizeof *t.diff);
	int rc = !ref || !kern || !t.diff ? ERR_NOENT : 0;
	if (!rc)
		rc = model_open(&m, argv[2], kern, NULL, &e);
	if (!rc)
		rc = pool_open(&p, argc > 4 ? atoi(argv[4]) : 0, &e);
	if (!rc)
		rc = session_open(&s, m, p, 4096, &e);
	size_t some = argc > 5 && (size_t)atoi(argv[5]) < n ? (size_t)atoi(argv[5]) : n;
	for (size_t i = 0; i < some && !rc; i++)		/* from the end: a few rows for a quick look are short there */
		rc = run_row(&t, s, m, json_array_get(rows, n - 1 - i), &e);
	if (rc)
		printf("FAIL logits %s %s\n", argv[1], e.msg[0] ? e.msg : "no reference");
	else
		rc = report(&t, argv[1], json_object_get(ref, "summary"));
	session_close(s);
	pool_close(p);
	model_close(m);
	free(t.diff);
	json_decref(ref);
	return rc != 0;
}
