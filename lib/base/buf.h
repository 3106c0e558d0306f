/* SPDX-License-Identifier: Apache-2.0
 *
 * buf: a growing byte string.
 *
 * Invariants: `data` is NULL only while `cap` is 0; data[len] is always NUL once anything was added, so a buf of
 * text is a C string. Every adding function returns 0 or ERR_MEM and leaves the buf unchanged on failure; `failed`
 * stays set, so a run of additions may be checked once at its end.
 */
#ifndef TT_BASE_BUF_H
#define TT_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t len, cap;
	int failed;		/* ERR_MEM once an addition failed, else 0 */
};

int buf_reserve(struct buf *b, size_t extra);
int buf_add(struct buf *b, const void *p, size_t n);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends `n` zero bytes, and as many as bring `len` to a multiple of `align`. */
int buf_zeros(struct buf *b, size_t n);
int buf_align(struct buf *b, size_t align);
/* Little-endian integers, whatever the host. */
int buf_u32(struct buf *b, uint32_t v);
int buf_u64(struct buf *b, uint64_t v);
/* Empties without freeing; a failure is forgotten. */
void buf_clear(struct buf *b);
/* The same, but a failure stays, for who looks at the end whether all that passed through was whole. */
void buf_reuse(struct buf *b);
void buf_release(struct buf *b);

#endif
