/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: from a model's path to an opened pack. See bert.h for the file.
 */
#include "embed/bert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/model/pack.h"

/* ---- the layout ---- */

static uint8_t *take(uint8_t *base, size_t *at, size_t n)
{
	uint8_t *p = base ? base + *at : NULL;
	*at += (n + 63) / 64 * 64;
	return p;
}

static float *take_floats(uint8_t *base, size_t *at, size_t n)
{
	return (float *)(void *)take(base, at, n * sizeof(float));
}

static void place_norm(struct bert_norm *p, const struct hyper *h, uint8_t *base, size_t *at)
{
	p->n = h->d_model;
	p->eps = h->eps;
	p->w = take_floats(base, at, p->n);
	p->b = take_floats(base, at, p->n);
	p->zw = take_floats(base, at, p->n);
	p->zb = take_floats(base, at, p->n);
}

static void place_mat(struct bert_mat *m, size_t n_row, size_t n_col, uint8_t *base, size_t *at)
{
	m->n_row = n_row;
	m->n_group = (n_col + BERT_GROUP - 1) / BERT_GROUP;
	m->bias = take_floats(base, at, n_row);
	m->data = take(base, at, n_row / BERT_ROWS * m->n_group * BERT_W_LEN);
}

size_t bert_place(struct bert *b, uint8_t *base)
{
	const struct hyper *h = &b->hyper;
	size_t d = h->d_model, at = BERT_HEADER;
	b->word = take_floats(base, &at, h->n_vocab * d);
	b->pos = take_floats(base, &at, h->n_pos * d);
	place_norm(&b->norm, h, base, &at);
	for (size_t l = 0; l < h->n_layer; l++) {
		struct bert_layer *y = &b->layer[l];
		place_mat(&y->qkv, 3 * d, d, base, &at);
		place_mat(&y->o, d, d, base, &at);
		place_norm(&y->att, h, base, &at);
		place_mat(&y->up, h->d_ff, d, base, &at);
		place_mat(&y->down, d, h->d_ff, base, &at);
		place_norm(&y->out, h, base, &at);
	}
	return at;
}

/* ---- checking a pack ---- */

static int damaged(struct err *e, uint64_t at, const char *what)
{
	return err_set(e, ERR_FORMAT, at, "embedder pack is damaged: %s", what);
}

/* Compares the blocks that p[0..n) lies in, each once. */
static int check(struct bert *b, const void *p, size_t n, struct err *e)
{
	size_t from = (size_t)((const char *)p - b->block);
	for (size_t i = from / BERT_BLOCK; i <= (from + n - 1) / BERT_BLOCK; i++) {
		size_t at = i * BERT_BLOCK, len = (size_t)(b->sum - b->block) - at;
		uint64_t sum;
		if (b->seen[i])
			continue;
		memcpy(&sum, b->sum + i * sizeof sum, sizeof sum);
		if (sum != hash_xxh64(b->block + at, len < BERT_BLOCK ? len : BERT_BLOCK))
			return err_set(e, ERR_CHECKSUM, BERT_HEADER + at, "embedder pack is damaged: the block's checksum differs");
		b->seen[i] = 1;
	}
	return 0;
}

static int read_header(struct bert *b, const void *data, size_t len, uint64_t *tok_len, uint64_t *sums_sum, struct err *e)
{
	struct cursor c = cursor_of(data, len < BERT_HEADER ? 0 : BERT_HEADER);
	struct hyper *h = &b->hyper;
	const void *magic = cursor_take(&c, 8);
	if (!magic || memcmp(magic, BERT_MAGIC, 8))
		return damaged(e, 0, "no header");
	uint64_t sum;
	memcpy(&sum, (const char *)data + BERT_HEADER - 8, sizeof sum);
	if (sum != hash_xxh64(data, BERT_HEADER - 8))
		return err_set(e, ERR_CHECKSUM, 0, "embedder pack is damaged: header checksum");
	if (cursor_u32(&c) != BERT_LAYOUT)
		return err_set(e, ERR_VERSION, 8, "embedder pack has another layout");
	cursor_u32(&c);
	const void *own = cursor_take(&c, HASH_ID_LEN);
	if (memcmp(b->id, own, HASH_ID_LEN))
		return err_set(e, ERR_CONF, 16, "embedder pack was made from another model");
	if (cursor_u64(&c) != len)
		return damaged(e, 32, "it is cut off");
	*tok_len = cursor_u64(&c);
	h->n_layer = cursor_u32(&c);
	h->n_head = cursor_u32(&c);
	h->d_model = cursor_u32(&c);
	h->d_ff = cursor_u32(&c);
	h->n_vocab = cursor_u32(&c);
	h->n_pos = cursor_u32(&c);
	h->max_tok = cursor_u32(&c);
	h->pooling = cursor_u32(&c);
	h->eps = cursor_f32(&c);
	b->query_len = cursor_u32(&c);
	b->document_len = cursor_u32(&c);
	memcpy(sums_sum, (const char *)data + BERT_HEADER - 16, sizeof *sums_sum);
	return hyper_check(h, e);
}

#define PADDING 127u	/* rows without a word: some tables are filled up to a multiple of 64 or 128 */

int bert_tok(struct bert *b, const void *blob, size_t n, struct err *e)
{
	int r = tok_open(&b->tok, blob, n, e);
	if (r)
		return r;
	b->cls = tok_special(b->tok, TOK_CLS);
	b->sep = tok_special(b->tok, TOK_SEP);
	size_t n_tok = tok_n_vocab(b->tok);
	if (b->cls < 0 || b->sep < 0 || n_tok > b->hyper.n_vocab || n_tok + PADDING < b->hyper.n_vocab)
		return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "the tokenizer, of %zu tokens, does not belong to an embedder of %u words", n_tok,
			b->hyper.n_vocab);
	return 0;
}

/* Checks a pack's bytes, all but the words, and fills b. b->tok is opened. */
static int view(struct bert *b, const void *data, size_t len, struct err *e)
{
	uint64_t tok_len = 0, sums_sum = 0;
	int r = read_header(b, data, len, &tok_len, &sums_sum, e);
	if (r)
		return r;
	b->layer = arena_array(&b->mem, b->hyper.n_layer, sizeof *b->layer);
	if (!b->layer)
		return err_memory(e);
	size_t at = bert_place(b, NULL), end;
	if (b->query_len > BERT_TEXT || b->document_len > BERT_TEXT || !size_add(at + 2 * BERT_TEXT, tok_len, &end) || end > len ||
	    len - end != bert_sums_len(end))
		return damaged(e, 32, "lengths do not fit the file");
	bert_place(b, (uint8_t *)(uintptr_t)data);	/* nobody writes through a pack that is open */
	b->block = (const char *)data + BERT_HEADER;
	b->sum = (const char *)data + end;
	b->seen = arena_alloc(&b->mem, (len - end) / 8);
	if (!b->seen)
		return err_memory(e);
	if (sums_sum != hash_xxh64(b->sum, len - end))
		return err_set(e, ERR_CHECKSUM, end, "embedder pack is damaged: checksum of the sums");
	r = check(b, b->pos, (size_t)(b->sum - (const char *)b->pos), e);
	if (r)
		return r;
	b->query = (const char *)data + at;
	b->document = b->query + BERT_TEXT;
	return bert_tok(b, b->document + BERT_TEXT, (size_t)tok_len, e);
}

/* ---- opening ---- */

/* Identity of a model: of its weights and of every file that changes what it makes of a text. */
static int content_id(const char *path, uint8_t id[HASH_ID_LEN], struct err *e)
{
	static const char *const name[] = { "model.safetensors", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "config.json",
		"1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json" };
	enum { N = sizeof name / sizeof *name };
	uint8_t each[N][HASH_ID_LEN] = {{0}};
	struct hash_part part[N];
	struct buf file = {0};
	struct stat st;
	if (stat(path, &st))
		return err_sys(e, ERR_NOENT, "cannot open '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return pack_model_id(path, id, e);
	for (size_t i = 0; i < N; i++) {
		buf_clear(&file);
		part[i] = (struct hash_part){ each[i], HASH_ID_LEN };
		int r = buf_printf(&file, "%s/%s", path, name[i]) ? ERR_MEM : pack_model_id(file.data, each[i], e);
		if (r && (i < 1 || r != ERR_NOENT)) {
			buf_release(&file);
			return r == ERR_MEM ? err_memory(e) : r;
		}
	}
	buf_release(&file);
	hash_id_parts(part, N, id);
	return 0;
}

static int pack_file(struct buf *out, const struct bert *b, int layout)
{
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(b->id, sizeof b->id, hex);
	buf_clear(out);
	return io_dir(out, IO_DIR_CACHE, "packs/", NULL) || buf_printf(out, "%s-e%d.pack", hex, layout);
}

/* Writes the pack in b->own where it belongs, in place of those that only older programs can read, and maps it; or it stays in memory. */
static void store(struct bert *b)
{
	struct buf file = {0}, dir = {0};
	if (!pack_file(&file, b, BERT_LAYOUT) && !io_cache_dir(&dir, "packs", NULL) &&
	    !io_replace(file.data, b->own.data, b->own.len, 0644, NULL) && !map_open(&b->map, file.data, NULL))
		buf_release(&b->own);
	for (int layout = 1; b->map.data && layout < BERT_LAYOUT; layout++)
		if (!pack_file(&file, b, layout))
			unlink(file.data);
	buf_release(&file);
	buf_release(&dir);
}

/* What was open of the pack goes. */
static void forget(struct bert *b)
{
	tok_close(b->tok);
	b->tok = NULL;
	map_close(&b->map);
	buf_release(&b->own);
	arena_release(&b->mem);
}

/* The pack is named by the content that b->id tells, and what waits for its turn refers to the numbers of that model: no other may take
 * its place, not even one that has come while the pack was made. */
static int make(struct bert *b, struct err *e)
{
	uint8_t id[HASH_ID_LEN];
	forget(b);
	int r = bert_build(&b->own, b->path, b->id, e);
	if (!r)
		r = content_id(b->path, id, e);
	if (!r && memcmp(id, b->id, sizeof id))
		r = err_set(e, ERR_CHECKSUM, ERR_NO_OFFSET, "the model is another one by now than when it was opened");
	if (r)
		return r;
	store(b);
	return view(b, b->map.data ? b->map.data : b->own.data, b->map.data ? b->map.len : b->own.len, e);
}

/* The last part of the name, "minilm" of "models/minilm/" and of "minilm.gguf", and the content. */
static void put_model(struct bert *b, const char *name, const char *hex)
{
	size_t n = strlen(name);
	while (n > 1 && name[n - 1] == '/')
		n--;
	const char *slash = n ? memrchr(name, '/', n - 1) : NULL, *base = slash ? slash + 1 : name;
	n -= (size_t)(base - name);
	n -= n > 5 && !memcmp(base + n - 5, ".gguf", 5) ? 5 : 0;
	snprintf(b->model, sizeof b->model, "%.*s:%.16s", n < 60 ? (int)n : 60, base, hex);
}

static int fill(struct bert *b, const char *name, enum bert_was *was, struct err *e)
{
	char hex[2 * HASH_ID_LEN + 1];
	struct buf file = {0};
	int r = content_id(b->path, b->id, e);
	if (r)
		return r;
	hash_hex(b->id, sizeof b->id, hex);
	put_model(b, name, hex);
	*was = BERT_MISSING;
	if (!pack_file(&file, b, BERT_LAYOUT) && !map_open(&b->map, file.data, NULL))
		*was = view(b, b->map.data, b->map.len, NULL) ? BERT_DAMAGED : BERT_THERE;
	buf_release(&file);
	return *was == BERT_THERE ? 0 : make(b, e);
}

int bert_open(struct bert **out, const char *path, const char *name, const struct kern_bert *kern, enum bert_was *was, struct err *e)
{
	struct bert *b = calloc(1, sizeof *b);
	enum bert_was unasked;
	*out = NULL;
	if (!b)
		return err_memory(e);
	b->kern = kern;
	b->path = strdup(path);
	int r = b->path ? fill(b, name, was ? was : &unasked, e) : err_memory(e);
	if (r) {
		bert_close(b);
		err_wrap(e, "'%s'", path);
		return r;
	}
	*out = b;
	return 0;
}

static int mend(struct bert *b, struct err *e)
{
	int r = make(b, e);
	if (r)
		err_wrap(e, "'%s'", b->path);
	return r ? e->code = ERR_CHECKSUM : 0;
}

int bert_use(struct bert *b, const int32_t *id, size_t n, struct err *e)
{
	size_t d = b->hyper.d_model;
	for (size_t i = 0; i < n; i++)
		if (check(b, b->word + (size_t)id[i] * d, d * sizeof *b->word, NULL)) {
			int r = mend(b, e);
			return r ? r : 1;
		}
	return 0;
}

void bert_close(struct bert *b)
{
	if (!b)
		return;
	forget(b);
	free(b->path);
	free(b);
}
