/* SPDX-License-Identifier: Apache-2.0
 *
 * user: taking user-defined tokens out of text. Internal to tokenize/.
 */
#ifndef TT_TOKENIZE_USER_H
#define TT_TOKENIZE_USER_H

#include <stddef.h>
#include <stdint.h>

struct tok;

/* Calls `text` for each stretch s[from..to) of ordinary text and `token` for each user-defined token, which starts at
 * s[from], in order. Stops at the first non-zero return of either, and returns it; else 0 or ERR_MEM. */
int user_split(const struct tok *t, const char *s, size_t n, int (*text)(void *, size_t from, size_t to),
               int (*token)(void *, uint32_t id, size_t from), void *arg);

#endif
