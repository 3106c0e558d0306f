/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder: small random models of each architecture beside the transformer as it is defined, in double precision; and the angles of
 * the rotary embedding beside the C library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "generate/model.h"
#include "generate/session.h"
#include "lib/base/pool.h"
#include "lib/model/nn.h"
#include "tests/unit/tiny.h"

enum { N = 64, LAST = 15, D = TINY_D, FF = TINY_FF, DH = 32, DQ = TINY_HEAD * DH, DKV = TINY_KV * DH, WINDOW = 24 };

/* A kind of model as its authors describe it, and what the file says of it. */
static const struct kind {
	struct tiny file;
	bool is_neox, is_gemma;
	size_t n_rot;			/* dimensions of a head that turn */
	double base, scale, local;	/* of the angles; of positions; of the angles in layers with a window */
} kinds[] = {
	{ { .arch = "llama", .set = "rope.dimension_count", .set_u = 16, .rope_key = "rope.scaling.factor", .rope_f = 4 },
		.n_rot = 16, .base = 10000, .scale = 0.25 },
	{ { .arch = "qwen2", .set = "rope.freq_base", .set_f = 1e6f }, .is_neox = true, .n_rot = DH, .base = 1e6, .scale = 1 },
	{ { .arch = "gemma3", .set = "attention.sliding_window", .set_u = WINDOW, .rope_key = "rope.freq_base_swa", .rope_f = 500 },
		.is_neox = true, .is_gemma = true, .n_rot = DH, .base = 10000, .scale = 1, .local = 500 },
};

/* What the definition works with: the file and its weights, and the state of all positions. */
struct ref {
	const struct kind *kind;
	const struct gguf *g;
	float *weight[64];		/* of a tensor, as it is first needed */
	double x[N][D], k[N][DKV], v[N][DKV];
};

struct weights {
	const float *w;			/* [n_row][n_col]; NULL if there is no such tensor */
	size_t n_row, n_col;
};

static struct weights weights(struct ref *r, int layer, const char *name, const char *rest)
{
	char full[64], of[16] = "";
	if (layer >= 0)
		snprintf(of, sizeof of, "blk.%d.", layer);
	snprintf(full, sizeof full, "%s%s.%s", of, name, rest);
	const struct tensor *t = gguf_tensor(r->g, full);
	if (!t)
		return (struct weights){ NULL, 0, 0 };
	size_t n = t->ne[0] * t->ne[1];
	float **w = &r->weight[t - gguf_tensor_at(r->g, 0)];
	if (!*w && (*w = malloc(n * sizeof **w)))
		quant_row(t->type, t->data, n, *w);
	return (struct weights){ *w, t->ne[1], t->ne[0] };
}

/* y = W a + bias */
static void mat(struct ref *r, int layer, const char *name, const double *a, double *y)
{
	const struct weights w = weights(r, layer, name, "weight"), bias = weights(r, layer, name, "bias");
	for (size_t i = 0; i < w.n_row; i++) {
		y[i] = bias.w ? (double)bias.w[i] : 0;
		for (size_t j = 0; j < w.n_col; j++)
			y[i] += (double)w.w[i * w.n_col + j] * a[j];
	}
}

static void norm(struct ref *r, int layer, const char *name, const double *x, size_t n, double *y)
{
	const float *w = weights(r, layer, name, "weight").w;
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] / sqrt(sum / (double)n + 1e-6) * (double)w[i];
}

static bool is_local(const struct ref *r, int layer)
{
	return r->kind->is_gemma && layer % 2 == 0;
}

static void rope(const struct ref *r, int layer, size_t pos, double *x, size_t n_head)
{
	const struct kind *k = r->kind;
	for (size_t h = 0; h < n_head; h++)
		for (size_t i = 0; i < k->n_rot / 2; i++) {
			double *a = x + h * DH + (k->is_neox ? i : 2 * i), *b = a + (k->is_neox ? k->n_rot / 2 : 1), t = *a;
			double by = (double)pos * k->scale * pow(is_local(r, layer) ? k->local : k->base, -2.0 * (double)i / (double)k->n_rot);
			*a = t * cos(by) - *b * sin(by);
			*b = t * sin(by) + *b * cos(by);
		}
}

static void attend(const struct ref *r, int layer, size_t pos, const double *q, double *out)
{
	size_t first = is_local(r, layer) && pos >= WINDOW ? pos - WINDOW + 1 : 0;
	for (size_t h = 0; h < TINY_HEAD; h++) {
		size_t kv = h / (TINY_HEAD / TINY_KV) * DH;
		double w[N], sum = 0;
		for (size_t p = first; p <= pos; p++) {
			w[p] = 0;
			for (size_t i = 0; i < DH; i++)
				w[p] += q[h * DH + i] * r->k[p][kv + i];
			sum += w[p] = exp(w[p] / sqrt(DH));
		}
		for (size_t i = 0; i < DH; i++) {
			out[h * DH + i] = 0;
			for (size_t p = first; p <= pos; p++)
				out[h * DH + i] += w[p] / sum * r->v[p][kv + i];
		}
	}
}

/* x += W a, through a norm of Gemma's. */
static void add(struct ref *r, int layer, const char *w, const char *post, const double *a, double x[D])
{
	double y[D];
	mat(r, layer, w, a, y);
	if (r->kind->is_gemma)
		norm(r, layer, post, y, D, y);
	for (size_t i = 0; i < D; i++)
		x[i] += y[i];
}

static void layer_of(struct ref *r, int l, size_t pos)
{
	double a[D], q[DQ], att[DQ], gate[FF], up[FF];
	norm(r, l, "attn_norm", r->x[pos], D, a);
	mat(r, l, "attn_q", a, q);
	mat(r, l, "attn_k", a, r->k[pos]);
	mat(r, l, "attn_v", a, r->v[pos]);
	for (size_t h = 0; r->kind->is_gemma && h < TINY_HEAD; h++)
		norm(r, l, "attn_q_norm", q + h * DH, DH, q + h * DH);
	for (size_t h = 0; r->kind->is_gemma && h < TINY_KV; h++)
		norm(r, l, "attn_k_norm", r->k[pos] + h * DH, DH, r->k[pos] + h * DH);
	rope(r, l, pos, q, TINY_HEAD);
	rope(r, l, pos, r->k[pos], TINY_KV);
	attend(r, l, pos, q, att);
	add(r, l, "attn_output", "post_attention_norm", att, r->x[pos]);
	norm(r, l, "ffn_norm", r->x[pos], D, a);
	mat(r, l, "ffn_gate", a, gate);
	mat(r, l, "ffn_up", a, up);
	for (size_t i = 0; i < FF; i++)
		up[i] *= r->kind->is_gemma ? gate[i] / 2 * (1 + tanh(sqrt(2 / 3.14159265358979) * (gate[i] + 0.044715 * pow(gate[i], 3))))
			: gate[i] / (1 + exp(-gate[i]));
	add(r, l, "ffn_down", "post_ffw_norm", up, r->x[pos]);
}

/* The logits behind each of the last LAST tokens. */
static void define(struct ref *r, const int32_t tok[N], double logits[LAST][TINY_VOCAB])
{
	const float *embd = weights(r, -1, "token_embd", "weight").w;
	for (size_t t = 0; t < N; t++)
		for (size_t i = 0; i < D; i++)
			r->x[t][i] = (double)embd[(size_t)tok[t] * D + i] * (r->kind->is_gemma ? sqrt(D) : 1);
	for (int l = 0; l < TINY_LAYER; l++)
		for (size_t t = 0; t < N; t++)
			layer_of(r, l, t);
	for (size_t t = N - LAST; t < N; t++) {
		norm(r, -1, "output_norm", r->x[t], D, r->x[t]);
		mat(r, -1, weights(r, -1, "output", "weight").w ? "output" : "token_embd", r->x[t], logits[t - (N - LAST)]);
	}
}

static struct model *open_model(const struct gguf *g)
{
	char path[] = "/tmp/tt-decoder-XXXXXX";
	struct model *m;
	struct err e = { 0 };
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	if (pack_write(path, g, (const uint8_t[HASH_ID_LEN]){ 1 }, &(struct pack_maker){ .fill = model_parts }, &e) ||
		model_open_pack(&m, path, kern_select(NULL, NULL), &e))
		fail_msg("%s", e.msg);
	unlink(path);
	return m;
}

/* How far `got` is from `want`, in standard deviations of that. */
static double distance(const float *got, const double *want)
{
	double mean = 0, var = 0, off = 0;
	for (size_t k = 0; k < TINY_VOCAB; k++)
		mean += want[k] / TINY_VOCAB;
	for (size_t k = 0; k < TINY_VOCAB; k++) {
		var += pow(want[k] - mean, 2);
		off += pow((double)got[k] - want[k], 2);
	}
	return sqrt(off / var);
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double off_by(struct ref *r)
{
	static double want[LAST][TINY_VOCAB];
	double off[LAST];
	int32_t tok[N];
	uint64_t seed = 99;
	struct model *m = open_model(r->g);
	struct session *s;
	for (size_t k = 0; k < N; k++)
		tok[k] = (int32_t)(tiny_rand(&seed) % TINY_VOCAB);
	define(r, tok, want);
	assert_int_equal(session_open(&s, m, NULL, N, NULL), 0);
	for (size_t k = 0; k < N; k++) {
		assert_int_equal(session_eval(s, tok + k, 1, 1, NULL), 0);
		if (k >= N - LAST)
			off[k - (N - LAST)] = distance(session_logits(s, 0), want[k - (N - LAST)]);
	}
	qsort(off, LAST, sizeof *off, by_size);
	session_close(s);
	model_close(m);
	return off[LAST / 2];
}

/* Activations, keys and values are rounded, which is mostly worth 0.02 and now and then much more: hence the median. */
static void logits_are_those_of_the_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *kind = &kinds[i];
		struct tiny t = kind->file;
		struct ref *r = calloc(1, sizeof *r);
		struct buf b = { 0 };
		struct gguf *g;
		t.seed = 2;
		tiny_write(&t, &b);
		assert_int_equal(gguf_open_memory(&g, b.data, b.len, "tiny", NULL), 0);
		*r = (struct ref){ .kind = kind, .g = g };
		double off = off_by(r);
		if (!(off < 0.03))
			fail_msg("%s: logits are off by %.3f of their deviation", t.arch, off);
		gguf_close(g);
		buf_release(&b);
		for (size_t k = 0; k < sizeof r->weight / sizeof *r->weight; k++)
			free(r->weight[k]);
		free(r);
	}
}

/* On a machine of many processors a head's rows are cut into more runs, of which the last must not be empty. */
static void attention_of_many_threads_is_that_of_one(void **state)
{
	(void)state;
	enum { T = 100, H = 8 };
	const struct kern *k = kern_select(NULL, NULL);
	size_t stride = (T + ATTN_TILE - 1) / ATTN_TILE * attn_tile_len(DH);
	int16_t *key = aligned_alloc(64, 2 * stride * sizeof *key), *value = key + stride;
	float *q = malloc(T * H * DH * sizeof *q), *out = malloc(T * H * DH * sizeof *out), *one = malloc(T * H * DH * sizeof *one);
	struct arena mem = { 0 };
	struct nn nn[2];
	struct pool *many;
	uint64_t seed = 3;
	for (size_t i = 0; i < T * H * DH; i++)
		q[i] = (float)(tiny_rand(&seed) % 2001) * 1e-3f - 1;
	for (size_t p = 0; p < T; p++)
		k->kv_put(q + p * DH, q + (T + p) * DH, DH, p, key, value);
	assert_int_equal(pool_open(&many, 17, NULL), 0);
	assert_int_equal(nn_init(&nn[0], k, NULL, &mem, NULL), 0);
	assert_int_equal(nn_init(&nn[1], k, many, &mem, NULL), 0);
	for (size_t n = 1; n <= T; n++) {
		struct nn_attn at = { .q = q, .out = one, .ld_q = H * DH, .ld_out = H * DH, .n_tok = n, .n_head = H, .n_head_kv = 1,
			.d_head = DH, .k = key, .v = value, .stride = stride, .window = 9, .scale = 0.2f };
		nn_attn(&nn[0], &at);
		at.out = out;
		nn_attn(&nn[1], &at);
		assert_memory_equal(out, one, n * H * DH * sizeof *out);
	}
	pool_close(many);
	arena_release(&mem);
	free(key);
	free(q);
	free(out);
	free(one);
}

static void rope_angles_are_the_librarys(void **state)
{
	(void)state;
	const float factors[] = { 1, 2, 8, 0.5f };
	double freq[4];
	float cs[4], sn[4];
	nn_rope_freqs(1e6, 8, 4, factors, freq);
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(freq[i] / (pow(1e6, -2.0 * (double)i / 8) / 4 / (double)factors[i]) - 1) < 1e-14);
	for (size_t pos = 0; pos < 1 << 21; pos = pos * 2 + 1) {
		nn_rope_row(pos, freq, 4, cs, sn);
		for (size_t i = 0; i < 4; i++) {
			assert_true(fabs((double)cs[i] - cos((double)pos * freq[i])) < 1e-7);
			assert_true(fabs((double)sn[i] - sin((double)pos * freq[i])) < 1e-7);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logits_are_those_of_the_definition),
		cmocka_unit_test(attention_of_many_threads_is_that_of_one),
		cmocka_unit_test(rope_angles_are_the_librarys),
	};
	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
