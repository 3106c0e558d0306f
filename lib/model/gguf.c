/* SPDX-License-Identifier: Apache-2.0
 *
 * gguf: the one pass over a GGUF header that decides whether any of it is believed.
 *
 *	"GGUF" version n_tensor n_kv
 *	n_kv     x  key:string  type:u32  value            (a string is u64 length + bytes; an array is type, u64 n, elements)
 *	n_tensor x  name:string n_dim:u32 ne:u64[n_dim] type:u32 offset:u64
 *	padding to general.alignment, then the tensors, each padded in turn
 *
 * Everything is read through one cursor over the map; a count is compared with the bytes that are left before anything
 * is allocated for it, so memory is at most a small multiple of the file. Tensors must follow each other without gap or
 * overlap, as every writer lays them out: offset[i+1] = pad(offset[i] + size[i]). Keys and names are sorted once, which
 * finds duplicates and serves lookups by bisection; a hash table would let a file choose its collisions.
 * Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3; version 1 and big-endian files are refused.
 */
#include "lib/model/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/cursor.h"
#include "lib/base/io.h"

#define GGUF_MAGIC 0x46554747u		/* "GGUF", little-endian */
#define GGUF_MAX_KEY 256u
#define GGUF_MAX_NAME 128u		/* bytes of a tensor's name; ggml itself stops at 63 */
#define GGUF_MAX_STR (4u << 20)
#define GGUF_MAX_META (256u << 20)
#define GGUF_MAX_ALIGN (64u << 10)
#define GGUF_MAX_KV 65536u
#define GGUF_MAX_TENSOR 65536u
#define GGUF_MAX_STRS (2u << 20)	/* strings in all arrays: their index stays at 8 MiB */
#define GGUF_MIN_KV 13u			/* empty key, type, one byte */
#define GGUF_MIN_TENSOR 32u		/* empty name, one dimension */

struct kv {
	const char *key;		/* key[key_len], in the map */
	size_t key_len;
	uint64_t at;			/* offset of the entry in the file, for messages */
	enum gguf_type type;
	enum gguf_type elem;		/* of an array */
	uint64_t n;			/* elements of an array, else 1 */
	const unsigned char *val;	/* first byte of the value (of a string: its bytes; of an array: element 0) */
	size_t str_len;
	uint32_t *str_at;		/* array of strings: offset of each length field from `val` */
};

struct gguf {
	struct map map;			/* empty when opened from memory */
	struct arena arena;
	char *path;
	const unsigned char *p;
	size_t len;
	struct kv *kv;
	size_t n_kv;
	uint64_t n_str;			/* strings in arrays so far */
	struct tensor *tensor;		/* in file order */
	size_t n_tensor;
	const struct tensor **by_name;	/* sorted */
};

static const uint8_t type_len[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
static bool type_known(uint32_t t)
{
	return t < sizeof type_len;
}

/* ---- reading ---- */

static int early_end(const struct cursor *c, const char *what, struct err *e)
{
	return err_set(e, ERR_EOF, c->bad_at, "file ends inside %s", what);
}

/* A string of at most `max` bytes. */
static int read_str(struct cursor *c, size_t max, const char *what, const char **s, size_t *n, struct err *e)
{
	size_t at = c->at;
	uint64_t len = cursor_u64(c);
	if (!cursor_ok(c))
		return early_end(c, what, e);
	if (len > cursor_left(c))
		return err_set(e, ERR_EOF, at, "%s of %llu bytes passes the end of the file", what, (unsigned long long)len);
	if (len > max)
		return err_set(e, ERR_LIMIT, at, "%s of %llu bytes; at most %zu are allowed", what,
		               (unsigned long long)len, max);
	*s = cursor_take(c, len);
	*n = (size_t)len;
	return 0;
}

/* Keys and names: not empty, no NUL inside. */
static int read_name(struct cursor *c, size_t max, const char *what, const char **s, size_t *n, struct err *e)
{
	size_t at = c->at;
	int r = read_str(c, max, what, s, n, e);
	if (r)
		return r;
	if (*n == 0 || memchr(*s, 0, *n))
		return err_set(e, ERR_FORMAT, at, "%s is empty or holds a NUL byte", what);
	return 0;
}

static int read_bools(const unsigned char *b, uint64_t n, uint64_t at, struct err *e)
{
	for (uint64_t i = 0; i < n; i++)
		if (b[i] > 1)
			return err_set(e, ERR_FORMAT, at + i, "a truth value is %u, neither 0 nor 1", b[i]);
	return 0;
}

/* Asked before a value is looked at. */
static int check_meta(const struct cursor *c, struct err *e)
{
	if (c->at > GGUF_MAX_META)
		return err_set(e, ERR_LIMIT, c->at, "metadata of more than %u bytes", GGUF_MAX_META);
	return 0;
}

static int read_array(struct gguf *g, struct cursor *c, struct kv *kv, struct err *e)
{
	size_t at = c->at;
	uint32_t elem = cursor_u32(c);
	uint64_t n = cursor_u64(c);
	if (!cursor_ok(c))
		return early_end(c, "an array", e);
	if (elem == GGUF_ARR)
		return err_set(e, ERR_UNSUPPORTED, at, "array of arrays");
	if (!type_known(elem))
		return err_set(e, ERR_FORMAT, at, "unknown element type %u", elem);
	kv->elem = (enum gguf_type)elem;
	kv->n = n;
	kv->val = c->p + c->at;
	size_t size = elem == GGUF_STR ? 8 : type_len[elem];
	if (n > cursor_left(c) / size)
		return err_set(e, ERR_EOF, at + 4, "array of %llu elements passes the end of the file", (unsigned long long)n);
	if (elem != GGUF_STR) {
		size_t from = c->at;
		cursor_take(c, n * size);
		int r = check_meta(c, e);
		return !r && elem == GGUF_BOOL ? read_bools(kv->val, n, from, e) : r;
	}
	if (n > GGUF_MAX_STRS - g->n_str)
		return err_set(e, ERR_LIMIT, at + 4, "array of %llu strings; at most %u are allowed in all",
		               (unsigned long long)n, GGUF_MAX_STRS);
	g->n_str += n;
	size_t base = c->at;
	kv->str_at = arena_array(&g->arena, (size_t)n + 1, sizeof *kv->str_at);
	if (!kv->str_at)
		return err_memory(e);
	for (uint64_t i = 0; i < n; i++) {
		const char *s;
		size_t len;
		kv->str_at[i] = (uint32_t)(c->at - base);
		int r = read_str(c, GGUF_MAX_STR, "a string in an array", &s, &len, e);
		if (r || (r = check_meta(c, e)))
			return r;
	}
	return 0;
}

static int read_kv(struct gguf *g, struct cursor *c, struct kv *kv, struct err *e)
{
	kv->at = c->at;
	int r = read_name(c, GGUF_MAX_KEY, "a key", &kv->key, &kv->key_len, e);
	if (r)
		return r;
	size_t at = c->at;
	uint32_t type = cursor_u32(c);
	if (!cursor_ok(c))
		return early_end(c, "a key's type", e);
	if (!type_known(type))
		return err_set(e, ERR_FORMAT, at, "unknown type %u of key '%.*s'", type, (int)kv->key_len, kv->key);
	kv->type = (enum gguf_type)type;
	kv->n = 1;
	if (type == GGUF_ARR) {
		r = read_array(g, c, kv, e);
	} else if (type == GGUF_STR) {
		const char *s;
		r = read_str(c, GGUF_MAX_STR, "a string", &s, &kv->str_len, e);
		kv->val = (const unsigned char *)s;
	} else {
		at = c->at;
		kv->val = cursor_take(c, type_len[type]);
		if (!kv->val)
			return early_end(c, "a value", e);
		if (type == GGUF_BOOL)
			r = read_bools(kv->val, 1, at, e);
	}
	if (!r)
		r = check_meta(c, e);
	return r ? err_wrap(e, "key '%.*s'", (int)kv->key_len, kv->key) : 0;
}

/* ---- tensors ---- */

/* What people call a format that quant_info does not know. */
static const char *format_name(uint32_t type)
{
	static const char *const names[] = { [9] = "Q8_1", [10] = "Q2_K", [11] = "Q3_K", [15] = "Q8_K", [16] = "IQ2_XXS", [17] = "IQ2_XS",
		[18] = "IQ3_XXS", [19] = "IQ1_S", [20] = "IQ4_NL", [21] = "IQ3_S", [22] = "IQ2_S", [23] = "IQ4_XS", [24] = "I8", [25] = "I16",
		[26] = "I32", [27] = "I64", [28] = "F64", [29] = "IQ1_M", [34] = "TQ1_0", [35] = "TQ2_0", [39] = "MXFP4" };
	return type < sizeof names / sizeof *names && names[type] ? names[type] : "without a known name";
}

/* Byte size of a tensor, with every product checked. */
static int tensor_size(struct tensor *t, uint32_t type, uint64_t at, struct err *e)
{
	const struct quant_info *q = quant_info(type);
	if (!q)
		return err_set(e, ERR_UNSUPPORTED, at, "tensor '%s' has type %u (%s), which is not supported", t->name, type, format_name(type));
	t->type = (enum quant_type)type;
	if (t->ne[0] % q->n_block)
		return err_set(e, ERR_FORMAT, at, "tensor '%s' has rows of %llu, not a multiple of the %u of a %s block",
		               t->name, (unsigned long long)t->ne[0], q->n_block, q->name);
	size_t n = 1, len;
	for (int i = 0; i < 4; i++)
		if (!size_mul(n, t->ne[i], &n) || n > INT64_MAX)
			return err_set(e, ERR_LIMIT, at, "tensor '%s' has more elements than can be counted", t->name);
	if (!size_mul(n / q->n_block, q->block_len, &len) || len > INT64_MAX)
		return err_set(e, ERR_LIMIT, at, "tensor '%s' has more bytes than can be counted", t->name);
	t->len = len;
	return 0;
}

/* `want` is where the tensor must start, from the start of the data, as the sizes before it demand. */
static int read_tensor(struct gguf *g, struct cursor *c, struct tensor *t, uint64_t want, struct err *e)
{
	const char *s;
	size_t n;
	int r = read_name(c, GGUF_MAX_NAME, "a tensor's name", &s, &n, e);
	if (r)
		return r;
	t->name = arena_strdup(&g->arena, s, n);
	if (!t->name)
		return err_memory(e);
	size_t at = c->at;
	t->n_dim = cursor_u32(c);
	if (!cursor_ok(c))
		return early_end(c, "a tensor's description", e);
	if (t->n_dim < 1 || t->n_dim > 4)
		return err_set(e, ERR_FORMAT, at, "tensor '%s' has %u dimensions", t->name, t->n_dim);
	for (uint32_t i = 0; i < 4; i++) {
		at = c->at;
		t->ne[i] = i < t->n_dim ? cursor_u64(c) : 1;
		if (cursor_ok(c) && t->ne[i] == 0)
			return err_set(e, ERR_FORMAT, at, "tensor '%s' has a dimension of 0", t->name);
	}
	at = c->at;
	uint32_t type = cursor_u32(c);
	uint64_t off = cursor_u64(c);
	if (!cursor_ok(c))
		return early_end(c, "a tensor's description", e);
	r = tensor_size(t, type, at, e);
	if (!r && off != want)
		r = err_set(e, ERR_FORMAT, at + 4, "tensor '%s' is at %llu; the tensors before it end at %llu", t->name,
		            (unsigned long long)off, (unsigned long long)want);
	return r;
}

static int by_key(const void *a, const void *b)
{
	const struct kv *x = a, *y = b;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int d = memcmp(x->key, y->key, n);
	return d ? d : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int by_tensor_name(const void *a, const void *b)
{
	const struct tensor *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static int read_kvs(struct gguf *g, struct cursor *c, uint64_t n, struct err *e)
{
	g->kv = arena_array(&g->arena, (size_t)n + 1, sizeof *g->kv);
	if (!g->kv)
		return err_memory(e);
	for (g->n_kv = 0; g->n_kv < n; g->n_kv++) {
		int r = read_kv(g, c, &g->kv[g->n_kv], e);
		if (r)
			return r;
	}
	qsort(g->kv, g->n_kv, sizeof *g->kv, by_key);
	for (size_t i = 1; i < g->n_kv; i++) {
		const struct kv *a = &g->kv[i - 1], *b = &g->kv[i];
		if (!by_key(a, b))
			return err_set(e, ERR_FORMAT, a->at > b->at ? a->at : b->at, "key '%.*s' occurs twice",
			               (int)a->key_len, a->key);
	}
	return 0;
}

static const struct kv *find(const struct gguf *g, const char *key)
{
	const struct kv want = { .key = key, .key_len = strlen(key) };
	return bsearch(&want, g->kv, g->n_kv, sizeof *g->kv, by_key);
}

static int read_alignment(const struct gguf *g, uint64_t *align, struct err *e)
{
	const struct kv *kv = find(g, "general.alignment");
	*align = 32;
	if (!kv)
		return 0;
	if (kv->type != GGUF_U32 || !gguf_u64(g, "general.alignment", align))
		return err_set(e, ERR_FORMAT, kv->at, "general.alignment is not a u32");
	if (*align == 0 || *align & (*align - 1) || *align > GGUF_MAX_ALIGN)
		return err_set(e, ERR_FORMAT, kv->at, "general.alignment is %llu, not a power of two up to %u",
		               (unsigned long long)*align, GGUF_MAX_ALIGN);
	return 0;
}

static bool pad_up(uint64_t v, uint64_t align, uint64_t *out)
{
	size_t r;
	if (!size_add(v, align - 1, &r))
		return false;
	*out = r & ~(align - 1);
	return true;
}

static int read_tensors(struct gguf *g, struct cursor *c, uint64_t n, struct err *e)
{
	uint64_t align, want = 0, start = 0, end;
	int r = read_alignment(g, &align, e);
	if (r)
		return r;
	g->tensor = arena_array(&g->arena, (size_t)n + 1, sizeof *g->tensor);
	g->by_name = arena_array(&g->arena, (size_t)n + 1, sizeof *g->by_name);
	uint64_t *at = arena_array(&g->arena, (size_t)n + 1, sizeof *at);
	if (!g->tensor || !g->by_name || !at)
		return err_memory(e);
	for (size_t i = 0; i < n; i++) {
		struct tensor *t = &g->tensor[i];
		uint64_t desc = c->at;
		if ((r = read_tensor(g, c, t, want, e)))
			return r;
		at[i] = want;
		g->by_name[i] = t;
		if (!size_add(want, t->len, &(size_t){0}) || !pad_up(want + t->len, align, &want) || want > INT64_MAX)
			return err_set(e, ERR_LIMIT, desc, "the tensors up to '%s' have more bytes than can be counted", t->name);
	}
	g->n_tensor = (size_t)n;
	qsort(g->by_name, g->n_tensor, sizeof *g->by_name, by_tensor_name);
	for (size_t i = 1; i < g->n_tensor; i++)
		if (!strcmp(g->by_name[i - 1]->name, g->by_name[i]->name))
			return err_set(e, ERR_FORMAT, c->at, "tensor '%s' occurs twice", g->by_name[i]->name);
	pad_up(c->at, align, &start);		/* cannot fail: the position is inside the file */
	for (size_t i = 0; i < g->n_tensor; i++) {
		struct tensor *t = &g->tensor[i];
		end = start + at[i] + t->len;		/* both are below 2^63 */
		if (end > g->len)
			return err_set(e, ERR_EOF, g->len, "tensor '%s' of %zu bytes passes the end of the file at %zu",
			               t->name, t->len, g->len);
		t->data = g->p + start + at[i];
	}
	return 0;
}

static int read_header(struct gguf *g, struct err *e)
{
	struct cursor c = cursor_of(g->p, g->len);
	uint32_t magic = cursor_u32(&c), version = cursor_u32(&c);
	uint64_t n_tensor = cursor_u64(&c), n_kv = cursor_u64(&c);
	if (g->len >= 4 && magic != GGUF_MAGIC)
		return err_set(e, ERR_FORMAT, 0, "not a GGUF file: bad magic");
	if (g->len >= 8 && (version & 0xffff) == 0 && version)
		return err_set(e, ERR_UNSUPPORTED, 4, "big-endian GGUF");
	if (g->len >= 8 && version != 2 && version != 3)
		return err_set(e, ERR_VERSION, 4, "GGUF version %u; 2 and 3 are known", version);
	if (!cursor_ok(&c))
		return early_end(&c, "the header", e);
	if (n_tensor > cursor_left(&c) / GGUF_MIN_TENSOR || n_tensor > GGUF_MAX_TENSOR)
		return err_set(e, n_tensor > GGUF_MAX_TENSOR ? ERR_LIMIT : ERR_EOF, 8,
		               "%llu tensors are more than this file can hold", (unsigned long long)n_tensor);
	if (n_kv > cursor_left(&c) / GGUF_MIN_KV || n_kv > GGUF_MAX_KV)
		return err_set(e, n_kv > GGUF_MAX_KV ? ERR_LIMIT : ERR_EOF, 16, "%llu keys are more than this file can hold",
		               (unsigned long long)n_kv);
	int r = read_kvs(g, &c, n_kv, e);
	return r ? r : read_tensors(g, &c, n_tensor, e);
}

int gguf_open_memory(struct gguf **out, const void *p, size_t n, const char *name, struct err *e)
{
	struct err local = {0};
	*out = NULL;
	if (!e)
		e = &local;
	struct gguf *g = calloc(1, sizeof *g);
	if (!g || !(g->path = strdup(name))) {
		free(g);
		return err_memory(e);
	}
	g->p = p;
	g->len = n;
	int r = read_header(g, e);
	if (r) {
		err_wrap(e, "cannot read '%s'", name);
		gguf_close(g);
		return r;
	}
	*out = g;
	return 0;
}

int gguf_open(struct gguf **out, const char *path, struct err *e)
{
	struct map m;
	*out = NULL;
	int r = map_open(&m, path, e);
	if (r)
		return r;
	r = gguf_open_memory(out, m.data, m.len, path, e);
	if (r)
		map_close(&m);
	else
		(*out)->map = m;
	return r;
}

void gguf_close(struct gguf *g)
{
	if (!g)
		return;
	arena_release(&g->arena);
	map_close(&g->map);
	free(g->path);
	free(g);
}

/* ---- looking up ---- */

/* Element i of `type` at p as one of: an unsigned or negative integer, or a real. */
struct number { bool is_int, is_neg; int64_t i; double f; };	/* `i` holds the bits of an unsigned one too */
static struct number number_at(enum gguf_type type, const unsigned char *p, uint64_t i)
{
	struct cursor c = cursor_of(p + i * type_len[type], type_len[type]);
	struct number v = { .is_int = true };
	switch (type) {
	case GGUF_F32: return (struct number){ .f = (double)cursor_f32(&c) };
	case GGUF_F64: return (struct number){ .f = cursor_f64(&c) };
	case GGUF_U8: case GGUF_BOOL: v.i = cursor_u8(&c); break;
	case GGUF_U16: v.i = cursor_u16(&c); break;
	case GGUF_U32: v.i = cursor_u32(&c); break;
	case GGUF_I8: v.i = (int8_t)cursor_u8(&c); break;
	case GGUF_I16: v.i = (int16_t)cursor_u16(&c); break;
	case GGUF_I32: v.i = (int32_t)cursor_u32(&c); break;
	case GGUF_I64: case GGUF_U64: v.i = (int64_t)cursor_u64(&c); break;
	case GGUF_STR: case GGUF_ARR: return (struct number){0};
	}
	v.is_neg = v.i < 0 && type != GGUF_U64;
	v.f = v.is_neg ? (double)v.i : (double)(uint64_t)v.i;
	return v;
}

static bool scalar(const struct gguf *g, const char *key, struct number *v)
{
	const struct kv *kv = find(g, key);
	if (!kv || kv->type == GGUF_ARR || kv->type == GGUF_STR || kv->type == GGUF_BOOL)
		return false;
	*v = number_at(kv->type, kv->val, 0);
	return true;
}

bool gguf_has(const struct gguf *g, const char *key)
{
	return find(g, key) != NULL;
}

int gguf_absent(const struct gguf *g, const char *key, const char *what, struct err *e)
{
	const struct kv *kv = find(g, key);
	return kv ? err_set(e, ERR_FORMAT, kv->at, "key '%s' is not %s", key, what) : 0;
}

bool gguf_u64(const struct gguf *g, const char *key, uint64_t *v)
{
	struct number x;
	if (!scalar(g, key, &x) || !x.is_int || x.is_neg)
		return false;
	*v = (uint64_t)x.i;
	return true;
}

bool gguf_f64(const struct gguf *g, const char *key, double *v)
{
	struct number x;
	if (!scalar(g, key, &x))
		return false;
	*v = x.f;
	return true;
}

bool gguf_bool(const struct gguf *g, const char *key, bool *v)
{
	const struct kv *kv = find(g, key);
	if (!kv || kv->type != GGUF_BOOL)
		return false;
	*v = kv->val[0];
	return true;
}

bool gguf_str(const struct gguf *g, const char *key, struct gguf_str *v)
{
	const struct kv *kv = find(g, key);
	if (!kv || kv->type != GGUF_STR)
		return false;
	*v = (struct gguf_str){ (const char *)kv->val, kv->str_len };
	return true;
}

bool gguf_str_is(struct gguf_str s, const char *word)
{
	return s.n == strlen(word) && !memcmp(s.s, word, s.n);
}

bool gguf_array(const struct gguf *g, const char *key, struct gguf_array *a)
{
	const struct kv *kv = find(g, key);
	if (!kv || kv->type != GGUF_ARR)
		return false;
	*a = (struct gguf_array){ kv->elem, kv->n, kv };
	return true;
}

struct gguf_str gguf_array_str(const struct gguf *g, const struct gguf_array *a, uint64_t i)
{
	const struct kv *kv = a->opaque;
	if (kv->elem != GGUF_STR)
		return (struct gguf_str){ "", 0 };
	struct cursor c = cursor_of(kv->val + kv->str_at[i], g->len - (size_t)(kv->val + kv->str_at[i] - g->p));
	uint64_t n = cursor_u64(&c);
	const char *s = cursor_take(&c, n);
	return s ? (struct gguf_str){ s, (size_t)n } : (struct gguf_str){ "", 0 };
}

double gguf_array_f64(const struct gguf_array *a, uint64_t i)
{
	const struct kv *kv = a->opaque;
	return number_at(kv->elem, kv->val, i).f;
}

int64_t gguf_array_i64(const struct gguf_array *a, uint64_t i)
{
	const struct kv *kv = a->opaque;
	return number_at(kv->elem, kv->val, i).i;
}

size_t gguf_n_tensor(const struct gguf *g)
{
	return g->n_tensor;
}

const struct tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
	return &g->tensor[i];
}

const struct tensor *gguf_tensor(const struct gguf *g, const char *name)
{
	const struct tensor want = { .name = name }, *key = &want;
	const struct tensor **found = bsearch(&key, g->by_name, g->n_tensor, sizeof *g->by_name, by_tensor_name);
	return found ? *found : NULL;
}

const char *gguf_path(const struct gguf *g)
{
	return g->path;
}
