/* SPDX-License-Identifier: Apache-2.0
 *
 * man_macro: the table, sorted by name (what is not here is shown as plain text), and the types of lists.
 */
#include "tokenize/man_macro.h"

#include <stdlib.h>
#include <string.h>

static const struct macro macro[] = {
	{ "AT", M_SKIP, "", "" }, { "Ao", M_ENC, "<", ">" }, { "Ap", M_AP, "", "" }, { "Aq", M_ENC, "<", ">" },
	{ "B", M_FONT, "", "" }, { "BI", M_ALT, "", "" }, { "BR", M_ALT, "", "" }, { "Bd", M_BD, "", "" },
	{ "Bl", M_BL, "", "" }, { "Bo", M_ENC, "[", "]" }, { "Bq", M_ENC, "[", "]" }, { "Bro", M_ENC, "{", "}" },
	{ "Brq", M_ENC, "{", "}" }, { "D1", M_DL, "", "" }, { "DT", M_SKIP, "", "" }, { "Dd", M_SKIP, "", "" },
	{ "Dl", M_DL, "", "" }, { "Do", M_ENC, "\"", "\"" }, { "Dq", M_ENC, "\"", "\"" }, { "Dt", M_SKIP, "", "" },
	{ "EE", M_FI, "", "" }, { "EX", M_NF, "", "" }, { "Eo", M_EO, "", "" }, { "Fa", M_FA, "", "" },
	{ "Fl", M_FL, "", "" }, { "Fn", M_FN, "", "" }, { "Fo", M_FO, "", "" }, { "Ft", M_FT, "", "" },
	{ "HP", M_HP, "", "" }, { "I", M_FONT, "", "" }, { "IB", M_ALT, "", "" }, { "IP", M_IP, "", "" },
	{ "IR", M_ALT, "", "" }, { "In", M_IN, "", "" }, { "It", M_IT, "", "" }, { "LP", M_PARA, "", "" },
	{ "Lp", M_SP, "", "" }, { "MT", M_UR, "", "" }, { "Nd", M_ND, "", "" }, { "Nm", M_NM, "", "" },
	{ "Ns", M_NS, "", "" }, { "OP", M_OP, "", "" }, { "Oo", M_ENC, "[", "]" }, { "Op", M_ENC, "[", "]" },
	{ "Os", M_SKIP, "", "" }, { "P", M_PARA, "", "" }, { "PD", M_SKIP, "", "" }, { "PP", M_PARA, "", "" },
	{ "Pf", M_PF, "", "" }, { "Po", M_ENC, "(", ")" }, { "Pp", M_SP, "", "" }, { "Pq", M_ENC, "(", ")" },
	{ "Ql", M_ENC, "'", "'" }, { "Qo", M_ENC, "\"", "\"" }, { "Qq", M_ENC, "\"", "\"" }, { "RB", M_ALT, "", "" },
	{ "RI", M_ALT, "", "" }, { "RS", M_RS, "", "" }, { "SH", M_SECT, "", "" }, { "SS", M_SUB, "", "" },
	{ "SY", M_SY, "", "" }, { "Sh", M_SECT, "", "" }, { "Sm", M_SM, "", "" }, { "So", M_ENC, "'", "'" },
	{ "Sq", M_ENC, "'", "'" }, { "Ss", M_SUB, "", "" }, { "TH", M_SKIP, "", "" }, { "TP", M_TAG, "", "" },
	{ "TQ", M_TAG, "", "" }, { "Tg", M_SKIP, "", "" }, { "UC", M_SKIP, "", "" }, { "UR", M_UR, "", "" },
	{ "Xr", M_XR, "", "" }, { "br", M_BR, "", "" }, { "ce", M_SKIP, "", "" }, { "fi", M_FI, "", "" },
	{ "ft", M_SKIP, "", "" }, { "in", M_SKIP, "", "" }, { "ll", M_SKIP, "", "" }, { "mc", M_SKIP, "", "" },
	{ "nf", M_NF, "", "" }, { "po", M_SKIP, "", "" }, { "rj", M_SKIP, "", "" }, { "sp", M_SP, "", "" },
	{ "ta", M_SKIP, "", "" }, { "ti", M_SKIP, "", "" },
};

static int by_name(const void *key, const void *elem)
{
	return strcmp(key, ((const struct macro *)elem)->name);
}

const struct macro *macro_find(const char *name)
{
	static const struct macro plain = { "", M_PLAIN, "", "" };
	const struct macro *m = bsearch(name, macro, sizeof macro / sizeof *macro, sizeof *macro, by_name);
	return m ? m : &plain;
}

enum bl_type bl_type(const char *args)
{
	static const struct { const char *name; enum bl_type type; } types[] = {
		{ "-bullet", BL_BULLET }, { "-dash", BL_BULLET }, { "-hyphen", BL_BULLET }, { "-enum", BL_ENUM }, { "-item", BL_ITEM },
		{ "-column", BL_COLUMN }, { "-tag", BL_TAG }, { "-hang", BL_TAG }, { "-ohang", BL_TAG }, { "-inset", BL_TAG },
		{ "-diag", BL_TAG },
	};
	for (const char *p = args; p; p = *p ? strchr(p + 1, ' ') : NULL)
		for (size_t i = 0; i < sizeof types / sizeof *types; i++)
			if (strncmp(p + (*p == ' '), types[i].name, strlen(types[i].name)) == 0)
				return types[i].type;
	return BL_TAG;
}
