/* SPDX-License-Identifier: Apache-2.0
 *
 * gold: see gold.h. Texts are short (a reply, a name or a date), so words are compared each with each.
 */
#include "retrieve/gold.h"

#include <ctype.h>
#include <string.h>

size_t gold_citation(const char *s, size_t n)
{
	size_t i = 1;
	bool digit = false;
	if (!n || s[0] != '[')
		return 0;
	for (; i < n && (isdigit((unsigned char)s[i]) || strchr(",; -", s[i])); i++)
		digit = digit || isdigit((unsigned char)s[i]);
	return digit && i < n && s[i] == ']' ? i + 1 : 0;
}

static bool is_article(const char *s, size_t n)
{
	return (n == 1 && *s == 'a') || (n == 2 && memcmp(s, "an", 2) == 0) || (n == 3 && memcmp(s, "the", 3) == 0);
}

/* Closes the word that began at `from`, the offset behind its space. */
static void end_word(struct buf *b, size_t from)
{
	if (b->failed || b->len <= from)
		return;
	if (is_article(b->data + from, b->len - from)) {
		b->len = from;
		b->data[from] = '\0';
	} else {
		buf_putc(b, ' ');
	}
}

void gold_words(struct buf *b, const char *text, size_t n)
{
	buf_reuse(b);
	buf_putc(b, ' ');
	size_t from = b->len;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t cite = gold_citation(text + i, n - i);
		if (cite || isspace(c) || c == '\0') {
			end_word(b, from);
			from = b->len;
			i += cite ? cite - 1 : 0;
		} else if (!ispunct(c)) {
			buf_putc(b, (char)tolower(c));
		}
	}
	end_word(b, from);
}

/* The next word at *at of b, or 0 at the end; *at moves behind it. */
static size_t next_word(const struct buf *b, size_t *at, const char **word)
{
	size_t from = *at + 1, to = from;
	while (to < b->len && b->data[to] != ' ')
		to++;
	if (to >= b->len)
		return 0;
	*word = b->data + from;
	*at = to;
	return to - from;
}

static size_t count(const struct buf *b, const char *word, size_t n, size_t end)
{
	const char *w;
	size_t found = 0, k;
	for (size_t at = 0; at < end && (k = next_word(b, &at, &w));)
		found += k == n && memcmp(w, word, n) == 0;
	return found;
}

/* Words in common: a word counts as often as it stands in both. */
static size_t shared(const struct buf *a, const struct buf *b, size_t *n_a)
{
	const char *w;
	size_t common = 0, k;
	*n_a = 0;
	for (size_t at = 0; (k = next_word(a, &at, &w)); ++*n_a)
		common += count(a, w, k, at) <= count(b, w, k, b->len);
	return common;
}

bool gold_is_held(const struct buf *answer, const struct buf *gold)
{
	return !answer->failed && !gold->failed && gold->len > 1 && memmem(answer->data, answer->len, gold->data, gold->len);
}

struct gold_match gold_compare(const struct buf *answer, const struct buf *gold)
{
	struct gold_match m = { 0 };
	size_t n_answer, n_gold;
	if (answer->failed || gold->failed)
		return m;
	double common = (double)shared(answer, gold, &n_answer);
	shared(gold, answer, &n_gold);
	m.exact = answer->len == gold->len && memcmp(answer->data, gold->data, gold->len) == 0;
	m.held = gold_is_held(answer, gold);
	m.f1 = n_answer + n_gold ? 2 * common / (double)(n_answer + n_gold) : 0;
	return m;
}
