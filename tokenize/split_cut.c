/* SPDX-License-Identifier: Apache-2.0
 *
 * split_cut: where text may be divided: sentences, graphemes; and what is in it that the eye doesn't see.
 *
 * A sentence ends at . ! ? (closing quotes and brackets included) before white space and something that can begin one, or
 * at the full stops of Chinese and Japanese. Common abbreviations and initials don't end one. Wrong guesses cost little:
 * they only move a boundary.
 */
#include <string.h>
#include <utf8proc.h>

#include "lib/base/utf8.h"
#include "tokenize/split.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* True if s[0..n) ends in an abbreviation (the full stop not included). */
static bool abbreviation(const char *s, size_t n)
{
	static const char *const abbr[] = { "e.g", "i.e", "cf", "etc", "vs", "viz", "approx", "resp", "Mr", "Mrs", "Dr",
					    "St", "Fig", "No", "Vol", "Inc", "Ltd", "al", "ca", "incl", "esp" };
	size_t from = n;
	while (from > 0 && !count_is_space(s[from - 1]) && s[from - 1] != '(')
		from--;
	size_t len = n - from;
	if (len == 1 && s[from] >= 'A' && s[from] <= 'Z')
		return true;
	for (size_t i = 0; i < sizeof abbr / sizeof *abbr; i++)
		if (strlen(abbr[i]) == len && memcmp(abbr[i], s + from, len) == 0)
			return true;
	return false;
}

/* True if s[at..n) looks like the beginning of a list item. */
static bool bullet(const char *s, size_t n, size_t at)
{
	while (at < n && (s[at] == ' ' || s[at] == '\t'))
		at++;
	return at + 1 < n && (s[at] == '-' || s[at] == '*' || s[at] == '+') && s[at + 1] == ' ';
}

size_t cut_sentence(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (c == '\n' && i > 0 && bullet(s, n, i + 1))
			return i + 1;
		if (c == '\xE3' && n - i >= 3 && s[i + 1] == '\x80' && s[i + 2] == '\x82')	/* U+3002 */
			return i + 3;
		if (c == '\xEF' && n - i >= 3 && s[i + 1] == '\xBC' && (s[i + 2] == '\x81' || s[i + 2] == '\x9F'))
			return i + 3;							/* U+FF01, U+FF1F */
		if (c != '.' && c != '!' && c != '?')
			continue;
		size_t end = i + 1;
		while (end < n && (s[end] == '"' || s[end] == '\'' || s[end] == ')' || s[end] == ']'))
			end++;
		if (end >= n || !count_is_space(s[end]))
			continue;
		size_t next = end;
		while (next < n && count_is_space(s[next]))
			next++;
		if (next < n && (is_lower(s[next]) || (c == '.' && abbreviation(s, i))))
			continue;
		return next;
	}
	return n;
}

size_t cut_grapheme(const char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	size_t hard = utf8_floor(s, n, max);
	if (hard == 0)
		hard = max;
	/* Look back no further than a long emoji sequence; longer clusters are attacks, not characters. */
	size_t from = hard > 128 ? utf8_floor(s, n, hard - 128) : 0, best = 0;
	utf8proc_int32_t state = 0;
	uint32_t prev = 0;
	for (size_t i = from; i <= hard && i < n;) {
		uint32_t cp;
		size_t step = utf8_decode(s + i, n - i, &cp, NULL);
		if (i > from && utf8proc_grapheme_break_stateful((utf8proc_int32_t)prev, (utf8proc_int32_t)cp, &state))
			best = i;
		prev = cp;
		i += step;
	}
	return best > 0 ? best : hard;
}

unsigned cut_hidden(const char *s, size_t n)
{
	unsigned bits = 0;
	for (size_t i = 0; i < n;) {
		unsigned char b = (unsigned char)s[i];
		if (b < 0x80) {
			if ((b < 0x20 && b != '\t' && b != '\n' && b != '\r' && b != '\f') || b == 0x7F)
				bits |= HIDDEN_CONTROL;
			i++;
			continue;
		}
		uint32_t cp;
		i += utf8_decode(s + i, n - i, &cp, NULL);
		if (utf8_is_turning(cp))
			bits |= HIDDEN_BIDI;
		else if (utf8_is_unseen(cp))
			bits |= HIDDEN_ZERO_WIDTH;
		else if (cp >= 0xE0000 && cp <= 0xE007F)
			bits |= HIDDEN_TAG;
		else if (cp >= 0x80 && cp < 0xA0)
			bits |= HIDDEN_CONTROL;
	}
	return bits;
}
