/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_write: from a GGUF to a pack. The plan comes first (a line a section, with places and lengths), then the sections are made
 * and written in order, 8 MiB at a time (large writes give large folios, which map cheaply), then the table, and the header last.
 * What was written is compared with its checksums through a fresh mapping before the file gets its name.
 */
#include "lib/model/pack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/io.h"
#include "lib/base/pool.h"
#include "lib/model/gguf.h"
#include "lib/model/pack_file.h"
#include "lib/model/screen.h"

struct line {
	struct pack_sect s;
	const struct tensor *t;		/* source of a vector or matrix */
	const struct buf *part;		/* source of a part */
};

struct writer {
	struct aside file;
	uint64_t at, total;
	struct line *line;
	size_t n_line;
	uint8_t *piece;			/* [PACK_PIECE], a piece of a section, for its checksum */
	size_t piece_len;
	uint8_t *out;			/* [PACK_PIECE], a piece of the file, for writing */
	size_t out_len;
	uint64_t sum;			/* of the section being written, so far */
	const struct pack_maker *mk;
	struct err *e;
};

/* ---- the plan ---- */

/* Ids of byte-level BPE are ordered by merge rank, so the first rows are the most frequent tokens. Measured: docs/speculation.md. */
const struct pack_thin pack_thin_draft = { .what = PACK_THIN_ATT | PACK_THIN_FF | PACK_THIN_HEAD, .n_head = 65536 };

/* Type and rows that a compact pack gives a matrix. */
static void make_thin(struct pack_sect *s, const struct pack_thin *thin)
{
	bool is_head = !strcmp(s->name, "output.weight"), is_body = !strncmp(s->name, "blk.", 4);
	unsigned what = is_head ? PACK_THIN_HEAD : !is_body ? 0 : strstr(s->name, ".attn_") ? PACK_THIN_ATT : PACK_THIN_FF;
	if (thin->what & what && w16_bits(s->type) != 4 && s->n_col % 32 == 0)
		s->type = QUANT_Q4_0;
	if (is_head && s->n_row > thin->n_head)
		s->n_row = thin->n_head;
}

static int plan_tensor(struct line *l, const struct tensor *t, const struct pack_thin *thin, struct err *e)
{
	uint64_t n_row = t->ne[1] * t->ne[2] * t->ne[3];
	size_t tile = w16_tile_len(t->type, t->ne[0]), len;
	if (!*t->name || strlen(t->name) >= PACK_NAME)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "tensor name '%.80s' is empty or longer than %u bytes", t->name, PACK_NAME - 1);
	if (!strcmp(t->name, PACK_SCREEN_COPY) || !strcmp(t->name, PACK_SCREEN_SLACK))
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "a tensor has the name '%s', which packs keep for themselves", t->name);
	if (!tile || n_row > UINT32_MAX)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "tensor '%s' has a shape that cannot be packed", t->name);
	l->t = t;
	l->s = (struct pack_sect){ .name = t->name, .n_row = (uint32_t)n_row, .n_col = (uint32_t)t->ne[0] };
	if (n_row == 1) {
		l->s.kind = PACK_VEC;
		l->s.type = QUANT_F32;
		l->s.len = t->ne[0] * 4;
		return 0;
	}
	l->s.kind = PACK_MAT;
	l->s.type = t->type;
	if (thin) {
		make_thin(&l->s, thin);
		n_row = l->s.n_row;
		tile = w16_tile_len(l->s.type, l->s.n_col);
	}
	if (!size_mul(tile, (n_row + W16_ROWS - 1) / W16_ROWS, &len))
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "tensor '%s' is too large", t->name);
	l->s.len = len;
	return 0;
}

/* Parts, then vectors, then matrices; within a kind as the model file has them, which is nearly the order of use. */
static int by_kind(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (x->s.kind != y->s.kind)
		return x->s.kind < y->s.kind ? -1 : 1;
	return x->t != y->t ? (x->t < y->t ? -1 : 1) : strcmp(x->s.name, y->s.name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->s.name, ((const struct line *)b)->s.name);
}

/* Two lines more if the vocabulary head is Q8_0. */
static void plan_screen(struct writer *w, const struct gguf *g)
{
	const struct line *head = NULL;
	for (size_t i = w->n_line - gguf_n_tensor(g); i < w->n_line; i++)
		if (!strcmp(w->line[i].s.name, "output.weight") || (!head && !strcmp(w->line[i].s.name, "token_embd.weight")))
			head = &w->line[i];
	if (!head || head->s.kind != PACK_MAT || head->s.type != QUANT_Q8_0)
		return;
	struct line copy = { .s = head->s, .t = head->t }, slack = copy;
	copy.s.name = PACK_SCREEN_COPY;
	copy.s.type = QUANT_Q5_0;
	copy.s.len = w16_tile_len(QUANT_Q5_0, head->s.n_col) * (head->s.len / w16_tile_len(QUANT_Q8_0, head->s.n_col));
	slack.s = (struct pack_sect){ .name = PACK_SCREEN_SLACK, .kind = PACK_VEC, .type = QUANT_F32, .n_row = 1, .n_col = head->s.n_row,
		.len = (uint64_t)head->s.n_row * 4 };
	w->line[w->n_line++] = copy;
	w->line[w->n_line++] = slack;
}

static int plan(struct writer *w, const struct gguf *g, const struct pack_parts *parts)
{
	w->line = calloc(gguf_n_tensor(g) + parts->n + 2, sizeof *w->line);
	w->piece = malloc(PACK_PIECE);
	w->out = malloc(PACK_PIECE);
	if (!w->line || !w->piece || !w->out)
		return err_memory(w->e);
	for (size_t i = 0; i < parts->n; i++) {
		struct line *l = &w->line[w->n_line++];
		if (!*parts->part[i].name || strlen(parts->part[i].name) >= PACK_NAME)
			return err_set(w->e, ERR_BUG, ERR_NO_OFFSET, "part %zu has no usable name", i);
		l->part = &parts->part[i].data;
		l->s = (struct pack_sect){ .name = parts->part[i].name, .kind = PACK_PART, .len = l->part->len };
	}
	for (size_t i = 0; i < gguf_n_tensor(g); i++) {
		int r = plan_tensor(&w->line[w->n_line++], gguf_tensor_at(g, i), w->mk->thin, w->e);
		if (r) {
			err_wrap(w->e, "cannot pack '%s'", gguf_path(g));
			return r;
		}
	}
	plan_screen(w, g);
	qsort(w->line, w->n_line, sizeof *w->line, by_kind);
	uint64_t at = PACK_HEADER;
	for (size_t i = 0; i < w->n_line; i++) {
		w->line[i].s.at = at;
		at = (at + w->line[i].s.len + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
	}
	w->total = at;
	return 0;
}

/* ---- writing ---- */

/* Writes what has been gathered. All writes but the last are PACK_PIECE long and at multiples of it: only then does the page cache
 * hold the file in 2 MiB pages, without which a step reads its weights a third slower (21 against 30 GB/s, one thread, Zen 4). */
static int drain(struct writer *w)
{
	int r = io_write(w->file.fd, w->out, w->out_len, w->file.path, w->e);
	w->out_len = 0;
	return r;
}

/* Adds p[0..n) to the `len` bytes in piece[PACK_PIECE], and empties that with `full` whenever it is full. */
static int gather(struct writer *w, uint8_t *piece, size_t *len, const void *p, size_t n, int (*full)(struct writer *))
{
	const char *s = p;
	int r = 0;
	while (n && !r) {
		size_t room = PACK_PIECE - *len, m = n < room ? n : room;
		memcpy(piece + *len, s, m);
		*len += m;
		s += m;
		n -= m;
		if (*len == PACK_PIECE)
			r = full(w);
	}
	return r;
}

static int append(struct writer *w, const void *p, size_t n)
{
	return gather(w, w->out, &w->out_len, p, n, drain);
}

static int flush(struct writer *w)
{
	w->sum = pack_sum(w->sum, w->piece, w->piece_len);
	int r = append(w, w->piece, w->piece_len);
	w->at += w->piece_len;
	w->piece_len = 0;
	if (!r && w->mk->progress)
		w->mk->progress(w->mk->arg, w->at, w->total);
	return r;
}

static int put(struct writer *w, const void *p, size_t n)
{
	return gather(w, w->piece, &w->piece_len, p, n, flush);
}

static int put_zeros_to(struct writer *w, uint64_t at)
{
	static const char zero[PACK_ALIGN];
	int r = 0;
	while (!r && w->at < at) {
		size_t n = at - w->at < sizeof zero ? (size_t)(at - w->at) : sizeof zero;
		r = append(w, zero, n);
		w->at += n;
	}
	return r;
}

static int not_finite(struct writer *w, const struct tensor *t)
{
	return err_set(w->e, ERR_FORMAT, ERR_NO_OFFSET, "a value of tensor '%s' is not finite", t->name);
}

static int put_vec(struct writer *w, const struct tensor *t)
{
	float y[1024];
	const struct quant_info *q = quant_info(t->type);
	int r = quant_is_finite(t->type, t->data, t->ne[0]) ? 0 : not_finite(w, t);
	for (size_t i = 0; i < t->ne[0] && !r; i += 1024) {
		size_t n = t->ne[0] - i < 1024 ? (size_t)t->ne[0] - i : 1024;
		quant_row(t->type, (const char *)t->data + i / q->n_block * q->block_len, n, y);
		r = put(w, y, n * sizeof *y);
	}
	return r;
}

struct slacks {
	const struct tensor *t;
	float *slack;		/* [rows] */
	uint8_t *copy;		/* [threads][copy_len]: of no use here */
	size_t copy_len;
};

static void find_slacks(void *arg, size_t from, size_t to, int i_thread)
{
	const struct slacks *j = arg;
	size_t n_col = j->t->ne[0];
	for (size_t i = from; i < to; i++)
		j->slack[i] = screen_row((const char *)j->t->data + i * (n_col / 32 * 34), n_col, j->copy + (size_t)i_thread * j->copy_len);
}

static int put_slack(struct writer *w, const struct line *l)
{
	struct slacks j = { .t = l->t, .slack = malloc(l->s.len), .copy_len = l->t->ne[0] / 32 * 22 };
	j.copy = malloc(j.copy_len * (size_t)pool_threads(w->mk->pool));
	int r = j.slack && j.copy ? 0 : err_memory(w->e);
	if (!r) {
		pool_run(w->mk->pool, l->s.n_col, 256, find_slacks, &j);
		r = put(w, j.slack, l->s.len);
	}
	free(j.slack);
	free(j.copy);
	return r;
}

struct tiles {
	const struct line *l;
	size_t first, tile_len;
	uint8_t *out;
	uint8_t *scratch;	/* [threads][scratch_len]: a row as float32, 16 rows rounded; NULL when the type is kept */
	size_t scratch_len;
	atomic_bool is_bad;	/* some value is not finite */
};

/* Rounds n rows of a tensor to Q4_0 (compact packs) or from Q8_0 to Q5_0 (the copy of a head). Returns where they are. */
static const void *round_rows(const struct tiles *j, size_t row, size_t n, int i_thread)
{
	const struct tensor *t = j->l->t;
	const struct quant_info *q = quant_info(t->type);
	size_t n_col = j->l->s.n_col, row_len = n_col / q->n_block * q->block_len, new_len = n_col / 32 * quant_info(j->l->s.type)->block_len;
	float *y = (float *)(void *)(j->scratch + (size_t)i_thread * j->scratch_len);
	uint8_t *rows = (uint8_t *)(y + n_col);
	for (size_t i = 0; i < n; i++) {
		const char *src = (const char *)t->data + (row + i) * row_len;
		if (j->l->s.type == QUANT_Q5_0) {
			screen_row(src, n_col, rows + i * new_len);
			continue;
		}
		quant_row(t->type, src, n_col, y);
		quant_to_q4_0(y, n_col, rows + i * new_len);
	}
	return rows;
}

static void make_tiles(void *arg, size_t from, size_t to, int i_thread)
{
	struct tiles *j = arg;
	const struct pack_sect *s = &j->l->s;
	const struct tensor *t = j->l->t;
	const struct quant_info *q = quant_info(s->type), *q_file = quant_info(t->type);
	size_t row_len = (size_t)s->n_col / q->n_block * q->block_len, file_len = (size_t)s->n_col / q_file->n_block * q_file->block_len;
	for (size_t i = from; i < to; i++) {
		size_t row = (j->first + i) * W16_ROWS, n = s->n_row - row < W16_ROWS ? s->n_row - row : W16_ROWS;
		const void *src = (const char *)t->data + row * file_len;
		if (!quant_is_finite(t->type, src, n * s->n_col))
			j->is_bad = true;
		if (j->scratch)
			src = round_rows(j, row, n, i_thread);
		w16_pack_tile(s->type, src, row_len, n, s->n_col, j->out + i * j->tile_len);
	}
}

/* Batches of tiles that fill about one piece. */
static int put_mat(struct writer *w, const struct line *l)
{
	size_t tile = w16_tile_len(l->s.type, l->s.n_col), n = (size_t)(l->s.len / tile), batch = PACK_PIECE / tile + 1;
	struct tiles j = { .l = l, .tile_len = tile, .out = aligned_alloc(64, batch * tile) };
	if (j.out && l->s.type != l->t->type) {
		j.scratch_len = ((size_t)l->s.n_col * 4 + (size_t)l->s.n_col / 32 * quant_info(l->s.type)->block_len * W16_ROWS + 63) / 64 * 64;
		j.scratch = aligned_alloc(64, j.scratch_len * (size_t)pool_threads(w->mk->pool));
	}
	if (!j.out || (l->s.type != l->t->type && !j.scratch)) {
		free(j.out);
		return err_memory(w->e);
	}
	int r = 0;
	for (; j.first < n && !r; j.first += batch) {
		size_t m = n - j.first < batch ? n - j.first : batch;
		pool_run(w->mk->pool, m, 4, make_tiles, &j);
		r = j.is_bad ? not_finite(w, l->t) : put(w, j.out, m * tile);
	}
	free(j.scratch);
	free(j.out);
	return r;
}

static int put_section(struct writer *w, struct line *l)
{
	int r = put_zeros_to(w, l->s.at);
	w->sum = 0;
	if (r)
		return r;
	switch (l->s.kind) {
	case PACK_PART: r = put(w, l->part->data, l->part->len); break;
	case PACK_VEC: r = strcmp(l->s.name, PACK_SCREEN_SLACK) ? put_vec(w, l->t) : put_slack(w, l); break;
	default: r = put_mat(w, l); break;
	}
	if (!r && w->piece_len)
		r = flush(w);
	l->s.sum = w->sum;
	return r;
}

static int put_table(struct writer *w, const uint8_t *id)
{
	struct buf table = {0}, head = {0};
	qsort(w->line, w->n_line, sizeof *w->line, by_name);
	for (size_t i = 0; i < w->n_line; i++) {
		const struct pack_sect *s = &w->line[i].s;
		buf_puts(&table, s->name);
		buf_align(&table, PACK_NAME);
		buf_u32(&table, s->kind);
		buf_u32(&table, s->type);
		buf_u32(&table, s->n_row);
		buf_u32(&table, s->n_col);
		buf_u64(&table, s->at);
		buf_u64(&table, s->len);
		buf_u64(&table, s->sum);
		buf_align(&table, PACK_LINE);
	}
	buf_add(&head, PACK_MAGIC, 8);
	buf_u32(&head, PACK_LAYOUT);
	buf_u32(&head, (uint32_t)w->n_line);
	buf_add(&head, id, HASH_ID_LEN);
	buf_u64(&head, w->total + table.len);
	buf_u64(&head, w->total);
	buf_u64(&head, hash_xxh64(table.data, table.len));
	buf_u64(&head, head.failed ? 0 : hash_xxh64(head.data, head.len));
	buf_align(&head, PACK_HEADER);
	int r = table.failed || head.failed ? err_memory(w->e) : 0;
	if (!r)
		r = append(w, table.data, table.len);
	if (!r)
		r = drain(w);
	if (!r && pwrite(w->file.fd, head.data, head.len, 0) != (ssize_t)head.len)
		r = err_sys(w->e, ERR_IO, "cannot write '%s'", w->file.tmp);
	buf_release(&table);
	buf_release(&head);
	return r;
}

/* Two sections of one name would make the table unusable. */
static int check_names(const struct writer *w, const struct gguf *g)
{
	for (size_t i = 1; i < w->n_line; i++)
		if (!strcmp(w->line[i - 1].s.name, w->line[i].s.name))
			return err_set(w->e, ERR_FORMAT, ERR_NO_OFFSET, "cannot pack '%s': two tensors or parts are called '%s'", gguf_path(g),
				w->line[i].s.name);
	return 0;
}

static int check_written(const struct writer *w, const uint8_t *id)
{
	struct pack *p;
	int r = pack_open(&p, w->file.tmp, id, w->e);
	if (!r)
		r = pack_verify(p, w->e);
	pack_close(p);
	return r;
}

int pack_write(const char *path, const struct gguf *g, const uint8_t id[HASH_ID_LEN], const struct pack_maker *mk, struct err *e)
{
	struct writer w = { .mk = mk, .e = e };
	struct pack_parts parts = { .n = 0 };
	int r = mk->fill ? mk->fill(&parts, g, mk->arg, e) : 0;
	if (!r)
		r = plan(&w, g, &parts);
	if (!r)
		r = aside_open(&w.file, path, 0644, e);
	if (!r)
		r = put_zeros_to(&w, PACK_HEADER);
	for (size_t i = 0; i < w.n_line && !r; i++) {
		r = put_section(&w, &w.line[i]);
		if (r == ERR_FORMAT)
			err_wrap(e, "cannot pack '%s'", gguf_path(g));
	}
	if (!r)
		r = put_zeros_to(&w, w.total);
	if (!r)
		r = put_table(&w, id);
	if (!r)
		r = check_names(&w, g);
	if (!r)
		r = check_written(&w, id);
	if (!r)
		r = aside_commit(&w.file, e);
	aside_abort(&w.file);
	for (size_t i = 0; i < parts.n; i++)
		buf_release(&parts.part[i].data);
	free(w.line);
	free(w.piece);
	free(w.out);
	return r;
}
