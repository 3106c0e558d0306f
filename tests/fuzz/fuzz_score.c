/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_score: any bytes as queries, as judgements of them and as a stream of what was found and answered; a byte 0 parts the three. Figures
 * are within their bounds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "retrieve/tally.h"

static int fd[3];

static void put(size_t i, const uint8_t *p, size_t n)
{
	if (!fd[i])
		fd[i] = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd[i], 0) || pwrite(fd[i], p, n, 0) != (ssize_t)n)
		abort();
}

static void read_stream(struct tally *t, int (*f)(struct tally *, struct rec_reader *, struct err *))
{
	struct rec_reader *r;
	struct err e = {0};
	if (lseek(fd[2], 0, SEEK_SET) || rec_reader_open(&r, fd[2], "fuzz", &e))
		abort();
	rec_reader_allow_bare(r, true);
	if (f(t, r, &e) && !e.msg[0])
		abort();
	rec_reader_close(r);
}

static void figures(const struct qset *s)
{
	struct tally t;
	if (tally_init(&t, s, NULL))
		abort();
	t.stream = "fuzz";
	read_stream(&t, tally_hits);
	read_stream(&t, tally_plain);
	read_stream(&t, tally_answers);
	double most = (double)t.n_query * 1.0001;
	bool ok = t.ndcg >= 0 && t.ndcg <= most && t.recall >= 0 && t.recall <= most && t.rr >= 0 && t.rr <= most;
	if (!ok || t.cites + t.bad_number > t.n_answer)
		abort();
	tally_release(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct qset s;
	struct err e = {0};
	char path[2][32];
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *nul = i < 2 && n ? memchr(p, 0, n) : NULL;
		size_t k = nul ? (size_t)(nul - p) : n;
		put(i, p, k);
		p += k + (nul != NULL);
		n -= k + (nul != NULL);
	}
	for (size_t i = 0; i < 2; i++)
		snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", fd[i]);
	if (qset_open(&s, path[0], path[1], &e)) {
		if (!e.code || !e.msg[0])
			abort();
		return 0;
	}
	figures(&s);
	qset_close(&s);
	return 0;
}
