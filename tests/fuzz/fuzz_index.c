/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_index: any bytes as a manifest, as a segment's file, and as the contents of a segment's sections behind checksums that are
 * right, which is what only a forger can make. What opens is verified, searched and read through.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/layout.h"
#include "index/manifest.h"
#include "index/segment.h"

static char path[64];

static void as_manifest(const uint8_t *p, size_t n)
{
	struct manifest m;
	struct err e = {0};
	uint8_t *copy = malloc(n + 24);
	memcpy(copy, "TTINDEX1", 8);
	memcpy(copy + 8, p, n);
	hash_xxh128(copy, n + 8, copy + n + 8);
	if (!manifest_parse(&m, copy, n + 24, "fuzz", &e))
		manifest_release(&m);
	free(copy);
}

static void open_it(void)
{
	struct segment s;
	struct segment_term t;
	struct segment_doc d;
	struct segment_chunk c;
	struct err e = {0};
	if (segment_open(&s, path, &e))
		return;
	segment_verify(&s, &e);
	segment_find(&s, "tar", 3, &t, &e);
	for (uint32_t i = 0; i < s.stat.n_doc && i < 8; i++)
		segment_get_doc(&s, i, &d, &e);
	for (uint32_t i = 0; i < s.stat.n_chunk && i < 8; i++)
		segment_get_chunk(&s, i, &c, &e);
	segment_close(&s);
}

/* Each section takes as many bytes as the next two say. */
static void as_sections(const uint8_t *p, size_t n)
{
	struct section_writer w;
	struct err e = {0};
	uint64_t pin, len;
	if (section_create(&w, path, SEGMENT_KIND, 1, &e))
		abort();
	for (uint32_t id = SECT_META; id <= SECT_LENS; id++) {
		size_t k = n >= 2 ? (size_t)p[0] | (size_t)p[1] << 8 : 0;
		p += n >= 2 ? 2 : n;
		n -= n >= 2 ? 2 : n;
		k = k < n ? k : n;
		if (section_add(&w, id, p, k, &e))
			abort();
		p += k;
		n -= k;
	}
	if (section_finish(&w, &pin, &len, &e))
		abort();
	open_it();
}

static void as_file(const uint8_t *p, size_t n)
{
	struct err e = {0};
	if (io_replace(path, p, n, 0600, &e))
		abort();
	open_it();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	if (!path[0])
		snprintf(path, sizeof path, "%s/fuzz-index-%ld", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid());
	if (p[0] % 8 == 0)
		as_manifest(p + 1, n - 1);
	else if (p[0] % 8 == 1)
		as_file(p + 1, n - 1);
	else
		as_sections(p + 1, n - 1);
	unlink(path);
	return 0;
}
