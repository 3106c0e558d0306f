/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: u64 length of a JSON header, the header, then the tensors.
 *
 *	{ "name": { "dtype": "F32", "shape": [rows, cols], "data_offsets": [from, to] }, ..., "__metadata__": { str: str } }
 *
 * The header is scanned for depth and number of values before jansson builds a tree from it, so the tree is a bounded
 * multiple of the bytes there. Then, in the order of the data, each tensor must start where the one before it ends, the
 * first at 0, and the last must end with the file: no holes, no overlap, nothing behind. Tensors of other types (the
 * integer position ids that BERT exports carry) take part in that check and are not listed.
 * Source: the safetensors format description (Hugging Face), section "Format".
 */
#include "lib/model/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/cursor.h"
#include "lib/base/io.h"
#include "lib/base/json.h"

#define ST_MAX_HEADER 100000000u	/* the format's own bound */
#define ST_MAX_DEPTH 4			/* the format needs 3 */
#define ST_MAX_VALUES (1u << 20)	/* commas, colons and brackets; a tensor needs about 12 */
#define ST_HEADER_AT 8u

struct entry {
	struct tensor t;
	uint64_t from, to;
	bool is_listed;			/* of a type that struct tensor can say */
};
struct safetensors {
	struct map map;
	struct arena arena;
	const unsigned char *p;
	size_t len;
	struct tensor *tensor;		/* sorted by name */
	size_t n_tensor;
};

static const struct dtype { const char *name; uint32_t len; int type; } dtypes[] = {
	{ "F32", 4, QUANT_F32 }, { "F16", 2, QUANT_F16 }, { "BF16", 2, QUANT_BF16 }, { "BOOL", 1, -1 }, { "U8", 1, -1 },
	{ "I8", 1, -1 }, { "F8_E4M3", 1, -1 }, { "F8_E5M2", 1, -1 }, { "I16", 2, -1 }, { "U16", 2, -1 }, { "I32", 4, -1 },
	{ "U32", 4, -1 }, { "I64", 8, -1 }, { "U64", 8, -1 }, { "F64", 8, -1 },
};

/* A non-negative integer of the header. */
static bool json_u64(const json_t *v, uint64_t *out)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static int read_shape(struct entry *en, const json_t *shape, size_t *n_elem, struct err *e)
{
	struct tensor *t = &en->t;
	size_t n_dim = json_array_size(shape);
	if (!json_is_array(shape) || n_dim > 4)
		return err_set(e, n_dim > 4 ? ERR_UNSUPPORTED : ERR_FORMAT, ST_HEADER_AT,
		               "tensor '%s' has no shape of at most 4 dimensions", t->name);
	t->n_dim = n_dim ? (uint32_t)n_dim : 1;
	*n_elem = 1;
	for (size_t i = 0; i < 4; i++)
		t->ne[i] = 1;
	for (size_t i = 0; i < n_dim; i++) {
		uint64_t d;
		if (!json_u64(json_array_get(shape, i), &d) || !size_mul(*n_elem, d, n_elem))
			return err_set(e, ERR_FORMAT, ST_HEADER_AT, "tensor '%s' has a dimension that is no size", t->name);
		t->ne[n_dim - 1 - i] = d;
	}
	return 0;
}

static int read_entry(struct safetensors *s, struct entry *en, const char *name, const json_t *o, struct err *e)
{
	struct tensor *t = &en->t;
	const char *dtype = json_string_value(json_object_get(o, "dtype"));
	const json_t *off = json_object_get(o, "data_offsets");
	const struct dtype *d = NULL;
	size_t n_elem;
	t->name = arena_strdup(&s->arena, name, strlen(name));
	if (!t->name)
		return err_memory(e);
	for (size_t i = 0; dtype && i < sizeof dtypes / sizeof *dtypes; i++)
		if (!strcmp(dtype, dtypes[i].name))
			d = &dtypes[i];
	if (!d)
		return err_set(e, dtype ? ERR_UNSUPPORTED : ERR_FORMAT, ST_HEADER_AT, "tensor '%s' has type '%.32s'", name,
		               dtype ? dtype : "");
	int r = read_shape(en, json_object_get(o, "shape"), &n_elem, e);
	if (r)
		return r;
	if (json_array_size(off) != 2 || !json_u64(json_array_get(off, 0), &en->from) ||
	    !json_u64(json_array_get(off, 1), &en->to) || en->from > en->to)
		return err_set(e, ERR_FORMAT, ST_HEADER_AT, "tensor '%s' has no pair of offsets", name);
	if (!size_mul(n_elem, d->len, &t->len) || t->len != en->to - en->from)
		return err_set(e, ERR_FORMAT, ST_HEADER_AT, "tensor '%s' has %llu bytes, which is not what its shape needs", name,
		               (unsigned long long)(en->to - en->from));
	en->is_listed = d->type >= 0;
	if (en->is_listed)
		t->type = (enum quant_type)d->type;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

static int by_name(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static int read_entries(struct safetensors *s, json_t *root, size_t data_at, struct err *e)
{
	size_t n_max = json_object_size(root), n = 0;
	struct entry *en = calloc(n_max + 1, sizeof *en);
	const char *name;
	json_t *o;
	int r = 0;
	s->tensor = arena_array(&s->arena, n_max + 1, sizeof *s->tensor);
	if (!en || !s->tensor)
		r = err_memory(e);
	if (!r) {
		json_object_foreach(root, name, o) {
			if (!strcmp(name, "__metadata__"))
				continue;
			if ((r = read_entry(s, &en[n++], name, o, e)))
				break;
		}
	}
	if (!r && n)
		qsort(en, n, sizeof *en, by_offset);
	uint64_t want = 0, total = s->len - data_at;
	for (size_t i = 0; !r && i < n; i++) {
		if (en[i].from != want || en[i].to > total) {
			r = err_set(e, en[i].to > total ? ERR_EOF : ERR_FORMAT, data_at + want,
			            "tensor '%s' at %llu..%llu leaves a hole, overlaps, or passes the end of the data at %llu",
			            en[i].t.name, (unsigned long long)en[i].from, (unsigned long long)en[i].to,
			            (unsigned long long)total);
			break;
		}
		want = en[i].to;
		en[i].t.data = s->p + data_at + en[i].from;
		if (en[i].is_listed)
			s->tensor[s->n_tensor++] = en[i].t;
	}
	if (!r && want != total)
		r = err_set(e, ERR_FORMAT, data_at + want, "%llu bytes behind the last tensor", (unsigned long long)(total - want));
	if (!r && s->n_tensor)
		qsort(s->tensor, s->n_tensor, sizeof *s->tensor, by_name);
	free(en);
	return r;
}

static int read_file(struct safetensors *s, struct err *e)
{
	struct cursor c = cursor_of(s->p, s->len);
	uint64_t n = cursor_u64(&c);
	if (!cursor_ok(&c))
		return err_set(e, ERR_EOF, s->len, "file ends inside the length of the header");
	if (n > ST_MAX_HEADER)
		return err_set(e, ERR_LIMIT, 0, "header of %llu bytes; at most %u are allowed", (unsigned long long)n, ST_MAX_HEADER);
	const char *text = cursor_take(&c, n);
	if (!text)
		return err_set(e, ERR_EOF, 0, "header of %llu bytes passes the end of the file", (unsigned long long)n);
	if (n == 0 || text[0] != '{')
		return err_set(e, ERR_FORMAT, ST_HEADER_AT, "header does not start with '{'");
	static const struct json_limits most = { .depth = ST_MAX_DEPTH, .n_value = ST_MAX_VALUES };
	json_t *root = json_text(text, (size_t)n, 0, &most, e);
	if (!root) {
		if (e->at != ERR_NO_OFFSET)
			e->at += ST_HEADER_AT;
		return err_wrap(e, "header");
	}
	int r = read_entries(s, root, ST_HEADER_AT + (size_t)n, e);
	json_decref(root);
	return r;
}

int safetensors_open_memory(struct safetensors **out, const void *p, size_t n, const char *name, struct err *e)
{
	struct err local = {0};
	*out = NULL;
	if (!e)
		e = &local;
	struct safetensors *s = calloc(1, sizeof *s);
	if (!s)
		return err_memory(e);
	s->p = p;
	s->len = n;
	int r = read_file(s, e);
	if (r) {
		err_wrap(e, "cannot read '%s'", name);
		safetensors_close(s);
		return r;
	}
	*out = s;
	return 0;
}

int safetensors_open(struct safetensors **out, const char *path, struct err *e)
{
	struct map m;
	*out = NULL;
	int r = map_open(&m, path, e);
	if (r)
		return r;
	r = safetensors_open_memory(out, m.data, m.len, path, e);
	if (r)
		map_close(&m);
	else
		(*out)->map = m;
	return r;
}

void safetensors_close(struct safetensors *s)
{
	if (!s)
		return;
	arena_release(&s->arena);
	map_close(&s->map);
	free(s);
}

size_t safetensors_n_tensor(const struct safetensors *s)
{
	return s->n_tensor;
}

const struct tensor *safetensors_at(const struct safetensors *s, size_t i)
{
	return &s->tensor[i];
}

const struct tensor *safetensors_tensor(const struct safetensors *s, const char *name)
{
	const struct tensor want = { .name = name };
	return s->n_tensor ? bsearch(&want, s->tensor, s->n_tensor, sizeof *s->tensor, by_name) : NULL;
}
