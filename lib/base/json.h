/* SPDX-License-Identifier: Apache-2.0
 *
 * json: JSON text that somebody else wrote. jansson builds about 50 bytes of memory for each value, so nesting and values are counted
 * before it begins.
 */
#ifndef TT_BASE_JSON_H
#define TT_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct json_limits {
	int depth;		/* brackets open at a time */
	size_t n_value;		/* commas, colons and opening brackets, outside strings */
};

/* The value that the n bytes at s (may be NULL if n is 0) are; NULL with ERR_LIMIT, ERR_MEM, or ERR_FORMAT if they are no JSON or a
 * key occurs twice in an object. `flags` are jansson's, added to its JSON_REJECT_DUPLICATES. Offsets in errors count from s.
 * Caller: json_decref. */
json_t *json_text(const char *s, size_t n, size_t flags, const struct json_limits *most, struct err *e);

/* The same for the file at `path`, of at most `max` bytes: 0 and *v, NULL if there is no such file; or as above, ERR_PERM, ERR_IO.
 * The message names the file. */
int json_file(json_t **v, const char *path, size_t max, const struct json_limits *most, struct err *e);

/* True if jansson has lacked memory in this thread, and a value that was made or set since the start may be missing. */
bool json_lacked_memory(void);

#endif
