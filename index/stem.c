/* SPDX-License-Identifier: Apache-2.0
 *
 * stem: the Porter2 ("English") stemmer (M. F. Porter, 2001, https://snowballstem.org/algorithms/english/stemmer.html).
 *
 * A word is cut in steps, each replacing its longest matching suffix if that lies in the region R1 or R2:
 *
 *	R1 = after the first non-vowel that follows a vowel;  R2 = the same rule applied to R1
 *	b e a u t i f u l	R1 = "iful", R2 = "ul"
 *
 * A `y` that acts as a consonant (at the start, or after a vowel) is written Y while the steps run. Suffix tables are
 * ordered so that the first match is the longest. No step makes a word longer than the step before left room for.
 */
#include "index/stem.h"

#include <stdbool.h>
#include <string.h>

struct word {
	char *w;
	size_t n;
	size_t r1, r2;		/* starts of the regions; n when empty */
};

struct rule {
	const char *suffix;	/* must match at the end, and lie in the region */
	const char *to;		/* replacement, never longer than the suffix */
};

static bool is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

static bool ends(const struct word *s, const char *suffix)
{
	size_t k = strlen(suffix);
	return s->n >= k && memcmp(s->w + s->n - k, suffix, k) == 0;
}

static bool has_vowel(const struct word *s, size_t to)
{
	for (size_t i = 0; i < to; i++)
		if (is_vowel(s->w[i]))
			return true;
	return false;
}

/* Position behind the first non-vowel that follows a vowel, from `from` on. */
static size_t region(const struct word *s, size_t from)
{
	for (size_t i = from; i + 1 < s->n; i++)
		if (is_vowel(s->w[i]) && !is_vowel(s->w[i + 1]))
			return i + 2;
	return s->n;
}

/* True if w[0..n) ends in a short syllable: consonant-vowel-consonant (the last not w, x, Y), or vowel-consonant alone. */
static bool is_short_syllable(const struct word *s, size_t n)
{
	if (n == 2)
		return is_vowel(s->w[0]) && !is_vowel(s->w[1]);
	if (n < 3)
		return false;
	char c = s->w[n - 1];
	return !is_vowel(c) && c != 'w' && c != 'x' && c != 'Y' && is_vowel(s->w[n - 2]) && !is_vowel(s->w[n - 3]);
}

static bool is_short_word(const struct word *s)
{
	return s->r1 >= s->n && is_short_syllable(s, s->n);
}

static void replace(struct word *s, size_t cut, const char *to)
{
	size_t k = strlen(to);
	memcpy(s->w + s->n - cut, to, k);
	s->n = s->n - cut + k;
}

static void step_apostrophe(struct word *s)
{
	if (ends(s, "'s'"))
		s->n -= 3;
	else if (ends(s, "'s"))
		s->n -= 2;
	else if (ends(s, "'"))
		s->n -= 1;
}

static void step_1a(struct word *s)
{
	if (ends(s, "sses")) {
		s->n -= 2;
	} else if (ends(s, "ied") || ends(s, "ies")) {
		s->n -= s->n > 4 ? 2 : 1;
	} else if (ends(s, "us") || ends(s, "ss")) {
		return;
	} else if (ends(s, "s") && s->n >= 2 && has_vowel(s, s->n - 2)) {
		s->n -= 1;
	}
}

static bool ends_double(const struct word *s)
{
	if (s->n < 2 || s->w[s->n - 1] != s->w[s->n - 2])
		return false;
	return strchr("bdfgmnprt", s->w[s->n - 1]) != NULL;
}

/* Applies the first (longest) rule that matches, if its suffix lies at or behind `from`. False if none matches. */
static bool apply(struct word *s, const struct rule *rule, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(rule[i].suffix);
		if (!ends(s, rule[i].suffix))
			continue;
		if (s->n - k >= from)
			replace(s, k, rule[i].to);
		return true;
	}
	return false;
}

static void step_1b(struct word *s)
{
	static const struct rule eed[] = { { "eedly", "ee" }, { "eed", "ee" } };
	static const char *const past[] = { "ingly", "edly", "ing", "ed" };
	if (apply(s, eed, 2, s->r1))
		return;
	for (size_t i = 0; i < 4; i++) {
		size_t k = strlen(past[i]);
		if (!ends(s, past[i]))
			continue;
		if (!has_vowel(s, s->n - k))
			return;
		s->n -= k;
		if (ends(s, "at") || ends(s, "bl") || ends(s, "iz"))
			s->w[s->n++] = 'e';	/* room: at least "ed" was cut */
		else if (ends_double(s))
			s->n--;
		else if (is_short_word(s))
			s->w[s->n++] = 'e';
		return;
	}
}

static void step_1c(struct word *s)
{
	if (s->n > 2 && (s->w[s->n - 1] == 'y' || s->w[s->n - 1] == 'Y') && !is_vowel(s->w[s->n - 2]))
		s->w[s->n - 1] = 'i';
}

static void step_2(struct word *s)
{
	static const struct rule rules[] = {
		{ "ational", "ate" }, { "fulness", "ful" }, { "iveness", "ive" }, { "ization", "ize" }, { "ousness", "ous" },
		{ "biliti", "ble" }, { "lessli", "less" }, { "tional", "tion" }, { "alism", "al" }, { "aliti", "al" },
		{ "ation", "ate" }, { "entli", "ent" }, { "fulli", "ful" }, { "iviti", "ive" }, { "ousli", "ous" },
		{ "abli", "able" }, { "alli", "al" }, { "anci", "ance" }, { "ator", "ate" }, { "enci", "ence" },
		{ "izer", "ize" }, { "bli", "ble" },
	};
	if (apply(s, rules, sizeof rules / sizeof *rules, s->r1))
		return;
	if (ends(s, "ogi")) {
		if (s->n - 3 >= s->r1 && s->n > 3 && s->w[s->n - 4] == 'l')
			s->n--;
	} else if (ends(s, "li") && s->n - 2 >= s->r1 && s->n > 2 && strchr("cdeghkmnrt", s->w[s->n - 3])) {
		s->n -= 2;
	}
}

static void step_3(struct word *s)
{
	static const struct rule rules[] = {
		{ "ational", "ate" }, { "tional", "tion" }, { "alize", "al" }, { "icate", "ic" }, { "iciti", "ic" },
		{ "ical", "ic" }, { "ness", "" }, { "ful", "" },
	};
	if (ends(s, "ative")) {
		if (s->n - 5 >= s->r2)
			s->n -= 5;
		return;
	}
	apply(s, rules, sizeof rules / sizeof *rules, s->r1);
}

static void step_4(struct word *s)
{
	static const struct rule rules[] = {
		{ "ement", "" }, { "able", "" }, { "ance", "" }, { "ence", "" }, { "ible", "" }, { "ment", "" }, { "ant", "" },
		{ "ate", "" }, { "ent", "" }, { "ism", "" }, { "iti", "" }, { "ive", "" }, { "ize", "" }, { "ous", "" },
		{ "al", "" }, { "er", "" }, { "ic", "" },
	};
	if (ends(s, "ion")) {
		if (s->n - 3 >= s->r2 && s->n > 3 && strchr("st", s->w[s->n - 4]))
			s->n -= 3;
		return;
	}
	apply(s, rules, sizeof rules / sizeof *rules, s->r2);
}

static void step_5(struct word *s)
{
	if (ends(s, "e")) {
		if (s->n - 1 >= s->r2 || (s->n - 1 >= s->r1 && !is_short_syllable(s, s->n - 1)))
			s->n--;
	} else if (ends(s, "l") && s->n - 1 >= s->r2 && s->n > 1 && s->w[s->n - 2] == 'l') {
		s->n--;
	}
}

/* Words that the rules would confuse; `to` is not longer than the word. */
static bool is_exception(struct word *s)
{
	static const struct rule words[] = {
		{ "skis", "ski" }, { "skies", "sky" }, { "dying", "die" }, { "lying", "lie" }, { "tying", "tie" },
		{ "idly", "idl" }, { "gently", "gentl" }, { "ugly", "ugli" }, { "early", "earli" }, { "only", "onli" },
		{ "singly", "singl" }, { "sky", "sky" }, { "news", "news" }, { "howe", "howe" }, { "atlas", "atlas" },
		{ "cosmos", "cosmos" }, { "bias", "bias" }, { "andes", "andes" },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].suffix) == s->n && memcmp(words[i].suffix, s->w, s->n) == 0) {
			s->n = strlen(words[i].to);
			memcpy(s->w, words[i].to, s->n);
			return true;
		}
	return false;
}

/* Words left as they are once step 1a is done. */
static bool is_invariant(const struct word *s)
{
	static const char *const words[] = { "inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == s->n && memcmp(words[i], s->w, s->n) == 0)
			return true;
	return false;
}

static void set_regions(struct word *s)
{
	static const char *const prefixes[] = { "gener", "commun", "arsen" };
	s->r1 = region(s, 0);
	for (size_t i = 0; i < 3; i++) {
		size_t k = strlen(prefixes[i]);
		if (s->n >= k && memcmp(s->w, prefixes[i], k) == 0)
			s->r1 = k;
	}
	s->r2 = region(s, s->r1);
}

size_t stem_english(char *w, size_t n)
{
	if (n < 3)
		return n;
	for (size_t i = 0; i < n; i++)
		if ((w[i] < 'a' || w[i] > 'z') && w[i] != '\'')
			return n;
	struct word s = { .w = w, .n = n };
	if (w[0] == '\'')
		return n;
	if (is_exception(&s))
		return s.n;
	for (size_t i = 0; i < n; i++)
		if (w[i] == 'y' && (i == 0 || is_vowel(w[i - 1])))
			w[i] = 'Y';
	set_regions(&s);
	step_apostrophe(&s);
	step_1a(&s);
	if (!is_invariant(&s)) {
		step_1b(&s);
		step_1c(&s);
		step_2(&s);
		step_3(&s);
		step_4(&s);
		step_5(&s);
	}
	for (size_t i = 0; i < s.n; i++)
		if (w[i] == 'Y')
			w[i] = 'y';
	return s.n;
}
