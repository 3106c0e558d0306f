/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-generate: answers questions from their sources, or continues a plain prompt.
 *
 *	stdin: query hit hit query hit ...  ->  an answer for each query
 *	stdin: plain text                   ->  one prompt, one reply
 *
 * The model is opened before the first byte is read, while the stages before still work.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/answer.h"
#include "generate/propose.h"
#include "generate/reuse.h"
#include "lib/base/fault.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/model/find.h"

#define TOOL "tt-generate"
#define PROMPT_MAX (4u << 20)

static struct {
	const char *model, *system;
	long n_max, ctx, threads, seed, top_k, max_source;
	double temp, top_p, min_p, repeat;
	struct opt_list stop;
	const char *draft, *prefix_dir;
	long prefix_mib;
	bool text, json, raw, no_source, verbose;
} o = { .draft = "auto", .prefix_mib = 2048, .model = MODEL_GENERATOR, .n_max = 256, .ctx = 4096, .top_p = 1, .repeat = 1 };

static const struct opt opts[] = {
	{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME",
		.help = "model file or catalogue name", .env = "TT_MODEL" },
	{ .letter = 'n', .name = "max-tokens", .type = OPT_INT, .value = &o.n_max, .arg = "N",
		.help = "tokens of a reply at most", .min = 0, .max = 1 << 20 },
	{ .letter = 'c', .name = "context", .type = OPT_INT, .value = &o.ctx, .arg = "N",
		.help = "tokens of prompt and reply together", .min = 16, .max = 1 << 20 },
	{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N",
		.help = "threads; 0 = all processors", .min = 0, .max = POOL_MAX_THREADS, .env = "TT_THREADS" },
	{ .letter = 's', .name = "seed", .type = OPT_INT, .value = &o.seed, .arg = "N", .help = "seed of the draws" },
	{ .name = "temp", .type = OPT_REAL, .value = &o.temp, .arg = "T",
		.help = "temperature; 0 = always the likeliest token", .rmin = 0, .rmax = 100 },
	{ .name = "top-k", .type = OPT_INT, .value = &o.top_k, .arg = "K", .help = "draw among the K likeliest; 0 = all", .min = 0, .max = 1 << 22 },
	{ .name = "top-p", .type = OPT_REAL, .value = &o.top_p, .arg = "P",
		.help = "draw among the likeliest that reach probability P", .rmin = 0, .rmax = 1 },
	{ .name = "min-p", .type = OPT_REAL, .value = &o.min_p, .arg = "P",
		.help = "leave out what is less likely than P times the likeliest", .rmin = 0, .rmax = 1 },
	{ .name = "repeat-penalty", .type = OPT_REAL, .value = &o.repeat, .arg = "R",
		.help = "weaken tokens of the last 64 by R; 1 = off", .rmin = 0.01, .rmax = 100 },
	{ .name = "stop", .type = OPT_LIST, .value = &o.stop, .arg = "TEXT", .help = "end the reply before TEXT; may be repeated" },
	{ .name = "system", .type = OPT_STR, .value = &o.system, .arg = "TEXT", .help = "instructions in place of the built-in ones" },
	{ .name = "max-sources", .type = OPT_INT, .value = &o.max_source, .arg = "N",
		.help = "sources in a prompt at most; 0 = as measured best", .min = 0, .max = ASK_MAX_SOURCES },
	{ .name = "no-sources", .type = OPT_FLAG, .value = &o.no_source, .help = "leave the sources out: what the model knows by itself" },
	{ .name = "draft", .type = OPT_STR, .value = &o.draft, .arg = "CMD",
		.help = "drafter: auto, none, or the command of one", .env = "TT_DRAFT" },
	{ .name = "prefix-cache", .type = OPT_INT, .value = &o.prefix_mib, .arg = "MIB",
		.help = "size that stored prompt state may reach; 0 = neither used nor kept", .min = 0, .max = 1 << 24, .env = "TT_PREFIX_MIB" },
	{ .name = "prefix-dir", .type = OPT_STR, .value = &o.prefix_dir, .arg = "DIR",
		.help = "where prompt state is stored", .env = "TT_PREFIX_DIR" },
	{ .name = "raw", .type = OPT_FLAG, .value = &o.raw, .help = "continue plain text as it stands, without a chat template" },
	{ .name = "text", .type = OPT_FLAG, .value = &o.text, .help = "write text, also into a pipe" },
	{ .name = "json", .type = OPT_FLAG, .value = &o.json, .help = "write JSON lines, also to a terminal" },
	{ .letter = 'v', .name = "verbose", .type = OPT_FLAG, .value = &o.verbose, .help = "tell tokens and times on standard error" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "", "answer questions from their sources with a small language model", opts };

/* ---- opening ---- */

struct engine {
	struct pool *pool;
	struct model *m;
	struct session *s;
	struct sampler *sampler;
	struct answerer a;
	struct emit emit;
	struct reuse reuse;
	struct proposer proposer;
};

/* arg names what is prepared. */
static void progress(void *arg, uint64_t done, uint64_t total)
{
	if (total)
		fprintf(stderr, "\r%s: preparing '%s' for first use: %3u %%%s", err_tool(TOOL), (const char *)arg, (unsigned)(done * 100 / total),
			done == total ? "\n" : "");
}

static int open_model(struct engine *en, struct err *e)
{
	struct buf path = { 0 };
	const struct kern *kern = kern_select(getenv("TT_CPU"), e);
	char name[256];
	snprintf(name, sizeof name, "%s", o.model);
	struct pack_maker how = { .progress = isatty(STDERR_FILENO) ? progress : NULL, .arg = name };
	int rc = kern ? pool_open(&en->pool, (int)o.threads, e) : e->code;
	how.pool = en->pool;
	if (!rc)
		rc = model_find(&path, o.model, getenv("TT_MODELS"), e);
	if (!rc)
		rc = model_open(&en->m, path.data, kern, &how, e);
	buf_release(&path);
	return rc;
}

static int open_engine(struct engine *en, struct err *e)
{
	int rc = open_model(en, e);
	if (rc)
		return rc;
	size_t ctx = (size_t)o.ctx < en->m->arch.n_ctx ? (size_t)o.ctx : en->m->arch.n_ctx;
	if ((size_t)o.n_max + RUN_CITE_MAX > ctx)
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "a reply of %ld tokens leaves no room in a context of %zu", o.n_max, ctx);
	if (en->m->template == TEMPLATE_PLAIN && !o.raw)
		err_warn(TOOL, "'%s' has a chat template that is not known; prompts are given as plain text", en->m->name);
	struct sample_params sp = { .temp = o.temp, .top_k = o.top_k, .top_p = o.top_p, .min_p = o.min_p, .repeat_penalty = o.repeat,
		.repeat_last = 64, .seed = (uint64_t)o.seed };
	rc = session_open(&en->s, en->m, en->pool, ctx, e);
	if (!rc)
		rc = sampler_open(&en->sampler, &sp, en->m->arch.n_vocab, e);
	return rc;
}

static void warn(const char *msg)
{
	err_warn(TOOL, "%s", msg);
}

/* Drafts are an extra: a drafter that cannot be had is said and done without. */
static void open_drafts(struct engine *en)
{
	struct buf cmd = { 0 };
	struct err e = { 0 };
	int rc = 0;
	if (!strcmp(o.draft, "auto")) {
		char name[] = "a drafting model";
		struct pack_maker how = { .pool = en->pool, .progress = isatty(STDERR_FILENO) ? progress : NULL, .arg = name };
		const char *small = propose_small(en->m, getenv("TT_MODELS"), &how, &e);
		if (!small && e.code)
			warn(e.msg);
		rc = propose_auto(&cmd, "generate", small, pool_threads(en->pool), &e);
	} else if (strcmp(o.draft, "none")) {
		buf_puts(&cmd, o.draft);
	}
	if (!rc && cmd.len)
		rc = propose_open(&en->proposer, en->m, en->s, pool_threads(en->pool), cmd.data, &e);
	if (rc)
		warn(e.msg);
	en->proposer.warn = warn;
	if (en->proposer.d)
		propose_hooks(&en->proposer, &en->a.run.hooks);
	buf_release(&cmd);
}

static int open_reuse(struct engine *en, struct err *e)
{
	if (!o.prefix_mib)
		return 0;
	int rc = reuse_open(&en->reuse, en->m, o.prefix_dir, (uint64_t)o.prefix_mib << 20, e);
	en->reuse.warn = warn;
	if (!rc)
		en->a.hooks = (struct answerer_hooks){ .arg = &en->reuse, .load = reuse_load, .keep = reuse_keep };
	return rc;
}

/* While the stages before still work there is nothing to read: the time goes into what every answer needs. */
static void use_the_wait(struct engine *en)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct prompt p;
	if (poll(&in, 1, 0))
		return;
	pack_populate(en->m->pack);
	if (o.no_source)
		return;
	if (!prompt_fixed(&p, &prompt_command, o.system, en->m->template, en->m->tok))
		reuse_ahead(&en->reuse, en->s, p.chat.ids.id, p.chat.ids.len);
	prompt_release(&p);
}

static void close_engine(struct engine *en)
{
	propose_close(&en->proposer);
	reuse_close(&en->reuse);
	answer_release(&en->a);
	sampler_close(en->sampler);
	session_close(en->s);
	model_close(en->m);
	pool_close(en->pool);
}

/* ---- requests ---- */

/* With -v: what a reply cost. */
static void tell(const struct run *r)
{
	if (o.verbose && r->n_gen)
		fprintf(stderr, "%s: %zu tokens in %.0f ms (%zu of %zu drafted were right)\n", err_tool(TOOL), r->n_gen,
			(double)(r->last_ns - r->first_ns) / 1e6, r->n_accept, r->n_draft);
}

/* After a request: 0 to go on. Its own error is told and counted; only an output that can't be written ends the run. */
static int settle(struct engine *en, int rc, struct err *e)
{
	if (rc == ERR_IO)
		return rc;
	if (rc) {
		en->a.n_failed++;
		err_report(TOOL, e);
		return emit_error(&en->emit, e, e);
	}
	return 0;
}

/* One of many, perhaps: what is said of it names it. */
static int answer(struct engine *en, const struct ask *q, struct err *e)
{
	int n = q->id.n < 40 ? (int)q->id.n : 40;
	int rc = answer_query(&en->a, q, e);
	if (rc && rc != ERR_IO)
		err_wrap(e, "query '%.*s'", n, q->id.s);
	if (!rc && en->a.is_cut)
		err_warn(TOOL, "query '%.*s': the last source was cut to fit the context", n, q->id.s);
	if (!rc)
		tell(&en->a.run);
	return settle(en, rc, e);
}

/* In text nothing is passed on: what a stage before could not do is told here, or "not in your documents" would be all that is said. */
static int pass_on(struct engine *en, const struct rec *r, struct err *e)
{
	if (en->emit.form != EMIT_TEXT || !rec_is(r, "error"))
		return emit_pass(&en->emit, r, e);
	rec_warn_error(TOOL, r);
	en->a.n_failed++;
	return 0;
}

static int answer_all(struct engine *en, struct rec_reader *in, struct err *e)
{
	struct ask q = { 0 };
	struct rec r;
	int got, rc = 0;
	bool open = false, refused = false;
	while (!rc && (got = rec_read(in, &r, e)) > 0) {
		bool query = rec_is(&r, "query"), done = rec_is(&r, "done");
		if (open && (query || ask_is_done(&q, &r))) {
			rc = answer(en, &q, e);
			ask_clear(&q);
			open = false;
		}
		if (rc || done)
			continue;
		if (query) {
			int bad = ask_start(&q, &r, e);
			open = !bad;
			refused = !open;
			rc = settle(en, bad, e);
		} else if (rec_is(&r, "hit")) {
			rc = refused ? 0 : settle(en, ask_add(&q, &r, e), e);	/* hits of a query that was refused go with it */
		} else if (!rec_is(&r, "head")) {
			rc = pass_on(en, &r, e);
		}
	}
	if (!rc && got < 0)
		rc = got;
	if (!rc && open)
		rc = answer(en, &q, e);
	ask_release(&q);
	return rc;
}

static int answer_text(struct engine *en, struct rec_reader *in, struct err *e)
{
	struct buf text = { 0 };
	const char *s;
	size_t n;
	int got, rc = 0;
	for (bool first = true; !rc && (got = rec_reader_line(in, &s, &n, e)) > 0; first = false) {
		if ((!first && buf_putc(&text, '\n')) || buf_add(&text, s, n))
			rc = err_memory(e);
		else if (text.len > PROMPT_MAX)
			rc = err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "a prompt of more than %u bytes", PROMPT_MAX);
	}
	if (!rc && got < 0)
		rc = got;
	if (!rc && text.len == 0)
		rc = err_set(e, ERR_EOF, ERR_NO_OFFSET, "standard input is empty");
	if (!rc)
		rc = answer_plain(&en->a, text.data, text.len, e);
	if (!rc)
		tell(&en->a.run);
	buf_release(&text);
	return rc;
}

static int serve(struct engine *en, enum emit_form form, struct err *e)
{
	struct rec_reader *in = NULL;
	bool is_rec = false;
	int rc = rec_reader_open(&in, STDIN_FILENO, "standard input", e);
	if (!rc)
		rc = rec_reader_sniff(in, &is_rec, e);
	if (!rc)
		rc = emit_open(&en->emit, STDOUT_FILENO, form, en->m->id, e);
	if (!rc) {
		rc = is_rec ? answer_all(en, in, e) : answer_text(en, in, e);
		if (rc)
			emit_abort(&en->emit);
		else
			rc = emit_close(&en->emit, e);
	}
	rec_reader_close(in);
	return rc;
}

int main(int argc, char **argv)
{
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv);
	if (first < argc)
		return opt_misuse(&prog, "no operand is expected: '%s'", argv[first]);
	if (o.text && o.json)
		return opt_misuse(&prog, "--text and --json exclude each other");
	for (int i = 0; i < o.stop.n; i++)
		if (!*o.stop.item[i])
			return opt_misuse(&prog, "an empty --stop");
	struct err e = { 0 };
	struct engine en = { 0 };
	enum emit_form form = o.json ? EMIT_JSON : o.text || isatty(STDOUT_FILENO) ? EMIT_TEXT : EMIT_REC;
	struct answer_params p = { .n_max = (size_t)o.n_max, .max_source = (size_t)o.max_source, .system = o.system,
		.is_raw = o.raw, .no_source = o.no_source };
	int rc = open_engine(&en, &e);
	if (!rc) {
		answer_init(&en.a, en.m, en.s, en.sampler, &en.emit, &p);
		en.a.run.stream.stop = o.stop.item;
		en.a.run.stream.n_stop = (size_t)o.stop.n;
		rc = open_reuse(&en, &e);
	}
	if (!rc) {
		open_drafts(&en);
		use_the_wait(&en);
		rc = serve(&en, form, &e);
		if (!rc) {
			close(STDOUT_FILENO);	/* readers of the answer have all of it */
			propose_measure(&en.proposer, en.s);
		}
	}
	int status = rc ? err_report(TOOL, &e) : en.a.n_failed ? EXIT_PARTLY : en.a.n_refused && !en.a.n_answered ? EXIT_NOTHING : EXIT_DONE;
	close_engine(&en);
	return status;
}
