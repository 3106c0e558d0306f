/* SPDX-License-Identifier: Apache-2.0
 *
 * terms: text is cut into runs, runs into words.
 *
 *	text  = break* (run break+)*		a run is word characters and joiners
 *	run   = ["-" | "--" | "."] word (joiner+ word)* ["+" | "#"]*
 *
 * A run that is more than one word gives a literal (itself) and its words. Scripts written without spaces (Han, Kana) give
 * one word per character. Characters beyond ASCII are folded by utf8proc: case folding, compatibility decomposition, marks
 * dropped, so that "Größe", "GRÖSSE" and "grosse" meet.
 */
#include "index/terms.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "index/stem.h"
#include "lib/base/utf8.h"

#define SOFT_HYPHEN 0x00AD	/* where a word may be broken: within the word, and no part of it */

enum class { BREAK, WORD, JOINER, ALONE };

static enum class class_ascii(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return WORD;
	return c && strchr("-_.:/@+#'", c) ? JOINER : BREAK;
}

static bool is_hyphen(uint32_t cp)
{
	return cp == 0x2010 || cp == 0x2011 || cp == 0x2212;
}

static enum class class_of(uint32_t cp)
{
	if (cp < 128)
		return class_ascii((unsigned char)cp);
	if (is_hyphen(cp) || cp == 0x2019)
		return JOINER;
	if (cp == SOFT_HYPHEN)
		return WORD;
	if ((cp >= 0x3040 && cp <= 0x30FF) || (cp >= 0x3400 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF) ||
	    (cp >= 0x20000 && cp <= 0x3FFFF))
		return ALONE;
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
		return WORD;
	default:
		return BREAK;
	}
}

/* Appends the folded form of cp to out[0..len); returns the new length, or `cap` + 1 when there is no room. */
static size_t fold_char(uint32_t cp, char *out, size_t len, size_t cap)
{
	if (cp == SOFT_HYPHEN)
		return len;
	if (cp < 128) {
		if (len >= cap)
			return cap + 1;
		out[len] = (char)(cp >= 'A' && cp <= 'Z' ? cp + 32 : cp);
		return len + 1;
	}
	if (is_hyphen(cp) || cp == 0x2019)
		return fold_char(cp == 0x2019 ? '\'' : '-', out, len, cap);
	utf8proc_int32_t part[16];
	int last = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, part, 16, UTF8PROC_CASEFOLD | UTF8PROC_COMPAT |
		UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK, &last);
	for (utf8proc_ssize_t i = 0; i < n && i < 16; i++) {
		char c[4];
		size_t k = utf8_encode((uint32_t)part[i], c);
		if (len + k > cap)
			return cap + 1;
		memcpy(out + len, c, k);
		len += k;
	}
	return len;
}

size_t terms_fold(const char *s, size_t n, char *out)
{
	size_t len = 0;
	for (size_t at = 0; at < n; ) {
		uint32_t cp;
		at += utf8_decode(s + at, n - at, &cp, NULL);
		len = fold_char(cp, out, len, TERMS_MAX);
		if (len > TERMS_MAX)
			return 0;
	}
	/* -c and -C are two options; longer ones are not told apart by case */
	if (n == 2 && s[0] == '-')
		out[1] = s[1];
	return len;
}

/* One word: folded, cut to TERMS_MAX, stemmed. */
static void emit_word(const char *s, size_t n, terms_fn fn, void *arg)
{
	char w[TERMS_MAX];
	size_t len = 0;
	for (size_t at = 0; at < n; ) {
		uint32_t cp;
		at += utf8_decode(s + at, n - at, &cp, NULL);
		size_t more = fold_char(cp, w, len, TERMS_MAX);
		if (more > TERMS_MAX)
			break;
		len = more;
	}
	if (len)
		len = stem_english(w, len);
	if (len)
		fn(arg, w, len, TERMS_WORD);
}

/* The words of run s[0..n); an apostrophe between letters belongs to the word. Returns their number. */
static size_t emit_words(const char *s, size_t n, terms_fn fn, void *arg)
{
	size_t n_word = 0, from = 0;
	bool in = false;
	for (size_t at = 0; at <= n; ) {
		uint32_t cp = ' ';
		size_t k = at < n ? utf8_decode(s + at, n - at, &cp, NULL) : 1;
		enum class c = class_of(cp);
		bool quote = in && (cp == '\'' || cp == 0x2019) && at + k < n && class_of((unsigned char)s[at + k]) == WORD;
		if (c == WORD && !in) {
			from = at;
			in = true;
		} else if (c != WORD && !quote && in) {
			emit_word(s + from, at - from, fn, arg);
			n_word++;
			in = false;
		}
		at += k;
	}
	return n_word;
}

/* A run without the joiners that are mere punctuation: leading ones except "-", "--" and ".", trailing ones except + and #. */
static void emit_run(const char *s, size_t n, terms_fn fn, void *arg)
{
	size_t lead = 0;
	while (lead < n && (unsigned char)s[lead] < 128 && class_ascii((unsigned char)s[lead]) == JOINER)
		lead++;
	if (lead == n)
		return;
	size_t keep = 0;
	if (s[lead - (lead > 0)] == '-')
		keep = lead >= 2 && s[lead - 2] == '-' ? 2 : 1;
	else if (lead && s[lead - 1] == '.')
		keep = 1;
	s += lead - keep;
	n -= lead - keep;
	while (n && strchr("-_.:/@'", s[n - 1]))
		n--;
	char lit[TERMS_MAX];
	bool option = keep && s[0] == '-';
	size_t n_word = option && n == 2 ? 0 : emit_words(s, n, fn, arg);
	bool tail = s[n - 1] == '+' || s[n - 1] == '#';
	if (!option && (n_word == 0 || (n_word == 1 && !keep && !tail)))
		return;
	size_t len = n <= TERMS_MAX ? terms_fold(s, n, lit) : 0;
	if (len)
		fn(arg, lit, len, TERMS_LITERAL);
}

void terms_scan(const char *s, size_t n, terms_fn fn, void *arg)
{
	size_t from = 0;
	bool in = false;
	for (size_t at = 0; at < n; ) {
		uint32_t cp = (unsigned char)s[at];
		size_t k = cp < 128 ? 1 : utf8_decode(s + at, n - at, &cp, NULL);
		enum class c = class_of(cp);
		if (in && (c == BREAK || c == ALONE)) {
			emit_run(s + from, at - from, fn, arg);
			in = false;
		}
		if (c == ALONE) {
			emit_word(s + at, k, fn, arg);
		} else if (c != BREAK && !in) {
			from = at;
			in = true;
		}
		at += k;
	}
	if (in)
		emit_run(s + from, n - from, fn, arg);
}

static int by_text(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

bool terms_is_stop(const char *t, size_t n)
{
	/* Stems of articles, pronouns, auxiliaries, prepositions, conjunctions and question words; sorted. */
	static const char *const stop[] = {
		"a", "about", "all", "also", "am", "an", "and", "ani", "are", "as", "at", "be", "becaus", "been", "but", "by",
		"can", "could", "did", "do", "doe", "each", "etc", "for", "from", "had", "has", "have", "he", "her", "here",
		"his", "how", "i", "if", "in", "into", "is", "it", "its", "itself", "just", "may", "me", "might", "must", "my",
		"no", "not", "of", "on", "onli", "or", "other", "our", "out", "over", "own", "pleas", "s", "same", "she", "should", "so",
		"some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those",
		"through", "to", "too", "under", "up", "us", "use", "veri", "via", "was", "we", "were", "what", "when",
		"where", "whi", "which", "while", "who", "whom", "will", "with", "would", "you", "your",
	};
	char key[TERMS_MAX + 1];
	const char *quote = n ? memchr(t, '\'', n) : NULL;
	if (quote)	/* "i'd", "it'll"; "can't" */
		return terms_is_stop(t, (size_t)(quote - t)) || (n > 3 && memcmp(t + n - 3, "n't", 3) == 0);
	if (n == 0 || n > 8)
		return false;
	memcpy(key, t, n);
	key[n] = '\0';
	return bsearch(key, stop, sizeof stop / sizeof *stop, sizeof *stop, by_text) != NULL;
}
