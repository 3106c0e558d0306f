/* SPDX-License-Identifier: Apache-2.0
 *
 * scan: which level this processor runs.
 */
#include "lib/kern/scan.h"

scan_fn scan_level(enum kern_level level)
{
#ifdef __x86_64__
	if (level == KERN_AVX2 && __builtin_cpu_supports("avx2"))
		return scan_avx2;
	if (level == KERN_VNNI && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
		return scan_vnni;
#endif
	return level == KERN_REF ? scan_ref : NULL;
}

scan_fn scan_select(const char *cap, struct err *e)
{
	scan_fn f = NULL;
	for (int level = kern_cap(cap, e); level >= KERN_REF && !f; level--)
		f = scan_level((enum kern_level)level);
	return f;
}
