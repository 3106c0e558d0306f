/* SPDX-License-Identifier: Apache-2.0
 *
 * cost: measuring V(b), and its file: one line of eight numbers. See cost.h.
 */
#include "generate/cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"

#define ROUNDS 3		/* the least of these counts: noise only ever adds */
#define ALL 0.25		/* weight of a step seen while generating, on all costs: most of a change is the whole machine's */
#define OWN 0.0625		/* and on that of its length besides, */
#define NEAR 0.15		/* if it differs by no more than this: else it says nothing about lengths */

static int cost_path(struct buf *path, const struct model *m, int n_thread, struct err *e)
{
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(pack_id(m->pack), HASH_ID_LEN, hex);
	int r = io_dir(path, IO_DIR_CACHE, "costs", e);
	if (!r)
		r = io_mkdirs(path->data, e);
	if (!r && buf_printf(path, "/%s-%s-%d", hex, m->kern->name, n_thread))
		r = err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
	return r;
}

bool cost_load(const struct model *m, int n_thread, double ms[COST_N])
{
	struct buf path = {0}, text = {0};
	bool ok = !cost_path(&path, m, n_thread, NULL) && !io_read_file(&text, path.data, 4096, NULL) && text.len;
	char *at = text.data;
	for (int b = 1; ok && b < COST_N; b++) {
		char *end;
		ms[b] = strtod(at, &end);
		ok = end != at && ms[b] > 0 && ms[b] < 1e6;
		at = end;
	}
	buf_release(&path);
	buf_release(&text);
	return ok;
}

int cost_measure(const struct model *m, struct session *s, int n_thread, double ms[COST_N], struct err *e)
{
	struct buf path = {0}, text = {0};
	size_t len = session_len(s);
	int32_t tok[SESSION_MAX_BATCH];
	int r = 0;
	for (int i = 0; i < SESSION_MAX_BATCH; i++)
		tok[i] = (int32_t)((size_t)(i * 37 + 11) % m->arch.n_vocab);
	for (int round = 0; !r && round < ROUNDS; round++)
		for (size_t b = 1; !r && b < COST_N; b++) {
			uint64_t t0 = io_now_ns();
			r = session_eval(s, tok, b, b, e);
			double took = (double)(io_now_ns() - t0) / 1e6;
			session_rewind(s, len);
			if (!round || took < ms[b])
				ms[b] = took;
		}
	for (size_t b = 2; !r && b < COST_N; b++)
		ms[b] = ms[b] < ms[b - 1] ? ms[b - 1] : ms[b];
	for (size_t b = 1; !r && b < COST_N; b++)
		buf_printf(&text, "%.3f%c", ms[b], b + 1 < COST_N ? ' ' : '\n');
	if (!r && !text.failed && !cost_path(&path, m, n_thread, NULL))
		io_replace(path.data, text.data, text.len, 0600, NULL);	/* best effort */
	buf_release(&path);
	buf_release(&text);
	return r;
}

void cost_seen(double ms[COST_N], size_t b, double took)
{
	double r = took / ms[b];
	bool near = r > 1 - NEAR && r < 1 + NEAR;
	r = r < 0.5 ? 0.5 : r > 2 ? 2 : r;	/* a step during which the machine did something else */
	for (size_t i = 1; i < COST_N; i++)
		ms[i] *= 1 + (r - 1) * (i == b && near ? ALL + OWN : ALL);
	/* Lengths that are rarely tried must not look dearer than longer ones, nor cheaper than shorter ones. */
	for (size_t i = b; i > 1; i--)
		ms[i - 1] = ms[i - 1] > ms[i] ? ms[i] : ms[i - 1];
	for (size_t i = b + 1; i < COST_N; i++)
		ms[i] = ms[i] < ms[i - 1] ? ms[i - 1] : ms[i];
}
