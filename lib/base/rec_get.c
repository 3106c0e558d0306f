/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_get: looking into a record. A record has a dozen keys, so a key is found by comparing from the front.
 */
#include "lib/base/rec.h"

#include <string.h>

const msgpack_object *rec_map_get(const msgpack_object *map, const char *key)
{
	size_t n = strlen(key);
	if (!map || map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object *k = &map->via.map.ptr[i].key;
		if (k->type == MSGPACK_OBJECT_STR && k->via.str.size == n && memcmp(k->via.str.ptr, key, n) == 0)
			return &map->via.map.ptr[i].val;
	}
	return NULL;
}

const msgpack_object *rec_get(const struct rec *r, const char *key)
{
	return rec_map_get(r->map, key);
}

bool rec_pair(const msgpack_object *a, uint64_t *from, uint64_t *to)
{
	if (!a || a->type != MSGPACK_OBJECT_ARRAY || a->via.array.size != 2)
		return false;
	const msgpack_object *p = a->via.array.ptr;
	if (p[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER || p[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return false;
	*from = p[0].via.u64;
	*to = p[1].via.u64;
	return true;
}

bool rec_str(const struct rec *r, const char *key, const char **s, size_t *n)
{
	const msgpack_object *o = rec_get(r, key);
	if (!o || o->type != MSGPACK_OBJECT_STR)
		return false;
	*s = o->via.str.ptr ? o->via.str.ptr : "";
	*n = o->via.str.size;
	return true;
}

bool rec_is(const struct rec *r, const char *kind)
{
	const char *s;
	size_t n;
	return rec_str(r, "kind", &s, &n) && n == strlen(kind) && memcmp(s, kind, n) == 0;
}

bool rec_u64(const struct rec *r, const char *key, uint64_t *v)
{
	const msgpack_object *o = rec_get(r, key);
	if (!o || o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return false;
	*v = o->via.u64;
	return true;
}

bool rec_f64(const struct rec *r, const char *key, double *v)
{
	const msgpack_object *o = rec_get(r, key);
	if (!o)
		return false;
	if (o->type == MSGPACK_OBJECT_FLOAT32 || o->type == MSGPACK_OBJECT_FLOAT64)
		*v = o->via.f64;
	else if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		*v = (double)o->via.u64;
	else if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		*v = (double)o->via.i64;
	else
		return false;
	return true;
}

bool rec_bool(const struct rec *r, const char *key, bool *v)
{
	const msgpack_object *o = rec_get(r, key);
	if (!o || o->type != MSGPACK_OBJECT_BOOLEAN)
		return false;
	*v = o->via.boolean;
	return true;
}

bool rec_is_headed(const char *text, size_t n, const char *heading, size_t n_heading)
{
	return n >= n_heading && memcmp(text, heading, n_heading) == 0 && (n == n_heading || text[n_heading] == '\n');
}

bool rec_vec(const struct rec *r, const char *key, enum rec_dtype *t, size_t *n, const void **data)
{
	const msgpack_object *o = rec_get(r, key);
	if (!o || o->type != MSGPACK_OBJECT_EXT || o->via.ext.type != REC_EXT_VEC || o->via.ext.size < REC_VEC_HEAD)
		return false;
	const unsigned char *p = (const unsigned char *)o->via.ext.ptr;
	size_t bytes = o->via.ext.size - REC_VEC_HEAD;
	size_t wide = p[0] == REC_F32 ? 4 : p[0] == REC_F16 ? 2 : 1;
	if (p[0] > REC_B1 || p[2] || p[3] || bytes % wide)
		return false;
	*t = (enum rec_dtype)p[0];
	*n = p[0] == REC_B1 ? bytes * 8 : bytes / wide;
	*data = p + REC_VEC_HEAD;
	return true;
}

void rec_warn_error(const char *tool, const struct rec *r)
{
	const char *msg = "", *stage = "", *doc = "";
	size_t n_msg = 0, n_stage = 0, n_doc = 0;
	rec_str(r, "msg", &msg, &n_msg);
	rec_str(r, "stage", &stage, &n_stage);
	rec_str(r, "doc", &doc, &n_doc);
	const int len[] = { (int)(n_stage < 100 ? n_stage : 100), (int)(n_doc < 300 ? n_doc : 300), (int)(n_msg < 300 ? n_msg : 300) };
	if (n_doc && !memmem(msg, n_msg, doc, n_doc))
		err_warn(tool, "%.*s: '%.*s': %.*s", len[0], stage, len[1], doc, len[2], msg);
	else
		err_warn(tool, "%.*s: %.*s", len[0], stage, len[2], msg);
}
