/* SPDX-License-Identifier: Apache-2.0
 *
 * src: a source document, read safely and as it is on disk: opened without blocking and only if it is a regular file,
 * hashed, decompressed if it is gzip (with a bounded ratio), and watched for change while it was read. It is read with
 * read(), never mapped: a file cut short by its writer must not kill the reader.
 *
 *	struct src s;  src_open(&s, path, true, &e);	// the file's bytes are hashed; small files are held from here on
 *	while ((n = src_read(&s, p, cap, &e)) > 0) ...	// decompressed bytes
 *	if (src_changed(&s, true)) ...		// what was read may be a mix of old and new
 *	src_rewind(&s, &e);  src_close(&s);
 */
#ifndef TT_TOKENIZE_SRC_H
#define TT_TOKENIZE_SRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define SRC_HELD (8u << 20)	/* files up to this size are read once and held */

struct src {
	const char *name;	/* for messages; borrowed */
	int fd;			/* -1: memory only */
	struct stat st;
	uint8_t hash[16];	/* XXH3-128 of the file's bytes as they are on disk */
	bool gz;
	struct buf raw;		/* the file, if it is held */
	bool held;
	struct src_gz *z;
	uint64_t raw_at, raw_len, out_len;
	bool mixed;		/* bytes seen don't agree with the first reading */
	bool binary;		/* opened as text, it holds a NUL byte; `hash` is of the bytes as far as that one, or further */
};

/* With `text`, a file that isn't compressed is read no further than its first NUL byte. ERR_NOENT: not there;
 * ERR_PERM; ERR_UNSUPPORTED: no regular file; ERR_IO; ERR_MEM. On error nothing is held. */
int src_open(struct src *s, const char *path, bool text, struct err *e);
/* The same for a descriptor that can be read from its start (takes it, on error too), or for bytes in memory (copied). */
int src_open_fd(struct src *s, int fd, const char *name, bool text, struct err *e);
int src_open_mem(struct src *s, const void *p, size_t n, const char *name, struct err *e);
/* Up to n decompressed bytes; 0 at the end; <0 ERR_*. */
long src_read(struct src *s, char *p, size_t n, struct err *e);
int src_rewind(struct src *s, struct err *e);
/* All of it, which must be text (ERR_UNSUPPORTED at a NUL byte); ERR_LIMIT over `max` bytes. */
int src_slurp(struct src *s, struct buf *b, size_t max, struct err *e);
/* True if the file is not what was hashed. `to_end`: it was read to its end, so all that was hashed must have come. */
bool src_changed(struct src *s, bool to_end);
void src_close(struct src *s);

/* ---- lines ---- */

/* A line, or a part of one that is over 64 KiB. Line ends are LF, CRLF and CR. */
struct line {
	const char *p;
	size_t n;		/* without its end */
	size_t end;		/* bytes of the line end: 0, 1, 2; one LF stands at p[n] */
	bool lf;		/* the end is a single LF */
	bool first;		/* the line begins here */
	uint64_t off, line;	/* byte offset; number from 1 */
};
struct lines {
	struct src *src;
	char *buf;
	size_t from, to, cap;
	uint64_t off, line;
	uint64_t no_lf;		/* no LF from `off` to here: where CR ends lines, none is looked for twice */
	bool eof, mid, bom;
	struct err err;
};
/* Borrows `src`, which must be at its start. A byte-order mark is skipped (offsets count it). A NUL byte is ERR_UNSUPPORTED. */
int lines_open(struct lines *l, struct src *src, struct err *e);
/* Borrowed until the next call. False at the end or on error (l->err). */
bool lines_next(struct lines *l, struct line *out);
/* 0, or the error that ended the lines. */
int lines_close(struct lines *l, struct err *e);
bool line_is_blank(const struct line *l);

#endif
