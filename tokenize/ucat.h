/* SPDX-License-Identifier: Apache-2.0
 *
 * ucat: what a character is, as the pre-tokenizers' regular expressions ask: \p{L} \p{N} \p{P} \p{S} \p{M} \s.
 * ASCII comes from a table; the rest from utf8proc. A character of no class (unassigned, control) is UCAT_OTHER, so that
 * 0 is left to mean "no character here".
 */
#ifndef TT_TOKENIZE_UCAT_H
#define TT_TOKENIZE_UCAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ucat {
	UCAT_L = 1, UCAT_N = 2, UCAT_P = 4, UCAT_S = 8, UCAT_M = 16, UCAT_SPACE = 32, UCAT_OTHER = 64,
	UCAT_MN = 128,		/* a nonspacing mark; UCAT_M is set too */
	UCAT_C = 256,		/* control, format or private use; UCAT_OTHER or UCAT_SPACE is set too */
};

extern const uint16_t ucat_ascii[128];
unsigned ucat_wide(uint32_t cp);

static inline unsigned ucat_of(uint32_t cp)
{
	return cp < 128 ? ucat_ascii[cp] : ucat_wide(cp);
}

/* Is cp in one of n ascending ranges {first, last}? */
bool ucat_in(const uint32_t (*range)[2], size_t n, uint32_t cp);

/* The same as BERT's tokenizers see it: their tables of marks, punctuation and format characters are those of Unicode 8. */
unsigned ucat_bert(uint32_t cp);

/* Decodes at s[i], i < n, without judging: s is known to be well-formed, or to hold only encoded surrogates besides. */
static inline uint32_t ucat_decode(const char *s, size_t i, size_t n, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s + i;
	size_t left = n - i;
	if (p[0] < 0x80 || left < 2 || p[0] < 0xc0) {
		*len = 1;
		return p[0];
	}
	if (p[0] < 0xe0 || left < 3) {
		*len = 2;
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	}
	if (p[0] < 0xf0 || left < 4) {
		*len = 3;
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	}
	*len = 4;
	return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

#endif
