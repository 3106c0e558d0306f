/* SPDX-License-Identifier: Apache-2.0
 *
 * segment: an immutable piece of an index: some documents, their chunks, and the terms that lead to them. One file,
 * NNNNNNNNNNNNNNNN.seg; vectors lie in files of their own (vectors.h), deletions in the manifest (manifest.h).
 *
 * Documents and chunks are numbered from 0 in the order in which they came; a document's chunks are consecutive.
 * A builder gathers them in memory and writes the file at once; the same documents always give the same bytes.
 * A reader maps the file, checks what it touches, and may be used by one thread at a time.
 */
#ifndef TT_INDEX_SEGMENT_H
#define TT_INDEX_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/section.h"
#include "lib/base/hash.h"
#include "lib/base/rec.h"
#include "lib/base/unit.h"

#define SEGMENT_KIND 1u
#define SEGMENT_MAX_SEC 32	/* headings of a path that are kept */
#define SEGMENT_MAX_META 64	/* pairs of `meta` that are kept */

/* Bytes, not NUL-terminated. */
struct str { const char *s; size_t n; };

struct segment_doc {
	struct str doc, name, title, type;	/* records.5 */
	struct str path, sum;			/* src.path, src.xxh3 */
	struct str alias;			/* meta.alias_of: the document that this is only another name of */
	uint64_t size, mtime_ns;		/* src.size, src.mtime_ns */
	/* set by the reader, ignored by the builder: */
	uint32_t first, n_chunk;		/* its chunks */
	uint32_t n_word, n_name;		/* length in words: of all chunks, of name and title */
};

struct segment_chunk {
	uint8_t id[HASH_ID_LEN];
	uint32_t seq, n_tok, doc;		/* doc: number in the segment, set by the reader */
	bool trunc;
	uint64_t b0, b1;			/* span: bytes, half-open; lines */
	uint32_t l0, l1;
	struct str text, unit;
	size_t n_sec, n_meta;
	struct str sec[SEGMENT_MAX_SEC];
	struct { struct str key, value; } meta[SEGMENT_MAX_META];
};

/* What lengths are measured against. */
struct segment_stat {
	uint32_t n_doc, n_chunk, n_term;
	uint64_t n_text, n_head, n_name;	/* words in all texts, heading paths, names with titles */
};

/* ---- building ---- */

struct builder;
int builder_new(struct builder **b, struct err *e);
void builder_free(struct builder *b);
/* Copies the document; chunks that follow are its own. *i_doc gets its number. Error: ERR_MEM, ERR_LIMIT. */
int builder_doc(struct builder *b, const struct segment_doc *d, uint32_t *i_doc, struct err *e);
/* *i_chunk (may be NULL) gets its number. */
int builder_chunk(struct builder *b, const struct segment_chunk *c, uint32_t *i_chunk, struct err *e);
struct segment_stat builder_stat(const struct builder *b);
/* The id of chunk i; returns the number of its document. */
uint32_t builder_get_id(const struct builder *b, uint32_t i, uint8_t id[HASH_ID_LEN]);
/* Bytes held, about. */
size_t builder_size(const struct builder *b);
/* Writes the segment durably. The builder can't be added to afterwards. */
int builder_write(struct builder *b, const char *path, uint64_t number, uint64_t *pin, uint64_t *len, struct err *e);

/* ---- reading ---- */

struct segment {
	struct section_file file;
	struct segment_stat stat;
	struct section_view docs, chunks, heap, text, terms, term_at, post, lens;
	bool lens_checked;
};
/* Maps the file: section_open, and whether its sections have the lengths that its counts ask for (ERR_FORMAT). On error nothing is held. */
int segment_open(struct segment *s, const char *path, struct err *e);
void segment_close(struct segment *s);
/* Borrowed until segment_close. ERR_CHECKSUM or ERR_FORMAT when the bytes are not what was written. */
int segment_get_doc(struct segment *s, uint32_t i, struct segment_doc *d, struct err *e);
int segment_get_chunk(struct segment *s, uint32_t i, struct segment_chunk *c, struct err *e);
/* The same without the text, which is neither read nor checked. */
int segment_get_head(struct segment *s, uint32_t i, struct segment_chunk *c, struct err *e);
/* Only a document's lengths: words of all chunks, words of name and title. */
int segment_get_doc_len(struct segment *s, uint32_t i, uint32_t *n_word, uint32_t *n_name, struct err *e);
/* Only a chunk's id. */
int segment_get_id(struct segment *s, uint32_t i, uint8_t id[HASH_ID_LEN], struct err *e);
/* What ranking needs of every chunk: len[n_chunk], checked; every doc is < n_doc. */
struct segment_len {
	uint32_t doc;
	uint32_t n_text, n_head;	/* words of the text, of the heading path */
	uint32_t unit;			/* enum unit */
};
int segment_get_lens(struct segment *s, const struct segment_len **len, struct err *e);
/* Puts `sec`, and `meta` where there is any, into the record that `w` has begun. */
void segment_put_sec(const struct segment_chunk *c, struct rec_writer *w);
void segment_put_meta(const struct segment_chunk *c, struct rec_writer *w);

/* Prefix of the term that stands for a whole name of a document ("\x01" "git-commit"). */
#define SEGMENT_NAME_MARK '\x01'
/* Term that stands for a document's identity: the mark and 16 hex digits of its XXH3. Writes it to t[17]. */
#define SEGMENT_DOC_MARK '\x02'
#define SEGMENT_DOC_TERM 17
void segment_doc_term(const char *doc, size_t n, char t[SEGMENT_DOC_TERM]);

struct segment_term {
	uint32_t n_chunk, n_doc, n_name;	/* chunks, documents, and names that have it */
	struct str chunks, names;		/* posting lists: of chunks; of documents by name and title */
};
/* 1 found, 0 not, <0 ERR_*. */
int segment_find(struct segment *s, const char *t, size_t n, struct segment_term *out, struct err *e);
/* Every byte of the file against its checksum, and every structure against its bounds. */
int segment_verify(struct segment *s, struct err *e);

#endif
