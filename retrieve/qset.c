/* SPDX-License-Identifier: Apache-2.0
 *
 * qset: queries and judgements are small (thousands of lines), so both are read whole, the judgements are sorted by
 * query and document, and each query points at its run of them:
 *
 *	item[]  (file order)  --rel,n_rel-->  rel[]  (sorted by query, then document)
 *	by_id[] (sorted)      ----------->  item[]
 */
#include "retrieve/qset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/grow.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "retrieve/metric.h"

#define FILE_MAX ((size_t)1 << 30)

static int by_query(const void *a, const void *b)
{
	const struct qrel *x = a, *y = b;
	int c = strcmp(x->query, y->query);
	return c ? c : strcmp(x->doc, y->doc);
}

static int by_item_id(const void *a, const void *b)
{
	return strcmp((*(struct qitem *const *)a)->id, (*(struct qitem *const *)b)->id);
}

/* Cuts the line at `at` into its three fields, in place. */
static int read_qrel(struct qrel *r, char *at)
{
	char *end;
	r->query = at;
	char *doc = strchr(at, '\t'), *grade = doc ? strchr(doc + 1, '\t') : NULL;
	if (!grade)
		return ERR_FORMAT;
	*doc = *grade = '\0';
	r->doc = doc + 1;
	long v = strtol(grade + 1, &end, 10);
	if (end == grade + 1 || (*end && *end != '\r') || v < 0 || v > 1000)
		return ERR_FORMAT;
	r->grade = (int)v;
	return 0;
}

/* Of sorted judgements, one for each page: the highest where there are several. */
static void unite(struct qset *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n_rel; i++) {
		struct qrel *last = n ? &s->rel[n - 1] : NULL, *r = &s->rel[i];
		if (!last || by_query(last, r) != 0)
			s->rel[n++] = *r;
		else if (r->grade > last->grade)
			last->grade = r->grade;
	}
	s->n_rel = n;
}

int qset_read_lines(struct buf *b, const char *path, struct err *e)
{
	int r = io_read_file(b, path, FILE_MAX, e);
	const char *nul = !r && b->len ? memchr(b->data, '\0', b->len) : NULL;
	return nul ? err_set(e, ERR_FORMAT, (uint64_t)(nul - b->data), "'%s' holds a NUL byte", path) : r;
}

static int read_qrels(struct qset *s, const char *path, struct err *e)
{
	struct buf b = { 0 };
	int r = qset_read_lines(&b, path, e);
	if (r < 0)
		goto out;
	s->text = b.data;
	b.data = NULL;
	size_t line = 0, cap = 0;
	char *next, *at = s->text ? s->text + utf8_bom(s->text, b.len) : NULL;
	for (; at && *at; at = next) {
		line++;
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		struct qrel *rel = grow(s->rel, s->n_rel, &cap, sizeof *rel);
		if (!rel) {
			r = err_memory(e);
			goto out;
		}
		s->rel = rel;
		if (read_qrel(&s->rel[s->n_rel], at)) {
			r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' line %zu: expected query, document and grade", path, line);
			goto out;
		}
		s->n_rel += s->rel[s->n_rel].grade > 0;
	}
	if (s->n_rel)
		qsort(s->rel, s->n_rel, sizeof *s->rel, by_query);
	unite(s);
out:
	buf_release(&b);
	return r < 0 ? r : 0;
}

static int read_item(struct qset *s, size_t *cap, const char *p, size_t n)
{
	static const struct json_limits most = { .depth = 32, .n_value = 1u << 20 };
	struct qitem *item = grow(s->item, s->n, cap, sizeof *item);
	if (!item)
		return ERR_MEM;
	s->item = item;
	struct err why = {0};
	json_t *j = json_text(p, n, 0, &most, &why);
	const char *id = json_string_value(json_object_get(j, "id"));
	if (!id) {
		json_decref(j);
		return why.code == ERR_MEM ? ERR_MEM : ERR_FORMAT;
	}
	s->item[s->n++] = (struct qitem){ .id = id, .json = j };
	return 0;
}

static int read_queries(struct qset *s, const char *path, struct err *e)
{
	struct buf b = { 0 };
	int r = io_read_file(&b, path, FILE_MAX, e);
	size_t line = 0, cap = 0;
	for (size_t at = utf8_bom(b.data, b.len), end; r >= 0 && at < b.len; at = end + 1) {
		line++;
		const char *nl = memchr(b.data + at, '\n', b.len - at);
		end = nl ? (size_t)(nl - b.data) : b.len;
		if (end == at)
			continue;
		r = read_item(s, &cap, b.data + at, end - at);
		if (r == ERR_FORMAT)
			err_set(e, r, ERR_NO_OFFSET, "'%s' line %zu: expected a JSON object with an 'id'", path, line);
		else if (r < 0)
			err_memory(e);
	}
	buf_release(&b);
	return r < 0 ? r : 0;
}

/* Gives each query its run of judgements; whether any query has one. */
static bool join(struct qset *s)
{
	bool any = false;
	for (size_t i = 0; i < s->n; i++) {
		struct qitem *q = &s->item[i];
		size_t lo = 0, hi = s->n_rel;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (strcmp(s->rel[mid].query, q->id) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		q->rel = lo < s->n_rel ? s->rel + lo : NULL;
		for (; lo < s->n_rel && strcmp(s->rel[lo].query, q->id) == 0; lo++, q->n_rel++)
			if (s->rel[lo].grade > q->best)
				q->best = s->rel[lo].grade;
		any = any || q->n_rel;
	}
	return any;
}

int qset_open(struct qset *s, const char *queries, const char *qrels, struct err *e)
{
	*s = (struct qset){ 0 };
	int r = read_queries(s, queries, e);
	if (r == 0 && qrels)
		r = read_qrels(s, qrels, e);
	if (r == 0 && s->n) {
		s->by_id = malloc(s->n * sizeof *s->by_id);
		if (!s->by_id)
			r = err_memory(e);
	}
	if (r == 0 && !join(s) && qrels && s->n)
		r = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' judges no document for any query of '%s'", qrels, queries);
	if (r < 0) {
		qset_close(s);
		return r;
	}
	for (size_t i = 0; i < s->n; i++)
		s->by_id[i] = &s->item[i];
	if (s->n)
		qsort(s->by_id, s->n, sizeof *s->by_id, by_item_id);
	return 0;
}

void qset_close(struct qset *s)
{
	for (size_t i = 0; i < s->n; i++)
		json_decref(s->item[i].json);
	free(s->item);
	free(s->by_id);
	free(s->rel);
	free(s->text);
	*s = (struct qset){ 0 };
}

const struct qitem *qset_find(const struct qset *s, const char *id, size_t n)
{
	size_t lo = 0, hi = s->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *at = s->by_id[mid]->id;
		size_t len = strlen(at);
		int c = memcmp(at, id, len < n ? len : n);	/* `id` came with a stream and may hold a NUL */
		if (c == 0)
			c = (len > n) - (len < n);
		if (c == 0)
			return s->by_id[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int qset_grade(const struct qitem *q, const char *doc)
{
	for (size_t i = 0; i < q->n_rel; i++)
		if (strcmp(q->rel[i].doc, doc) == 0)
			return q->rel[i].grade;
	return 0;
}

bool qset_has_flags(const struct qitem *q)
{
	return json_array_size(json_object_get(q->json, "gold_flags")) > 0 &&
	       json_array_size(json_object_get(q->json, "flags_not_in_page")) == 0;
}

bool qset_flags_in(const struct qitem *q, const char *text, size_t n)
{
	size_t i, k;
	json_t *all = json_object_get(q->json, "gold_flags"), *one, *flag;
	json_array_foreach(all, i, one) {
		bool found = false;
		json_array_foreach(one, k, flag)
			found = found || (json_is_string(flag) && metric_has_word(text, n, json_string_value(flag)));
		if (!found)
			return false;
	}
	return true;
}

bool qset_has_gold(const struct qitem *q)
{
	return json_array_size(json_object_get(q->json, "answers")) > 0;
}

bool qset_gold_in(const struct qitem *q, const struct buf *words, struct buf *scratch)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(q->json, "answers"), i, one) {
		if (!json_is_string(one))
			continue;
		gold_words(scratch, json_string_value(one), json_string_length(one));
		if (gold_is_held(words, scratch))
			return true;
	}
	return false;
}

struct gold_match qset_gold(const struct qitem *q, const struct buf *words, struct buf *scratch)
{
	struct gold_match best = { 0 };
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(q->json, "answers"), i, one) {
		if (!json_is_string(one))
			continue;
		gold_words(scratch, json_string_value(one), json_string_length(one));
		struct gold_match m = gold_compare(words, scratch);
		best.exact = best.exact || m.exact;
		best.held = best.held || m.held;
		best.f1 = m.f1 > best.f1 ? m.f1 : best.f1;
	}
	return best;
}
