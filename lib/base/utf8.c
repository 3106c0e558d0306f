/* SPDX-License-Identifier: Apache-2.0
 *
 * utf8: a table-free decoder following Unicode 15, table 3-7 (well-formed byte sequences). See utf8.h.
 */
#include "lib/base/utf8.h"

#include <string.h>

#include "lib/base/buf.h"

size_t utf8_decode(const char *str, size_t n, uint32_t *cp, bool *ok)
{
	const unsigned char *s = (const unsigned char *)str;
	unsigned char c = s[0], lo = 0x80, hi = 0xBF;
	size_t need;
	uint32_t v;
	if (ok)
		*ok = true;
	if (c < 0x80) {
		*cp = c;
		return 1;
	}
	if (c >= 0xC2 && c <= 0xDF) {
		need = 1;
		v = c & 0x1Fu;
	} else if (c >= 0xE0 && c <= 0xEF) {
		need = 2;
		v = c & 0x0Fu;
		if (c == 0xE0)
			lo = 0xA0;	/* overlong */
		if (c == 0xED)
			hi = 0x9F;	/* surrogates */
	} else if (c >= 0xF0 && c <= 0xF4) {
		need = 3;
		v = c & 0x07u;
		if (c == 0xF0)
			lo = 0x90;	/* overlong */
		if (c == 0xF4)
			hi = 0x8F;	/* over U+10FFFF */
	} else {
		need = 0;
		v = 0;
	}
	size_t i = 1;
	while (need && i <= need && i < n && s[i] >= lo && s[i] <= hi) {
		v = v << 6 | (s[i] & 0x3Fu);
		lo = 0x80;
		hi = 0xBF;
		i++;
	}
	if (need && i == need + 1) {
		*cp = v;
		return i;
	}
	*cp = UTF8_BAD;
	if (ok)
		*ok = false;
	return i;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xC0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xE0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}

bool utf8_valid(const char *s, size_t n, size_t *bad_at)
{
	size_t i = 0;
	while (i < n) {
		uint64_t word;		/* eight ASCII bytes at a time: most text is */
		if (n - i >= sizeof word && (memcpy(&word, s + i, sizeof word), !(word & 0x8080808080808080u))) {
			i += sizeof word;
			continue;
		}
		if ((unsigned char)s[i] < 0x80) {
			i++;
			continue;
		}
		uint32_t cp;
		bool ok;
		size_t k = utf8_decode(s + i, n - i, &cp, &ok);
		if (!ok) {
			if (bad_at)
				*bad_at = i;
			return false;
		}
		i += k;
	}
	return true;
}

size_t utf8_whole(const char *s, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char c = (unsigned char)s[n - back];
		if ((c & 0xC0) == 0x80)
			continue;
		size_t want = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
		return want > back ? n - back : n;
	}
	return n;
}

size_t utf8_bom(const char *s, size_t n)
{
	return n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

size_t utf8_floor(const char *s, size_t n, size_t at)
{
	if (at >= n)
		return n;
	size_t k = at;
	while (k > 0 && at - k < 3 && ((unsigned char)s[k] & 0xC0) == 0x80)
		k--;
	return ((unsigned char)s[k] & 0xC0) == 0x80 ? at : k;
}

bool utf8_is_unseen(uint32_t c)
{
	return c == 0x200B || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF || c == 0x180E || (c >= 0xFFF9 && c <= 0xFFFB) ||
		c == 0x115F || c == 0x1160 || c == 0x3164 || c == 0xFFA0;
}

bool utf8_is_turning(uint32_t c)
{
	return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C;
}

bool utf8_is_control(uint32_t c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || utf8_is_turning(c) ||
		utf8_is_unseen(c) || (c >= 0xE0000 && c <= 0xE007F);
}

int utf8_visible(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		bool ok;
		size_t k = utf8_decode(s + i, n - i, &c, &ok);
		if (!ok)
			buf_puts(b, "\xEF\xBF\xBD");
		else if (!utf8_is_control(c))
			buf_add(b, s + i, k);
		else
			buf_printf(b, c < 0x100 ? "\\x%02X" : "\\u{%04X}", (unsigned)c);
		i += k;
	}
	return b->failed;
}

int utf8_visible_field(struct buf *b, const char *s, size_t n)
{
	size_t from = b->len;
	int r = utf8_visible(b, s, n);
	for (size_t i = from; i < b->len; i++)
		if (b->data[i] == '\n' || b->data[i] == '\t')
			b->data[i] = ' ';
	return r;
}
