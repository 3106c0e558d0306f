/* SPDX-License-Identifier: Apache-2.0
 *
 * json: bounds, then jansson. See json.h.
 */
#include "lib/base/json.h"

#include <stdlib.h>

#include "lib/base/io.h"

#define VALUE_LEN 150u	/* what a comma, colon or bracket stands for costs at most: an empty object is 300 bytes, and one and its comma two */

/* Brackets inside strings do not count; a string's end is found by its quotes. */
static int check_limits(const char *s, size_t n, const struct json_limits *most, size_t *values, struct err *e)
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
	*values = n_value;
	return 0;
}

/* What memory jansson did not get in this thread: it calls the text bad, or leaves a character or a value out. */
static _Thread_local size_t n_lacked;

static void *take(size_t n)
{
	void *p = malloc(n);
	n_lacked += !p;
	return p;
}

__attribute__((constructor)) static void count_lacks(void)
{
	json_set_alloc_funcs(take, free);
}

bool json_lacked_memory(void)
{
	return n_lacked > 0;
}

/* jansson 2.14 goes on where the buffer of a string cannot grow, and writes beyond another. So there must be room for all that it may
 * need: the text three times (a buffer that doubles, and the string) and its values. */
static bool has_room(size_t n, size_t n_value)
{
	void *volatile p = take(3 * n + VALUE_LEN * n_value + 4096);	/* volatile, or it is optimized away */
	bool ok = p != NULL;
	free(p);
	return ok;
}

json_t *json_text(const char *s, size_t n, size_t flags, const struct json_limits *most, struct err *e)
{
	json_error_t je = { .text = "" };
	size_t n_value = 0, before = n_lacked;
	if (check_limits(s, n, most, &n_value, e))
		return NULL;
	json_t *v = has_room(n, n_value) ? json_loadb(s ? s : "", n, JSON_REJECT_DUPLICATES | flags, &je) : NULL;
	if (n_lacked > before) {
		err_memory(e);
		json_decref(v);
		v = NULL;
	} else if (!v) {
		err_set(e, ERR_FORMAT, je.position > 0 ? (uint64_t)je.position : 0, "bad JSON: %s", je.text);
	}
	return v;
}

int json_file(json_t **v, const char *path, size_t max, const struct json_limits *most, struct err *e)
{
	struct buf text = {0};
	int r = io_read_file(&text, path, max, e);
	*v = r ? NULL : json_text(text.data, text.len, 0, most, e);
	if (!r && !*v)
		r = err_wrap(e, "'%s'", path);
	buf_release(&text);
	return r == ERR_NOENT ? 0 : r;
}
