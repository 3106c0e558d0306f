/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_scan: the bounded look at a record that comes before msgpack-c sees it. Private to rec_*.c and its tests.
 *
 * msgpack-c trusts declared lengths, accepts duplicate keys and any bytes as text. This scan walks one object without
 * allocating, and stops at the first byte that cannot belong to a record. It can be resumed: where bytes are missing it
 * says how many are needed at least, and goes on from the same place, so a record that arrives in a thousand pieces
 * is still walked once.
 */
#ifndef TT_BASE_REC_SCAN_H
#define TT_BASE_REC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/rec.h"

#define REC_MAX_NODES (1u << 20)	/* values in one record: msgpack-c makes 24 to 48 bytes of memory of each */

struct rec_scan_frame {
	uint32_t left;		/* values still to come; a pair of a map is two */
	uint16_t n_key;		/* keys seen */
	bool is_map;
};
struct rec_scan_key { uint32_t at, len, hash; };
struct rec_scan {
	size_t at;		/* bytes walked; the length of the record when complete */
	size_t need;		/* after 0: bytes that must be there before it is worth asking again */
	uint32_t n_node;
	int depth;
	struct rec_scan_frame frame[REC_MAX_DEPTH];
	struct rec_scan_key key[REC_MAX_DEPTH][REC_MAX_KEYS];
};

void rec_scan_reset(struct rec_scan *s);
/* Goes on with p[0..n), which begins with the same bytes as at the call before. 1: complete, s->at bytes long. 0: more
 * than n bytes are needed. <0: ERR_FORMAT or ERR_LIMIT with e->at counted from p; the scan is then of no use. */
int rec_scan(struct rec_scan *s, const void *p, size_t n, struct err *e);

#endif
