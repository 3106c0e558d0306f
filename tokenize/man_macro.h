/* SPDX-License-Identifier: Apache-2.0
 *
 * man_macro: what the macros of man(7) and mdoc(7) mean for reading, as data.
 */
#ifndef TT_TOKENIZE_MAN_MACRO_H
#define TT_TOKENIZE_MAN_MACRO_H

enum macro_class {
	M_PLAIN,	/* shown as it is */
	M_SKIP,		/* arguments are not text */
	M_SECT, M_SUB,	/* headings */
	M_TAG, M_IP,	/* entries: TP, TQ; IP */
	M_PARA, M_HP, M_RS,
	M_SP, M_BR, M_NF, M_FI,
	M_FONT, M_ALT,	/* B I ...; BR IR ... */
	M_OP, M_UR, M_SY,
	M_BL, M_IT, M_BD, M_DL, M_ENC, M_EO, M_ND, M_NM,
	M_FL, M_XR, M_FN, M_FO, M_FA, M_FT, M_IN, M_NS, M_AP, M_PF, M_SM,
};

struct macro { const char *name; enum macro_class cls; const char *open, *close; };

/* Never NULL: an unknown name is plain. */
const struct macro *macro_find(const char *name);

/* What the items of mdoc's Bl are: 0 is for what is no list. */
enum bl_type { BL_NONE, BL_TAG, BL_BULLET, BL_ENUM, BL_ITEM, BL_COLUMN };

/* A list's type by Bl's arguments, of which it need not be the first: -offset [ [indent] ] -compact -bullet. */
enum bl_type bl_type(const char *args);

#endif
