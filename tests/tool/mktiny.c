/* SPDX-License-Identifier: Apache-2.0
 *
 * mktiny: writes a small random model (tests/unit/tiny.h) for the tests of the programs.
 *
 *	mktiny llama|qwen2|gemma3 FILE.gguf [SEED [TENSOR [N [SAY]]]]
 *
 * TENSOR is one more, of a name that no model has; "" = none. N: so many tokens, fewer than embeddings. SAY: the last of them, in
 * the letters of GPT-2.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "tests/unit/tiny.h"

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: mktiny ARCH FILE.gguf [SEED [TENSOR [N [SAY]]]]\n");
		return EXIT_USAGE;
	}
	struct tiny t = { .arch = argv[1], .seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 5,
		.add_tensor = argc > 4 && *argv[4] ? argv[4] : NULL, .n_token = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0,
		.say = argc > 6 ? argv[6] : NULL,
		.template = "{{ '<|im_start|>' + role + content + '<|im_end|>' }}" };
	struct buf b = { 0 };
	struct err e = { 0 };
	tiny_write(&t, &b);
	int rc = io_replace(argv[2], b.data, b.len, 0644, &e);
	buf_release(&b);
	return rc ? err_report("mktiny", &e) : 0;
}
