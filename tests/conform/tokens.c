/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens: compares the tokenizer with frozen ids, whole files at a time.
 *
 *	tokens MODEL NAME TEXT IDS		IDS: little-endian u32 for the whole text
 *	tokens -x MODEL NAME TEXT IDS		the same for ids made by a tool that first replaced \n \t \" \\ \xHH
 *	tokens -s MODEL NAME				no text gives a control token: every one's own text, in several places
 *	tokens -v MODEL NAME INP OUT		INP: texts between lines __ggml_vocab_test__; OUT: their ids, a line each
 *
 * Prints "ok tokens NAME TEXT n" or "FAIL tokens NAME TEXT first-difference"; exit 0 or 1. Besides the ids it checks that
 * decoding gives the text back (BPE) and that offsets never run backwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/utf8.h"
#include "lib/model/gguf.h"
#include "tokenize/tok.h"

static const char *base(const char *path)
{
	const char *s = strrchr(path, '/');
	return s ? s + 1 : path;
}

static int fail(const char *name, const char *what, const char *fmt, size_t a, long b, long c)
{
	printf("FAIL tokens %s %s: ", name, what);
	printf(fmt, a, b, c);
	printf("\n");
	return 1;
}

/* Ids and offsets against want[n]. */
static int compare(const struct tok_ids *ids, const int32_t *want, size_t n, const char *name, const char *what)
{
	size_t k = ids->len < n ? ids->len : n;
	for (size_t i = 0; i < k; i++) {
		if (ids->id[i] != want[i])
			return fail(name, what, "token %zu is %ld, not %ld", i, ids->id[i], want[i]);
		if (i && ids->at[i] < ids->at[i - 1])
			return fail(name, what, "offset of token %zu runs back from %ld to %ld", i, ids->at[i - 1], ids->at[i]);
	}
	return ids->len == n ? 0 : fail(name, what, "%zu tokens match, but there are %ld, not %ld", k, (long)ids->len, (long)n);
}

/* Text with \\n \\r \\t \\' \\" \\\\ \\xHH replaced, in place. */
static size_t unescape(char *s, size_t n)
{
	static const char from[] = "nrt'\"\\", to[] = "\n\r\t'\"\\";
	size_t o = 0;
	for (size_t i = 0; i < n; i++) {
		const char *p = s[i] == '\\' && i + 1 < n && s[i + 1] ? strchr(from, s[i + 1]) : NULL;
		char hex[3] = {0}, *end;
		if (p) {
			s[o++] = to[p - from];
			i++;
		} else if (s[i] == '\\' && i + 3 < n && s[i + 1] == 'x') {
			memcpy(hex, s + i + 2, 2);
			long v = strtol(hex, &end, 16);
			if (end == hex + 2) {
				s[o++] = (char)v;
				i += 3;
			} else {
				s[o++] = s[i];
			}
		} else {
			s[o++] = s[i];
		}
	}
	return o;
}

static int check_text(const struct tok *t, const char *name, const char *text_path, const char *id_path, int escapes)
{
	struct buf text = {0}, want = {0}, back = {0};
	struct tok_ids ids = { .want_at = 1 };
	struct err e = {0};
	char what[64];
	snprintf(what, sizeof what, "%.*s", (int)strcspn(base(text_path), "."), base(text_path));
	if (io_read_file(&text, text_path, 1u << 30, &e) || io_read_file(&want, id_path, 1u << 30, &e))
		return err_report("tokens", &e);
	if (escapes)
		text.len = unescape(text.data, text.len);
	uint64_t start = io_now_ns();
	if (tok_encode(t, text.data, text.len, &ids, &e))
		return err_report("tokens", &e);
	double s = (double)(io_now_ns() - start) / 1e9;
	int r = compare(&ids, (const int32_t *)(const void *)want.data, want.len / 4, name, what);
	if (!r && tok_kind(t) == TOK_BPE && utf8_valid(text.data, text.len, NULL)) {
		if (tok_decode(t, ids.id, ids.len, &back) || back.len != text.len || memcmp(back.data, text.data, text.len))
			r = fail(name, what, "decoding %zu ids gives %ld bytes, not the %ld of the text", ids.len, (long)back.len,
			         (long)text.len);
	}
	if (!r)
		printf("ok tokens %s %s %zu\t%.1f MB/s\n", name, what, ids.len, (double)text.len / s / 1e6);
	buf_release(&text);
	buf_release(&want);
	buf_release(&back);
	tok_ids_release(&ids);
	return r;
}

/* Parses one line of ids; returns the line's end. */
static const char *read_ids(const char *s, int32_t *id, size_t cap, size_t *n)
{
	const char *end = s + strcspn(s, "\n");
	char *next;
	for (*n = 0; s < end && *n < cap; s = next) {
		long v = strtol(s, &next, 10);
		if (next == s || next > end)
			break;
		id[(*n)++] = (int32_t)v;
	}
	return *end ? end + 1 : end;
}

static int check_vectors(const struct tok *t, const char *name, const char *inp_path, const char *out_path)
{
	static const char sep[] = "\n__ggml_vocab_test__\n";
	struct buf inp = {0}, out = {0};
	struct err e = {0};
	int bad = 0;
	size_t k = 0;
	if (io_read_file(&inp, inp_path, 1u << 24, &e) || io_read_file(&out, out_path, 1u << 24, &e))
		return err_report("tokens", &e);
	const char *s = inp.data, *o = out.data;
	for (; s && *o; k++) {
		const char *next = strstr(s, sep);
		struct tok_ids ids = { .want_at = 1 };
		int32_t want[4096];
		size_t n, len = next ? (size_t)(next - s) : strlen(s);
		char what[32];
		snprintf(what, sizeof what, "vector-%zu", k);
		o = read_ids(o, want, 4096, &n);
		int wrap = tok_kind(t) == TOK_WORDPIECE && n >= 2 && want[0] == tok_special(t, TOK_CLS);
		if (tok_encode(t, s, len, &ids, &e))
			return err_report("tokens", &e);
		bad |= compare(&ids, want + wrap, n - 2 * (size_t)wrap, name, what);
		tok_ids_release(&ids);
		s = next ? next + strlen(sep) : NULL;
	}
	if (!bad)
		printf("ok tokens %s vectors %zu\n", name, k);
	buf_release(&inp);
	buf_release(&out);
	return bad;
}

/* A token without text is a control token (or unknown): tok_piece gives nothing for those. */
static bool is_control(const struct tok *t, int32_t id)
{
	struct buf b = {0};
	tok_piece(t, id, &b);
	bool empty = b.len == 0;
	buf_release(&b);
	return empty;
}

static int check_specials(const struct tok *t, const char *path, const char *name)
{
	static const char *const around[][2] = { { "", "" }, { "a", "b" }, { " ", " " }, { "\n", "\n" }, { "<", ">" }, { "x ", "<|im_end|>" } };
	struct gguf *g;
	struct gguf_array a;
	struct err e = {0};
	size_t n = 0, bad = 0;
	if (gguf_open(&g, path, &e))
		return err_report("tokens", &e);
	for (uint64_t i = 0; gguf_array(g, "tokenizer.ggml.tokens", &a) && i < a.n; i++) {
		struct gguf_str s = gguf_array_str(g, &a, i);
		if (!s.n || !is_control(t, (int32_t)i))
			continue;
		for (size_t k = 0; k < sizeof around / sizeof *around; k++, n++) {
			struct tok_ids ids = {0};
			struct buf b = {0};
			buf_printf(&b, "%s%.*s%s", around[k][0], (int)s.n, s.s, around[k][1]);
			if (tok_encode(t, b.data, b.len, &ids, &e))
				return err_report("tokens", &e);
			for (size_t j = 0; j < ids.len; j++)
				bad += is_control(t, ids.id[j]) && ids.id[j] != tok_special(t, TOK_UNK);
			tok_ids_release(&ids);
			buf_release(&b);
		}
	}
	gguf_close(g);
	printf("%s tokens %s specials %zu\n", bad ? "FAIL" : "ok", name, n);
	return bad != 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct tok *t;
	char mode = argc > 1 && argv[1][0] == '-' ? argv[1][1] : 0;
	argv += mode != 0;
	argc -= mode != 0;
	if (argc != (mode == 's' ? 3 : 5)) {
		fprintf(stderr, "usage: tokens [-v | -x] MODEL NAME TEXT IDS, or tokens -s MODEL NAME\n");
		return EXIT_USAGE;
	}
	uint64_t start = io_now_ns();
	if (tok_open_file(&t, argv[1], &e))
		return err_report("tokens", &e);
	if (getenv("BENCH"))
		fprintf(stderr, "open %.1f ms\n", (double)(io_now_ns() - start) / 1e6);
	int r = mode == 's' ? check_specials(t, argv[1], argv[2]) : mode == 'v' ? check_vectors(t, argv[2], argv[3], argv[4])
	                    : check_text(t, argv[2], argv[3], argv[4], mode == 'x');
	tok_close(t);
	return r;
}
