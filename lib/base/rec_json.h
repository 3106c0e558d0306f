/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_json: one record as one JSON line, and back, losslessly. What JSON has no word for is written as a map of one key:
 *
 *	{"$vec":{"t":"i8","b64":"..."}}		a vector (REC_EXT_VEC); "flags":N only where they are not 0
 *	{"$bin":"base64"}			bytes
 *	{"$ext":{"type":N,"b64":"..."}}		any other ext value
 *	{"$f32":"3fc00000"}			a 32-bit float, its bits in hexadecimal
 *	{"$f64":"7ff0000000000000"}		a 64-bit float that is no number, or infinite
 *	{"$u64":"18446744073709551615"}		an integer over 2^63-1
 *
 * A key of a record that itself begins with '$' gets a second one. Integers and floats stay apart: 1 and 1.0.
 */
#ifndef TT_BASE_REC_JSON_H
#define TT_BASE_REC_JSON_H

#include <msgpack.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Appends the JSON text of `o`, without a newline; `indent` 0 = one line, else columns a level. ERR_MEM, ERR_FORMAT. */
int rec_json_put(struct buf *out, const msgpack_object *o, int indent, struct err *e);
/* Appends the msgpack bytes of the JSON text s[0..n), which must be one object. The text is bounded before jansson sees
 * it: REC_MAX_BYTES, depth, number of values. e->at is the offset in s. What it appends has not been through rec_scan. */
int rec_json_get(struct buf *out, const char *s, size_t n, struct err *e);

#endif
