/* SPDX-License-Identifier: Apache-2.0
 *
 * perplexity: tokenizer and decoder together over running text. The text is tokenized as one; of each of the first 20 windows of 512
 * tokens the 255 tokens after the first 257 are predicted. A model that wants BOS has it in front of the text and in place of each
 * window's first token.
 *
 *	perplexity NAME MODEL.gguf TEXT [PERPLEXITY.json]	within 0.5 % of the float32 value there
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/model.h"
#include "generate/session.h"
#include "lib/base/io.h"
#include "lib/base/pool.h"
#include "tests/conform/ref.h"

enum { WINDOW = 512, N_WINDOW = 20, FIRST = WINDOW / 2 };

static double log_prob(const float *x, size_t n, int32_t id)
{
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < n; i++)
		top = (double)x[i] > top ? (double)x[i] : top;
	for (size_t i = 0; i < n; i++)
		sum += exp((double)x[i] - top);
	return (double)x[id] - top - log(sum);
}

/* Adds the negative log-probabilities of tok[FIRST + 1 .. WINDOW). */
static int run_window(struct session *s, size_t n_vocab, const int32_t *tok, double *nll, struct err *e)
{
	session_rewind(s, 0);
	int rc = session_eval(s, tok, FIRST, 0, e);
	for (size_t i = FIRST; i < WINDOW - 1 && !rc;) {
		size_t n = WINDOW - 1 - i < SESSION_MAX_BATCH ? WINDOW - 1 - i : SESSION_MAX_BATCH;
		rc = session_eval(s, tok + i, n, n, e);
		for (size_t j = 0; j < n && !rc; j++)
			*nll -= log_prob(session_logits(s, j), n_vocab, tok[i + j + 1]);
		i += n;
	}
	return rc;
}

static int report(const char *name, double ppl, const char *path)
{
	json_t *ref = path ? ref_load(path) : NULL;
	const json_t *m = json_object_get(ref, name);
	double truth = json_number_value(json_object_get(m, "float32")), peer = json_number_value(json_object_get(m, "llama.cpp"));
	int bad = 0;
	if (truth > 0) {
		bad = fabs(ppl / truth - 1) > 0.005;
		printf("%s perplexity %s %.4f (float32 %.4f, %+.2f %%; llama.cpp %.4f)\n", bad ? "FAIL" : "ok", name, ppl, truth,
			100 * (ppl / truth - 1), peer);
	} else {
		printf("skip perplexity %s %.4f (nothing to compare with)\n", name, ppl);
	}
	json_decref(ref);
	return bad;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: perplexity NAME MODEL.gguf TEXT [PERPLEXITY.json]\n");
		return 2;
	}
	struct err e = { 0 };
	struct model *m = NULL;
	struct pool *p = NULL;
	struct session *s = NULL;
	struct tok_ids ids = { 0 };
	struct buf text = { 0 };
	double nll = 0;
	const struct kern *kern = kern_select(getenv("TT_CPU"), &e);
	int rc = kern ? io_read_file(&text, argv[3], 64u << 20, &e) : e.code;
	if (!rc)
		rc = model_open(&m, argv[2], kern, NULL, &e);
	if (!rc)
		rc = pool_open(&p, 0, &e);
	if (!rc)
		rc = session_open(&s, m, p, WINDOW, &e);
	if (!rc)
		rc = tok_encode(m->tok, text.data, text.len, &ids, &e);
	int bos = !rc && tok_add_bos(m->tok);
	if (!rc && ids.len < N_WINDOW * WINDOW)
		rc = err_set(&e, ERR_FORMAT, ERR_NO_OFFSET, "only %zu tokens", ids.len);
	for (size_t w = 0; w < N_WINDOW && !rc; w++) {
		int32_t *tok = ids.id + w * WINDOW - (w && bos);	/* BOS in front moves everything by one */
		int32_t window[WINDOW];
		memcpy(window + (w == 0 && bos), tok, (WINDOW - (size_t)(w == 0 && bos)) * sizeof *tok);
		if (bos)
			window[0] = tok_special(m->tok, TOK_BOS);
		rc = run_window(s, m->arch.n_vocab, window, &nll, &e);
	}
	if (rc)
		printf("FAIL perplexity %s %s\n", argv[1], e.msg);
	else
		rc = report(argv[1], exp(nll / (N_WINDOW * (WINDOW - 1 - FIRST))), argc > 4 ? argv[4] : NULL);
	session_close(s);
	pool_close(p);
	model_close(m);
	tok_ids_release(&ids);
	buf_release(&text);
	return rc != 0;
}
