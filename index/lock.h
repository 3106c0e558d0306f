/* SPDX-License-Identifier: Apache-2.0
 *
 * lock: one writer at a time. An open-file-description lock on `dir`/lock: the kernel drops it when its holder dies, however it
 * dies, so no stale lock ever has to be removed. Readers take none.
 */
#ifndef TT_INDEX_LOCK_H
#define TT_INDEX_LOCK_H

#include <stdbool.h>

#include "lib/base/err.h"

/* Takes the lock, trying for `wait_s` seconds (0 = once). *fd holds it until lock_drop. ERR_LOCK when another has it; ERR_CREATE,
 * ERR_PERM or ERR_IO when there can be none. */
int lock_take(int *fd, const char *dir, long wait_s, struct err *e);
void lock_drop(int *fd);
/* Whether what fd holds is still the lock of `dir`: who removes an index that is being written, and makes it anew, makes another. */
bool lock_holds(int fd, const char *dir);

#endif
