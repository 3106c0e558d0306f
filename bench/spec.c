/* SPDX-License-Identifier: Apache-2.0
 *
 * spec: every prompt is read and replied to plain, rewound, and once more with drafts, since a drafter may read it too: the two follow
 * each other within seconds, which is what makes their ratio worth something on a machine with other work. `speedup` is that of
 * decoding alone; `speedup_whole` counts the reading of the prompts too.
 */
#include "bench/spec.h"

#include <string.h>

#include "generate/propose.h"
#include "generate/run.h"
#include "generate/template.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/pool.h"

#define N_CTX 4096
#define MAX_TURNS 8

struct bench {
	const struct spec *how;
	struct session *s;
	struct sampler *sampler;
	struct proposer proposer;
	struct run run;
	bool is_warned;
	size_t n_prompt, n_lost;
	json_t *all;
};

struct figures { double ms, prompt_ms; size_t n_tok, n_draft, n_accept, n_left_out; };

/* One reply, the prompt's evaluation included, from the state that the session holds of its first `kept` tokens. */
static int reply(struct bench *b, const struct tok_ids *prompt, size_t kept, bool with_drafts, struct figures *f, struct err *e)
{
	struct run *r = &b->run;
	r->hooks = (struct run_hooks){0};
	if (with_drafts)
		propose_hooks(&b->proposer, &r->hooks);
	session_rewind(b->s, kept);
	uint64_t t0 = io_now_ns();
	run_start(r, prompt->id, prompt->len);
	int rc = session_sync(b->s, prompt->id, prompt->len, e);
	uint64_t t1 = io_now_ns();
	rc = rc ? rc : run_reply(r, e);
	f->prompt_ms += (double)(t1 - t0) / 1e6;
	f->ms += (double)(io_now_ns() - t1) / 1e6;
	f->n_tok += r->n_gen;
	f->n_draft += r->n_draft;
	f->n_accept += r->n_accept;
	return rc;
}

static void add(json_t *to, const char *key, double v)
{
	json_object_set_new(to, key, json_real(json_number_value(json_object_get(to, key)) + v));
}

static void tally(struct bench *b, const char *category, const struct figures *plain, const struct figures *drafted, bool equal)
{
	const char *const keys[] = { category, "all" };
	for (int i = strcmp(category, "all") ? 0 : 1; i < 2; i++) {
		json_t *c = json_object_get(b->all, keys[i]);
		if (!c) {
			c = json_object();
			json_object_set_new(b->all, keys[i], c);
		}
		add(c, "prompts", 1);
		add(c, "turns_left_out", (double)plain->n_left_out);
		add(c, "tokens", (double)plain->n_tok);
		add(c, "prompt_plain_ms", plain->prompt_ms);
		add(c, "prompt_drafted_ms", drafted->prompt_ms);
		add(c, "plain_ms", plain->ms);
		add(c, "drafted_ms", drafted->ms);
		add(c, "drafted_tokens", (double)drafted->n_draft);
		add(c, "accepted", (double)drafted->n_accept);
		add(c, "drafter_lost", b->proposer.d ? 0 : 1);
		add(c, "unequal", equal ? 0 : 1);
	}
}

/* A drafter for the coming prompt, if there is none (any more). */
static int need_drafter(struct bench *b, struct err *e)
{
	if (b->proposer.d)
		return 0;
	struct proposer lost = b->proposer;
	int rc = propose_open(&b->proposer, b->how->m, b->s, pool_threads(b->how->pool), b->how->draft, e);
	if (b->n_lost)
		b->proposer.cost = lost.cost;	/* as steps are by now */
	else if (!rc)
		propose_measure(&b->proposer, b->s);
	if (!b->is_warned)
		b->proposer.warn = b->how->warn;
	return rc;
}

static int one_prompt(struct bench *b, json_t *line, const char *category, struct err *e)
{
	struct chat chat;
	struct figures plain = {0}, drafted = {0};
	json_t *turns = json_object_get(line, "turns");
	bool equal = true;
	int rc = need_drafter(b, e);
	struct buf past[MAX_TURNS] = {0};
	size_t n_turn = json_array_size(turns) < MAX_TURNS ? json_array_size(turns) : MAX_TURNS;
	plain.n_left_out = json_array_size(turns) - n_turn;
	for (size_t k = 0; !rc && k < n_turn; k++) {
		chat_init(&chat, b->how->m->template, b->how->m->tok);
		for (size_t i = 0; i <= k; i++) {
			const json_t *user = json_array_get(turns, i);
			chat_turn(&chat, CHAT_USER, json_string_value(user), json_string_length(user));
			if (i < k)
				chat_turn(&chat, CHAT_ASSISTANT, past[i].data ? past[i].data : "", past[i].len);
		}
		rc = chat_reply(&chat, e);
		if (!rc && chat.ids.len + b->how->n_max + 16 > N_CTX) {
			chat_release(&chat);	/* too long for the context: the turn is left out of both, and those behind it */
			plain.n_left_out = json_array_size(turns) - k;
			break;
		}
		size_t kept = session_shared(b->s, chat.ids.id, chat.ids.len);
		rc = rc ? rc : reply(b, &chat.ids, kept, false, &plain, e);
		if (!rc && buf_add(&past[k], b->run.text.data ? b->run.text.data : "", b->run.text.len))
			rc = err_memory(e);
		rc = rc ? rc : reply(b, &chat.ids, kept, true, &drafted, e);
		equal = equal && b->run.text.len == past[k].len && (!past[k].len || !memcmp(b->run.text.data, past[k].data, past[k].len));
		chat_release(&chat);
	}
	for (size_t k = 0; k < MAX_TURNS; k++)
		buf_release(&past[k]);
	if (rc)
		return rc;
	tally(b, category, &plain, &drafted, equal);
	b->n_prompt++;
	if (!b->proposer.d) {
		b->n_lost++;
		b->is_warned = true;
	}
	return 0;
}

static double so_far(json_t *all, const char *key)
{
	return json_number_value(json_object_get(json_object_get(all, "all"), key));
}

/* True if they are texts, one at least. */
static bool are_turns(const json_t *turns)
{
	bool ok = json_array_size(turns) > 0;
	for (size_t i = 0; i < json_array_size(turns); i++)
		ok = ok && json_is_string(json_array_get(turns, i));
	return ok;
}

static int each_line(struct bench *b, const struct buf *text, struct err *e)
{
	static const struct json_limits most = { .depth = 32, .n_value = 1u << 20 };
	json_t *count = json_object();
	int rc = text->len ? 0 : err_set(e, ERR_FORMAT, 0, "'%s': no prompts", b->how->prompts);
	for (char *at = text->data, *end; !rc && at < text->data + text->len; at = end) {
		size_t left = text->len - (size_t)(at - text->data);
		end = memchr(at, '\n', left);
		end = end ? end + 1 : at + left;
		json_t *line = json_text(at, (size_t)(end - at), 0, &most, NULL);
		const char *category = json_string_value(json_object_get(line, "category"));
		if (!category || !are_turns(json_object_get(line, "turns")))
			rc = err_set(e, ERR_FORMAT, (uint64_t)(at - text->data), "'%s': not a line {category, turns}",
				     b->how->prompts);
		double n = rc ? 0 : json_number_value(json_object_get(count, category));
		if (!rc && (!b->how->limit || n < (double)b->how->limit)) {
			add(count, category, 1);
			rc = one_prompt(b, line, category, e);
			if (!rc && b->how->progress)
				b->how->progress(b->n_prompt, (double)(end - text->data) / (double)text->len,
					     so_far(b->all, "plain_ms") / so_far(b->all, "drafted_ms"));
		}
		json_decref(line);
	}
	json_decref(count);
	return rc;
}

/* Turns the sums into what is reported. */
static void finish(json_t *all)
{
	const char *key;
	json_t *c;
	json_object_foreach(all, key, c) {
		double n = json_number_value(json_object_get(c, "tokens"));
		double plain = json_number_value(json_object_get(c, "plain_ms")), drafted = json_number_value(json_object_get(c, "drafted_ms"));
		json_object_set_new(c, "plain", json_real(plain > 0 ? n * 1e3 / plain : 0));
		json_object_set_new(c, "drafted", json_real(drafted > 0 ? n * 1e3 / drafted : 0));
		json_object_set_new(c, "speedup", json_real(drafted > 0 ? plain / drafted : 0));
		plain += json_number_value(json_object_get(c, "prompt_plain_ms"));
		drafted += json_number_value(json_object_get(c, "prompt_drafted_ms"));
		json_object_set_new(c, "speedup_whole", json_real(drafted > 0 ? plain / drafted : 0));
		json_object_set_new(c, "equal", json_boolean(json_number_value(json_object_get(c, "unequal")) == 0));
	}
}

int spec_run(json_t **out, const struct spec *how, struct err *e)
{
	struct bench b = { .how = how, .all = json_object() };
	struct buf text = {0};
	int rc = io_read_file(&text, how->prompts, (size_t)64 << 20, e);
	rc = rc ? rc : session_open(&b.s, how->m, how->pool, N_CTX, e);
	rc = rc ? rc : sampler_open(&b.sampler, &SAMPLE_GREEDY, how->m->arch.n_vocab, e);
	b.run = (struct run){ .m = how->m, .s = b.s, .sampler = b.sampler, .n_max = how->n_max };
	rc = rc ? rc : each_line(&b, &text, e);
	if (!rc && b.n_lost && b.n_lost == b.n_prompt)
		rc = err_set(e, ERR_IO, ERR_NO_OFFSET, "the drafter '%s' was lost at every prompt", how->draft);
	run_release(&b.run);
	propose_close(&b.proposer);
	sampler_close(b.sampler);
	session_close(b.s);
	buf_release(&text);
	if (rc) {
		json_decref(b.all);
		return rc;
	}
	finish(b.all);
	*out = b.all;
	return 0;
}
