/* SPDX-License-Identifier: Apache-2.0
 *
 * opt: one table of options per program. --help, the manual's synopsis check and shell completion all come from it.
 *
 * These letters mean the same everywhere: -m model, -i index, -n count, -j threads, -s seed, -v verbose, -V version,
 * -h usage. Long names are --long=VALUE or --long VALUE. Values are bounds-checked here. Precedence: option,
 * environment TT_<NAME> (if `env` is set), default. `--completion=bash|zsh|fish` prints a completion script,
 * `--synopsis` prints the mdoc synopsis lines, on every program.
 *
 *	static struct { const char *model; long threads; bool quiet; } o = { .threads = 0 };
 *	static const struct opt opts[] = {
 *		{ 'm', "model", OPT_STR, &o.model, "NAME", "model file or catalogue name", .env = "TT_MODEL" },
 *		{ 'j', "threads", OPT_INT, &o.threads, "N", "worker threads", .min = 0, .max = 256, .env = "TT_THREADS" },
 *		{ 0 } };
 *	static const struct opt_program prog = { "tt-embed", "[FILE ...]", "one line on what it does", opts };
 *	int first = opt_parse(&prog, argc, argv);	// exits 0 after --help/--version, 2 after a message on misuse
 */
#ifndef TT_BASE_OPT_H
#define TT_BASE_OPT_H

#include <stdbool.h>
#include <stdio.h>

enum opt_type {
	OPT_FLAG,	/* bool *, set to true */
	OPT_STR,	/* const char ** */
	OPT_INT,	/* long *, min..max */
	OPT_REAL,	/* double *, rmin..rmax */
	OPT_LIST,	/* struct opt_list *, may be given more than once */
};
struct opt_list { const char *item[64]; int n; };

struct opt {
	char letter;		/* 0 = long only; 0 and no name ends the table */
	const char *name;	/* long name without dashes */
	enum opt_type type;
	void *value;
	const char *arg;	/* name of the value in help, NULL for flags */
	const char *help;	/* one line, lower case, no full stop */
	long min, max;		/* OPT_INT; both 0 = any */
	double rmin, rmax;	/* OPT_REAL; both 0 = any finite */
	const char *env;	/* environment variable that gives the default, or NULL */
};
struct opt_program {
	const char *name;	/* installed name, "tt-embed" */
	const char *operands;	/* "[FILE ...]" or ""; "add INDEX\nrm INDEX DOC ..." where there are several forms.
				 * Upper case is an argument, anything else is typed as it stands. */
	const char *purpose;	/* one line */
	const struct opt *opts;
};
/* Returns the index of the first operand in argv, which is reordered so that options come first ("--" ends them).
 * Prints and exits on -h, -V, --completion, --synopsis and misuse.
 * The single function below main() that may exit, because every main() would do exactly this. */
int opt_parse(const struct opt_program *p, int argc, char **argv);
/* The same without exiting: -1 and *first to go on, else the exit status. Text asked for goes to `out`, complaints to `msg`. */
int opt_try(const struct opt_program *p, int argc, char **argv, int *first, FILE *out, FILE *msg);
/* Prints "name: msg" and the usage line to stderr and returns EXIT_USAGE. */
int opt_misuse(const struct opt_program *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline bool opt_is_end(const struct opt *o)
{
	return !o->letter && !o->name;
}

/* What opt_try prints; in opt_text.c. */
void opt_usage(const struct opt_program *p, FILE *f);
void opt_help(const struct opt_program *p, FILE *f);
void opt_synopsis(const struct opt_program *p, FILE *f);
/* False if `shell` is not bash, zsh or fish. */
bool opt_completion(const struct opt_program *p, const char *shell, FILE *f);

#endif
