/* SPDX-License-Identifier: Apache-2.0
 *
 * gone: two lists, sorted and compared before they are committed. A chunk of a document that was replaced has its old id if its
 * text is the old one.
 */
#include "index/gone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int gone_left(struct gone *g, const uint8_t id[HASH_ID_LEN])
{
	return buf_add(&g->out, id, HASH_ID_LEN) ? ERR_MEM : 0;
}

int gone_came(struct gone *g, const uint8_t id[HASH_ID_LEN])
{
	return g->out.len && buf_add(&g->in, id, HASH_ID_LEN) ? ERR_MEM : 0;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, HASH_ID_LEN);
}

int gone_print(struct gone *g, struct err *e)
{
	size_t n = g->in.len / HASH_ID_LEN;
	char hex[2 * HASH_ID_LEN + 1];
	errno = 0;
	if (n)
		qsort(g->in.data, n, HASH_ID_LEN, by_id);
	for (size_t at = 0; at < g->out.len; at += HASH_ID_LEN) {
		const uint8_t *id = (const uint8_t *)g->out.data + at;
		if (n && bsearch(id, g->in.data, n, HASH_ID_LEN, by_id))
			continue;
		hash_hex(id, HASH_ID_LEN, hex);
		fprintf(g->to, "%s\n", hex);
	}
	buf_clear(&g->out);
	buf_clear(&g->in);
	if (fflush(g->to) == 0 && !ferror(g->to))
		return 0;
	bool left = errno == EPIPE;
	err_sys(left ? &g->unheard : e, ERR_IO, "cannot write to standard output");
	return left ? 0 : ERR_IO;
}

void gone_release(struct gone *g)
{
	buf_release(&g->out);
	buf_release(&g->in);
}
