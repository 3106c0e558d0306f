/* SPDX-License-Identifier: Apache-2.0
 *
 * reuse: the exact prefix store around each request: what is stored of a prompt is loaded before it is evaluated, and what was
 * evaluated is kept after the reply is out, so that keeping never delays a token.
 */
#ifndef TT_GENERATE_REUSE_H
#define TT_GENERATE_REUSE_H

#include "generate/model.h"
#include "generate/prefix.h"
#include "generate/prompt.h"
#include "generate/session.h"

struct reuse {
	struct prefix *store;
	void (*warn)(const char *msg);	/* a damaged or full store, told once */
	bool warned;
	size_t n_loaded;		/* of the prompt under way */
	size_t n_fresh;			/* tokens of it that have to be evaluated */
	size_t n_ahead;			/* tokens loaded before there was a prompt (reuse_ahead) */
};

/* The store's directory: `dir`, or the cache directory's "prefix" if that is NULL. max_bytes 0 turns storing off. */
int reuse_open(struct reuse *r, const struct model *m, const char *dir, uint64_t max_bytes, struct err *e);
void reuse_close(struct reuse *r);

/* The id of a chunk, 32 lower-case hexadecimal digits, as bytes. False if it is none. */
bool reuse_parse_id(struct ask_str hex, uint8_t id[HASH_ID_LEN]);

/* While there is nothing to read yet: loads what all prompts share, as far as it is stored. */
void reuse_ahead(struct reuse *r, struct session *s, const int32_t *tok, size_t n);
/* The two hooks of answer.h; arg is the reuse. */
size_t reuse_load(void *arg, struct session *s, const struct prompt *p);
void reuse_keep(void *arg, struct session *s, const struct prompt *p, double eval_ms);

#endif
