/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest: which files are the index. One small file, replaced whole (written aside, fsync, rename, fsync of the directory);
 * whoever reads it has one generation, and that generation's files never change.
 *
 *	manifest ─┬─ segment 3 (10,000 documents; 17 of them dead) ─┬─ vectors 4
 *	          │                                                 └─ vectors 9
 *	          └─ segment 7 (210 documents) ───────────────────── vectors 8
 *
 * Every file is named by its number, its length and its pin (section.h), so none can be taken for another.
 *
 *	"TTINDEX1", u64 generation, u64 next number, u32 dim, u32 n segments, string model,
 *	segment = u64 number pin len, u32 n_doc n_chunk n_dead n_layer, u32 dead[n_dead], layer[n_layer]
 *	layer   = u64 number pin len, u32 n_row, u32 0
 *	XXH3-128 of all that
 */
#ifndef TT_INDEX_MANIFEST_H
#define TT_INDEX_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define MANIFEST_MAX_MODEL 256

struct manifest_layer { uint64_t number, pin, len; uint32_t n_row; };

struct manifest_segment {
	uint64_t number, pin, len;
	uint32_t n_doc, n_chunk;
	uint32_t *dead;		/* [n_dead] document numbers, ascending but for what was killed since it was read; owned */
	size_t n_dead, cap_dead, n_layer;	/* cap_dead: room in `dead` */
	struct manifest_layer *layer;	/* owned */
};

struct manifest {
	uint64_t generation;	/* 0 = nothing was ever committed */
	uint64_t next;		/* number of the next file */
	uint32_t dim;		/* of the vectors; 0 = none yet */
	char model[MANIFEST_MAX_MODEL];	/* identity of the embedder; "" = none yet */
	struct manifest_segment *segment;
	size_t n_segment;
};

/* Reads `dir`/manifest. ERR_NOENT when there is no index. On error `m` is released. */
int manifest_read(struct manifest *m, const char *dir, struct err *e);
/* Writes it with the next generation. On error `m` is unchanged, and so is the manifest on disk. */
int manifest_write(struct manifest *m, const char *dir, struct err *e);
void manifest_release(struct manifest *m);

/* Parses bytes as manifest_read does; `name` is for messages. */
int manifest_parse(struct manifest *m, const void *p, size_t len, const char *name, struct err *e);
/* The file's bytes. Sorts the dead. */
int manifest_format(struct manifest *m, struct buf *out, struct err *e);

/* Appends an empty segment; NULL when memory is out. Pointers to segments do not survive it. */
struct manifest_segment *manifest_add(struct manifest *m);
/* Removes segment i. */
void manifest_drop(struct manifest *m, size_t i);
/* Marks a document dead; false when memory is out. */
bool manifest_kill(struct manifest_segment *s, uint32_t doc);
bool manifest_add_layer(struct manifest_segment *s, const struct manifest_layer *l);

/* Makes `out` "dir/<16 hex digits>.ext". */
int manifest_path(struct buf *out, const char *dir, uint64_t number, const char *ext, struct err *e);

#endif
