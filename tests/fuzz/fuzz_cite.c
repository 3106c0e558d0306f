/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_cite: any bytes as a source, plain or compressed, and as what is quoted of it. A source without escapes says all of itself.
 *
 *	[n u8][n bytes of the quotation] the source
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "retrieve/source.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct source s;
	struct err e = {0};
	size_t n_quote = n ? p[0] : 0;
	if (n < 1 + n_quote)
		return 0;
	if (source_read(&s, fuzz_file(p + 1 + n_quote, n - 1 - n_quote), &e)) {
		if (!e.code || !e.msg[0])
			abort();
		return 0;
	}
	source_has_sum(&s, (const char *)p, n);
	source_has_quote(&s, 0, s.text.len, (const char *)p + 1, n_quote);
	source_has_quote(&s, n_quote, s.text.len, (const char *)p + 1, n_quote);
	bool has_word = false;
	for (size_t i = 0; i < s.text.len; i++)
		has_word |= s.text.data[i] >= '0' && s.text.data[i] <= '9';
	bool is_plain = utf8_valid(s.text.data, s.text.len, NULL) && !(s.text.len && memchr(s.text.data, '\\', s.text.len));
	if (has_word && is_plain && !source_has_quote(&s, 0, s.text.len, s.text.data, s.text.len))
		abort();
	source_release(&s);
	return 0;
}
