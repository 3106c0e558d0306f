/* SPDX-License-Identifier: Apache-2.0
 *
 * conf: what is read, what is refused, and that every refusal names line and reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/conf.h"
#include "lib/base/io.h"

static struct conf c;
static struct err e;

static int parse_n(const char *text, size_t n)
{
	memset(&e, 0, sizeof e);
	return conf_parse(&c, text, n, "f.yaml", conf_schema, &e);
}

static int parse(const char *text)
{
	return parse_n(text, strlen(text));
}

#define MAN "corpora:\n  - name: man\n    paths: [/usr/share/man]\n"

static void conf_parse_typical_file_gives_all_values(void **state)
{
	(void)state;
	assert_int_equal(parse("# comment\ngenerator: qwen\ncorpora:\n  - name: man\n    paths:\n      - /usr/share/man\n"
			       "      - ~/doc\n    filters: {\"*.pdf\": pdftotext - -, '*.[o]dt': pandoc}\n"
			       "  - name: \"no\"\n    paths: [/b../..c]\n    exclude: [no, 012, ~x]\ncache:\n  prefix: 2G\n"), 0);
	assert_int_equal(conf_count(&c, "corpora"), 2);
	assert_string_equal(conf_get(&c, "corpora[%d].paths[%d]", 0, 1), "~/doc");
	assert_string_equal(conf_get(&c, "corpora[0].filters{*.pdf}"), "pdftotext - -");
	assert_int_equal(conf_count(&c, "corpora[0].filters"), 2);
	assert_string_equal(conf_get(&c, "corpora[1].name"), "no");
	assert_string_equal(conf_get(&c, "corpora[1].exclude[1]"), "012");
	assert_string_equal(conf_get(&c, "generator"), "qwen");
	assert_string_equal(conf_get(&c, "cache.prefix"), "2G");
	assert_null(conf_get(&c, "embedder"));
	assert_null(conf_get(&c, "corpora"));
	assert_int_equal(conf_count(&c, "nothing"), 0);
	conf_release(&c);
}

static void conf_parse_empty_file_is_an_empty_map(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	conf_release(&c);
	assert_int_equal(parse("# nothing\n"), 0);
	assert_int_equal(c.n, 0);
	conf_release(&c);
	assert_int_equal(conf_parse(&c, "", 0, "m", conf_models_schema, &e), ERR_CONF);
	assert_string_equal(e.msg, "m:1: 'models' is missing");
}

static void conf_parse_faults_name_line_and_reason(void **state)
{
	(void)state;
	static const struct { const char *text, *msg; } cases[] = {
		{ "generater: x\n", "f.yaml:1: unknown key 'generater'; did you mean 'generator'?" },
		{ MAN "    embeder: x\n", "f.yaml:4: unknown key 'embeder'; did you mean 'embedder'?" },
		{ MAN "    zzz: x\n", "f.yaml:4: unknown key 'zzz'" },
		{ "cache.prefix: 1G\n", "f.yaml:1: unknown key 'cache.prefix'" },
		{ "corpora[].name: man\n", "f.yaml:1: unknown key 'corpora[].name'" },
		{ "corpora[]: {name: man, paths: [/a]}\n", "f.yaml:1: unknown key 'corpora[]'" },
		{ MAN "    filters{}: x\n", "f.yaml:4: unknown key 'filters{}'" },
		{ "embedder: a\nembedder: b\n", "f.yaml:2: 'embedder' is given twice, first in line 1" },
		{ MAN "    name: man\n", "f.yaml:4: 'name' is given twice, first in line 2" },
		{ "corpora:\n  - name: man\n", "f.yaml:2: 'paths' is missing in corpora[0]" },
		{ "corpora:\n  - name: man\n    paths: []\n    embedder: a\n", "f.yaml:3: 'corpora[0].paths' is empty" },
		{ "corpora: man\n", "f.yaml:1: 'corpora' has to be a list, not a single value" },
		{ "corpora: [man]\n", "f.yaml:1: 'corpora[0]' has to be a map of keys and values, not a single value" },
		{ "embedder: [a]\n", "f.yaml:1: 'embedder' has to be a single value, not a list" },
		{ "embedder: {a: b}\n", "f.yaml:1: 'embedder' has to be a single value, not a map of keys and values" },
		{ "embedder:\n", "f.yaml:1: 'embedder' has no value" },
		{ "embedder: ~\n", "f.yaml:1: 'embedder' has no value" },
		{ "embedder: \"\"\n", "f.yaml:1: 'embedder': '' is empty" },
		{ "embedder: \"a\\nb\"\n", "holds a control character" },
		{ "embedder: \"a\\0b\"\n", "a NUL character" },
		{ MAN "    filters: {\"a\\tb\": x}\n", "f.yaml:4: a key holds a control character" },
		{ MAN "    filters: {\"\": x}\n", "f.yaml:4: a key is empty" },
		{ "cache: {prefix: 5X}\n", "is not a size such as 512M or 4G" },
		{ "cache: {prefix: -1}\n", "is not a size" },
		{ "cache: {prefix: 99999999999999999999}\n", "is not a size" },
		{ "cache: {prefix: 9000000000G}\n", "is not a size" },
		{ "corpora:\n - name: a b\n   paths: [/x]\n", "is not a word" },
		{ "corpora:\n - name: ..\n   paths: [/x]\n", "is not a word" },
		{ "corpora:\n - name: -a\n   paths: [/x]\n", "and '-' that begins with neither '.' nor '-'" },
		{ "corpora:\n - name: a/b\n   paths: [/x]\n", "is not a word" },
		{ "corpora:\n - name: a\n   paths: [x]\n", "is not an absolute path" },
		{ "corpora:\n - name: a\n   paths: [~x]\n", "is not an absolute path" },
		{ "corpora:\n - name: a\n   paths: [/..]\n", "holds '..'" },
		{ "corpora:\n - name: a\n   paths: [/x/../y]\n", "holds '..'" },
		{ "embedder: &a x\n", "anchors are not read" },
		{ "embedder: *a\n", "aliases are not read" },
		{ "corpora:\n - name: a\n   paths: [/x]\n   include: [*.md]\n", "f.yaml:4: aliases are not read; what begins with '*' is put in" },
		{ "corpora:\n - name: a\n   paths: [/x]\n   include:\n    - *\n", "f.yaml:5: aliases are not read" },
		{ "embedder: !!str x\n", "tags are not read" },
		{ "embedder: !x y\n", "tags are not read" },
		{ "corpora: !!seq []\n", "tags are not read" },
		{ "<<: {embedder: x}\n", "merge keys are not read" },
		{ "embedder: x\n---\nembedder: y\n", "f.yaml:2: a second document" },
		{ "%YAML 1.1\n---\nembedder: x\n", "directives are not read" },
		{ "%TAG ! tag:x,2000:\n---\nembedder: x\n", "directives are not read" },
		{ "embedder: x\n\tgenerator: y\n", "f.yaml:2: " },
		{ "[1, 2]\n", "a map of keys and values is expected" },
		{ "hello\n", "a map of keys and values is expected" },
		{ "? [a, b]\n: c\n", "a key is not a single value" },
		{ "\xef\xbb\xbf" "embedder: x\n", "byte order mark" },
		{ "# a\n\nembedder: \xff\n", "f.yaml:3: not UTF-8" },
		{ "\xff\xfe" "e\n", "not UTF-8" },
		{ "embedder: \"x\n", "f.yaml:" },
		{ "embedder: x\n\ngenerator: a\033b\n", "f.yaml:3: control characters are not allowed" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int r = parse(cases[i].text);
		if (r != ERR_CONF || !strstr(e.msg, cases[i].msg))
			fail_msg("case %zu: %d, %s", i, r, e.msg);
		assert_int_equal(c.n, 0);
		assert_null(c.entry);
	}
}

/* A catalogue may come from elsewhere: what it names becomes files, and addresses that are fetched. */
static void conf_parse_catalogue_values_are_checked(void **state)
{
	(void)state;
	static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const struct { const char *file, *bytes, *more, *url; bool good; } cases[] = {
		{ "m..gguf", "1", "", "https://x/y", true }, { "a/..b", "1", "", "https://x", true }, { "/etc/passwd", "1", "", "https://x", false },
		{ "../m", "1", "", "https://x", false }, { "a/../m", "1", "", "https://x", false }, { "a/..", "1", "", "https://x", false },
		{ "m", "0", "", "https://x", false }, { "m", "-1", "", "https://x", false }, { "m", "1125899906842625", "", "https://x", false },
		{ "m", "1", "g", "https://x", false }, { "m", "1", "", "http://x/y", false }, { "m", "1", "", "https://", false },
		{ "m", "1", "", "\"https://x --y\"", false }, { "m", "1", "", "file:///x", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = {0};
		buf_printf(&b, "models:\n- {name: a, role: b, licence: c, files: [{file: %s, bytes: %s, sha256: %s%s, url: %s}]}\n", cases[i].file,
			cases[i].bytes, hex, cases[i].more, cases[i].url);
		int r = conf_parse(&c, b.data, b.len, "m", conf_models_schema, &e);
		if (r != (cases[i].good ? 0 : ERR_CONF))
			fail_msg("case %zu: %d, %s", i, r, e.msg);
		if (!r)
			conf_release(&c);
		buf_release(&b);
	}
}

static void conf_parse_bounds_are_kept(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_puts(&b, "embedder: ");
	for (int i = 0; i < 40000; i++)
		buf_putc(&b, '[');
	uint64_t start = io_now_ns();
	assert_int_equal(parse_n(b.data, b.len), ERR_CONF);
	assert_true(io_now_ns() - start < 500000000u);
	buf_clear(&b);
	buf_puts(&b, "corpora:\n - name: a\n   paths:\n");
	for (int i = 0; i < CONF_MAX_VALUES; i++)
		buf_puts(&b, "   - /a\n");
	assert_int_equal(parse_n(b.data, b.len), ERR_CONF);
	assert_non_null(strstr(e.msg, "more than 4096 values"));
	buf_clear(&b);
	buf_puts(&b, "embedder: x #");
	while (b.len <= CONF_MAX_BYTES)
		buf_putc(&b, '#');
	assert_int_equal(parse_n(b.data, b.len - 1), 0);
	conf_release(&c);
	assert_int_equal(parse_n(b.data, b.len), ERR_CONF);
	assert_int_equal(parse_n("embedder: x\0y\n", 14), ERR_CONF);
	buf_release(&b);
}

static void conf_load_file_that_others_may_write_is_refused(void **state)
{
	(void)state;
	char dir[] = "/tmp/conf-XXXXXX", path[64];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/c.yaml", dir);
	assert_int_equal(io_replace(path, MAN, sizeof MAN - 1, 0600, &e), 0);
	assert_int_equal(conf_open(&c, path, &e), 0);
	conf_release(&c);
	chmod(path, 0602);
	assert_int_equal(conf_open(&c, path, &e), ERR_PERM);
	chmod(path, 0660);
	assert_int_equal(conf_open(&c, path, &e), getgid() == getuid() ? 0 : ERR_PERM);
	conf_release(&c);
	if (getuid() == 0 && chown(path, 0, 1) == 0) {		/* a group of others */
		assert_int_equal(conf_open(&c, path, &e), ERR_PERM);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	chmod(path, 0600);
	chmod(dir, 0777);
	assert_int_equal(conf_open(&c, path, &e), ERR_PERM);
	chmod(dir, 01777);		/* as /tmp: others may put no other file in this one's place */
	assert_int_equal(conf_open(&c, path, &e), 0);
	conf_release(&c);
	chmod(dir, 0700);
	static const char twice[] = MAN "  - name: man\n    paths: [/b]\n";
	assert_int_equal(io_replace(path, twice, sizeof twice - 1, 0600, &e), 0);
	assert_int_equal(conf_open(&c, path, &e), ERR_CONF);
	assert_non_null(strstr(e.msg, "c.yaml:4: two corpora are named 'man', the first in line 2"));
	static const char *const other[] = { "man.lock", "man.lexical", "man.vectors", "man.same", "man.same.new", "man.gone", "man.page" };
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {	/* tt-sync's files beside the index, and what is none */
		char two[128];
		for (int last = 0; last < 2; last++) {
			int n = snprintf(two, sizeof two, "corpora: [{name: %s, paths: [/a]},\n {name: %s, paths: [/a]}]\n",
				last ? "man" : other[i], last ? other[i] : "man");
			assert_int_equal(io_replace(path, two, (size_t)n, 0600, &e), 0);
			assert_int_equal(conf_open(&c, path, &e), i < 6 ? ERR_CONF : 0);
			assert_true(i == 6 || (strstr(e.msg, "c.yaml:2: ") && strstr(e.msg, other[i])));
			conf_release(&c);
		}
	}
	unlink(path);
	assert_int_equal(conf_open(&c, path, &e), ERR_NOENT);
	assert_int_equal(conf_open(&c, dir, &e), ERR_NOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(conf_open(&c, path, &e), ERR_NOENT);	/* and does not wait for a writer */
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_parse_typical_file_gives_all_values),
		cmocka_unit_test(conf_parse_empty_file_is_an_empty_map),
		cmocka_unit_test(conf_parse_faults_name_line_and_reason),
		cmocka_unit_test(conf_parse_catalogue_values_are_checked),
		cmocka_unit_test(conf_parse_bounds_are_kept),
		cmocka_unit_test(conf_load_file_that_others_may_write_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
