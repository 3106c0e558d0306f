/* SPDX-License-Identifier: Apache-2.0
 *
 * warm: see warm.h. Chunks of an index come from a child, `tt-index chunks INDEX`, because this folder knows no index:
 *
 *	pass 1	chunks that the store knows, collected (bounded by what it knows), sorted by use, warmed; what was of less worth gives way
 *	pass 2	all others, as they come, as long as there is room
 *	pass 3	what was warmed is looked for once more, after an error too: a document that was forgotten meanwhile has had its state
 *		removed already, and nobody will do so again
 *
 * A chunk whose state is stored is passed over by a look at file names, so a run that was stopped goes on where it was.
 */
#include "generate/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generate/evict.h"
#include "generate/popular.h"
#include "generate/walk.h"
#include "lib/base/grow.h"
#include "lib/base/io.h"

static int note_done(struct warm *w, const struct prefix_keep *keep, struct err *e)
{
	struct warm_done *grown = grow(w->done, w->n_done, &w->cap_done, sizeof *grown);
	if (!grown)
		return err_memory(e);
	w->done = grown;
	w->done[w->n_done] = (struct warm_done){ .is_there = false };
	if (keep->n_origin)
		memcpy(w->done[w->n_done++].id, keep->origin[0].id, HASH_ID_LEN);
	return 0;
}

/* Evaluates and keeps what `q`'s prompt holds before its question. */
static int warm_one(struct warm *w, const struct ask *q, struct err *e)
{
	struct prompt p;
	struct prefix *store = w->reuse->store;
	int r = prompt_build(&p, prompt_style_for(q), NULL, 1, q, w->m->template, w->m->tok, session_ctx(w->s), e);
	if (r)
		return r;
	size_t n = p.n_best < p.chat.ids.len ? p.n_best : p.chat.ids.len;
	size_t stored = p.n_source ? prefix_stored(store, p.chat.ids.id, n) : n;
	if (stored < n || !w->bytes)	/* it takes a look at every file */
		r = evict(w->dir, UINT64_MAX, &w->bytes, e);
	if (r)
		goto out;
	if (stored == n) {
		w->n_stored += p.n_source;
		w->n_bad += !p.n_source;	/* the context has no room for it */
	} else if (w->keep_full && w->bytes + session_state_len(w->s, n - stored) + 65536 > w->max_bytes) {
		w->is_full = true;
	} else {
		struct prefix_origin origin = { .from = p.n_fixed };
		struct prefix_keep keep = { .n = n, .cut = { n }, .origin = &origin,
			.n_origin = reuse_parse_id(p.source[0]->id, origin.id) };
		size_t n_loaded;
		r = prefix_load(store, w->s, p.chat.ids.id, n, &n_loaded, e);
		uint64_t t0 = io_now_ns();
		r = r ? r : session_sync(w->s, p.chat.ids.id, n, e);
		keep.ns_per_token = (io_now_ns() - t0) / (n - stored);
		r = r ? r : prefix_save(store, w->s, &keep, e);
		w->is_full = r > 0;	/* of what this run has stored, or there is no room at all */
		w->n_warm += !r;
		r = r < 0 ? r : note_done(w, &keep, e);
	}
	w->is_full = w->is_full || (w->n_max && w->n_warm >= w->n_max);
	if (!r && w->progress)
		w->progress(w);
out:
	prompt_release(&p);
	return r;
}

/* Counts a record that cannot be used, or a question too long for the context; only an error that is not the record's own ends the run. */
static int pass_over(struct warm *w, int r)
{
	bool is_own = r == ERR_FORMAT || r == ERR_LIMIT;
	w->n_bad += is_own;
	return is_own ? 0 : r;
}

int warm_records(struct warm *w, int fd, const char *name, struct err *e)
{
	struct rec_reader *in = NULL;
	struct ask q = { 0 };
	struct rec rec;
	bool open = false;
	int got = 0, r = rec_reader_open(&in, fd, name, e);
	prefix_spare(w->reuse->store, time(NULL));
	while (!r && !w->is_full && (got = rec_read(in, &rec, e)) > 0) {
		bool is_query = rec_is(&rec, "query"), is_chunk = rec_is(&rec, "chunk");
		if ((is_query || is_chunk) && open && ask_is_answerable(&q))
			r = pass_over(w, warm_one(w, &q, e));
		if (r || w->is_full)
			break;
		if (is_query || is_chunk) {
			r = is_query ? ask_start(&q, &rec, e) : ask_chunk(&q, &rec, e);
			open = is_query && !r;
			r = r || is_query ? pass_over(w, r) : warm_one(w, &q, e);
		} else if (open && rec_is(&rec, "hit")) {
			r = pass_over(w, ask_add(&q, &rec, e));
		}
	}
	r = r ? r : got < 0 ? got : 0;
	if (!r && open && !w->is_full && ask_is_answerable(&q))
		r = pass_over(w, warm_one(w, &q, e));
	ask_release(&q);
	rec_reader_close(in);
	return r;
}

/* ---- an index ---- */

struct pass {
	struct warm *w;
	const struct popular *known;
	struct known_chunk { struct ask q; uint64_t uses; } *chunk;	/* of pass 1 */
	size_t n;
	enum { PASS_KNOWN, PASS_OTHERS, PASS_CHECK } which;
};

static int by_uses(const void *a, const void *b)
{
	uint64_t x = ((const struct known_chunk *)a)->uses, y = ((const struct known_chunk *)b)->uses;
	return (x < y) - (x > y);
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct warm_done *)a)->id, ((const struct warm_done *)b)->id, HASH_ID_LEN);
}

static struct warm_done *find_done(const struct warm *w, const uint8_t id[HASH_ID_LEN])
{
	struct warm_done key;
	memcpy(key.id, id, HASH_ID_LEN);
	return w->n_done ? bsearch(&key, w->done, w->n_done, sizeof key, by_id) : NULL;
}

static int take_chunk(struct pass *p, const struct rec *rec, struct ask *q, struct err *e)
{
	struct ask_str hex = { 0 };
	uint8_t id[HASH_ID_LEN];
	bool has_id = rec_str(rec, "id", &hex.s, &hex.n) && reuse_parse_id(hex, id);
	if (p->which == PASS_CHECK) {
		struct warm_done *d = has_id ? find_done(p->w, id) : NULL;
		if (d)
			d->is_there = true;
		return 0;
	}
	uint64_t uses = has_id ? popular_uses(p->known, id) : 0;
	if (p->which == PASS_OTHERS) {
		int r = uses ? 0 : ask_chunk(q, rec, e);
		return r ? pass_over(p->w, r) : uses ? 0 : warm_one(p->w, q, e);
	}
	if (!uses || p->n == p->known->n)
		return 0;
	struct known_chunk *c = &p->chunk[p->n];
	*c = (struct known_chunk){ .uses = uses };
	int r = ask_chunk(&c->q, rec, e);
	if (r == ERR_MEM)
		ask_release(&c->q);
	else
		p->n++;
	return r == ERR_MEM ? r : 0;
}

static int read_chunks(struct pass *p, int fd, struct err *e)
{
	struct rec_reader *in = NULL;
	struct ask q = { 0 };
	struct rec rec;
	int got = 0, r = rec_reader_open(&in, fd, "tt-index", e);
	while (!r && !p->w->is_full && (got = rec_read(in, &rec, e)) > 0)
		if (rec_is(&rec, "chunk"))
			r = take_chunk(p, &rec, &q, e);
	r = r ? r : got < 0 ? got : 0;
	ask_release(&q);
	rec_reader_close(in);
	return r;
}

extern char **environ;

/* Starts `tt-index chunks INDEX`, whose output comes from *out. */
static int start_index(const char *index, pid_t *pid, int *out, struct err *e)
{
	struct buf exe = { 0 };
	int fd[2], r = io_beside(&exe, "cache", "index", e);
	if (!r && pipe2(fd, O_CLOEXEC))
		r = err_sys(e, ERR_IO, "cannot make a pipe");
	if (r) {
		buf_release(&exe);
		return r;
	}
	char *argv[] = { exe.data, (char[]){ "chunks" }, (char[]){ "--" }, (char *)(uintptr_t)index, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawn_file_actions_init(&fa);
	errno = posix_spawn_file_actions_adddup2(&fa, fd[1], STDOUT_FILENO);
	if (!errno)
		errno = posix_spawn(pid, exe.data, &fa, NULL, argv, environ);
	if (errno)
		r = err_sys(e, errno == ENOENT || errno == EACCES ? ERR_NOENT : ERR_IO, "cannot run '%s'", exe.data);
	posix_spawn_file_actions_destroy(&fa);
	close(fd[1]);
	if (r)
		close(fd[0]);
	*out = fd[0];
	buf_release(&exe);
	return r;
}

/* Gives the chunks of the index to read_chunks. */
static int run_pass(struct pass *p, const char *index, struct err *e)
{
	pid_t pid;
	int fd, status = 0, r = start_index(index, &pid, &fd, e);
	if (r)
		return r;
	r = read_chunks(p, fd, e);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* It has said what is wrong. One that we left before its end was ended by that. */
	if (WIFEXITED(status) && WEXITSTATUS(status) && !p->w->is_full)
		r = err_set(e, WEXITSTATUS(status) == EXIT_NOINPUT ? ERR_NOENT : ERR_FORMAT, ERR_NO_OFFSET,
			"the chunks of '%s' could not be read", index);
	return r;
}

struct removal { const struct warm *w; struct err *e; int r; };

/* Goes on behind what cannot be removed. */
static int drop_gone(void *arg, const char *path, const struct block *b, const struct err *why)
{
	struct removal *rm = arg;
	(void)why;
	for (uint32_t i = 0; b && i < b->n_origin; i++) {
		const struct warm_done *d = find_done(rm->w, b->origin[i]);
		if (d && !d->is_there) {
			if (unlink(path) && errno != ENOENT && !rm->r)
				rm->r = err_sys(rm->e, ERR_IO, "cannot remove '%s'", path);
			return 0;
		}
	}
	return 0;
}

static int check(struct pass *p, const char *index, struct err *e)
{
	struct warm *w = p->w;
	struct removal rm = { .w = w, .e = e };
	bool is_full = w->is_full, is_gone = false;
	if (!w->n_done)
		return 0;
	qsort(w->done, w->n_done, sizeof *w->done, by_id);
	p->which = PASS_CHECK;
	w->is_full = false;
	int r = run_pass(p, index, e);
	w->is_full = is_full;
	for (size_t i = 0; !r && i < w->n_done; i++)
		is_gone = is_gone || !w->done[i].is_there;
	r = r || !is_gone ? r : walk_store(w->dir, drop_gone, &rm, e);
	return r ? r : rm.r;
}

int warm_index(struct warm *w, const char *index, struct err *e)
{
	struct popular known;
	int r = popular_load(&known, w->dir, e);
	prefix_spare(w->reuse->store, time(NULL));
	if (r)
		return r;
	struct pass p = { .w = w, .known = &known, .which = PASS_KNOWN, .chunk = calloc(known.n + 1, sizeof *p.chunk) };
	if (!p.chunk)
		r = err_memory(e);
	if (!r && known.n)
		r = run_pass(&p, index, e);
	if (p.n)
		qsort(p.chunk, p.n, sizeof *p.chunk, by_uses);
	for (size_t i = 0; i < p.n; i++) {
		if (!r && !w->is_full)
			r = warm_one(w, &p.chunk[i].q, e);
		ask_release(&p.chunk[i].q);
	}
	free(p.chunk);
	p.which = PASS_OTHERS;
	w->keep_full = true;
	if (!r && !w->is_full)
		r = run_pass(&p, index, e);
	int late = check(&p, index, r ? NULL : e);
	popular_release(&known);
	return r ? r : late;
}

void warm_release(struct warm *w)
{
	free(w->done);
}
