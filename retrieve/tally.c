/* SPDX-License-Identifier: Apache-2.0
 *
 * tally: the hits of one query are gathered until the next query record (or the end), then judged:
 *
 *	query q1, hit, hit, hit, query q2, hit, ...
 *	          '---- gathered ----' judged here
 *
 * A document's rank is that of its best chunk: the ranking is the documents in the order in which they first appear.
 */
#include "retrieve/tally.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "retrieve/metric.h"

#define DOC_MAX 4096

struct gathered {
	const struct qitem *q;			/* NULL before the first query */
	char *doc[TALLY_CUT];			/* the first documents, each once */
	size_t n_doc;
	unsigned n_hit;
	struct buf first, all;			/* text of the first hit, and of all */
};

int tally_init(struct tally *t, const struct qset *set, struct err *e)
{
	*t = (struct tally){ .set = set };
	t->n_hit = calloc(set->n + 1, sizeof *t->n_hit);
	return t->n_hit ? 0 : err_memory(e);
}

void tally_release(struct tally *t)
{
	free(t->n_hit);
	buf_release(&t->words);
	buf_release(&t->gold);
	*t = (struct tally){ 0 };
}

/* Not 0 if some text could not be compared for want of memory. */
static int check_compared(const struct tally *t, struct err *e)
{
	return t->words.failed || t->gold.failed ? err_memory(e) : 0;
}

static int find_query(const struct tally *t, const struct rec *rec, const char *key, const struct qitem **q, struct err *e)
{
	const char *id = "";
	size_t n = 0;
	rec_str(rec, key, &id, &n);
	*q = qset_find(t->set, id, n);
	return *q ? 0 : err_set(e, ERR_FORMAT, rec->at, "%s: record %llu: query '%.*s' is not in the set", t->stream,
				(unsigned long long)rec->n, (int)(n > 60 ? 60 : n), id);
}

/* True if the text names every option that the query asks for, or holds one of its gold answers. */
static bool is_right_in(struct tally *t, const struct qitem *q, const char *text, size_t n)
{
	if (qset_has_flags(q))
		return qset_flags_in(q, text, n);
	gold_words(&t->words, text, n);
	return qset_gold_in(q, &t->words, &t->gold);
}

static bool is_judged(const struct qitem *q)
{
	return qset_has_flags(q) || qset_has_gold(q);
}

/* ---- hits ---- */

static void judge(struct tally *t, struct gathered *g)
{
	const struct qitem *q = g->q;
	int grade[TALLY_CUT], *ideal;
	if (!q)
		return;
	ideal = malloc((q->n_rel + 1) * sizeof *ideal);
	if (!ideal) {
		g->all.failed = ERR_MEM;
		return;
	}
	for (size_t i = 0; i < g->n_doc; i++)
		grade[i] = qset_grade(q, g->doc[i]);
	for (size_t i = 0; i < q->n_rel; i++)
		ideal[i] = q->rel[i].grade;
	t->n_query++;
	t->ndcg += metric_ndcg(grade, g->n_doc, ideal, q->n_rel, TALLY_CUT);
	t->recall += metric_recall(grade, g->n_doc, q->n_rel, TALLY_CUT);
	if (q->best)
		t->rr += metric_rr(grade, g->n_doc, q->best, TALLY_CUT);
	t->n_hit[q - t->set->item] = g->n_hit;
	if (is_judged(q)) {
		t->n_judged++;
		t->first_entry += is_right_in(t, q, g->first.data, g->first.len);
		t->sources_hold += is_right_in(t, q, g->all.data, g->all.len);
	}
	free(ideal);
}

static void forget(struct gathered *g)
{
	for (size_t i = 0; i < g->n_doc; i++)
		free(g->doc[i]);
	g->n_doc = 0;
	g->n_hit = 0;
	g->q = NULL;
	buf_reuse(&g->first);
	buf_reuse(&g->all);
}

static int add_doc(const struct tally *t, struct gathered *g, const struct rec *rec, struct err *e)
{
	const char *doc;
	size_t n;
	char id[DOC_MAX];
	if (!rec_str(rec, "doc", &doc, &n) || !metric_doc_id(doc, n, id, sizeof id))
		return err_set(e, ERR_FORMAT, rec->at, "%s: record %llu: a hit without a usable 'doc'", t->stream, (unsigned long long)rec->n);
	for (size_t i = 0; i < g->n_doc; i++)
		if (strcmp(g->doc[i], id) == 0)
			return 0;
	if (g->n_doc == TALLY_CUT)
		return 0;
	g->doc[g->n_doc] = strdup(id);
	if (!g->doc[g->n_doc])
		return err_memory(e);
	g->n_doc++;
	return 0;
}

/* What a reader of the hit would see: its headings, an option's head among them, and its text. */
static void add_text(struct buf *b, const struct rec *rec)
{
	const msgpack_object *sec = rec_get(rec, "sec");
	for (uint32_t i = 0; sec && sec->type == MSGPACK_OBJECT_ARRAY && i < sec->via.array.size; i++) {
		const msgpack_object *s = &sec->via.array.ptr[i];
		if (s->type == MSGPACK_OBJECT_STR) {
			buf_add(b, s->via.str.ptr, s->via.str.size);
			buf_putc(b, '\n');
		}
	}
	const char *text;
	size_t n;
	if (rec_str(rec, "text", &text, &n))
		buf_add(b, text, n);
	buf_putc(b, '\n');
}

static int add_hit(struct tally *t, struct gathered *g, const struct rec *rec, struct err *e)
{
	const struct qitem *q;
	int r = find_query(t, rec, "query", &q, e);
	if (r < 0)
		return r;
	if (q != g->q)
		return err_set(e, ERR_FORMAT, rec->at, "%s: record %llu: a hit that does not follow its query", t->stream,
			       (unsigned long long)rec->n);
	if (g->n_hit++ == 0)
		add_text(&g->first, rec);
	add_text(&g->all, rec);
	return add_doc(t, g, rec, e);
}

int tally_hits(struct tally *t, struct rec_reader *in, struct err *e)
{
	struct gathered g = { 0 };
	struct rec rec;
	int got, r = 0;
	while (r == 0 && (got = rec_read(in, &rec, e)) != 0) {
		if (got < 0) {
			r = got;
		} else if (rec_is(&rec, "query")) {
			judge(t, &g);
			forget(&g);
			r = find_query(t, &rec, "id", &g.q, e);
		} else if (rec_is(&rec, "hit")) {
			r = add_hit(t, &g, &rec, e);
		}
	}
	if (r == 0)
		judge(t, &g);
	if (r == 0 && (g.first.failed || g.all.failed))
		r = err_memory(e);
	if (r == 0)
		r = check_compared(t, e);
	forget(&g);
	buf_release(&g.first);
	buf_release(&g.all);
	return r;
}

/* ---- answers ---- */

/* The next answer and the question that it belongs to: 1, 0 at the end, or an error. */
static int next_answer(struct tally *t, struct rec_reader *in, struct rec *rec, const struct qitem **q, struct err *e)
{
	int got;
	while ((got = rec_read(in, rec, e)) > 0)
		if (rec_is(rec, "answer")) {
			int r = find_query(t, rec, "query", q, e);
			return r < 0 ? r : 1;
		}
	return got;
}

int tally_plain(struct tally *t, struct rec_reader *in, struct err *e)
{
	struct rec rec;
	const struct qitem *q;
	const char *text;
	size_t n;
	int got;
	while ((got = next_answer(t, in, &rec, &q, e)) > 0) {
		if (!is_judged(q))
			continue;
		t->n_plain++;
		t->plain_right += rec_str(&rec, "text", &text, &n) && is_right_in(t, q, text, n);
	}
	return got < 0 ? got : check_compared(t, e);
}

/* True if the text speaks of a source outside 1..n_hit: a citation with such a number. */
static bool has_bad_number(const char *s, size_t n, unsigned n_hit)
{
	for (size_t i = 0; i < n; i++) {
		size_t end = i + gold_citation(s + i, n - i);
		for (size_t k = i; k < end; k++) {
			size_t from = k;
			unsigned v = 0;
			for (; isdigit((unsigned char)s[k]); k++)
				v = v < 1000000 ? 10 * v + (unsigned)(s[k] - '0') : v;
			if (k > from && (v < 1 || v > n_hit))
				return true;
		}
	}
	return false;
}

static bool is_best_page(const struct qitem *q, const msgpack_object *cite)
{
	char id[DOC_MAX];
	const char *doc;
	size_t n;
	return rec_str(&(struct rec){ .map = cite }, "doc", &doc, &n) && metric_doc_id(doc, n, id, sizeof id) && q->best &&
		qset_grade(q, id) == q->best;
}

static void add_gold(struct tally *t, const struct qitem *q, const char *text, size_t n)
{
	gold_words(&t->words, text, n);
	struct gold_match m = qset_gold(q, &t->words, &t->gold);
	t->exact += m.exact;
	t->held += m.held;
	t->f1 += m.f1;
}

static void add_answer(struct tally *t, const struct qitem *q, const struct rec *rec)
{
	unsigned n_hit = t->n_hit[q - t->set->item];
	const msgpack_object *cites = rec_get(rec, "cites");
	uint32_t n_cite = cites && cites->type == MSGPACK_OBJECT_ARRAY ? cites->via.array.size : 0;
	bool refused = false, bad, any = false;
	const char *text = "";
	size_t n = 0;
	rec_str(rec, "text", &text, &n);
	rec_bool(rec, "refused", &refused);
	bad = has_bad_number(text, n, n_hit);
	for (uint32_t i = 0; i < n_cite; i++) {
		const msgpack_object *cite = &cites->via.array.ptr[i];
		uint64_t number = 0;
		rec_u64(&(struct rec){ .map = cite }, "n", &number);
		bad = bad || number < 1 || number > n_hit;
		any = any || is_best_page(q, cite);
	}
	t->n_answer++;
	t->refused += refused;
	t->bad_number += bad;
	t->cites += n_cite > 0 && !bad;
	t->page_right += n_cite > 0 && is_best_page(q, &cites->via.array.ptr[0]);
	t->page_any += any;
	if (qset_has_flags(q)) {
		t->n_option++;
		t->option_right += !refused && qset_flags_in(q, text, n);
	}
	if (qset_has_gold(q)) {
		t->n_gold++;
		if (!refused)
			add_gold(t, q, text, n);
	}
}

int tally_answers(struct tally *t, struct rec_reader *in, struct err *e)
{
	struct rec rec;
	const struct qitem *q;
	int got;
	while ((got = next_answer(t, in, &rec, &q, e)) > 0)
		add_answer(t, q, &rec);
	return got < 0 ? got : check_compared(t, e);
}
