/* SPDX-License-Identifier: Apache-2.0
 *
 * metric: nDCG, recall and reciprocal rank (Järvelin and Kekäläinen 2002, with the linear gain that trec_eval and the
 * BEIR tables use), and the test whether an option stands in an answer.
 */
#include "retrieve/metric.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int larger_first(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return (x < y) - (x > y);
}

static double dcg(const int *grade, size_t n, size_t cut)
{
	double sum = 0;
	for (size_t i = 0; i < n && i < cut; i++)
		if (grade[i] > 0)
			sum += grade[i] / log2((double)i + 2);
	return sum;
}

double metric_ndcg(const int *grade, size_t n, int *ideal, size_t n_ideal, size_t cut)
{
	qsort(ideal, n_ideal, sizeof *ideal, larger_first);
	double best = dcg(ideal, n_ideal, cut);
	return best > 0 ? dcg(grade, n, cut) / best : 0;
}

double metric_recall(const int *grade, size_t n, size_t n_ideal, size_t cut)
{
	size_t found = 0;
	for (size_t i = 0; i < n && i < cut; i++)
		found += grade[i] > 0;
	return n_ideal ? (double)found / (double)n_ideal : 0;
}

double metric_rr(const int *grade, size_t n, int want, size_t cut)
{
	for (size_t i = 0; i < n && i < cut; i++)
		if (grade[i] >= want)
			return 1 / ((double)i + 1);
	return 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

bool metric_has_word(const char *text, size_t n, const char *flag)
{
	size_t len = strlen(flag);
	if (!len)
		return false;
	for (size_t i = 0; i + len <= n; i++)
		if (memcmp(text + i, flag, len) == 0 && (i == 0 || !is_word(text[i - 1])) &&
		    (i + len == n || !is_word(text[i + len])))
			return true;
	return false;
}

bool metric_doc_id(const char *doc, size_t n, char *out, size_t cap)
{
	size_t from = n;
	while (from > 0 && doc[from - 1] != '/')
		from--;
	if (n - from > 3 && memcmp(doc + n - 3, ".gz", 3) == 0)
		n -= 3;
	if (n - from >= cap)
		return false;
	memmove(out, doc + from, n - from);	/* a list of ids is shortened in place */
	out[n - from] = '\0';
	return true;
}
