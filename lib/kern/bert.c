/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: which of the encoder's kernel tables this processor runs.
 */
#include "lib/kern/bert.h"

#define QUERIES 6	/* at a time in attention, at most */

static size_t pad_tok(size_t n_tok)
{
	return (n_tok + 31) / 32 * 32;
}

size_t bert_attn_scratch(size_t n_tok, size_t d_head)
{
	size_t n = pad_tok(n_tok);
	return n * d_head * 2 * 2 + QUERIES * (d_head * 2 + n * 2 + n * 4) + n * 4 + d_head * 4 + 64;
}

struct bert_scratch bert_scratch_of(const struct bert_attn *a)
{
	struct bert_scratch s = { .n_pad = pad_tok(a->n_tok) };
	s.s = a->scratch;
	s.vmax = s.s + QUERIES * s.n_pad;
	s.kscale = s.vmax + a->d_head;
	s.k = (int16_t *)(void *)(s.kscale + s.n_pad);
	s.v = s.k + s.n_pad * a->d_head;
	s.p = s.v + s.n_pad * a->d_head;
	s.q = s.p + QUERIES * s.n_pad;
	return s;
}

const struct kern_bert *kern_bert_level(enum kern_level level)
{
#ifdef __x86_64__
	if (level == KERN_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &kern_bert_avx2;
	if (level == KERN_VNNI && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni"))
		return &kern_bert_vnni;
#endif
	return level == KERN_REF ? &kern_bert_ref : NULL;
}

const struct kern_bert *kern_bert_select(const char *cap, struct err *e)
{
	const struct kern_bert *k = NULL;
	for (int level = kern_cap(cap, e); level >= KERN_REF && !k; level--)
		k = kern_bert_level((enum kern_level)level);
	return k;
}
