/* SPDX-License-Identifier: Apache-2.0
 *
 * stream: holding back as little as possible. At most the longest stop string less one byte, plus three bytes of a character.
 */
#include "generate/stream.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/utf8.h"

static int release(struct stream *s, size_t n)
{
	if (buf_add(&s->out, s->held.data, n))
		return ERR_MEM;
	memmove(s->held.data, s->held.data + n, s->held.len - n);
	s->held.len -= n;
	return 0;
}

/* Where the first stop string begins, or held.len. */
static size_t find_stop(const struct stream *s)
{
	size_t first = s->held.len;
	for (size_t i = 0; i < s->n_stop; i++) {
		const char *hit = memmem(s->held.data, s->held.len, s->stop[i], strlen(s->stop[i]));
		if (hit && (size_t)(hit - s->held.data) < first)
			first = (size_t)(hit - s->held.data);
	}
	return first;
}

/* Length of the longest end of held[0..len) that begins some stop string. */
static size_t stop_prefix(const struct stream *s)
{
	size_t longest = 0;
	for (size_t i = 0; i < s->n_stop; i++) {
		size_t n = strlen(s->stop[i]) - 1;
		if (n > s->held.len)
			n = s->held.len;
		while (n > longest && memcmp(s->held.data + s->held.len - n, s->stop[i], n) != 0)
			n--;
		if (n > longest)
			longest = n;
	}
	return longest;
}

int stream_push(struct stream *s, const char *p, size_t n)
{
	buf_clear(&s->out);
	if (s->is_stopped)
		return 1;
	if (buf_add(&s->held, p, n))
		return ERR_MEM;
	if (s->held.len == 0)
		return 0;
	size_t stop = find_stop(s);
	if (stop < s->held.len) {
		s->is_stopped = true;
		int rc = release(s, stop);
		s->held.len = 0;
		return rc ? rc : 1;
	}
	size_t keep = stop_prefix(s), whole = utf8_whole(s->held.data, s->held.len);
	size_t out = s->held.len - keep;
	return release(s, out < whole ? out : whole);
}

int stream_end(struct stream *s)
{
	buf_clear(&s->out);
	return s->held.len ? release(s, s->held.len) : 0;
}

void stream_clear(struct stream *s)
{
	buf_clear(&s->held);
	buf_clear(&s->out);
	s->is_stopped = false;
}

void stream_release(struct stream *s)
{
	buf_release(&s->held);
	buf_release(&s->out);
}
