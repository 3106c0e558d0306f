/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: handlers for SIGBUS and SIGXFSZ. See fault.h.
 *
 * It may run at any moment, in any thread, so it calls nothing but what POSIX allows in a handler: open, read, write, _exit. The
 * name of the file comes from the kernel, which keeps it beside the address:
 *
 *	/proc/self/maps:  7f2c40000000-7f2c80000000 r--s 00000000 fe:00 1234      /srv/models/m.gguf
 */
#include "lib/base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/utf8.h"

#define LINE_MAX_LEN 4200	/* a path, and what stands before it */

/* A handler has no other way to be told anything. */
static const char *fault_tool = "";
static atomic_flag is_said = ATOMIC_FLAG_INIT;

static void say(const char *s, size_t n)
{
	while (n) {
		ssize_t put = write(STDERR_FILENO, s, n);
		if (put <= 0)
			return;
		s += put;
		n -= (size_t)put;
	}
}

/* A name, as err_print lets it out. */
static void say_safe(const char *s)
{
	for (size_t n = strlen(s), k; n > 0; s += k, n -= k) {
		uint32_t c;
		bool ok;
		k = utf8_decode(s, n, &c, &ok);
		bool is_safe = ok && c >= ' ' && !utf8_is_control(c);
		say(is_safe ? s : "?", is_safe ? k : 1);
	}
}

static uint64_t hex(const char **p)
{
	uint64_t v = 0;
	for (;; (*p)++) {
		char c = **p;
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return v;
	}
}

/* The file's name in a line of the table, if the line's addresses hold `at`; else NULL. */
static const char *name_at(const char *line, uintptr_t at)
{
	uint64_t from = hex(&line);
	if (*line++ != '-')
		return NULL;
	uint64_t to = hex(&line);
	return at >= from && at < to ? strchr(line, '/') : NULL;
}

/* Takes a byte of the table: the name in the line that it ends, as above; else NULL. */
static const char *take_byte(char c, uintptr_t at)
{
	static char line[LINE_MAX_LEN];
	static size_t len;
	if (c != '\n') {
		if (len < sizeof line - 1)
			line[len++] = c;
		return NULL;
	}
	line[len] = '\0';
	len = 0;
	return name_at(line, at);
}

/* Says the name of the file that is mapped at `at`; false if there is none to be found. */
static bool say_name(uintptr_t at)
{
	static char part[4096];
	const char *name = NULL;
	ssize_t got;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !name && (got = read(fd, part, sizeof part)) > 0)
		for (ssize_t i = 0; i < got && !name; i++)
			name = take_byte(part[i], at);
	if (fd >= 0)
		close(fd);
	if (!name)
		return false;
	say("'", 1);
	say_safe(name);
	say("'", 1);
	return true;
}

static void on_bus(int sig, siginfo_t *info, void *context)
{
	static const char any[] = "a file", what[] = " became shorter, or could not be read, while it was mapped\n";
	(void)context;
	if (info->si_code <= 0) {	/* from kill(2): no page was touched */
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	while (atomic_flag_test_and_set(&is_said))
		pause();	/* another thread was first, and ends us all */
	say(fault_tool, strlen(fault_tool));
	say(": ", 2);
	if (!say_name((uintptr_t)info->si_addr))
		say(any, sizeof any - 1);
	say(what, sizeof what - 1);
	_exit(EXIT_DATA);
}

/* The write that went over the limit then fails. Were the signal ignored, a child would ignore it too. */
static void on_size(int sig)
{
	(void)sig;
}

void fault_catch(const char *tool)
{
	struct sigaction bus = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO }, size = { .sa_handler = on_size, .sa_flags = SA_RESTART };
	fault_tool = err_tool(tool);
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGXFSZ, &size, NULL);
	signal(SIGPIPE, SIG_DFL);
}
