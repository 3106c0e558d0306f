/* SPDX-License-Identifier: Apache-2.0
 *
 * writer: an index opened for change, by one process at a time.
 *
 *	documents, vectors ──> builder in memory ──commit──> segment file ──> manifest ──> (tiered merges) ──> manifest
 *
 * What was added or removed since the last commit exists in memory only; a commit makes all of it visible at once, or, when it
 * fails, none. Adding a document replaces the one of the same identity. Killed at any moment, the index is as its last commit
 * left it, and files that belong to no commit are removed by the next writer.
 */
#ifndef TT_INDEX_WRITER_H
#define TT_INDEX_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/gone.h"
#include "index/store.h"

struct writer;

/* Locks `dir` (waiting `wait_s` seconds), makes it if `create`, and sweeps what a killed writer left. */
int writer_open(struct writer **w, const char *dir, bool create, long wait_s, struct err *e);
/* Forgets what was not committed. */
void writer_close(struct writer *w);
/* The generation that was committed last. */
struct store *writer_store(struct writer *w);

/* Vectors that follow are of this embedder. ERR_CONF when the index has those of another. */
int writer_set_model(struct writer *w, const char *model, size_t n, struct err *e);
/* A document; its chunks follow. Strings are copied. */
int writer_doc(struct writer *w, const struct segment_doc *d, struct err *e);
/* code[dim] and scale: the chunk's vector, or NULL. ERR_CONF when dim is not the index's. */
int writer_chunk(struct writer *w, const struct segment_chunk *c, const int8_t *code, size_t dim, float scale, struct err *e);
/* Gives the committed chunks of that id the vector that they lack; a second one for them is passed over. *known is false when no such
 * chunk lacks one (its document changed). */
int writer_vector(struct writer *w, const uint8_t id[HASH_ID_LEN], const int8_t *code, size_t dim, float scale, bool *known,
	struct err *e);
/* *known is false when there is no such document. */
int writer_remove(struct writer *w, const char *doc, size_t n, bool *known, struct err *e);
/* Notes in `g` (borrowed) the chunks of committed documents that are removed or replaced, and the chunks that come, and prints those that
 * leave before each commit, which is not made where that fails. */
void writer_note(struct writer *w, struct gone *g);
/* True if there is anything to commit; bytes held for it. */
bool writer_dirty(const struct writer *w);
size_t writer_size(const struct writer *w);
/* A commit that is made, but cannot be opened again, stands: the message says so, and `w` can then only be closed. */
int writer_commit(struct writer *w, struct err *e);

/* Commits, then rewrites: MERGE_TIERED what the policy of merge.h asks for, MERGE_DEAD whatever holds a deleted document, MERGE_ALL
 * everything into one segment. */
enum writer_merge { MERGE_TIERED, MERGE_DEAD, MERGE_ALL };
int writer_merge(struct writer *w, enum writer_merge how, struct err *e);
/* Commits and merges remove the files that are no part of the index any more, if they can; this tells whether all are gone, for good.
 * ERR_IO names one that is not. */
int writer_sweep(struct writer *w, struct err *e);

#endif
