/* SPDX-License-Identifier: Apache-2.0
 *
 * tally: adds up what a stream of records says about a set of judged queries.
 *
 *	struct tally t;
 *	tally_init(&t, &set, &e);
 *	tally_hits(&t, in, &e);		query and hit records: rankings, and what the sources hold
 *	tally_plain(&t, in, &e);	answers given without sources
 *	tally_answers(&t, in, &e);	answers given with them; after the two above
 *	tally_release(&t);
 *
 * Each returns 0, or ERR_* from the stream or for a query that the set does not know. Sums, not shares, are kept.
 */
#ifndef TT_RETRIEVE_TALLY_H
#define TT_RETRIEVE_TALLY_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/rec.h"
#include "retrieve/qset.h"

#define TALLY_CUT 10

struct tally {
	const struct qset *set;		/* borrowed */
	const char *stream;		/* what is read, for messages; borrowed */
	unsigned *n_hit;		/* n_hit[set->n], the sources that each query had */
	struct buf words, gold;		/* scratch for comparing with gold answers */

	size_t n_query;			/* queries in the stream of hits; the three sums run over them */
	double ndcg, recall, rr;

	size_t n_judged;		/* of these, the ones that ask for documented options or come with gold answers */
	size_t first_entry;		/* the first hit names every option asked for, or holds a gold answer */
	size_t sources_hold;		/* all hits together do */

	size_t n_plain, plain_right;

	size_t n_answer;		/* answers; the sums below run over them */
	size_t n_option;		/* those that ask for documented options */
	size_t option_right;		/* the answer names every option asked for */
	size_t n_gold;			/* those that come with gold answers */
	size_t exact, held;		/* the answer is one of them; holds one of them */
	double f1;			/* words that it shares with the nearest of them */
	size_t refused;
	size_t cites;			/* at least one citation, and none of a number that was not supplied */
	size_t bad_number;		/* a citation of a number that was not supplied */
	size_t page_right;		/* the first citation is of a page with the query's best grade */
	size_t page_any;		/* some citation is */
};

int tally_init(struct tally *t, const struct qset *set, struct err *e);
void tally_release(struct tally *t);
int tally_hits(struct tally *t, struct rec_reader *in, struct err *e);
int tally_plain(struct tally *t, struct rec_reader *in, struct err *e);
int tally_answers(struct tally *t, struct rec_reader *in, struct err *e);

#endif
