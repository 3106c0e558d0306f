/* SPDX-License-Identifier: Apache-2.0
 *
 * named: options that a question names in plain words.
 *
 *	"list the contents of an archive"	-t, --list
 *	"... without extracting it"		--no-extract		(not -x, --extract)
 *	"show hidden files, but not . or .."	-A, --almost-all	(not this one: nobody said "almost")
 *
 * A long name says best what an option is for, so a word there is worth more than one in a description. On 779 tasks of
 * tldr_man, all options that a task needs are among the first two hits of 73 % (70 % without this), and of 54 (51) % where the
 * command isn't named; by words alone 71 (67) and 50 (44) %.
 */
#ifndef TT_RETRIEVE_NAMED_H
#define TT_RETRIEVE_NAMED_H

#include <stdbool.h>

#include "index/segment.h"
#include "retrieve/plan.h"

/* True if the question has all words of one of the long names in `option` ("-t, --list"), function words aside, and not because
 * `page`, the document's name, has them: "git commit" does not name --commit. */
bool named_by(const struct plan *p, struct str option, struct str page);

#endif
