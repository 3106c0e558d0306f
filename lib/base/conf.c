/* SPDX-License-Identifier: Apache-2.0
 *
 * conf: a loop over libyaml's events with a stack of open maps and lists. Beside the concrete path of where it stands
 * ("corpora[0].name") it keeps the same path as the schema writes it ("corpora[].name"); a step down lengthens both, a
 * step up cuts them back. No document tree is built. The depth is checked here as events come, because libyaml 0.2.5
 * takes time quadratic in the depth and has no bound of its own.
 */
#include "lib/base/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/conf_value.h"
#include "lib/base/near.h"
#include "lib/base/utf8.h"

struct frame {
	bool is_map, want_key;
	size_t entry;		/* of the map or list itself; NO_ENTRY for the document's own map */
	size_t count;
	size_t path_len, kind_len;	/* what both paths are cut back to between items */
};
#define NO_ENTRY ((size_t)-1)

struct walk {
	struct conf *c;
	const struct conf_key *schema;
	const char *name;
	struct buf path, kind;		/* where we stand, and the same in the schema's words */
	struct frame frame[CONF_MAX_DEPTH];
	int depth;
	bool seen_document, seen_root;
	unsigned line;			/* of the event being looked at */
	struct err *e;
};

static int fault(struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fault(struct walk *w, const char *fmt, ...)
{
	char what[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(w->e, ERR_CONF, ERR_NO_OFFSET, "%s:%u: %s", w->name, w->line, what);
}

static int no_memory(struct walk *w)
{
	return err_set(w->e, ERR_MEM, ERR_NO_OFFSET, "%s: out of memory", w->name);
}

static const struct conf_entry *find(const struct conf *c, const char *path)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->entry[i].path, path) == 0)
			return &c->entry[i];
	return NULL;
}

static const struct conf_key *key_of(const struct walk *w, const char *kind)
{
	for (const struct conf_key *k = w->schema; k->path; k++)
		if (strcmp(k->path, kind) == 0)
			return k;
	return NULL;
}

/* The length of the part of a schema path that names the map it stands in: "a[].b" -> "a[]". */
static size_t parent_len(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot ? (size_t)(dot - path) : 0;
}

static bool stands_in(const struct conf_key *k, const char *kind, size_t kind_len)
{
	size_t n = strlen(k->path);
	if (n >= 2 && (strcmp(k->path + n - 2, "[]") == 0 || strcmp(k->path + n - 2, "{}") == 0))
		return false;
	return parent_len(k->path) == kind_len && strncmp(k->path, kind, kind_len) == 0;
}

static int unknown_key(struct walk *w, const char *key, size_t kind_len)
{
	const char *near = NULL;
	int best = 255;
	if (strcmp(key, "<<") == 0)
		return fault(w, "merge keys are not read");
	for (const struct conf_key *k = w->schema; k->path; k++) {
		const char *last = strrchr(k->path, '.') ? strrchr(k->path, '.') + 1 : k->path;
		if (stands_in(k, w->kind.data ? w->kind.data : "", kind_len) && near_better(key, last, &best))
			near = last;
	}
	return near ? fault(w, "unknown key '%.60s'; did you mean '%s'?", key, near) : fault(w, "unknown key '%.60s'", key);
}

/* ---- going down and up ---- */

/* Appends an entry for the place we stand at. */
static int add_entry(struct walk *w, const char *value)
{
	struct conf *c = w->c;
	if (c->n == CONF_MAX_VALUES)
		return fault(w, "more than %d values", CONF_MAX_VALUES);
	struct conf_entry *x = &c->entry[c->n];
	x->path = arena_strdup(&c->arena, w->path.data ? w->path.data : "", w->path.len);
	x->value = value ? arena_strdup(&c->arena, value, strlen(value)) : NULL;
	x->count = 0;
	x->line = w->line;
	if (!x->path || (value && !x->value))
		return no_memory(w);
	c->n++;
	return 0;
}

/* Steps to the next item of a list, before it is looked at. */
static int next_item(struct walk *w)
{
	struct frame *f = &w->frame[w->depth - 1];
	w->path.len = f->path_len;
	w->kind.len = f->kind_len;
	buf_printf(&w->path, "[%zu]", f->count++);
	buf_puts(&w->kind, "[]");
	return w->path.failed || w->kind.failed ? no_memory(w) : 0;
}

/* Steps to the value of `key`. */
static int next_key(struct walk *w, const char *key)
{
	struct frame *f = &w->frame[w->depth - 1];
	w->path.len = f->path_len;
	w->kind.len = f->kind_len;
	if (w->kind.data)
		w->kind.data[w->kind.len] = '\0';
	f->count++;
	f->want_key = false;
	buf_puts(&w->kind, "{}");
	if (!w->kind.failed && key_of(w, w->kind.data)) {
		const struct conf_key any = { NULL, CONF_STR };
		char scratch[64];
		const char *why = conf_value_fault(&any, key, scratch, sizeof scratch);
		if (why)
			return fault(w, "a key %s", why);
		buf_printf(&w->path, "{%s}", key);
	} else {
		w->kind.len = f->kind_len;
		buf_printf(&w->kind, "%s%s", f->kind_len ? "." : "", key);
		buf_printf(&w->path, "%s%s", f->path_len ? "." : "", key);
		if (w->kind.failed || w->path.failed)
			return no_memory(w);
		const struct conf_key *k = key_of(w, w->kind.data);
		if (!k || !stands_in(k, w->kind.data, f->kind_len)) {	/* "cache.prefix" is a path, but no key */
			w->kind.data[f->kind_len] = '\0';
			return unknown_key(w, key, f->kind_len);
		}
	}
	if (w->kind.failed || w->path.failed)
		return no_memory(w);
	const struct conf_entry *twice = find(w->c, w->path.data);
	return twice ? fault(w, "'%.60s' is given twice, first in line %u", key, twice->line) : 0;
}

static const char *type_word(enum conf_type t)
{
	return t == CONF_MAP ? "a map of keys and values" : t == CONF_LIST ? "a list" : "a single value";
}

/* Enters the map or list that begins where we stand, in another one. */
static int enter(struct walk *w, bool is_map, size_t *entry)
{
	int r = w->frame[w->depth - 1].is_map ? 0 : next_item(w);
	if (r)
		return r;
	const struct conf_key *k = key_of(w, w->kind.data);
	if (!k || k->type != (is_map ? CONF_MAP : CONF_LIST))
		return fault(w, "'%.80s' has to be %s, not %s", w->path.data,
			     type_word(k ? k->type : CONF_STR), type_word(is_map ? CONF_MAP : CONF_LIST));
	*entry = w->c->n;
	return add_entry(w, NULL);
}

static int open_frame(struct walk *w, bool is_map)
{
	size_t entry = NO_ENTRY;
	if (w->depth == CONF_MAX_DEPTH)
		return fault(w, "nested more than %d deep", CONF_MAX_DEPTH);
	if (w->depth == 0 && !is_map)
		return fault(w, "a map of keys and values is expected");
	int r = w->depth ? enter(w, is_map, &entry) : 0;
	if (r)
		return r;
	w->seen_root = true;
	w->frame[w->depth++] = (struct frame){ .is_map = is_map, .want_key = is_map, .entry = entry,
					       .path_len = w->path.len, .kind_len = w->kind.len };
	return 0;
}

/* A map or list ends: what was required in it must have been there, and a list that is required must not be empty. */
static int close_frame(struct walk *w)
{
	struct frame *f = &w->frame[w->depth - 1];
	w->path.len = f->path_len;
	w->kind.len = f->kind_len;
	if (w->path.data)
		w->path.data[w->path.len] = w->kind.data[w->kind.len] = '\0';
	const char *kind = w->kind.data ? w->kind.data : "", *path = w->path.data ? w->path.data : "";
	const struct conf_entry *self = f->entry == NO_ENTRY ? NULL : &w->c->entry[f->entry];
	if (self) {
		w->c->entry[f->entry].count = f->count;
		w->line = self->line;
		if (!f->is_map && !f->count && key_of(w, kind)->required)
			return fault(w, "'%.80s' is empty", path);
	}
	for (const struct conf_key *k = w->schema; f->is_map && k->path; k++) {
		if (!k->required || !stands_in(k, kind, f->kind_len))
			continue;
		char want[256];
		const char *last = k->path + (f->kind_len ? f->kind_len + 1 : 0);
		snprintf(want, sizeof want, "%s%s%s", path, *path ? "." : "", last);
		if (!find(w->c, want))
			return fault(w, "'%s' is missing%s%s", last, *path ? " in " : "", path);
	}
	w->depth--;
	if (w->depth && w->frame[w->depth - 1].is_map)
		w->frame[w->depth - 1].want_key = true;
	return 0;
}

static int scalar(struct walk *w, const yaml_event_t *ev)
{
	const char *v = (const char *)ev->data.scalar.value;
	if (strlen(v) != ev->data.scalar.length)
		return fault(w, "a NUL character");
	if (w->depth == 0)
		return fault(w, "a map of keys and values is expected");
	struct frame *f = &w->frame[w->depth - 1];
	if (f->is_map && f->want_key)
		return next_key(w, v);
	if (!f->is_map) {
		int r = next_item(w);
		if (r)
			return r;
	}
	char scratch[64];
	const struct conf_key *k = key_of(w, w->kind.data);
	bool plain_null = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*v || strcmp(v, "~") == 0);
	if (!k || k->type == CONF_MAP || k->type == CONF_LIST)
		return fault(w, "'%.80s' has to be %s, not a single value", w->path.data, type_word(k ? k->type : CONF_MAP));
	if (plain_null)
		return fault(w, "'%.80s' has no value", w->path.data);
	const char *why = conf_value_fault(k, v, scratch, sizeof scratch);
	if (why)
		return fault(w, "'%.80s': '%.60s' %s", w->path.data, v, why);
	f->want_key = f->is_map;
	return add_entry(w, v);
}

/* ---- events ---- */

static int document_start(struct walk *w, const yaml_event_t *ev)
{
	if (ev->data.document_start.version_directive ||
	    ev->data.document_start.tag_directives.start != ev->data.document_start.tag_directives.end)
		return fault(w, "directives are not read");
	if (w->seen_document)
		return fault(w, "a second document");
	w->seen_document = true;
	return 0;
}

/* An anchor or a tag, on whatever carries one. */
static int check_plain(struct walk *w, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fault(w, "anchors are not read");
	return tag ? fault(w, "tags are not read") : 0;
}

/* Mostly a pattern, which nobody meant as an alias. */
static int alias_met(struct walk *w)
{
	return fault(w, "aliases are not read; what begins with '*' is put in quotation marks");
}

static int take_event(struct walk *w, const yaml_event_t *ev)
{
	int r;
	w->line = (unsigned)ev->start_mark.line + 1;
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return document_start(w, ev);
	case YAML_ALIAS_EVENT:
		return alias_met(w);
	case YAML_SCALAR_EVENT:
		r = check_plain(w, ev->data.scalar.anchor, ev->data.scalar.tag);
		return r ? r : scalar(w, ev);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (ev->type == YAML_MAPPING_START_EVENT)
			r = check_plain(w, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		else
			r = check_plain(w, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		if (!r && w->depth && w->frame[w->depth - 1].want_key)
			r = fault(w, "a key is not a single value");
		return r ? r : open_frame(w, ev->type == YAML_MAPPING_START_EVENT);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_frame(w);
	default:
		return 0;
	}
}

/* Where libyaml meets a character that it does not read it tells the byte alone. */
static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;
	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static int walk_events(struct walk *w, const char *text, size_t n)
{
	yaml_parser_t p;
	int r = 0;
	bool done = false;
	if (!yaml_parser_initialize(&p))
		return no_memory(w);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)text, n);
	while (!r && !done) {
		yaml_event_t ev;
		if (!yaml_parser_parse(&p, &ev)) {
			w->line = p.error == YAML_READER_ERROR ? line_of(text, p.problem_offset) : (unsigned)p.problem_mark.line + 1;
			if (p.error == YAML_MEMORY_ERROR)
				r = no_memory(w);
			else if (p.context && strstr(p.context, "alias"))
				r = alias_met(w);
			else
				r = fault(w, "%s", p.problem ? p.problem : "not YAML");
			break;
		}
		r = take_event(w, &ev);
		done = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&p);
	return r;
}

int conf_parse(struct conf *c, const char *text, size_t n, const char *name, const struct conf_key *schema, struct err *e)
{
	struct walk w = { .c = c, .schema = schema, .name = name, .e = e, .line = 1 };
	size_t bad;
	*c = (struct conf){0};
	if (n > CONF_MAX_BYTES)
		return err_set(e, ERR_CONF, ERR_NO_OFFSET, "'%s' is longer than %d bytes", name, CONF_MAX_BYTES);
	if (utf8_bom(text, n))
		return err_set(e, ERR_CONF, 0, "'%s' begins with a byte order mark", name);
	bool valid = utf8_valid(text, n, &bad);
	const char *nul = n ? memchr(text, '\0', n) : NULL;
	if (!valid || nul) {
		w.line = line_of(text, valid ? (size_t)(nul - text) : bad);
		return fault(&w, "not UTF-8 text");
	}
	c->entry = calloc(CONF_MAX_VALUES, sizeof *c->entry);
	int r = c->entry ? walk_events(&w, text, n) : no_memory(&w);
	if (!r && !w.seen_root) {	/* an empty file is an empty map, unless something is required in it */
		w.depth = 1;
		w.frame[0] = (struct frame){ .is_map = true, .entry = NO_ENTRY };
		r = close_frame(&w);
	}
	buf_release(&w.path);
	buf_release(&w.kind);
	if (r)
		conf_release(c);
	return r;
}

void conf_release(struct conf *c)
{
	free(c->entry);
	arena_release(&c->arena);
	*c = (struct conf){0};
}

/* ---- asking ---- */

static const struct conf_entry *find_fmt(const struct conf *c, const char *fmt, va_list ap)
{
	char path[512];
	int n = vsnprintf(path, sizeof path, fmt, ap);
	return n < 0 || (size_t)n >= sizeof path ? NULL : find(c, path);
}

const char *conf_get(const struct conf *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const struct conf_entry *x = find_fmt(c, fmt, ap);
	va_end(ap);
	return x ? x->value : NULL;
}

size_t conf_count(const struct conf *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const struct conf_entry *x = find_fmt(c, fmt, ap);
	va_end(ap);
	return x ? x->count : 0;
}
