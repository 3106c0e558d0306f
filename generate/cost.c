/* SPDX-License-Identifier: Apache-2.0
 *
 * cost: measuring V(b), and its file: one line of eight numbers and how often the measurement failed to settle. See cost.h.
 *
 * Other work only ever makes a step slower, and it comes and goes. So the least times count; a round takes every length in turn, so
 * that a slow second does not hit some lengths alone; and a least time is believed when another round comes near it. What a busy machine
 * leaves of noise is bounded by what must hold: a step is no dearer than a longer one, nor than two that do the same.
 */
#include "generate/cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/model/pack.h"

#define ROUNDS 3		/* at least; they are enough on a quiet machine */
#define ROUNDS_MAX 16		/* for models of so short steps that these take less than */
#define PATIENCE_MS 1000.0
#define AGREE 1.08		/* the two least times of a length, second to first: so much the same step differs on a shared host at rest */
#define TRIES 4			/* a table that does not settle so often is the best there is on this machine */
#define ALL 0.25		/* weight of a step seen while generating, on all costs: most of a change is the whole machine's */
#define OWN 0.1			/* of what two steps in a row differ by, on their own lengths; half of it on the lengths beside them, ... */
#define NEAR 0.2		/* counted as so much at most: a step during which something else ran must not bend the table */
#define HOPE 0.0005		/* by which lengths of drafts that neither step had look cheaper: one that looks too dear is tried some day */
#define BEND 1.5		/* costs leave the measured shape by this factor at most */

static double min(double a, double b)
{
	return a < b ? a : b;
}

static double clip(double x, double lo, double hi)
{
	return x < lo ? lo : min(x, hi);
}

/* ---- measuring ---- */

static bool is_settled(const double least[COST_N], const double second[COST_N])
{
	bool ok = true;
	for (size_t b = 1; b < COST_N; b++)
		ok = ok && second[b] <= least[b] * AGREE;
	return ok;
}

static void make_plausible(double v[COST_N])
{
	for (size_t b = COST_N - 2; b; b--)
		v[b] = min(v[b], v[b + 1]);
	for (size_t b = 2; b < COST_N; b++)
		for (size_t a = 1; a <= b / 2; a++)
			v[b] = min(v[b], v[a] + v[b - a]);
}

/* After so many rounds, which took `spent` ms. */
static bool is_enough(int rounds, double spent, bool settled, bool in_haste)
{
	if (in_haste || rounds < ROUNDS)
		return in_haste && rounds;
	return settled || rounds == ROUNDS_MAX || (rounds >= 2 * ROUNDS && spent >= PATIENCE_MS);
}

int cost_measure(struct cost *c, bool in_haste, cost_step *step, void *arg, struct err *e)
{
	double least[COST_N], second[COST_N], took, spent = 0;
	bool settled = false;
	for (size_t b = 0; b < COST_N; b++)
		least[b] = second[b] = 1e9;
	for (int rounds = 0; !is_enough(rounds, spent, settled, in_haste); rounds++) {
		for (size_t b = 1; b < COST_N; b++) {
			int r = step(arg, b, &took, e);
			if (r)
				return r;
			spent += took;
			second[b] = min(second[b], took < least[b] ? least[b] : took);
			least[b] = min(least[b], took);
		}
		settled = is_settled(least, second);
	}
	make_plausible(least);
	c->unsettled = settled ? 0 : c->unsettled + 1;
	memcpy(c->measured, least, sizeof least);
	memcpy(c->ms, least, sizeof least);
	return 0;
}

struct stepper {
	struct session *s;
	int32_t text[SESSION_MAX_BATCH];	/* what the model says by itself: how much of its head is read depends on how sure it is */
};

static int prepare(struct stepper *st, struct err *e)
{
	session_rewind(st->s, 0);
	for (size_t i = 0; i + 1 < SESSION_MAX_BATCH; i++) {
		int r = session_eval(st->s, &st->text[i], 1, 1, e);
		if (r)
			return r;
		int32_t id = session_best(st->s, 0);
		st->text[i + 1] = id < 0 ? 0 : id;
	}
	return 0;
}

static int step_session(void *arg, size_t b, double *ms, struct err *e)
{
	const struct stepper *st = arg;
	session_rewind(st->s, 0);
	uint64_t t0 = io_now_ns();
	int r = session_eval(st->s, st->text, b, b, e);
	if (!r)
		session_best(st->s, 0);
	*ms = (double)(io_now_ns() - t0) / 1e6;
	return r;
}

/* ---- the file ---- */

/* Tells processors apart, for machines may share a home: what Linux says of the first, down to its stepping; its clock stands behind. */
static unsigned long long processor(void)
{
	char s[512];
	FILE *f = fopen("/proc/cpuinfo", "re");
	size_t n = f ? fread(s, 1, sizeof s - 1, f) : 0;
	s[n] = '\0';
	const char *end = strstr(s, "stepping");
	if (f)
		fclose(f);
	return hash_xxh64(s, end ? (size_t)(end - s) + strcspn(end, "\n") : n);
}

static int cost_path(struct buf *path, const struct model *m, int n_thread)
{
	char hex[2 * HASH_ID_LEN + 1];
	hash_hex(pack_id(m->pack), HASH_ID_LEN, hex);
	int r = io_dir(path, IO_DIR_CACHE, "costs/", NULL);
	return r ? r : buf_printf(path, "%s-%d-%s-%d-%016llx", hex, PACK_LAYOUT, m->kern->name, n_thread, processor());
}

/* Nine numbers; false for anything else. */
static bool cost_load(struct cost *c, const struct model *m, int n_thread)
{
	struct buf path = {0}, text = {0};
	bool ok = !cost_path(&path, m, n_thread) && !io_read_file(&text, path.data, 4096, NULL) && text.len;
	char *at = text.data;
	double x = 0;
	for (int b = 1; ok && b <= COST_N; b++) {
		char *end;
		x = strtod(at, &end);
		ok = end != at && x >= 0 && x < 1e6 && (x > 0 || b == COST_N);
		at = end;
		if (b < COST_N)
			c->ms[b] = c->measured[b] = x;
	}
	if (ok)
		c->unsettled = (unsigned)x;
	buf_release(&path);
	buf_release(&text);
	return ok;
}

/* Best effort: without the file the next process measures. */
static bool cost_save(const struct cost *c, const struct model *m, int n_thread)
{
	struct buf path = {0}, text = {0}, dir = {0};
	for (size_t b = 1; b < COST_N; b++)
		buf_printf(&text, "%.3f ", c->measured[b]);
	buf_printf(&text, "%u\n", c->unsettled);
	bool ok = !text.failed && !cost_path(&path, m, n_thread) && !io_cache_dir(&dir, "costs", NULL) &&
		!io_replace(path.data, text.data, text.len, 0600, NULL);
	buf_release(&dir);
	buf_release(&path);
	buf_release(&text);
	return ok;
}

static int measure(struct cost *c, bool in_haste, const struct model *m, struct session *s, int n_thread, struct err *e)
{
	struct stepper st = { .s = s, .text = { (int32_t)(11 % m->arch.n_vocab) } };
	int r = prepare(&st, e);
	r = r ? r : cost_measure(c, in_haste, step_session, &st, e);
	if (!r)
		c->is_kept = cost_save(c, m, n_thread);
	return r;
}

int cost_open(struct cost *c, const struct model *m, struct session *s, int n_thread, struct err *e)
{
	*c = (struct cost){0};
	c->is_kept = cost_load(c, m, n_thread);
	return c->is_kept ? 0 : measure(c, true, m, s, n_thread, e);
}

int cost_again(struct cost *c, const struct model *m, struct session *s, int n_thread, struct err *e)
{
	return c->is_kept && c->unsettled && c->unsettled < TRIES ? measure(c, false, m, s, n_thread, e) : 0;
}

/* ---- while generating ---- */

static void bend(struct cost *c, size_t b, double by)
{
	for (size_t i = 1; i < COST_N; i++)
		c->ms[i] *= 1 + by / (double)(1u << (i < b ? b - i : i - b));
}

/* Two steps that follow each other ran on the same machine: what their lengths' costs differ in is the table's fault. */
static void compare(struct cost *c, size_t b, double ratio)
{
	double by = (clip(ratio, 1 - NEAR, 1 + NEAR) - 1) * OWN, level = 0;
	bend(c, b, by);
	bend(c, c->last, -by);
	for (size_t i = 1; i < COST_N; i++) {
		c->ms[i] *= i == 1 || i == b || i == c->last ? 1 : 1 - HOPE;
		level += c->ms[i] / c->measured[i] / (COST_N - 1);
	}
	for (size_t i = 1; i < COST_N; i++)
		c->ms[i] = clip(c->ms[i], level * c->measured[i] / BEND, level * c->measured[i] * BEND);
	/* Lengths that are rarely tried must not look dearer than longer ones, nor cheaper than shorter ones. */
	for (size_t i = b; i > 1; i--)
		c->ms[i - 1] = min(c->ms[i - 1], c->ms[i]);
	for (size_t i = b + 1; i < COST_N; i++)
		c->ms[i] = c->ms[i] < c->ms[i - 1] ? c->ms[i - 1] : c->ms[i];
}

void cost_seen(struct cost *c, size_t b, double took)
{
	if (c->last && c->last != b)
		compare(c, b, took / c->ms[b] * (c->ms[c->last] / c->last_took));
	double r = clip(took / c->ms[b], 0.5, 2);
	for (size_t i = 1; i < COST_N; i++)
		c->ms[i] *= 1 + (r - 1) * ALL;
	c->last = b;
	c->last_took = took;
}
