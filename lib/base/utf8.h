/* SPDX-License-Identifier: Apache-2.0
 *
 * utf8: decoding that never fails and never loses its place. An ill-formed sequence gives U+FFFD and consumes its
 * maximal ill-formed prefix (Unicode 15, section 3.9, "substitution of maximal subparts"), so offsets stay true.
 */
#ifndef TT_BASE_UTF8_H
#define TT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define UTF8_BAD 0xFFFDu

/* Decodes the code point at s[0..n), n >= 1. Returns bytes consumed (1..4); *cp is U+FFFD when ill-formed, and then
 * *ok (may be NULL) is false. Surrogates, overlong forms and values over U+10FFFF are ill-formed. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp, bool *ok);
/* Encodes cp (a scalar value) into out; returns 1..4. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* True if s[0..n) is well-formed throughout. *bad_at (may be NULL) gets the offset of the first fault. */
bool utf8_valid(const char *s, size_t n, size_t *bad_at);
/* Length of the byte order mark that some editors begin a text with: 3, or 0 if there is none. */
size_t utf8_bom(const char *s, size_t n);
/* The largest k <= n such that s[0..k) does not end inside a character that s[0..n) cuts off. */
size_t utf8_whole(const char *s, size_t n);
/* Moves an offset back (at most 3 bytes) so that it does not point into the middle of a character. */
size_t utf8_floor(const char *s, size_t n, size_t at);
/* True of what takes no room, so that text may hide in it, or a word be another than it seems: zero-width space, word joiner, invisible
 * operators, fillers, marks of annotation. The joiners that emoji and some scripts need (U+200C, U+200D) are not among them. */
bool utf8_is_unseen(uint32_t cp);
/* True of what turns the direction of writing. */
bool utf8_is_turning(uint32_t cp);
/* True of what a terminal must not get from foreign text: C0 but tab and line feed, DEL, C1, line ends beyond ASCII, tags, and these two. */
bool utf8_is_control(uint32_t cp);
/* Appends foreign text as a terminal may get it: such characters as \xNN or \u{NNNN}, ill-formed bytes as U+FFFD. Returns 0 or
 * ERR_MEM, which sticks to `b`. */
int utf8_visible(struct buf *b, const char *s, size_t n);
/* The same for a field of a line: line feeds and tabs become spaces. */
int utf8_visible_field(struct buf *b, const char *s, size_t n);

#endif
