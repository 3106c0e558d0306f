/* SPDX-License-Identifier: Apache-2.0
 *
 * replay: what libFuzzer does with files it is given, without it and with any compiler: each goes to the target once. Usage:
 * replay_NAME FILE ...
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int main(int argc, char **argv)
{
	struct err e = {0};
	for (int i = 1; i < argc; i++) {
		struct buf b = {0};
		if (io_read_file(&b, argv[i], 1 << 26, &e))
			return err_report("replay", &e);
		uint8_t *p = malloc(b.len + !b.len);	/* exactly as long, for a sanitizer to see where it ends */
		if (!p)
			abort();
		memcpy(p, b.data, b.len);
		LLVMFuzzerTestOneInput(p, b.len);
		free(p);
		buf_release(&b);
	}
	return 0;
}
