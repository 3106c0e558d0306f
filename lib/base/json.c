/* SPDX-License-Identifier: Apache-2.0
 *
 * json: bounds, then jansson. See json.h.
 */
#include "lib/base/json.h"

#include <stdbool.h>

/* Brackets inside strings do not count; a string's end is found by its quotes. */
static int check_limits(const char *s, size_t n, const struct json_limits *most, struct err *e)
{
	bool in_string = false;
	int depth = 0;
	size_t n_value = 0;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		in_string = c == '"';
		n_value += c == ',' || c == ':' || c == '[' || c == '{';
		depth += c == '[' || c == '{';
		depth -= c == ']' || c == '}';
		if (depth > most->depth)
			return err_set(e, ERR_LIMIT, i, "nested more than %d deep", most->depth);
		if (n_value > most->n_value)
			return err_set(e, ERR_LIMIT, i, "more than %zu values", most->n_value);
	}
	return 0;
}

json_t *json_text(const char *s, size_t n, size_t flags, const struct json_limits *most, struct err *e)
{
	json_error_t je;
	if (check_limits(s, n, most, e))
		return NULL;
	json_t *v = json_loadb(s ? s : "", n, JSON_REJECT_DUPLICATES | flags, &je);
	if (!v)
		err_set(e, ERR_FORMAT, je.position > 0 ? (uint64_t)je.position : 0, "bad JSON: %s", je.text);
	return v;
}
