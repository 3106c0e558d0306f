/* SPDX-License-Identifier: Apache-2.0
 *
 * arena: blocks in a list, newest first. A block is a header and its bytes:
 *
 *	[ prev | start | cap | used | dirty ][ cap bytes ............ ]
 *
 * `start` is the arena's `used` when the block was opened, so a mark (a plain byte count) tells which blocks are
 * wholly newer and can go. See arena.h.
 */
#include "lib/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 64u
#define FIRST_BLOCK (64u * 1024u)
#define LARGE (1024u * 1024u)			/* blocks that calloc takes from the system as they are */
#define MAX_DOUBLING (64u * 1024u * 1024u)	/* past this a block is just as large as needed */

struct arena_block {
	struct arena_block *prev;
	size_t start;
	size_t cap;
	size_t used;
	size_t dirty;		/* bytes from here on are still zero */
	void *raw;		/* what malloc gave */
	char pad[ALIGN - 6 * sizeof(size_t)];
	unsigned char bytes[];
};

static struct arena_block *block_new(struct arena *a, size_t need)
{
	size_t cap = a->head ? a->head->cap : FIRST_BLOCK / 2;
	cap = cap < MAX_DOUBLING ? cap * 2 : MAX_DOUBLING;
	if (cap < need)
		cap = need;
	if (cap > SIZE_MAX - sizeof(struct arena_block) - 2 * ALIGN)
		return NULL;
	size_t total = (sizeof(struct arena_block) + cap + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
	/* Large blocks come zeroed from the system; their pages are then not touched before they are used. */
	bool is_large = total >= LARGE;
	void *raw = is_large ? calloc(1, total) : malloc(total);
	if (!raw)
		return NULL;
	struct arena_block *b = (void *)(((uintptr_t)raw + ALIGN - 1) / ALIGN * ALIGN);
	b->raw = raw;
	b->prev = a->head;
	b->start = a->used;
	b->cap = cap;
	b->used = 0;
	b->dirty = is_large ? 0 : cap;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > SIZE_MAX - ALIGN)
		return NULL;
	size_t need = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (need == 0)
		need = ALIGN;
	struct arena_block *b = a->head;
	if (!b || b->cap - b->used < need)
		b = block_new(a, need);
	if (!b)
		return NULL;
	void *p = b->bytes + b->used;
	if (b->used < b->dirty)
		memset(p, 0, b->dirty - b->used < n ? b->dirty - b->used : n);
	b->used += need;
	a->used += need;
	b->dirty = b->dirty < b->used ? b->used : b->dirty;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_alloc(a, bytes);
}

char *arena_strdup(struct arena *a, const char *s, size_t n)
{
	if (n == SIZE_MAX)
		return NULL;
	char *p = arena_alloc(a, n + 1);
	if (p && n)
		memcpy(p, s, n);
	return p;
}

size_t arena_mark(const struct arena *a)
{
	return a->used;
}

void arena_rewind(struct arena *a, size_t mark)
{
	while (a->head && a->head->start >= mark && a->head->prev) {
		struct arena_block *b = a->head;
		a->head = b->prev;
		free(b->raw);
	}
	if (a->head)
		a->head->used = mark > a->head->start ? mark - a->head->start : 0;
	a->used = mark;
}

void arena_release(struct arena *a)
{
	while (a->head) {
		struct arena_block *b = a->head;
		a->head = b->prev;
		free(b->raw);
	}
	a->used = 0;
}
