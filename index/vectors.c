/* SPDX-License-Identifier: Apache-2.0
 *
 * vectors: see vectors.h.
 */
#include "index/vectors.h"

#include <math.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/kern/quant.h"

enum { SECT_META = 1, SECT_ROWS = 2, SECT_SCALES = 3, SECT_CODES = 4 };
#define META_LEN 24
#define MOST 1e12f	/* a component of a vector that should be of length 1: the cosine of larger ones may not be finite */

/* Codes and scale of x[dim]: scale = max |x| / 127, nearest code. code[stride] is padded with zeros. 0 for a zero vector. */
static float quantize(const float *x, size_t dim, int8_t *code)
{
	float most = 0;
	for (size_t i = 0; i < dim; i++)
		most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
	memset(code, 0, vectors_stride(dim));
	if (!(most > 0) || !isfinite(most))
		return 0;
	for (size_t i = 0; i < dim; i++)
		code[i] = (int8_t)lrintf(x[i] / most * 127);
	return most / 127;
}

/* False of what is no number, too. */
static bool all_usable(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(fabsf(x[i]) <= MOST))
			return false;
	return true;
}

/* data is not aligned. */
static void to_floats(enum rec_dtype t, const char *data, size_t n, float *x)
{
	if (t == REC_F32)
		memcpy(x, data, n * sizeof *x);
	for (size_t i = 0; t == REC_F16 && i < n; i++) {
		uint16_t h;
		memcpy(&h, data + i * sizeof h, sizeof h);
		x[i] = quant_f16(h);
	}
}

int vectors_of_record(const struct rec *r, int8_t *code, size_t *dim, float *scale, struct err *e)
{
	enum rec_dtype t;
	const void *data;
	double s = 0;
	size_t n;
	float x[VECTORS_MAX_DIM];
	const char *bad = NULL;
	*dim = 0;
	if (!rec_get(r, "vec"))
		return 0;
	if (!rec_vec(r, "vec", &t, &n, &data) || n == 0 || n > VECTORS_MAX_DIM || t == REC_B1) {
		bad = "vec";
	} else if (t == REC_I8) {
		if (!rec_f64(r, "vec_scale", &s) || !(s >= 0 && s <= MOST))
			bad = "vec_scale";
	} else {
		to_floats(t, data, n, x);
		if (!all_usable(x, n))
			bad = "vec";
	}
	if (bad)
		return err_set(e, ERR_FORMAT, r->at, "record %llu has no usable '%s'", (unsigned long long)r->n, bad);
	memset(code, 0, VECTORS_MAX_DIM);
	*dim = n;
	*scale = (float)s;
	if (t == REC_I8)
		memcpy(code, data, n);
	else
		*scale = quantize(x, n, code);
	return 0;
}

/* ---- building ---- */

int vectors_put(struct vectors_builder *v, uint32_t chunk, const int8_t *code, float scale, struct err *e)
{
	uint32_t last = 0, bits;
	if (v->n_row)
		memcpy(&last, v->rows.data + v->rows.len - 4, 4);
	if (v->n_row && last >= chunk)
		return err_set(e, ERR_BUG, ERR_NO_OFFSET, "vectors out of order");
	memcpy(&bits, &scale, 4);
	buf_u32(&v->rows, chunk);
	buf_u32(&v->scales, bits);
	buf_add(&v->codes, code, v->dim);
	buf_zeros(&v->codes, vectors_stride(v->dim) - v->dim);
	v->n_row++;
	return v->rows.failed || v->scales.failed || v->codes.failed ? err_memory(e) : 0;
}

int vectors_write(struct vectors_builder *v, const char *path, uint64_t number, uint64_t segment, uint32_t n_chunk,
	uint64_t *pin, uint64_t *len, struct err *e)
{
	struct section_writer w = {0};
	struct buf meta = {0};
	buf_u64(&meta, segment);
	buf_u32(&meta, (uint32_t)v->n_row);
	buf_u32(&meta, (uint32_t)v->dim);
	buf_u32(&meta, n_chunk);
	buf_u32(&meta, 0);
	int r = meta.failed ? err_memory(e) : section_create(&w, path, VECTORS_KIND, number, e);
	if (!r)
		r = section_add(&w, SECT_META, meta.data, meta.len, e);
	if (!r)
		r = section_add(&w, SECT_ROWS, v->rows.data, v->rows.len, e);
	if (!r)
		r = section_add(&w, SECT_SCALES, v->scales.data, v->scales.len, e);
	if (!r)
		r = section_add(&w, SECT_CODES, v->codes.data, v->codes.len, e);
	if (!r)
		r = section_finish(&w, pin, len, e);
	section_abort(&w);
	buf_release(&meta);
	return r;
}

void vectors_release(struct vectors_builder *v)
{
	buf_release(&v->rows);
	buf_release(&v->scales);
	buf_release(&v->codes);
	*v = (struct vectors_builder){0};
}

/* ---- reading ---- */

int vectors_open(struct vectors *v, const char *path, struct err *e)
{
	struct section_view meta, rows, scales, codes;
	*v = (struct vectors){0};
	int r = section_open(&v->file, path, VECTORS_KIND, e);
	if (r)
		return r;
	if ((r = section_get(&v->file, SECT_META, &meta, e)) || (r = section_get(&v->file, SECT_ROWS, &rows, e)) ||
	    (r = section_get(&v->file, SECT_SCALES, &scales, e)) || (r = section_get(&v->file, SECT_CODES, &codes, e)) ||
	    (r = section_check(&v->file, meta.p, meta.len, e)))
		goto fail;
	struct cursor c = cursor_of(meta.p, meta.len);
	v->segment = cursor_u64(&c);
	v->n_row = cursor_u32(&c);
	v->dim = cursor_u32(&c);
	v->n_chunk = cursor_u32(&c);
	v->stride = vectors_stride(v->dim);
	if (!cursor_ok(&c) || meta.len != META_LEN || v->dim == 0 || v->dim > VECTORS_MAX_DIM || v->n_row > v->n_chunk ||
	    rows.len != (uint64_t)v->n_row * 4 || scales.len != rows.len || codes.len != (uint64_t)v->n_row * v->stride) {
		r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' has sections that contradict its counts", path);
		goto fail;
	}
	v->row = (const uint32_t *)(const void *)rows.p;
	v->scale = (const float *)(const void *)scales.p;
	v->code = (const int8_t *)codes.p;
	return 0;
fail:
	vectors_close(v);
	return r;
}

void vectors_close(struct vectors *v)
{
	section_close(&v->file);
	*v = (struct vectors){0};
}

static int check_order(const struct vectors *v, struct err *e)
{
	for (uint32_t i = 0; i < v->n_row; i++)
		if (v->row[i] >= v->n_chunk || (i && v->row[i] <= v->row[i - 1]))
			return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' names chunks out of order", v->file.path);
	return 0;
}

int vectors_check(struct vectors *v, struct err *e)
{
	int r = v->checked ? 0 : section_verify(&v->file, e);
	if (!r && !v->checked)
		r = check_order(v, e);
	v->checked = !r;
	return r;
}

int vectors_check_rows(struct vectors *v, struct err *e)
{
	int r = section_check(&v->file, v->row, v->n_row * sizeof *v->row, e);
	return r ? r : check_order(v, e);
}
