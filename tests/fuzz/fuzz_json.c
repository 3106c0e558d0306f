/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_json: any bytes as a JSON line. What is taken for a record is well-formed msgpack, and written and read again the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/rec_json.h"
#include "lib/base/rec_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf once = {0}, text = {0}, twice = {0};
	struct err e = {0};
	msgpack_unpacked u;
	size_t off = 0;
	struct rec_scan s;
	msgpack_unpacked_init(&u);
	if (rec_json_get(&once, (const char *)p, n, &e)) {
		if (!e.code || !e.msg[0])
			abort();
	} else if (rec_scan_reset(&s), rec_scan(&s, once.data, once.len, &e) > 0) {
		if (s.at != once.len || msgpack_unpack_next(&u, once.data, once.len, &off) != MSGPACK_UNPACK_SUCCESS)
			abort();
		if (rec_json_put(&text, &u.data, 0, &e) || rec_json_get(&twice, text.data, text.len, &e))
			abort();
		if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
			abort();
	}
	msgpack_unpacked_destroy(&u);
	buf_release(&once);
	buf_release(&text);
	buf_release(&twice);
	return 0;
}
