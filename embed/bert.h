/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: an opened embedder: weights ready for the kernels, tokenizer, texts that go in front. Immutable and shared by threads.
 *
 * Opening maps the embedder's pack, which the first use makes (a second or so): weights as 8-bit codes with the LayerNorms' gains
 * folded in, channels scaled by what they reach on a calibration run, the tokenizer's tables.
 *
 *	$XDG_CACHE_HOME/tiny-titans/packs/<content id>-e<layout>.pack
 *
 *	header, 512 bytes	magic, layout, content id, length, numbers (struct hyper), lengths, checksum
 *	float tables		words [n_vocab, d_model], positions (type 0 added) [n_pos, d_model]
 *	norms and matrices	in the order of use (bert_place)
 *	texts, tokenizer	query prefix, document prefix, the blob of tokenize/tok.h
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

#define BERT_LAYOUT 2
#define BERT_MAGIC "TT-EMBED"
#define BERT_HEADER 512
#define BERT_TEXT 4096		/* bytes reserved for each prefix */

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
	struct arena mem;
	struct map map;			/* the pack, or, when it could not be written, `own` */
	struct buf own;
};

/* Opens the embedder at `path` (a folder or a GGUF file), called `name`, making its pack if there is none. *`was_made` (may be NULL)
 * tells. An unwritable cache is no error: the pack then lives in memory. */
int bert_open(struct bert **b, const char *path, const char *name, const struct kern_bert *kern, bool *was_made, struct err *e);
void bert_close(struct bert *b);

/* ---- for the maker (bert_build.c) ---- */

/* Lets the pointers of `b` (hyper set, layers allocated) point into a pack at `base` (NULL: nowhere); returns the bytes up to the
 * texts. */
size_t bert_place(struct bert *b, uint8_t *base);
/* A pack's bytes from a model. */
int bert_build(struct buf *out, const char *path, const uint8_t id[HASH_ID_LEN], struct err *e);
/* Checks a pack's bytes and fills b; `id` may be NULL. b->tok is opened. */
int bert_view(struct bert *b, const void *data, size_t len, const uint8_t *id, struct err *e);

#endif
