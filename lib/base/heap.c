/* SPDX-License-Identifier: Apache-2.0
 *
 * heap: a binary heap with the worst kept item on top, so that most candidates are turned away by one comparison.
 * "Better" is a higher score, then a smaller id: a total order, hence one result whatever order items come in.
 */
#include "lib/base/heap.h"

static bool better(struct heap_item a, struct heap_item b)
{
	return a.score > b.score || (a.score == b.score && a.id < b.id);
}

void heap_init(struct heap *h, struct heap_item *item, size_t cap)
{
	*h = (struct heap){ .item = item, .cap = cap };
}

/* Places `x` at the hole `i` of item[0..n), moving worse children up until it fits. */
static void sink(struct heap_item *item, size_t n, size_t i, struct heap_item x)
{
	for (;;) {
		size_t kid = 2 * i + 1;
		if (kid >= n)
			break;
		if (kid + 1 < n && better(item[kid], item[kid + 1]))
			kid++;
		if (!better(x, item[kid]))
			break;
		item[i] = item[kid];
		i = kid;
	}
	item[i] = x;
}

bool heap_takes(const struct heap *h, float score, uint32_t id)
{
	return score == score && (h->len < h->cap || (h->cap && better((struct heap_item){ score, id }, h->item[0])));
}

void heap_push(struct heap *h, float score, uint32_t id)
{
	struct heap_item x = { score, id };
	if (!heap_takes(h, score, id))
		return;
	if (h->len == h->cap) {
		sink(h->item, h->len, 0, x);
		return;
	}
	size_t i = h->len++;
	while (i > 0 && better(h->item[(i - 1) / 2], x)) {
		h->item[i] = h->item[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->item[i] = x;
}
