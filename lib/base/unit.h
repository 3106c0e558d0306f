/* SPDX-License-Identifier: Apache-2.0
 *
 * unit: what a chunk is of its document, the `unit` of records(5).
 */
#ifndef TT_BASE_UNIT_H
#define TT_BASE_UNIT_H

#include <stddef.h>

/* An index stores the numbers; UNIT_OTHER is any that is not listed. */
enum unit { UNIT_OTHER, UNIT_NAME, UNIT_OPTION, UNIT_ENTRY, UNIT_SECTION, UNIT_PARA, UNIT_CODE, UNIT_TABLE };

const char *unit_name(enum unit u);		/* "" of UNIT_OTHER */
enum unit unit_named(const char *s, size_t n);

#endif
