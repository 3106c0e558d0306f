/* SPDX-License-Identifier: Apache-2.0
 *
 * reuse: see reuse.h; the store itself is prefix.c's.
 */
#include "generate/reuse.h"

#include "generate/kv.h"
#include "lib/model/pack.h"

/* Identity of stored state: the model's weights and tokenizer, the arithmetic and the format of keys and values. */
static void state_id(const struct model *m, uint8_t id[HASH_ID_LEN])
{
	/* PACK_LAYOUT stands for the arithmetic: it is raised when packed weights or what is computed from them change. */
	const uint8_t format[] = { PACK_LAYOUT, KV_FORMAT };
	const struct hash_part part[] = { { pack_id(m->pack), HASH_ID_LEN }, { format, sizeof format } };
	hash_id_parts(part, 2, id);
}

int reuse_open(struct reuse *r, const struct model *m, const char *dir, uint64_t max_bytes, struct err *e)
{
	struct buf path = {0};
	uint8_t id[HASH_ID_LEN];
	*r = (struct reuse){0};
	state_id(m, id);
	int rc = prefix_dir(&path, dir, e);
	if (!rc)
		rc = prefix_open(&r->store, path.data, id, max_bytes, e);
	buf_release(&path);
	return rc;
}

void reuse_close(struct reuse *r)
{
	prefix_close(r->store);
	r->store = NULL;
}

static void warn_once(struct reuse *r, const char *msg)
{
	if (r->warn && !r->warned)
		r->warn(msg);
	r->warned = true;
}

void reuse_ahead(struct reuse *r, struct session *s, const int32_t *tok, size_t n)
{
	if (r->store)
		prefix_load(r->store, s, tok, n, &r->n_ahead, NULL);
}

size_t reuse_load(void *arg, struct session *s, const struct prompt *p)
{
	struct reuse *r = arg;
	r->n_loaded = 0;
	if (!r->store)
		return 0;
	size_t n = p->chat.ids.len, ahead = session_shared(s, p->chat.ids.id, n < r->n_ahead ? n : r->n_ahead);
	prefix_load(r->store, s, p->chat.ids.id, n, &r->n_loaded, NULL);
	size_t have = session_shared(s, p->chat.ids.id, n);
	size_t kept = have - r->n_loaded;	/* less than `ahead` where a partial block gave way to a whole one */
	r->n_loaded += ahead < kept ? ahead : kept;
	r->n_ahead = 0;
	r->n_fresh = have < n ? n - have : 1;	/* the last one is in any case */
	const char *damaged = prefix_damaged(r->store);
	struct err e;
	if (damaged && !r->warned) {
		err_set(&e, ERR_CHECKSUM, ERR_NO_OFFSET, "stored state is computed anew: '%s' was damaged", damaged);
		warn_once(r, e.msg);
	}
	return r->n_loaded;
}

bool reuse_parse_id(struct ask_str hex, uint8_t id[HASH_ID_LEN])
{
	return hex.n == 2 * HASH_ID_LEN && hash_unhex(hex.s, HASH_ID_LEN, id);
}

void reuse_keep(void *arg, struct session *s, const struct prompt *p, double eval_ms)
{
	struct reuse *r = arg;
	struct prefix_origin origin[PREFIX_MAX_ORIGIN];
	size_t n_origin = 0, n = p->chat.ids.len;
	struct err e = {0};
	if (!r->store)
		return;
	/* Where the second and further sources begin isn't marked in the prompt; to be safe they count from the best one's end. */
	for (size_t i = 0; i < p->n_source && n_origin < PREFIX_MAX_ORIGIN; i++)
		if (reuse_parse_id(p->source[i]->id, origin[n_origin].id))
			origin[n_origin++].from = i ? p->n_best : p->n_fixed;
	const struct prefix_keep keep = { .n = n, .cut = { p->n_source ? p->n_best : 0, n - 1 }, .origin = origin,
		.n_origin = n_origin, .ns_per_token = (uint64_t)(eval_ms * 1e6 / (double)r->n_fresh) };
	if (prefix_save(r->store, s, &keep, &e) < 0)
		warn_once(r, e.msg);
	prefix_count_hits(r->store);
}
