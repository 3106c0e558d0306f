/* SPDX-License-Identifier: Apache-2.0
 *
 * buf: growth by doubling; see buf.h for the invariants.
 */
#include "lib/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

int buf_reserve(struct buf *b, size_t extra)
{
	size_t need;
	if (b->failed)
		return b->failed;
	if (__builtin_add_overflow(b->len, extra, &need) || __builtin_add_overflow(need, 1, &need))
		return b->failed = ERR_MEM;
	if (need <= b->cap)
		return 0;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need) {
		if (cap > SIZE_MAX / 2)
			cap = need;
		else
			cap *= 2;
	}
	char *p = realloc(b->data, cap);
	if (!p)
		return b->failed = ERR_MEM;
	b->data = p;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	int r = buf_reserve(b, n);
	if (r)
		return r;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return b->failed = ERR_MEM;
	int r = buf_reserve(b, (size_t)n);
	if (r)
		return r;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int buf_zeros(struct buf *b, size_t n)
{
	int r = buf_reserve(b, n);
	if (r)
		return r;
	memset(b->data + b->len, 0, n + 1);
	b->len += n;
	return 0;
}

int buf_align(struct buf *b, size_t align)
{
	size_t over = b->len % align;
	return over ? buf_zeros(b, align - over) : 0;
}

int buf_u32(struct buf *b, uint32_t v)
{
	unsigned char c[4] = { (unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
			       (unsigned char)(v >> 24) };
	return buf_add(b, c, sizeof c);
}

int buf_u64(struct buf *b, uint64_t v)
{
	int r = buf_u32(b, (uint32_t)v);
	return r ? r : buf_u32(b, (uint32_t)(v >> 32));
}

void buf_reuse(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_clear(struct buf *b)
{
	buf_reuse(b);
	b->failed = 0;
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
