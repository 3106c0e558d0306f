/* SPDX-License-Identifier: Apache-2.0
 *
 * doctype: what a document is. The name decides where it is clear, the first bytes where it isn't: a name like `tar.1` may
 * be a manual page, a log or a library, so its first lines must look like roff.
 */
#include <string.h>
#include <strings.h>

#include "lib/base/utf8.h"
#include "tokenize/split_outline.h"
#include "tokenize/split_types.h"

struct ext { const char *name; enum doc_type type; };

static const struct ext ext[] = {
	{ "md", DOC_MARKDOWN }, { "markdown", DOC_MARKDOWN }, { "mkd", DOC_MARKDOWN }, { "mdown", DOC_MARKDOWN },
	{ "mdx", DOC_MARKDOWN }, { "html", DOC_HTML }, { "htm", DOC_HTML }, { "xhtml", DOC_HTML }, { "txt", DOC_TEXT },
	{ "rst", DOC_TEXT }, { "log", DOC_TEXT }, { "c", DOC_CODE }, { "h", DOC_CODE }, { "cc", DOC_CODE },
	{ "cpp", DOC_CODE }, { "cxx", DOC_CODE }, { "hh", DOC_CODE }, { "hpp", DOC_CODE }, { "rs", DOC_CODE }, { "go", DOC_CODE },
	{ "py", DOC_CODE }, { "sh", DOC_CODE }, { "bash", DOC_CODE }, { "zsh", DOC_CODE }, { "pl", DOC_CODE }, { "pm", DOC_CODE },
	{ "rb", DOC_CODE }, { "js", DOC_CODE }, { "ts", DOC_CODE }, { "jsx", DOC_CODE }, { "tsx", DOC_CODE }, { "java", DOC_CODE },
	{ "kt", DOC_CODE }, { "swift", DOC_CODE }, { "php", DOC_CODE }, { "lua", DOC_CODE }, { "sql", DOC_CODE }, { "cs", DOC_CODE },
	{ "scala", DOC_CODE }, { "hs", DOC_CODE }, { "ml", DOC_CODE }, { "el", DOC_CODE }, { "lisp", DOC_CODE }, { "r", DOC_CODE },
	{ "jl", DOC_CODE }, { "awk", DOC_CODE }, { "tcl", DOC_CODE }, { "s", DOC_CODE }, { "asm", DOC_CODE }, { "css", DOC_CODE },
	{ "yaml", DOC_CODE }, { "yml", DOC_CODE }, { "toml", DOC_CODE }, { "ini", DOC_CODE }, { "conf", DOC_CODE },
	{ "cfg", DOC_CODE }, { "json", DOC_CODE }, { "xml", DOC_CODE }, { "mk", DOC_CODE }, { "cmake", DOC_CODE },
	{ "service", DOC_CODE }, { "timer", DOC_CODE }, { "socket", DOC_CODE }, { "target", DOC_CODE }, { "diff", DOC_CODE },
	{ "patch", DOC_CODE }, { "Makefile", DOC_CODE }, { "GNUmakefile", DOC_CODE }, { "Dockerfile", DOC_CODE },
	{ "fish", DOC_CODE }, { "ps1", DOC_CODE }, { "vim", DOC_CODE }, { "proto", DOC_CODE }, { "tf", DOC_CODE }, { "nix", DOC_CODE },
	{ "zig", DOC_CODE }, { "dart", DOC_CODE }, { "exs", DOC_CODE }, { "erl", DOC_CODE }, { "clj", DOC_CODE }, { "vue", DOC_CODE },
	{ "scss", DOC_CODE }, { "gradle", DOC_CODE }, { "groovy", DOC_CODE },
	{ "csv", DOC_CODE }, { "tsv", DOC_CODE }, { "jsonl", DOC_CODE }, { "ndjson", DOC_CODE },	/* a row is a line */
};

/* True if one of the first lines is a request of a manual page. */
static bool looks_roff(const char *p, size_t n)
{
	static const char *const req[] = { ".TH", ".Dd", ".Dt", ".SH", ".Sh", ".so ", ".\\\"", "'\\\"", "'.\\\"" };
	const char *end = p + (n < 16384 ? n : 16384);
	while (p < end) {
		for (size_t i = 0; i < sizeof req / sizeof *req; i++)
			if ((size_t)(end - p) > strlen(req[i]) && memcmp(p, req[i], strlen(req[i])) == 0)
				return true;
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return false;
		p++;
	}
	return false;
}

static bool starts(const char *p, size_t n, const char *with)
{
	size_t k = strlen(with);
	return n >= k && strncasecmp(p, with, k) == 0;
}

enum doc_type doc_type_of(const char *path, const char *file, const char *p, size_t n)
{
	const char *dot = strrchr(file, '.'), *e = dot ? dot + 1 : file;
	if (n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		p += 3, n -= 3;
	while (n > 0 && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++, n--;
	bool sect = (dot && ((e[0] >= '1' && e[0] <= '9') || ((e[0] == 'n' || e[0] == 'l') && !e[1]))) ||
		    (dot && strstr(path, "/man/"));
	if (sect && looks_roff(p, n))
		return DOC_MAN;
	if (outline_of(file) != OUTLINE_NONE)
		return DOC_OUTLINE;
	for (size_t i = 0; i < sizeof ext / sizeof *ext; i++)
		if (strcasecmp(e, ext[i].name) == 0)
			return ext[i].type;
	if (starts(p, n, "<!doctype html") || starts(p, n, "<html"))
		return DOC_HTML;
	if (starts(p, n, "#!"))
		return DOC_CODE;
	return starts(p, n, ".TH ") || starts(p, n, ".Dd ") ? DOC_MAN : DOC_TEXT;
}

const char *doc_not_text(const char *p, size_t n)
{
	if (n >= 2 && (memcmp(p, "\xFF\xFE", 2) == 0 || memcmp(p, "\xFE\xFF", 2) == 0))
		return "UTF-16 or UTF-32 text is not read";
	if (memchr(p, 0, n))
		return "binary";
	size_t control = 0, bad = 0, mute = 0, blank = 0;	/* mute: nothing to see */
	for (size_t i = 0; i < n;) {
		unsigned char b = (unsigned char)p[i];
		if (b < 0x80) {
			control += (b < 0x20 && !strchr("\t\n\r\f\b\x1B", b)) || b == 0x7F;
			mute += b <= ' ' || b == 0x7F;
			blank += b <= ' ' && strchr(" \t\n\r\f", b);
			i++;
			continue;
		}
		uint32_t cp;
		bool ok;
		size_t step = utf8_decode(p + i, n - i, &cp, &ok);
		bad += !ok && i + 4 < n;
		i += step;
	}
	if (control > n / 100 + 1 || (mute == n && blank < n))
		return "binary";
	/* A single bad byte is damage; one in a hundred is another encoding. */
	return bad > n / 100 + 16 ? "neither UTF-8 nor any text that is read" : NULL;
}
