/* SPDX-License-Identifier: Apache-2.0
 *
 * kv: rounding to int8 and back.
 *
 * A group's scale and codes are kern.h's kv_round. The error is at most d/2 = max|x| / 254 of its group, about a third of what the
 * weights' own rounding costs.
 */
#include "generate/kv.h"

#include <sys/mman.h>

#include "lib/base/cursor.h"

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
	size_t n_tile = (n_ctx + ATTN_TILE - 1) / ATTN_TILE;
	if (!size_mul(a->n_layer, n_ctx, &rows) || !size_mul(rows, kv->row_len, &kv->stored_bytes) ||
		!size_mul(n_tile, attn_tile_len(a->d_head), &kv->stride) || !size_mul(kv->stride, 2 * a->n_head_kv * a->n_layer, &planes) ||
		!size_mul(planes, sizeof *kv->live, &kv->live_bytes) || !(kv->stored = map_pages(kv->stored_bytes)) ||
		!(kv->live = map_pages(kv->live_bytes))) {
		kv_close(kv);
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "no memory for the keys and values of %zu positions", n_ctx);
	}
	(void)madvise(kv->stored, kv->stored_bytes, MADV_HUGEPAGE);	/* filled from the front: large pages waste nothing */
	return 0;
}

/* The live planes are all filled at once. Large pages give them their whole memory, which is waste for a short prompt; for a long
 * one, a page fault for 4 KiB of 117 MB each costs more than clearing it all (1.5B, 4,096 positions). */
void kv_expect(struct kv *kv, size_t n)
{
	if (kv->is_large || n < kv->n_ctx / 4)
		return;
	(void)madvise(kv->live, kv->live_bytes, MADV_HUGEPAGE);
	kv->is_large = true;
}

void kv_close(struct kv *kv)
{
	if (kv->stored)
		munmap(kv->stored, kv->stored_bytes);
	if (kv->live)
		munmap(kv->live, kv->live_bytes);
	*kv = (struct kv){ 0 };
}

const int16_t *kv_keys(const struct kv *kv, size_t layer)
{
	return kv->live + layer * 2 * kv->n_head_kv * kv->stride;
}

const int16_t *kv_values(const struct kv *kv, size_t layer)
{
	return kv->live + (layer * 2 + 1) * kv->n_head_kv * kv->stride;
}

size_t kv_token_len(const struct kv *kv)
{
	return kv->n_layer * kv->row_len;
}

uint8_t *kv_state(const struct kv *kv, size_t pos)
{
	return kv->stored + pos * kv->n_layer * kv->row_len;
}

static uint8_t *row_of(const struct kv *kv, size_t layer, size_t pos)
{
	return kv_state(kv, pos) + layer * kv->row_len;
}

void kv_round(struct kv *kv, const struct kern *kern, size_t layer, size_t pos, const float *k, const float *v)
{
	size_t d = kv->n_head_kv * kv->d_head;
	uint8_t *row = row_of(kv, layer, pos), *scale = row + 2 * d;
	kern->kv_round(k, d, (int8_t *)row, scale);
	kern->kv_round(v, d, (int8_t *)row + d, scale + d / KV_GROUP * 2);
}

void kv_expand(struct kv *kv, const struct kern *kern, size_t layer, size_t pos, const float *bias, const float *cos, const float *sin)
{
	size_t d = kv->n_head_kv * kv->d_head, dh = kv->d_head, n = dh / KV_GROUP;
	const uint8_t *row = row_of(kv, layer, pos), *scale = row + 2 * d;
	for (size_t h = 0; h < kv->n_head_kv; h++) {
		float k[ARCH_MAX_D_HEAD], v[ARCH_MAX_D_HEAD];
		kern->kv_widen((const int8_t *)row + h * dh, scale + 2 * h * n, dh, k);
		kern->kv_widen((const int8_t *)row + d + h * dh, scale + 2 * (d / KV_GROUP + h * n), dh, v);
		if (bias)
			kern->add(bias + h * dh, dh, k);
		kern->rope(k, 1, dh, cos, sin, kv->n_rot / 2, !kv->is_neox);
		int16_t *planes = kv->live + layer * 2 * kv->n_head_kv * kv->stride;
		kern->kv_put(k, v, dh, pos, planes + h * kv->stride, planes + (kv->n_head_kv + h) * kv->stride);
	}
}
