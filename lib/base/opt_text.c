/* SPDX-License-Identifier: Apache-2.0
 *
 * opt_text: what is printed from a table of options: the usage line, --help, the synopsis of the manual page in mdoc,
 * and completion scripts for three shells. The operands string is read as words, each one an argument (upper case), a
 * literal, or a mark ("[", "]", "|", "...").
 */
#include "lib/base/opt.h"

#include <ctype.h>
#include <string.h>

/* What every program has: told behind the table's own entries, unless one of these has the letter. */
static const struct opt builtin[] = {
	{ 'h', "help", OPT_FLAG, NULL, NULL, "print this text" },
	{ 'V', "version", OPT_FLAG, NULL, NULL, "print the version" },
	{ 0 } };

static bool has_letter(const struct opt_program *p, char c)
{
	for (const struct opt *o = p->opts; !opt_is_end(o); o++)
		if (o->letter == c)
			return true;
	return false;
}

/* The letters of all flags, sorted as manuals sort them (a before A before b). `out` holds 64 bytes. */
static void flag_letters(const struct opt_program *p, char *out)
{
	size_t n = 0;
	for (const char *c = "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ0123456789"; *c && n < 63; c++) {
		bool is = *c == 'h' || *c == 'V';
		for (const struct opt *o = p->opts; !opt_is_end(o); o++)
			if (o->letter == *c)
				is = o->type == OPT_FLAG;
		if (is)
			out[n++] = *c;
	}
	out[n] = '\0';
}

/* Copies the next line of `*s` (a form of the operands) into `line`, cut to its size; false when there is none left. */
static bool next_form(const char **s, char *line, size_t cap)
{
	if (!*s)
		return false;
	const char *end = strchr(*s, '\n');
	size_t n = end ? (size_t)(end - *s) : strlen(*s);
	if (n >= cap)
		n = cap - 1;
	memcpy(line, *s, n);
	line[n] = '\0';
	*s = end ? end + 1 : NULL;
	return true;
}

void opt_usage(const struct opt_program *p, FILE *f)
{
	char flags[64], form[256];
	const char *forms = p->operands;
	const char *lead = "usage:";
	flag_letters(p, flags);
	while (next_form(&forms, form, sizeof form)) {
		fprintf(f, "%s %s [-%s]", lead, p->name, flags);
		for (const struct opt *o = p->opts; !opt_is_end(o); o++) {
			if (o->letter && o->type != OPT_FLAG)
				fprintf(f, " [-%c %s]", o->letter, o->arg);
			else if (!o->letter && o->type != OPT_FLAG)
				fprintf(f, " [--%s=%s]", o->name, o->arg);
			else if (!o->letter)
				fprintf(f, " [--%s]", o->name);
		}
		fprintf(f, "%s%s\n", *form ? " " : "", form);
		lead = "      ";
	}
}

static void help_line(FILE *f, const struct opt *o)
{
	char left[96];
	int n = o->letter ? snprintf(left, sizeof left, "  -%c", o->letter) : snprintf(left, sizeof left, "    ");
	size_t at = (size_t)n;
	if (o->name)
		n = snprintf(left + at, sizeof left - at, "%s--%s", o->letter ? ", " : "  ", o->name);
	at += o->name ? (size_t)n : 0;
	if (o->type != OPT_FLAG && at < sizeof left)
		snprintf(left + at, sizeof left - at, "%s%s", o->name ? "=" : " ", o->arg);
	fprintf(f, "%-26s  %s", left, o->help ? o->help : "");
	if (o->type == OPT_INT && (o->min || o->max))
		fprintf(f, ", %ld to %ld", o->min, o->max);
	if (o->env)
		fprintf(f, " [%s]", o->env);
	fputc('\n', f);
}

void opt_help(const struct opt_program *p, FILE *f)
{
	opt_usage(p, f);
	fprintf(f, "%s\n\n", p->purpose);
	for (const struct opt *o = p->opts; !opt_is_end(o); o++)
		help_line(f, o);
	for (const struct opt *o = builtin; !opt_is_end(o); o++)
		if (!has_letter(p, o->letter))
			help_line(f, o);
	fprintf(f, "\nSee %s(1).\n", p->name);
}

/* ---- mdoc ---- */

static bool is_arg(const char *w)
{
	bool upper = false;
	for (; *w; w++) {
		if (islower((unsigned char)*w))
			return false;
		upper |= isupper((unsigned char)*w) != 0;
	}
	return upper;
}

/* One form of the operands: "[FILE ...]" becomes ".Op Ar FILE ...", "add INDEX" becomes ".Cm add" and ".Ar INDEX". */
static void synopsis_form(char *form, FILE *f)
{
	bool in_op = false, fresh = true;
	char *save = NULL;
	for (char *w = strtok_r(form, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		size_t n = strlen(w);
		bool opens = *w == '[', closes = n > 1 && w[n - 1] == ']';
		if (closes)
			w[n - 1] = '\0';
		if (opens) {
			w++;
			in_op = true;
			fputs(fresh ? ".Op" : "\n.Op", f);
			fresh = false;
		}
		if (strcmp(w, "...") == 0)
			fputs(" ...", f);
		else if (strcmp(w, "|") == 0)
			fputs(" |", f);
		else if (in_op)
			fprintf(f, " %s %s", is_arg(w) ? "Ar" : "Cm", w);
		else
			fprintf(f, "%s.%s %s", fresh ? "" : "\n", is_arg(w) ? "Ar" : "Cm", w);
		fresh = false;
		if (closes)
			in_op = false;
	}
	if (!fresh)
		fputc('\n', f);
}

void opt_synopsis(const struct opt_program *p, FILE *f)
{
	char flags[64], form[256];
	const char *forms = p->operands;
	flag_letters(p, flags);
	while (next_form(&forms, form, sizeof form)) {
		fprintf(f, ".Nm %s\n.Op Fl %s\n", p->name, flags);
		for (const struct opt *o = p->opts; !opt_is_end(o); o++) {
			if (o->letter && o->type != OPT_FLAG)
				fprintf(f, ".Op Fl %c Ar %s\n", o->letter, o->arg);
			else if (!o->letter && o->type != OPT_FLAG)
				fprintf(f, ".Op Fl -%s Ns = Ns Ar %s\n", o->name, o->arg);
			else if (!o->letter)
				fprintf(f, ".Op Fl -%s\n", o->name);
		}
		synopsis_form(form, f);
	}
}

/* ---- shells ---- */

/* Calls `print` for each option, those of the table first. */
static void each_option(const struct opt_program *p, FILE *f, void (*print)(const struct opt_program *, FILE *, const struct opt *))
{
	for (const struct opt *o = p->opts; !opt_is_end(o); o++)
		print(p, f, o);
	for (const struct opt *o = builtin; !opt_is_end(o); o++)
		if (!has_letter(p, o->letter))
			print(p, f, o);
}

/* Writes `s` for use between single quotes, without what would end them, and with a backslash before each of `special`, which the
 * shell's own completion language reads. */
static void quoted(FILE *f, const char *s, const char *special)
{
	for (; s && *s; s++) {
		if (*s == '\'' || *s == '\\')
			continue;
		if (strchr(special, *s))
			fputc('\\', f);
		fputc(*s, f);
	}
}

static void bash_word(const struct opt_program *p, FILE *f, const struct opt *o)
{
	(void)p;
	if (o->letter)
		fprintf(f, " -%c", o->letter);
	if (o->name)
		fprintf(f, " --%s", o->name);
}

static void zsh_line(const struct opt_program *p, FILE *f, const struct opt *o)
{
	(void)p;
	for (int longer = 0; longer < 2; longer++) {
		if (longer ? !o->name : !o->letter)
			continue;
		fputs(" \\\n\t'", f);
		if (o->type == OPT_LIST)
			fputc('*', f);
		if (longer)
			fprintf(f, "--%s%s[", o->name, o->type == OPT_FLAG ? "" : "=");
		else
			fprintf(f, "-%c[", o->letter);
		quoted(f, o->help, "[]:");
		fputc(']', f);
		if (o->type != OPT_FLAG) {
			fputc(':', f);
			quoted(f, o->arg, "[]:");
			fputs(":_files", f);
		}
		fputc('\'', f);
	}
}

static void fish_line(const struct opt_program *p, FILE *f, const struct opt *o)
{
	fprintf(f, "complete -c %s", p->name);
	if (o->letter)
		fprintf(f, " -s %c", o->letter);
	if (o->name)
		fprintf(f, " -l %s", o->name);
	if (o->type != OPT_FLAG)
		fputs(" -r", f);
	fputs(" -d '", f);
	quoted(f, o->help, "");
	fputs("'\n", f);
}

/* The commands among the operands, which stand first in a form ("add|rm DIR"), with `between` after each but the last; tells how many. */
static int commands(const struct opt_program *p, FILE *f, char between)
{
	char form[256];
	const char *forms = p->operands;
	int n = 0;
	while (next_form(&forms, form, sizeof form)) {
		char *save = NULL;
		form[strcspn(form, " ")] = '\0';
		for (char *w = strtok_r(form, "[|]", &save); w; w = strtok_r(NULL, "[|]", &save)) {
			if (is_arg(w))
				continue;
			if (f && n)
				fputc(between, f);
			if (f)
				fputs(w, f);
			n++;
		}
	}
	return n;
}

/* A shell identifier made of the program's name: tt-embed becomes _tt_embed. */
static void ident(const struct opt_program *p, FILE *f)
{
	fputc('_', f);
	for (const char *c = p->name; *c; c++)
		fputc(isalnum((unsigned char)*c) ? *c : '_', f);
}

bool opt_completion(const struct opt_program *p, const char *shell, FILE *f)
{
	if (strcmp(shell, "bash") == 0) {
		ident(p, f);
		fputs("()\n{\n\tCOMPREPLY=()\n\tcase ${COMP_WORDS[COMP_CWORD]} in\n"
		      "\t-*) mapfile -t COMPREPLY < <(compgen -W '", f);
		each_option(p, f, bash_word);
		fputs("' -- \"${COMP_WORDS[COMP_CWORD]}\") ;;\n", f);
		if (commands(p, NULL, ' ')) {
			/* One command, and files behind it. */
			fputs("\t*) [[ \" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" =~ \" \"(", f);
			commands(p, f, '|');
			fputs(")\" \" ]] ||\n\t\tmapfile -t COMPREPLY < <(compgen -W '", f);
			commands(p, f, ' ');
			fputs("' -- \"${COMP_WORDS[COMP_CWORD]}\") ;;\n", f);
		}
		fputs("\tesac\n}\ncomplete -o default -F ", f);
		ident(p, f);
		fprintf(f, " %s\n", p->name);
		return true;
	}
	if (strcmp(shell, "zsh") == 0) {
		fprintf(f, "#compdef %s\n_arguments -s", p->name);
		each_option(p, f, zsh_line);
		if (commands(p, NULL, ' ')) {
			fputs(" \\\n\t'1:command:(", f);
			commands(p, f, ' ');
			fputs(")'", f);
		}
		fputs(" \\\n\t'*:file:_files'\n", f);
		return true;
	}
	if (strcmp(shell, "fish") == 0) {
		each_option(p, f, fish_line);
		if (commands(p, NULL, ' ')) {
			fprintf(f, "complete -c %s -n __fish_use_subcommand -a '", p->name);
			commands(p, f, ' ');
			fputs("'\n", f);
		}
		return true;
	}
	return false;
}
