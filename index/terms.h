/* SPDX-License-Identifier: Apache-2.0
 *
 * terms: from text to the terms that the index counts, the same way for documents and for queries.
 *
 *	"Use --no-pager with journald.conf(5) files"
 *	 use  --no-pager no pager  with  journald.conf journald conf  5  file
 *
 * A word is folded (case, accents, compatibility forms) and stemmed as English. What stands together without spaces, held by
 * - _ . : / @ + # or an apostrophe, is kept whole as a literal too, so that an option or a file name can be asked for exactly.
 */
#ifndef TT_INDEX_TERMS_H
#define TT_INDEX_TERMS_H

#include <stdbool.h>
#include <stddef.h>

#define TERMS_MAX 64		/* bytes of a term; a longer word is cut, a longer literal is left out */

enum terms_kind {
	TERMS_WORD,		/* a stemmed word; these make up a text's length */
	TERMS_LITERAL,		/* a compound or option, whole and unstemmed, in addition to its words */
};

/* Receives each term, in order. `t` is valid during the call. */
typedef void (*terms_fn)(void *arg, const char *t, size_t n, enum terms_kind kind);

/* Calls fn for every term of s[0..n). Any bytes are accepted; linear time, no allocation. */
void terms_scan(const char *s, size_t n, terms_fn fn, void *arg);

/* True for the stem of an English function word ("the", "how", "with"). */
bool terms_is_stop(const char *t, size_t n);

/* Folds s[0..n) as a literal into out[TERMS_MAX]; returns its length, 0 when it does not fit. */
size_t terms_fold(const char *s, size_t n, char *out);

#endif
