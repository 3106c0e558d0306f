/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: a JSON header and raw tensors, mapped and checked: header <= 100 MB, offsets cover the data exactly, no
 * holes, no overlap, sizes equal shapes. F32, F16 and BF16. Dimensions are turned round to GGUF order (fastest first).
 */
#ifndef TT_MODEL_SAFETENSORS_H
#define TT_MODEL_SAFETENSORS_H

#include "lib/base/err.h"
#include "lib/model/tensor.h"

struct safetensors;
/* Maps the file until safetensors_close. ERR_* of map_open, and of what it finds: ERR_FORMAT, ERR_EOF, ERR_LIMIT, ERR_UNSUPPORTED, ERR_MEM. */
int safetensors_open(struct safetensors **s, const char *path, struct err *e);
/* The same over bytes in memory, borrowed until safetensors_close (tests, fuzzer). */
int safetensors_open_memory(struct safetensors **s, const void *p, size_t n, const char *name, struct err *e);
void safetensors_close(struct safetensors *s);
/* Tensors in the order of their names; borrowed until safetensors_close. */
size_t safetensors_n_tensor(const struct safetensors *s);
const struct tensor *safetensors_at(const struct safetensors *s, size_t i);
const struct tensor *safetensors_tensor(const struct safetensors *s, const char *name);	/* NULL if absent */

#endif
