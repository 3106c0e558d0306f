/* SPDX-License-Identifier: Apache-2.0
 *
 * postings: see postings.h for the code. Decoding trusts nothing: ids stay below the bound given, reads below `end`.
 */
#include "index/postings.h"

int varint_put(struct buf *b, uint64_t v)
{
	unsigned char c[10];
	size_t n = 0;
	do {
		c[n] = (unsigned char)(v & 0x7f);
		v >>= 7;
		if (v)
			c[n] |= 0x80;
		n++;
	} while (v);
	return buf_add(b, c, n);
}

bool varint_get(const unsigned char **p, const unsigned char *end, uint64_t *v)
{
	uint64_t x = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		if (*p == end)
			return false;
		unsigned char c = *(*p)++;
		x |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*v = x;
			return true;
		}
	}
	return false;
}

int postings_put(struct buf *b, int64_t prev, const struct posting *it)
{
	bool plain = it->tf == 1 && it->tf_head == 0;
	varint_put(b, (uint64_t)((int64_t)it->id - prev) << 1 | plain);
	if (!plain) {
		varint_put(b, it->tf);
		varint_put(b, it->tf_head);
	}
	return b->failed;
}

struct postings postings_of(const void *p, size_t len, uint32_t n)
{
	return (struct postings){ .p = p, .end = (const unsigned char *)p + len, .prev = -1, .n = n };
}

bool postings_next(struct postings *s, struct posting *it)
{
	uint64_t v, tf = 1, head = 0;
	if (s->p == s->end || s->bad)
		return false;
	if (!varint_get(&s->p, s->end, &v) || (!(v & 1) && (!varint_get(&s->p, s->end, &tf) || !varint_get(&s->p, s->end, &head))))
		goto bad;
	uint64_t delta = v >> 1;
	if (delta == 0 || delta > (uint64_t)((int64_t)s->n - 1 - s->prev) || tf > UINT32_MAX || head > UINT32_MAX)
		goto bad;
	s->prev += (int64_t)delta;
	*it = (struct posting){ (uint32_t)s->prev, (uint32_t)tf, (uint32_t)head };
	return true;
bad:
	s->bad = true;
	return false;
}
