/* SPDX-License-Identifier: Apache-2.0
 *
 * rec_json: special forms there and back, and JSON that must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/base/rec.h"
#include "lib/base/rec_json.h"

static struct err e;

/* JSON to msgpack and back to JSON. */
static const char *there_and_back(const char *s, struct buf *text)
{
	struct buf b = {0};
	msgpack_unpacked u;
	size_t off = 0;
	buf_clear(text);
	if (rec_json_get(&b, s, strlen(s), &e))
		fail_msg("%s: %s", s, e.msg);
	msgpack_unpacked_init(&u);
	assert_int_equal(msgpack_unpack_next(&u, b.data, b.len, &off), MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(rec_json_put(text, &u.data, 0, &e), 0);
	msgpack_unpacked_destroy(&u);
	buf_release(&b);
	return text->data;
}

static void rec_json_every_form_comes_back(void **state)
{
	(void)state;
	static const char *const same[] = {
		"{}", "{\"a\":null,\"b\":[true,false,[]],\"c\":{\"d\":{}}}",
		"{\"i\":[0,-1,127,128,-32,-33,65535,65536,9223372036854775807,-9223372036854775808]}",
		"{\"u\":{\"$u64\":\"18446744073709551615\"}}",
		"{\"f\":[0.0,-0.0,1.0,0.10000000000000001,1.0000000000000001e300,4.9406564584124654e-324]}",
		"{\"f\":[{\"$f64\":\"7ff0000000000000\"},{\"$f64\":\"7ff8000000000001\"},{\"$f32\":\"3fc00000\"}]}",
		"{\"s\":\"\\u0000\\u001B \xe2\x82\xac\"}",
		"{\"b\":{\"$bin\":\"\"},\"c\":{\"$bin\":\"AP8=\"},\"e\":{\"$ext\":{\"type\":-1,\"b64\":\"AAAAAQ==\"}}}",
		"{\"v\":{\"$vec\":{\"t\":\"i8\",\"b64\":\"gX8=\"}},\"w\":{\"$vec\":{\"t\":\"b1\",\"flags\":255,\"b64\":\"\"}}}",
		"{\"$$vec\":1}", "{\"$$$\":1}", "{\"$$\":1}", "{\"x\":{\"$$bin\":\"not bytes\"}}",
		"{\"x\":{\"$ext\":{\"type\":1,\"b64\":\"CQAAAA==\"}}}",	/* an unknown dtype is no vector, */
		"{\"x\":{\"$ext\":{\"type\":1,\"b64\":\"AAABAA==\"}}}",	/* nor is what has more than zeros where those belong, */
		"{\"x\":{\"$ext\":{\"type\":1,\"b64\":\"AAAA\"}}}",	/* or too little */
		"{\"x\":{\"$ext\":{\"type\":-128,\"b64\":\"\"}}}",
	};
	struct buf b = {0};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		assert_string_equal(there_and_back(same[i], &b), same[i]);
	assert_string_equal(there_and_back("{\"$odd\":1}", &b), "{\"$$odd\":1}");
	assert_string_equal(there_and_back("{\"$bin\":\"AA==\",\"more\":1}", &b), "{\"$$bin\":\"AA==\",\"more\":1}");
	buf_release(&b);
}

/* DEL, C1, directions, line ends beyond ASCII, tags: escaped in keys and values, and the same records when read. Others stay. */
static void rec_json_put_nothing_steers_a_terminal(void **state)
{
	(void)state;
	struct buf b = {0}, twice = {0};
	there_and_back("{\"\xc2\x9b\":\"\x7f\xc2\x80|\xc2\x9f\xc2\xa0"
		"\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa9\xd8\x9c\xf3\xa0\x81\x81 \xf0\x9f\x98\x80\"}", &b);
	assert_string_equal(b.data, "{\"\\u009B\":\"\\u007F\\u0080|\\u009F\xc2\xa0\\u2028\\u202E\\u2069\\u061C\\uDB40\\uDC41 \xf0\x9f\x98\x80\"}");
	assert_string_equal(there_and_back(b.data, &twice), b.data);
	buf_release(&b);
	buf_release(&twice);
}

static void rec_json_get_bad_json_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "{", "{]", "[1,", "{\"a\":1,\"a\":2}", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":1} x", "{'a':1}",
		"{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}", "{\"a\":99999999999999999999}", "{\"a\":1e999}", "{\"\\u0000\":1}",
		"{\"v\":{\"$vec\":{\"t\":\"i9\",\"b64\":\"\"}}}", "{\"v\":{\"$vec\":1}}", "{\"v\":{\"$vec\":{\"t\":\"i8\"}}}",
		"{\"v\":{\"$vec\":{\"t\":\"i8\",\"flags\":256,\"b64\":\"\"}}}", "{\"b\":{\"$bin\":\"A\"}}", "{\"b\":{\"$bin\":7}}",
		"{\"b\":{\"$ext\":{\"type\":128,\"b64\":\"\"}}}", "{\"b\":{\"$ext\":{\"type\":-129,\"b64\":\"\"}}}",
		"{\"b\":{\"$ext\":{\"type\":\"x\",\"b64\":\"\"}}}",
		"{\"b\":{\"$ext\":{}}}", "{\"b\":{\"$u64\":\"18446744073709551616\"}}", "{\"b\":{\"$u64\":\"-1\"}}",
		"{\"b\":{\"$f32\":\"3fc0\"}}", "{\"b\":{\"$f64\":\"xyz\"}}", "{\"b\":{\"$f64\":\"7ff00000000000000\"}}",
	};
	struct buf b = {0};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (rec_json_get(&b, bad[i], strlen(bad[i]), &e) != ERR_FORMAT)
			fail_msg("case %zu was read: %s", i, bad[i]);
	buf_release(&b);
}

static void rec_json_get_bounds_come_before_memory(void **state)
{
	(void)state;
	struct buf text = {0}, b = {0};
	for (int i = 0; i < 100000; i++)
		buf_putc(&text, '[');
	assert_int_equal(rec_json_get(&b, text.data, text.len, &e), ERR_LIMIT);
	buf_clear(&text);
	buf_puts(&text, "{\"a\":[");
	for (int i = 0; i < 3000000; i++)
		buf_puts(&text, "1,");
	assert_int_equal(rec_json_get(&b, text.data, text.len, &e), ERR_LIMIT);
	buf_clear(&text);
	buf_puts(&text, "{\"a\":\"");
	for (int i = 0; i < 3000000; i++)
		buf_puts(&text, i == 5 ? "\\\"" : "[,");		/* within a string these are letters */
	buf_puts(&text, "\"}");
	assert_int_equal(rec_json_get(&b, text.data, text.len, &e), 0);
	buf_zeros(&text, REC_MAX_BYTES);
	assert_int_equal(rec_json_get(&b, text.data, text.len, &e), ERR_LIMIT);
	buf_release(&text);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rec_json_every_form_comes_back),
		cmocka_unit_test(rec_json_put_nothing_steers_a_terminal),
		cmocka_unit_test(rec_json_get_bad_json_is_refused),
		cmocka_unit_test(rec_json_get_bounds_come_before_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
