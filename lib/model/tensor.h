/* SPDX-License-Identifier: Apache-2.0
 *
 * tensor: a named array inside a mapped model file, whatever the container (GGUF or safetensors).
 */
#ifndef TT_MODEL_TENSOR_H
#define TT_MODEL_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/kern/quant.h"

struct tensor {
	const char *name;
	enum quant_type type;
	uint32_t n_dim;
	uint64_t ne[4];		/* ne[0] is the fastest (row length), as in GGUF; unused dimensions are 1 */
	const void *data;	/* borrowed from the map; may be unaligned for `type` */
	size_t len;		/* bytes; checked: equals what type and ne ask for, and lies inside the file */
};

#endif
