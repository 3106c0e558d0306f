/* SPDX-License-Identifier: Apache-2.0
 *
 * ref: reading a reference file: gzipped JSON.
 */
#ifndef TT_TESTS_CONFORM_REF_H
#define TT_TESTS_CONFORM_REF_H

#include <jansson.h>
#include <stdio.h>
#include <zlib.h>

#include "lib/base/buf.h"

/* The file's JSON, or NULL after a message; a missing file gives NULL silently. Caller: json_decref. */
static inline json_t *ref_load(const char *path)
{
	gzFile f = gzopen(path, "rb");
	if (!f)
		return NULL;
	struct buf b = { 0 };
	char part[65536];
	int n;
	while ((n = gzread(f, part, sizeof part)) > 0)
		buf_add(&b, part, (size_t)n);
	gzclose(f);
	json_error_t je;
	json_t *j = json_loadb(b.data ? b.data : "", b.len, 0, &je);
	if (!j)
		fprintf(stderr, "conform: %s: %s (line %d)\n", path, je.text, je.line);
	buf_release(&b);
	return j;
}

#endif
