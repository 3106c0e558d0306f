/* SPDX-License-Identifier: Apache-2.0
 *
 * shown: names that stay, and those in whose place the path is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/shown.h"

static void shown_name_of_a_file_is_its_path(void **state)
{
	(void)state;
	static const char *const as[][3] = {	/* name, path, what is shown */
		{ "README.md", "/home/a/README.md", "/home/a/README.md" },
		{ "README.md", "/home/a/README.md.gz", "/home/a/README.md.gz" },
		{ "a.gz", "docs/a.gz", "docs/a.gz" },
		{ "a", "/b\n/a", "/b /a" },
		{ "README.md", "README.md", "README.md" },
		{ "README.md", "/home/a/x-README.md", "README.md" },
		{ "README.md", "", "README.md" },
		{ "tar(1)", "/usr/share/man/man1/tar.1.gz", "tar(1)" },
		{ "/home/a/b", "/home/a/b", "/home/a/b" },
		{ "gz", ".gz", "gz" },
	};
	for (size_t i = 0; i < sizeof as / sizeof *as; i++) {
		struct buf b = {0};
		assert_int_equal(shown_name(&b, as[i][0], strlen(as[i][0]), as[i][1], strlen(as[i][1])), 0);
		assert_string_equal(b.data, as[i][2]);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_name_of_a_file_is_its_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
