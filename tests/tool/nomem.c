/* SPDX-License-Identifier: Apache-2.0
 *
 * nomem: a library for LD_PRELOAD in which one allocation fails, of the process that it is given to and not of those that this one starts.
 * Needs glibc.
 *
 *	NOMEM=3 LD_PRELOAD=./nomem.so tt-cite <in	the third of the process
 *	NOMEM=0 ...	none; their number, and a newline, goes to descriptor 9 at the end
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static atomic_long n_call;
static long fails = -1;		/* which; -1 until main() is near */

__attribute__((constructor)) static void begin(void)
{
	const char *s = getenv("NOMEM");
	fails = s ? atol(s) : -1;
	unsetenv("NOMEM");
}

__attribute__((destructor)) static void end(void)
{
	long n = n_call;
	if (fails == 0)
		dprintf(9, "%ld\n", n);
}

static int is_out(void)
{
	if (fails < 0 || ++n_call != fails)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return is_out() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_out() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_out() ? NULL : __libc_realloc(p, n);
}
