/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_vocab: any bytes as an embedder's vocab.txt and tokenizer.json, up to the first byte 0 the one, after it the other. What
 * builds opens, and encodes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tokenize/tok.h"

static char dir[64], vocab[96], json[96];

static void make_dir(void)
{
	snprintf(dir, sizeof dir, "%s/fuzz-vocab-%ld", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid());
	snprintf(vocab, sizeof vocab, "%s/vocab.txt", dir);
	snprintf(json, sizeof json, "%s/tokenizer.json", dir);
}

static void put(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "we");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf blob = {0};
	struct tok_ids ids = {0};
	struct tok *t;
	struct err e = {0};
	const uint8_t *nul = n ? memchr(p, 0, n) : NULL;
	size_t n_vocab = nul ? (size_t)(nul - p) : n;
	if (!dir[0])
		make_dir();
	mkdir(dir, 0700);
	put(vocab, p, n_vocab);
	if (nul)
		put(json, nul + 1, n - n_vocab - 1);
	if (tok_build_wordpiece(&blob, dir, &e)) {
		if (!e.code || !e.msg[0])
			abort();
	} else if (!tok_open(&t, blob.data, blob.len, &e)) {
		tok_encode(t, (const char *)p, n < 512 ? n : 512, &ids, &e);
		tok_close(t);
	} else {
		abort();	/* what was just built */
	}
	tok_ids_release(&ids);
	buf_release(&blob);
	unlink(vocab);
	unlink(json);
	rmdir(dir);
	return 0;
}
