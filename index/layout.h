/* SPDX-License-Identifier: Apache-2.0
 *
 * layout: numbers of the segment format that its builder and its reader share; index.5 draws them.
 */
#ifndef TT_INDEX_LAYOUT_H
#define TT_INDEX_LAYOUT_H

enum {
	SECT_META = 1,		/* u32 n_doc n_chunk n_term 0, u64 n_text n_head n_name */
	SECT_DOCS = 2,		/* [n_doc] of DOC_LEN */
	SECT_CHUNKS = 3,	/* [n_chunk] of CHUNK_LEN */
	SECT_HEAP = 4,		/* strings: varint length, bytes */
	SECT_TEXT = 5,		/* chunk texts, end to end */
	SECT_TERMS = 6,		/* sorted terms, front-coded, TERM_BLOCK to a block */
	SECT_TERM_AT = 7,	/* [n blocks + 1] { u64 offset in TERMS, u64 offset in POST } */
	SECT_POST = 8,		/* posting lists: for each term its chunks, then its names */
	SECT_LENS = 9,		/* [n_chunk] of struct segment_len */
};

#define META_LEN 40
#define DOC_LEN 48		/* u64 heap, u64 size, u64 mtime_ns, u32 first n_chunk n_word n_name, u64 0 */
#define CHUNK_LEN 88		/* id, u64 heap, u64 text, u64 b0 b1, u32 text_len doc seq n_tok l0 l1 flags 0 */
#define LEN_LEN 16		/* u32 doc, u32 words of text, u32 words of the heading path, u32 unit */
#define TERM_BLOCK 16
#define CHUNK_TRUNC 1u

#endif
