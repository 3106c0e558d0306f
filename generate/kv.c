/* SPDX-License-Identifier: Apache-2.0
 *
 * kv: rounding to int8 and back.
 *
 * Scale d = max|x| / 127 as f16, code = round(x / d), clamped: rounding d down by half an ulp of f16 may ask for 127.06. A group
 * of zeros has d = 0. The error is at most d/2 = max|x| / 254 of its group, about a third of what the weights' own rounding costs.
 */
#include "generate/kv.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/cursor.h"
#include "lib/kern/quant.h"

static void *map_pages(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int kv_open(struct kv *kv, const struct arch *a, size_t n_ctx, struct err *e)
{
	size_t d = a->n_head_kv * a->d_head, rows, planes;
	*kv = (struct kv){ .n_layer = a->n_layer, .n_head_kv = a->n_head_kv, .d_head = a->d_head, .n_ctx = n_ctx, .n_rot = a->n_rot,
		.is_neox = a->is_neox };
	kv->row_len = 2 * d + 2 * sizeof(uint16_t) * (d / KV_GROUP);
	size_t whole = (n_ctx + ATTN_TILE - 1) / ATTN_TILE * ATTN_TILE;
	if (!size_mul(a->n_layer, n_ctx, &rows) || !size_mul(rows, kv->row_len, &kv->stored_bytes) ||
		!size_mul(whole, a->d_head, &kv->stride) || !size_mul(kv->stride, 2 * a->n_head_kv * a->n_layer, &planes) ||
		!size_mul(planes, sizeof *kv->live, &kv->live_bytes) || !(kv->stored = map_pages(kv->stored_bytes)) ||
		!(kv->live = map_pages(kv->live_bytes))) {
		kv_close(kv);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "no memory for the keys and values of %zu positions", n_ctx);
	}
	return 0;
}

void kv_close(struct kv *kv)
{
	if (kv->stored)
		munmap(kv->stored, kv->stored_bytes);
	if (kv->live)
		munmap(kv->live, kv->live_bytes);
	*kv = (struct kv){ 0 };
}

const uint16_t *kv_keys(const struct kv *kv, size_t layer)
{
	return kv->live + layer * 2 * kv->n_head_kv * kv->stride;
}

const uint16_t *kv_values(const struct kv *kv, size_t layer)
{
	return kv->live + (layer * 2 + 1) * kv->n_head_kv * kv->stride;
}

uint8_t *kv_rows(const struct kv *kv, size_t layer, size_t pos)
{
	return kv->stored + (layer * kv->n_ctx + pos) * kv->row_len;
}

static void round_group(const float *x, int8_t *code, uint8_t *scale)
{
	float top = 0;
	for (int i = 0; i < KV_GROUP; i++) {
		float v = fabsf(x[i]);
		top = v > top ? v : top;
	}
	float d = top / 127.0f;
	uint16_t h = quant_to_f16(d < 65504.0f ? d : 65504.0f);
	d = quant_f16(h);
	memcpy(scale, &h, sizeof h);
	for (int i = 0; i < KV_GROUP; i++) {
		float q = d > 0 ? x[i] / d : 0;
		q = q > 127 ? 127 : q < -127 ? -127 : q == q ? q : 0;
		code[i] = (int8_t)lrintf(q);
	}
}

void kv_round(struct kv *kv, size_t layer, size_t pos, const float *k, const float *v)
{
	size_t d = kv->n_head_kv * kv->d_head, n = d / KV_GROUP;
	uint8_t *row = kv_rows(kv, layer, pos), *scale = row + 2 * d;
	for (size_t g = 0; g < n; g++) {
		round_group(k + g * KV_GROUP, (int8_t *)row + g * KV_GROUP, scale + 2 * g);
		round_group(v + g * KV_GROUP, (int8_t *)row + d + g * KV_GROUP, scale + 2 * (n + g));
	}
}

static void widen(const int8_t *code, const uint8_t *scale, size_t n, float *y)
{
	for (size_t g = 0; g < n; g++) {
		uint16_t h;
		memcpy(&h, scale + 2 * g, sizeof h);
		float d = quant_f16(h);
		for (int i = 0; i < KV_GROUP; i++)
			y[g * KV_GROUP + (size_t)i] = d * (float)code[g * KV_GROUP + (size_t)i];
	}
}

void kv_expand(struct kv *kv, const struct kern *kern, size_t layer, size_t pos, const float *bias, const float *cos, const float *sin)
{
	size_t d = kv->n_head_kv * kv->d_head, dh = kv->d_head, n = dh / KV_GROUP;
	const uint8_t *row = kv_rows(kv, layer, pos), *scale = row + 2 * d;
	for (size_t h = 0; h < kv->n_head_kv; h++) {
		float k[ARCH_MAX_D_HEAD], v[ARCH_MAX_D_HEAD];
		widen((const int8_t *)row + h * dh, scale + 2 * h * n, n, k);
		widen((const int8_t *)row + d + h * dh, scale + 2 * (d / KV_GROUP + h * n), n, v);
		if (bias)
			kern->add(bias + h * dh, dh, k);
		kern->rope(k, 1, dh, cos, sin, kv->n_rot / 2, !kv->is_neox);
		uint16_t *planes = kv->live + layer * 2 * kv->n_head_kv * kv->stride;
		kern->kv_put(k, v, dh, pos, planes + h * kv->stride, planes + (kv->n_head_kv + h) * kv->stride);
	}
}
