/* SPDX-License-Identifier: Apache-2.0
 *
 * popular: every (block, chunk) is an entry of 1 + hits; sorted by id and added up.
 */
#include "generate/popular.h"

#include <stdlib.h>
#include <string.h>

#include "generate/walk.h"
#include "lib/base/grow.h"

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct popular_chunk *)a)->id, ((const struct popular_chunk *)b)->id, HASH_ID_LEN);
}

static int take(void *arg, const char *path, const struct block *b, const struct err *why)
{
	struct popular *p = arg;
	(void)path;
	(void)why;
	for (uint32_t i = 0; b && i < b->n_origin; i++) {
		void *grown = grow(p->chunk, p->n, &p->cap, sizeof *p->chunk);
		if (!grown)
			return ERR_MEM;
		p->chunk = grown;
		memcpy(p->chunk[p->n].id, b->origin[i], HASH_ID_LEN);
		p->chunk[p->n++].uses = block_uses(b);
	}
	return 0;
}

int popular_load(struct popular *p, const char *dir, struct err *e)
{
	*p = (struct popular){ 0 };
	int r = walk_store(dir, take, p, e);
	if (r) {
		popular_release(p);
		return r == ERR_MEM ? err_memory(e) : r;
	}
	if (p->n)
		qsort(p->chunk, p->n, sizeof *p->chunk, by_id);
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (n && !by_id(&p->chunk[n - 1], &p->chunk[i]))
			p->chunk[n - 1].uses += p->chunk[i].uses;
		else
			p->chunk[n++] = p->chunk[i];
	}
	p->n = n;
	return 0;
}

void popular_release(struct popular *p)
{
	free(p->chunk);
	*p = (struct popular){ 0 };
}

uint64_t popular_uses(const struct popular *p, const uint8_t id[HASH_ID_LEN])
{
	struct popular_chunk key;
	memcpy(key.id, id, HASH_ID_LEN);
	const struct popular_chunk *c = p->n ? bsearch(&key, p->chunk, p->n, sizeof *p->chunk, by_id) : NULL;
	return c ? c->uses : 0;
}
