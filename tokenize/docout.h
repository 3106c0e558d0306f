/* SPDX-License-Identifier: Apache-2.0
 *
 * docout: messages to records: `doc` and `chunk`, `error`, `tomb`, and a `stat` at the end. Knows which manual pages were
 * already written under another name; of those only a `doc` with meta.alias_of is written.
 */
#ifndef TT_TOKENIZE_DOCOUT_H
#define TT_TOKENIZE_DOCOUT_H

#include "lib/base/rec.h"

struct docout;

struct docout_count { uint64_t n_doc, n_chunk, n_tok, n_alias, n_tomb, n_error, n_skipped; };

/* Borrows `w`. */
struct docout *docout_new(struct rec_writer *w);
void docout_free(struct docout *o);
/* The next messages belong to a document with these aliases (may be NULL; borrowed until the next call). */
void docout_begin(struct docout *o, const char *aliases);
/* Writes the messages in b[0..n). *last (may be NULL) gets the code of an error message, if there was one. */
int docout_put(struct docout *o, const char *b, size_t n, int *last, struct err *e);
struct docout_count *docout_counts(struct docout *o);
int docout_stat(struct docout *o, struct err *e);

#endif
