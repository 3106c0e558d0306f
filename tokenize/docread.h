/* SPDX-License-Identifier: Apache-2.0
 *
 * docread: one document from its path to messages: opened, recognised, converted if need be, split, and read again if it
 * changed meanwhile.
 */
#ifndef TT_TOKENIZE_DOCREAD_H
#define TT_TOKENIZE_DOCREAD_H

#include "lib/base/buf.h"
#include "tokenize/roots.h"
#include "tokenize/split_types.h"

/* A converter: files whose base name matches `pattern` (the whole path if it has a '/') are given to `command` (by sh -c,
 * the file as stdin and as $1), whose output is read as a document of type `type`. */
struct filter { const char *pattern, *command; enum doc_type type; };
/* "PATTERN=[TYPE:]COMMAND"; TYPE is text, markdown, html, man or code, text if missing. Borrows and changes `spec`. */
int filter_parse(struct filter *f, char *spec, struct err *e);

struct read_opts {
	const struct tok *tok;
	size_t limit;
	const char *mandoc;		/* program, or NULL: our own reading */
	const struct filter *filter;
	size_t n_filter;
	bool tomb;			/* a path that is gone becomes a tomb */
	bool note;			/* a file that is no text is an error and a document without chunks */
	struct roots roots;		/* where files may lie */
};

enum read_kind { READ_FILE, READ_ALIAS, READ_STDIN, READ_JSON };

struct read_job {
	enum read_kind kind;
	const char *path;		/* file; NAME for READ_STDIN; the file of a READ_JSON line */
	const char *doc;		/* identity; READ_JSON takes it from the line */
	const char *alias_of;		/* READ_ALIAS */
	const uint8_t *known;		/* READ_FILE: nothing is said if the file's bytes have this XXH3-128; NULL = any */
	const char *json;		/* READ_JSON: the line, and its number */
	size_t json_len;
	uint64_t line;
	/* Called when `out` has grown large: takes what is there (and empties it). Sets `drained` once it did. */
	void (*drain)(struct read_job *j);
	bool drained;
	struct buf out;
	void *arg;
};

/* Appends to j->out that the document could not be read. */
void doc_error(struct read_job *j, const struct err *e);
/* Appends the document's messages to j->out. Never fails: what goes wrong becomes a message or, without memory
 * for one, a failure of j->out. */
void doc_read(const struct read_opts *o, struct count *c, struct read_job *j);

#endif
