/* SPDX-License-Identifier: Apache-2.0
 *
 * prompt: filling the grounded prompt from the best source down until the budget is spent.
 *
 * How many sources: a document that has all informative words of the question (`cover`) mostly answers it alone, or by another
 * of its options; one that lacks some is perhaps a first step, to which other documents add. So what others may take grows with
 * what the best one lacks. Of an option or entry that is not the best, names and first sentence tell whether it is meant.
 * docs/evaluation.md has the figures.
 *
 * The tail (question) is encoded first, so that its cost is known before sources are added; a source that doesn't fit whole
 * is taken back and, if there is room for something useful, added again cut at a line.
 */
#include "generate/prompt.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenize/split.h"

#define CUT_MIN_TOK 48		/* room below which a cut source isn't worth its tokens */
#define BEGIN_MAX 120		/* bytes of a text that tells what else there is */
#define SENTENCE_MAX 100	/* bytes of the first sentence of an entry that is not the best */

#define SOURCES_ONLY "You answer questions from the numbered sources only. "
#define OR_REFUSE "If the sources do not hold the answer, say: The sources do not say."

const struct prompt_style prompt_command = {
	.system = SOURCES_ONLY "Name the exact command and every option that is needed, in all spellings that the source gives. "
		"Answer in one or two sentences, put the command in backticks, and cite the source you used like [1]. " OR_REFUSE,
	.example_user = "Sources:\n[1] cp(1) > OPTIONS\n-u, --update copy only when the SOURCE file is newer than the "
		"destination file or when the destination file is missing\n\n[2] cp(1) > OPTIONS\n-v, --verbose explain"
		" what is being done\n\nQuestion: How do I copy files but skip those that are not newer?",
	.example_reply = "Use `cp -u SOURCE DEST` (`-u`, `--update`): it copies only when the source file is newer than the destination "
		"or the destination is missing [1].",
	.max_source = 6,
	.further = 80,
	.lacking = 600,
};
const struct prompt_style prompt_text = {
	.system = SOURCES_ONLY "Answer in one short sentence, with the words of the source, and cite the source you used like [1]. " OR_REFUSE,
	.example_user = "Sources:\n[1] Garden > Hedge\nThe hedge along the lane was planted in 1998. It is cut every August, before the "
		"school term begins.\n\n[2] Garden > Pond\nThe pond is 80 cm deep. Its pump broke in the winter and was replaced by Anna "
		"Lind in May 2019.\n\nQuestion: Who replaced the pump?",
	.example_reply = "The pump was replaced by Anna Lind [2].",
	.max_source = 6,
	.further = 0,
	.lacking = 1000,
};

const char *const prompt_system_plain = "You answer questions about this machine's commands. Name the exact command and option. "
	"Answer in one or two sentences, and put the command in backticks.";
const char *const prompt_refusal[] = { "sources do not say", "source does not say", NULL };

/* True for names like tar(1) and printf(3p). */
static bool is_manual_page(struct ask_str name)
{
	const char *open = name.n ? memrchr(name.s, '(', name.n) : NULL;
	return open && open > name.s && open[1] >= '1' && open[1] <= '9' && name.s[name.n - 1] == ')';
}

const struct prompt_style *prompt_style_for(const struct ask *a)
{
	return a->n_source && !is_manual_page(a->source[0]->name) ? &prompt_text : &prompt_command;
}

void prompt_release(struct prompt *p)
{
	chat_release(&p->chat);
	*p = (struct prompt){ 0 };
}

static void put(struct chat *c, const char *s)
{
	chat_text(c, s, strlen(s));
}

static struct ask_str page(const struct ask_source *s)
{
	return s->name.n ? s->name : s->title;
}

static bool is_equal(struct ask_str a, struct ask_str b)
{
	return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

/* An option or entry, whose own heading needn't stand there twice. */
static bool is_entry(const struct ask_source *s)
{
	const struct ask_str *last = s->n_sec ? &s->sec[s->n_sec - 1] : NULL;
	return last && rec_is_headed(s->text.s, s->text.n, last->s, last->n);
}

/* Where s[0..n) is cut to at most `max` bytes: before a word. */
static size_t n_cut(const char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	const char *gap = memrchr(s + max / 2, ' ', max - max / 2);
	return gap ? (size_t)(gap - s) : utf8_floor(s, n, max);
}

/* Bytes of a further source: an entry's names and first sentence; the beginning of what stands in a manual beside its entries; all of
 * other text. */
static size_t n_short(const struct ask_source *s, const struct ask_source *best)
{
	if (!is_entry(s))
		return is_entry(best) ? n_cut(s->text.s, s->text.n, BEGIN_MAX) : s->text.n;
	const char *nl = memchr(s->text.s, '\n', s->text.n);
	if (!nl)
		return s->text.n;
	size_t from = (size_t)(nl + 1 - s->text.s), n = s->text.n - from;
	const char *end = memmem(nl + 1, n, "\n\n", 2);
	return from + n_cut(nl + 1, cut_sentence(nl + 1, end ? (size_t)(end - nl - 1) : n), SENTENCE_MAX);
}

/* "[2] tar(1) > OPTIONS\n", then n bytes of the text and a blank line. Below a source of the same page, only the last heading. */
static void put_source(struct chat *c, size_t number, const struct ask_source *above, const struct ask_source *s, size_t n)
{
	char head[32];
	snprintf(head, sizeof head, "[%zu] ", number);
	put(c, head);
	size_t n_head = s->n_sec - is_entry(s);
	if (!above || !is_equal(page(above), page(s))) {
		chat_text(c, page(s).s, page(s).n);
		for (size_t i = 0; i < n_head; i++) {
			put(c, " > ");
			chat_text(c, s->sec[i].s, s->sec[i].n);
		}
		put(c, "\n");
	} else if (n_head && !is_entry(s)) {
		chat_text(c, s->sec[n_head - 1].s, s->sec[n_head - 1].n);
		put(c, "\n");
	}
	while (n && (s->text.s[n - 1] == '\n' || s->text.s[n - 1] == ' '))
		n--;
	chat_text(c, s->text.s, n);
	put(c, n < s->text.n && s->text.s[n] != '\n' ? " ...\n\n" : "\n\n");
	chat_cut(c);
}

static void take_back(struct chat *c, size_t n_ids, size_t n_text)
{
	c->ids.len = n_ids;
	c->text.len = n_text;
}

/* Adds n bytes of source `s` within `room` tokens, or fewer. Returns 1 if added as asked, 2 if cut, 0 if left out. */
static int add_source(struct prompt *p, const struct ask_source *s, size_t n, size_t room)
{
	struct chat *c = &p->chat;
	const struct ask_source *above = p->n_source ? p->source[p->n_source - 1] : NULL;
	size_t ids = c->ids.len, text = c->text.len;
	for (int tries = 0; tries < 8 && !c->fail; tries++) {
		put_source(c, p->n_source + 1, above, s, n);
		size_t used = c->ids.len - ids;
		if (used <= room)
			return tries ? 2 : 1;
		take_back(c, ids, text);
		if (room < CUT_MIN_TOK)
			return 0;
		size_t want = (size_t)((double)n * (double)room / (double)used * 0.95);
		const char *nl = memrchr(s->text.s, '\n', want);
		n = nl && nl > s->text.s + want / 2 ? (size_t)(nl - s->text.s) : utf8_floor(s->text.s, s->text.n, want);
	}
	return 0;
}

/* The question and what closes the prompt. */
static int put_tail(struct chat *c, const struct ask *a, struct err *e)
{
	put(c, "Question: ");
	chat_text(c, a->text.s, a->text.n);
	chat_end(c);
	return chat_reply(c, e);
}

/* Tokens that it will take. */
static int tail_cost(const struct prompt *p, const struct ask *a, size_t *n, struct err *e)
{
	struct chat c;
	chat_init(&c, p->chat.kind, p->chat.tok);
	c.is_text = p->chat.is_text;
	size_t before = c.ids.len;
	int rc = put_tail(&c, a, e);
	*n = c.ids.len - before;
	chat_release(&c);
	return rc;
}

static int too_long(size_t n, size_t n_max, struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "the prompt takes %zu tokens, of which the context leaves room for %zu", n, n_max);
}

int prompt_fixed(struct prompt *p, const struct prompt_style *st, const char *system, enum template_kind kind, const struct tok *tok)
{
	*p = (struct prompt){ 0 };
	struct chat *c = &p->chat;
	chat_init(c, kind, tok);
	chat_turn(c, CHAT_SYSTEM, system ? system : st->system, strlen(system ? system : st->system));
	if (!system) {
		chat_turn(c, CHAT_USER, st->example_user, strlen(st->example_user));
		chat_turn(c, CHAT_ASSISTANT, st->example_reply, strlen(st->example_reply));
	}
	chat_begin(c, CHAT_USER);
	put(c, "Sources:\n");
	chat_cut(c);
	p->n_fixed = p->n_best = c->ids.len;
	return c->fail;
}

/* What sources beyond the best may take, in tokens. */
static size_t further(const struct prompt_style *st, const struct ask_source *best)
{
	double lacks = best->cover >= 0 && best->cover <= 1 ? 1 - best->cover : 1;	/* all, if it isn't known */
	return st->further + (size_t)((double)st->lacking * lacks);
}

/* True if a better source has the same text: pages that share an option's entry are one source. */
static bool is_copy(const struct prompt *p, const struct ask_source *s)
{
	for (size_t i = 0; i < p->n_source; i++)
		if (is_equal(p->source[i]->text, s->text))
			return true;
	return false;
}

/* Adds sources while the prompt stays within n_max tokens: as `by` chooses, or for NULL the first `most` hits. Copies are left out. */
static void fill(struct prompt *p, const struct prompt_style *by, size_t most, const struct ask *a, size_t n_max)
{
	struct chat *c = &p->chat;
	most = by ? by->max_source : most;
	for (size_t i = 0; i < a->n_source && p->n_source < most && !p->is_cut; i++) {
		const struct ask_source *s = a->source[i];
		if (is_copy(p, s))
			continue;
		if (by && i > 0 && c->ids.len - p->n_best >= further(by, a->source[0]))
			break;
		int added = add_source(p, s, by && i > 0 ? n_short(s, a->source[0]) : s->text.n, n_max - c->ids.len);
		if (!added)
			break;
		p->is_cut = added == 2;
		p->source[p->n_source++] = s;
		if (i == 0)
			p->n_best = c->ids.len;
	}
}

int prompt_build(struct prompt *p, const struct prompt_style *st, const char *system, size_t max_source, const struct ask *a,
	enum template_kind kind, const struct tok *tok, size_t n_max, struct err *e)
{
	size_t tail;
	prompt_fixed(p, st, system, kind, tok);		/* a failure shows at the end, in chat_reply */
	int rc = tail_cost(p, a, &tail, e);
	if (!rc && p->n_fixed + tail > n_max)
		rc = too_long(p->n_fixed + tail, n_max, e);
	if (rc) {
		prompt_release(p);
		return rc;
	}
	fill(p, max_source ? NULL : st, max_source, a, n_max - tail);
	rc = put_tail(&p->chat, a, e);
	if (rc)
		prompt_release(p);
	return rc;
}

/* Ends a prompt without sources, which has to keep within n_max tokens. */
static int finish(struct prompt *p, size_t n_max, struct err *e)
{
	int rc = chat_reply(&p->chat, e);
	if (!rc && p->chat.ids.len > n_max)
		rc = too_long(p->chat.ids.len, n_max, e);
	if (!rc && p->chat.ids.len == 0)
		rc = err_set(e, ERR_ARG, ERR_NO_OFFSET, "an empty prompt");
	if (rc)
		prompt_release(p);
	return rc;
}

int prompt_plain(struct prompt *p, const char *system, const char *text, size_t n, enum template_kind kind, const struct tok *tok,
	size_t n_max, struct err *e)
{
	*p = (struct prompt){ 0 };
	chat_init(&p->chat, kind, tok);
	if (system)
		chat_turn(&p->chat, CHAT_SYSTEM, system, strlen(system));
	chat_turn(&p->chat, CHAT_USER, text, n);
	return finish(p, n_max, e);
}

int prompt_raw(struct prompt *p, const char *text, size_t n, const struct tok *tok, size_t n_max, struct err *e)
{
	*p = (struct prompt){ 0 };
	chat_init(&p->chat, TEMPLATE_PLAIN, tok);
	chat_text(&p->chat, text, n);
	return finish(p, n_max, e);
}
