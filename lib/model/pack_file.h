/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_file: the bytes of a pack, for its reader (pack.c) and its writer (pack_write.c). Little-endian.
 *
 *	header	0 magic[8] | 8 layout:u32 | 12 n_sect:u32 | 16 id[16] | 32 file_len:u64 | 40 table_at:u64 | 48 table_sum:u64
 *		56 header_sum:u64 = XXH3 of bytes [0, 56) | zeros up to 4096
 *	line	0 name[64], NUL-filled | 64 kind:u32 | 68 type:u32 | 72 n_row:u32 | 76 n_col:u32 | 80 at:u64 | 88 len:u64
 *		96 sum:u64 | zeros up to 128. Lines ascend strictly by name.
 */
#ifndef TT_MODEL_PACK_FILE_H
#define TT_MODEL_PACK_FILE_H

#include <stddef.h>
#include <stdint.h>

#define PACK_MAGIC "TT-PACK\n"
#define PACK_ALIGN 4096u
#define PACK_HEADER 4096u
#define PACK_LINE 128u
#define PACK_NAME 64u
#define PACK_PIECE (8u << 20)		/* bytes written at once, and checksummed */
#define PACK_MAX_SECT 65536u

/* Checksum of a section up to and with this piece, h = XXH3(h, XXH3(piece)), where `h` is that of the pieces before, 0 for none. */
uint64_t pack_sum(uint64_t h, const void *piece, size_t len);

#endif
