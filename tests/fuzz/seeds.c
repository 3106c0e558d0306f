/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds: writes small well-formed files for the fuzz targets of binary formats, which would hardly find their way past a magic by
 * themselves: DIR/gguf, DIR/safetensors, DIR/tok, DIR/pack, DIR/block, DIR/store, DIR/weights. Usage: seeds DIR
 */
#include <stdlib.h>

#include "generate/block.h"
#include "index/layout.h"
#include "index/writer.h"
#include "lib/base/io.h"
#include "lib/model/gguf.h"
#include "lib/model/pack.h"
#include "tests/unit/tiny.h"
#include "tokenize/tok.h"

static struct err e;
static const char *top;

static void must(int rc)
{
	if (rc)
		exit(err_report("seeds", &e));
}

static const char *path_of(const char *target, const char *name)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", top, target);
	must(io_mkdirs(path, &e));
	snprintf(path, sizeof path, "%s/%s/%s", top, target, name);
	return path;
}

static void put(const char *target, const char *name, const struct buf *b)
{
	must(io_replace(path_of(target, name), b->data, b->len, 0644, &e));
}

/* A GGUF of a few kilobytes: keys, a vocabulary, two tensors. */
static void small_gguf(struct buf *out, const char *arch)
{
	struct tiny t = { .arch = arch, .seed = 9, .template = "{{ '<|im_start|>' + role }}" };
	tiny_key(&t, "general.architecture", 8);
	tiny_str(&t.kv, arch, strlen(arch));
	tiny_u32(&t, "block_count", 1);
	tiny_u32(&t, "context_length", 64);
	tiny_u32(&t, "embedding_length", 32);
	tiny_u32(&t, "feed_forward_length", 32);
	tiny_u32(&t, "attention.head_count", 1);
	tiny_f32(&t, "attention.layer_norm_rms_epsilon", 1e-6f);
	tiny_tokenizer(&t);
	tiny_tensor(&t, "token_embd.weight", QUANT_Q8_0, 32, 3, 0);
	tiny_tensor(&t, "output_norm.weight", QUANT_F32, 32, 0, 1);
	buf_add(out, "GGUF", 4);
	buf_u32(out, 3);
	buf_u64(out, t.n_tensor);
	buf_u64(out, t.n_kv);
	buf_add(out, t.kv.data, t.kv.len);
	buf_add(out, t.info.data, t.info.len);
	buf_align(out, 32);
	buf_add(out, t.data.data, t.data.len);
	buf_release(&t.kv);
	buf_release(&t.info);
	buf_release(&t.data);
}

static void seed_safetensors(void)
{
	static const char json[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},\"b\":{\"dtype\":\"F16\","
				   "\"shape\":[4],\"data_offsets\":[24,32]},\"__metadata__\":{\"format\":\"pt\"}} ";
	struct buf b = {0};
	buf_u64(&b, sizeof json - 1);
	buf_puts(&b, json);
	buf_zeros(&b, 32);
	put("safetensors", "two", &b);
	buf_release(&b);
}

static int add_tok(struct pack_parts *parts, const struct gguf *g, void *blob, struct err *err)
{
	(void)g;
	(void)err;
	parts->part[parts->n].name = "tok";
	buf_add(&parts->part[parts->n++].data, ((struct buf *)blob)->data, ((struct buf *)blob)->len);
	return 0;
}

/* A pack with a tokenizer; the mark in spare bytes lets fuzz_pack set the checksums of what it is given. */
static void seed_pack(const struct gguf *g, struct buf *blob)
{
	static const uint8_t id[HASH_ID_LEN] = { 1 };
	struct pack_maker mk = { .fill = add_tok, .arg = blob };
	struct buf b = {0};
	const char *path = path_of("pack", "plain");
	must(pack_write(path, g, id, &mk, &e));
	must(io_read_file(&b, path, 1 << 20, &e));
	b.data[60] = b.data[61] = 1;
	put("pack", "forged", &b);
	buf_release(&b);
}

static void seed_block(void)
{
	static const uint8_t payload[100];
	struct block b = { .id = "id", .parent = "parent", .model = "model", .n_tok = 32, .n_origin = 2, .cost_ns = 5,
			   .payload_len = sizeof payload };
	struct buf f = {0};
	const char *path = path_of("block", "plain");
	must(block_write(&b, payload, path, &e));
	must(io_read_file(&f, path, 1 << 20, &e));
	f.data[56] = 1;		/* fuzz_block sets the checksums */
	put("block", "forged", &f);
	buf_release(&f);
}

/* Sections as fuzz_store reads them. */
static void add_sections(struct buf *b, const char *file, uint32_t kind, uint32_t n)
{
	struct section_file f;
	must(section_open(&f, file, kind, &e));
	for (uint32_t id = 1; id <= n; id++) {
		struct section_view v;
		must(section_get(&f, id, &v, &e));
		buf_putc(b, (char)(v.len & 255));
		buf_putc(b, (char)(v.len >> 8));
		buf_add(b, v.p, v.len);
	}
	section_close(&f);
}

/* An index of two documents, the second of which is removed. */
static void seed_store(void)
{
	static const struct str text[] = { { "The lamp burns oil.", 19 }, { "-c colour", 9 } };
	static const int8_t code[VECTORS_MAX_DIM] = { 127, 3 };
	struct buf b = {0};
	struct writer *w;
	char dir[400], file[440];
	snprintf(dir, sizeof dir, "%s/store.index", top);
	must(writer_open(&w, dir, true, 0, &e));
	for (size_t i = 0; i < 2; i++) {
		const struct str name = { i ? "b" : "lamp(1)", i ? 1 : 7 };
		must(writer_doc(w, &(struct segment_doc){ .doc = name, .name = name, .title = name }, &e));
		must(writer_chunk(w, &(struct segment_chunk){ .id = { (uint8_t)i }, .text = text[i], .unit = { "option", 6 }, .n_sec = 1,
			.sec = { text[1] } }, code, 4, 0.01f, &e));
	}
	must(writer_commit(w, &e));
	const struct manifest *m = &writer_store(w)->m;		/* of an index that was there before, the newest segment */
	const struct manifest_segment *s = &m->segment[m->n_segment - 1];
	snprintf(file, sizeof file, "%s/%016llx.seg", dir, (unsigned long long)s->number);
	add_sections(&b, file, SEGMENT_KIND, SECT_LENS);
	snprintf(file, sizeof file, "%s/%016llx.vec", dir, (unsigned long long)s->layer[0].number);
	add_sections(&b, file, VECTORS_KIND, 4);
	writer_close(w);
	buf_add(&b, "\1\1burn a lamp -c", 16);
	put("store", "index", &b);
	buf_release(&b);
}

/* The least embedder: a layer of zeros. */
static void seed_weights(void)
{
	static const struct { const char *name; unsigned n_row, n_col; } all[] = { { "embeddings.word_embeddings.weight", 4, 16 },
		{ "embeddings.position_embeddings.weight", 4, 16 }, { "embeddings.token_type_embeddings.weight", 2, 16 },
		{ "embeddings.LayerNorm.weight", 1, 16 }, { "encoder.layer.0.attention.self.query.weight", 16, 16 },
		{ "encoder.layer.0.intermediate.dense.weight", 16, 16 }, { "encoder.layer.0.output.dense.weight", 16, 16 } };
	struct buf json = {0}, b = {0};
	size_t at = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		size_t len = (size_t)all[i].n_row * all[i].n_col * 2;
		buf_printf(&json, "%c\"%s\":{\"dtype\":\"F16\",\"shape\":[%u,%u],\"data_offsets\":[%zu,%zu]}", i ? ',' : '{', all[i].name,
			all[i].n_row, all[i].n_col, at, at + len);
		at += len;
	}
	buf_puts(&json, "}");
	buf_add(&b, "{\"num_attention_heads\":1,\"layer_norm_eps\":1e-12}", 49);	/* and the byte 0 behind it */
	buf_u64(&b, json.len);
	buf_add(&b, json.data, json.len);
	buf_zeros(&b, at);
	put("weights", "zeros", &b);
	buf_release(&json);
	buf_release(&b);
}

int main(int argc, char **argv)
{
	static const char *const arch[] = { "llama", "qwen2", "gemma3" };
	if (argc != 2)
		return EXIT_USAGE;
	top = argv[1];
	for (size_t i = 0; i < 3; i++) {
		struct buf file = {0}, blob = {0}, in = {0};
		struct gguf *g;
		small_gguf(&file, arch[i]);
		put("gguf", arch[i], &file);
		must(gguf_open_memory(&g, file.data, file.len, arch[i], &e));
		must(tok_build_gguf(&blob, g, &e));
		buf_add(&in, "\6\0a text", 8);		/* fuzz_tok: the text, then the blob */
		buf_add(&in, blob.data, blob.len);
		put("tok", arch[i], &in);
		if (i == 0)
			seed_pack(g, &blob);
		gguf_close(g);
		buf_release(&file);
		buf_release(&blob);
		buf_release(&in);
	}
	seed_safetensors();
	seed_block();
	seed_store();
	seed_weights();
	return 0;
}
