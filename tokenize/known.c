/* SPDX-License-Identifier: Apache-2.0
 *
 * known: the file is read whole and cut into strings in place; the lines are sorted by document and searched by halves.
 */
#include "tokenize/known.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"

#define KNOWN_MAX ((size_t)1 << 30)

static int by_doc(const void *a, const void *b)
{
	return strcmp(((const struct known_doc *)a)->doc, ((const struct known_doc *)b)->doc);
}

/* Undoes the escapes of tt-index, in place. */
static void unescape(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (s[0] == '\\' && s[1]) {
			s++;
			*to++ = *s == 't' ? '\t' : *s == 'n' ? '\n' : *s;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* 1: a document; 0: without a checksum; ERR_FORMAT. */
static int read_line(struct known_doc *d, char *line)
{
	char *field[3], *at = line;
	for (size_t i = 0; i < 3; i++) {
		at = strchr(at, '\t');
		if (!at)
			return ERR_FORMAT;
		*at++ = '\0';
		field[i] = at;
	}
	if (!hash_unhex(field[2], sizeof d->hash, d->hash))
		return 0;
	d->is_alias = strchr(field[2], '\t') != NULL;
	unescape(line);
	d->doc = line;
	return 1;
}

int known_open(struct known *k, const char *path, struct err *e)
{
	*k = (struct known){ 0 };
	size_t lines = 1, line = 0;
	int r = io_read_file(&k->text, path, KNOWN_MAX, e);
	for (size_t i = 0; r >= 0 && i < k->text.len; i++)
		lines += k->text.data[i] == '\n';
	if (r >= 0) {
		k->v = calloc(lines, sizeof *k->v);
		if (!k->v)
			r = err_memory(e);
	}
	for (char *at = k->text.data, *next; r >= 0 && at && *at; at = next) {
		line++;
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		r = read_line(&k->v[k->n], at);
		if (r < 0)
			err_set(e, r, ERR_NO_OFFSET, "'%s' line %zu: expected document, size, time and checksum", path, line);
		else
			k->n += r == 1;
	}
	if (r < 0) {
		known_close(k);
		return r;
	}
	qsort(k->v, k->n, sizeof *k->v, by_doc);
	return 0;
}

const struct known_doc *known_find(const struct known *k, const char *doc)
{
	struct known_doc key = { .doc = doc };
	return k->n ? bsearch(&key, k->v, k->n, sizeof *k->v, by_doc) : NULL;
}

void known_close(struct known *k)
{
	free(k->v);
	buf_release(&k->text);
	*k = (struct known){ 0 };
}
