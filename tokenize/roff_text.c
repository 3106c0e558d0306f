/* SPDX-License-Identifier: Apache-2.0
 *
 * roff_text: escapes by the groff(7) and mandoc_roff(7) manuals. An escape is a backslash, a letter, and then nothing, one
 * name (x, (xx or [xxx]) or one quoted argument, by the letter:
 *
 *	\*x \*(Aq					a string that the page does not define: a quotation mark, or dropped
 *	\fB \f(CW \f[B]  \n  \m \M \F \g \k \Y \O \V	name, dropped	\s+1 \s-1 \s10 \s'..'	size, dropped
 *	\h'..' \v'..' \w'..' \l \L \D \X \Z \A \B \b \R \H \S	quoted, dropped (\h gives a space if it moves right)
 *	\o'..'						quoted, shown
 *	\(xx \[xxx] \[e aa] \[u263A] \[char46] \C'xxx' \N'46'	a character	\- \& \| \^ \e \. \' \` \~ \0 "\ "	themselves or nothing
 *
 * Quotation marks and apostrophes come out in ASCII: people search for what they can type.
 */
#include "tokenize/roff_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

struct glyph { char name[4]; uint16_t cp; };

/* Sorted by name; mandoc_char(7). */
static const struct glyph glyph[] = {
	{"!=",0x2260}, {"%0",0x2030}, {"'A",0xC1}, {"'C",0x106}, {"'E",0xC9}, {"'I",0xCD}, {"'O",0xD3}, {"'U",0xDA},
	{"'Y",0xDD}, {"'a",0xE1}, {"'c",0x107}, {"'e",0xE9}, {"'i",0xED}, {"'o",0xF3}, {"'u",0xFA}, {"'y",0xFD},
	{"**",0x2217}, {"*A",0x391}, {"*B",0x392}, {"*C",0x39E}, {"*D",0x394}, {"*E",0x395}, {"*F",0x3A6}, {"*G",0x393},
	{"*H",0x398}, {"*I",0x399}, {"*K",0x39A}, {"*L",0x39B}, {"*M",0x39C}, {"*N",0x39D}, {"*O",0x39F}, {"*P",0x3A0},
	{"*Q",0x3A8}, {"*R",0x3A1}, {"*S",0x3A3}, {"*T",0x3A4}, {"*U",0x3A5}, {"*W",0x3A9}, {"*X",0x3A7}, {"*Y",0x397},
	{"*Z",0x396}, {"*a",0x3B1}, {"*b",0x3B2}, {"*c",0x3BE}, {"*d",0x3B4}, {"*e",0x3B5}, {"*f",0x3D5}, {"*g",0x3B3},
	{"*h",0x3B8}, {"*i",0x3B9}, {"*k",0x3BA}, {"*l",0x3BB}, {"*m",0x3BC}, {"*n",0x3BD}, {"*o",0x3BF}, {"*p",0x3C0},
	{"*q",0x3C8}, {"*r",0x3C1}, {"*s",0x3C3}, {"*t",0x3C4}, {"*u",0x3C5}, {"*w",0x3C9}, {"*x",0x3C7}, {"*y",0x3B7},
	{"*z",0x3B6}, {"+-",0xB1}, {"+e",0x3F5}, {"+f",0x3C6}, {"+h",0x3D1}, {"+p",0x3D6}, {",C",0xC7}, {",c",0xE7},
	{"-+",0x2213}, {"->",0x2192}, {"-D",0xD0}, {"-h",0x210F}, {".i",0x131}, {".j",0x237}, {"/L",0x141}, {"/O",0xD8},
	{"/_",0x2220}, {"/l",0x142}, {"/o",0xF8}, {"12",0xBD}, {"14",0xBC}, {"18",0x215B}, {"34",0xBE}, {"38",0x215C},
	{"3d",0x2234}, {"58",0x215D}, {"78",0x215E}, {":A",0xC4}, {":E",0xCB}, {":I",0xCF}, {":O",0xD6}, {":U",0xDC},
	{":a",0xE4}, {":e",0xEB}, {":i",0xEF}, {":o",0xF6}, {":u",0xFC}, {":y",0xFF}, {"<-",0x2190}, {"<<",0x226A},
	{"<=",0x2264}, {"<>",0x2194}, {"==",0x2261}, {"=~",0x2245}, {">=",0x2265}, {">>",0x226B}, {"AE",0xC6},
	{"AN",0x2227}, {"Ah",0x2135}, {"Bq",0x201E}, {"CL",0x2663}, {"CR",0x21B5}, {"Cs",0xA4}, {"DI",0x2666},
	{"Do",0x24}, {"Eu",0x20AC}, {"Fc",0xBB}, {"Fi",0xFB03}, {"Fl",0xFB04}, {"Fn",0x192}, {"Fo",0xAB}, {"HE",0x2665},
	{"IJ",0x132}, {"Im",0x2111}, {"Lq",0x22}, {"OE",0x152}, {"OK",0x2713}, {"OR",0x2228}, {"Of",0xAA}, {"Om",0xBA},
	{"Po",0xA3}, {"Re",0x211C}, {"Rq",0x22}, {"S1",0xB9}, {"S2",0xB2}, {"S3",0xB3}, {"SP",0x2660}, {"Sd",0xF0},
	{"TP",0xDE}, {"Tp",0xFE}, {"Ye",0xA5}, {"^A",0xC2}, {"^E",0xCA}, {"^I",0xCE}, {"^O",0xD4}, {"^U",0xDB},
	{"^a",0xE2}, {"^e",0xEA}, {"^i",0xEE}, {"^o",0xF4}, {"^u",0xFB}, {"`A",0xC0}, {"`E",0xC8}, {"`I",0xCC},
	{"`O",0xD2}, {"`U",0xD9}, {"`a",0xE0}, {"`e",0xE8}, {"`i",0xEC}, {"`o",0xF2}, {"`u",0xF9}, {"a\"",0x2DD},
	{"a-",0xAF}, {"a.",0x2D9}, {"a^",0x5E}, {"aa",0xB4}, {"ab",0x2D8}, {"ac",0xB8}, {"ad",0xA8}, {"ae",0xE6},
	{"ah",0x2C7}, {"an",0x23AF}, {"ao",0x2DA}, {"ap",0x223C}, {"aq",0x27}, {"at",0x40}, {"a~",0x7E}, {"ba",0x7C},
	{"bb",0xA6}, {"bq",0x201A}, {"br",0x2502}, {"bu",0x2022}, {"bv",0x23AA}, {"c*",0x2297}, {"c+",0x2295},
	{"ca",0x2229}, {"ci",0x25CB}, {"co",0xA9}, {"cq",0x27}, {"ct",0xA2}, {"cu",0x222A}, {"dA",0x21D3}, {"da",0x2193},
	{"dd",0x2021}, {"de",0xB0}, {"dg",0x2020}, {"di",0xF7}, {"dq",0x22}, {"em",0x2014}, {"en",0x2013}, {"eq",0x3D},
	{"es",0x2205}, {"eu",0x20AC}, {"f/",0x2044}, {"fa",0x2200}, {"fc",0x203A}, {"ff",0xFB00}, {"fi",0xFB01},
	{"fl",0xFB02}, {"fm",0x2032}, {"fo",0x2039}, {"ga",0x60}, {"gr",0x2207}, {"hA",0x21D4}, {"ha",0x5E}, {"ho",0x2DB},
	{"hy",0x2D}, {"ib",0x2286}, {"if",0x221E}, {"ij",0x133}, {"ip",0x2287}, {"is",0x222B}, {"lA",0x21D0}, {"lB",0x5B},
	{"lC",0x7B}, {"la",0x27E8}, {"lb",0x23A9}, {"lc",0x2308}, {"lf",0x230A}, {"lh",0x261C}, {"lk",0x23A8},
	{"lq",0x22}, {"lt",0x23A7}, {"lz",0x25CA}, {"mc",0xB5}, {"md",0x22C5}, {"mi",0x2D}, {"mo",0x2208}, {"mu",0xD7},
	{"nb",0x2284}, {"nc",0x2285}, {"ne",0x2262}, {"nm",0x2209}, {"no",0xAC}, {"oA",0xC5}, {"oa",0xE5}, {"oe",0x153},
	{"oq",0x27}, {"or",0x7C}, {"pc",0xB7}, {"pd",0x2202}, {"pl",0x2B}, {"pp",0x22A5}, {"ps",0xB6}, {"pt",0x221D},
	{"r!",0xA1}, {"r?",0xBF}, {"rA",0x21D2}, {"rB",0x5D}, {"rC",0x7D}, {"ra",0x27E9}, {"rb",0x23AD}, {"rc",0x2309},
	{"rf",0x230B}, {"rg",0xAE}, {"rh",0x261E}, {"rk",0x23AC}, {"rn",0x203E}, {"rq",0x22}, {"rs",0x5C}, {"rt",0x23AB},
	{"ru",0x5F}, {"sb",0x2282}, {"sc",0xA7}, {"sd",0x2033}, {"sh",0x23}, {"sl",0x2F}, {"sp",0x2283}, {"sq",0x25A1},
	{"sr",0x221A}, {"ss",0xDF}, {"st",0x220B}, {"sum",0x2211}, {"t+-",0xB1}, {"tdi",0xF7}, {"te",0x2203},
	{"tf",0x2234}, {"ti",0x7E}, {"tm",0x2122}, {"tmu",0xD7}, {"tno",0xAC}, {"ts",0x3C2}, {"uA",0x21D1}, {"ua",0x2191},
	{"ul",0x5F}, {"vA",0x21D5}, {"vS",0x160}, {"vZ",0x17D}, {"va",0x2195}, {"vs",0x161}, {"vz",0x17E}, {"wp",0x2118},
	{"|=",0x2243}, {"~=",0x2248}, {"~A",0xC3}, {"~N",0xD1}, {"~O",0xD5}, {"~a",0xE3}, {"~n",0xF1}, {"~o",0xF5},
	{"~~",0x2248},
};

static int glyph_cmp(const void *key, const void *elem)
{
	const struct glyph *e = elem;
	return strcmp(key, e->name);
}

static void put_cp(struct buf *out, uint32_t cp)
{
	char enc[4];
	if (cp == 0xA0)
		cp = ' ';
	if (cp == 0x2010)
		cp = '-';
	if (cp == 0xAD)
		return;
	if (cp < 0x20 || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
		cp = UTF8_BAD;
	buf_add(out, enc, utf8_encode(cp, enc));
}

/* A character by its number. */
static void put_code(struct buf *out, const char *s, size_t n)
{
	uint32_t cp = 0;
	size_t i = 0;
	for (; i < n && s[i] >= '0' && s[i] <= '9' && cp < 0x1000000; i++)
		cp = cp * 10 + (uint32_t)(s[i] - '0');
	if (i > 0)
		put_cp(out, cp);
}

static const char HEX[] = "0123456789ABCDEF";

/* Characters by their code points: "263A", "0041_0301". */
static void put_points(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t cp = 0;
		const char *d;
		for (; i < n && cp < 0x1000000 && (d = memchr(HEX, s[i], 16)); i++)
			cp = cp * 16 + (uint32_t)(d - HEX);
		put_cp(out, cp);
		while (i < n && s[i] != '_')
			i++;
	}
}

/* "e aa", a letter and its accent, becomes the letter's own name: "'e". */
static void accented(char name[8])
{
	static const char accent[][4] = { "aa'", "ga`", "a^^", "ha^", "ad:", "a~~", "ti~", "ac,", "aoo", "ahv" };
	for (size_t i = 0; strlen(name) == 4 && name[1] == ' ' && i < sizeof accent / sizeof *accent; i++)
		if (memcmp(name + 2, accent[i], 2) == 0) {
			name[1] = name[0];
			name[0] = accent[i][2];
			name[2] = 0;
		}
}

/* A glyph by its name: table, u263A (and u0041_0301), char46. Unknown names are shown as they are. */
static void put_glyph(struct buf *out, const char *s, size_t n)
{
	char name[8];
	if (n < sizeof name) {
		memcpy(name, s, n);
		name[n] = 0;
		accented(name);
		const struct glyph *g = bsearch(name, glyph, sizeof glyph / sizeof *glyph, sizeof *glyph, glyph_cmp);
		if (g) {
			put_cp(out, g->cp);
			return;
		}
	}
	if (n >= 5 && n <= 40 && s[0] == 'u' && strchr(HEX, s[1]))
		put_points(out, s + 1, n - 1);
	else if (n > 4 && n < 8 && memcmp(s, "char", 4) == 0)
		put_code(out, s + 4, n - 4);
	else
		buf_add(out, s, n);
}

size_t roff_name(const char *s, size_t n, const char **name, size_t *len)
{
	*name = s;
	*len = 0;
	if (n == 0)
		return 0;
	if (s[0] == '(') {
		*name = s + 1;
		*len = n < 3 ? n - 1 : 2;
		return 1 + *len;
	}
	if (s[0] == '[') {
		const char *end = memchr(s, ']', n);
		*name = s + 1;
		*len = end ? (size_t)(end - s) - 1 : n - 1;
		return end ? *len + 2 : n;
	}
	*len = 1;
	return 1;
}

/* An argument between two equal delimiters. Returns the bytes taken. */
static size_t take_quoted(const char *s, size_t n, const char **arg, size_t *len)
{
	*arg = s;
	*len = 0;
	if (n == 0)
		return 0;
	const char *end = n > 1 ? memchr(s + 1, s[0], n - 1) : NULL;
	*arg = s + 1;
	*len = end ? (size_t)(end - s) - 1 : n - 1;
	return end ? *len + 2 : n;
}

/* \s: [+-]digit[digit], (dd, [..], '..'. */
static size_t take_size(const char *s, size_t n)
{
	size_t i = 0;
	const char *name;
	size_t len;
	if (i < n && (s[i] == '+' || s[i] == '-'))
		i++;
	if (i == n)
		return i;
	if (s[i] == '\'')
		return i + take_quoted(s + i, n - i, &name, &len);
	if (s[i] == '(' || s[i] == '[')
		return i + roff_name(s + i, n - i, &name, &len);
	if (s[i] >= '0' && s[i] <= '9') {
		bool two = i == 0 && s[i] >= '1' && s[i] <= '3' && i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9';
		i += two ? 2 : 1;
	}
	return i;
}

/* The escape after the backslash at s[0..n); returns the bytes taken. */
static size_t escape(const char *s, size_t n, struct buf *out)
{
	const char *arg;
	size_t len, took;
	switch (s[0]) {
	case '*':	/* strings that pages expect to be there */
		took = roff_name(s + 1, n - 1, &arg, &len);
		if (len == 2 && memcmp(arg, "Aq", 2) == 0)
			buf_putc(out, '\'');
		else if (len == 2 && (memcmp(arg, "lq", 2) == 0 || memcmp(arg, "rq", 2) == 0))
			buf_putc(out, '"');
		return 1 + took;
	case 'f': case 'n': case 'm': case 'M': case 'F': case 'g': case 'k': case 'Y': case 'V': case 'O':
		took = s[0] == 'n' && n > 1 && (s[1] == '+' || s[1] == '-') ? 2 : 1;
		return took + roff_name(s + took, n - took, &arg, &len);
	case 's':
		return 1 + take_size(s + 1, n - 1);
	case 'h':
		took = 1 + take_quoted(s + 1, n - 1, &arg, &len);
		if (len > 0 && arg[0] != '-')
			buf_putc(out, ' ');
		return took;
	case 'v': case 'w': case 'l': case 'L': case 'D': case 'X': case 'Z': case 'A': case 'B': case 'b':
	case 'R': case 'H': case 'S': case 'x':
		return 1 + take_quoted(s + 1, n - 1, &arg, &len);
	case 'N':
		took = 1 + take_quoted(s + 1, n - 1, &arg, &len);
		put_code(out, arg, len);
		return took;
	case 'o':	/* one over the other: both are shown */
		took = 1 + take_quoted(s + 1, n - 1, &arg, &len);
		roff_text(arg, len, out);
		return took;
	case 'C':
		took = 1 + take_quoted(s + 1, n - 1, &arg, &len);
		put_glyph(out, arg, len);
		return took;
	case '(': case '[':
		took = roff_name(s, n, &arg, &len);
		put_glyph(out, arg, len);
		return took;
	case '&': case '|': case '^': case '%': case ':': case '/': case ',': case ')': case '{': case '}': case 'c':
	case 'd': case 'u': case 'r': case 'p': case 'z': case 'a': case '!': case '?':
		return 1;
	case '~': case '0': case ' ': case 't':
		buf_putc(out, ' ');
		return 1;
	case 'e': case 'E': case '\\':
		buf_putc(out, '\\');
		return 1;
	case '"': case '#':
		return n;
	default:	/* \- \. \' \` \_ and what is unknown: the character itself */
		buf_putc(out, s[0]);
		return 1;
	}
}

/* mandoc marks a hyphen that may end a line by 30, a space that may not by 31, and break points by 28 and 29. */
static void put_plain(struct buf *out, const char *s, size_t n)
{
	size_t from = out->len, to = from;
	if (buf_add(out, s, n) < 0)
		return;
	for (size_t i = from; i < out->len; i++) {
		char c = out->data[i];
		if (c != 28 && c != 29)
			out->data[to++] = c == 30 ? '-' : c == 31 ? ' ' : c;
	}
	out->len = to;
	out->data[to] = 0;
}

bool roff_text(const char *s, size_t n, struct buf *out)
{
	bool joined = false;
	while (n > 0) {
		const char *bs = memchr(s, '\\', n);
		size_t plain = bs ? (size_t)(bs - s) : n;
		if (plain > 0)
			joined = false;
		put_plain(out, s, plain);
		s += plain;
		n -= plain;
		if (n < 2)
			break;
		joined = s[1] == 'c';
		size_t took = 1 + escape(s + 1, n - 1, out);
		s += took;
		n -= took;
	}
	return joined;
}

bool roff_begins_bold(const char *s, size_t n)
{
	return n > 2 && s[0] == '\\' && s[1] == 'f' && s[2] != 'R' && s[2] != 'P' && s[2] != '1';
}
