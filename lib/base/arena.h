/* SPDX-License-Identifier: Apache-2.0
 *
 * arena: bump allocation with one owner and one moment of release.
 *
 * Three lifetimes, three arenas: model (until close), session (sized at create), request (rewound per record).
 * Not thread-safe per arena. Memory comes in blocks that double; nothing handed out ever moves.
 *
 *	struct arena a = {0};
 *	float *x = arena_alloc(&a, n * sizeof *x);	// NULL when memory is out
 *	size_t m = arena_mark(&a);  ...  arena_rewind(&a, m);
 *	arena_release(&a);
 */
#ifndef TT_BASE_ARENA_H
#define TT_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head;	/* newest block; NULL in a zeroed arena, which is valid and empty */
	size_t used;			/* bytes handed out over all blocks, alignment included */
};

/* Returns `n` bytes, zeroed, 64-byte aligned; NULL when memory is exhausted (the arena is unchanged). */
void *arena_alloc(struct arena *a, size_t n);
/* arena_alloc of n * size with the product checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A NUL-terminated copy of s[0..n). */
char *arena_strdup(struct arena *a, const char *s, size_t n);

/* Position to rewind to. Rewinding forgets everything allocated since and keeps the first block for reuse. */
size_t arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, size_t mark);
/* Frees everything; the arena is then as zeroed. */
void arena_release(struct arena *a);

#endif
