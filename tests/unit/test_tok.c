/* SPDX-License-Identifier: Apache-2.0
 *
 * tok: three small vocabularies, one of each family, built as GGUF files in memory. Whole vocabularies are compared with
 * reference data by `make conform`; here are the rules that such texts rarely touch, and files that must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/model/gguf.h"
#include "tokenize/pretok.h"
#include "tokenize/tok.h"
#include "tokenize/vocab.h"

#include "tests/unit/vocab.h"

/* ---- byte-level BPE ---- */

/* <|im_start|> has the wrong type, as in some files: it must be a control token all the same. */
static const struct entry bpe_tokens[] = {
	{ "ab", 1, 0 }, { "bc", 1, 0 }, { "abc", 1, 0 }, { "aa", 1, 0 }, { "aaaa", 1, 0 }, { "Ġab", 1, 0 }, { "<|im_start|>", 4, 0 },
	{ "<tool>", 4, 0 }, { "<tool>x", 4, 0 }, { "ol>xyz", 4, 0 }, { "c\n", 4, 0 },
	{ "l>xyzw!!", 4, 0 },
};
static const char *const bpe_merges[] = { "b c", "a b", "a a", "Ġ ab", "aa aa", "a bc", "x y", NULL };
static const struct vocab bpe = { "gpt2", "gpt-2", bpe_tokens, 12, bpe_merges, .bytes = true, .bos = -2 };
enum { AB = 256, BC, ABC, AA, AAAA, SP_AB, IM_START, TOOL, TOOL_X, OL_XYZ, C_NL, L_XYZW };

static void bpe_merges_by_rank_then_position(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	EXPECT(t, "ab", AB);
	EXPECT(t, "abc", ABC);			/* b c goes first, then a bc */
	EXPECT(t, "aaa", AA, 'a');		/* the leftmost of equal ranks */
	EXPECT(t, "aaaaa", AAAA, 'a');
	EXPECT(t, " ab ab", SP_AB, SP_AB);
	EXPECT(t, "xy", 'x', 'y');		/* a merge whose result is no token */
	EXPECT(t, "\xc2\xad", 0xc2, 0xad);	/* a byte that does not print */
	assert_int_equal(tok_add_bos(t), 0);
	tok_close(t);
	buf_release(&blob);
}

static void bpe_first_of_two_equal_merges_counts(void **state)
{
	(void)state;
	static const struct entry tokens[] = { { "ab", 1, 0 }, { "bc", 1, 0 } };
	static const char *const merges[] = { "a b", "b c", "a b", NULL };
	const struct vocab v = { "gpt2", "gpt-2", tokens, 2, merges, .bytes = true, .bos = -2 };
	struct tok *t;
	struct buf blob;
	assert_int_equal(open_vocab(&v, &t, &blob, NULL), 0);
	EXPECT(t, "abc", AB, 'c');
	tok_close(t);
	buf_release(&blob);
}

static void bpe_takes_user_tokens_longest_first(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	EXPECT(t, "<tool>", TOOL);
	EXPECT(t, "a<tool>xb", 'a', TOOL_X, 'b');
	EXPECT(t, "<tool>xyz", TOOL_X, 'y', 'z');	/* 7 bytes beat 6, though 6 more would fit behind */
	EXPECT(t, "<too>ol>xyz", '<', 't', 'o', 'o', '>', OL_XYZ);
	EXPECT(t, "<tool>xyzw!!", '<', 't', 'o', 'o', L_XYZW);	/* 8 beat both, though it begins last */
	EXPECT(t, "<tool><tool>", TOOL, TOOL);
	tok_close(t);
	buf_release(&blob);
}

static void bpe_text_never_gives_a_control_token(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	struct tok_ids ids = {0};
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	assert_int_equal(tok_encode(t, "<|im_start|>", 12, &ids, NULL), 0);
	for (size_t i = 0; i < ids.len; i++)
		assert_int_not_equal(ids.id[i], IM_START);
	assert_int_equal(tok_find_special(t, "<|im_start|>"), IM_START);
	assert_int_equal(tok_find_special(t, "ab"), -1);
	assert_int_equal(tok_find_special(t, "<tool>"), -1);
	const int32_t all[] = { IM_START, AB };
	expect_text(t, all, 2, "ab");
	tok_ids_release(&ids);
	tok_close(t);
	buf_release(&blob);
}

static void bpe_long_words_merge_as_short_ones(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	char s[400];
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	unsigned seed = 7;
	for (int round = 0; round < 200; round++) {
		/* words end where no merge can cross ('z'), so one long word must equal its short parts */
		struct tok_ids whole = {0}, parts = {0};
		size_t n = 0, from = 0;
		while (n < sizeof s) {
			seed = seed * 1103515245 + 12345;
			s[n++] = "aaaabbcz"[seed >> 16 & 7];
		}
		assert_int_equal(tok_encode(t, s, n, &whole, NULL), 0);
		for (size_t i = 0; i < n; i++)
			if (s[i] == 'z' || i + 1 == n) {
				assert_int_equal(tok_encode(t, s + from, i + 1 - from, &parts, NULL), 0);
				from = i + 1;
			}
		assert_int_equal(whole.len, parts.len);
		assert_memory_equal(whole.id, parts.id, whole.len * sizeof *whole.id);
		tok_ids_release(&whole);
		tok_ids_release(&parts);
	}
	tok_close(t);
	buf_release(&blob);
}

/* BPE as it is defined, on strings, with random merges over a, b and c: the reference for the next test. */
#define N_RANDOM 37
struct naive {
	char piece[3 + N_RANDOM][16];		/* the letters, then the results of the merges in order of rank */
	char merge[N_RANDOM][32];		/* "left right" */
	const char *left[N_RANDOM], *right[N_RANDOM];
	int n;
};

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16 & 0x7fff) % n;
}

static void join(char *out, size_t cap, const char *a, const char *gap, const char *b)
{
	size_t n = 0;
	const char *in[] = { a, gap, b };
	for (int k = 0; k < 3; k++)
		for (const char *s = in[k]; *s && n + 1 < cap; s++)
			out[n++] = *s;
	out[n] = 0;
}

static void naive_make(struct naive *v, unsigned *seed)
{
	*v = (struct naive){ .piece = { "a", "b", "c" } };
	for (int tries = 0; v->n < N_RANDOM && tries < 1000; tries++) {
		const char *l = v->piece[draw(seed, 3 + (unsigned)v->n)], *r = v->piece[draw(seed, 3 + (unsigned)v->n)];
		char *both = v->piece[3 + v->n];
		bool known = strlen(l) + strlen(r) > 12;
		join(both, 16, l, "", r);
		for (int i = 0; i < 3 + v->n; i++)
			known |= !strcmp(v->piece[i], both);
		if (known)
			continue;
		v->left[v->n] = l;
		v->right[v->n] = r;
		join(v->merge[v->n], 32, l, " ", r);
		v->n++;
	}
}

static int naive_rank(const struct naive *v, const char *a, const char *b)
{
	for (int i = 0; i < v->n; i++)
		if (!strcmp(v->left[i], a) && !strcmp(v->right[i], b))
			return i;
	return INT32_MAX;
}

/* Merges part[n] as far as it goes; returns how many parts are left. */
static size_t naive_bpe(const struct naive *v, const char **part, size_t n)
{
	for (;;) {
		int best = INT32_MAX;
		size_t at = 0;
		for (size_t i = 0; i + 1 < n; i++) {
			int rank = naive_rank(v, part[i], part[i + 1]);
			if (rank < best) {
				best = rank;
				at = i;
			}
		}
		if (best == INT32_MAX)
			return n;
		part[at] = v->piece[3 + best];
		memmove(part + at + 1, part + at + 2, (n - at - 2) * sizeof *part);
		n--;
	}
}

static void bpe_random_merges_give_what_the_definition_gives(void **state)
{
	(void)state;
	unsigned seed = 11;
	for (int round = 0; round < 40; round++) {
		struct naive v;
		struct entry token[N_RANDOM];
		const char *merge[N_RANDOM + 1] = {0}, *part[160];
		struct tok *t;
		struct buf blob;
		naive_make(&v, &seed);
		for (int i = 0; i < v.n; i++) {
			token[i] = (struct entry){ v.piece[3 + i], 1, 0 };
			merge[i] = v.merge[i];
		}
		struct vocab voc = { "gpt2", "gpt-2", token, (size_t)v.n, merge, .bytes = true, .bos = -2 };
		assert_int_equal(open_vocab(&voc, &t, &blob, NULL), 0);
		for (int k = 0; k < 30; k++) {		/* up to 48 bytes by the short way, beyond by the long one */
			char s[160];
			struct tok_ids ids = {0};
			size_t n = 1 + draw(&seed, 159);
			for (size_t i = 0; i < n; i++) {
				unsigned c = draw(&seed, 2) ? 0 : draw(&seed, 3);
				s[i] = (char)('a' + c);
				part[i] = v.piece[c];
			}
			size_t n_part = naive_bpe(&v, part, n);
			assert_int_equal(tok_encode(t, s, n, &ids, NULL), 0);
			assert_int_equal(ids.len, n_part);
			for (size_t i = 0; i < n_part; i++) {
				struct buf b = {0};
				tok_piece(t, ids.id[i], &b);
				assert_string_equal(b.data, part[i]);
				buf_release(&b);
			}
			tok_ids_release(&ids);
		}
		tok_close(t);
		buf_release(&blob);
	}
}

static void bpe_megabyte_of_one_letter_is_done(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	struct tok_ids ids = {0};
	size_t n = 1 << 20;
	char *s = malloc(n);
	memset(s, 'a', n);
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	assert_int_equal(tok_encode(t, s, n, &ids, NULL), 0);
	assert_int_equal(ids.len, n / 4);
	tok_ids_release(&ids);
	tok_close(t);
	buf_release(&blob);
	free(s);
}

static void bpe_ill_formed_text_keeps_its_offsets(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	struct tok_ids ids = { .want_at = 1 };
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	assert_int_equal(tok_encode(t, "ab\xff" "ab", 5, &ids, NULL), 0);
	const int32_t want[] = { AB, 0xef, 0xbf, 0xbd, AB };
	const uint32_t at[] = { 0, 2, 2, 2, 3 };
	assert_int_equal(ids.len, 5);
	assert_memory_equal(ids.id, want, sizeof want);
	assert_memory_equal(ids.at, at, sizeof at);
	EXPECT(t, "\xed\xa0\x80", 0xed, 0xa0, 0x80);		/* a surrogate, */
	EXPECT(t, "\xf0\x8d\xa0\x80", 0xed, 0xa0, 0x80);	/* and one in more bytes than it takes */
	tok_ids_release(&ids);
	tok_close(t);
	buf_release(&blob);
}

/* ---- SentencePiece ---- */

static const struct entry spm_tokens[] = {
	{ "<unk>", 2, 0 }, { "<s>", 3, 0 }, { "</s>", 3, 0 }, { "<0x41>", 6, 0 }, { "<0xC3>", 6, 0 }, { "<0xA9>", 6, 0 },
	{ "▁", 1, -1 }, { "a", 1, -2 }, { "b", 1, -3 }, { "▁a", 1, -10 }, { "ab", 1, -5 }, { "▁ab", 1, -20 }, { "\n\n", 4, 0 },
	{ "\n", 4, 0 }, { "▁▁", 1, -4 }, { "b▁", 1, -4.5f },
};
static const struct vocab spm = { "llama", NULL, spm_tokens, 16, NULL, .bos = 1 };
enum { S_UNK, S_BOS, S_EOS, S_41, S_C3, S_A9, S_SP, S_A, S_B, S_SPA, S_AB, S_SPAB, S_NL2, S_NL, S_SP2 };

static void spm_merges_by_score_with_space_in_front(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	assert_int_equal(open_vocab(&spm, &t, &blob, NULL), 0);
	EXPECT(t, "ab", S_SPAB);
	EXPECT(t, "a", S_SPA);
	EXPECT(t, "aba", S_SPAB, S_A);
	EXPECT(t, " ab", S_SP2, S_AB);		/* two spaces score higher than what would follow */
	EXPECT(t, "A\xc3\xa9", S_SP, S_41, S_C3, S_A9);
	EXPECT(t, "Z", S_SP, S_UNK);		/* there is no token for that byte */
	EXPECT(t, "a\n\n\na", S_SPA, S_NL2, S_NL, S_SPA);	/* a space again behind a user-defined token */
	const int32_t id[] = { S_SPAB, S_SPA, S_C3, S_A9 };
	expect_text(t, id, 4, "ab a\xc3\xa9");
	const int32_t spaced[] = { S_SP2, S_A };
	expect_text(t, spaced, 2, " a");	/* the space in front is one */
	assert_int_equal(tok_add_bos(t), 1);
	assert_int_equal(tok_special(t, TOK_BOS), S_BOS);
	tok_close(t);
	buf_release(&blob);
}

static void spm_text_of_a_control_token_stays_text(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	struct tok_ids ids = {0};
	assert_int_equal(open_vocab(&spm, &t, &blob, NULL), 0);
	assert_int_equal(tok_encode(t, "<s></s>", 7, &ids, NULL), 0);
	for (size_t i = 0; i < ids.len; i++)
		assert_true(ids.id[i] != S_BOS && ids.id[i] != S_EOS);
	tok_ids_release(&ids);
	tok_close(t);
	buf_release(&blob);
}

/* ---- WordPiece ---- */

static const struct entry wp_tokens[] = {
	{ "[PAD]", 3, 0 }, { "[UNK]", 3, 0 }, { "[CLS]", 3, 0 }, { "[SEP]", 3, 0 }, { "▁cafe", 1, 0 }, { "s", 1, 0 }, { "▁,", 1, 0 },
	{ "▁中", 1, 0 }, { "▁un", 1, 0 }, { "aff", 1, 0 }, { "able", 1, 0 }, { "▁[", 1, 0 }, { "▁]", 1, 0 }, { "▁cls", 1, 0 },
};
static const struct vocab wp = { "bert", NULL, wp_tokens, 14, NULL, .bos = -2 };
enum { W_PAD, W_UNK, W_CLS, W_SEP, W_CAFE, W_S, W_COMMA, W_ZHONG, W_UN, W_AFF, W_ABLE, W_OPEN, W_CLOSE, W_CLSWORD };

static int open_wp(struct tok **t, struct buf *blob)
{
	struct vocab v = wp;
	struct buf file;
	struct gguf *g;
	*blob = (struct buf){0};
	make(&file, &v);
	static const struct { const char *key; uint32_t id; } role[] = { { "unknown", 1 }, { "cls", 2 }, { "seperator", 3 } };
	for (int i = 0; i < 3; i++) {
		char key[64];
		snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", role[i].key);
		put_str(&file, key);
		buf_u32(&file, GGUF_U32);
		buf_u32(&file, role[i].id);
	}
	file.data[16] = (char)(file.data[16] + 3);
	int r = gguf_open_memory(&g, file.data, file.len, "vocab", NULL);
	if (!r)
		r = tok_build_gguf(blob, g, NULL);
	if (!r)
		r = tok_open(t, blob->data, blob->len, NULL);
	gguf_close(g);
	buf_release(&file);
	return r;
}

static void wordpiece_normalizes_and_points_into_the_text(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	struct tok_ids ids = { .want_at = 1 };
	assert_int_equal(open_wp(&t, &blob), 0);
	EXPECT(t, "Unaffable", W_UN, W_AFF, W_ABLE);
	EXPECT(t, "unaffablez", W_UNK);
	EXPECT(t, "caf\xc3\xa9s,CAFE\xcc\x81", W_CAFE, W_S, W_COMMA, W_CAFE);
	EXPECT(t, "un\xe4\xb8\xad" "aff", W_UN, W_ZHONG, W_UNK);
	EXPECT(t, "un\x01" "aff\xc2\xad" "able\x7f", W_UN, W_AFF, W_ABLE);	/* control and format characters vanish */
	EXPECT(t, "[CLS]", W_OPEN, W_CLSWORD, W_CLOSE);
	expect_ids(t, "\xff \xef\xbf\xbd", 5, NULL, 0);
	const char *s = "  \xc3\x89 Caf\xc3\xa9s";
	assert_int_equal(tok_encode(t, s, strlen(s), &ids, NULL), 0);
	const uint32_t at[] = { 2, 5, 10 };
	assert_int_equal(ids.len, 3);
	assert_memory_equal(ids.at, at, sizeof at);
	const int32_t id[] = { W_CLS, W_UN, W_AFF, W_CAFE, W_SEP };
	expect_text(t, id, 5, "unaff cafe");
	tok_ids_release(&ids);
	tok_close(t);
	buf_release(&blob);
}

static void wordpiece_word_of_101_characters_is_unknown(void **state)
{
	(void)state;
	struct tok *t;
	struct buf blob;
	char s[5000];
	memset(s, 's', sizeof s);
	memcpy(s, "cafe", 4);
	assert_int_equal(open_wp(&t, &blob), 0);
	int32_t want[97] = { W_CAFE };
	for (int i = 1; i < 97; i++)
		want[i] = W_S;
	expect_ids(t, s, 100, want, 97);
	want[0] = W_UNK;
	expect_ids(t, s, 101, want, 1);
	expect_ids(t, s, sizeof s, want, 1);
	tok_close(t);
	buf_release(&blob);
}

/* ---- pre-tokenizers ---- */

struct cuts { const char *s; char out[256]; };
static int add_cut(void *arg, size_t from, size_t to)
{
	struct cuts *c = arg;
	size_t n = strlen(c->out);
	if (n)
		c->out[n++] = '|';
	memcpy(c->out + n, c->s + from, to - from);
	c->out[n + to - from] = 0;
	return 0;
}

static void pretok_split_cuts_as_the_expressions_do(void **state)
{
	(void)state;
	static const struct { const char *pre, *s, *want; } cases[] = {
		{ "gpt-2", "it's  a\n\n b12!?", "it|'s| | a|\n\n| b|12|!?" }, { "gpt-2", "a  ", "a|  " }, { "gpt-2", "'S 's", "'|S| '|s" },
		{ "llama-bpe", "IT'S 12345\r\n\tx ?!\n\n y", "IT|'S| |123|45|\r\n|\tx| ?!\n\n| y" },
		{ "llama-bpe", "a \n  b", "a| \n| | b" }, { "qwen2", "v1234", "v|1|2|3|4" }, { "qwen2", "(foo) _x", "(foo|)| _|x" },
		{ "starcoder", "a 12 b", "a| |1|2| b" }, { "falcon", "a+ 12345 `x`", "a|+| |123|45| |`|x|`" },
		{ "default", "x 12345`y", "x| |123|45|`|y" }, { "deepseek-coder", "a, b\n\n12 c", "a|,| b|\n|\n|1|2| c" },
		{ "gpt-2", "!\xc2\x85", "!|\xc2\x85" }, { "deepseek-coder", "x \x01,", "x| \x01|," },
		{ "deepseek-coder", "x \xe4\xbd\xa0" "b", "x| |\xe4\xbd\xa0|b" }, { "deepseek-llm", "a  \nb.c 12", "a|  |\n|b|.|c| |12" },
		{ "gpt-4o", "camelCaseXML's x1234 //\n\xc3\x89" "COLE", "camel|Case|XML's| x|123|4| //\n|\xc3\x89|COLE" },
		{ "tekken", "it's 12", "it|'s| |1|2" }, { "qwen35", "e\xcc\x81x 12", "e\xcc\x81x| |1|2" },
		{ "deepseek-v3", "$foo +bar 1234\x01 x", "$foo| +|bar| |123|4|\x01| x" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cuts c = { .s = cases[i].s };
		const struct pretok_def *d = pretok_find(cases[i].pre, strlen(cases[i].pre));
		assert_non_null(d);
		pretok_split(d->pre, c.s, strlen(c.s), add_cut, &c);
		if (strcmp(c.out, cases[i].want))
			fail_msg("%s: '%s', not '%s'", cases[i].pre, c.out, cases[i].want);
	}
	assert_null(pretok_find("gpt-5", 5));
}

/* ---- parts, damage, bad vocabularies ---- */

static void tok_cut_parts_give_the_ids_of_the_whole(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct tok *t;
		struct buf blob;
		unsigned seed = 3;
		assert_int_equal(kind == 0 ? open_vocab(&bpe, &t, &blob, NULL) : kind == 1 ? open_vocab(&spm, &t, &blob, NULL)
		                           : open_wp(&t, &blob), 0);
		for (int round = 0; round < 500; round++) {
			char s[64];
			struct tok_ids whole = {0}, parts = {0};
			for (size_t i = 0; i < sizeof s; i++) {
				seed = seed * 1103515245 + 12345;
				s[i] = "ab \n\n'sc,A12\n\t a<"[seed >> 16 & 15];
			}
			size_t k = tok_cut(t, s, sizeof s);
			tok_encode(t, s, sizeof s, &whole, NULL);
			tok_encode(t, s, k, &parts, NULL);
			(k ? tok_encode_next : tok_encode)(t, s + k, sizeof s - k, &parts, NULL);
			assert_int_equal(whole.len, parts.len);
			assert_memory_equal(whole.id, parts.id, whole.len * sizeof *whole.id);
			tok_ids_release(&whole);
			tok_ids_release(&parts);
		}
		tok_close(t);
		buf_release(&blob);
	}
}

static void tok_open_damaged_blob_is_safe(void **state)
{
	(void)state;
	struct tok *t, *t2;
	struct buf blob;
	assert_int_equal(open_vocab(&spm, &t, &blob, NULL), 0);
	for (size_t n = 0; n < blob.len; n += n < 400 ? 1 : 97) {
		char *copy = malloc(n ? n : 1);
		memcpy(copy, blob.data, n);
		assert_int_not_equal(tok_open(&t2, copy, n, NULL), 0);
		free(copy);
	}
	char *copy = malloc(blob.len);
	for (size_t i = 0; i < blob.len; i += i < 2000 ? 1 : 13) {
		struct tok_ids ids = { .want_at = 1 };
		memcpy(copy, blob.data, blob.len);
		copy[i] = (char)(copy[i] ^ (1 << (i & 7)));
		if (!tok_open(&t2, copy, blob.len, NULL)) {
			struct buf out = {0};
			for (int role = TOK_BOS; role <= TOK_PAD; role++)
				assert_true(tok_special(t2, (enum tok_role)role) < (int64_t)tok_n_vocab(t2));
			tok_encode(t2, "ab A\n\n\xc3\xa9 <s>", 13, &ids, NULL);
			tok_decode(t2, ids.id, ids.len, &out);
			buf_release(&out);
			tok_close(t2);
		}
		tok_ids_release(&ids);
	}
	free(copy);
	tok_close(t);
	buf_release(&blob);
}

/* Blobs whose parts fit, but whose counts would lead the encoders out of their tables. */
static void tok_open_misleading_counts_are_refused(void **state)
{
	(void)state;
	struct tok *t, *t2;
	struct buf blob;
	assert_int_equal(open_wp(&t, &blob), 0);
	struct vocab_head *h = (struct vocab_head *)(void *)blob.data;
	h->n_vocab--;		/* the last word is now a piece that is no token */
	h->sect[SECT_TYPE].len--;
	h->sect[SECT_EXPAND_AT] = (struct vocab_range){ h->sect[SECT_PIECE_AT].at, 8 };
	assert_int_equal(tok_open(&t2, blob.data, blob.len, NULL), ERR_FORMAT);
	tok_close(t);
	buf_release(&blob);
	assert_int_equal(open_vocab(&bpe, &t, &blob, NULL), 0);
	h = (struct vocab_head *)(void *)blob.data;
	struct user_index *u = (struct user_index *)(void *)(blob.data + h->sect[SECT_USER].at);
	uint32_t last = u->n_len - 1, len = u->len[last];
	u->len[last] = 0;
	assert_int_equal(tok_open(&t2, blob.data, blob.len, NULL), ERR_FORMAT);
	u->len[last] = u->len[last - 1];
	assert_int_equal(tok_open(&t2, blob.data, blob.len, NULL), ERR_FORMAT);
	u->len[last] = len;
	u->n_node += 1000000;
	assert_int_equal(tok_open(&t2, blob.data, blob.len, NULL), ERR_FORMAT);
	u->n_node -= 1000000;
	assert_int_equal(tok_open(&t2, blob.data, blob.len, NULL), 0);
	tok_close(t2);
	tok_close(t);
	buf_release(&blob);
}

static void refuse(const struct vocab *v, int code, const char *why)
{
	struct tok *t = NULL;
	struct buf blob;
	struct err e = {0};
	int r = open_vocab(v, &t, &blob, &e);
	if (r != code || (v->as_arr && !strstr(e.msg, v->as_arr)))
		fail_msg("%s: %d (%s), not %d", why, r, e.msg, code);
	assert_int_equal(blob.len, 0);
	buf_release(&blob);
}

static void tok_build_bad_vocabulary_is_refused(void **state)
{
	(void)state;
	static const struct entry bad_byte[][1] = {
		{ { "<0x-1>", 6, 0 } }, { { "<0xZZ>", 6, 0 } }, { { "<0x 1>", 6, 0 } }, { { "<0x100>", 6, 0 } }, { { "<0x1>", 6, 0 } },
		{ { "x", 6, 0 } },
	};
	static const struct entry twice[] = { { "<0x41>", 6, 0 }, { "<0x41>", 6, 0 } }, same[] = { { "a", 1, 0 }, { "a", 1, 0 } },
		same_user[] = { { "a", 4, 0 }, { "a", 4, 0 } };
	static const char *const no_space[] = { "ab", NULL }, *const no_left[] = { " b", NULL }, *const no_right[] = { "a ", NULL };
	struct vocab v;
	for (size_t i = 0; i < sizeof bad_byte / sizeof *bad_byte; i++) {
		v = (struct vocab){ "llama", NULL, bad_byte[i], 1, NULL, .bos = -2 };
		refuse(&v, ERR_FORMAT, bad_byte[i][0].text);
	}
	v = (struct vocab){ "llama", NULL, twice, 2, NULL, .bos = -2 }; refuse(&v, ERR_FORMAT, "the same byte twice");
	v = (struct vocab){ "llama", NULL, same, 2, NULL, .bos = -2 }; refuse(&v, ERR_FORMAT, "the same text twice");
	v = (struct vocab){ "llama", NULL, same_user, 2, NULL, .bos = -2 }; refuse(&v, ERR_FORMAT, "the same user-defined text twice");
	v = (struct vocab){ "gpt2", "gpt-2", same_user, 2, bpe_merges, .bos = -2 }; refuse(&v, ERR_FORMAT, "the same user-defined text twice");
	v = (struct vocab){ "gpt2", "gpt-2", same, 2, bpe_merges, .bos = -2 }; refuse(&v, ERR_FORMAT, "the same text twice");
	for (int more = -1; more <= 1; more += 2) {
		v = spm; v.type_more = more; refuse(&v, ERR_FORMAT, "types");
		v = spm; v.score_more = more; refuse(&v, ERR_FORMAT, "scores");
	}
	v = spm; v.type_more = -16; refuse(&v, ERR_FORMAT, "no types");
	v = spm; v.type_elem = GGUF_U32; refuse(&v, ERR_FORMAT, "types u32");
	v = spm; v.type_elem = GGUF_F32; refuse(&v, ERR_FORMAT, "types f32");
	v = spm; v.score_elem = GGUF_U32; refuse(&v, ERR_FORMAT, "scores u32");
	v = spm; v.bos = 16; refuse(&v, ERR_FORMAT, "bos n");
	v = spm; v.bos = -1; refuse(&v, ERR_FORMAT, "bos -1");
	v = spm; v.bos = INT32_MAX + 1ll; refuse(&v, ERR_FORMAT, "bos 2^31");
	v = spm; v.n = 0; v.bos = -2; refuse(&v, ERR_LIMIT, "no tokens");
	v = spm; v.model = "t5"; refuse(&v, ERR_UNSUPPORTED, "model");
	v = wp; refuse(&v, ERR_FORMAT, "no unknown token");
	v = bpe; v.pre = "gpt-5"; refuse(&v, ERR_UNSUPPORTED, "pre-tokenizer");
	static const char *const scalar[] = { "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.eot_token_id",
		"tokenizer.ggml.normalizer.lowercase", "tokenizer.ggml.pre" };
	for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) {
		v = bpe; v.pre = NULL; v.as_arr = scalar[i]; refuse(&v, ERR_FORMAT, scalar[i]);
	}
	v = bpe; v.merge = NULL; refuse(&v, ERR_FORMAT, "no merges");
	v = bpe; v.merge = no_space; refuse(&v, ERR_FORMAT, "merge without a space");
	v = bpe; v.merge = no_left; refuse(&v, ERR_FORMAT, "merge without a left part");
	v = bpe; v.merge = no_right; refuse(&v, ERR_FORMAT, "merge without a right part");
	static char user_text[63][64];
	struct entry user[63];
	for (size_t i = 0; i < 63; i++) {
		memset(user_text[i], 'u', i + 1);
		user[i] = (struct entry){ user_text[i], 4, 0 };
	}
	v = (struct vocab){ "llama", NULL, user, 63, NULL, .bos = -2 }; refuse(&v, ERR_LIMIT, "63 lengths of user-defined tokens");
	struct entry nan[1] = { { "a", 1, 0 } };
	uint32_t bits = 0x7fc00000;
	memcpy(&nan[0].score, &bits, 4);
	v = (struct vocab){ "llama", NULL, nan, 1, NULL, .bos = -2 }; refuse(&v, ERR_FORMAT, "score NaN");
}

static void tok_build_one_token_without_ids_works(void **state)
{
	(void)state;
	static const struct entry one[] = { { "a", 1, -1 } };
	struct vocab v = { "llama", NULL, one, 1, NULL, .bos = -2 };
	struct tok *t;
	struct buf blob;
	assert_int_equal(open_vocab(&v, &t, &blob, NULL), 0);
	assert_int_equal(tok_special(t, TOK_BOS), -1);	/* the family's default is not in this vocabulary */
	assert_int_equal(tok_add_bos(t), 0);
	tok_close(t);
	buf_release(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bpe_merges_by_rank_then_position),
		cmocka_unit_test(bpe_first_of_two_equal_merges_counts),
		cmocka_unit_test(bpe_takes_user_tokens_longest_first),
		cmocka_unit_test(bpe_text_never_gives_a_control_token),
		cmocka_unit_test(bpe_long_words_merge_as_short_ones),
		cmocka_unit_test(bpe_random_merges_give_what_the_definition_gives),
		cmocka_unit_test(bpe_megabyte_of_one_letter_is_done),
		cmocka_unit_test(bpe_ill_formed_text_keeps_its_offsets),
		cmocka_unit_test(spm_merges_by_score_with_space_in_front),
		cmocka_unit_test(spm_text_of_a_control_token_stays_text),
		cmocka_unit_test(wordpiece_normalizes_and_points_into_the_text),
		cmocka_unit_test(wordpiece_word_of_101_characters_is_unknown),
		cmocka_unit_test(pretok_split_cuts_as_the_expressions_do),
		cmocka_unit_test(tok_cut_parts_give_the_ids_of_the_whole),
		cmocka_unit_test(tok_open_damaged_blob_is_safe),
		cmocka_unit_test(tok_open_misleading_counts_are_refused),
		cmocka_unit_test(tok_build_bad_vocabulary_is_refused),
		cmocka_unit_test(tok_build_one_token_without_ids_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
