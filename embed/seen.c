/* SPDX-License-Identifier: Apache-2.0
 *
 * seen: see seen.h.
 */
#include "embed/seen.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

#define WAYS 8u
#define SETS 4096u		/* 32,768 texts; 50 MB for minilm, of which those are touched that are used */

struct slot {
	uint8_t id[HASH_ID_LEN];
	uint64_t turn;		/* when it was last asked for; 0 = never used */
	size_t n_tok;
};

struct seen {
	size_t d;
	uint64_t turn;
	uint8_t next[SETS];	/* the way to be replaced next */
	struct slot slot[SETS * WAYS];
	float vec[];		/* [SETS * WAYS, d] */
};

int seen_open(struct seen **out, size_t d, struct err *e)
{
	struct seen *s = calloc(1, sizeof *s + SETS * WAYS * d * sizeof *s->vec);
	*out = s;
	if (!s)
		return err_memory(e);
	s->d = d;
	s->turn = 1;
	return 0;
}

void seen_close(struct seen *s)
{
	free(s);
}

static uint32_t set_of(const uint8_t id[HASH_ID_LEN])
{
	return (id[0] | (uint32_t)id[1] << 8) % SETS;
}

uint32_t seen_find(struct seen *s, const uint8_t id[HASH_ID_LEN])
{
	uint32_t first = set_of(id) * WAYS;
	for (uint32_t i = first; i < first + WAYS; i++)
		if (s->slot[i].turn && memcmp(s->slot[i].id, id, HASH_ID_LEN) == 0) {
			s->slot[i].turn = s->turn;
			return i;
		}
	return SEEN_NONE;
}

uint32_t seen_add(struct seen *s, const uint8_t id[HASH_ID_LEN], size_t n_tok)
{
	uint32_t set = set_of(id), i = SEEN_NONE;
	for (uint32_t k = 0; k < WAYS && i == SEEN_NONE; k++) {
		uint32_t at = set * WAYS + s->next[set];
		s->next[set] = (uint8_t)((s->next[set] + 1u) % WAYS);
		if (s->slot[at].turn < s->turn)
			i = at;
	}
	if (i == SEEN_NONE)
		return SEEN_NONE;
	s->slot[i] = (struct slot){ .turn = s->turn, .n_tok = n_tok };
	memcpy(s->slot[i].id, id, HASH_ID_LEN);
	return i;
}

void seen_turn(struct seen *s)
{
	s->turn++;
}

float *seen_vec(struct seen *s, uint32_t slot)
{
	return s->vec + (size_t)slot * s->d;
}

size_t seen_n_tok(const struct seen *s, uint32_t slot)
{
	return s->slot[slot].n_tok;
}
