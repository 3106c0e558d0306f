/* SPDX-License-Identifier: Apache-2.0
 *
 * section: the container of every immutable file of an index: named sections, 64-byte aligned, each 64 KiB of the file with
 * its own checksum, so that a mapped file is checked where it is read and only there.
 *
 *	header (64)   magic "TTSECT1\n", u32 version, u32 kind, u64 number, zeros
 *	sections      each at a multiple of 64, zeros between
 *	toc           n x { u32 id, u32 0, u64 offset, u64 length }
 *	sums          one XXH3-64 for each 64 KiB of [0, toc offset)
 *	footer (64)   u64 toc offset, u64 file length, u32 n sections, u32 n sums, u64 XXH3-64 of toc and sums, zeros,
 *	              u64 XXH3-64 of the footer so far
 *
 * The footer's last word is the file's `pin`: who remembers it (the manifest does) can tell the file from any other.
 *
 *	section_open(&f, path, KIND, &e);  section_get(&f, ID, &v, &e);
 *	if (!section_check(&f, v.p + 100, 20, &e)) ... those 20 bytes are as they were written ...
 */
#ifndef TT_INDEX_SECTION_H
#define TT_INDEX_SECTION_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/io.h"

#define SECTION_ALIGN 64
#define SECTION_BLOCK 65536u
#define SECTION_MAX 32

/* ---- reading ---- */

struct section_view { const unsigned char *p; size_t len; };

struct section_toc { uint32_t id; struct section_view view; };

struct section_file {
	struct map map;
	char *path;
	uint64_t number, pin;
	size_t n_toc, toc_off, n_sum;
	struct section_toc toc[SECTION_MAX];
	const unsigned char *sums;	/* [n_sum] little-endian u64, unaligned */
	uint8_t *seen;			/* [n_sum], 1 = block was checked; not shared between threads */
};

/* Maps `path` and checks header, toc, sums and footer (not the sections). On error nothing is held. */
int section_open(struct section_file *f, const char *path, uint32_t kind, struct err *e);
void section_close(struct section_file *f);
/* The section's bytes, unchecked, borrowed until section_close. ERR_FORMAT when there is none. */
int section_get(const struct section_file *f, uint32_t id, struct section_view *v, struct err *e);
/* ERR_CHECKSUM if any block that p[0..n) touches changed since it was written. `p` points into a section; each block is
 * hashed once. */
int section_check(struct section_file *f, const void *p, size_t n, struct err *e);
/* section_check of the whole file. */
int section_verify(struct section_file *f, struct err *e);

/* ---- writing ---- */

struct section_writer {
	struct aside aside;
	struct buf block, sums, toc;
	uint64_t off;
	uint32_t n_toc;
};

/* Starts writing `path` aside. On error nothing is left. */
int section_create(struct section_writer *w, const char *path, uint32_t kind, uint64_t number, struct err *e);
/* Adds a section whole. */
int section_add(struct section_writer *w, uint32_t id, const void *p, size_t n, struct err *e);
/* Or in pieces: section_begin, then section_put any number of times. */
int section_begin(struct section_writer *w, uint32_t id, struct err *e);
int section_put(struct section_writer *w, const void *p, size_t n, struct err *e);
/* Writes toc, sums and footer, and puts the file in place, durably. `*pin` and `*len` describe the file. Releases the writer. */
int section_finish(struct section_writer *w, uint64_t *pin, uint64_t *len, struct err *e);
/* Removes what was written; harmless after section_finish and on a zeroed struct. */
void section_abort(struct section_writer *w);

#endif
