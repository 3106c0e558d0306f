/* SPDX-License-Identifier: Apache-2.0
 *
 * embeddings MODEL NAME REF.json.gz: the vectors of a reference's texts against its float32 truth. Token ids must be equal and every
 * cosine at least 0.999. Prints "ok embeddings NAME ..." or "FAIL ..."; 0 or 1.
 */
#include <math.h>
#include <string.h>

#include "embed/forward.h"
#include "lib/base/pool.h"
#include "tests/conform/ref.h"

#define COS_MIN 0.999

static const signed char *b64_table(void)
{
	static signed char t[256];
	const char *s = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	memset(t, -1, sizeof t);
	for (int i = 0; s[i]; i++)
		t[(unsigned char)s[i]] = (signed char)i;
	return t;
}

static size_t unbase64(const char *s, unsigned char *out, size_t cap)
{
	const signed char *t = b64_table();
	uint32_t v = 0, bits = 0;
	size_t n = 0;
	for (; *s && t[(unsigned char)*s] >= 0; s++) {
		v = (v << 6) + (unsigned char)t[(unsigned char)*s];
		bits += 6;
		if (bits >= 8 && n < cap) {
			bits -= 8;
			out[n++] = (unsigned char)(v >> bits);
		}
	}
	return n;
}

/* The ids that this project's tokenizer gives, cut as the reference was. False if they differ. */
static bool same_ids(const struct bert *b, const json_t *row, int32_t *id, size_t *n)
{
	const char *text = json_string_value(json_object_get(row, "text"));
	const json_t *want = json_object_get(row, "ids");
	struct tok_ids ids = {0};
	*n = json_array_size(want);
	bool same = text && *n >= 2 && *n <= b->hyper.max_tok &&
		!tok_encode(b->tok, text, json_string_length(json_object_get(row, "text")), &ids, NULL);
	for (size_t i = 0; same && i < *n; i++)
		id[i] = (int32_t)json_integer_value(json_array_get(want, i));
	for (size_t i = 1; same && i + 1 < *n; i++)
		same = i - 1 < ids.len && ids.id[i - 1] == id[i];
	same = same && (ids.len + 2 == *n || *n == b->hyper.max_tok);
	tok_ids_release(&ids);
	return same;
}

static int compare(const struct bert *b, struct forward *f, const json_t *rows, const char *name)
{
	size_t i, n_id = 0, d = b->hyper.d_model, n, n_low = 0;
	const json_t *row;
	double min = 1, sum = 0;
	int32_t id[HYPER_MAX_TOK];
	float want[8192];
	json_array_foreach(rows, i, row) {
		const char *vec = json_string_value(json_object_get(row, "vec"));
		double dot = 0, len = 0;
		if (!same_ids(b, row, id, &n)) {
			n_id++;
			continue;
		}
		if (!vec || unbase64(vec, (unsigned char *)want, sizeof want) != d * 4)
			return printf("FAIL embeddings %s: row %zu has no vector of %zu floats\n", name, i, d), 1;
		forward_clear(f);
		forward_add(f, id, n);
		forward_run(f);
		for (size_t k = 0; k < d; k++) {
			dot += (double)want[k] * (double)forward_vec(f, 0)[k];
			len += (double)want[k] * (double)want[k];
		}
		dot /= sqrt(len);
		min = dot < min ? dot : min;
		sum += dot;
		n_low += dot < COS_MIN;
	}
	n = json_array_size(rows);
	bool ok = n && !n_id && !n_low;
	printf("%s embeddings %s (%s): %zu texts, cosine to float32: least %.6f, mean %.6f; %zu below %.3f, %zu with other ids\n",
		ok ? "ok" : "FAIL", name, b->kern->name, n, min, n > n_id ? sum / (double)(n - n_id) : 0.0, n_low, COS_MIN, n_id);
	return !ok;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct bert *b = NULL;
	struct pool *p = NULL;
	struct forward *f = NULL;
	if (argc != 4)
		return fputs("usage: embeddings MODEL NAME REF.json.gz\n", stderr), 2;
	const struct kern_bert *k = kern_bert_select(getenv("TT_CPU"), &e);
	json_t *ref = ref_load(argv[3]);
	if (!ref || !k || pool_open(&p, 0, &e) || bert_open(&b, argv[1], argv[2], k, NULL, &e) || forward_open(&f, b, p, &e)) {
		printf("FAIL embeddings %s: %s\n", argv[2], ref ? e.msg : "no reference data");
		return 1;
	}
	int status = compare(b, f, json_object_get(ref, "rows"), argv[2]);
	forward_close(f);
	bert_close(b);
	pool_close(p);
	json_decref(ref);
	return status;
}
