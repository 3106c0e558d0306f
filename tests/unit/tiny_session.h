/* SPDX-License-Identifier: Apache-2.0
 *
 * tiny_session: small random models of each architecture, opened for all tests of a program, and sessions with them.
 */
#ifndef TT_TESTS_TINY_SESSION_H
#define TT_TESTS_TINY_SESSION_H

#include <stdlib.h>
#include <unistd.h>

#include "generate/session.h"
#include "lib/base/io.h"
#include "lib/base/pool.h"
#include "tests/unit/tiny.h"

enum { N_TOK = 200, N_KIND = 3 };
static const char *const kinds[N_KIND] = { "llama", "qwen2", "gemma3" };
static struct model *model[N_KIND];
static struct pool *two, *many;
static char dir[64];

static int open_tiny(struct tiny *t, struct model **m, struct err *e)
{
	struct buf b = { 0 }, gguf = { 0 }, pack = { 0 };
	tiny_write(t, &b);
	buf_printf(&gguf, "%s/%s.gguf", dir, t->arch);
	buf_printf(&pack, "%s/%s.pack", dir, t->arch);
	struct gguf *g = NULL;
	const struct pack_maker mk = { .fill = model_parts };
	const uint8_t id[HASH_ID_LEN] = { 1 };
	int rc = io_replace(gguf.data, b.data, b.len, 0600, e);
	if (!rc)
		rc = gguf_open(&g, gguf.data, e);
	if (!rc)
		rc = pack_write(pack.data, g, id, &mk, e);
	if (!rc)
		rc = model_open_pack(m, pack.data, kern_select(NULL, NULL), e);
	gguf_close(g);
	unlink(gguf.data);
	unlink(pack.data);
	buf_release(&b);
	buf_release(&gguf);
	buf_release(&pack);
	return rc;
}

static int open_models(void **state)
{
	(void)state;
	struct err e = { 0 };
	snprintf(dir, sizeof dir, "/tmp/tt-session-XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < N_KIND; i++) {
		struct tiny t = { .arch = kinds[i], .seed = 5 };
		if (open_tiny(&t, &model[i], &e))
			fail_msg("%s", e.msg);
	}
	return pool_open(&two, 2, &e) || pool_open(&many, 13, &e);
}

static int close_models(void **state)
{
	(void)state;
	for (int i = 0; i < N_KIND; i++)
		model_close(model[i]);
	pool_close(two);
	pool_close(many);
	return rmdir(dir);
}

static void random_tokens(int32_t *tok, size_t n)
{
	uint64_t s = 99;
	for (size_t i = 0; i < n; i++)
		tok[i] = (int32_t)(tiny_rand(&s) % TINY_VOCAB);
}

static struct session *open_session(int i, struct pool *p, size_t n_ctx)
{
	struct session *s = NULL;
	struct err e = { 0 };
	if (session_open(&s, model[i], p, n_ctx, &e))
		fail_msg("%s", e.msg);
	return s;
}

#endif
