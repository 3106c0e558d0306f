/* SPDX-License-Identifier: Apache-2.0
 *
 * pack: a model file arranged for this program: weights interleaved for the kernels (kern/w16.h), small tensors as float32, and
 * parts that higher layers add (tokenizer tables, hyperparameters, template number). Written once beside the cache, then mapped
 * and shared by every process through the page cache; opening costs no more than checking a small table.
 *
 *	header, 4096 bytes	"TT-PACK\n", layout version, model id, file length, table position and length, checksums of both
 *	sections		parts and vectors, then matrices, each on a 4096-byte boundary
 *	table			a line of 128 bytes a section: name, kind, type, n_row, n_col, position, length, checksum
 *
 * A vocabulary head in Q8_0 has a copy in Q5_0 beside it and a vector that says how wrong that can be (screen.h).
 *
 * A section's checksum is the XXH3 of the XXH3s of its pieces of 8 MiB, the pieces it was written in.
 *
 * The header is checked at every opening (table checksum, every offset inside the file, lengths as type and shape demand); the
 * sections' own checksums by pack_verify and when the pack has just been written.
 *
 *	struct pack *p;
 *	if (pack_get(&p, "model.gguf", &(struct pack_maker){ make_parts }, &e)) ...	// finds or makes the pack
 *	struct mat w;  pack_mat(p, "blk.0.attn_q.weight", &w);		// borrowed until pack_close
 */
#ifndef TT_MODEL_PACK_H
#define TT_MODEL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/kern/w16.h"

struct gguf;
struct pack;
struct pool;

#define PACK_LAYOUT 6	/* raised whenever a byte of a packed matrix, or how the file is written, changes */

#define PACK_SCREEN_COPY "screen.copy"
#define PACK_SCREEN_SLACK "screen.slack"

/* A named run of bytes that this module stores without looking inside. */
struct pack_part {
	const char *name;	/* at most 63 bytes */
	struct buf data;	/* owned by whoever holds the list */
};
struct pack_parts {
	struct pack_part part[16];
	size_t n;
};
/* A compact pack, for drafting: what a small model says then only proposes, so its weights may be rounded further. */
enum { PACK_THIN_ATT = 1, PACK_THIN_FF = 2, PACK_THIN_HEAD = 4 };
struct pack_thin {
	unsigned what;			/* the matrices that are rounded to Q4_0 if they have more bits: attention, feed-forward, head */
	uint32_t n_head;		/* rows of a separate vocabulary head (output.weight) that are kept, the first ones */
};
extern const struct pack_thin pack_thin_draft;	/* as tt-speculate wants it */
/* How to make a pack. Everything but `fill` may be NULL. */
struct pack_maker {
	/* Adds parts made from the model file; they are released by the caller, on errors too. */
	int (*fill)(struct pack_parts *parts, const struct gguf *g, void *arg, struct err *e);
	void *arg;
	struct pool *pool;		/* threads to arrange weights with */
	void (*progress)(void *arg, uint64_t done, uint64_t total);	/* bytes; called now and then */
	const struct pack_thin *thin;	/* NULL: the values are exactly the model's */
};

/* Identity of a model file: BLAKE2b-128 of its whole content. Cached by device, inode, size, mtime and ctime under the cache
 * directory, so that only the first use reads the file. */
int pack_model_id(const char *model_path, uint8_t id[HASH_ID_LEN], struct err *e);
/* Where the pack of a model id lives: $XDG_CACHE_HOME/tiny-titans/packs/<id>-<layout version>.pack */
int pack_path(struct buf *out, const uint8_t id[HASH_ID_LEN], struct err *e);

/* Writes the pack of `g` to `path`: aside, checked, renamed. */
int pack_write(const char *path, const struct gguf *g, const uint8_t id[HASH_ID_LEN], const struct pack_maker *mk, struct err *e);

/* Opens a pack. With `id`, it must be that model's (ERR_CONF). ERR_VERSION for another layout, ERR_CHECKSUM or ERR_FORMAT for a
 * damaged one. */
int pack_open(struct pack **p, const char *path, const uint8_t *id, struct err *e);
/* The model's pack, made first if it is missing or damaged; packs of older layouts are removed then. */
int pack_get(struct pack **p, const char *model_path, const struct pack_maker *mk, struct err *e);
void pack_close(struct pack *p);
/* Makes the pack's pages present at once (map_populate), for a process that is about to read all of it. */
void pack_populate(const struct pack *p);

const uint8_t *pack_id(const struct pack *p);	/* [HASH_ID_LEN] of the model */
/* Compares every section with its checksum. ERR_CHECKSUM names the first that differs. */
int pack_verify(const struct pack *p, struct err *e);

/* By tensor or part name; false if absent. Everything is borrowed until pack_close. */
bool pack_mat(const struct pack *p, const char *name, struct mat *m);
bool pack_vec(const struct pack *p, const char *name, const float **v, size_t *n);	/* tensors of one dimension, as float32 */
bool pack_part(const struct pack *p, const char *name, const void **data, size_t *n);

/* The sections in order of their names, for listings. */
enum pack_kind { PACK_PART = 1, PACK_VEC = 2, PACK_MAT = 3 };
struct pack_sect {
	const char *name;
	enum pack_kind kind;
	enum quant_type type;
	uint32_t n_row, n_col;
	uint64_t at, len, sum;
};
size_t pack_n_sect(const struct pack *p);
const struct pack_sect *pack_sect(const struct pack *p, size_t i);

#endif
