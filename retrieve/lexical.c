/* SPDX-License-Identifier: Apache-2.0
 *
 * lexical: term at a time. A posting list is decoded once; entries of one document are consecutive, so the document's count is
 * complete when the next one begins, and both scores come from one pass. Up to some 10^6 chunks that beats anything that skips:
 * a posting costs about 3 ns.
 *
 * Terms are taken in the plan's order and segments in the manifest's, so sums of floats come out the same every time.
 *
 * What is counted is what is alive: a document that was removed or replaced says nothing about how rare a word is, or whether the
 * index knows it, even while it still lies in a segment.
 */
#include "retrieve/lexical.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/postings.h"

const struct lexical_param lexical_default = { .k1 = 0.9f, .b = 0.75f, .head = 1, .k1_doc = 0.9f, .b_doc = 0.75f, .k1_name = 0.9f,
	.b_name = 0.75f };

/* "git am: apply a patch" means git-am(1), and "apt install: get a package", where no page has that name, apt(8): nothing else that
 * fits the words may go before the page of the longest name. The page of a shorter one, git(1), tells about the same command from
 * outside, so it comes next. Any values that keep this order rank alike. */
#define NAMED 8
#define PARENT 4

/* How many times as much a name weighs that is meant as one ("with tar") as a word that only is the name of a page, too. Tasks of tldr
 * "with COMMAND" gain 0.03 in nDCG@10 by words (0.02 by 2, 0.04 by 5), those that name none lose less than 0.001 (0.001 by 5). */
#define MEANT 3

/* Shares of a question's words (`cover`, `known`) weigh words as if there were so many more documents: of three pages nobody can
 * tell how rare a word is. */
#define MORE_DOCS 100

/* A term in one segment. */
struct lookup { struct segment_term at; bool found; };

struct totals { double n_chunk, n_doc, chunk_len, doc_len, name_len; };

static double idf(double n, double df)
{
	return log(1 + (n - df + 0.5) / (df + 0.5));
}

/* The words of a segment's living documents: in texts, heading paths, names with titles. */
struct words { uint64_t text, head, name; };

static int count_words(struct store_segment *g, struct words *w, struct err *e)
{
	const struct segment_stat *st = &g->seg.stat;
	const struct segment_len *len;
	*w = (struct words){ st->n_text, st->n_head, st->n_name };
	int r = g->m->n_dead ? segment_get_lens(&g->seg, &len, e) : 0;
	for (size_t i = 0; !r && i < g->m->n_dead; i++) {
		struct segment_doc d;
		r = segment_get_doc(&g->seg, g->m->dead[i], &d, e);
		w->name -= r ? 0 : d.n_name;
		for (uint32_t k = 0; !r && k < d.n_chunk; k++) {
			w->text -= len[d.first + k].n_text;
			w->head -= len[d.first + k].n_head;
		}
	}
	return r;
}

static int count_all(struct store *s, float head, struct totals *t, struct err *e)
{
	double text = 0, heads = 0, name = 0;
	*t = (struct totals){ .n_chunk = s->n_chunk, .n_doc = s->n_doc };
	for (size_t i = 0; i < s->m.n_segment; i++) {
		struct words w;
		int r = count_words(&s->seg[i], &w, e);
		if (r)
			return r;
		text += (double)w.text;
		heads += (double)w.head;
		name += (double)w.name;
	}
	t->chunk_len = t->n_chunk > 0 ? (text + head * heads) / t->n_chunk : 1;
	t->doc_len = t->n_doc > 0 ? (text + heads) / t->n_doc : 1;
	t->name_len = t->n_doc > 0 ? name / t->n_doc : 1;
	t->chunk_len = t->chunk_len > 0 ? t->chunk_len : 1;
	t->doc_len = t->doc_len > 0 ? t->doc_len : 1;
	t->name_len = t->name_len > 0 ? t->name_len : 1;
	return 0;
}

/* norm[n_doc]: k1 * (1 - b + b * length / mean) of every document, by words and by name. */
static int doc_norms(struct store *s, const struct lexical_param *par, const struct totals *t, float *by_word, float *by_name,
	struct err *e)
{
	for (size_t i = 0; i < s->m.n_segment; i++)
		for (uint32_t k = 0; k < s->seg[i].m->n_doc; k++) {
			uint32_t n_word, n_name;
			int r = segment_get_doc_len(&s->seg[i].seg, k, &n_word, &n_name, e);
			if (r)
				return r;
			*by_word++ = par->k1_doc * (1 - par->b_doc + par->b_doc * (float)(n_word / t->doc_len));
			*by_name++ = par->k1_name * (1 - par->b_name + par->b_name * (float)(n_name / t->name_len));
		}
	return 0;
}

struct pass {
	float *chunk, *inner, *doc, *name, *cover;	/* of this segment */
	uint8_t *in_name;		/* [n_doc] 1 = the document's name or title has the term; set by score_names, which comes first */
	const float *doc_norm, *name_norm;
	const struct segment_len *len;
	float w_chunk, w_doc, w_name, w_cover;	/* weight * idf, relative */
	float k_0, k_len;		/* chunk norm = k_0 + k_len * length */
	float head;
};

static int bad_list(const struct store_segment *g, struct err *e)
{
	return err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' has a posting list that contradicts itself", g->seg.file.path);
}

static int score_chunks(struct store_segment *g, struct str list, const struct pass *p, struct err *e)
{
	struct postings it = postings_of(list.s, list.n, g->m->n_chunk);
	struct posting at;
	uint32_t doc = UINT32_MAX;
	float tf_doc = 0;
	while (postings_next(&it, &at)) {
		const struct segment_len *len = p->len + at.id;
		float tf = (float)at.tf + p->head * (float)at.tf_head;
		float norm = p->k_0 + p->k_len * ((float)len->n_text + p->head * (float)len->n_head);
		float w = p->w_chunk * tf / (tf + norm);
		p->chunk[at.id] += w;
		p->inner[at.id] += p->in_name[len->doc] ? 0 : w;
		if (len->doc != doc) {
			if (doc != UINT32_MAX)
				p->doc[doc] += p->w_doc * tf_doc / (tf_doc + p->doc_norm[doc]);
			doc = len->doc;
			tf_doc = 0;
			p->cover[doc] += p->in_name[doc] ? 0 : p->w_cover;
		}
		tf_doc += (float)(at.tf + at.tf_head);
	}
	if (doc != UINT32_MAX)
		p->doc[doc] += p->w_doc * tf_doc / (tf_doc + p->doc_norm[doc]);
	return it.bad ? bad_list(g, e) : 0;
}

static int score_names(struct store_segment *g, struct str list, const struct pass *p, struct err *e)
{
	struct postings it = postings_of(list.s, list.n, g->m->n_doc);
	struct posting at;
	while (postings_next(&it, &at)) {
		p->name[at.id] += p->w_name * (float)at.tf / ((float)at.tf + p->name_norm[at.id]);
		p->cover[at.id] += p->w_cover;
		p->in_name[at.id] = 1;
	}
	return it.bad ? bad_list(g, e) : 0;
}

/* The dictionary's counts hold for all documents; of a segment from which some were removed, the living are counted. */
static int count_living(struct store_segment *g, struct segment_term *t, struct err *e)
{
	struct postings chunks = postings_of(t->chunks.s, t->chunks.n, g->m->n_chunk);
	struct postings names = postings_of(t->names.s, t->names.n, g->m->n_doc);
	const struct segment_len *len;
	struct posting at;
	uint32_t doc = UINT32_MAX;
	int r = segment_get_lens(&g->seg, &len, e);
	if (r)
		return r;
	t->n_chunk = t->n_doc = t->n_name = 0;
	while (postings_next(&chunks, &at)) {
		if (g->dead[len[at.id].doc])
			continue;
		t->n_chunk++;
		t->n_doc += len[at.id].doc != doc;
		doc = len[at.id].doc;
	}
	while (postings_next(&names, &at))
		t->n_name += !g->dead[at.id];
	return chunks.bad || names.bad ? bad_list(g, e) : 0;
}

/* How many chunks, documents and names have a term. */
struct df { double chunk, doc, name; };

/* Looks a term up in every segment: at[n_segment], and the sums of its counts. */
static int look_up(struct store *s, const char *t, size_t n, struct lookup *at, struct df *df, struct err *e)
{
	*df = (struct df){0};
	for (size_t i = 0; i < s->m.n_segment; i++) {
		at[i] = (struct lookup){0};
		int r = segment_find(&s->seg[i].seg, t, n, &at[i].at, e);
		at[i].found = r == 1;
		if (r == 1 && s->seg[i].m->n_dead)
			r = count_living(&s->seg[i], &at[i].at, e);
		if (r < 0)
			return r;
		df->chunk += at[i].at.n_chunk;
		df->doc += at[i].at.n_doc;
		df->name += at[i].at.n_name;
	}
	return 0;
}

struct run {
	struct lexical *l;
	struct store *s;
	const struct lexical_param *par;
	struct totals t;
	struct lookup *at;		/* [n_segment] */
	float *doc_norm, *name_norm;	/* [n_doc] */
	uint8_t *in_name;		/* [n_doc] for the term at hand */
	double sum_chunk, sum_doc, sum_name, sum_cover;	/* of weight * idf over the question */
};

static int score_term(struct run *x, const struct plan_term *term, struct err *e)
{
	struct df df;
	int r = look_up(x->s, term->s, term->n, x->at, &df, e);
	if (r)
		return r;
	const struct lexical_param *par = x->par;
	double i_chunk = idf(x->t.n_chunk, df.chunk), i_doc = idf(x->t.n_doc, df.doc), i_name = idf(x->t.n_doc, df.name);
	struct pass p = { .w_chunk = (float)(term->weight * i_chunk), .w_doc = (float)(term->weight * i_doc),
		.w_name = (float)(term->weight * i_name), .w_cover = term->informs ? (float)idf(x->t.n_doc + MORE_DOCS, df.doc) : 0,
		.k_0 = par->k1 * (1 - par->b), .k_len = par->k1 * par->b / (float)x->t.chunk_len, .head = par->head };
	if (df.chunk + df.name > 0) {	/* a word that is nowhere says nothing about where to look */
		x->sum_chunk += term->weight * i_chunk;
		x->sum_doc += term->weight * i_doc;
		x->sum_name += term->weight * i_name;
		x->l->known += p.w_cover;
	}
	x->sum_cover += p.w_cover;
	memset(x->in_name, 0, x->l->n_doc);
	for (size_t i = 0; !r && i < x->s->m.n_segment; i++) {
		struct store_segment *g = &x->s->seg[i];
		size_t chunk = g->first_chunk, doc = g->first_doc;
		p.chunk = x->l->chunk + chunk;
		p.doc = x->l->doc + doc;
		p.name = x->l->name + doc;
		p.name_norm = x->name_norm + doc;
		p.cover = x->l->cover + doc;
		p.doc_norm = x->doc_norm + doc;
		p.inner = x->l->inner + chunk;
		p.in_name = x->in_name + doc;
		r = segment_get_lens(&g->seg, &p.len, e);
		if (!r && x->at[i].found)
			r = score_names(g, x->at[i].at.names, &p, e);
		if (!r && x->at[i].found)
			r = score_chunks(g, x->at[i].at.chunks, &p, e);
	}
	return r;
}

#define MOST_LINKS 8	/* from a name to its page: a link that came later may be one to a link */

/* What a document gets by a name of its own. */
struct lift { float whole, cover; };

static void lift(struct run *x, size_t doc, const struct lift *by)
{
	float *whole = &x->l->whole[doc];
	*whole = by->whole > *whole ? by->whole : *whole;
	if (by->cover > 0 && !x->in_name[doc]) {
		x->l->cover[doc] += by->cover;
		x->in_name[doc] = 1;
	}
}

/* Looks for the living document whose identity is `doc`: 1 if there is one, which *d and *number get. */
static int find_living(struct store *s, struct str doc, struct segment_doc *d, size_t *number, struct err *e)
{
	char t[SEGMENT_DOC_TERM];
	int found = 0;
	segment_doc_term(doc.s, doc.n, t);
	for (size_t i = 0; !found && i < s->m.n_segment; i++) {
		struct store_segment *g = &s->seg[i];
		struct segment_term at;
		struct posting p;
		int r = segment_find(&g->seg, t, sizeof t, &at, e);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		struct postings it = postings_of(at.names.s, at.names.n, g->m->n_doc);
		while (!found && postings_next(&it, &p))
			if (!g->dead[p.id]) {
				*number = g->first_doc + p.id;
				r = segment_get_doc(&g->seg, p.id, d, e);
				found = r ? r : 1;
			}
		if (it.bad)
			return bad_list(g, e);
	}
	return found;
}

/* Lifts the document whose identity is `doc`, and what it is another name of. */
static int lift_target(struct run *x, struct str doc, const struct lift *by, struct err *e)
{
	int r = 1;
	for (int n = 0; r > 0 && n < MOST_LINKS && doc.n; n++) {
		struct segment_doc d;
		size_t number = 0;
		r = find_living(x->s, doc, &d, &number, e);
		if (r > 0) {
			lift(x, number, by);
			doc = d.alias;
		}
	}
	return r < 0 ? r : 0;
}

/* Lifts the documents in `list` of segment g, and what the living are other names of. */
static int lift_named(struct run *x, struct store_segment *g, struct str list, const struct lift *by, struct err *e)
{
	struct postings it = postings_of(list.s, list.n, g->m->n_doc);
	struct posting at;
	while (postings_next(&it, &at)) {
		struct segment_doc d;
		int r = segment_get_doc(&g->seg, at.id, &d, e);
		if (!r && d.alias.n && !g->dead[at.id])
			r = lift_target(x, d.alias, by, e);
		if (r)
			return r;
		lift(x, g->first_doc + at.id, by);
	}
	return it.bad ? bad_list(g, e) : 0;
}

static bool informs(const struct plan *p, const struct plan_name *name)
{
	for (size_t i = 0; i < p->n_term; i++)
		if (p->term[i].n == name->n_term && memcmp(p->term[i].s, name->term, name->n_term) == 0)
			return p->term[i].informs;
	return false;
}

/* A word that no text and no title has, but is the name of a link, "gmake", says where to look all the same: it is known, and has its share of
 * every sum. Returns what of `cover` the page has by it. */
static float know_link(struct run *x)
{
	float w = (float)idf(x->t.n_doc + MORE_DOCS, 0);
	x->sum_chunk += idf(x->t.n_chunk, 0);
	x->sum_doc += idf(x->t.n_doc, 0);
	x->sum_name += idf(x->t.n_doc, 0);
	x->l->known += w;
	memset(x->in_name, 0, x->l->n_doc);
	return w;
}

/* A whole name weighs what its words weigh in the text: "tar" much, "file" little; one that is set off, more. The longest of these
 * that is the name of a page comes first: *led tells whether it did. */
static int score_name(struct run *x, const struct plan *p, const struct plan_name *name, bool *led, struct err *e)
{
	struct df word, whole;
	int r = look_up(x->s, name->term, name->n_term, x->at, &word, e);
	if (!r)
		r = look_up(x->s, name->s, name->n, x->at, &whole, e);
	if (r || whole.name <= 0)
		return r;
	double weight = idf(x->t.n_doc, word.doc) * (name->meant ? MEANT : 1);
	if (name->set_off) {
		weight = (*led ? PARENT : NAMED) * idf(x->t.n_doc, 1);
		*led = true;
	}
	struct lift by = { .whole = (float)(weight / idf(x->t.n_doc, 1)) };
	if (word.chunk + word.name <= 0 && informs(p, name))
		by.cover = know_link(x);
	for (size_t i = 0; !r && i < x->s->m.n_segment; i++)
		if (x->at[i].found)
			r = lift_named(x, &x->s->seg[i], x->at[i].at.names, &by, e);
	return r;
}

/* The plan has longer names behind shorter ones that begin alike. */
static int score_all_names(struct run *x, const struct plan *p, struct err *e)
{
	bool led = false;
	int r = 0;
	for (size_t i = p->n_name; !r && i-- > 0; )
		r = score_name(x, p, &p->name[i], &led, e);
	return r;
}

static void divide(float *v, size_t n, double by)
{
	float f = by > 0 ? (float)(1 / by) : 0;
	for (size_t i = 0; i < n; i++)
		v[i] *= f;
}

/* What a small index does not know says little against it: of words that no document has, only the share counts that its documents are of
 * those that would be needed to tell. */
static float known(float share, double n_doc)
{
	double lacks = (1 - (double)share) * n_doc / (n_doc + MORE_DOCS);
	return share > 0 ? (float)fmin(1, (double)share / ((double)share + lacks)) : 0;
}

int lexical_run(struct lexical *l, struct store *s, const struct plan *p, const struct lexical_param *par, struct err *e)
{
	*l = (struct lexical){ .n_chunk = s->n_all_chunk, .n_doc = s->n_all_doc };
	l->chunk = calloc(2 * l->n_chunk + 1, sizeof(float));
	l->doc = calloc(4 * l->n_doc + 1, sizeof(float));
	struct run x = { .l = l, .s = s, .par = par };
	x.at = calloc(s->m.n_segment + 1, sizeof *x.at);
	x.doc_norm = calloc(2 * l->n_doc + 1, sizeof(float));
	x.in_name = calloc(l->n_doc + 1, 1);
	int r = l->chunk && l->doc && x.at && x.doc_norm && x.in_name ? 0 : err_memory(e);
	if (!r)
		r = count_all(s, par->head, &x.t, e);
	if (!r) {
		l->inner = l->chunk + l->n_chunk;
		l->name = l->doc + l->n_doc;
		l->whole = l->name + l->n_doc;
		l->cover = l->whole + l->n_doc;
		x.name_norm = x.doc_norm + l->n_doc;
		r = doc_norms(s, par, &x.t, x.doc_norm, x.name_norm, e);
	}
	for (size_t i = 0; !r && i < p->n_term; i++)
		r = score_term(&x, &p->term[i], e);
	if (!r)
		r = score_all_names(&x, p, e);
	if (!r) {
		divide(l->chunk, 2 * l->n_chunk, x.sum_chunk);
		divide(l->doc, l->n_doc, x.sum_doc);
		divide(l->name, l->n_doc, x.sum_name);
		divide(l->cover, l->n_doc, x.sum_cover);
		for (size_t i = 0; i < l->n_doc; i++)		/* summed in another order, all of a question may round to more */
			l->cover[i] = fminf(1, l->cover[i]);
		divide(&l->known, 1, x.sum_cover);
		l->known = known(l->known, x.t.n_doc);
	} else {
		lexical_release(l);
	}
	free(x.at);
	free(x.in_name);
	free(x.doc_norm);
	return r;
}

void lexical_release(struct lexical *l)
{
	free(l->chunk);
	free(l->doc);
	*l = (struct lexical){0};
}
