/* SPDX-License-Identifier: Apache-2.0
 *
 * ask: collecting a query and its hits.
 *
 *	query q1   hit q1   hit q1   done q1   query q2   hit q2   end
 *	`------- one ask -------'              `---- another ----'
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
		return err_memory(e);
	if (!a->id.n)
		return err_set(e, ERR_FORMAT, r->at, "query without 'id' (record %llu)", (unsigned long long)r->n);
	if (!a->text.n)
		return err_set(e, ERR_FORMAT, r->at, "query '%.40s' without 'text'", a->id.s);
	return 0;
}

static struct ask_str str_of(const struct rec *r, const char *key)
{
	struct ask_str s = { "", 0 };
	rec_str(r, key, &s.s, &s.n);
	return s;
}

static double real_of(const struct rec *r, const char *key)
{
	double v = NAN;
	rec_f64(r, key, &v);
	return v;
}

static void fill(struct ask_source *s)
{
	const struct rec r = { .map = &s->raw.data }, score = { .map = rec_get(&r, "score") };
	const msgpack_object *sec = rec_get(&r, "sec");
	s->doc = str_of(&r, "doc");
	s->name = str_of(&r, "name");
	s->title = str_of(&r, "title");
	s->id = str_of(&r, "id");
	s->text = str_of(&r, "text");
	s->span = rec_get(&r, "span");
	s->src = rec_get(&r, "src");
	s->cos = real_of(&score, "cos");
	s->cover = real_of(&score, "cover");
	s->known = real_of(&score, "known");
	if (!sec || sec->type != MSGPACK_OBJECT_ARRAY)
		return;
	for (uint32_t i = 0; i < sec->via.array.size && s->n_sec < ASK_MAX_SEC; i++) {
		const msgpack_object *o = &sec->via.array.ptr[i];
		if (o->type == MSGPACK_OBJECT_STR && o->via.str.size)
			s->sec[s->n_sec++] = (struct ask_str){ o->via.str.ptr, o->via.str.size };
	}
}

/* Takes a hit or chunk as a source. */
static int add_source(struct ask *a, const struct rec *r, struct err *e)
{
	const char *text;
	size_t n_text;
	if (!rec_str(r, "text", &text, &n_text) || !n_text)
		return err_set(e, ERR_FORMAT, r->at, "hit without 'text' (record %llu)", (unsigned long long)r->n);
	if (a->n_source == ASK_MAX_SOURCES)
		return 0;
	struct ask_source *s = arena_alloc(&a->mem, sizeof *s);
	char *raw = s ? arena_alloc(&a->mem, r->raw_len) : NULL;
	if (!raw)
		return err_memory(e);
	memcpy(raw, r->raw, r->raw_len);
	msgpack_unpacked_init(&s->raw);
	size_t at = 0;
	int got = msgpack_unpack_next(&s->raw, raw, r->raw_len, &at);
	if (got != MSGPACK_UNPACK_SUCCESS) {
		msgpack_unpacked_destroy(&s->raw);
		return got == MSGPACK_UNPACK_NOMEM_ERROR ? err_memory(e) : err_set(e, ERR_FORMAT, r->at, "hit that can't be unpacked");
	}
	fill(s);
	a->source[a->n_source++] = s;
	return 0;
}

static bool is_of(const struct ask *a, struct ask_str id)
{
	return a->id.n && id.n == a->id.n && memcmp(id.s, a->id.s, id.n) == 0;
}

int ask_add(struct ask *a, const struct rec *r, struct err *e)
{
	struct ask_str q = str_of(r, "query");
	if (!is_of(a, q))
		return err_set(e, ERR_FORMAT, r->at, "hit for query '%.*s', which is not the one before it",
			(int)(q.n < 40 ? q.n : 40), q.s);
	return add_source(a, r, e);
}

bool ask_is_done(const struct ask *a, const struct rec *r)
{
	return rec_is(r, "done") && is_of(a, str_of(r, "query"));
}

int ask_chunk(struct ask *a, const struct rec *r, struct err *e)
{
	ask_clear(a);
	a->id = a->text = (struct ask_str){ "?", 1 };
	return add_source(a, r, e);
}

/* Three things separate questions whose answer is there from others: how many of their informative words the index has at all
 * (`known`; the name of a command that has no page is nowhere), how many one document has (`cover`; in a large index a question
 * about something else has its words here and there), and how near a chunk is in meaning (`cos`). Each is taken from whichever
 * hit has most. Refused of development questions, MiniLM; the constants hold on either half of them:
 *
 *	                                       floor above  before   by words  before
 *	commands that are in no page                 70 %     53 %       60 %    24 %
 *	tldr tasks, plain or command named            0 %      0 %      0.7 %   0.9 %
 *	MuSiQue, HotpotQA                          5, 0 %  35, 3 %    3, 0 %  20, 0 %
 *	SQuAD 2; 20 documents of it; 3            2, 3, 3 % 3, 12, 42 % 2, 1, 2 %  0, 4, 42 %
 *
 * A wrong refusal is worse than an answer whose sources show that it is beside the point, so the floors are low. */
#define KNOWN_BOTH 0.56
#define KNOWN_ALONE 0.6
#define COVER_BOTH 0.35
#define COVER_ALONE 0.25

/* False where `share` is not told. */
static bool is_below(double share, double cos, double both, double alone)
{
	return isnan(cos) ? share < alone : (share + cos) / 2 < both;
}

bool ask_is_answerable(const struct ask *a)
{
	double cover = NAN, known = NAN, cos = NAN;
	for (size_t i = 0; i < a->n_source; i++) {
		cover = fmax(cover, a->source[i]->cover);
		known = fmax(known, a->source[i]->known);
		cos = fmax(cos, a->source[i]->cos);
	}
	return a->n_source > 0 && !is_below(known, cos, KNOWN_BOTH, KNOWN_ALONE) && !is_below(cover, cos, COVER_BOTH, COVER_ALONE);
}
