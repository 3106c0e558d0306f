/* SPDX-License-Identifier: Apache-2.0
 *
 * cap: the names of levels, by themselves: tt-retrieve scans and takes no other kernels in.
 */
#include <string.h>

#include "lib/kern/kern.h"

int kern_cap(const char *cap, struct err *e)
{
	static const char *const name[] = { "ref", "avx2", "avx512", "vnni" };
	if (!cap || !*cap)
		return KERN_VNNI;
	for (int level = KERN_REF; level <= KERN_VNNI; level++)
		if (!strcmp(cap, name[level]))
			return level;
	return err_set(e, ERR_ARG, ERR_NO_OFFSET, "unknown processor level '%s' (ref, avx2, avx512 or vnni)", cap);
}
