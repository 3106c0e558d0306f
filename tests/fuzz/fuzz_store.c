/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_store: any bytes as the sections of a segment and of its vectors, entered in a manifest, as only somebody else can have made them:
 * the index is searched, verified, written to and merged.
 *
 *	[n u16][n bytes] of each section, those of the segment first; [n u8][n bytes] documents that are removed; the question
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/layout.h"
#include "index/writer.h"
#include "lib/base/cursor.h"
#include "retrieve/find.h"
#include "tests/fuzz/file.h"

#define N_VECTOR_SECT 4u
#define COPIES 4096u	/* documents times chunks: a document may claim all chunks, and be merged with them */

static const char *dir;
static char path[3][96];	/* of manifest, segment, vectors */

/* A file of the next n sections; their first eight bytes. */
static uint64_t put_file(struct cursor *c, const char *file, uint32_t kind, uint64_t number, uint32_t n, uint64_t *pin, uint64_t *len)
{
	struct section_writer w;
	uint64_t counts = 0;
	if (section_create(&w, file, kind, number, NULL))
		abort();
	for (uint32_t id = 1; id <= n; id++) {
		size_t k = cursor_u16(c);
		k = k < cursor_left(c) ? k : cursor_left(c);
		const void *p = cursor_take(c, k);
		if (p && id == SECT_META && k >= sizeof counts)
			memcpy(&counts, p, sizeof counts);
		if (section_add(&w, id, p ? p : "", p ? k : 0, NULL))
			abort();
	}
	if (section_finish(&w, pin, len, NULL))
		abort();
	return counts;
}

/* False if the counts make no index. */
static bool put_index(struct cursor *c)
{
	struct manifest m = { .next = 3 };
	struct manifest_layer l = { .number = 2 };
	struct manifest_segment *s = manifest_add(&m);
	s->number = 1;
	uint64_t counts = put_file(c, path[1], SEGMENT_KIND, 1, SECT_LENS, &s->pin, &s->len);
	s->n_doc = (uint32_t)counts;
	s->n_chunk = (uint32_t)(counts >> 32);
	put_file(c, path[2], VECTORS_KIND, 2, N_VECTOR_SECT, &l.pin, &l.len);
	struct vectors v;
	if (!vectors_open(&v, path[2], NULL)) {
		l.n_row = v.n_row;
		m.dim = (uint32_t)v.dim;
		vectors_close(&v);
		manifest_add_layer(s, &l);
	}
	for (uint8_t n = cursor_u8(c); n && s->n_doc; n--)
		manifest_kill(s, cursor_u8(c) % s->n_doc);
	bool ok = !manifest_write(&m, dir, NULL);
	manifest_release(&m);
	return ok;
}

static void search(const char *question, size_t n)
{
	_Alignas(64) static const int8_t code[VECTORS_MAX_DIM] = { 127, 1 };
	struct finder f;
	struct find_hit hit[4];
	struct err e = {0};
	size_t n_hit;
	if (finder_open(&f, dir, &(struct find_filter){0}, scan_select(NULL, NULL), &e))
		return;
	const struct find_query q = { .text = question, .text_len = n, .code = code, .dim = f.store.m.dim, .scale = 1, .lexical = true,
		.dense = true, .n = 4 };
	if (!finder_run(&f, &q, hit, &n_hit, &e))
		for (size_t i = 0; i < n_hit; i++) {
			struct segment_chunk c;
			struct segment_doc d;
			segment_get_chunk(&f.store.seg[hit[i].i_seg].seg, hit[i].chunk, &c, &e);
			segment_get_doc(&f.store.seg[hit[i].i_seg].seg, hit[i].doc, &d, &e);
		}
	store_verify(&f.store, &e);
	finder_close(&f);
}

static void change(void)
{
	static const int8_t code[VECTORS_MAX_DIM];
	struct writer *w;
	struct segment_doc d;
	struct err e = {0};
	bool known;
	if (writer_open(&w, dir, false, 0, &e))
		return;
	struct store *s = writer_store(w);
	uint8_t id[HASH_ID_LEN] = {0};
	if (s->n_all_chunk && s->m.dim && !segment_get_id(&s->seg[0].seg, 0, id, &e))
		writer_vector(w, id, code, s->m.dim, 1, &known, &e);
	if (s->n_all_doc && !segment_get_doc(&s->seg[0].seg, 0, &d, &e))
		writer_remove(w, d.doc.s, d.doc.n, &known, &e);
	if (s->n_all_doc * s->n_all_chunk < COPIES)
		writer_merge(w, MERGE_ALL, &e);
	writer_close(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const name[] = { "manifest", "0000000000000001.seg", "0000000000000002.vec" };
	struct cursor c = cursor_of(p, n);
	dir = fuzz_dir();
	for (size_t i = 0; i < 3; i++)
		snprintf(path[i], sizeof path[i], "%s/%s", dir, name[i]);
	if (put_index(&c)) {
		search((const char *)p + c.at, c.bad ? 0 : n - c.at);
		change();
	}
	fuzz_dir_remove(dir);
	return 0;
}
