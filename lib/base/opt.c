/* SPDX-License-Identifier: Apache-2.0
 *
 * opt: reading a command line against a table. Two passes: the environment first (it gives defaults), then argv, whose
 * operands are collected and put back behind the options. A value is converted in one place, `set_value`, whichever
 * of the two it came from. The texts (--help and its kin) are in opt_text.c.
 */
#include "lib/base/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/near.h"

#define LIST_MAX ((int)(sizeof ((struct opt_list *)0)->item / sizeof(const char *)))

struct scan {
	const struct opt_program *p;
	FILE *out, *msg;
	int argc;
	char **argv;
	int at;			/* the argument being looked at */
	char **operand;		/* operand[n_operand], in order */
	int n_operand;
	bool fresh[256];	/* by table index: the value so far comes from the environment */
};

static int complain(const struct scan *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int complain(const struct scan *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(s->msg, "%s: ", s->p->name);
	err_print(s->msg, fmt, ap);
	va_end(ap);
	opt_usage(s->p, s->msg);
	return EXIT_USAGE;
}

/* What the user would call option `o`, in two parts: "--" and "threads", or "-" and "j" where there is no long name. */
static const char *dash(const struct opt *o)
{
	return o->name ? "--" : "-";
}

static const char *called(const struct opt *o, char *letter)
{
	letter[0] = o->letter;
	letter[1] = '\0';
	return o->name ? o->name : letter;
}

static bool parse_flag(const char *s, bool *v)
{
	static const char *const yes[] = { "1", "yes", "true", "on" }, *const no[] = { "0", "no", "false", "off", "" };
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (strcmp(s, yes[i]) == 0)
			return *v = true;
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (strcmp(s, no[i]) == 0) {
			*v = false;
			return true;
		}
	return false;
}

static int set_int(const struct scan *s, const struct opt *o, const char *v, const char *from, const char *pre)
{
	char *end;
	errno = 0;
	long n = strtol(v, &end, 10);
	if (end == v || *end || *v == ' ')
		return complain(s, "%s%s: '%s' is not a whole number", pre, from, v);
	if (errno || ((o->min || o->max) && (n < o->min || n > o->max)))
		return o->min || o->max
			? complain(s, "%s%s: %s is not between %ld and %ld", pre, from, v, o->min, o->max)
			: complain(s, "%s%s: %s is too large", pre, from, v);
	*(long *)o->value = n;
	return -1;
}

static int set_real(const struct scan *s, const struct opt *o, const char *v, const char *from, const char *pre)
{
	char *end;
	double d = strtod(v, &end);
	bool bounded = o->rmin < 0 || o->rmin > 0 || o->rmax < 0 || o->rmax > 0;
	if (end == v || *end || *v == ' ' || !isfinite(d))
		return complain(s, "%s%s: '%s' is not a number", pre, from, v);
	if (bounded && (d < o->rmin || d > o->rmax))
		return complain(s, "%s%s: %s is not between %g and %g", pre, from, v, o->rmin, o->rmax);
	*(double *)o->value = d;
	return -1;
}

/* Gives option `o` the value `v` (NULL for a flag that is present). `from` is what messages call its origin. */
static int set_value(struct scan *s, const struct opt *o, const char *v, const char *from, const char *pre)
{
	struct opt_list *list;
	switch (o->type) {
	case OPT_FLAG:
		*(bool *)o->value = true;
		if (v && !parse_flag(v, o->value))
			return complain(s, "%s%s: '%s' is neither yes nor no", pre, from, v);
		return -1;
	case OPT_STR:
		*(const char **)o->value = v;
		return -1;
	case OPT_INT:
		return set_int(s, o, v, from, pre);
	case OPT_REAL:
		return set_real(s, o, v, from, pre);
	case OPT_LIST:
		list = o->value;
		if (s->fresh[o - s->p->opts]) {
			list->n = 0;	/* the command line replaces what the environment gave */
			s->fresh[o - s->p->opts] = false;
		}
		if (list->n == LIST_MAX)
			return complain(s, "%s%s: given more than %d times", pre, from, LIST_MAX);
		list->item[list->n++] = v;
		return -1;
	}
	return EXIT_BUG;
}

static int read_environment(struct scan *s)
{
	for (const struct opt *o = s->p->opts; !opt_is_end(o); o++) {
		const char *v = o->env ? getenv(o->env) : NULL;
		if (!v || !*v)
			continue;
		int r = set_value(s, o, v, o->env, "environment variable ");
		if (r >= 0)
			return r;
		s->fresh[o - s->p->opts] = true;
	}
	return -1;
}

/* The value of `o`: what stands behind it in the same argument, else the next argument. NULL if there is none. */
static const char *value_of(struct scan *s, const char *attached)
{
	if (attached)
		return attached;
	return s->at + 1 < s->argc ? s->argv[++s->at] : NULL;
}

static int read_option(struct scan *s, const struct opt *o, const char *attached)
{
	char letter[2];
	const char *v = o->type == OPT_FLAG ? attached : value_of(s, attached);
	if (o->type == OPT_FLAG && attached)
		return complain(s, "%s%s takes no value", dash(o), called(o, letter));
	if (o->type != OPT_FLAG && !v)
		return complain(s, "%s%s needs a value: %s", dash(o), called(o, letter), o->arg);
	return set_value(s, o, v, called(o, letter), dash(o));
}

static int unknown_long(const struct scan *s, const char *name)
{
	const char *near = NULL;
	static const char *const builtin[] = { "help", "version", "completion", "synopsis" };
	int best = 255;
	for (const struct opt *o = s->p->opts; !opt_is_end(o); o++)
		if (o->name && near_better(name, o->name, &best))
			near = o->name;
	for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++)
		if (near_better(name, builtin[i], &best))
			near = builtin[i];
	return near ? complain(s, "unknown option '--%s'; did you mean '--%s'?", name, near)
		    : complain(s, "unknown option '--%s'", name);
}

/* --name or --name=VALUE; `arg` points behind the dashes. */
static int read_long(struct scan *s, const char *arg)
{
	char name[64];
	const char *eq = strchr(arg, '=');
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
	if (n >= sizeof name)
		return complain(s, "unknown option '--%.40s...'", arg);
	memcpy(name, arg, n);
	name[n] = '\0';
	for (const struct opt *o = s->p->opts; !opt_is_end(o); o++)
		if (o->name && strcmp(o->name, name) == 0)
			return read_option(s, o, eq ? eq + 1 : NULL);
	if (strcmp(name, "help") == 0 && !eq) {
		opt_help(s->p, s->out);
		return EXIT_DONE;
	}
	if (strcmp(name, "version") == 0 && !eq) {
		fprintf(s->out, "%s %s\n", s->p->name, TT_VERSION);
		return EXIT_DONE;
	}
	if (strcmp(name, "synopsis") == 0 && !eq) {
		opt_synopsis(s->p, s->out);
		return EXIT_DONE;
	}
	if (strcmp(name, "completion") == 0) {
		const char *shell = value_of(s, eq ? eq + 1 : NULL);
		if (shell && opt_completion(s->p, shell, s->out))
			return EXIT_DONE;
		return complain(s, "--completion needs a shell: bash, zsh or fish");
	}
	return unknown_long(s, name);
}

/* -a, -abc, -mVALUE or -m VALUE; `arg` points behind the dash. */
static int read_letters(struct scan *s, const char *arg)
{
	for (; *arg; arg++) {
		const struct opt *o = s->p->opts;
		while (!opt_is_end(o) && o->letter != *arg)
			o++;
		if (opt_is_end(o)) {
			if (*arg == 'h')
				return read_long(s, "help");
			if (*arg == 'V')
				return read_long(s, "version");
			return complain(s, "unknown option '-%c'", *arg);
		}
		bool takes = o->type != OPT_FLAG;
		int r = read_option(s, o, takes && arg[1] ? arg + 1 : NULL);
		if (r >= 0 || takes)
			return r;
	}
	return -1;
}

static int read_arguments(struct scan *s)
{
	bool options = true;
	for (s->at = 1; s->at < s->argc; s->at++) {
		char *a = s->argv[s->at];
		int r = -1;
		if (!options || a[0] != '-' || !a[1])
			s->operand[s->n_operand++] = a;
		else if (a[1] != '-')
			r = read_letters(s, a + 1);
		else if (a[2])
			r = read_long(s, a + 2);
		else
			options = false;
		if (r >= 0)
			return r;
	}
	return -1;
}

int opt_try(const struct opt_program *p, int argc, char **argv, int *first, FILE *out, FILE *msg)
{
	struct opt_program named = *p;
	named.name = err_tool(p->name);
	struct scan s = { .p = &named, .argc = argc, .argv = argv, .out = out, .msg = msg };
	s.operand = calloc((size_t)argc + 1, sizeof *s.operand);
	if (!s.operand)
		return complain(&s, "out of memory");
	int r = read_environment(&s);
	if (r < 0)
		r = read_arguments(&s);
	if (r < 0) {
		*first = argc - s.n_operand;
		if (s.n_operand)
			memcpy(argv + *first, s.operand, (size_t)s.n_operand * sizeof *argv);
	}
	free(s.operand);
	return r;
}

/* A descriptor 0, 1 or 2 that came closed is opened the wrong way round, so that using it fails, and so that no file
 * opened later takes its number. */
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			exit(EXIT_IO);
}

int opt_parse(const struct opt_program *p, int argc, char **argv)
{
	int first = argc;
	hold_standard_descriptors();
	int r = opt_try(p, argc, argv, &first, stdout, stderr);
	if (r < 0)
		return first;
	struct err e = {0};
	exit(r == EXIT_DONE && io_flush_stdout(&e) ? err_report(p->name, &e) : r);
}

int opt_misuse(const struct opt_program *p, const char *fmt, ...)
{
	struct opt_program named = *p;
	named.name = err_tool(p->name);
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "%s: ", named.name);
	err_print(stderr, fmt, ap);
	va_end(ap);
	opt_usage(&named, stderr);
	return EXIT_USAGE;
}
