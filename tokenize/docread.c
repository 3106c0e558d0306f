/* SPDX-License-Identifier: Apache-2.0
 *
 * docread: the path of one document.
 *
 *	open, hash -> sniff 64 KiB -> [converter] -> reader -> splitter -> messages
 *	     ^                                                      |
 *	     '---- changed while it was read: again, thrice --------'
 *
 * Messages go into j->out. Before any of it has been taken, starting over means emptying it; afterwards a second DOC
 * message says the same, and an ERROR after chunks voids them.
 */
#include "tokenize/docread.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "tokenize/child.h"
#include "tokenize/docmsg.h"

#define OUT_HELD (1u << 20)
#define SNIFF 65536
#define STDIN_MAX (1u << 30)
#define TRIES 3
#define CONVERT_MAX (64u << 20)
#define CONVERT_TIMEOUT_MS 120000u
#define CONVERT_MEMORY (2u << 30)

/* As HTML tables stay rows, and -s adds the title, which is no part of the body. */
#define PANDOC(format) "pandoc -s -f " format " -t html --wrap=none", DOC_HTML
static const struct filter builtin[] = {
	{ "*.pdf", "pdftotext -enc UTF-8 - -", DOC_TEXT },
	{ "*.docx", PANDOC("docx") },
	{ "*.odt", PANDOC("odt") },
	{ "*.epub", PANDOC("epub") },
	{ "*.rtf", PANDOC("rtf") },
};

struct reading {
	const struct read_opts *o;
	struct count *count;
	struct read_job *j;
	struct doc_info info;
	char file[256];
	struct src *src;
	const char *via;
	bool begun;		/* DOC is out */
};

static void put_doc(struct reading *r, const char *alias_of)
{
	const struct src *s = r->src;
	struct msg m = {
		.kind = MSG_DOC, .doc = msg_str_of(r->j->doc), .name = msg_str_of(r->info.name),
		.title = msg_str_of(r->info.title), .type = msg_str_of(r->info.type),
		.path = msg_str_of(r->j->kind == READ_FILE || r->j->kind == READ_ALIAS ? r->j->doc : r->j->path),
		.alias_of = msg_str_of(alias_of), .via = msg_str_of(r->via), .size = (uint64_t)s->st.st_size,
		.mtime_ns = (uint64_t)s->st.st_mtim.tv_sec * 1000000000u + (uint64_t)s->st.st_mtim.tv_nsec,
		.has_content = r->info.has_content,
	};
	if (r->j->kind == READ_STDIN)
		m.mtime_ns = 0;		/* of the copy that was made of it */
	memcpy(m.hash, s->hash, sizeof m.hash);
	memcpy(m.content, r->info.content, sizeof m.content);
	msg_put(&r->j->out, &m);
	r->begun = true;
}

void doc_error(struct read_job *j, const struct err *e)
{
	struct msg m = { .kind = MSG_ERROR, .doc = msg_str_of(j->doc), .code = e->code, .err_at = e->at,
			 .what = msg_str_of(e->msg) };
	msg_put(&j->out, &m);
}

/* An id that decides identity: document, place and text. */
static void chunk_id(const char *doc, const struct split_chunk *c, char hex[33])
{
	uint8_t id[HASH_ID_LEN], at[16];	/* little-endian */
	for (int i = 0; i < 8; i++) {
		at[i] = (uint8_t)(c->at.b0 >> 8 * i);
		at[8 + i] = (uint8_t)(c->at.b1 >> 8 * i);
	}
	const struct hash_part part[] = { { doc, strlen(doc) }, { at, sizeof at }, { c->text, c->len } };
	hash_id_parts(part, 3, id);
	hash_hex(id, sizeof id, hex);
}

static int on_chunk(void *arg, const struct split_chunk *c, struct err *e)
{
	struct reading *r = arg;
	struct read_job *j = r->j;
	if (!r->begun)
		put_doc(r, NULL);
	struct msg m = {
		.kind = MSG_CHUNK, .title = msg_str_of(c->title), .unit = (uint32_t)c->unit, .n_tok = (uint32_t)c->n_tok,
		.hidden = c->hidden, .trunc = c->trunc, .at = c->at, .n_sec = c->n_sec, .text = { c->text, c->len },
	};
	for (size_t i = 0; i < c->n_sec; i++)
		m.sec[i] = msg_str_of(c->sec[i]);
	chunk_id(j->doc, c, m.id);
	msg_put(&j->out, &m);
	if (j->out.failed)
		return err_memory(e);
	if (j->out.len > OUT_HELD && j->drain)
		j->drain(j);
	return 0;
}

/* ---- names ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void info_init(struct reading *r)
{
	const char *base = base_name(r->j->path);
	size_t n = strlen(base);
	if (n > 3 && strcmp(base + n - 3, ".gz") == 0)
		n -= 3;
	if (n >= sizeof r->file)
		n = utf8_whole(base, sizeof r->file - 1);
	memcpy(r->file, base, n);
	r->file[n] = 0;
	memset(&r->info, 0, sizeof r->info);
	r->info.file = r->file;
	r->info.type = "text";
	memcpy(r->info.name, r->file, n + 1);
	memcpy(r->info.title, r->file, n + 1);
	r->begun = false;
}

int filter_parse(struct filter *f, char *spec, struct err *e)
{
	static const struct { const char *name; enum doc_type type; } type[] = {
		{ "text:", DOC_TEXT }, { "markdown:", DOC_MARKDOWN }, { "html:", DOC_HTML }, { "man:", DOC_MAN },
		{ "code:", DOC_CODE },
	};
	char *eq = strchr(spec, '=');
	if (!eq || eq == spec || !eq[1])
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "'%s' is not PATTERN=COMMAND", spec);
	if (!utf8_valid(spec, strlen(spec), NULL))	/* records name the command */
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "the filter '%s' is not UTF-8", spec);
	*eq = 0;
	*f = (struct filter){ spec, eq + 1, DOC_TEXT };
	for (size_t i = 0; i < sizeof type / sizeof *type; i++) {
		size_t k = strlen(type[i].name);
		if (strncmp(f->command, type[i].name, k) == 0) {
			f->type = type[i].type;
			f->command += k;
			break;
		}
	}
	return 0;
}

static const struct filter *filter_find(const struct filter *f, size_t n, const char *path, int flags)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(f[i].pattern, strchr(f[i].pattern, '/') ? path : base_name(path), flags) == 0)
			return &f[i];
	return NULL;
}

/* What makes text of the file at `path`; NULL if it is read as it is. */
static const struct filter *converter(const struct read_opts *o, const char *path)
{
	const struct filter *f = filter_find(o->filter, o->n_filter, path, 0);
	return f ? f : filter_find(builtin, sizeof builtin / sizeof *builtin, path, FNM_CASEFOLD);
}

/* ---- reading ---- */

static int run_reader(struct reading *r, struct src *src, enum doc_type type, struct err *e)
{
	struct split *s = split_new(r->count, r->o->limit, on_chunk, r);
	if (!s)
		return err_memory(e);
	split_title(s, r->info.title, strlen(r->info.title));
	int rc = 0;
	switch (type) {
	case DOC_MARKDOWN:
		rc = split_markdown(s, src, &r->info, e);
		break;
	case DOC_CODE:
		rc = split_code(s, src, &r->info, e);
		break;
	case DOC_HTML:
		rc = split_html(s, src, &r->info, e);
		break;
	case DOC_MAN:
		rc = split_man(s, src, &r->info, r->o->mandoc, e);
		break;
	case DOC_OUTLINE:
		rc = split_outline(s, src, &r->info, e);
		break;
	case DOC_TEXT: case DOC_NONE:
		rc = split_plain(s, src, &r->info, e);
		break;
	}
	int end = split_close(s, rc < 0 ? NULL : e);
	split_free(s);
	return rc < 0 ? rc : end;
}

static int sniff(struct reading *r, struct src *src, enum doc_type *type, struct err *e)
{
	char *p = malloc(SNIFF);
	if (!p)
		return err_memory(e);
	long n = 0, got;
	while (n < SNIFF && (got = src_read(src, p + n, (size_t)(SNIFF - n), e)) != 0) {
		if (got < 0) {
			free(p);
			return (int)got;
		}
		n += got;
	}
	size_t len = (size_t)n;
	if (*type == DOC_NONE)
		*type = doc_type_of(r->j->path, r->file, p, len);
	const char *why = doc_not_text(p, len);
	/* Old manual pages in other encodings are mandoc's business. */
	if (why && *type == DOC_MAN && !memchr(p, 0, len))
		why = NULL;
	if (!why && src->binary)
		why = "binary";
	free(p);
	if (why)
		return err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "%s", why);
	return src_rewind(src, e);
}

static int collect(void *arg, const char *p, size_t n, struct err *e)
{
	return buf_add(arg, p, n) < 0 ? err_memory(e) : 0;
}

/* The first word of a command, for messages. */
static int word_len(const char *s)
{
	return (int)strcspn(s, " \t");
}

static int convert(struct reading *r, const struct filter *f, struct src *to, struct err *e)
{
	const char *const argv[] = { "sh", "-c", f->command, "sh", r->j->path, NULL };
	struct buf b = {0};
	int status = 0;
	struct child c = { .argv = argv, .in = r->src->fd, .timeout_ms = CONVERT_TIMEOUT_MS, .mem_max = CONVERT_MEMORY,
			   .out_max = CONVERT_MAX };
	if (lseek(r->src->fd, 0, SEEK_SET) < 0)
		return err_sys(e, ERR_IO, "cannot rewind '%s'", r->j->path);
	int rc = child_run(&c, collect, &b, &status, e);
	if (rc == 0 && status == 127)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "the converter '%.*s' is not installed", word_len(f->command),
			     f->command);
	else if (rc == 0 && status != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NO_OFFSET, "the converter '%.*s' ended with status %d", word_len(f->command),
			     f->command, status);
	if (rc == 0)
		rc = src_open_mem(to, b.data ? b.data : "", b.len, r->j->path, e);
	buf_release(&b);
	return rc;
}

/* A manual page that mandoc could not do: our own reading can always. */
static int read_own(struct reading *r, struct src *src, struct err *e)
{
	const struct read_opts *o = r->o;
	struct read_opts own = *o;
	own.mandoc = NULL;
	r->o = &own;
	buf_clear(&r->j->out);
	info_init(r);
	int rc = src_rewind(src, e);
	if (rc == 0)
		rc = run_reader(r, src, DOC_MAN, e);
	r->o = o;
	return rc;
}

static int read_once(struct reading *r, struct err *e)
{
	const struct read_opts *o = r->o;
	const struct filter *f = converter(o, r->j->path);
	enum doc_type type = DOC_NONE;
	struct src made, *src = r->src;
	info_init(r);
	int rc = 0;
	if (f) {
		rc = convert(r, f, &made, e);
		if (rc < 0)
			return rc;
		src = &made;
		type = f->type;
		r->via = f->command;
	}
	rc = sniff(r, src, &type, e);
	if (rc == 0)
		rc = run_reader(r, src, type, e);
	/* As it fails where it is, or is not. ERR_IO, of a process that cannot be had just now, says nothing of the page. */
	bool of_mandoc = rc == ERR_LIMIT || rc == ERR_NOENT || rc == ERR_PERM || rc == ERR_FORMAT;
	if (of_mandoc && type == DOC_MAN && o->mandoc && !r->j->drained)
		rc = read_own(r, src, e);
	if (f)
		src_close(&made);
	return rc;
}

/* Standard input, which cannot be read twice, as a temporary file: its descriptor. */
static int copy_stdin(struct err *e)
{
	FILE *f = tmpfile();
	int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1, rc = fd < 0 ? err_sys(e, ERR_IO, "cannot make a temporary file") : 0;
	char piece[32768];
	long n;
	uint64_t total = 0;
	while (rc == 0 && (n = io_read(0, piece, sizeof piece)) != 0) {
		total += n > 0 ? (uint64_t)n : 0;
		if (n < 0)
			rc = err_sys(e, ERR_IO, "cannot read standard input");
		else if (total > STDIN_MAX)
			rc = err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "standard input holds over %u bytes", STDIN_MAX);
		else
			rc = io_write(fd, piece, (size_t)n, "temporary file", e);
	}
	if (f)
		fclose(f);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int open_job(const struct read_opts *o, struct read_job *j, struct src *s, struct err *e)
{
	bool text = j->kind != READ_ALIAS && !converter(o, j->path);
	if (j->kind == READ_STDIN) {
		int fd = copy_stdin(e);
		return fd < 0 ? fd : src_open_fd(s, fd, j->path, text, e);
	}
	int rc = src_open(s, j->path, text, e);
	if (rc == 0 && (rc = roots_check(&o->roots, s->fd, j->path, e)) < 0)
		src_close(s);
	return rc;
}

/* A file that is no text: the error, then a document without chunks, so that an index forgets what text it was and knows it from now on.
 * A missing converter may come yet, so that isn't called for then. */
static void put_refused(struct reading *r, const struct err *why)
{
	if (!r->j->drained)
		buf_clear(&r->j->out);
	doc_error(r->j, why);
	info_init(r);
	r->info.type = "none";
	put_doc(r, NULL);
}

/* Reads the file as it is now; *changed: it became another meanwhile. */
static int read_try(struct reading *r, bool *changed, struct err *e)
{
	struct read_job *j = r->j;
	struct src s;
	if (!j->drained)
		buf_clear(&j->out);
	*changed = false;
	*e = (struct err){0};
	int rc = open_job(r->o, j, &s, e);
	if (rc < 0)
		return rc;
	if (j->known && memcmp(s.hash, j->known, sizeof s.hash) == 0) {
		src_close(&s);
		return 0;
	}
	r->src = &s;
	r->via = NULL;
	if (j->kind == READ_ALIAS) {
		info_init(r);
		r->info.type = "alias";
		put_doc(r, j->alias_of);
	} else {
		rc = read_once(r, e);
	}
	bool to_end = rc == 0 && j->kind != READ_ALIAS && !r->via;	/* a converter reads by itself */
	*changed = src_changed(&s, to_end) && j->kind != READ_STDIN;
	if (*changed) {
		rc = err_set(e, ERR_IO, ERR_NO_OFFSET, "the file changes while it is read");
	} else if (rc == 0 && !r->begun) {
		put_doc(r, NULL);	/* an empty document */
	} else if (rc == ERR_UNSUPPORTED && r->o->note && !converter(r->o, j->path)) {
		put_refused(r, e);
		rc = 0;
	}
	src_close(&s);
	return rc;
}

/* What takes the place of all that the document has said: a tomb, or the error. */
static void put_failure(struct reading *r, const struct err *e)
{
	struct read_job *j = r->j;
	if (!j->drained)
		buf_clear(&j->out);
	if (e->code == ERR_NOENT && r->o->tomb && access(j->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
		struct msg m = { .kind = MSG_TOMB, .doc = msg_str_of(j->doc) };
		msg_put(&j->out, &m);
		return;
	}
	doc_error(j, e);
}

static void read_file(struct reading *r)
{
	struct err e;
	bool changed = true;
	int rc = 0;
	for (int i = 0; i < TRIES && changed; i++)
		rc = read_try(r, &changed, &e);
	if (rc == 0)
		return;
	e.code = rc;
	put_failure(r, &e);
}

/* A line of a corpus: {"id": .., "title": .., "text": ..}. The document is the line's text. */
static void read_json(struct reading *r)
{
	struct read_job *j = r->j;
	struct err e = {0}, why = {0};
	static const struct json_limits most = { .depth = 32, .n_value = 1u << 20 };
	struct src s;
	json_t *o = json_text(j->json, j->json_len, 0, &most, &why);
	json_t *id = json_object_get(o, "id"), *title = json_object_get(o, "title"), *text = json_object_get(o, "text");
	if (!id)
		id = json_object_get(o, "_id");
	char number[32];
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
	const char *doc = json_is_integer(id) ? number : json_string_value(id);
	if (!json_is_object(o) || !doc || !doc[0] || !json_is_string(text)) {
		e.code = err_set(&e, ERR_FORMAT, ERR_NO_OFFSET, "'%s' line %llu: no {\"id\", \"title\", \"text\"}%s%s", j->path,
				 (unsigned long long)j->line, o ? "" : ": ", o ? "" : why.msg);
		doc_error(j, &e);
		json_decref(o);
		return;
	}
	j->doc = doc;
	info_init(r);
	r->info.title[0] = 0;
	if (json_is_string(title))
		doc_set_title(&r->info, NULL, json_string_value(title), json_string_length(title));
	r->info.title_fixed = true;
	if (strlen(doc) < sizeof r->info.name)
		memcpy(r->info.name, doc, strlen(doc) + 1);
	int rc = src_open_mem(&s, json_string_value(text), json_string_length(text), j->path, &e);
	if (rc == 0) {
		r->src = &s;
		rc = run_reader(r, &s, DOC_TEXT, &e);
		if (rc == 0 && !r->begun)
			put_doc(r, NULL);
		src_close(&s);
	}
	if (rc < 0) {
		e.code = rc;
		doc_error(j, &e);
	}
	json_decref(o);
	j->doc = NULL;
}

void doc_read(const struct read_opts *o, struct count *c, struct read_job *j)
{
	struct reading r = { .o = o, .count = c, .j = j };
	if (j->kind == READ_JSON)
		read_json(&r);
	else
		read_file(&r);
}
