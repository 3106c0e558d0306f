/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor: the one bounded reader that every parser of foreign bytes uses (GGUF, safetensors, packs, segments,
 * manifests, prefix blocks, records).
 *
 * A cursor is a window of bytes and a position. Each read checks `n <= left` before it moves; the first failure
 * sticks (later reads return 0 and do not move), so a parser may read a whole header and test `cursor_ok` once
 * before it believes any of it. Sizes from data are combined with size_mul/size_add, which saturate the failure.
 * All integers on disk are little-endian.
 */
#ifndef TT_BASE_CURSOR_H
#define TT_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct cursor {
	const unsigned char *p;		/* start of the window; borrowed */
	size_t len;			/* bytes in the window */
	size_t at;			/* position, always <= len */
	bool bad;			/* a read went past the end, or a check failed */
	size_t bad_at;			/* position of the first failure */
};

struct cursor cursor_of(const void *p, size_t len);
bool cursor_ok(const struct cursor *c);
size_t cursor_left(const struct cursor *c);
/* Marks the cursor bad at its present position (a value read was unacceptable). Returns false. */
bool cursor_fail(struct cursor *c);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
float cursor_f32(struct cursor *c);
double cursor_f64(struct cursor *c);
/* Borrows the next `n` bytes; NULL (and bad) when they are not there. */
const void *cursor_take(struct cursor *c, uint64_t n);
/* Skips to the next multiple of `align` counted from the window's start. */
void cursor_align(struct cursor *c, size_t align);

/* *out = a * b, or a + b; false on overflow (*out is then unchanged). */
bool size_mul(uint64_t a, uint64_t b, size_t *out);
bool size_add(uint64_t a, uint64_t b, size_t *out);
/* True if [off, off + len) lies within [0, total). */
bool size_within(uint64_t off, uint64_t len, uint64_t total);

#endif
