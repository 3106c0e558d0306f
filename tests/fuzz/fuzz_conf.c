/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_conf: any bytes as a configuration and as a catalogue of models; every value that is read can be found.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct conf_key *schema[] = { conf_schema, conf_models_schema };
	for (int i = 0; i < 2; i++) {
		struct conf c;
		struct err e = {0};
		int r = conf_parse(&c, (const char *)p, n, "fuzz", schema[i], &e);
		if ((r != 0) != (e.code != 0))
			abort();
		for (size_t k = 0; k < c.n; k++)
			if (c.entry[k].value && strlen(c.entry[k].path) <= 500 && conf_get(&c, "%s", c.entry[k].path) != c.entry[k].value)
				abort();
		conf_release(&c);
	}
	return 0;
}
