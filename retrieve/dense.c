/* SPDX-License-Identifier: Apache-2.0
 *
 * dense: one pass over the codes of every layer; see dense.h.
 */
#include "retrieve/dense.h"

#include <stdlib.h>

static void scan_layer(const struct vectors *v, scan_fn scan, const int8_t *code, float scale, float *cos)
{
	int32_t dot[256];
	for (uint32_t i = 0; i < v->n_row; i += 256) {
		uint32_t n = v->n_row - i < 256 ? v->n_row - i : 256;
		scan(v->code + (size_t)i * v->stride, n, v->stride, code, dot);
		for (uint32_t k = 0; k < n; k++)
			cos[v->row[i + k]] = (float)dot[k] * (v->scale[i + k] * scale);
	}
}

static void take_mean(struct dense *d)
{
	double sum = 0;
	for (size_t i = 0; i < d->n_chunk; i++)
		if (d->cos[i] > DENSE_NONE) {
			sum += (double)d->cos[i];
			d->n_row++;
		}
	d->mean = (float)(sum / (d->n_row ? (double)d->n_row : 1));
}

int dense_check(const struct store *s, size_t dim, struct err *e)
{
	if (!s->n_row || s->m.dim == dim)
		return 0;
	return err_set(e, ERR_CONF, ERR_NO_OFFSET, "the question has a vector of %zu dimensions, the index of %u", dim, s->m.dim);
}

int dense_is_complete(struct store *s, bool *is, struct err *e)
{
	uint64_t n_row = s->n_row;
	for (size_t i = 0; i < s->m.n_segment; i++) {
		struct store_segment *g = &s->seg[i];
		const struct segment_len *len;
		uint8_t *has;
		if (!g->m->n_dead)
			continue;
		int r = segment_get_lens(&g->seg, &len, e);
		r = r ? r : store_has_vectors(s, i, &has, e);
		if (r)
			return r;
		for (uint32_t k = 0; k < g->m->n_chunk; k++)
			n_row -= has[k] && g->dead[len[k].doc];
		free(has);
	}
	*is = n_row >= s->n_chunk - s->n_chunk / 10;
	return 0;
}

static int leave_out_dead(struct store_segment *g, float *cos, struct err *e)
{
	const struct segment_len *len;
	if (!g->m->n_dead)
		return 0;
	int r = segment_get_lens(&g->seg, &len, e);
	for (uint32_t k = 0; !r && k < g->m->n_chunk; k++)
		if (g->dead[len[k].doc])
			cos[k] = DENSE_NONE;
	return r;
}

int dense_run(struct dense *d, struct store *s, scan_fn scan, const int8_t *code, size_t dim, float scale, struct err *e)
{
	*d = (struct dense){0};
	int r = dense_check(s, dim, e);
	if (r)
		return r;
	d->n_chunk = s->n_all_chunk;
	d->cos = malloc((d->n_chunk + 1) * sizeof *d->cos);
	if (!d->cos)
		return err_memory(e);
	for (size_t i = 0; i < d->n_chunk; i++)
		d->cos[i] = DENSE_NONE;
	for (size_t i = 0; !r && i < s->m.n_segment; i++) {
		struct store_segment *g = &s->seg[i];
		float *cos = d->cos + g->first_chunk;
		for (size_t k = 0; !r && k < g->m->n_layer; k++) {
			r = vectors_check(&g->layer[k], e);
			if (!r)
				scan_layer(&g->layer[k], scan, code, scale, cos);
		}
		if (!r)
			r = leave_out_dead(g, cos, e);
	}
	if (r)
		dense_release(d);
	else
		take_mean(d);
	return r;
}

void dense_release(struct dense *d)
{
	free(d->cos);
	*d = (struct dense){0};
}
