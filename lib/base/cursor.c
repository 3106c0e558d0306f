/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor: bounded little-endian reads. The only comparison form is `n <= len - at`, which cannot wrap because
 * `at <= len` always holds. See cursor.h.
 */
#include "lib/base/cursor.h"

#include <string.h>

struct cursor cursor_of(const void *p, size_t len)
{
	return (struct cursor){ .p = p, .len = len };
}

bool cursor_ok(const struct cursor *c)
{
	return !c->bad;
}

size_t cursor_left(const struct cursor *c)
{
	return c->bad ? 0 : c->len - c->at;
}

bool cursor_fail(struct cursor *c)
{
	if (!c->bad) {
		c->bad = true;
		c->bad_at = c->at;
	}
	return false;
}

const void *cursor_take(struct cursor *c, uint64_t n)
{
	if (c->bad || n > c->len - c->at) {
		cursor_fail(c);
		return NULL;
	}
	const void *p = c->p + c->at;
	c->at += (size_t)n;
	return p;
}

uint64_t cursor_u64(struct cursor *c)
{
	const unsigned char *b = cursor_take(c, 8);
	uint64_t v = 0;
	for (int i = 7; b && i >= 0; i--)
		v = v << 8 | b[i];
	return v;
}

uint32_t cursor_u32(struct cursor *c)
{
	const unsigned char *b = cursor_take(c, 4);
	return b ? (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24 : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
	const unsigned char *b = cursor_take(c, 2);
	return b ? (uint16_t)((unsigned)b[0] | (unsigned)b[1] << 8) : (uint16_t)0;
}

uint8_t cursor_u8(struct cursor *c)
{
	const unsigned char *b = cursor_take(c, 1);
	return b ? b[0] : 0;
}

float cursor_f32(struct cursor *c)
{
	uint32_t u = cursor_u32(c);
	float f;
	memcpy(&f, &u, sizeof f);
	return f;
}

double cursor_f64(struct cursor *c)
{
	uint64_t u = cursor_u64(c);
	double d;
	memcpy(&d, &u, sizeof d);
	return d;
}

void cursor_align(struct cursor *c, size_t align)
{
	size_t over = c->at % align;
	if (over)
		cursor_take(c, align - over);
}

bool size_mul(uint64_t a, uint64_t b, size_t *out)
{
	size_t r;
	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

bool size_add(uint64_t a, uint64_t b, size_t *out)
{
	size_t r;
	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

bool size_within(uint64_t off, uint64_t len, uint64_t total)
{
	return off <= total && len <= total - off;
}
