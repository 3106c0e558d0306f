/* SPDX-License-Identifier: Apache-2.0
 *
 * grow: room for one more element in an array that doubles.
 *
 *	struct item *v = grow(a->v, a->n, &a->cap, sizeof *v);
 *	if (!v)
 *		return err_memory(e);
 *	a->v = v;
 *	a->v[a->n++] = item;
 */
#ifndef TT_BASE_GROW_H
#define TT_BASE_GROW_H

#include <stddef.h>

/* p, from malloc or NULL, has room for *cap elements of `size` bytes and holds n of them. Returns it with room for n + 1, *cap told anew;
 * NULL when memory is out, and then p and *cap are as they were. */
void *grow(void *p, size_t n, size_t *cap, size_t size);

#endif
