/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_json: two recursive walks, msgpack object to jansson value and back, and the bounded look at a line of JSON that
 * comes before jansson builds anything. See rec_json.h for the special forms; base64 is libsodium's.
 */
#include "lib/base/rec_json.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/rec.h"
#include "lib/base/rec_scan.h"
#include "lib/base/utf8.h"

static const char *const dtype_name[] = { "f32", "f16", "i8", "b1" };
#define N_DTYPE (sizeof dtype_name / sizeof *dtype_name)

/* ---- msgpack to JSON ---- */

/* {key: v}, taking v; NULL when v is NULL or memory is out. */
static json_t *special(const char *key, json_t *v)
{
	json_t *o = json_object();
	if (o && json_object_set_new(o, key, v)) {	/* takes v even when it fails, NULL included */
		json_decref(o);
		return NULL;
	}
	if (!o)
		json_decref(v);
	return o;
}

static json_t *base64(const void *p, size_t n)
{
	size_t cap = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
	char *s = malloc(cap);
	if (!s)
		return NULL;
	sodium_bin2base64(s, cap, p, n, sodium_base64_VARIANT_ORIGINAL);
	json_t *v = json_stringn_nocheck(s, cap - 1);
	free(s);
	return v;
}

static json_t *ext_to_json(const msgpack_object_ext *x)
{
	const unsigned char *p = (const unsigned char *)x->ptr;
	bool is_vec = x->type == REC_EXT_VEC && x->size >= REC_VEC_HEAD && p[0] < N_DTYPE && !p[2] && !p[3];
	if (!is_vec)
		return special("$ext", json_pack("{s:i, s:o}", "type", (int)x->type, "b64", base64(p, x->size)));
	json_t *data = base64(p + REC_VEC_HEAD, x->size - REC_VEC_HEAD);
	if (p[1])
		return special("$vec", json_pack("{s:s, s:i, s:o}", "t", dtype_name[p[0]], "flags", (int)p[1], "b64", data));
	return special("$vec", json_pack("{s:s, s:o}", "t", dtype_name[p[0]], "b64", data));
}

static json_t *float_to_json(const msgpack_object *o)
{
	char hex[17];
	double d = o->via.f64;
	if (o->type == MSGPACK_OBJECT_FLOAT32) {
		float f = (float)d;
		uint32_t u;
		memcpy(&u, &f, sizeof u);
		snprintf(hex, sizeof hex, "%08x", u);
		return special("$f32", json_string(hex));
	}
	if (isfinite(d))
		return json_real(d);
	uint64_t u;
	memcpy(&u, &d, sizeof u);
	snprintf(hex, sizeof hex, "%016llx", (unsigned long long)u);
	return special("$f64", json_string(hex));
}

static json_t *to_json(const msgpack_object *o);

static json_t *map_to_json(const msgpack_object_map *m)
{
	json_t *out = json_object();
	struct buf key = {0};
	bool ok = out != NULL;
	for (uint32_t i = 0; ok && i < m->size; i++) {
		const msgpack_object_str *k = &m->ptr[i].key.via.str;
		buf_clear(&key);
		if (k->size && k->ptr[0] == '$')
			buf_putc(&key, '$');
		ok = m->ptr[i].key.type == MSGPACK_OBJECT_STR && buf_add(&key, k->ptr, k->size) == 0 &&
		     json_object_setn_new_nocheck(out, key.data, key.len, to_json(&m->ptr[i].val)) == 0;
	}
	buf_release(&key);
	if (!ok) {
		json_decref(out);
		return NULL;
	}
	return out;
}

static json_t *array_to_json(const msgpack_object_array *a)
{
	json_t *out = json_array();
	for (uint32_t i = 0; out && i < a->size; i++)
		if (json_array_append_new(out, to_json(&a->ptr[i]))) {
			json_decref(out);
			return NULL;
		}
	return out;
}

static json_t *to_json(const msgpack_object *o)
{
	char dec[24];
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return json_null();
	case MSGPACK_OBJECT_BOOLEAN:
		return json_boolean(o->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		if (o->via.u64 <= INT64_MAX)
			return json_integer((json_int_t)o->via.u64);
		snprintf(dec, sizeof dec, "%llu", (unsigned long long)o->via.u64);
		return special("$u64", json_string(dec));
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return json_integer((json_int_t)o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return float_to_json(o);
	case MSGPACK_OBJECT_STR:
		return json_stringn_nocheck(o->via.str.ptr ? o->via.str.ptr : "", o->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return special("$bin", base64(o->via.bin.ptr, o->via.bin.size));
	case MSGPACK_OBJECT_EXT:
		return ext_to_json(&o->via.ext);
	case MSGPACK_OBJECT_ARRAY:
		return array_to_json(&o->via.array);
	case MSGPACK_OBJECT_MAP:
		return map_to_json(&o->via.map);
	}
	return NULL;
}

/* \uXXXX, as two of them beyond U+FFFF. */
static void put_escape(struct buf *b, uint32_t c)
{
	if (c > 0xFFFF)
		buf_printf(b, "\\u%04X\\u%04X", (unsigned)(0xD800 + ((c - 0x10000) >> 10)), (unsigned)(0xDC00 + (c & 0x3FF)));
	else
		buf_printf(b, "\\u%04X", (unsigned)c);
}

/* Takes what jansson writes, whole characters, and escapes those that must not reach a terminal and that it leaves as they are. They
 * are in strings only. JSON may end on a terminal through any pipe, so this is always done. */
static int dump_to_buf(const char *s, size_t n, void *arg)
{
	struct buf *b = arg;
	size_t from = 0, step;
	for (size_t i = 0; i < n; i += step) {
		uint32_t c = (unsigned char)s[i];
		step = 1;
		if (c < 0x7F)
			continue;
		step = utf8_decode(s + i, n - i, &c, NULL);
		if (!utf8_is_control(c))
			continue;
		buf_add(b, s + from, i - from);
		put_escape(b, c);
		from = i + step;
	}
	return buf_add(b, s + from, n - from);
}

int rec_json_put(struct buf *out, const msgpack_object *o, int indent, struct err *e)
{
	json_t *v = to_json(o);
	size_t flags = indent ? (size_t)JSON_INDENT((size_t)indent) : JSON_COMPACT;
	int r = v && json_dump_callback(v, dump_to_buf, out, flags | JSON_REAL_PRECISION(17)) == 0 ? 0 : ERR_MEM;
	json_decref(v);
	return r ? err_memory(e) : 0;
}

/* ---- JSON to msgpack ---- */

static int write_to_buf(void *arg, const char *s, size_t n)
{
	return buf_add(arg, s, n);
}

static int bad_special(const char *key, struct err *e)
{
	return err_set(e, ERR_FORMAT, 0, "malformed \"%s\"", key);
}

/* Decodes the base64 of a special form behind `head` zero bytes into `out`. */
static int unbase64(struct buf *out, size_t head, const json_t *v, const char *key, struct err *e)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), got = 0;
	if (s && (buf_zeros(out, head) || buf_reserve(out, n)))
		return err_memory(e);
	if (!s || sodium_base642bin((unsigned char *)out->data + head, n, s, n, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL))
		return bad_special(key, e);
	out->len = head + got;
	return 0;
}

static int pack_vec(msgpack_packer *pk, const json_t *v, struct err *e)
{
	const char *t = json_string_value(json_object_get(v, "t"));
	json_int_t flags = json_integer_value(json_object_get(v, "flags"));
	struct buf b = {0};
	size_t i = 0;
	while (t && i < N_DTYPE && strcmp(t, dtype_name[i]))
		i++;
	bool is_good = t && i < N_DTYPE && flags >= 0 && flags <= 255;
	int r = is_good ? unbase64(&b, REC_VEC_HEAD, json_object_get(v, "b64"), "$vec", e) : bad_special("$vec", e);
	if (!r) {
		b.data[0] = (char)i;
		b.data[1] = (char)flags;
		msgpack_pack_ext_with_body(pk, b.data, b.len, REC_EXT_VEC);
	}
	buf_release(&b);
	return r;
}

static int pack_bytes(msgpack_packer *pk, const json_t *v, const json_t *type, const char *key, struct err *e)
{
	struct buf b = {0};
	json_int_t t = json_integer_value(type);
	bool is_good = !type || (json_is_integer(type) && t >= -128 && t <= 127);
	int r = is_good ? unbase64(&b, 0, v, key, e) : bad_special(key, e);
	if (!r && type)
		msgpack_pack_ext_with_body(pk, b.data, b.len, (int8_t)t);
	else if (!r)
		msgpack_pack_bin_with_body(pk, b.data, b.len);
	buf_release(&b);
	return r;
}

/* A number written as text in the given base; `digits` 0 = any count. */
static bool number(const json_t *v, int base, size_t digits, uint64_t *out)
{
	const char *s = json_string_value(v);
	char *end;
	if (!s || !*s || strspn(s, "0123456789abcdef") != json_string_length(v) || (digits && strlen(s) != digits))
		return false;
	errno = 0;
	*out = strtoull(s, &end, base);
	return !errno && !*end;
}

/* Packs the special form {key: v}. 1 when `key` names none. */
static int pack_special(msgpack_packer *pk, const char *key, const json_t *v, struct err *e)
{
	uint64_t u;
	if (strcmp(key, "$vec") == 0)
		return pack_vec(pk, v, e);
	if (strcmp(key, "$bin") == 0)
		return pack_bytes(pk, v, NULL, key, e);
	if (strcmp(key, "$ext") == 0) {
		const json_t *type = json_object_get(v, "type");
		return type ? pack_bytes(pk, json_object_get(v, "b64"), type, key, e) : bad_special(key, e);
	}
	if (strcmp(key, "$u64") == 0) {
		if (!number(v, 10, 0, &u))
			return bad_special(key, e);
		msgpack_pack_uint64(pk, u);
		return 0;
	}
	if (strcmp(key, "$f32") == 0 || strcmp(key, "$f64") == 0) {
		if (!number(v, 16, key[2] == '3' ? 8 : 16, &u))
			return bad_special(key, e);
		uint32_t u32 = (uint32_t)u;
		float f;
		double d;
		memcpy(&f, &u32, sizeof f);
		memcpy(&d, &u, sizeof d);
		if (key[2] == '3')
			msgpack_pack_float(pk, f);
		else
			msgpack_pack_double(pk, d);
		return 0;
	}
	return 1;
}

static int pack_json(msgpack_packer *pk, const json_t *v, struct err *e);

static int pack_object(msgpack_packer *pk, json_t *v, struct err *e)
{
	const char *key;
	size_t n;
	json_t *kid;
	int r = 1;
	if (json_object_size(v) == 1) {
		json_object_foreach(v, key, kid)
			if (*key == '$')
				r = pack_special(pk, key, kid, e);
		if (r <= 0)
			return r;
	}
	msgpack_pack_map(pk, json_object_size(v));
	r = 0;
	json_object_keylen_foreach(v, key, n, kid) {
		size_t skip = n > 1 && key[0] == '$' && key[1] == '$';
		if (!r) {
			msgpack_pack_str_with_body(pk, key + skip, n - skip);
			r = pack_json(pk, kid, e);
		}
	}
	return r;
}

static int pack_json(msgpack_packer *pk, const json_t *v, struct err *e)
{
	int r = 0;
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return pack_object(pk, (json_t *)(uintptr_t)v, e);
	case JSON_ARRAY:
		msgpack_pack_array(pk, json_array_size(v));
		for (size_t i = 0; !r && i < json_array_size(v); i++)
			r = pack_json(pk, json_array_get(v, i), e);
		return r;
	case JSON_STRING:
		msgpack_pack_str_with_body(pk, json_string_value(v), json_string_length(v));
		return 0;
	case JSON_INTEGER:
		msgpack_pack_int64(pk, json_integer_value(v));
		return 0;
	case JSON_REAL:
		msgpack_pack_double(pk, json_real_value(v));
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		if (json_is_true(v))
			msgpack_pack_true(pk);
		else
			msgpack_pack_false(pk);
		return 0;
	case JSON_NULL:
		msgpack_pack_nil(pk);
		return 0;
	}
	return err_set(e, ERR_BUG, ERR_NO_OFFSET, "unknown kind of JSON value");
}

int rec_json_get(struct buf *out, const char *s, size_t n, struct err *e)
{
	/* A special form is up to two levels for one value. */
	static const struct json_limits most = { .depth = REC_MAX_DEPTH + 2, .n_value = 2 * REC_MAX_NODES };
	if (n > REC_MAX_BYTES)
		return err_set(e, ERR_LIMIT, REC_MAX_BYTES, "a line is longer than %u bytes", REC_MAX_BYTES);
	json_t *v = json_text(s, n, JSON_ALLOW_NUL, &most, e);
	if (!v)
		return e ? e->code : ERR_FORMAT;
	msgpack_packer pk;
	msgpack_packer_init(&pk, out, write_to_buf);
	int r = pack_json(&pk, v, e);
	json_decref(v);
	if (!r && out->failed)
		r = err_memory(e);
	return r;
}
