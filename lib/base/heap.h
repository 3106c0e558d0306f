/* SPDX-License-Identifier: Apache-2.0
 *
 * heap: the k best of a stream of (score, id). Ties are broken by the smaller id, so results never depend on order.
 */
#ifndef TT_BASE_HEAP_H
#define TT_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item { float score; uint32_t id; };
struct heap {
	struct heap_item *item;	/* item[cap], borrowed from the caller; item[0] is the worst kept */
	size_t len, cap;
};
void heap_init(struct heap *h, struct heap_item *item, size_t cap);
/* Keeps (score, id) if it is among the `cap` best so far. NaN is never kept. */
void heap_push(struct heap *h, float score, uint32_t id);
/* True if it would be. */
bool heap_takes(const struct heap *h, float score, uint32_t id);

#endif
