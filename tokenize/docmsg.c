/* SPDX-License-Identifier: Apache-2.0
 *
 * docmsg: packing and unpacking within one process; lengths are checked all the same.
 */
#include "tokenize/docmsg.h"

#include <string.h>

static void put_str(struct buf *b, struct msg_str s)
{
	buf_u32(b, (uint32_t)s.n);
	buf_add(b, s.p, s.n);
	buf_putc(b, 0);
}

static struct msg_str get_str(struct cursor *c)
{
	uint32_t n = cursor_u32(c);
	const char *p = cursor_take(c, (uint64_t)n + 1);
	return p ? (struct msg_str){ p, n } : (struct msg_str){ "", 0 };
}

struct msg_str msg_str_of(const char *s)
{
	return (struct msg_str){ s ? s : "", s ? strlen(s) : 0 };
}

void msg_put(struct buf *b, const struct msg *m)
{
	buf_u32(b, m->kind);
	if (m->kind == MSG_CHUNK) {
		buf_add(b, m->id, sizeof m->id);
		buf_u32(b, m->unit);
		buf_u32(b, m->n_tok);
		buf_u32(b, m->hidden);
		buf_u32(b, m->trunc);
		buf_add(b, &m->at, sizeof m->at);
		put_str(b, m->title);
		buf_u32(b, (uint32_t)m->n_sec);
		for (size_t i = 0; i < m->n_sec; i++)
			put_str(b, m->sec[i]);
		put_str(b, m->text);
		return;
	}
	put_str(b, m->doc);
	if (m->kind == MSG_ERROR) {
		buf_u32(b, (uint32_t)-m->code);
		buf_u64(b, m->err_at);
		put_str(b, m->what);
	} else if (m->kind == MSG_DOC) {
		put_str(b, m->name);
		put_str(b, m->title);
		put_str(b, m->type);
		put_str(b, m->path);
		put_str(b, m->alias_of);
		put_str(b, m->via);
		buf_u64(b, m->size);
		buf_u64(b, m->mtime_ns);
		buf_add(b, m->hash, sizeof m->hash);
		buf_add(b, m->content, sizeof m->content);
		buf_u32(b, m->has_content);
	}
}

static void get_bytes(struct cursor *c, void *to, size_t n)
{
	const void *p = cursor_take(c, n);
	if (p)
		memcpy(to, p, n);
}

bool msg_get(struct cursor *c, struct msg *m)
{
	if (cursor_left(c) == 0)
		return false;
	memset(m, 0, sizeof *m);
	m->kind = cursor_u32(c);
	if (m->kind == MSG_CHUNK) {
		get_bytes(c, m->id, sizeof m->id);
		m->unit = cursor_u32(c);
		m->n_tok = cursor_u32(c);
		m->hidden = cursor_u32(c);
		m->trunc = cursor_u32(c);
		get_bytes(c, &m->at, sizeof m->at);
		m->title = get_str(c);
		m->n_sec = cursor_u32(c);
		if (m->n_sec > sizeof m->sec / sizeof *m->sec)
			return cursor_fail(c);
		for (size_t i = 0; i < m->n_sec; i++)
			m->sec[i] = get_str(c);
		m->text = get_str(c);
		return cursor_ok(c);
	}
	m->doc = get_str(c);
	if (m->kind == MSG_ERROR) {
		m->code = -(int)cursor_u32(c);
		m->err_at = cursor_u64(c);
		m->what = get_str(c);
	} else if (m->kind == MSG_DOC) {
		m->name = get_str(c);
		m->title = get_str(c);
		m->type = get_str(c);
		m->path = get_str(c);
		m->alias_of = get_str(c);
		m->via = get_str(c);
		m->size = cursor_u64(c);
		m->mtime_ns = cursor_u64(c);
		get_bytes(c, m->hash, sizeof m->hash);
		get_bytes(c, m->content, sizeof m->content);
		m->has_content = cursor_u32(c);
	}
	return cursor_ok(c);
}
