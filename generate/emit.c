/* SPDX-License-Identifier: Apache-2.0
 *
 * emit: text or records. Model output is foreign text: on its way to a terminal nothing in it may act as a control sequence.
 */
#include "generate/emit.h"

#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/shown.h"
#include "lib/base/utf8.h"

int emit_open(struct emit *em, int fd, enum emit_form form, const char *model, struct err *e)
{
	struct stat st;
	*em = (struct emit){ .form = form, .fd = fd };
	em->in_file = !fstat(fd, &st) && S_ISREG(st.st_mode);
	if (form == EMIT_TEXT)
		return 0;
	int rc = rec_writer_open(&em->w, fd, "tt-generate", model, e);
	if (!rc && form == EMIT_JSON)
		rec_writer_json(em->w, true);
	return rc;
}

/* Writes the text that is held. */
static int put_text(struct emit *em, struct err *e)
{
	int rc = em->text.failed ? err_memory(e) : em->text.len ? io_write(em->fd, em->text.data, em->text.len, "standard output", e) : 0;
	buf_clear(&em->text);
	return rc;
}

int emit_begin(struct emit *em, struct ask_str query, struct err *e)
{
	em->query = query;
	return em->n_answer++ && em->form == EMIT_TEXT && buf_putc(&em->text, '\n') ? err_memory(e) : 0;
}

int emit_token(struct emit *em, const char *s, size_t n, struct err *e)
{
	if (em->form == EMIT_TEXT) {
		if (utf8_visible(&em->text, s, n))
			return err_memory(e);
		return em->in_file ? 0 : put_text(em, e);
	}
	rec_begin(em->w, "token");
	rec_put_str(em->w, "query", em->query.s, em->query.n);
	rec_put_str(em->w, "text", s, n);
	int rc = rec_emit(em->w, e);
	return rc ? rc : rec_flush(em->w, e);
}

/* First line of a source's span, or 0. */
static uint64_t first_line(const struct ask_source *s)
{
	const msgpack_object *l = rec_map_get(s->span, "l");
	if (!l || l->type != MSGPACK_OBJECT_ARRAY || !l->via.array.size || l->via.array.ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return 0;
	return l->via.array.ptr[0].via.u64;
}

/* "[1] tar(1):512  OPTIONS > -t, --list", "[2] /home/anna/lamp/README.md:12  Lamp". A name or heading with a line break must not look like
 * a source of its own, so each is a field. */
static void put_source(struct buf *b, size_t number, const struct ask_source *s)
{
	uint64_t line = first_line(s);
	struct ask_str name = s->name.n ? s->name : s->doc, path = { "", 0 };
	rec_str(&(struct rec){ .map = s->src }, "path", &path.s, &path.n);
	buf_printf(b, "[%zu] ", number);
	shown_name(b, name.s, name.n, path.s, path.n);
	if (line)
		buf_printf(b, ":%llu", (unsigned long long)line);
	for (size_t i = 0; i < s->n_sec; i++) {
		buf_puts(b, i ? " > " : "  ");
		utf8_visible_field(b, s->sec[i].s, s->sec[i].n);
	}
	buf_putc(b, '\n');
}

static int end_text(struct emit *em, const struct emit_answer *a, struct err *e)
{
	if (a->n == 0 || a->text[a->n - 1] != '\n')
		buf_putc(&em->text, '\n');
	if (a->cites && a->cites->n_used)
		buf_putc(&em->text, '\n');
	for (size_t i = 0; a->cites && i < a->cites->n_used; i++)
		if (a->cites->used[i] - 1 < a->prompt->n_source)
			put_source(&em->text, a->cites->used[i], a->prompt->source[a->cites->used[i] - 1]);
	return put_text(em, e);
}

static void pack_cite(msgpack_packer *p, size_t number, const struct ask_source *s)
{
	msgpack_pack_map(p, 4u + (s->span != NULL) + (s->src != NULL));
	msgpack_pack_str_with_body(p, "n", 1);
	msgpack_pack_uint64(p, number);
	rec_pack_pair(p, "doc", s->doc.s, s->doc.n);
	rec_pack_pair(p, "name", s->name.s, s->name.n);
	rec_pack_pair(p, "id", s->id.s, s->id.n);
	if (s->span) {
		msgpack_pack_str_with_body(p, "span", 4);
		msgpack_pack_object(p, *s->span);
	}
	if (s->src) {
		msgpack_pack_str_with_body(p, "src", 3);
		msgpack_pack_object(p, *s->src);
	}
}

int emit_end(struct emit *em, const struct emit_answer *a, struct err *e)
{
	if (em->form == EMIT_TEXT)
		return end_text(em, a, e);
	struct rec_writer *w = em->w;
	size_t n = 0;
	for (size_t i = 0; a->cites && i < a->cites->n_used; i++)
		n += a->cites->used[i] - 1 < a->prompt->n_source;
	rec_begin(w, "answer");
	rec_put_str(w, "query", em->query.s, em->query.n);
	rec_put_str(w, "text", a->text, a->n);
	rec_put_bool(w, "refused", a->refused);
	msgpack_packer *p = rec_put_key(w, "cites");
	msgpack_pack_array(p, n);
	for (size_t i = 0; i < n; i++)
		pack_cite(p, a->cites->used[i], a->prompt->source[a->cites->used[i] - 1]);
	rec_put_u64(w, "n_prompt", a->n_prompt);
	rec_put_u64(w, "n_cached", a->n_cached);
	rec_put_u64(w, "n_gen", a->n_gen);
	rec_put_u64(w, "n_draft", a->n_draft);
	rec_put_u64(w, "n_accept", a->n_accept);
	rec_put_f64(w, "ttft_ms", a->ttft_ms);
	rec_put_f64(w, "gen_ms", a->gen_ms);
	rec_put_cstr(w, "model", a->model);
	rec_put_cstr(w, "stop", a->stop);
	int rc = rec_emit(w, e);
	return rc ? rc : rec_flush(w, e);
}

int emit_error(struct emit *em, const struct err *what, struct err *e)
{
	return em->form == EMIT_TEXT ? put_text(em, e) : rec_emit_error(em->w, what, NULL, e);
}

int emit_pass(struct emit *em, const struct rec *r, struct err *e)
{
	return em->form == EMIT_TEXT ? 0 : rec_pass(em->w, r, e);
}

int emit_close(struct emit *em, struct err *e)
{
	buf_release(&em->text);
	return em->w ? rec_writer_close(em->w, e) : 0;
}

void emit_abort(struct emit *em)
{
	buf_release(&em->text);
	if (em->w)
		rec_writer_abort(em->w);
}
