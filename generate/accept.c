/* SPDX-License-Identifier: Apache-2.0
 *
 * accept: pick and compare; see accept.h.
 */
#include "generate/accept.h"

int accept_draft(const int32_t *draft, size_t n, accept_pick pick, void *arg, int32_t *next, size_t *n_right, struct err *e)
{
	int rc = pick(arg, 0, next, e);
	*n_right = 0;
	while (!rc && *n_right < n && *next == draft[*n_right])
		rc = pick(arg, ++*n_right, next, e);
	return rc;
}
