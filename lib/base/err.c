/* SPDX-License-Identifier: Apache-2.0
 *
 * err: composing failures, and the table from ERR_* to exit status. See err.h.
 */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/utf8.h"

/* A message that was cut to size ends with a whole character: records carry it. */
static void end_whole(struct err *e)
{
	e->msg[utf8_whole(e->msg, strlen(e->msg))] = '\0';
}

int err_set(struct err *e, int code, uint64_t at, const char *fmt, ...)
{
	if (!e)
		return code;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	end_whole(e);
	e->code = code;
	e->at = at;
	return code;
}

int err_memory(struct err *e)
{
	return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory");
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
	int saved = errno;
	if (!e)
		return code;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->msg)
		snprintf(e->msg + n, sizeof e->msg - (size_t)n, ": %s", strerror(saved));
	end_whole(e);
	e->code = code;
	e->at = ERR_NO_OFFSET;
	return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return ERR_BUG;
	char inner[sizeof e->msg];
	memcpy(inner, e->msg, sizeof inner);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->msg)
		snprintf(e->msg + n, sizeof e->msg - (size_t)n, ": %.*s", (int)(sizeof e->msg - (size_t)n), inner);
	end_whole(e);
	return e->code;
}

int err_exit(int code)
{
	switch (code) {
	case 0:			return EXIT_DONE;
	case ERR_IO:
	case ERR_AGAIN:
	case ERR_MEM:		return EXIT_IO;
	case ERR_EOF:
	case ERR_FORMAT:
	case ERR_LIMIT:
	case ERR_CHECKSUM:
	case ERR_UNSUPPORTED:	return EXIT_DATA;
	case ERR_VERSION:	return EXIT_PROTOCOL;
	case ERR_ARG:		return EXIT_USAGE;
	case ERR_LOCK:		return EXIT_LOCKED;
	case ERR_NOENT:		return EXIT_NOINPUT;
	case ERR_CREATE:	return EXIT_CREATE;
	case ERR_PERM:		return EXIT_PERM;
	case ERR_CONF:		return EXIT_CONF;
	default:		return EXIT_BUG;
	}
}

const char *err_tool(const char *tool)
{
	const char *word = strrchr(tool, '-'), *name = program_invocation_short_name;
	word = word ? word + 1 : tool;
	size_t n = strlen(name), n_word = strlen(word);
	return n >= n_word && strcmp(name + n - n_word, word) == 0 ? name : tool;
}

static void print_safe(FILE *f, const char *s)
{
	for (size_t n = strlen(s), k; n > 0; s += k, n -= k) {
		uint32_t c;
		bool ok;
		k = utf8_decode(s, n, &c, &ok);
		if (!ok || c < ' ' || utf8_is_control(c))
			fputc('?', f);
		else
			fwrite(s, 1, k, f);
	}
}

int err_report(const char *tool, const struct err *e)
{
	fprintf(stderr, "%s: ", err_tool(tool));
	print_safe(stderr, e->msg);
	if (e->at != ERR_NO_OFFSET)
		fprintf(stderr, " (at byte %llu)", (unsigned long long)e->at);
	fputc('\n', stderr);
	return err_exit(e->code);
}

void err_print(FILE *f, const char *fmt, va_list ap)
{
	char msg[sizeof ((struct err *)0)->msg];
	vsnprintf(msg, sizeof msg, fmt, ap);
	print_safe(f, msg);
	fputc('\n', f);
}

void err_warn(const char *tool, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "%s: warning: ", err_tool(tool));
	va_start(ap, fmt);
	err_print(stderr, fmt, ap);
	va_end(ap);
}
