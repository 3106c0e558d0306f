/* SPDX-License-Identifier: Apache-2.0
 *
 * grow: doubling, so that n additions copy fewer than 2n elements.
 */
#include "lib/base/grow.h"

#include <stdlib.h>

#include "lib/base/cursor.h"

#define FIRST 16	/* elements */

void *grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	size_t want, bytes;
	if (!size_mul(*cap, 2, &want) || !size_mul(want ? want : FIRST, size, &bytes))
		return NULL;
	void *q = realloc(p, bytes);
	if (q)
		*cap = want ? want : FIRST;
	return q;
}
