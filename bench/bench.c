/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-bench: the speed of this machine.
 *
 *	tt-bench -m MODEL		reading, writing, verifying, opening; shares of bandwidth and arithmetic
 *	tt-bench -e EMBEDDER		tokens a second in full batches, time of one question
 *	tt-bench spec -m MODEL --prompts FILE		plain against drafted decoding
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/probe.h"
#include "bench/spec.h"
#include "bench/speed.h"
#include "bench/throughput.h"
#include "generate/propose.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/opt.h"
#include "lib/base/pool.h"
#include "lib/base/utf8.h"
#include "lib/model/find.h"

#define TOOL "tt-bench"

static struct {
	const char *model, *embedder, *prompts, *draft;
	long threads, rounds, n_max, limit;
	bool json;
} o = { .draft = "auto", .rounds = 5, .n_max = 128 };

static const struct opt opts[] = {
	{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME",
		.help = "generator: file or catalogue name", .env = "TT_MODEL" },
	{ .letter = 'e', .name = "embedder", .type = OPT_STR, .value = &o.embedder, .arg = "NAME", .help = "measure an embedder instead" },
	{ .letter = 'j', .name = "threads", .type = OPT_INT, .value = &o.threads, .arg = "N",
		.help = "threads; 0 = all processors", .min = 0, .max = POOL_MAX_THREADS, .env = "TT_THREADS" },
	{ .letter = 'n', .name = "max-tokens", .type = OPT_INT, .value = &o.n_max, .arg = "N",
		.help = "spec: tokens of a reply at most", .min = 1, .max = 2048 },
	{ .name = "rounds", .type = OPT_INT, .value = &o.rounds, .arg = "N", .help = "rounds whose median counts", .min = 1, .max = 32 },
	{ .name = "prompts", .type = OPT_STR, .value = &o.prompts, .arg = "FILE", .help = "spec: lines {category, turns}" },
	{ .name = "limit", .type = OPT_INT, .value = &o.limit, .arg = "N",
		.help = "spec: prompts of each category; 0 = all", .min = 0, .max = 1 << 20 },
	{ .name = "draft", .type = OPT_STR, .value = &o.draft, .arg = "CMD", .help = "spec: auto, or the command of a drafter" },
	{ .name = "json", .type = OPT_FLAG, .value = &o.json, .help = "print one JSON object" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "[spec]", "measure the speed of this machine", opts };

/* The exit status behind a result. That a figure is missing for want of memory is seen here, not at each of many. */
static int end(int r, struct err *e)
{
	if (json_lacked_memory())
		r = err_memory(e);
	return r ? err_report(TOOL, e) : EXIT_DONE;
}

/* Not 0 if there is no memory. */
static int print(const char *label, json_t *root)
{
	if (o.json) {
		json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5) | JSON_PRESERVE_ORDER);
		putchar('\n');
		return 0;
	}
	const char *key;
	json_t *v;
	struct buf name = {0};
	int failed = 0;
	json_object_foreach(root, key, v) {
		buf_clear(&name);
		buf_printf(&name, "%s%s", label, *label ? "." : "");
		utf8_visible_field(&name, key, strlen(key));	/* a category is the file's word */
		failed = failed || name.failed;
		if (failed)
			break;
		if (json_is_object(v))
			failed = print(name.data, v);
		else if (json_is_string(v))
			printf("%-28s %s\n", name.data, json_string_value(v));
		else if (json_is_boolean(v))
			printf("%-28s %s\n", name.data, json_is_true(v) ? "yes" : "no");
		else
			printf("%-28s %.2f\n", name.data, json_number_value(v));
	}
	buf_release(&name);
	return failed;
}

static int put(json_t *root, struct err *e)
{
	int failed = print("", root);
	json_decref(root);
	return failed ? err_memory(e) : io_flush_stdout(e);
}

/* Time to open the model again, pack present and page cache warm. */
static int open_ms(const char *path, const struct kern *kern, double *ms, struct err *e)
{
	struct model *m;
	uint64_t t0 = io_now_ns();
	int r = model_open(&m, path, kern, NULL, e);
	*ms = (double)(io_now_ns() - t0) / 1e6;
	if (!r)
		model_close(m);
	return r;
}

static json_t *report(const struct speed *sp, const struct model *m, struct pool *pool, double open, double before, double after)
{
	json_t *root = json_object(), *pre = json_object(), *dec = json_object(), *ver = json_object();
	double gbs = before > after ? before : after, peak = 1e9 * probe_peak(pool, m->kern->level);
	for (size_t k = 0; k < sp->n_length; k++) {
		char key[24];
		snprintf(key, sizeof key, "%zu", sp->length[k]);
		json_object_set_new(pre, key, json_real(sp->prefill[k]));
		json_object_set_new(dec, key, json_real(sp->decode[k]));
	}
	for (int b = 1; b < COST_N; b++) {
		char key[24];
		snprintf(key, sizeof key, "%d", b);
		json_object_set_new(ver, key, json_real(sp->verify_ms[b]));
	}
	json_object_set_new(root, "model", json_string(m->name));
	json_object_set_new(root, "level", json_string(m->kern->name));
	json_object_set_new(root, "threads", json_integer(pool_threads(pool)));
	json_object_set_new(root, "prefill", pre);
	json_object_set_new(root, "decode", dec);
	json_object_set_new(root, "verify", ver);
	json_object_set_new(root, "open_ms", json_real(open));
	json_object_set_new(root, "bandwidth_gbs", json_real(gbs));
	json_object_set_new(root, "bandwidth_before_gbs", json_real(before));
	json_object_set_new(root, "bandwidth_after_gbs", json_real(after));
	json_object_set_new(root, "clock_ghz", json_real(probe_clock()));
	json_object_set_new(root, "step_gbs", json_real(sp->decode[0] * sp->weight_bytes / 1e9));
	json_object_set_new(root, "share_of_bandwidth", json_real(sp->share_of_bandwidth));
	json_object_set_new(root, "peak_gmacs", json_real(peak / 1e9));
	json_object_set_new(root, "prefill_gmacs", json_real(sp->prefill[0] * sp->weight_macs / 1e9));
	json_object_set_new(root, "share_of_peak", json_real(sp->prefill[0] * sp->weight_macs / peak));
	return root;
}

static int bench_model(const struct model *m, const char *path, struct pool *pool, struct err *e)
{
	struct speed sp = { .n_length = 2, .length = { 512, 1500 } };
	double open = 0, before = probe_bandwidth(pool);
	int r = open_ms(path, m->kern, &open, e);
	r = r ? r : speed_measure(&sp, m, pool, (int)o.rounds, e);
	if (r)
		return r;
	return put(report(&sp, m, pool, open, before, probe_bandwidth(pool)), e);
}

static void warn(const char *msg)
{
	err_warn(TOOL, "%s; it is started again for the next prompt", msg);
}

static void progress(size_t n, double share, double speedup)
{
	fprintf(stderr, "\r%s: %zu prompts, %3.0f %%, speedup %.2f ", err_tool(TOOL), n, share * 100, speedup);
}

static int bench_spec(const struct model *m, struct pool *pool, struct err *e)
{
	struct buf cmd = {0};
	json_t *root = NULL;
	int r = 0;
	if (strcmp(o.draft, "auto")) {
		buf_puts(&cmd, o.draft);
	} else {
		const char *small = propose_small(m, getenv("TT_MODELS"), &(struct pack_maker){ .pool = pool }, e);
		if (!small && e->code)
			err_warn(TOOL, "%s", e->msg);
		r = propose_auto(&cmd, "bench", small, pool_threads(pool), e);
	}
	bool watched = isatty(STDERR_FILENO);
	struct spec how = { .m = m, .pool = pool, .prompts = o.prompts, .draft = cmd.data, .n_max = (size_t)o.n_max,
			    .limit = (size_t)o.limit, .warn = warn, .progress = watched ? progress : NULL };
	r = r ? r : spec_run(&root, &how, e);
	if (watched)
		fputs("\r\033[K", stderr);
	if (!r)
		r = put(root, e);
	buf_release(&cmd);
	return r;
}

static int bench_embedder(struct err *e)
{
	struct buf path = {0};
	struct pool *pool = NULL;
	struct bert *b = NULL;
	struct throughput t;
	const struct kern_bert *kern = kern_bert_select(getenv("TT_CPU"), e);
	int r = kern ? pool_open(&pool, (int)o.threads, e) : e->code;
	r = r ? r : model_find(&path, o.embedder, getenv("TT_MODELS"), e);
	r = r ? r : bert_open(&b, path.data, o.embedder, kern, NULL, e);
	r = r ? r : throughput_measure(&t, b, pool, e);
	if (!r) {
		json_t *root = json_object();
		json_object_set_new(root, "model", json_string(b->model));
		json_object_set_new(root, "level", json_string(kern->name));
		json_object_set_new(root, "threads", json_integer(pool_threads(pool)));
		json_object_set_new(root, "tokens_per_s", json_real(t.tokens_per_s));
		json_object_set_new(root, "query_ms", json_real(t.query_ms));
		json_object_set_new(root, "gmacs", json_real(t.gmacs));
		r = put(root, e);
	}
	bert_close(b);
	pool_close(pool);
	buf_release(&path);
	return r;
}

int main(int argc, char **argv)
{
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv);
	bool is_spec = first < argc && !strcmp(argv[first], "spec");
	if (first + is_spec < argc)
		return opt_misuse(&prog, "no operand is expected but 'spec': '%s'", argv[first + is_spec]);
	if (is_spec && !o.prompts)
		return opt_misuse(&prog, "spec needs --prompts");
	if (!is_spec && o.prompts)
		return opt_misuse(&prog, "--prompts needs 'spec'");
	struct err e = {0};
	if (o.embedder && !is_spec)
		return end(bench_embedder(&e), &e);
	if (!o.model)
		return opt_misuse(&prog, "which model? (-m), or which embedder? (-e)");
	struct buf path = {0};
	struct pool *pool = NULL;
	struct model *m = NULL;
	const struct kern *kern = kern_select(getenv("TT_CPU"), &e);
	int r = kern ? pool_open(&pool, (int)o.threads, &e) : e.code;
	r = r ? r : model_find(&path, o.model, getenv("TT_MODELS"), &e);
	r = r ? r : model_open(&m, path.data, kern, &(struct pack_maker){ .pool = pool }, &e);
	if (!r)
		r = is_spec ? bench_spec(m, pool, &e) : bench_model(m, path.data, pool, &e);
	model_close(m);
	pool_close(pool);
	buf_release(&path);
	return end(r, &e);
}
