/* SPDX-License-Identifier: Apache-2.0
 *
 * near: the word the user probably meant. Options and configuration keys that are not known are answered with it.
 */
#ifndef TT_BASE_NEAR_H
#define TT_BASE_NEAR_H

#include <stdbool.h>

/* Edit distance between two words (insert, delete, replace, swap of neighbours count 1), at most 255; words longer
 * than 63 bytes count as 255 apart unless equal. */
int near_distance(const char *a, const char *b);
/* True if `b` is close enough to `a` to be worth suggesting, and closer than *best (updated then; start with 255). */
bool near_better(const char *a, const char *b, int *best);

#endif
