/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-conf: what the configuration and the catalogue of models say, as lines for shell scripts. Fields are separated by
 * tabs, which no value can hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/conf.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"

#define TOOL "tt-conf"

static const struct opt opts[] = { { 0 } };
static const struct opt_program prog = {
	TOOL,
	"check [FILE]\nfile\nget KEY [FILE]\nlist corpora [FILE]\ncorpora [FILE]\nmodels FILE",
	"print what the configuration says, for scripts", opts,
};

/* Prints the parts of a path, each behind its "/"; how many. Empty ones and "." are left out, as in the names of an index. */
static int put_parts(const char *path)
{
	int n_put = 0;
	for (size_t n; *(path += strspn(path, "/")); path += n) {
		n = strcspn(path, "/");
		if (n != 1 || *path != '.')
			n_put += printf("/%.*s", (int)n, path) > 0;
	}
	return n_put;
}

/* What stands for the "~" of a value that begins with "~/", which *rest is behind then; "" where there is none, or no home. */
static const char *home_of(const char *value, const char **rest)
{
	const char *home = strncmp(value, "~/", 2) == 0 ? getenv("HOME") : NULL;
	*rest = home && *home == '/' ? value + 1 : value;
	return *rest == value ? "" : home;
}

/* One line of a corpus; what begins with "~/" is written out. Below a path find spells names as the path is. */
static void put(const char *corpus, const char *key, const char *value)
{
	const char *rest, *home = home_of(value, &rest);
	printf("%s\t%s\t", corpus, key);
	if (strcmp(key, "path") == 0 && *rest == '/') {
		int n_put = put_parts(home);
		if (put_parts(rest) + n_put == 0)
			putchar('/');
	} else {
		printf("%s%s", home, rest);
	}
	putchar('\n');
}

static void put_list(const struct conf *c, size_t i, const char *list, const char *key)
{
	for (size_t k = 0; k < conf_count(c, "corpora[%zu].%s", i, list); k++)
		put(conf_get(c, "corpora[%zu].name", i), key, conf_get(c, "corpora[%zu].%s[%zu]", i, list, k));
}

/* A setting of a corpus, or the one that holds for all. */
static void put_setting(const struct conf *c, size_t i, const char *key)
{
	const char *v = conf_get(c, "corpora[%zu].%s", i, key);
	if (!v)
		v = conf_get(c, "%s", key);
	if (v)
		put(conf_get(c, "corpora[%zu].name", i), key, v);
}

static int corpora(const struct conf *c, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < conf_count(c, "corpora"); i++) {
		char head[64];
		put_list(c, i, "paths", "path");
		put_list(c, i, "include", "include");
		put_list(c, i, "exclude", "exclude");
		int n = snprintf(head, sizeof head, "corpora[%zu].filters{", i);
		for (size_t k = 0; k < c->n; k++) {
			const struct conf_entry *x = &c->entry[k];
			if (strncmp(x->path, head, (size_t)n) == 0)	/* {PATTERN}: without the brace at its end */
				printf("%s\tfilter\t%.*s\t%s\n", conf_get(c, "corpora[%zu].name", i),
				       (int)(strlen(x->path + n) - 1), x->path + n, x->value);
		}
		put_setting(c, i, "embedder");
		put_setting(c, i, "generator");
	}
	return EXIT_DONE;
}

static int list(const struct conf *c, const char *what)
{
	if (strcmp(what, "corpora") != 0)
		return opt_misuse(&prog, "cannot list '%s', only corpora", what);
	for (size_t i = 0; i < conf_count(c, "corpora"); i++)
		puts(conf_get(c, "corpora[%zu].name", i));
	return EXIT_DONE;
}

/* The value at a key, or the values below it, one a line; what begins with "~/" is written out. */
static int get(const struct conf *c, const char *key)
{
	size_t n = strlen(key), found = 0;
	for (size_t i = 0; i < c->n; i++) {
		const char *path = c->entry[i].path;
		if (!c->entry[i].value || strncmp(path, key, n) != 0)
			continue;
		if (path[n] == '\0' || path[n] == '[' || path[n] == '.' || path[n] == '{') {
			const char *rest, *home = home_of(c->entry[i].value, &rest);
			printf("%s%s\n", home, rest);
			found++;
		}
	}
	return found ? EXIT_DONE : EXIT_NOTHING;
}

static int check(const struct conf *c, const char *arg)
{
	(void)c;
	(void)arg;
	return EXIT_DONE;
}

/* ---- the catalogue ---- */

static const char *or_dash(const char *v)
{
	return v ? v : "-";
}

static int models(const struct conf *c)
{
	static const char *const of_model[] = { "name", "role", "default", "licence", "about" };
	static const char *const of_file[] = { "file", "bytes", "sha256", "wheel", "member", "parts", "url" };
	for (size_t m = 0; m < conf_count(c, "models"); m++)
		for (size_t f = 0; f < conf_count(c, "models[%zu].files", m); f++) {
			for (size_t k = 0; k < sizeof of_model / sizeof *of_model; k++)
				printf("%s%s", k ? "\t" : "", or_dash(conf_get(c, "models[%zu].%s", m, of_model[k])));
			for (size_t k = 0; k < sizeof of_file / sizeof *of_file; k++)
				printf("\t%s", or_dash(conf_get(c, "models[%zu].files[%zu].%s", m, f, of_file[k])));
			putchar('\n');
		}
	return EXIT_DONE;
}

static int print_models(const char *file)
{
	struct conf c;
	struct err e = {0};
	if (conf_load(&c, file, conf_models_schema, &e))
		return err_report(TOOL, &e);
	int r = models(&c);
	conf_release(&c);
	return r;
}

/* Opens the configuration, the one named or the one found, and runs `f` on it. */
static int with_conf(const char *file, int (*f)(const struct conf *, const char *), const char *arg)
{
	struct conf c;
	struct err e = {0};
	struct buf found = {0};
	int r = file ? 0 : conf_find(&found, getenv("TT_CONFIG"), &e);
	if (!r)
		r = conf_open(&c, file ? file : found.data, &e);
	if (r) {
		buf_release(&found);
		return err_report(TOOL, &e);
	}
	r = f(&c, arg);
	conf_release(&c);
	buf_release(&found);
	return r;
}

static int print_file(void)
{
	struct err e = {0};
	struct buf found = {0};
	int r = conf_find(&found, getenv("TT_CONFIG"), &e);
	if (r)
		r = err_report(TOOL, &e);
	else
		puts(found.data);
	buf_release(&found);
	return r;
}

int main(int argc, char **argv)
{
	fault_catch("tt-conf");
	int first = opt_parse(&prog, argc, argv), n = argc - first, r;
	const char *cmd = n ? argv[first] : "", *a = n > 1 ? argv[first + 1] : NULL, *b = n > 2 ? argv[first + 2] : NULL;
	if (strcmp(cmd, "check") == 0 && n <= 2)
		r = with_conf(a, check, NULL);
	else if (strcmp(cmd, "file") == 0 && n == 1)
		r = print_file();
	else if (strcmp(cmd, "get") == 0 && (n == 2 || n == 3))
		r = with_conf(b, get, a);
	else if (strcmp(cmd, "list") == 0 && (n == 2 || n == 3))
		r = with_conf(b, list, a);
	else if (strcmp(cmd, "corpora") == 0 && n <= 2)
		r = with_conf(a, corpora, NULL);
	else if (strcmp(cmd, "models") == 0 && n == 2)
		r = print_models(a);
	else
		return n ? opt_misuse(&prog, "unknown command, or wrong operands: '%s'", cmd) : opt_misuse(&prog, "a command is needed");
	struct err e = {0};
	return io_flush_stdout(&e) && r == EXIT_DONE ? err_report(TOOL, &e) : r;
}
