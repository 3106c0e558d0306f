/* SPDX-License-Identifier: Apache-2.0
 *
 * near: optimal string alignment distance (Levenshtein 1966 with Damerau's swap), three rows of the table at a time.
 */
#include "lib/base/near.h"

#include <string.h>

#define FAR 255
#define MAX_WORD 63

static int least(int a, int b, int c)
{
	int m = a < b ? a : b;
	return m < c ? m : c;
}

int near_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	int row[3][MAX_WORD + 1];
	if (strcmp(a, b) == 0)
		return 0;
	if (n > MAX_WORD || m > MAX_WORD)
		return FAR;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (int)j;
	for (size_t i = 1; i <= n; i++) {
		int *now = row[i % 3], *above = row[(i + 2) % 3], *above2 = row[(i + 1) % 3];
		now[0] = (int)i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = least(above[j] + 1, now[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < now[j])
				now[j] = above2[j - 2] + 1;
		}
	}
	return row[n % 3][m];
}

bool near_better(const char *a, const char *b, int *best)
{
	int d = near_distance(a, b);
	size_t n = strlen(a);
	int allowed = n < 3 ? 1 : n < 8 ? 2 : 3;
	if (d > allowed || d >= *best)
		return false;
	*best = d;
	return true;
}
