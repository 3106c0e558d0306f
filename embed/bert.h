/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: an opened embedder: weights ready for the kernels, tokenizer, texts that go in front. Shared by threads, which only read it.
 *
 * Opening maps the embedder's pack, which the first use makes (a second or so): weights as 8-bit codes with the LayerNorms' gains
 * folded in, channels scaled by what they reach on a calibration run, the tokenizer's tables.
 *
 *	$XDG_CACHE_HOME/tiny-titans/packs/<content id>-e<layout>.pack
 *
 *	header, 512 bytes	magic, layout, content id, length, numbers (struct hyper), lengths, checksums of the sums and of itself
 *	float tables		words [n_vocab, d_model], positions (type 0 added) [n_pos, d_model]
 *	norms and matrices	in the order of use (bert_place)
 *	texts, tokenizer	query prefix, document prefix, the blob of tokenize/tok.h
 *	sums			one XXH3 for each 64 KiB behind the header
 *
 * Opening compares everything but the words with its checksums; a block of words, most of which no text needs, is compared when one of
 * them is first used (bert_use). A damaged pack is made again from the model, even in the middle of a run.
 */
#ifndef TT_EMBED_BERT_H
#define TT_EMBED_BERT_H

#include <stddef.h>
#include <stdint.h>

#include "embed/weights.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/kern/bert.h"
#include "tokenize/tok.h"

#define BERT_LAYOUT 3
#define BERT_MAGIC "TT-EMBED"
#define BERT_HEADER 512
#define BERT_TEXT 4096		/* bytes reserved for each prefix */
#define BERT_BLOCK 65536u	/* bytes that share a checksum */

/* Bytes of the sums of a pack in which they begin at `end`. */
static inline size_t bert_sums_len(size_t end)
{
	return (end - BERT_HEADER + BERT_BLOCK - 1) / BERT_BLOCK * 8;
}

struct bert_layer {
	struct bert_mat qkv, o, up, down;	/* [3 d_model, d_model], [d_model, d_model], [d_ff, d_model], [d_model, d_ff] */
	struct bert_norm att, out;		/* behind attention (its z feeds `up`); behind the feed-forward part (feeds the next qkv) */
};
/* What a calibration run saw of the matrices' inputs, by channel. Norm 0 is the embeddings', 1 + 2l and 2 + 2l are layer l's. */
struct bert_watch {
	size_t n_tok;
	float *lo, *hi, *z;	/* [1 + 2 n_layer, d_model]: least, most and sum of what norms make */
	float *ctx, *u;		/* [n_layer, d_model], [n_layer, d_ff]: sums of the inputs of Wo and Wdown */
};
struct bert {
	struct hyper hyper;
	const struct kern_bert *kern;
	struct tok *tok;
	int32_t cls, sep;
	const float *word, *pos;	/* [n_vocab, d_model], [n_pos, d_model] */
	struct bert_norm norm;		/* of the embeddings */
	struct bert_layer *layer;	/* [n_layer] */
	const char *query, *document;	/* prefixes, not terminated */
	size_t query_len, document_len;
	char model[80];			/* "minilm:<16 hex digits>": what heads and indexes carry */
	uint8_t id[HASH_ID_LEN];	/* of the model's content */
	char *path;			/* of the model */
	struct arena mem;
	struct map map;			/* the pack, or, when it could not be written, `own` */
	struct buf own;
	const char *block, *sum;	/* what has checksums, from the first word on; and these, u64 each */
	uint8_t *seen;			/* by block, 1 = was compared */
};

enum bert_was { BERT_THERE, BERT_MISSING, BERT_DAMAGED };
#define BERT_MENDED "the embedder's pack in the cache was damaged and is made again"

/* Opens the embedder at `path` (a folder or a GGUF file), called `name`, making its pack if there is none, or a damaged one. *`was` (may
 * be NULL) tells. An unwritable cache is no error: the pack then lives in memory. */
int bert_open(struct bert **b, const char *path, const char *name, const struct kern_bert *kern, enum bert_was *was, struct err *e);
void bert_close(struct bert *b);
/* To be called, while no thread computes, with the words of each text. 1 if the pack turned out to be damaged there and was made again,
 * 0 if not. ERR_CHECKSUM if it cannot be: the model is another one by now, perhaps; `b` can then only be closed. */
int bert_use(struct bert *b, const int32_t *id, size_t n, struct err *e);

/* ---- for the maker (bert_build.c) ---- */

/* Lets the pointers of `b` (hyper set, layers allocated) point into a pack at `base` (NULL: nowhere); returns the bytes up to the
 * texts. */
size_t bert_place(struct bert *b, uint8_t *base);
/* Opens the tokenizer of `b` (hyper set) over its blob, which is borrowed. ERR_FORMAT if it isn't that of such an embedder. */
int bert_tok(struct bert *b, const void *blob, size_t n, struct err *e);
/* A pack's bytes from a model. */
int bert_build(struct buf *out, const char *path, const uint8_t id[HASH_ID_LEN], struct err *e);

#endif
