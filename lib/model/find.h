/* SPDX-License-Identifier: Apache-2.0
 *
 * find: where a model named on the command line is.
 *
 * A name with '/' or ending in ".gguf" is a path, taken as it is. Else the first of these that exists, for each directory in
 * turn as DIR/NAME.gguf, then DIR/NAME (a folder with a safetensors model): `dir`, $XDG_DATA_HOME/tiny-titans/models
 * (~/.local/share/tiny-titans/models), /var/lib/tiny-titans/models.
 */
#ifndef TT_MODEL_FIND_H
#define TT_MODEL_FIND_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* What programs take where no model is named. */
#define MODEL_GENERATOR "qwen2.5-coder-1.5b"
#define MODEL_EMBEDDER "minilm"

/* Appends the path of model `name` to `path`. `dir` is what main() found in $TT_MODELS; NULL or empty is passed over.
 * ERR_NOENT names the places that were looked in, ERR_PERM one that may not be, ERR_ARG is for an empty name; `path` is then unchanged. */
int model_find(struct buf *path, const char *name, const char *dir, struct err *e);

#endif
