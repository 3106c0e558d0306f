/* SPDX-License-Identifier: Apache-2.0
 *
 * err: how a failure travels from where it is found to the message the user reads.
 *
 * Library functions return 0 or a negative ERR_* and fill an optional `struct err`, passed last. The message is
 * composed once, where the failure is found: lower case, no full stop, subject quoted, with file and byte offset
 * where there are any. Library code never prints and never exits; a main() calls err_report and exits with its value.
 *
 *	struct err e = {0};
 *	if (gguf_open(&g, path, &e))
 *		return err_report("tt-generate", &e);	// "tt-generate: cannot open 'x.gguf': bad magic (at byte 0)"
 */
#ifndef TT_BASE_ERR_H
#define TT_BASE_ERR_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

enum err_code {
	ERR_IO = -1,		/* a system call failed; exit 74 */
	ERR_EOF = -2,		/* data ends early; exit 65 */
	ERR_FORMAT = -3,	/* data is not what it claims to be; exit 65 */
	ERR_VERSION = -4,	/* a format version or critical feature this program does not know; exit 76 */
	ERR_LIMIT = -5,		/* a documented bound is exceeded; exit 65 */
	ERR_MEM = -6,		/* out of memory or arena; exit 74 */
	ERR_ARG = -7,		/* the caller or the command line is wrong; exit 2 */
	ERR_LOCK = -8,		/* another process holds the lock; exit 75 */
	ERR_CHECKSUM = -9,	/* stored bytes changed; exit 65 */
	ERR_UNSUPPORTED = -10,	/* well-formed, but of a kind that is not handled; exit 65 */
	ERR_NOENT = -11,	/* an input does not exist; exit 66 */
	ERR_CREATE = -12,	/* an output cannot be created; exit 73 */
	ERR_PERM = -13,		/* permission or signature; exit 77 */
	ERR_CONF = -14,		/* configuration, or model mismatch; exit 78 */
	ERR_BUG = -15,		/* a broken promise of this program; exit 70 */
	ERR_AGAIN = -16,	/* a descriptor that is not waited for has nothing yet; exit 74 */
};

/* Exit status of every program (one table for all, tiny-titans(7); sysexits where one fits). */
enum exit_code {
	EXIT_DONE = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_PARTLY = 3, EXIT_DATA = 65, EXIT_NOINPUT = 66,
	EXIT_BUG = 70, EXIT_CREATE = 73, EXIT_IO = 74, EXIT_LOCKED = 75, EXIT_PROTOCOL = 76, EXIT_PERM = 77,
	EXIT_CONF = 78,
};

struct err {
	int code;		/* 0 or ERR_* */
	uint64_t at;		/* byte offset the message speaks of, or ERR_NO_OFFSET */
	char msg[512];
};

#define ERR_NO_OFFSET UINT64_MAX

/* Fills `e` (may be NULL) and returns `code`, so that `return err_set(...)` is the usual form. */
int err_set(struct err *e, int code, uint64_t at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* "out of memory": ERR_MEM, as err_set. */
int err_memory(struct err *e);

/* As err_set, with ": " and the text of errno appended. Call before anything can change errno. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message, as a caller does that knows more (a file name, a record number). Returns e->code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit status that belongs to an ERR_* code. */
int err_exit(int code);

/* `tool` ("tt-chunk") by the name it was installed under: that of this process ("x-chunk") where it ends in the same word. */
const char *err_tool(const char *tool);

/* Prints the message, cut to its 512 bytes, and a line end. Names and text of documents get into messages; what steers a terminal does
 * not get out: it is printed as "?". */
void err_print(FILE *f, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Prints "tool: message (at byte N)" to stderr and returns the exit status. For main() only. */
int err_report(const char *tool, const struct err *e);

/* Prints "tool: warning: ..." to stderr. For main() only. */
void err_warn(const char *tool, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
