/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_value: what a scalar of each type may be. Private to conf*.c.
 */
#ifndef TT_BASE_CONF_VALUE_H
#define TT_BASE_CONF_VALUE_H

#include "lib/base/conf.h"

/* NULL if `v` is a value of the key's type, else what is wrong with it, as in "is not ...". `buf` holds 64 bytes. */
const char *conf_value_fault(const struct conf_key *k, const char *v, char *buf, size_t cap);

#endif
