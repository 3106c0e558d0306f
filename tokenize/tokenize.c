/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-tokenize: text to token ids and back, for any model file.
 *
 *	whole input (or each line, -l)  ->  ids | count (-c) | table (-v) | JSON (--json) | raw u32 (-r)
 *	ids (decimal, or raw with -r)   ->  text (-d)
 *
 * The whole input is one text. It is read in parts of a megabyte that are cut where the ids cannot depend on it, so memory
 * stays flat; only JSON's offsets, and a text that never has a letter before a space, take more.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/utf8.h"
#include "lib/model/find.h"
#include "tokenize/tok.h"

#define TOOL "tt-tokenize"
#define PART (1u << 20)
#define TEXT_MAX (1ull << 32)

static struct {
	const char *model;
	bool count, decode, lines, raw, json, table, bos, escapes;
} o = { .model = MODEL_GENERATOR };

static const struct opt opts[] = {
	{ .letter = 'm', .name = "model", .type = OPT_STR, .value = &o.model, .arg = "NAME",
		.help = "model file or catalogue name", .env = "TT_MODEL" },
	{ .letter = 'c', .name = "count", .type = OPT_FLAG, .value = &o.count, .help = "print the number of tokens, not the ids" },
	{ .letter = 'd', .name = "decode", .type = OPT_FLAG, .value = &o.decode, .help = "read ids, write their text" },
	{ .letter = 'l', .name = "lines", .type = OPT_FLAG, .value = &o.lines, .help = "each line of the input is a text of its own" },
	{ .letter = 'r', .name = "raw", .type = OPT_FLAG, .value = &o.raw, .help = "ids as little-endian 32-bit numbers" },
	{ .letter = 'b', .name = "bos", .type = OPT_FLAG, .value = &o.bos, .help = "begin each text with the model's BOS, if it wants one" },
	{ .letter = 'e', .name = "escapes", .type = OPT_FLAG, .value = &o.escapes,
		.help = "replace \\n \\r \\t \\' \\\" \\\\ \\xHH in the text first" },
	{ .letter = 'v', .name = "verbose", .type = OPT_FLAG, .value = &o.table, .help = "a line for each token: id, offset, text" },
	{ .name = "json", .type = OPT_FLAG, .value = &o.json, .help = "a JSON line for each text: n, ids, offsets" },
	{ 0 }
};
static const struct opt_program prog = { TOOL, "[FILE ...]", "turn text into a model's token ids, and back", opts };

/* One text under way. */
struct job {
	const struct tok *t;
	struct tok_ids ids;
	struct buf out, offsets;	/* text to write; JSON's offsets, which come behind the ids */
	uint64_t n;			/* ids of this text so far */
	uint64_t base;			/* bytes of this text in earlier parts */
	bool is_shown;			/* decoded text goes to a terminal, which nothing of it may steer */
	struct buf seen;
};

/* Reads up to n bytes more; *end: there are none. */
static int read_more(struct buf *b, int fd, size_t n, const char *name, bool *end, struct err *e)
{
	if (buf_reserve(b, n))
		return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory reading '%s'", name);
	long got = io_read(fd, b->data + b->len, n);
	if (got < 0)
		return err_sys(e, ERR_IO, "cannot read '%s'", name);
	*end = got == 0;
	b->len += (size_t)got;
	return 0;
}

/* Takes away the first n bytes. */
static void drop(struct buf *b, size_t n)
{
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

/* ---- output ---- */

/* Writes what there is, if it is more than `above` bytes. */
static int flush(struct job *j, size_t above, struct err *e)
{
	if (j->out.failed || j->offsets.failed)
		return err_memory(e);
	if (j->out.len <= above)
		return 0;
	if (j->is_shown) {
		size_t n = above ? utf8_whole(j->out.data, j->out.len) : j->out.len;
		buf_clear(&j->seen);
		if (utf8_visible(&j->seen, j->out.data, n))
			return err_memory(e);
		drop(&j->out, n);
		return io_write(STDOUT_FILENO, j->seen.data, j->seen.len, "standard output", e);
	}
	int r = io_write(STDOUT_FILENO, j->out.data, j->out.len, "standard output", e);
	buf_clear(&j->out);
	return r;
}

/* The text of a token with what is not printable as \xHH. */
static void put_quoted(struct buf *out, const char *s, size_t n)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		bool ok;
		size_t len = utf8_decode(s + i, n - i, &cp, &ok);
		if (ok && cp != '\n' && cp != '\t' && !utf8_is_control(cp) && cp != '\\' && cp != '\'')
			buf_add(out, s + i, len);
		else if (cp == '\n' && ok)
			buf_puts(out, "\\n");
		else if (cp == '\t' && ok)
			buf_puts(out, "\\t");
		else if (cp == '\\' || (cp == '\'' && ok))
			buf_printf(out, "\\%c", (char)cp);
		else
			for (size_t k = 0; k < len; k++)
				buf_printf(out, "\\x%02x", (unsigned char)s[i + k]);
		i += len;
	}
	buf_putc(out, '\'');
}

static void put_id(struct job *j, int32_t id, uint64_t at)
{
	struct buf piece = {0};
	if (o.raw) {
		buf_u32(&j->out, (uint32_t)id);
	} else if (o.table) {
		tok_piece(j->t, id, &piece);
		buf_printf(&j->out, "%d\t%llu\t", id, (unsigned long long)at);
		put_quoted(&j->out, piece.data ? piece.data : "", piece.len);
		buf_putc(&j->out, '\n');
		if (piece.failed)
			j->out.failed = piece.failed;
		buf_release(&piece);
	} else {
		buf_printf(&j->out, "%s%d", j->n ? (o.json ? "," : " ") : o.json ? "{\"ids\":[" : "", id);
		if (o.json)
			buf_printf(&j->offsets, "%s%llu", j->n ? "," : "", (unsigned long long)at);
	}
}

static int put_ids(struct job *j, struct err *e)
{
	for (size_t i = 0; i < j->ids.len; i++, j->n++) {
		if (o.count)
			continue;
		put_id(j, j->ids.id[i], j->base + (j->ids.want_at ? j->ids.at[i] : 0));
		if (j->out.len >= 65536 && flush(j, 0, e))
			return e->code;
	}
	j->ids.len = 0;
	return flush(j, 65536, e);
}

static int end_text(struct job *j, struct err *e)
{
	unsigned long long n = j->n;
	if (o.json && o.count)
		buf_printf(&j->out, "{\"n\":%llu}\n", n);
	else if (o.json && n)
		buf_printf(&j->out, "],\"at\":[%s],\"n\":%llu}\n", j->offsets.data, n);
	else if (o.json)
		buf_puts(&j->out, "{\"ids\":[],\"at\":[],\"n\":0}\n");
	else if (o.count)
		buf_printf(&j->out, "%llu\n", n);
	else if (!o.raw && !o.table)
		buf_putc(&j->out, '\n');
	buf_clear(&j->offsets);
	j->n = 0;
	j->base = 0;
	return flush(j, o.lines ? 65536 : 0, e);
}

/* ---- encoding ---- */

/* Replaces escapes in place; a sequence that is none stays. Returns the new length. */
static size_t unescape(char *s, size_t n)
{
	static const char from[] = "nrt'\"\\", to[] = "\n\r\t'\"\\";
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		const char *p = s[i] == '\\' && i + 1 < n && s[i + 1] ? strchr(from, s[i + 1]) : NULL;
		bool is_hex = s[i] == '\\' && i + 3 < n && s[i + 1] == 'x' && isxdigit((unsigned char)s[i + 2]) &&
			isxdigit((unsigned char)s[i + 3]);
		if (is_hex)
			s[k++] = (char)strtol((const char[]){ s[i + 2], s[i + 3], '\0' }, NULL, 16);
		else
			s[k++] = p ? to[p - from] : s[i];
		i += is_hex ? 3 : p != NULL;
	}
	return k;
}

static int encode_part(struct job *j, const char *s, size_t n, bool first, struct err *e)
{
	int r = 0;
	if (first && o.bos && tok_add_bos(j->t) && tok_ids_push(&j->ids, tok_special(j->t, TOK_BOS), 0))
		return err_memory(e);
	r = first ? tok_encode(j->t, s, n, &j->ids, e) : tok_encode_next(j->t, s, n, &j->ids, e);
	if (!r)
		r = put_ids(j, e);
	j->base += n;
	return r;
}

/* The lines that are complete in b, each as a text; `all` takes the last one without an end too. Returns bytes used. */
static int encode_lines(struct job *j, struct buf *b, bool all, size_t *used, struct err *e)
{
	int r = 0;
	*used = 0;
	while (*used < b->len && !r) {
		char *s = b->data + *used, *nl = memchr(s, '\n', b->len - *used);
		size_t n = nl ? (size_t)(nl - s) : b->len - *used;
		if (!nl && !all)
			break;
		*used += n + (nl != NULL);
		r = encode_part(j, s, o.escapes ? unescape(s, n) : n, true, e);
		if (!r)
			r = end_text(j, e);
	}
	return r;
}

/* Reads a whole descriptor as one text, or as lines. */
static int encode_fd(struct job *j, int fd, const char *name, struct err *e)
{
	struct buf b = {0};
	bool first = true, end = false;
	size_t least = o.lines ? 0 : PART, want = least;	/* bytes that are worth a look for a place to cut */
	int r = 0;
	while (!r && !end) {
		size_t used = 0;
		r = read_more(&b, fd, PART, name, &end, e);
		if (!r && b.len > TEXT_MAX - PART)
			r = err_set(e, ERR_LIMIT, b.len, "'%s': a text of 4 GiB without a place to cut", name);
		if (r || (!end && b.len < want))
			continue;
		if (o.lines) {
			r = encode_lines(j, &b, end, &used, e);
		} else if (end) {
			used = b.len;
			r = encode_part(j, b.data, o.escapes ? unescape(b.data, b.len) : b.len, first, e);
		} else if (!o.escapes && (used = tok_cut(j->t, b.data, b.len)) > 0) {
			r = encode_part(j, b.data, used, first, e);
			first = false;
		}
		want = used ? least : 2 * b.len;	/* what was looked through in vain is not again until it has doubled */
		drop(&b, used);
	}
	buf_release(&b);
	return r || o.lines ? r : end_text(j, e);
}

/* ---- decoding ---- */

/* Finds the id that begins at or behind *to, a decimal word or 4 bytes: *v, at [*from, *to). False if it is not all there; *to is then where
 * it begins. */
static bool next_id(const struct buf *b, bool end, size_t *from, size_t *to, uint64_t *v)
{
	const char *s = b->data;
	size_t i = *to;
	*v = 0;
	if (!o.raw)
		while (i < b->len && s[i] && strchr(" \t\r\n,[]", s[i]))
			i++;
	*from = i;
	if (o.raw)
		for (; i < b->len && i < *from + 4; i++)
			*v |= (uint64_t)(unsigned char)s[i] << 8 * (i - *from);
	else
		for (; i < b->len && s[i] >= '0' && s[i] <= '9' && *v <= UINT32_MAX; i++)
			*v = *v * 10 + (uint64_t)(s[i] - '0');
	bool is_whole = o.raw ? i == *from + 4 : i < b->len || (end && i > *from);
	*to = is_whole ? i : *from;
	return is_whole;
}

/* Takes the ids that are complete in b. */
static int take_ids(struct job *j, struct buf *b, bool end, uint64_t *at, size_t *used, struct err *e)
{
	size_t from, to = 0;
	uint64_t v;
	*used = 0;
	while (next_id(b, end, &from, &to, &v)) {
		if (to == from || v > UINT32_MAX)
			return err_set(e, ERR_FORMAT, *at + from, "not a token id");
		if (v >= tok_n_vocab(j->t))
			return err_set(e, ERR_FORMAT, *at + from, "no token %llu; the vocabulary has %zu", (unsigned long long)v,
			               tok_n_vocab(j->t));
		size_t before = j->out.len;
		tok_piece(j->t, (int32_t)v, &j->out);
		if (!j->n && j->out.len > before) {	/* the first text of all may lose a space: let tok_decode say */
			int32_t id = (int32_t)v;
			j->out.len = before;
			tok_decode(j->t, &id, 1, &j->out);
			j->n = 1;
		}
		if (flush(j, 65536, e))
			return e->code;
	}
	if (end && to < b->len)
		return err_set(e, ERR_EOF, *at + b->len, "input ends inside an id");
	*used = to;
	*at += to;
	return 0;
}

static int decode_fd(struct job *j, int fd, const char *name, struct err *e)
{
	struct buf b = {0};
	uint64_t at = 0;
	bool end = false;
	int r = 0;
	while (!r && !end) {
		size_t used;
		r = read_more(&b, fd, 65536, name, &end, e);
		if (r)
			break;
		if ((r = take_ids(j, &b, end, &at, &used, e)))
			err_wrap(e, "'%s'", name);
		drop(&b, used);
	}
	buf_release(&b);
	j->n = 0;
	return r ? r : flush(j, 0, e);
}

/* ---- */

static int run_file(struct job *j, const char *path, struct err *e)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : io_open(path, e);
	if (fd < 0)
		return fd;
	const char *name = is_stdin ? "standard input" : path;
	int r = o.decode ? decode_fd(j, fd, name, e) : encode_fd(j, fd, name, e);
	if (!is_stdin)
		close(fd);
	return r;
}

static int open_model(struct tok **t, struct err *e)
{
	struct buf path = {0};
	int r = model_find(&path, o.model, getenv("TT_MODELS"), e);
	if (!r)
		r = tok_open_file(t, path.data, e);
	buf_release(&path);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct tok *t = NULL;
	fault_catch(TOOL);
	int first = opt_parse(&prog, argc, argv), r;
	if (o.decode && (o.count || o.lines || o.json || o.table || o.bos || o.escapes))
		return opt_misuse(&prog, "-d goes with -m and -r only");
	if (o.raw + o.json + o.table + (o.count && !o.json) > 1)
		return opt_misuse(&prog, "-c, -r, -v and --json exclude each other (but -c --json)");
	if (o.raw && !o.decode && isatty(STDOUT_FILENO))
		return opt_misuse(&prog, "binary ids do not go to a terminal");
	r = open_model(&t, &e);
	struct job j = { .t = t, .ids = { .want_at = o.json || o.table }, .is_shown = o.decode && isatty(STDOUT_FILENO) };
	if (!r && first == argc)
		r = run_file(&j, "-", &e);
	for (int i = first; i < argc && !r; i++)
		r = run_file(&j, argv[i], &e);
	if (!r)
		r = flush(&j, 0, &e);
	tok_ids_release(&j.ids);
	buf_release(&j.out);
	buf_release(&j.seen);
	buf_release(&j.offsets);
	tok_close(t);
	return r ? err_report(TOOL, &e) : EXIT_DONE;
}
