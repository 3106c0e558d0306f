/* SPDX-License-Identifier: Apache-2.0
 *
 * count: a direct-mapped table of word costs in front of the tokenizer.
 *
 *	word --XXH3--> slot = hash & mask --> { hash, cost }	hit: cost; miss: tok_encode, overwrite
 *
 * 64-bit hashes stand for the words: a false hit needs two words of one slot and one hash, and costs a wrong count, which
 * tt-embed notices (it cuts and says so).
 */
#include "tokenize/count.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/base/hash.h"

#define SLOTS 16384u		/* 256 KiB a thread; a manual page has 500-3,000 different words */
#define WORD_MAX 4096u		/* longer words are not worth a slot */

struct slot { uint64_t hash; uint32_t cost; };

struct count {
	const struct tok *tok;
	bool additive;
	struct tok_ids ids;
	struct slot slot[SLOTS];
};

struct count *count_new(const struct tok *t)
{
	struct count *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->tok = t;
	c->additive = !t || tok_kind(t) == TOK_WORDPIECE;
	return c;
}

void count_free(struct count *c)
{
	if (!c)
		return;
	tok_ids_release(&c->ids);
	free(c);
}

/* Letters run about four to a token, every other visible byte is a token, a character beyond ASCII is one. */
static size_t estimate(const char *s, size_t n)
{
	size_t cost = 0, run = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)s[i];
		bool letter = (b | 32) >= 'a' && (b | 32) <= 'z';
		if (letter) {
			run++;
			continue;
		}
		cost += (run + 4) / 5;
		run = 0;
		cost += (b & 0xC0) != 0x80;
	}
	return cost + (run + 4) / 5;
}

static size_t encode(struct count *c, const char *s, size_t n)
{
	if (!c->tok)
		return estimate(s, n);
	c->ids.len = 0;
	if (tok_encode(c->tok, s, n, &c->ids, NULL) < 0)
		return estimate(s, n);
	return c->ids.len;
}

size_t count_tokens(struct count *c, const char *s, size_t n)
{
	size_t sum = 0, i = 0;
	while (i < n) {
		while (i < n && count_is_space(s[i]))
			i++;
		size_t from = i;
		while (i < n && !count_is_space(s[i]))
			i++;
		if (i == from)
			break;
		/* Tokenizers other than WordPiece see the space in front of a word. */
		if (!c->additive && from > 0)
			from--;
		if (i - from > WORD_MAX) {
			sum += encode(c, s + from, i - from);
			continue;
		}
		uint64_t h = hash_xxh64(s + from, i - from) | 1;	/* 0 marks an empty slot */
		struct slot *sl = &c->slot[(h >> 1) & (SLOTS - 1)];
		if (sl->hash != h) {
			sl->cost = (uint32_t)encode(c, s + from, i - from);
			sl->hash = h;
		}
		sum += sl->cost;
	}
	return sum;
}

size_t count_exact(struct count *c, const char *s, size_t n)
{
	return c->additive ? count_tokens(c, s, n) : encode(c, s, n);
}
