/* SPDX-License-Identifier: Apache-2.0
 *
 * prompt: the grounded prompt. What never changes comes first and the question last, so that prompts share exact prefixes:
 *
 *	| instructions | worked example | Sources: [1] best | [2] ... | question |
 *	`------ the same for all -------'
 *	`------------- n_best: the same for all questions with this best source
 *
 * Every part ends at a token boundary of its own (chat_cut), so the ids of a prefix don't depend on what follows.
 */
#ifndef TT_GENERATE_PROMPT_H
#define TT_GENERATE_PROMPT_H

#include <stdbool.h>

#include "generate/ask.h"
#include "generate/template.h"

/* How prompts are worded and filled: chosen by measurement, kept as data. */
struct prompt_style {
	const char *system;		/* instructions */
	const char *example_user, *example_reply;	/* a worked example as an earlier turn */
	/* Which hits become sources: the best, and the others in their order until they have taken `further` tokens, and
	 * `lacking` more times the share of the question's informative words that the best one's document lacks. */
	size_t max_source, further, lacking;
};
extern const struct prompt_style prompt_command;	/* for manual pages: an answer names commands and options */
extern const struct prompt_style prompt_text;		/* for all else */
/* The one for the kind of document that the best source is from; prompt_command if there is none. */
const struct prompt_style *prompt_style_for(const struct ask *a);

extern const char *const prompt_system_plain;	/* instructions when there are no sources (a control run) */
extern const char *const prompt_refusal[];	/* words by which a model says that the sources lack it; NULL ends them */

struct prompt {
	struct chat chat;	/* chat.ids is the prompt */
	size_t n_fixed, n_best;	/* tokens of the fixed part; with the best source */
	const struct ask_source *source[ASK_MAX_SOURCES];	/* source[i] is number i + 1 */
	size_t n_source;
	bool is_cut;		/* the last source didn't fit whole and was cut at a line */
};

/* Builds the prompt for `a` with at most n_max tokens. Sources that don't fit are left out, the last may be cut. `system` (may
 * be NULL) replaces the style's instructions. max_source 0 = as the style says; else the first max_source hits, whatever their
 * scores. On success the caller owns p->chat (prompt_release). ERR_LIMIT if instructions and question alone don't fit. */
int prompt_build(struct prompt *p, const struct prompt_style *st, const char *system, size_t max_source, const struct ask *a,
	enum template_kind kind, const struct tok *tok, size_t n_max, struct err *e);
/* Only what the prompts of a style share: the instructions and the worked example. */
int prompt_fixed(struct prompt *p, const struct prompt_style *st, const char *system, enum template_kind kind, const struct tok *tok);
/* A prompt without sources: one user turn. */
int prompt_plain(struct prompt *p, const char *system, const char *text, size_t n, enum template_kind kind, const struct tok *tok,
	size_t n_max, struct err *e);
/* The text's own tokens, to be continued as it stands (after BOS if the model wants it). ERR_ARG if there are none. */
int prompt_raw(struct prompt *p, const char *text, size_t n, const struct tok *tok, size_t n_max, struct err *e);
void prompt_release(struct prompt *p);

#endif
