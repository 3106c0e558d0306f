/* SPDX-License-Identifier: Apache-2.0
 *
 * unit: numbers and names. See unit.h.
 */
#include "lib/base/unit.h"

#include <string.h>

static const char *const name[] = { "", "name", "option", "entry", "section", "para", "code", "table" };

const char *unit_name(enum unit u)
{
	return name[u];
}

enum unit unit_named(const char *s, size_t n)
{
	for (size_t i = 1; i < sizeof name / sizeof *name; i++)
		if (strlen(name[i]) == n && memcmp(name[i], s, n) == 0)
			return (enum unit)i;
	return UNIT_OTHER;
}
