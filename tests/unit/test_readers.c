/* SPDX-License-Identifier: Apache-2.0
 *
 * split_markdown, split_plain, split_html, split_code, split_man: what each makes of its markup. A chunk is shown as
 * [headings|unit|text], what follows the last is the title.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tokenize/split_types.h"

struct example { const char *text, *want; };

static int show(void *arg, const struct split_chunk *c, struct err *e)
{
	(void)e;
	buf_puts(arg, "[");
	for (size_t i = 0; i < c->n_sec; i++)
		buf_printf(arg, "%s%s", i ? "/" : "", c->sec[i]);
	buf_printf(arg, "|%s|%.*s]", unit_name(c->unit), (int)c->len, c->text);
	return 0;
}

static const char *mandoc;
static int show_place(void *arg, const struct split_chunk *c, struct err *e)
{
	(void)e;
	return buf_printf(arg, "[bytes %d-%d, lines %d-%d: %.*s]", (int)c->at.b0, (int)c->at.b1, (int)c->at.l0, (int)c->at.l1, (int)c->len, c->text);
}

static int read_man(struct split *s, struct src *src, struct doc_info *d, struct err *e)
{
	return split_man(s, src, d, mandoc, e);
}

typedef int (*reader)(struct split *, struct src *, struct doc_info *, struct err *);

static void become(reader read, split_fn shown, const struct example *x, size_t n)
{
	struct count *counter = count_new(NULL);
	for (size_t i = 0; i < n; i++) {
		struct buf got = {0};
		struct src src;
		struct doc_info d = { .file = "keel", .title = "keel" };
		struct split *s = split_new(counter, 256, shown, &got);
		assert_int_equal(src_open_mem(&src, x[i].text, strlen(x[i].text), "keel", NULL), 0);
		assert_int_equal(read(s, &src, &d, NULL), 0);
		assert_int_equal(split_close(s, NULL), 0);
		if (shown == show)
			buf_puts(&got, d.title);
		assert_string_equal(got.data, x[i].want);
		split_free(s);
		src_close(&src);
		buf_release(&got);
	}
	count_free(counter);
}
#define BECOME(read, x) become(read, show, x, sizeof(x) / sizeof *(x))

/* As mandoc reads it, where there is one. */
static void by_mandoc(const struct example *x, size_t n)
{
	mandoc = "mandoc";
	if (system("command -v mandoc >/dev/null") == 0)
		become(read_man, show, x, n);
	mandoc = NULL;
}
#define BY_MANDOC(x) by_mandoc(x, sizeof(x) / sizeof *(x))

static void markdown_headings(void **state)
{
	static const struct example x[] = {
		{ "## Rib\n\nelm\n\n# Keel\n\noak\n", "[Rib|section|elm][Keel|section|oak]keel" },
		{ "###### Six\n\nelm\n\n####### Seven\n", "[Six|section|elm\n\n####### Seven]keel" },
		{ "# Keel\n\noak\n\n#\n\nelm\n", "[Keel|section|oak][|para|elm]Keel" },
		{ "oak\n\n    # Keel\n\nelm\n", "[|para|oak\n\n# Keel\n\nelm]keel" },
		{ "Keel\n=\n\noak\n\nRib\n--  \n\nelm\n", "[Keel|section|oak][Keel/Rib|section|elm]Keel" },
		{ "Keel\n-\n\noak\n", "[|para|Keel\n-\n\noak]keel" },
		{ "- oak\n\nKeel\n====\n\nelm\n", "[|para|- oak][Keel|section|elm]Keel" },
	};
	(void)state;
	BECOME(split_markdown, x);
}

static void markdown_fences(void **state)
{
	static const struct example x[] = {
		{ "~~\n# Keel\n\noak\n", "[|para|~~][Keel|section|oak]Keel" },
		{ "~~~\n```\n# oak\n~~~\n", "[|code|~~~\n```\n# oak\n~~~]keel" },
		{ "````\n```\n# oak\n````\n", "[|code|````\n```\n# oak\n````]keel" },
		{ "oak\n\n    ```\n\n# Keel\n\nelm\n", "[|para|oak\n\n```][Keel|section|elm]Keel" },
		{ "1. ```\n   oak\n    ```\n# Keel\n\nelm\n", "[|code|1. ```\n   oak\n    ```][Keel|section|elm]Keel" },
		{ "- ```\n\toak\n\t```\n# Keel\n\nelm\n", "[|code|- ```\n\toak\n\t```][Keel|section|elm]Keel" },
	};
	(void)state;
	BECOME(split_markdown, x);
}

/* Of one block the lines stay as far apart as they are; between two blocks there is an empty line, between two items none. */
static void markdown_blocks(void **state)
{
	static const struct example x[] = {
		{ "12. oak\n\n13. elm\n", "[|para|12. oak\n13. elm]keel" },
		{ "1) oak\n\n2) elm\n", "[|para|1) oak\n2) elm]keel" },
		{ "+ oak\n\n+ elm\n", "[|para|+ oak\n+ elm]keel" },
		{ "- oak\n\n- elm\n  - ash\n\n\n  - fir\n- bay\n", "[|para|- oak\n- elm\n  - ash\n\n\n  - fir\n- bay]keel" },
		{ "- oak\nand elm\n- ash\n", "[|para|- oak\nand elm\n- ash]keel" },
		{ "- oak\n\n\n  elm\n\nash\n", "[|para|- oak\n\n\n  elm\n\nash]keel" },
		{ "| oak | 1 |\n|---|---|\n", "[|table|| oak | 1 |\n|---|---|]keel" },
		{ "| oak | 1 |\nelm\n| ash | 2 |\n", "[|para|| oak | 1 |\n\nelm\n\n| ash | 2 |]keel" },
		{ "oak\n    elm\n", "[|para|oak\n    elm]keel" },
		{ "\n    oak\n\n\n    elm\nash\n", "[|para|    oak\n\n\n    elm\n\nash]keel" },
		{ "\n    oak\n\n\n    elm\n", "[|code|    oak\n\n\n    elm]keel" },
	};
	(void)state;
	BECOME(split_markdown, x);
}

static void markdown_front_matter(void **state)
{
	static const struct example x[] = {
		{ "---\ntitle: Keel\n...\n# Rib\n\nelm\n", "[|code|title: Keel][Rib|section|elm]Keel" },
		{ "---\ntitle: \"Keel\" and 'rib\n---\n", "[|code|title: \"Keel\" and 'rib]\"Keel\" and 'rib" },
		{ "---\ntitle: |\n  oak\n---\n# Keel\n\nelm\n", "[|code|title: |\n  oak][Keel|section|elm]oak" },
		{ "---\ntitle: >-\n  oak\n  elm\n ash\nx: y\n  fir\n---\nbay\n",
			"[|para|title: >-\n  oak\n  elm\n ash\nx: y\n  fir\n\nbay]oak elm ash" },
		{ "---\ntitle: >\n  \nx: y\n---\n\f\n", "[|code|title: >\n  \nx: y]keel" },
		{ "---\ntitle: >\nx: y\n---\n", "[|code|title: >\nx: y]keel" },
		{ "oak\n\n---\ntitle: Keel\n---\n", "[|para|oak\n\n---\ntitle: Keel\n---]keel" },
		/* Never closed it is none. */
		{ "---\n# Keel\n\n```\noak\n```\nelm\n", "[Keel|section|```\noak\n```\n\nelm]Keel" },
		{ "+++\n# Keel\n\n---\n\noak", "[Keel|section|---\n\noak]Keel" },
		{ "---\rtitle: Keel\r---\r# Rib\r\relm", "[|code|title: Keel][Rib|section|elm]Keel" },
	};
	(void)state;
	BECOME(split_markdown, x);
}

static void plain_headings(void **state)
{
	static const struct example x[] = {
		{ "Keel\n====  \n\noak\n\nRibs\n---\n\nelm\n", "[Keel|section|oak][Keel/Ribs|section|elm]Keel" },
		{ "Keels\n===\n\noak\n", "[Keels|section|oak]Keels" },
		{ "Keelson\n====\n\noak\n", "[|para|Keelson\n====\n\noak]keel" },
		{ "----\nKeel\n====\n\noak\n", "[|para|----\nKeel\n====\n\noak]keel" },
		{ "====\nKeel\n====\n\n====\nRibs\n====\n\noak\n", "[Keel|section|Keel][Ribs|section|oak]Keel" },
		{ "Keel\n====\n\n====\nRibs\n====\n\noak\n", "[Keel/Ribs|section|oak]Keel" },
	};
	(void)state;
	BECOME(split_plain, x);
}

/* What is literal keeps its empty lines. */
static void plain_literal_text(void **state)
{
	static const struct example x[] = {
		{ "oak::\n\n  elm\n\n\n   ash\n fir\n\n\nbay\n", "[|para|oak::\n\n  elm\n\n\n   ash\n\nfir\n\nbay]oak::" },
		{ "  .. code-block:: c\n     :x:\n\n\n     elm\n\n  bay\n\n\n   fir\n",
			"[|para|.. code-block:: c\n\n     :x:\n\n\n     elm\n\nbay\n\nfir].. code-block:: c" },
		{ "oak\nash::\n\n  ::\n\n\n  elm\n", "[|para|oak\nash::\n\n  ::\n\n\n  elm]keel" },
		{ ".. note::\n\n   elm\n\n\n   ash\n", "[|para|.. note::\n\nelm\n\nash]elm" },
		{ "oak::\n  elm\n\n\n  ash\n", "[|para|oak::\n  elm\n\nash]keel" },
		{ "oak::\n\nelm\n\n\n  ash\n", "[|para|oak::\n\nelm\n\nash]oak::" },
		{ "oak\n::::\n\n  elm\n\n\n  ash\n", "[oak|section|elm\n\nash]oak" },
	};
	(void)state;
	BECOME(split_plain, x);
}

/* A title is the first line, where it stands alone and is more than two letters. */
static void plain_titles(void **state)
{
	static const struct example x[] = {
		{ "Keel\n\nRib\n\noak\n", "[|para|Keel\n\nRib\n\noak]Keel" },
		{ "Ke\n\nRib\n\noak\n", "[|para|Ke\n\nRib\n\noak]keel" },
		{ "oak and\nelm\n\nKeel\n\nash\n", "[|para|oak and\nelm\n\nKeel\n\nash]keel" },
		{ "----\nno mark\n\nKeel\n\noak\n", "[|para|----\nno mark\n\nKeel\n\noak]keel" },
		{ "..keel\n\noak\n", "[|para|..keel\n\noak]..keel" },
		{ ".. _keel:\n\nKeel\n===\n\noak\n\n.. _rib: \n.. _ribs:\n\nRib\n===\n\nelm\n", "[Keel|section|oak][Rib|section|elm]Keel" },
		{ ".. _oak: tree\n\n.. _:\n\nelm\n", "[|para|.. _oak: tree\n\n.. _:\n\nelm]keel" },
	};
	(void)state;
	BECOME(split_plain, x);
}

static void html_blocks(void **state)
{
	static const struct example x[] = {
		{ "<p>oak<blockquote>elm</blockquote>ash<aside>fir</aside>", "[|para|oak\n\nelm\n\nash\n\nfir]keel" },
		{ "<P>oak<BR>elm<H1>Keel</H1>ash", "[|para|oak\nelm][Keel|section|ash]Keel" },
		{ "oak<svg><text>no</text></svg><template>no</template><style>no</style><script>no</SCRIPT> elm", "[|para|oak elm]keel" },
		{ "<h1>Keel<br>and rib</h1>oak", "[Keel and rib|section|oak]Keel and rib" },
		{ "<pre>oak\n\n  <pre>elm</pre>\n\n\nash</pre>fir  bay", "[|para|oak\n\nelm\n\nash\n\nfir bay]keel" },
		{ "<pre><pre>oak</pre>elm  ash</pre>fir  bay", "[|para|oak\n\nelm  ash\n\nfir bay]keel" },
		{ "<pre>oak\n<div>elm\n\n\n</div><div>ash</div></pre>", "[|code|oak\nelm\n\n\nash]keel" },
		{ "<table><tr><td>oak<td><table><tr><td>elm</table>ash<tr><td>fir</table>", "[|table|oak |\n\nelm\n\nash\nfir]keel" },
		{ "<a title=\"1 > 2\">oak</a> <b it's>elm</b> <i>ash's</i>", "[|para|oak elm ash's]keel" },
		{ "oak&nbsp;&nbsp;&amp; elm &unknown; AT&T", "[|para|oak  & elm &unknown; AT&T]keel" },
		{ "<h1>Keel", "[Keel|section|Keel]Keel" },
		{ "oak<select><option>no<option>no</select><button>elm</button><button>ash</button>fir", "[|para|oak\n\nelm ash fir]keel" },
		{ "oak<nav><h2>no</h2><Nav class=x>no</NAV><navy>no</nav>elm", "[|para|oak\n\nelm]keel" },
		{ "<nav>oak<nav>elm<select>ash</nav>", "[|para|oak\n\nelm\n\nash]keel" },
		{ "<h2>Keel<span class=\"mw-editsection\"><span>[</span><a>edit</a>]</span></h2>oak", "[Keel|section|oak]keel" },
	};
	(void)state;
	BECOME(split_html, x);
}

static void html_titles_and_entries(void **state)
{
	static const struct example x[] = {
		{ "<title>Ship</title><h1>Keel</h1>oak<h1>Rib</h1>elm", "[Keel|section|oak][Rib|section|elm]Ship" },
		{ "<h2>Keel</h2>oak<h1>Rib</h1>elm<h1>Mast</h1>ash", "[Keel|section|oak][Rib|section|elm][Mast|section|ash]Rib" },
		{ "<title>Ship</title>oak", "[|para|oak]Ship" },
		{ "<dl><dt>-a</dt><dd>oak</dd><dt>-b</dt><dd>elm</dd></dl>ash", "[-a|option|-a\noak][-b|option|-b\nelm][|para|ash]keel" },
		{ "<dl><dt>-a<dd>oak<dt>-b<dd>elm</dl>ash", "[-a|option|-a\noak][-b|option|-b\nelm][|para|ash]keel" },
		{ "<dl><dt>-a<dd>oak<h2>Keel</h2>elm</dl>ash<dl><dd>fir</dd>bay</dl>",
			"[-a|option|-a\noak][Keel|section|elm\n\nash\n\nfir\n\nbay]keel" },
	};
	(void)state;
	BECOME(split_html, x);
}

static void code_titles(void **state)
{
	static const struct example x[] = {
		{ "-- Lays it.\n", "[|code|-- Lays it.]keel - Lays it." },
		{ "; Lays it.\n", "[|code|; Lays it.]keel - Lays it." },
		{ "%% Lays it.\n", "[|code|%% Lays it.]keel - Lays it." },
		{ "%define KEEL\n% Lays it.\n", "[|code|%define KEEL\n% Lays it.]keel" },
		{ "## Lays it.\n", "[|code|## Lays it.]keel - Lays it." },
		{ "<!DOCTYPE x>\n<!-- Lays it. -->\n", "[|code|<!DOCTYPE x>\n<!-- Lays it. -->]keel - Lays it." },
		{ "/* ---- Lays it ---- */\n", "[|code|/* ---- Lays it ---- */]keel - Lays it" },
		{ "# oak\n# Lays it. And more.\n", "[|code|# oak\n# Lays it. And more.]keel - Lays it." },
		{ "# License: free\n# Take it.\n#\n\n# Lays it.\n", "[|code|# License: free\n# Take it.\n#\n\n# Lays it.]keel - Lays it." },
		{ "/* Copyright me */ /* more */\n// Lays it.\n", "[|code|/* Copyright me */ /* more */\n// Lays it.]keel - Lays it." },
		{ "/* Copyright me\n\n   All of it.\n */\n// Lays it.\n",
			"[|code|/* Copyright me\n\n   All of it.\n */\n// Lays it.]keel - Lays it." },
	};
	(void)state;
	BECOME(split_code, x);
}

/* Only what begins at the margin, and closes nothing, begins a block: a chunk shows one empty line before it. */
static void code_blocks(void **state)
{
	static const struct example x[] = {
		{ "oak {\n\n\n\telm\n\n\n    ash\n\n\n}\n\n\nfir\n", "[|code|oak {\n\n\n\telm\n\n\n    ash\n\n\n}\n\nfir]keel" },
	};
	(void)state;
	BECOME(split_code, x);
}

#define HEAD ".TH KEEL 1\n.SH NAME\nkeel \\- lay it\n"
#define NAMED "[NAME|name|keel - lay it]"
#define TITLE "keel - lay it"
#define OAKS "oak oak oak oak oak oak oak oak"

static void man_text_and_macros(void **state)
{
	static const struct example x[] = {
		{ ".TH KEEL 1\n.SH OAK\nelm\n", "[OAK|section|elm]KEEL(1)" },
		{ ".TH KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK 1\n.SH A\noak\n\nelm\n",
			"[A|section|oak\n\nelm]KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK(1)" },
		{ HEAD ".so man1/rib.1\n.so\tman1/rib.1\nof oak\n", "[NAME|name|keel - lay it of oak]keel - lay it of oak" },
		{ HEAD ".SH A\n.B \"oak \"\"elm\"\"\" ash\n.BR a\\ b c\n.BR \\-\\-oak , \\-\\-elm\nfir\n",
			NAMED "[A|section|oak \"elm\" ash a bc --oak,--elm fir]" TITLE },
		{ HEAD ".SH A\nPress\n.BR Ctrl\\c\n.I x\n", NAMED "[A|section|Press Ctrlx]" TITLE },
		{ HEAD ".SH A\n.de XX\n.SH no\n..\n.de1 YY\n.SH no\n..\n.am ZZ\n.SH no\n..\n.ig\n.SH no\n..\noak\n", NAMED "[A|section|oak]" TITLE },
		{ HEAD ".SH A\n.ds X no\\\\\noak\n.ds X no \\\nno\nelm\n", NAMED "[A|section|oak elm]" TITLE },
		{ HEAD ".SH A\n.B oak \\\" no\n.ie n elm\n.el no\n.if t no\n.if n .B fir\n'B bay\n.if n \\{.B yew\n.\\}\n",
			NAMED "[A|section|oak elm fir bay yew]" TITLE },
		{ HEAD ".SH A\n.RS\noak\n.SH B\nelm\n.SS C\nash\n.SH D\nfir\n",
			NAMED "[A|section|oak][B|section|elm][B/C|section|ash][D|section|fir]" TITLE },
	};
	static const struct example mandoc_only[] = {
		{ HEAD ".SH A\n.UR http://x/\noak\n.UE ,\nelm\n", NAMED "[A|section|oak <http://x/>, elm]" TITLE },
		{ HEAD ".SH A\noak\n.SY lay\n.OP \\-a elm\n.YS\n", NAMED "[A|section|oak\nlay [-a elm]]" TITLE },
		{ HEAD ".SH A\n.nf\n.B oak\n    elm\n.fi\nash\n", NAMED "[A|section|oak\n    elm\n\nash]" TITLE },
		{ HEAD ".SH A\n.TS\nl l.\noak\telm [1] b\nT{\nash } 3 yew\nT}\tfir\n.TE\nbay\n.EQ\nx sup 2\n.EN\n",
			NAMED "[A|section|oak | elm [1] b\nash } 3 yew | fir\n\nbay x sup 2]" TITLE },
	};
	(void)state;
	BECOME(read_man, x);
	BY_MANDOC(x);
	BY_MANDOC(mandoc_only);
}

/* The title is NAME's first paragraph, up to where it is long, and what names something in others; there is one NAME. */
static void man_titles(void **state)
{
	static const struct example x[] = {
		{ ".TH KEEL 1\n.SH NAME\nribs\n.SH A\noak\n", "[NAME|name|ribs][A|section|oak]ribs" },
		{ HEAD ".PP\nrib \\(en fit it\n.PP\nmast \\(em step it\n.PP\nno more\n",
			"[NAME|name|keel - lay it\n\nrib \xE2\x80\x93 fit it\n\nmast \xE2\x80\x94 step it\n\nno more]"
			"keel - lay it rib \xE2\x80\x93 fit it mast \xE2\x80\x94 step it" },
		{ ".TH KEEL 1\r\n.SH NAME\r\nkeel \\- lay it\r\n", NAMED TITLE },
		{ HEAD ".TH RIB 1\n.SH A\noak\n", NAMED "[A|section|oak]" TITLE },
		{ HEAD ".SH NAME\nrib \\- fit it\n", NAMED "[NAME|section|rib - fit it]" TITLE },
		{ HEAD OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n",
			"[NAME|name|" TITLE " " OAKS " " OAKS " " OAKS " " OAKS " " OAKS " " OAKS "]"
			TITLE " " OAKS " " OAKS " " OAKS " " OAKS " " OAKS },
	};
	(void)state;
	BECOME(read_man, x);
	BY_MANDOC(x);
}

static void man_literal_text(void **state)
{
	static const struct example x[] = {
		{ HEAD ".SH A\n.nf\noak\n.B elm ash\n.SH B\nfir\nbay\n", NAMED "[A|section|oak\nelm ash][B|section|fir bay]" TITLE },
		{ HEAD ".SH A\noak\n.EX\nelm\n\n  ash\n.EE\nfir\n.br\nbay\n", NAMED "[A|section|oak\n\nelm\n\n  ash\n\nfir\nbay]" TITLE },
		{ HEAD ".SH A\n.nf\noak\n.sp\nelm\n.fi\n", NAMED "[A|section|oak\n\nelm]" TITLE },
	};
	(void)state;
	BECOME(read_man, x);
	BY_MANDOC(x);
}

static void man_entries(void **state)
{
	static const struct example x[] = {
		{ HEAD ".SH A\nIn short.\n.RS\noak\n.RE\n", NAMED "[A|section|In short.\n\noak]" TITLE },
		{ HEAD ".SH A\noak\n.TP 4\n.B \\-a\nelm\n.TP\n\\fB-b\\fR\nash\n.PP\nfir\n",
			NAMED "[A|para|oak][A/-a|option|-a\nelm][A/-b|option|-b\nash][A|para|fir]" TITLE },
		{ HEAD ".SH A\n.TP\n.B \\-a\n.TQ\n.B \\-b\nelm\n.IP \\-c 4\nash\n.IP\nfir\n",
			NAMED "[A/-a, -b|option|-a, -b\nelm][A/-c|option|-c\nash\n\nfir]" TITLE },
		{ HEAD ".SH A\n.IP \\(bu 2\noak\n.IP \\(bu\nelm\n.IP 1. 4\nash\n.IP (2) 4\nfir\n.IP o\nbay\n.IP a.\nyew\n",
			NAMED "[A|section|\xE2\x80\xA2 oak\n\xE2\x80\xA2 elm\n1. ash\n(2) fir\no bay\na. yew]" TITLE },
		{ HEAD ".SH A\n.TP\n.B \\-a\nelm\n.RS\n.TP\n.B on\nash\n.TP\n.B off\nfir\n.RE\n.TP\n.B \\-b\nbay\n",
			NAMED "[A/-a|option|-a\nelm\non  ash\noff  fir][A/-b|option|-b\nbay]" TITLE },
		{ HEAD ".SH A\n.B \\-a\n.RS\noak\n.RE\n.PP\n.B lay\n.RS\nelm\n.RE\n", NAMED "[A/-a|option|-a\noak][A/lay|entry|lay\nelm]" TITLE },
		{ HEAD ".SH A\nSay:\n.RS\noak\n.RE\n.PP\none two three four\n.RS\nelm\n.RE\n",
			NAMED "[A|section|Say:\n\noak\n\none two three four\n\nelm]" TITLE },
		{ HEAD ".SH A\n.B " OAKS " oak oak oak oak\n.RS\nelm\n.RE\n.PP\n.B lay keel...\n.RS\nash\n.RE\n",
			NAMED "[A/" OAKS " oak oak oak oak|entry|" OAKS " oak oak oak oak\nelm][A/lay keel...|entry|lay keel...\nash]" TITLE },
		{ HEAD ".SH A\n.B " OAKS " oak oak oak oak oak\n.RS\nelm\n.RE\n", NAMED "[A|section|" OAKS " oak oak oak oak oak\n\nelm]" TITLE },
		{ HEAD ".SH A\n\\-? lay it and go\n.RS\noak\n.RE\n.PP\n[\\-a lay it and go]\n.RS\nelm\n.RE\n",
			NAMED "[A/-? lay it and go|option|-? lay it and go\noak][A/[-a lay it and go]|option|[-a lay it and go]\nelm]" TITLE },
		{ HEAD ".SH A\n\\-a\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n.RS\nelm\n.RE\n",
			NAMED "[A|section|-a " OAKS " " OAKS " " OAKS " " OAKS " " OAKS " " OAKS " " OAKS " " OAKS "\n\nelm]" TITLE },
		{ HEAD ".SH A\n\\-a " OAKS "\n" OAKS "\n" OAKS "\n" OAKS "\n    elm\n.PP\n\\-b  ash\n    fir\n",
			NAMED "[A|section|-a " OAKS " " OAKS " " OAKS " " OAKS "\n    elm\n\n-b  ash\n    fir]" TITLE },
		{ HEAD ".SH A\n.IP \\(:u 4\noak\n.IP (12) 4\nelm\n", NAMED "[A/\xC3\xBC|entry|\xC3\xBC\noak\n\n(12) elm]" TITLE },
		{ HEAD ".SH A\n\\-a\n.IP\noak\n.PP\n\\-b\n.IP\nelm\n", NAMED "[A/-a|option|-a\noak][A/-b|option|-b\nelm]" TITLE },
		{ HEAD ".SH A\n.TP\n.B [\\-?]\noak\n.TP\n.B \"+x\"\nelm\n.TP\n.B ...\nash\n.TP\n.B 12\nfir\n.TP\n.B x:\nbay\n",
			NAMED "[A/[-?]|option|[-?]\noak][A/+x|option|+x\nelm][A/...|entry|...\nash\n\n12 fir\nx: bay]" TITLE },
	};
	(void)state;
	BECOME(read_man, x);
	BY_MANDOC(x);
}

static void man_macros_have_any_number_of_arguments_and_need_no_end(void **state)
{
	struct buf line = {0}, sections = {0}, want = {0};
	(void)state;
	buf_puts(&line, ".SH A\n.B");
	buf_puts(&want, "[A|section|");
	for (int i = 0; i < 150; i++) {
		buf_puts(&line, " w");
		buf_puts(&want, i ? " w" : "w");
	}
	buf_puts(&want, "]");
	become(read_man, show, &(struct example){ line.data, want.data }, 1);
	buf_clear(&want);
	for (int i = 0; i < 100; i++) {
		buf_puts(&sections, ".SH A\n.RS\noak\n");
		buf_puts(&want, "[A|section|oak]");
	}
	become(read_man, show, &(struct example){ sections.data, want.data }, 1);
	buf_release(&line);
	buf_release(&sections);
	buf_release(&want);
}

/* Up to 6 it tells of faults of the page. */
static void mandoc_may_find_faults_but_not_fail(void **state)
{
	static const struct { const char *begins, *ends; int want; } x[] = {
		{ "", "exit 0", 0 }, { "", "exit 6", 0 }, { "", "exit 7", ERR_FORMAT }, { "exit 0", "", ERR_FORMAT },
	};
	static const char tree[] = "title = \"KEEL\"\n\nSH (block) *1:2\n  SH (head) 1:2\n      A (text) 1:5\n"
		"  SH (body) 1:2\n      oak (text) *2:1\n";
	char path[] = "/tmp/test_readers_XXXXXX";
	int fd = mkstemp(path);
	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(path, 0700), 0);
	mandoc = path;
	for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
		struct count *counter = count_new(NULL);
		struct buf got = {0};
		struct src src;
		struct doc_info d = { .file = "keel" };
		struct split *s = split_new(counter, 256, show, &got);
		FILE *f = fopen(path, "w");
		fprintf(f, "#!/bin/sh\n%s\ncat <<E\n%sE\n%s\n", x[i].begins, tree, x[i].ends);
		fclose(f);
		assert_int_equal(src_open_mem(&src, ".SH A\noak\n", 10, "keel", NULL), 0);
		assert_int_equal(read_man(s, &src, &d, NULL), x[i].want);
		assert_int_equal(split_close(s, NULL), 0);
		if (!x[i].want)
			assert_string_equal(got.data, "[A|section|oak]");
		split_free(s);
		src_close(&src);
		buf_release(&got);
		count_free(counter);
	}
	mandoc = NULL;
	unlink(path);
}

#define DOC ".Dd May 1, 2026\n.Dt KEEL 1\n.Os\n.Sh NAME\n.Nm keel\n.Nd lay it\n"

static void mdoc_text_and_macros(void **state)
{
	static const struct { const char *text, *own, *by_mandoc; } x[] = {
		{ DOC ".Sh A\n.Nm\n.Op Fl ab\n.Op Fl c Ar oak\n.Ar elm ...\n", "keel -ab -c oak elm ...", "keel [-ab] [-c oak] elm ..." },
		{ DOC ".Sh A\nSee\n.Xr rib 1 ,\n.Nm Fl v\nand\n.Nm Rib .\n.Nm\nis\n.Dq oak\nor\n.Pq elm .\n",
			"See rib(1), keel -v and Rib. keel is oak or elm.", "See rib(1), keel -v and Rib. keel is \"oak\" or (elm)." },
		{ DOC ".Sh A\n.Fn lay \"int oak\" \"int elm\"\n.Fo fit\n.Fa oak\n.Fa elm\n.Fc\n.Ft int\n.In keel.h\n",
			"lay int oak int elm fit oak elm int keel.h", "lay(int oak, int elm)\nfit(oak, elm)\nint #include <keel.h>" },
		{ DOC ".Sh A\n.Pf x Ar oak\n.Fl a Ns Ar elm\n.Sm off\n.Fl b , c\n.Sm on\nash\n.Ap s\n.Eo <\n.Em fir\n.Ec >\n.Brq bay\n",
			"x oak -aelm -b, c ash s < fir > bay", "xoak -aelm -b,-c ash's <fir> {bay}" },
		{ DOC ".Sh A\nUse\n.Fl\nor\n.Fl Fl lay , Fl Ns Ar oak , Fl b ;\n.Op Fl\n.Fn lay\n",
			"Use - or --lay, -oak, -b; - lay", "Use - or --lay, -oak, -b; [-] lay()" },
		{ DOC ".Sh A\n.Ar ( oak ) elm\n", "(oak) elm", "(oak) elm" },
		{ DOC ".Sh A\noak\n.Dl lay keel\nelm\n.D1 fit rib\nash\n", "oak lay keel elm fit rib ash",
			"oak\n\nlay keel\n\nelm\n\nfit rib\n\nash" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
		char want[2][256];
		for (int k = 0; k < 2; k++)
			snprintf(want[k], sizeof want[k], "%s[A|section|%s]%s", NAMED, k ? x[i].by_mandoc : x[i].own, TITLE);
		become(read_man, show, &(struct example){ x[i].text, want[0] }, 1);
		by_mandoc(&(struct example){ x[i].text, want[1] }, 1);
	}
}

static void mdoc_lists_and_displays(void **state)
{
	static const struct example x[] = {
		{ DOC ".Sh A\n.Bl -tag -width x\n.It Fl a\noak\n.Bl -bullet\n.It\nelm\n.It\nash\n.El\nfir\n.It Fl b\nbay\n.El\nyew\n",
			NAMED "[A/-a|option|-a\noak\n\n\xE2\x80\xA2 elm\n\xE2\x80\xA2 ash\n\nfir][A/-b|option|-b\nbay][A|para|yew]" TITLE },
		{ DOC ".Sh A\noak\n.Bd -literal\nelm\n  ash\n.Ic lay keel\n.Ed\nfir\n",
			NAMED "[A|section|oak\n\nelm\n  ash\nlay keel\n\nfir]" TITLE },
		{ DOC ".Sh A\n.Bd -unfilled\noak\nelm\n.Ed\n.Bd -ragged\nash\nfir\n.Ed\n", NAMED "[A|section|oak\nelm\n\nash fir]" TITLE },
		{ DOC ".Sh A\n.Bl -enum\n.It\noak\n.It\nelm\n.El\n.Bl -item\n.It\nash\n.El\n", NAMED "[A|section|1. oak\n2. elm\nash]" TITLE },
	};
	static const struct example mandoc_only[] = {	/* one chunk of several in its section tells what it is */
		{ DOC ".Sh A\n.Bl -tag -width x\n.It Fl a\noak\n.El\n"
			".Bl -column a b\n.It elm Ta ash\n.El\n.Bl -tag -width x\n.It Fl b\nfir\n.El\n.Dl lay keel\n",
			NAMED "[A/-a|option|-a\noak][A|table|elm | ash][A/-b|option|-b\nfir][A|code|lay keel]" TITLE },
	};
	(void)state;
	BECOME(read_man, x);
	BY_MANDOC(x);
	BY_MANDOC(mandoc_only);
}

/* A heading over nothing is a chunk, which stands where all of the heading does. */
static void headings_have_places(void **state)
{
	static const struct { reader read; struct example x; } place[] = {
		{ split_markdown, { "\nKeel\n====\n\n# Rib\n", "[bytes 1-10, lines 2-3: Keel][bytes 12-17, lines 5-5: Rib]" } },
		{ split_plain, { "\n====\nKeel\n====\n", "[bytes 1-15, lines 2-4: Keel]" } },
		{ split_html, { "\n<h1>\nKeel\n<b>and\nrib</b>\n</h1>", "[bytes 6-21, lines 3-5: Keel and rib]" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof place / sizeof *place; i++)
		become(place[i].read, show_place, &place[i].x, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markdown_headings),
		cmocka_unit_test(markdown_fences),
		cmocka_unit_test(markdown_blocks),
		cmocka_unit_test(markdown_front_matter),
		cmocka_unit_test(plain_headings),
		cmocka_unit_test(plain_literal_text),
		cmocka_unit_test(plain_titles),
		cmocka_unit_test(html_blocks),
		cmocka_unit_test(html_titles_and_entries),
		cmocka_unit_test(code_titles),
		cmocka_unit_test(code_blocks),
		cmocka_unit_test(man_text_and_macros),
		cmocka_unit_test(man_titles),
		cmocka_unit_test(man_literal_text),
		cmocka_unit_test(man_entries),
		cmocka_unit_test(man_macros_have_any_number_of_arguments_and_need_no_end),
		cmocka_unit_test(mandoc_may_find_faults_but_not_fail),
		cmocka_unit_test(mdoc_text_and_macros),
		cmocka_unit_test(mdoc_lists_and_displays),
		cmocka_unit_test(headings_have_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
