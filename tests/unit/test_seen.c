/* SPDX-License-Identifier: Apache-2.0
 *
 * seen: slots in use are nobody else's until the turn, and the last texts are remembered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "embed/seen.h"
#include "lib/base/err.h"

#define D 3

static void id_of(uint32_t i, uint8_t id[HASH_ID_LEN])
{
	hash_id(&i, sizeof i, id);
}

/* Adds texts until one has no slot: returns that one's number. Vector and token count of text i are i. */
static uint32_t fill(struct seen *s, uint32_t from)
{
	uint8_t id[HASH_ID_LEN];
	for (uint32_t i = from;; i++) {
		assert_true(i < from + 100000);		/* there are 32,768 slots */
		id_of(i, id);
		assert_int_equal(seen_find(s, id), SEEN_NONE);
		uint32_t slot = seen_add(s, id, i);
		if (slot == SEEN_NONE)
			return i;
		seen_vec(s, slot)[D - 1] = (float)i;
	}
}

static uint32_t n_found(struct seen *s, uint32_t from, uint32_t to)
{
	uint32_t n = 0;
	for (uint32_t i = from; i < to; i++) {
		uint8_t id[HASH_ID_LEN];
		id_of(i, id);
		uint32_t slot = seen_find(s, id);
		if (slot == SEEN_NONE)
			continue;
		assert_int_equal(seen_n_tok(s, slot), i);
		assert_true(seen_vec(s, slot)[D - 1] == (float)i);
		n++;
	}
	return n;
}

static void seen_add_in_one_turn_takes_nobodys_slot(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct seen *s;
	assert_int_equal(seen_open(&s, D, &e), 0);
	uint32_t n = fill(s, 0);
	assert_true(n > 1000);
	assert_int_equal(n_found(s, 0, n), n);
	seen_close(s);
}

static void seen_turn_lets_older_texts_go_and_keeps_those_asked_for(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct seen *s;
	uint8_t id[HASH_ID_LEN];
	assert_int_equal(seen_open(&s, D, &e), 0);
	uint32_t n = fill(s, 0);
	seen_turn(s);
	id_of(n, id);
	assert_int_not_equal(seen_add(s, id, n), SEEN_NONE);	/* what had no room */
	assert_true(n_found(s, 0, n) >= n - 1);			/* for one text's sake one went; the others are in use again */
	for (uint32_t i = n + 1; i < 100000; i++) {
		id_of(0, id);
		if (seen_find(s, id) == SEEN_NONE)
			break;					/* it was the one that went */
		if (i % 1000 == 0)
			seen_turn(s);
		id_of(i, id);
		uint32_t slot = seen_add(s, id, i);
		if (slot != SEEN_NONE)
			seen_vec(s, slot)[D - 1] = (float)i;
	}
	seen_turn(s);
	assert_true(n_found(s, 95000, 100000) > 4000);		/* of the last ones nearly all */
	seen_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seen_add_in_one_turn_takes_nobodys_slot),
		cmocka_unit_test(seen_turn_lets_older_texts_go_and_keeps_those_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
