/* SPDX-License-Identifier: Apache-2.0
 *
 * split_types: what the readers share. See split_types.h.
 */
#include "tokenize/split_types.h"

#include <string.h>

#include "lib/base/utf8.h"

void doc_set_title(struct doc_info *d, struct split *s, const char *p, size_t n)
{
	size_t k = 0;
	if (d->title_fixed)
		return;
	for (size_t i = 0; i < n && k + 5 < sizeof d->title;) {
		uint32_t cp;
		char enc[4];
		i += utf8_decode(p + i, n - i, &cp, NULL);
		if (cp <= ' ') {
			if (k > 0 && d->title[k - 1] != ' ')
				d->title[k++] = ' ';
			continue;
		}
		size_t len = utf8_encode(cp, enc);
		memcpy(d->title + k, enc, len);
		k += len;
	}
	while (k > 0 && d->title[k - 1] == ' ')
		k--;
	d->title[k] = 0;
	if (s)
		split_title(s, d->title, k);
}

void split_line(struct split *s, const struct line *l)
{
	split_text(s, l->p, l->n + l->lf, l->off, l->line);
	if (!l->lf && l->end > 0)
		split_text(s, "\n", 1, l->off + l->n, l->line);
}
