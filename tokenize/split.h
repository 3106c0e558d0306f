/* SPDX-License-Identifier: Apache-2.0
 *
 * split: the chunker's heart. A reader of one document type (split_plain, split_markdown, split_code, split_html,
 * split_man) says what it sees - a heading, an option's entry, a paragraph, text with its place in the source - and split
 * makes chunks of it that fit the embedder, and hands each to a callback.
 *
 *	heading 1 "OPTIONS"                   sec = [OPTIONS]
 *	  entry "-x, --extract"               sec = [OPTIONS, "-x, --extract"]     unit option
 *	    paragraph  paragraph  code          one chunk if it fits, else several; an entry never shares a chunk
 *	  entry end
 *	  paragraph  paragraph                neighbours merged up to the limit    unit section (all of it) or para
 *
 * Long runs are cut at paragraphs, then at sentences (the last sentence is repeated in the next chunk), then between lines,
 * then at words, then between graphemes. Every byte given to split_text comes out in at least one chunk.
 *
 * The text of a chunk is what is shown and embedded; its span says which bytes and lines of the source it came from.
 * Lines of one splitter may be many gigabytes long: what is held is bounded (32 KiB and what one entry holds).
 * Errors stick: after the first failure (memory, or the callback's) every call is harmless and split_close returns it.
 */
#ifndef TT_TOKENIZE_SPLIT_H
#define TT_TOKENIZE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/unit.h"
#include "tokenize/count.h"

/* Where text stands in the source: bytes [b0, b1), lines l0..l1 counted from 1, inclusive. */
struct place { uint64_t b0, b1, l0, l1; };

#define SPLIT_MAX_SEC 8			/* depth of the heading path */
#define SPLIT_MAX_ENTRY 4		/* depth of entries within entries */

/* What a reader should know about text that looks like one thing and is another. Bits of split_chunk.hidden. */
enum { HIDDEN_BIDI = 1, HIDDEN_ZERO_WIDTH = 2, HIDDEN_TAG = 4, HIDDEN_CONTROL = 8 };

struct split_chunk {
	const char *title;		/* NUL-terminated, shortened to its share of the limit */
	const char *sec[SPLIT_MAX_SEC + SPLIT_MAX_ENTRY];
	size_t n_sec;
	enum unit unit;
	struct place at;
	const char *text;
	size_t len;
	size_t n_tok;			/* title, sec and text with [CLS] and [SEP], as tt-embed composes them */
	bool trunc;			/* title or a heading was shortened to leave room */
	unsigned hidden;
};
/* Everything in `c` is borrowed for the call. A negative ERR_* stops the splitting. */
typedef int (*split_fn)(void *arg, const struct split_chunk *c, struct err *e);

enum block { BLOCK_PARA, BLOCK_ITEM, BLOCK_CODE, BLOCK_TABLE };

struct split;

/* `limit`: tokens a chunk may have, [CLS] and [SEP] included; at least 32. NULL when memory is out. */
struct split *split_new(struct count *count, size_t limit, split_fn emit, void *arg);
void split_free(struct split *s);

/* The document's title; call before the first text that should carry it. */
void split_title(struct split *s, const char *title, size_t n);
/* Begins a section: level 1 is the outermost. Ends every entry that is open. `first` names the unit of its chunks:
 * UNIT_NAME for a manual page's NAME section, else UNIT_SECTION. A heading without text becomes a chunk by itself. */
void split_heading(struct split *s, int level, const char *text, size_t n, struct place at, enum unit first);
/* Opens and closes an entry; its head is text that is added between begin and end of the head. */
void split_entry_begin(struct split *s);
void split_entry_head_end(struct split *s);
void split_entry_end(struct split *s);
/* The next text starts a new block. Empty blocks vanish. */
void split_block(struct split *s, enum block kind);
/* The one line that the open block has is the head of a table: where that is cut, the head is the last of the path in the chunks
 * behind the first. Nothing if there are more lines, or within an entry. */
void split_table_head(struct split *s);
/* Text that stands in the source byte for byte (ill-formed UTF-8 and NUL become U+FFFD), on line `line` from byte `off`; it
 * may contain line feeds, each of which ends a line. */
void split_text(struct split *s, const char *p, size_t n, uint64_t off, uint64_t line);
/* Text that was made from source text standing at `at`. */
void split_made(struct split *s, const char *p, size_t n, struct place at);
/* Bytes of text in the open block so far (readers use it to decide on separators), and its last byte (0 if none). */
size_t split_block_len(const struct split *s);
char split_block_last(const struct split *s);
/* Passes on what is held, returns the first error. The splitter may then only be freed. */
int split_close(struct split *s, struct err *e);

/* ---- places to cut (split_cut.c) ---- */

/* Length of the first sentence of s[0..n): up to and including its closing white space; n if there is only one. */
size_t cut_sentence(const char *s, size_t n);
/* The largest k in (0, n] such that s[0..k) ends between graphemes and k <= max; a cluster longer than `max` is cut between
 * code points. n >= 1, max >= 4. */
size_t cut_grapheme(const char *s, size_t n, size_t max);
/* HIDDEN_* bits of s[0..n). */
unsigned cut_hidden(const char *s, size_t n);

#endif
