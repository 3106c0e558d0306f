/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_scan: a loop over msgpack tokens with a stack of open containers, at most REC_MAX_DEPTH deep:
 *
 *	 83 a4 kind a5 chunk a3 seq 07 a3 sec 92 a1 A a1 B
 *	 |  key     value    key    v   key   |  str  str		frame 0: map, 6 values left, then 5, ...
 *	 map of 3 pairs                       array of 2		frame 1: array, 2 values left, ...
 *
 * A token is taken whole or not at all, which makes resuming trivial. Every length is compared with the bytes that may
 * still come (REC_MAX_BYTES) before it is added to anything. Keys of a map are told apart by a 32-bit hash first, so
 * that a record full of 256-key maps costs no more than its bytes deserve. Format: msgpack specification, 2013 version.
 */
#include "lib/base/rec_scan.h"

#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/utf8.h"

enum token_class { TOK_SCALAR, TOK_STR, TOK_BYTES, TOK_ARRAY, TOK_MAP, TOK_BAD };
struct token {
	enum token_class class;
	unsigned head;		/* bytes before the payload, type byte of an ext included */
	uint32_t len;		/* payload bytes, or elements of an array, or pairs of a map */
};

void rec_scan_reset(struct rec_scan *s)
{
	s->at = s->need = 0;
	s->n_node = 0;
	s->depth = 0;
}

/* A token's class, the width of its length field (0: the length is `len`), and what else its first byte says. */
static struct token first_byte(uint8_t c, unsigned *width)
{
	static const uint8_t scalar_head[] = {	/* ca..d3: floats, unsigned, signed */
		5, 9, 2, 3, 5, 9, 2, 3, 5, 9,
	};
	*width = 0;
	if (c < 0x80 || c >= 0xE0 || c == 0xC0 || c == 0xC2 || c == 0xC3)
		return (struct token){ TOK_SCALAR, 1, 0 };
	if (c < 0x90)
		return (struct token){ TOK_MAP, 1, c & 15u };
	if (c < 0xA0)
		return (struct token){ TOK_ARRAY, 1, c & 15u };
	if (c < 0xC0)
		return (struct token){ TOK_STR, 1, c & 31u };
	if (c == 0xC1)
		return (struct token){ TOK_BAD, 1, 0 };
	if (c >= 0xCA && c <= 0xD3)
		return (struct token){ TOK_SCALAR, scalar_head[c - 0xCA], 0 };
	if (c >= 0xD4 && c <= 0xD8)
		return (struct token){ TOK_BYTES, 2, 1u << (c - 0xD4) };
	switch (c) {
	case 0xC4: case 0xC5: case 0xC6:
		*width = 1u << (c - 0xC4);
		return (struct token){ TOK_BYTES, 1 + *width, 0 };
	case 0xC7: case 0xC8: case 0xC9:
		*width = 1u << (c - 0xC7);
		return (struct token){ TOK_BYTES, 2 + *width, 0 };
	case 0xD9: case 0xDA: case 0xDB:
		*width = 1u << (c - 0xD9);
		return (struct token){ TOK_STR, 1 + *width, 0 };
	case 0xDC: case 0xDD:
		*width = 2u << (c - 0xDC);
		return (struct token){ TOK_ARRAY, 1 + *width, 0 };
	default:
		*width = 2u << (c - 0xDE);
		return (struct token){ TOK_MAP, 1 + *width, 0 };
	}
}

/* Reads the token's head at p[0..n): false when it is not all there (t->head then says how much it is). */
static bool read_head(const uint8_t *p, size_t n, struct token *t)
{
	unsigned width;
	*t = first_byte(p[0], &width);
	if (n < t->head)
		return false;
	for (unsigned i = 0; i < width; i++)
		t->len = t->len << 8 | p[1 + i];
	return true;
}

/* Checks a key at p[at..at+len) against those the innermost map already has, and adds it. */
static int add_key(struct rec_scan *s, const uint8_t *p, size_t at, uint32_t len, struct err *e)
{
	struct rec_scan_frame *f = &s->frame[s->depth - 1];
	struct rec_scan_key *key = s->key[s->depth - 1];
	uint32_t hash = (uint32_t)hash_xxh64(p + at, len);
	if (memchr(p + at, 0, len))
		return err_set(e, ERR_FORMAT, at, "a key holds a NUL byte");
	for (unsigned i = 0; i < f->n_key; i++)
		if (key[i].hash == hash && key[i].len == len && memcmp(p + key[i].at, p + at, len) == 0)
			return err_set(e, ERR_FORMAT, at, "duplicate key '%.*s'", len < 64 ? (int)len : 64,
				       (const char *)p + at);
	key[f->n_key++] = (struct rec_scan_key){ (uint32_t)at, len, hash };
	return 0;
}

/* Opens the container that token `t` announces. */
static int open_container(struct rec_scan *s, const struct token *t, struct err *e)
{
	bool is_map = t->class == TOK_MAP;
	if (is_map && t->len > REC_MAX_KEYS)
		return err_set(e, ERR_LIMIT, s->at, "a map claims %u keys, at most %d are allowed", t->len, REC_MAX_KEYS);
	if (t->len > REC_MAX_BYTES - s->at || t->len > REC_MAX_NODES - s->n_node)
		return err_set(e, ERR_LIMIT, s->at, "an array claims %u values, more than a record may hold", t->len);
	if (s->depth == REC_MAX_DEPTH)
		return err_set(e, ERR_LIMIT, s->at, "nested more than %d deep", REC_MAX_DEPTH);
	s->frame[s->depth++] = (struct rec_scan_frame){ .left = is_map ? 2 * t->len : t->len, .is_map = is_map };
	return 0;
}

/* What must be true of a token before its payload is looked at. */
static int check_place(const struct rec_scan *s, const struct token *t, bool is_key, struct err *e)
{
	if (t->class == TOK_BAD)
		return err_set(e, ERR_FORMAT, s->at, "byte c1 is not msgpack");
	if (s->depth == 0 && (t->class != TOK_MAP || t->len == 0))
		return err_set(e, ERR_FORMAT, s->at, "not a record: a map with keys is expected");
	if (is_key && t->class != TOK_STR)
		return err_set(e, ERR_FORMAT, s->at, "a map key is not a string");
	return 0;
}

/* Takes the token that is wholly there: payload checks, nesting, position. */
static int take(struct rec_scan *s, const uint8_t *p, const struct token *t, bool is_key, struct err *e)
{
	size_t body = s->at + t->head, bad;
	int r = 0;
	if (t->class == TOK_STR && !utf8_valid((const char *)p + body, t->len, &bad))
		return err_set(e, ERR_FORMAT, body + bad, "a string is not valid UTF-8");
	if (is_key)
		r = add_key(s, p, body, t->len, e);
	if (s->n_node++ == REC_MAX_NODES)
		r = err_set(e, ERR_LIMIT, s->at, "more than %u values in a record", REC_MAX_NODES);
	if (s->depth)
		s->frame[s->depth - 1].left--;
	bool opens = t->class == TOK_MAP || t->class == TOK_ARRAY;
	if (!r && opens)
		r = open_container(s, t, e);
	s->at = body + (opens ? 0 : t->len);
	while (s->depth && s->frame[s->depth - 1].left == 0)
		s->depth--;
	return r;
}

int rec_scan(struct rec_scan *s, const void *data, size_t n, struct err *e)
{
	const uint8_t *p = data;
	do {
		struct token t;
		if (s->at >= n) {
			s->need = s->at + 1;
			return s->at < REC_MAX_BYTES ? 0
				: err_set(e, ERR_LIMIT, s->at, "a record is longer than %u bytes", REC_MAX_BYTES);
		}
		bool whole_head = read_head(p + s->at, n - s->at, &t);
		const struct rec_scan_frame *f = s->depth ? &s->frame[s->depth - 1] : NULL;
		bool is_key = f && f->is_map && f->left % 2 == 0;
		if (whole_head || t.class == TOK_BAD) {
			int r = check_place(s, &t, is_key, e);
			if (r)
				return r;
		}
		bool has_body = t.class == TOK_STR || t.class == TOK_BYTES;
		uint64_t end = (uint64_t)s->at + t.head + (has_body ? t.len : 0);
		if (end > REC_MAX_BYTES)
			return err_set(e, ERR_LIMIT, s->at, "a record is longer than %u bytes", REC_MAX_BYTES);
		if (end > n) {
			s->need = (size_t)end;
			return 0;
		}
		int r = take(s, p, &t, is_key, e);
		if (r)
			return r;
	} while (s->depth);
	return 1;
}
