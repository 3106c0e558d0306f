/* SPDX-License-Identifier: Apache-2.0
 *
 * ask: collecting a query and its hits.
 *
 *	query q1   hit q1   hit q1   query q2   hit q2   end
 *	`------- one ask -------'   `---- another ----'
 */
#include "generate/ask.h"

#include <math.h>
#include <string.h>

static int copy_str(struct ask *a, const struct rec *r, const char *key, struct ask_str *out)
{
	const char *s;
	size_t n;
	if (!rec_str(r, key, &s, &n))
		return 0;
	out->s = arena_strdup(&a->mem, s, n);
	out->n = n;
	return out->s ? 0 : ERR_MEM;
}

void ask_clear(struct ask *a)
{
	for (size_t i = 0; i < a->n_source; i++)
		msgpack_unpacked_destroy(&a->source[i]->raw);
	arena_rewind(&a->mem, 0);
	struct arena mem = a->mem;
	*a = (struct ask){ .mem = mem };
}

void ask_release(struct ask *a)
{
	ask_clear(a);
	arena_release(&a->mem);
}

int ask_start(struct ask *a, const struct rec *r, struct err *e)
{
	ask_clear(a);
	if (copy_str(a, r, "id", &a->id) || copy_str(a, r, "text", &a->text))
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for a query");
	if (!a->id.n)
		return err_set(e, ERR_FORMAT, r->at, "query without 'id' (record %llu)", (unsigned long long)r->n);
	if (!a->text.n)
		return err_set(e, ERR_FORMAT, r->at, "query '%.40s' without 'text'", a->id.s);
	return 0;
}

static struct ask_str str_of(const msgpack_object *o)
{
	if (!o || o->type != MSGPACK_OBJECT_STR)
		return (struct ask_str){ "", 0 };
	return (struct ask_str){ o->via.str.ptr, o->via.str.size };
}

static double real_of(const msgpack_object *map, const char *key)
{
	const msgpack_object *o = map && map->type == MSGPACK_OBJECT_MAP ? rec_map_get(map, key) : NULL;
	if (!o)
		return NAN;
	switch (o->type) {
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return o->via.f64;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return (double)o->via.u64;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return (double)o->via.i64;
	default:
		return NAN;
	}
}

static void fill(struct ask_source *s)
{
	const msgpack_object *m = &s->raw.data;
	s->doc = str_of(rec_map_get(m, "doc"));
	s->name = str_of(rec_map_get(m, "name"));
	s->title = str_of(rec_map_get(m, "title"));
	s->id = str_of(rec_map_get(m, "id"));
	s->text = str_of(rec_map_get(m, "text"));
	s->span = rec_map_get(m, "span");
	s->src = rec_map_get(m, "src");
	const msgpack_object *score = rec_map_get(m, "score"), *sec = rec_map_get(m, "sec");
	s->bm25 = real_of(score, "bm25");
	s->cos = real_of(score, "cos");
	s->fused = real_of(score, "fused");
	s->cover = real_of(score, "cover");
	if (!sec || sec->type != MSGPACK_OBJECT_ARRAY)
		return;
	for (uint32_t i = 0; i < sec->via.array.size && s->n_sec < 8; i++) {
		struct ask_str x = str_of(&sec->via.array.ptr[i]);
		if (x.n)
			s->sec[s->n_sec++] = x;
	}
}

/* Takes a hit or chunk as a source. */
static int add_source(struct ask *a, const struct rec *r, struct err *e)
{
	const char *text;
	size_t n_text;
	if (!rec_str(r, "text", &text, &n_text) || !n_text)
		return err_set(e, ERR_FORMAT, r->at, "hit without 'text' (record %llu)", (unsigned long long)r->n);
	if (a->n_source == ASK_MAX_SOURCES) {
		a->n_left_out++;
		return 0;
	}
	struct ask_source *s = arena_alloc(&a->mem, sizeof *s);
	char *raw = s ? arena_alloc(&a->mem, r->raw_len) : NULL;
	if (!raw)
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory for a hit");
	memcpy(raw, r->raw, r->raw_len);
	msgpack_unpacked_init(&s->raw);
	size_t at = 0;
	if (msgpack_unpack_next(&s->raw, raw, r->raw_len, &at) != MSGPACK_UNPACK_SUCCESS) {
		msgpack_unpacked_destroy(&s->raw);
		return err_set(e, ERR_FORMAT, r->at, "hit that can't be unpacked");
	}
	fill(s);
	a->source[a->n_source++] = s;
	return 0;
}

int ask_add(struct ask *a, const struct rec *r, struct err *e)
{
	const char *q = "";
	size_t n = 0;
	rec_str(r, "query", &q, &n);
	if (!a->id.n || n != a->id.n || memcmp(q, a->id.s, n) != 0)
		return err_set(e, ERR_FORMAT, r->at, "hit for query '%.*s', which is not the one before it", (int)(n < 40 ? n : 40), q);
	return add_source(a, r, e);
}

int ask_chunk(struct ask *a, const struct rec *r, struct err *e)
{
	ask_clear(a);
	a->id = a->text = (struct ask_str){ "?", 1 };
	return add_source(a, r, e);
}

/* What separates questions whose answer is there from those about something else is how many of the question's informative
 * words a document has (`cover`), and how near a chunk is in meaning (`cos`); either is taken from whichever hit has most.
 * Measured on 320 questions each, default retrieval over 1,900 manual pages; refused of: commands that are in no page, tasks
 * in plain words, tasks that name the command; and claims of scientific abstracts (120):
 *
 *	(cover + cos) / 2 < 0.45	55 %	0.3 %	0.6 %	6 %
 *	                  < 0.55	84 %	1.3 %	1.9 %	23 %
 *	cover < 0.35 (no vectors)	28 %	0.3 %	0.9 %	6 %
 *
 * A wrong refusal is worse than an answer whose sources show that it is beside the point, so the floor is low. */
#define FLOOR_BOTH 0.45
#define FLOOR_COVER 0.35

bool ask_is_answerable(const struct ask *a)
{
	double cover = NAN, cos = NAN;
	for (size_t i = 0; i < a->n_source; i++) {
		cover = fmax(cover, a->source[i]->cover);
		cos = fmax(cos, a->source[i]->cos);
	}
	if (isnan(cover))
		return a->n_source > 0;
	return isnan(cos) ? cover >= FLOOR_COVER : (cover + cos) / 2 >= FLOOR_BOTH;
}
