/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: what a question asks the index for.
 *
 *	"git commit: undo the last one"
 *	terms  git commit undo (the) last one		the way documents are cut (terms.h), each once; function words count less
 *	names  git  commit  git-commit  undo ...	what may be the whole name of a document
 */
#ifndef TT_RETRIEVE_PLAN_H
#define TT_RETRIEVE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "index/terms.h"

#define PLAN_MAX_TERMS 256	/* of a longer question the rest is left out */
#define PLAN_MAX_WORDS 64	/* in which names are looked for */
#define PLAN_MAX_NAMES (3 * PLAN_MAX_WORDS)	/* that begin with each, at most */

struct plan_term {
	char s[TERMS_MAX];
	size_t n;
	float weight;		/* times it occurs, less for function words */
	bool stop, literal;
	bool informs;		/* neither; of a question that has no such term, every one */
	bool ruled_out;		/* nowhere but behind a "without" or "not": "without extracting it" rules out extract */
};

struct plan_name {
	char s[TERMS_MAX];	/* the mark of SEGMENT_NAME_MARK included */
	size_t n;
	char term[TERMS_MAX];	/* by which texts tell how rare it is: its stem, or a compound as it is */
	size_t n_term;
	bool meant;		/* a name by the words around it: "with tar", "the tar command", tar(1), `tar` */
	bool set_off;		/* the question begins with it, and a colon follows at once or after one word: git and git-am of "git am: ..." */
};

struct plan {
	struct plan_term term[PLAN_MAX_TERMS];
	size_t n_term;
	struct plan_name name[PLAN_MAX_NAMES];
	size_t n_name;
};

/* Fills *p from a question, whatever its bytes; nothing is borrowed. */
void plan_make(struct plan *p, const char *s, size_t n);

#endif
