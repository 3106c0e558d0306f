/* SPDX-License-Identifier: Apache-2.0
 *
 * man_roff: our own reading of a manual page, for pages that mandoc cannot do and machines without it. It knows all of
 * man(7) and the frame of mdoc(7) (sections, lists, displays); other mdoc macros give their arguments, with their own and the
 * names of macros among them dropped. Definitions of macros are skipped, a string has the first value that the page gives it, of
 * conditions only ".if n" is known. Every line of text is shown, and the arguments of macros that are not known: what looks
 * wrong is still found.
 */
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenize/man.h"
#include "tokenize/man_macro.h"
#include "tokenize/roff_text.h"

#define ARGS_MAX 128u	/* a further argument holds all the rest of its line */
#define LIST_MAX 64	/* RS and Bl within each other; what those further in are isn't kept */
#define STRING_MAX 128	/* strings of a page */
#define VALUE_MAX (1u << 20)	/* bytes of their values that a page may show: a short one could make gigabytes */

struct word { const char *p; size_t n; unsigned flags; };
struct string { struct word name, value; };	/* of .ds */

struct reader {
	struct man *m;
	uint64_t line;
	bool mdoc, nofill;
	bool want_head;		/* the next line is TP's head */
	bool sect, sub;		/* what is open, from the outside in */
	int rs;			/* RS or Bl within the section */
	bool block;		/* a TP, IP, PP or It is open in the innermost RS */
	bool item;		/* ...and is an It */
	bool list[LIST_MAX];	/* innermost lists: opened by Bl */
	bool untagged[LIST_MAX];	/* ...whose items have no head */
	bool unclosed;		/* a definition was never closed: no later one is */
	char nm[48];		/* what .Nm without a name stands for */
	struct string string[STRING_MAX];
	size_t n_string, n_value;
	struct buf text;	/* scratch of show */
};

/* Splits macro arguments: blanks, "quoted ""words""". Returns their number. */
static size_t arguments(const char *p, size_t n, struct word *w, size_t cap)
{
	size_t k = 0, i = 0;
	while (k < cap) {
		while (i < n && (p[i] == ' ' || p[i] == '\t'))
			i++;
		if (i == n)
			break;
		bool quoted = p[i] == '"';
		i += quoted;
		size_t from = i;
		while (i < n && (quoted ? p[i] != '"' || (i + 1 < n && p[i + 1] == '"' && i++) : p[i] != ' ')) {
			if (p[i] == '\\' && i + 1 < n)
				i++;
			i++;
		}
		if (k + 1 == cap)
			i = n;
		w[k++] = (struct word){ p + from, i - from, quoted ? MAN_DOUBLED : 0 };
		i += quoted && i < n;
	}
	return k;
}

static unsigned flags_of(const struct reader *r)
{
	return MAN_LINE | (r->nofill ? (unsigned)MAN_NOFILL : 0);
}

static void copy_word(char *to, size_t cap, struct word w)
{
	size_t n = w.n < cap ? w.n : cap - 1;
	memcpy(to, w.p, n);
	to[n] = 0;
}

static bool is_equal(struct word a, struct word b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static const struct string *find_string(const struct reader *r, struct word name)
{
	for (size_t i = 0; i < r->n_string; i++)
		if (is_equal(r->string[i].name, name))
			return &r->string[i];
	return NULL;
}

/* .ds NAME VALUE. Of two values for different devices that for terminals comes first, as a rule; one that computes (\\) draws, an accent
 * by overstriking, and is passed over. */
static void define(struct reader *r, const char *p, size_t n)
{
	size_t from = 0, to, at;
	while (from < n && (p[from] == ' ' || p[from] == '\t'))
		from++;
	for (to = from; to < n && p[to] != ' ';)
		to++;
	for (at = to; at < n && p[at] == ' ';)
		at++;
	at += at < n && p[at] == '"';	/* lets the value begin with a blank */
	struct word name = { p + from, to - from, 0 };
	if (name.n && r->n_string < STRING_MAX && !find_string(r, name) && !memmem(p + at, n - at, "\\\\", 2))
		r->string[r->n_string++] = (struct string){ name, { p + at, n - at, 0 } };
}

/* Text in which strings have their values; those within a value stay as they are. */
static void show(struct reader *r, const char *p, size_t n, unsigned flags)
{
	size_t done = 0;
	buf_clear(&r->text);
	for (size_t i = 0; i + 2 < n; i++) {
		struct word name = { 0 };
		if (p[i] != '\\')
			continue;
		size_t took = p[i + 1] == '*' ? roff_name(p + i + 2, n - i - 2, &name.p, &name.n) : 0;
		const struct string *s = took ? find_string(r, name) : NULL;
		if (s && s->value.n <= VALUE_MAX - r->n_value) {
			buf_add(&r->text, p + done, i - done);
			buf_add(&r->text, s->value.p, s->value.n);
			done = i + 2 + took;
			r->n_value += s->value.n;
		}
		i += 1 + took;
	}
	if (done)
		buf_add(&r->text, p + done, n - done);
	if (r->text.len && !r->text.failed)
		man_text(r->m, r->text.data, r->text.len, r->line, flags);
	else
		man_text(r->m, p, n, r->line, flags);
}

/* .Nm with a name sets what .Nm without one shows. */
static void page_name(struct reader *r, const struct word *w, size_t n)
{
	bool named = n > 0 && w[0].n > 1 && !(w[0].n == 2 && w[0].p[0] >= 'A' && w[0].p[0] <= 'Z');
	if (!named)
		show(r, r->nm, strlen(r->nm), 0);
	else if (!r->nm[0])
		copy_word(r->nm, sizeof r->nm, w[0]);
}

static bool word_is(struct word w, const char *s)
{
	return is_equal(w, (struct word){ s, strlen(s), 0 });
}

static bool is_callable(struct word w)
{
	static const char *const callable[] = { "Ac", "Ad", "An", "Ao", "Ap", "Aq", "Ar", "Bc", "Bo", "Bq", "Brc", "Bro",
		"Brq", "Cd", "Cm", "Dc", "Do", "Dq", "Dv", "Em", "Er", "Ev", "Fa", "Fl", "Fn", "Ic", "Li", "Lk", "Ms", "Mt",
		"Nm", "No", "Ns", "Oc", "Oo", "Op", "Pa", "Pc", "Pf", "Po", "Pq", "Qc", "Ql", "Qo", "Qq", "Sc", "So", "Sq",
		"Sx", "Sy", "Ta", "Tn", "Va", "Vt", "Xc", "Xo", "Xr" };
	for (size_t k = 0; k < sizeof callable / sizeof *callable; k++)
		if (word_is(w, callable[k]))
			return true;
	return false;
}

/* What a macro that stands for the name of a system says, else NULL. */
static const char *system_name(struct word w)
{
	static const char *const names[][2] = { { "Bx", "BSD" }, { "Fx", "FreeBSD" }, { "Nx", "NetBSD" }, { "Ox", "OpenBSD" }, { "Ux", "UNIX" } };
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (word_is(w, names[k][0]))
			return names[k][1];
	return NULL;
}

/* What mdoc writes without a space before it, or behind it, where it is a word of its own. */
static unsigned punctuation(struct word w)
{
	if (w.n != 1 || w.flags)
		return 0;
	return strchr(".,:;)]?!", w.p[0]) ? MAN_CLOSES : strchr("([", w.p[0]) ? MAN_OPENS : 0;
}

/* Words of an mdoc line: known macro names are dropped, Fl gives the next word its dash, or Fl's behind it another, Xr its parentheses. */
static void mdoc_words(struct reader *r, const struct word *w, size_t n)
{
	unsigned flags = flags_of(r);
	for (size_t i = 0; i < n; i++) {
		char name[4] = "";
		const char *system = system_name(w[i]);
		if (system) {
			show(r, system, strlen(system), flags);
		} else if (!is_callable(w[i])) {
			show(r, w[i].p, w[i].n, flags | w[i].flags | punctuation(w[i]));
		} else {
			memcpy(name, w[i].p, w[i].n);
			if (strcmp(name, "Nm") == 0)
				page_name(r, w + i + 1, n - i - 1);
			bool takes = strcmp(name, "Fl") == 0 || strcmp(name, "Xr") == 0 || strcmp(name, "Ns") == 0;
			if (!takes)
				continue;
			man_open(r->m, MAN_ELEM, name, "", r->line, flags);
			size_t take = name[0] == 'F' ? 1 : name[0] == 'X' ? 2 : 0;
			for (; take > 0 && i + 1 < n && !is_callable(w[i + 1]) && !punctuation(w[i + 1]); take--, i++)
				show(r, w[i + 1].p, w[i + 1].n, w[i + 1].flags);
			man_close(r->m);
		}
		flags &= ~(unsigned)MAN_LINE;
	}
}

static void block_end(struct reader *r)
{
	if (!r->block)
		return;
	man_close(r->m);	/* body */
	man_close(r->m);	/* block */
	r->block = r->item = false;
}

static void rs_end(struct reader *r)
{
	block_end(r);
	if (r->rs == 0)
		return;
	man_close(r->m);
	man_close(r->m);
	r->rs--;
	if (r->rs < LIST_MAX && r->list[r->rs]) {
		r->list[r->rs] = false;
		r->block = r->item = r->rs > 0;	/* a list inside an item goes on with that item */
	}
}

static void sub_end(struct reader *r, bool sect)
{
	r->want_head = r->nofill = false;
	while (r->rs > 0)
		rs_end(r);
	block_end(r);
	if (r->sub)
		man_close(r->m), man_close(r->m);
	r->sub = false;
	if (sect && r->sect) {
		man_close(r->m), man_close(r->m);
		r->sect = false;
	}
}

/* Opens label's block and head, shows the words in the head, opens the body. */
static void block_begin(struct reader *r, const char *label, const char *args, const struct word *w, size_t n, bool words)
{
	man_open(r->m, MAN_BLOCK, label, args, r->line, flags_of(r));
	man_open(r->m, MAN_HEAD, label, "", r->line, 0);
	if (words)
		mdoc_words(r, w, n);
	else
		for (size_t i = 0; i < n; i++)
			show(r, w[i].p, w[i].n, w[i].flags);
	man_close(r->m);
	man_open(r->m, MAN_BODY, label, "", r->line, 0);
}

/* RS or Bl, of which w[i] is the argument that counts, if there is one. */
static void list_begin(struct reader *r, const char *label, const struct word *w, size_t n, size_t i)
{
	bool bl = label[0] == 'B';
	char args[32] = "";
	if (i < n)
		copy_word(args, sizeof args, w[i]);
	if (!bl)
		block_end(r);
	block_begin(r, label, args, NULL, 0, false);
	if (r->rs < LIST_MAX) {
		r->list[r->rs] = bl;
		r->untagged[r->rs] = bl && bl_type(args) != BL_TAG;
	}
	r->rs++;
	r->block = r->item = false;
}

static void item_begin(struct reader *r, const char *label, const struct word *w, size_t n)
{
	bool untagged = r->rs > 0 && r->rs <= LIST_MAX && r->untagged[r->rs - 1];
	block_end(r);
	block_begin(r, label, "", w, untagged ? 0 : n, true);
	if (untagged)
		mdoc_words(r, w, n);
	r->block = r->item = true;
}

/* A line of text, or a font macro: the head of TP if one is awaited. */
static void content(struct reader *r, const char *macro, const struct word *w, size_t n, const char *p, size_t len)
{
	bool head = r->want_head;
	r->want_head = false;
	if (head) {
		man_open(r->m, MAN_BLOCK, "TP", "", r->line, MAN_LINE);
		man_open(r->m, MAN_HEAD, "TP", "", r->line, 0);
	}
	if (!macro) {
		show(r, p, len, flags_of(r));
	} else if (r->mdoc) {
		struct word all[ARGS_MAX + 1] = { { macro, strlen(macro), 0 } };
		size_t k = n < ARGS_MAX ? n : ARGS_MAX, from = !is_callable(all[0]) && !system_name(all[0]);
		if (k > 0)
			memcpy(all + 1, w, k * sizeof *w);
		mdoc_words(r, all + from, k + 1 - from);
	} else {
		man_open(r->m, MAN_ELEM, macro, "", r->line, flags_of(r));
		for (size_t i = 0; i < n; i++)
			show(r, w[i].p, w[i].n, (flags_of(r) & ~(unsigned)MAN_LINE) | w[i].flags);
		man_close(r->m);
	}
	if (head) {
		man_close(r->m);
		man_open(r->m, MAN_BODY, "TP", "", r->line, 0);
		r->block = true;
	}
}

/* Requests, and macros whose arguments are not text. */
static bool is_request(const char *name)
{
	static const char *const req[] = { "Bk", "Ek", "IX", "ad", "als", "as", "bd", "bp", "cc", "cs", "cu", "da", "di", "do", "ds", "ec",
		"el", "em", "eo", "ev", "ex", "fam", "fp", "hc", "hw", "hy", "ie", "if", "it", "lf", "lg", "ls", "lt", "na", "ne",
		"nh", "nop", "nr", "ns", "nx", "pc", "pl", "pm", "pn", "ps", "rd", "rm", "rn", "rr", "rs", "rt", "so", "ss", "sv",
		"tc", "tl", "tm", "tr", "uf", "ul", "vs", "warn", "wh", "YS", "UE", "ME", "TS", "TE", "EQ", "EN", "hcode", "fcolor",
		"Vb", "Ve", "Sp", "Sh", "\\}", "cp", "mso" };
	for (size_t i = 0; i < sizeof req / sizeof *req; i++)
		if (strcmp(req[i], name) == 0)
			return true;
	return name[0] == '\\' || name[0] == '\'' || name[0] == '"';
}

/* .TH and .Dt, and the macros that end something. True if it was one. */
static bool frame_line(struct reader *r, const char *name, const struct word *w, size_t n)
{
	if (strcmp(name, "TH") == 0 || strcmp(name, "Dt") == 0) {
		char title[64] = "", sec[16] = "";
		r->mdoc = name[0] == 'D';
		if (n > 0)
			copy_word(title, sizeof title, w[0]);
		if (n > 1)
			copy_word(sec, sizeof sec, w[1]);
		man_head(r->m, title, sec, r->mdoc);
	} else if (strcmp(name, "El") == 0 || strcmp(name, "RE") == 0) {
		rs_end(r);
	} else if (strcmp(name, "Ed") == 0) {
		r->nofill = false;
	} else {
		return false;
	}
	return true;
}

/* Which of Bl's arguments is the list's type: it may stand behind others. */
static size_t list_type(const struct word *w, size_t n)
{
	size_t i = 0, k = 1;
	for (; i < n && k > 0; i += k)
		k = word_is(w[i], "-compact") ? 1 : word_is(w[i], "-width") || word_is(w[i], "-offset") ? 2 : 0;
	return i;
}

static void macro_line(struct reader *r, const char *name, const struct word *w, size_t n)
{
	const struct macro *m = macro_find(name);
	switch (m->cls) {
	case M_SECT: case M_SUB:
		sub_end(r, m->cls == M_SECT);
		block_begin(r, name, "", w, n, false);
		*(m->cls == M_SECT ? &r->sect : &r->sub) = true;
		break;
	case M_PARA: case M_HP: case M_IP:
		block_end(r);
		block_begin(r, name, "", w, m->cls == M_IP ? n : 0, false);
		r->block = true;
		break;
	case M_TAG:
		block_end(r);
		r->want_head = true;
		break;
	case M_IT:
		item_begin(r, name, w, n);
		break;
	case M_RS:
		list_begin(r, name, w, n, 0);
		break;
	case M_BL:
		list_begin(r, name, w, n, list_type(w, n));
		break;
	case M_NF: case M_FI:
		r->nofill = m->cls == M_NF;
		content(r, name, NULL, 0, NULL, 0);
		break;
	case M_BD:
		r->nofill = n > 0 && (w[0].n > 2 && (w[0].p[1] == 'l' || w[0].p[1] == 'u'));
		man_open(r->m, MAN_ELEM, "sp", "", r->line, 0);
		man_close(r->m);
		break;
	case M_SKIP: case M_SM:
		break;
	case M_SP: case M_BR:
		man_open(r->m, MAN_ELEM, name, "", r->line, flags_of(r));
		man_close(r->m);
		break;
	case M_FONT: case M_ALT: case M_OP:
		if (n > 0 || !r->want_head)	/* alone it is about the next line, which may be a head */
			content(r, name, w, n, NULL, 0);
		break;
	case M_ND:
		show(r, "\\-", 2, 0);
		mdoc_words(r, w, n);
		break;
	default:
		if (!is_request(name) && (r->mdoc || (n > 0 && r->sect)))	/* before the first section those of man(7) only set things up */
			content(r, r->mdoc ? name : "B", w, n, NULL, 0);
		break;
	}
}

/* Skips a definition (.de ... ..); returns the first line after it. One that is never closed is read on. */
static uint64_t skip_definition(struct reader *r)
{
	const char *p;
	size_t n;
	for (uint64_t line = r->line + 1; !r->unclosed && man_line(r->m, line, &p, &n); line++)
		if (n >= 2 && memcmp(p, "..", 2) == 0)
			return line + 1;
	r->unclosed = true;
	return r->line + 1;
}

/* The first line after a request, which goes on behind a backslash that ends a line (that of \{\ begins a block, which is text). */
static uint64_t skip_continued(const struct man *m, uint64_t line)
{
	const char *p;
	size_t n;
	while (man_line(m, line++, &p, &n) && n > 1 && p[n - 1] == '\\' && p[n - 2] != '\\' && p[n - 2] != '{')
		;
	return line;
}

/* The length of a control line without its comment. */
static size_t before_comment(const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i] != '\\')
			continue;
		if (p[i + 1] == '"' || p[i + 1] == '#')
			return i;
		i++;
	}
	return n;
}

/* ".ie n X", ".if n X": where X begins; else 1, or n for a condition that doesn't hold or isn't known. */
static size_t skip_condition(const char *p, size_t n)
{
	bool cond = n > 5 && p[1] == 'i' && (p[2] == 'f' || p[2] == 'e') && p[3] == ' ';
	if (!cond)
		return 1;
	size_t i = 4;
	while (i < n && p[i] == ' ')
		i++;
	if (i + 1 >= n || p[i] != 'n' || p[i + 1] != ' ')
		return n;
	for (i++; i < n && (p[i] == ' ' || p[i] == '\t'); i++)
		;
	if (i + 1 < n && p[i] == '\\' && p[i + 1] == '{')
		i += 2;
	return i;
}

/* A request or macro; returns the first line after it. */
static uint64_t control_line(struct reader *r, const char *p, size_t n)
{
	n = before_comment(p, n);
	size_t i = skip_condition(p, n);
	if (i < n && i > 1 && p[i] != '.' && p[i] != '\'') {
		content(r, NULL, NULL, 0, p + i, n - i);
		return r->line + 1;
	}
	i += i > 1 && i < n;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	size_t from = i;
	while (i < n && p[i] != ' ' && p[i] != '\t' && p[i] != '\\')
		i++;
	char name[16] = "";
	size_t len = i - from < sizeof name ? i - from : sizeof name - 1;
	memcpy(name, p + from, len);
	if (strcmp(name, "INDENT") == 0 || strcmp(name, "UNINDENT") == 0)	/* what docutils calls them */
		memcpy(name, name[0] == 'I' ? "RS" : "RE", 3);
	if (strcmp(name, "de") == 0 || strcmp(name, "de1") == 0 || strcmp(name, "am") == 0 || strcmp(name, "ig") == 0)
		return skip_definition(r);
	if (strcmp(name, "ds") == 0)
		define(r, p + i, n - i);
	struct word w[ARGS_MAX];
	size_t k = arguments(p + i, n - i, w, ARGS_MAX);
	if (name[0] && !frame_line(r, name, w, k))
		macro_line(r, name, w, k);
	return is_request(name) ? skip_continued(r->m, r->line) : r->line + 1;
}

void man_roff(struct man *m)
{
	/* Pod's dash for a terminal is a letter that .tr shows as another. */
	struct reader r = { .m = m, .line = 1, .string = { { { "--", 2, 0 }, { "--", 2, 0 } } }, .n_string = 1 };
	const char *p;
	size_t n;
	man_head(m, "", "", false);
	while (man_line(m, r.line, &p, &n)) {
		size_t bom = r.line == 1 ? utf8_bom(p, n) : 0;
		p += bom;
		n -= bom;
		if (n > 0 && (p[0] == '.' || p[0] == '\'')) {
			r.line = control_line(&r, p, n);
			continue;
		}
		if (n > 0 || r.nofill)
			content(&r, NULL, NULL, 0, p, n);
		else
			man_open(m, MAN_ELEM, "sp", "", r.line, flags_of(&r)), man_close(m);
		r.line++;
	}
	sub_end(&r, true);
	buf_release(&r.text);
}
