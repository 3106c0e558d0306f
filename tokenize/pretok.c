/* SPDX-License-Identifier: Apache-2.0
 *
 * pretok: the regular expressions of the model families, written out as matchers.
 *
 * A definition is a row of passes. The first cuts the text; each further pass cuts the pieces that the one before left, as
 * chained Split steps do, so a lookahead or `$` sees the end of the piece as the end of the text:
 *
 *	text ──pass 0──> piece piece ... ──pass 1──> piece piece ... ──> words
 *
 * There are two kinds of pass. A *cutter* names the end of the word that starts here, every time (the alternatives of GPT-2
 * and Llama 3 cover all characters). A *finder* names the next match, and what lies before it is a piece too. Pieces are
 * handed down depth first, so nothing is stored, and each pass reads each character a bounded number of times.
 *
 * The expressions, in the syntax of the tokenizers that define them (LLAMA3 with {1,3}, QWEN2 with {1}):
 *	GPT2	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *	LLAMA3	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * A chain such as DEFAULT is [\p{P}$+<=>^~|]+ then GPT2 then \p{N}+ then [0-9][0-9][0-9]; the table at the end has them all.
 */
#include "tokenize/pretok.h"

#include <string.h>

#include "tokenize/ucat.h"

#define WORDY (UCAT_L | UCAT_N | UCAT_SPACE)

/* Class of the character at i, 0 at the end. */
static inline unsigned class_at(const char *s, size_t i, size_t end, size_t *len)
{
	if (i >= end) {
		*len = 0;
		return 0;
	}
	unsigned char c = (unsigned char)s[i];
	if (c < 128) {
		*len = 1;
		return ucat_ascii[c];
	}
	return ucat_wide(ucat_decode(s, i, end, len));
}

/* End of the run of characters from i that have a class of `want`. */
static inline size_t run_of(const char *s, size_t i, size_t end, unsigned want)
{
	size_t len;
	while (class_at(s, i, end, &len) & want)
		i += len;
	return i;
}

/* End of the run of characters that have no class of `not`. */
static inline size_t run_other(const char *s, size_t i, size_t end, unsigned not)
{
	size_t len;
	unsigned c;
	while ((c = class_at(s, i, end, &len)) && !(c & not))
		i += len;
	return i;
}

static inline bool is_newline(char c)
{
	return c == '\n' || c == '\r';
}

/* Bytes of 's 't 'm 'd 're 've 'll at i, 0 if there is none. `fold` is 0x20 to take capitals too. */
static inline size_t contraction(const char *s, size_t i, size_t end, char fold)
{
	if (s[i] != '\'' || i + 1 >= end)
		return 0;
	char a = (char)(s[i + 1] | fold), b = i + 2 < end ? (char)(s[i + 2] | fold) : 0;
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return 2;
	return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/* \s+(?!\S)|\s+ : a run of spaces leaves its last one to the word behind it. */
static inline size_t cut_spaces(const char *s, size_t i, size_t end)
{
	size_t len, last = i, k = i;
	while (class_at(s, k, end, &len) & UCAT_SPACE) {
		last = k;
		k += len;
	}
	return k < end && last > i ? last : k;
}

static size_t cut_gpt2(const char *s, size_t i, size_t end)
{
	size_t len, n = contraction(s, i, end, 0);
	if (n)
		return i + n;
	size_t j = s[i] == ' ' ? i + 1 : i;
	unsigned c = class_at(s, j, end, &len);
	if (c & (UCAT_L | UCAT_N))
		return run_of(s, j + len, end, c & (UCAT_L | UCAT_N));
	if (c && !(c & UCAT_SPACE))
		return run_other(s, j + len, end, WORDY);
	return cut_spaces(s, i, end);
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ */
static inline size_t cut_lines(const char *s, size_t i, size_t end)
{
	size_t len, newline = 0, k = i;
	while (class_at(s, k, end, &len) & UCAT_SPACE) {
		if (is_newline(s[k]))
			newline = k + 1;
		k += len;
	}
	return newline ? newline : cut_spaces(s, i, end);
}

/* `letter` is what counts as \p{L}: UCAT_L, or with UCAT_M for the expressions that say [\p{L}\p{M}]. */
static inline size_t cut_llama3(const char *s, size_t i, size_t end, int max_digit, unsigned letter)
{
	size_t len, len2, n = contraction(s, i, end, 0x20);
	if (n)
		return i + n;
	unsigned c = class_at(s, i, end, &len);
	if (c & letter)
		return run_of(s, i + len, end, letter);
	if (c & UCAT_N) {
		for (n = i + len; --max_digit > 0 && class_at(s, n, end, &len) & UCAT_N; n += len)
			;
		return n;
	}
	if (!is_newline(s[i]) && class_at(s, i + len, end, &len2) & letter)
		return run_of(s, i + len + len2, end, letter);
	size_t j = s[i] == ' ' ? i + 1 : i;
	c = class_at(s, j, end, &len);
	if (c && !(c & (WORDY | letter))) {
		j = run_other(s, j + len, end, WORDY | letter);
		while (j < end && is_newline(s[j]))
			j++;
		return j;
	}
	return cut_lines(s, i, end);
}

static size_t cut_llama3_3(const char *s, size_t i, size_t end)
{
	return cut_llama3(s, i, end, 3, UCAT_L);
}

static size_t cut_llama3_1(const char *s, size_t i, size_t end)
{
	return cut_llama3(s, i, end, 1, UCAT_L);
}

static size_t cut_qwen35(const char *s, size_t i, size_t end)
{
	return cut_llama3(s, i, end, 1, UCAT_L | UCAT_M);
}

/* ---- words with a case inside: GPT-4o, Llama 4, Mistral's Tekken ---- */

static inline bool is_lower(const char *s, size_t i)
{
	return s[i] >= 'a' && s[i] <= 'z';
}

static inline bool is_upper(const char *s, size_t i)
{
	return s[i] >= 'A' && s[i] <= 'Z';
}

/* [upper]*[lower]+|[upper]+[lower]* from i, where upper is any letter but a-z and lower any letter but A-Z (so letters beyond
 * ASCII are both, which is how the expressions are written out where \p{Lu} and \p{Ll} are not to be had). i if nothing matches. */
static size_t cased_word(const char *s, size_t i, size_t end)
{
	size_t len, k = i, both = i;	/* behind the last letter of the upper run that could be lower too */
	while (class_at(s, k, end, &len) & UCAT_L && !is_lower(s, k)) {
		k += len;
		if (!is_upper(s, k - len))
			both = k;
	}
	size_t low = k;
	while (class_at(s, low, end, &len) & UCAT_L && !is_upper(s, low))
		low += len;
	return low > k ? low : both > i ? both : k;
}

static inline size_t cut_gpt4o(const char *s, size_t i, size_t end, int max_digit, bool contracted)
{
	size_t len, len2, k;
	unsigned c = class_at(s, i, end, &len);
	bool lead = !(c & (UCAT_L | UCAT_N)) && !is_newline(s[i]) && class_at(s, i + len, end, &len2) & UCAT_L;
	if (c & UCAT_L || lead) {
		k = cased_word(s, lead ? i + len : i, end);
		return contracted && k < end ? k + contraction(s, k, end, 0x20) : k;
	}
	if (c & UCAT_N) {
		for (k = i + len; --max_digit > 0 && class_at(s, k, end, &len) & UCAT_N; k += len)
			;
		return k;
	}
	k = s[i] == ' ' ? i + 1 : i;
	c = class_at(s, k, end, &len);
	if (!c || c & WORDY)
		return cut_lines(s, i, end);
	k = run_other(s, k + len, end, WORDY);
	while (k < end && (is_newline(s[k]) || s[k] == '/'))
		k++;
	return k;
}

static size_t cut_gpt4o_3(const char *s, size_t i, size_t end)
{
	return cut_gpt4o(s, i, end, 3, true);
}

static size_t cut_tekken(const char *s, size_t i, size_t end)
{
	return cut_gpt4o(s, i, end, 1, false);
}

/* ---- DeepSeek V3's last step, which does not cover all characters ---- */

static inline bool is_ascii_mark(char c)
{
	return (unsigned char)c < 128 && ucat_ascii[(unsigned char)c] & (UCAT_P | UCAT_S);
}

/* [!-~ less letters and digits][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * at i; i if nothing matches. */
static size_t match_v3(const char *s, size_t i, size_t end)
{
	const unsigned word = UCAT_L | UCAT_M, mark = UCAT_P | UCAT_S;
	size_t len, len2, k = i + 1;
	unsigned c = class_at(s, i, end, &len);
	if (is_ascii_mark(s[i]) && k < end && (is_lower(s, k) || is_upper(s, k))) {
		while (k < end && (is_lower(s, k) || is_upper(s, k)))
			k++;
		return k;
	}
	if (c & word)
		return run_of(s, i, end, word);
	if (!(c & mark) && !is_newline(s[i]) && class_at(s, i + len, end, &len2) & word)
		return run_of(s, i + len, end, word);
	k = s[i] == ' ' ? i + 1 : i;
	if (class_at(s, k, end, &len) & mark) {
		k = run_of(s, k, end, mark);
		while (k < end && is_newline(s[k]))
			k++;
		return k;
	}
	return c & UCAT_SPACE ? cut_lines(s, i, end) : i;
}

static size_t cut_v3(const char *s, size_t i, size_t end)
{
	size_t len, k = match_v3(s, i, end);
	if (k > i)
		return k;
	do {
		class_at(s, k, end, &len);
		k += len;
	} while (k < end && match_v3(s, k, end) == k);
	return k;
}

/* ---- finders: runs of characters of a set ---- */

/* deepseek-llm's first set: the cased letters of some older Unicode. */
static const uint32_t cased[][2] = {
	{ 0x41, 0x5a }, { 0x61, 0x7a }, { 0xb5, 0xb5 }, { 0xc0, 0xd6 }, { 0xd8, 0xf6 }, { 0xf8, 0x1ba }, { 0x1bc, 0x1bf },
	{ 0x1c4, 0x293 }, { 0x295, 0x2af }, { 0x370, 0x373 }, { 0x376, 0x377 }, { 0x37b, 0x37d }, { 0x37f, 0x37f },
	{ 0x386, 0x386 }, { 0x388, 0x38a }, { 0x38c, 0x38c }, { 0x38e, 0x3a1 }, { 0x3a3, 0x3f5 }, { 0x3f7, 0x481 },
	{ 0x48a, 0x52f }, { 0x531, 0x556 }, { 0x10a0, 0x10c5 }, { 0x13a0, 0x13f5 }, { 0x13f8, 0x13fd },
	{ 0x1c90, 0x1cba }, { 0x1cbd, 0x1cbf }, { 0x1d00, 0x1d2b }, { 0x1d6b, 0x1d77 }, { 0x1d79, 0x1d9a },
	{ 0x1e00, 0x1f15 }, { 0x1f18, 0x1f1d }, { 0x1f20, 0x1f45 }, { 0x1f48, 0x1f4d }, { 0x1f50, 0x1f57 },
	{ 0x1f59, 0x1f59 }, { 0x1f5b, 0x1f5b }, { 0x1f5d, 0x1f5d }, { 0x1f5f, 0x1f7d }, { 0x1f80, 0x1fb4 },
	{ 0x1fb6, 0x1fbc }, { 0x1fbe, 0x1fbe }, { 0x1fc2, 0x1fc4 }, { 0x1fc6, 0x1fcc }, { 0x1fd0, 0x1fd3 },
	{ 0x1fd6, 0x1fdb }, { 0x1fe0, 0x1fec }, { 0x1ff2, 0x1ff4 }, { 0x1ff6, 0x1ffc }, { 0x2102, 0x2102 },
	{ 0x2107, 0x2107 }, { 0x210a, 0x2113 }, { 0x2115, 0x2115 }, { 0x2119, 0x211d }, { 0x2124, 0x2124 },
	{ 0x2126, 0x2126 }, { 0x2128, 0x2128 }, { 0x212a, 0x212d }, { 0x212f, 0x2134 }, { 0x2139, 0x2139 },
	{ 0x213c, 0x213f }, { 0x2145, 0x2149 }, { 0x214e, 0x214e }, { 0x2183, 0x2184 }, { 0x2c00, 0x2c7b },
	{ 0x2c7e, 0x2ce4 }, { 0x2ceb, 0x2cee }, { 0x2cf2, 0x2cf3 }, { 0xa640, 0xa66d }, { 0xa680, 0xa69b },
	{ 0xa722, 0xa76f }, { 0xa771, 0xa787 }, { 0xa78b, 0xa78e }, { 0xab70, 0xabbf }, { 0xfb00, 0xfb06 },
	{ 0xfb13, 0xfb17 }, { 0xff21, 0xff3a }, { 0xff41, 0xff5a }, { 0x10400, 0x1044f }, { 0x104b0, 0x104d3 },
	{ 0x104d8, 0x104fb }, { 0x10c80, 0x10cb2 }, { 0x10cc0, 0x10cf2 }, { 0x118a0, 0x118df }, { 0x1e900, 0x1e943 },
};
/* [!-/:-~！-／：-～‘-‟　-。]; U+3000 counts as a space before the set is asked, so it is left out. */
static const uint32_t marks[][2] = {
	{ 0x21, 0x2f }, { 0x3a, 0x7e }, { 0x2018, 0x201f }, { 0x3001, 0x3002 }, { 0xff01, 0xff0f }, { 0xff1a, 0xff5e },
};
/* [一-龥ࠀ-一가-퟿], less the spaces in it. */
static const uint32_t eastern[][2] = { { 0x800, 0x9fa5 }, { 0xac00, 0xd7ff } };
/* [一-龥぀-ゟ゠-ヿ] */
static const uint32_t kanji_kana[][2] = { { 0x3040, 0x30ff }, { 0x4e00, 0x9fa5 } };

#define IN(table, cp) ucat_in(table, sizeof table / sizeof *table, cp)

enum set {
	SET_L, SET_N, SET_P, SET_P_FALCON, SET_P_DEFAULT, SET_DIGIT, SET_NEWLINE, SET_CASED, SET_MARKS, SET_EASTERN,
	SET_KANJI_KANA,
};
static bool in_set(enum set set, uint32_t cp, unsigned c)
{
	switch (set) {
	case SET_L: return c & UCAT_L;
	case SET_N: return c & UCAT_N;
	case SET_P: return c & UCAT_P;
	case SET_P_FALCON: return c & UCAT_P || (cp < 128 && c & UCAT_S);
	case SET_P_DEFAULT: return c & UCAT_P || (cp < 128 && c & UCAT_S && cp != '`');
	case SET_DIGIT: return cp - '0' < 10;
	case SET_NEWLINE: return cp == '\r' || cp == '\n';
	case SET_CASED: return IN(cased, cp);
	case SET_MARKS: return !(c & UCAT_SPACE) && IN(marks, cp);
	case SET_EASTERN: return !(c & UCAT_SPACE) && IN(eastern, cp);
	case SET_KANJI_KANA: return IN(kanji_kana, cp);
	}
	return false;
}

/* \s? (if with_space) then min..max characters of a set. max 0 = any number. */
struct finder { enum set set; bool with_space; size_t min, max; };

static bool find(const struct finder *f, const char *s, size_t i, size_t end, size_t *from, size_t *to)
{
	size_t space = SIZE_MAX;		/* start of the space just before i */
	while (i < end) {
		size_t len, n = 0, j = i;
		uint32_t cp = ucat_decode(s, i, end, &len);
		unsigned c = ucat_of(cp);
		size_t first = len;
		while (in_set(f->set, cp, c)) {
			j += len;
			n++;
			if (j >= end || n == f->max)
				break;
			cp = ucat_decode(s, j, end, &len);
			c = ucat_of(cp);
		}
		if (n > 0 && n >= f->min) {
			*from = f->with_space && space != SIZE_MAX ? space : i;
			*to = j;
			return true;
		}
		space = n == 0 && c & UCAT_SPACE ? i : SIZE_MAX;
		i = n ? j : i + first;
	}
	return false;
}

/* ---- passes ---- */

struct pass {
	size_t (*cut)(const char *s, size_t i, size_t end);	/* or, when NULL: */
	struct finder find;
	bool tail;				/* \s+$ instead of the finder */
};
#define MAX_PASS 7
static const struct pass chain[N_PRETOK][MAX_PASS] = {
	[PRETOK_DEFAULT] = { { .find = { SET_P_DEFAULT, false, 1, 0 } }, { .cut = cut_gpt2 },
	                     { .find = { SET_N, false, 1, 0 } }, { .find = { SET_DIGIT, false, 3, 3 } } },
	[PRETOK_GPT2] = { { .cut = cut_gpt2 } },
	[PRETOK_LLAMA3] = { { .cut = cut_llama3_3 } },
	[PRETOK_QWEN2] = { { .cut = cut_llama3_1 } },
	[PRETOK_QWEN35] = { { .cut = cut_qwen35 } },
	[PRETOK_STARCODER] = { { .find = { SET_N, false, 1, 1 } }, { .cut = cut_gpt2 } },
	[PRETOK_FALCON] = { { .find = { SET_P_FALCON, false, 1, 0 } }, { .cut = cut_gpt2 },
	                    { .find = { SET_DIGIT, false, 3, 3 } } },
	[PRETOK_DEEPSEEK_CODER] = { { .find = { SET_NEWLINE, false, 1, 1 } }, { .find = { SET_L, true, 1, 0 } },
	                            { .find = { SET_P, true, 1, 0 } }, { .find = { SET_EASTERN, false, 1, 0 } },
	                            { .find = { SET_N, false, 1, 1 } } },
	[PRETOK_GPT4O] = { { .cut = cut_gpt4o_3 } },
	[PRETOK_TEKKEN] = { { .cut = cut_tekken } },
	[PRETOK_DEEPSEEK_V3] = { { .find = { SET_N, false, 1, 3 } }, { .find = { SET_KANJI_KANA, false, 1, 0 } }, { .cut = cut_v3 } },
	[PRETOK_DEEPSEEK_LLM] = { { .find = { SET_NEWLINE, false, 1, 1 } }, { .find = { SET_CASED, true, 1, 0 } },
	                          { .find = { SET_MARKS, true, 1, 0 } }, { .tail = true },
	                          { .find = { SET_EASTERN, false, 1, 0 } }, { .find = { SET_N, false, 1, 0 } } },
};

static bool pass_used(const struct pass *p)
{
	return p->cut || p->find.min || p->tail;
}

/* Start of the spaces that end s[i..end). */
static bool find_tail(const char *s, size_t i, size_t end, size_t *from, size_t *to)
{
	size_t len, start = i;
	for (; i < end; i += len)
		if (!(class_at(s, i, end, &len) & UCAT_SPACE))
			start = i + len;
	*from = start;
	*to = end;
	return start < end;
}

static int split(const struct pass *p, int left, const char *s, size_t i, size_t end, pretok_fn fn, void *arg)
{
	if (!left || !pass_used(p))
		return fn(arg, i, end);
	while (i < end) {
		size_t from = i, to = end;
		if (p->cut)
			to = p->cut(s, i, end);
		else if (!(p->tail ? find_tail(s, i, end, &from, &to) : find(&p->find, s, i, end, &from, &to)))
			from = to = end;
		int r = from > i ? split(p + 1, left - 1, s, i, from, fn, arg) : 0;
		if (!r && to > from)
			r = split(p + 1, left - 1, s, from, to, fn, arg);
		if (r)
			return r;
		i = to;
	}
	return 0;
}

int pretok_split(enum pretok pre, const char *s, size_t n, pretok_fn fn, void *arg)
{
	const struct pass *p = chain[pre];
	if (!p->cut || pass_used(p + 1))
		return split(p, MAX_PASS, s, 0, n, fn, arg);
	for (size_t i = 0; i < n;) {
		size_t to = p->cut(s, i, n);
		int r = fn(arg, i, to);
		if (r)
			return r;
		i = to;
	}
	return 0;
}

const struct pretok_def *pretok_find(const char *name, size_t n)
{
	static const struct pretok_def defs[] = {
		{ "default", PRETOK_DEFAULT, false, false },
		{ "gpt-2", PRETOK_GPT2, false, false }, { "phi-2", PRETOK_GPT2, false, false },
		{ "mpt", PRETOK_GPT2, false, false }, { "olmo", PRETOK_GPT2, false, false },
		{ "jais", PRETOK_GPT2, false, false }, { "trillion", PRETOK_GPT2, false, false },
		{ "exaone4", PRETOK_GPT2, false, false }, { "roberta-bpe", PRETOK_GPT2, false, false },
		{ "modern-bert", PRETOK_GPT2, false, false },
		{ "llama3", PRETOK_LLAMA3, true, true }, { "llama-v3", PRETOK_LLAMA3, true, true },
		{ "llama-bpe", PRETOK_LLAMA3, true, true }, { "falcon3", PRETOK_LLAMA3, true, true },
		{ "falcon-h1", PRETOK_LLAMA3, true, true }, { "pixtral", PRETOK_LLAMA3, true, true },
		{ "lfm2", PRETOK_LLAMA3, true, true }, { "dbrx", PRETOK_LLAMA3, false, false },
		{ "smaug-bpe", PRETOK_LLAMA3, false, false }, { "chatglm-bpe", PRETOK_LLAMA3, false, false },
		{ "glm4", PRETOK_LLAMA3, false, false },
		{ "qwen2", PRETOK_QWEN2, false, false }, { "deepseek-r1-qwen", PRETOK_QWEN2, false, false },
		{ "qwen35", PRETOK_QWEN35, false, false },
		{ "stablelm2", PRETOK_QWEN2, false, false }, { "hunyuan", PRETOK_QWEN2, false, false },
		{ "megrez", PRETOK_QWEN2, false, false }, { "grok-2", PRETOK_QWEN2, false, false },
		{ "starcoder", PRETOK_STARCODER, false, false }, { "smollm", PRETOK_STARCODER, false, false },
		{ "refact", PRETOK_STARCODER, false, false }, { "command-r", PRETOK_STARCODER, false, false },
		{ "codeshell", PRETOK_STARCODER, false, false }, { "exaone", PRETOK_STARCODER, false, false },
		{ "minerva-7b", PRETOK_STARCODER, false, false },
		{ "falcon", PRETOK_FALCON, false, false },
		{ "deepseek-coder", PRETOK_DEEPSEEK_CODER, false, false },
		{ "deepseek-v3", PRETOK_DEEPSEEK_V3, false, false }, { "hunyuan-dense", PRETOK_DEEPSEEK_V3, false, false },
		{ "gpt-4o", PRETOK_GPT4O, false, false }, { "llama4", PRETOK_GPT4O, false, false },
		{ "kanana2", PRETOK_GPT4O, false, false }, { "tekken", PRETOK_TEKKEN, true, true },
		{ "deepseek-llm", PRETOK_DEEPSEEK_LLM, false, false },
	};
	for (size_t i = 0; i < sizeof defs / sizeof *defs; i++)
		if (strlen(defs[i].name) == n && !memcmp(defs[i].name, name, n))
			return &defs[i];
	return NULL;
}
