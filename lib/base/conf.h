/* SPDX-License-Identifier: Apache-2.0
 *
 * conf: YAML files of a known schema: the configuration (tiny-titans.yaml(5)) and the catalogue of models.
 *
 * YAML is a large language, of which a small part is read: maps, lists and scalars, in one document within the
 * bounds of CONF_MAX_*. Aliases, anchors, tags, merge keys and directives are refused. The schema decides what a scalar is, so `no`
 * is a word where a word is due and an error where true or false is. Keys that are unknown or given twice are refused,
 * with the line, the file and the nearest known key.
 *
 * What is read becomes a flat list of paths and values, in the order of the file:
 *
 *	corpora:				corpora			(a list, 1 item)
 *	  - name: man				corpora[0]
 *	    paths: [/usr/share/man]		corpora[0].name		man
 *	    filters: {"*.pdf": pdftotext}	corpora[0].paths	(a list, 1 item)
 *						corpora[0].paths[0]	/usr/share/man
 *						corpora[0].filters{*.pdf}	pdftotext
 *
 *	struct conf c = {0};
 *	if (conf_load(&c, path, conf_schema, &e)) ...
 *	for (size_t i = 0; i < conf_count(&c, "corpora"); i++)
 *		puts(conf_get(&c, "corpora[%zu].name", i));
 *	conf_release(&c);
 */
#ifndef TT_BASE_CONF_H
#define TT_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define CONF_MAX_BYTES 65536
#define CONF_MAX_DEPTH 32
#define CONF_MAX_VALUES 4096	/* maps, lists and scalars */

enum conf_type {
	CONF_MAP, CONF_LIST,
	CONF_STR,	/* text without control characters, not empty */
	CONF_WORD,	/* letters, digits, '.', '_', '-', not beginning with '-' or '.' */
	CONF_PATH,	/* absolute, or beginning with "~/"; no ".." in it */
	CONF_FILE,	/* relative, without ".." : a place inside a directory of ours */
	CONF_INT,	/* decimal, min..max */
	CONF_SIZE,	/* bytes; K, M, G, T for powers of 1024 */
	CONF_BOOL,	/* true or false */
	CONF_SHA256,	/* 64 hexadecimal digits */
	CONF_URL,	/* https:// */
};

/* A place in the schema: "a.b" a key of a map, "a[]" an item of a list, "a{}" any key. Ends with path NULL. */
struct conf_key {
	const char *path;
	enum conf_type type;
	long min, max;		/* CONF_INT */
	bool required;		/* in every map where it may stand */
};
struct conf_entry {
	const char *path, *value;	/* value NULL for maps and lists */
	size_t count;			/* items of a list or keys of a map */
	unsigned line;
};
struct conf {
	struct arena arena;
	struct conf_entry *entry;	/* entry[n] */
	size_t n;
};

extern const struct conf_key conf_schema[];		/* tiny-titans.yaml */
extern const struct conf_key conf_models_schema[];	/* models.yaml */

/* Reads text[0..n); `name` is for messages. On error (ERR_CONF, ERR_MEM) `c` is empty. */
int conf_parse(struct conf *c, const char *text, size_t n, const char *name, const struct conf_key *schema, struct err *e);
/* Reads a file; ERR_PERM if it may not be read, or it or its folder belongs to another or may be written by others, ERR_NOENT, ERR_IO. */
int conf_load(struct conf *c, const char *path, const struct conf_key *schema, struct err *e);
void conf_release(struct conf *c);

/* Where the configuration is: $TT_CONFIG, $XDG_CONFIG_HOME/tiny-titans/tiny-titans.yaml (~/.config without it),
 * /etc/tiny-titans/tiny-titans.yaml. ERR_NOENT when there is none. `tt_config` is the variable's value, or NULL. */
int conf_find(struct buf *out, const char *tt_config, struct err *e);
/* conf_load of the configuration, and what a schema cannot say: names of corpora are unique, and none is that of a file beside the index
 * of another. */
int conf_open(struct conf *c, const char *path, struct err *e);

/* The value at a path; NULL if it is absent, a list or a map. Borrowed until conf_release. */
const char *conf_get(const struct conf *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The number of items of the list or map at a path; 0 if absent. */
size_t conf_count(const struct conf *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
