/* SPDX-License-Identifier: Apache-2.0
 *
 * gguf: GGUF v2/v3 files, mapped and fully checked before anything is believed.
 *
 * gguf_open validates the whole header through one cursor: counts against bytes left, keys (<= 256 bytes, unique), strings
 * (<= 4 MiB), metadata (<= 256 MiB in all), array nesting (none), types, dimensions (1..4, product and byte size checked),
 * alignment (power of two <= 64 KiB), tensors inside the file, not overlapping, unique names. Nothing is allocated beyond
 * what the bytes there can justify. Errors carry the byte offset. Strings returned are borrowed and NOT NUL-terminated.
 */
#ifndef TT_MODEL_GGUF_H
#define TT_MODEL_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/model/tensor.h"

struct gguf;

enum gguf_type {
	GGUF_U8 = 0, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STR, GGUF_ARR, GGUF_U64,
	GGUF_I64, GGUF_F64,
};
struct gguf_str { const char *s; size_t n; };
bool gguf_str_is(struct gguf_str s, const char *word);

/* Maps the file until gguf_close. ERR_* of map_open, and of what it finds: ERR_FORMAT, ERR_EOF, ERR_LIMIT, ERR_VERSION, ERR_UNSUPPORTED,
 * ERR_MEM. */
int gguf_open(struct gguf **g, const char *path, struct err *e);
/* The same over bytes in memory, borrowed until gguf_close (tests, fuzzer). */
int gguf_open_memory(struct gguf **g, const void *p, size_t n, const char *name, struct err *e);
void gguf_close(struct gguf *g);

/* Whether there is such a key, of whatever type. */
bool gguf_has(const struct gguf *g, const char *key);
/* Scalars: false when absent or of another type; integers of any width are converted if they fit. */
bool gguf_u64(const struct gguf *g, const char *key, uint64_t *v);
bool gguf_f64(const struct gguf *g, const char *key, double *v);
bool gguf_bool(const struct gguf *g, const char *key, bool *v);
bool gguf_str(const struct gguf *g, const char *key, struct gguf_str *v);

/* After a look-up of an optional key that gave nothing: 0 if there is no such key, else ERR_FORMAT, which names it and says that it is not
 * `what` ("a string"). */
int gguf_absent(const struct gguf *g, const char *key, const char *what, struct err *e);

/* Arrays: number of elements and their type; false when absent. Elements are read by index (bounds are the caller's). */
struct gguf_array { enum gguf_type type; uint64_t n; const void *opaque; };
bool gguf_array(const struct gguf *g, const char *key, struct gguf_array *a);
struct gguf_str gguf_array_str(const struct gguf *g, const struct gguf_array *a, uint64_t i);	/* O(1) */
double gguf_array_f64(const struct gguf_array *a, uint64_t i);
int64_t gguf_array_i64(const struct gguf_array *a, uint64_t i);

size_t gguf_n_tensor(const struct gguf *g);
const struct tensor *gguf_tensor_at(const struct gguf *g, size_t i);
const struct tensor *gguf_tensor(const struct gguf *g, const char *name);	/* NULL if absent */
const char *gguf_path(const struct gguf *g);

#endif
