/* SPDX-License-Identifier: Apache-2.0
 *
 * tt-json: records as JSON lines, and JSON lines as records, losslessly. What the input's first byte announces is turned
 * into the other form. Heads are passed on; each `end` is written anew, and comes out the same, because the hash of a
 * stream covers its msgpack bytes in either form.
 */
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/opt.h"
#include "lib/base/rec.h"
#include "lib/base/rec_json.h"

#define TOOL "tt-json"

static struct {
	const char *to;
	bool pretty;
} o;

static const struct opt opts[] = {
	{ 'p', "pretty", OPT_FLAG, &o.pretty, NULL, "JSON for people: several lines a record, which no program reads back" },
	{ 0, "to", OPT_STR, &o.to, "FORM", "json or msgpack, whatever the input is" },
	{ 0 },
};
static const struct opt_program prog = {
	TOOL, "[FILE ...]", "turn records into JSON lines, and JSON lines into records", opts,
};

static int show(const struct rec *rec, struct err *e)
{
	struct buf b = {0};
	int r = rec_json_put(&b, rec->map, 2, e);
	if (!r && !buf_putc(&b, '\n'))
		r = io_write(1, b.data, b.len, "stdout", e);
	buf_release(&b);
	return r;
}

/* Converts one input. *w is opened when the form of the first record is known. */
static int convert(int fd, const char *name, struct rec_writer **w, struct err *e)
{
	struct rec_reader *in;
	struct rec rec;
	int r = rec_reader_open(&in, fd, name, e);
	if (r)
		return r;
	while ((r = rec_read(in, &rec, e)) > 0) {
		if (!*w) {
			bool was_json = rec_reader_is_json(in);
			r = rec_writer_open_bare(w, 1, "tt-json", e);
			if (r)
				break;
			rec_writer_json(*w, o.to ? strcmp(o.to, "json") == 0 : !was_json || isatty(1));
		}
		r = o.pretty ? show(&rec, e) : rec_pass(*w, &rec, e);
		/* In a conversation the other side waits for what we hold. */
		if (!r && !o.pretty && rec_reader_would_block(in))
			r = rec_flush(*w, e);
		if (r)
			break;
	}
	rec_reader_close(in);
	return r;
}

static int convert_file(const char *path, struct rec_writer **w, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return convert(0, "stdin", w, e);
	int fd = io_open(path, e);
	if (fd < 0)
		return fd;
	int r = convert(fd, path, w, e);
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	fault_catch("tt-json");
	struct rec_writer *w = NULL;
	struct err e = {0}, late = {0};
	int first = opt_parse(&prog, argc, argv), r = 0;
	if (o.to && strcmp(o.to, "json") != 0 && strcmp(o.to, "msgpack") != 0)
		return opt_misuse(&prog, "--to: '%s' is neither json nor msgpack", o.to);
	if (o.to && strcmp(o.to, "msgpack") == 0 && isatty(1))
		return opt_misuse(&prog, "msgpack is not written to a terminal");
	if (first == argc)
		r = convert(0, "stdin", &w, &e);
	for (int i = first; i < argc && !r; i++)
		r = convert_file(argv[i], &w, &e);
	if (r) {
		/* What was good is shown; without its `end` nobody mistakes it for the whole. */
		if (w && r != ERR_IO)
			rec_flush(w, &late);
		rec_writer_abort(w);
		return err_report(TOOL, &e);
	}
	if (o.pretty)
		rec_writer_abort(w);
	else if (w && rec_writer_close(w, &e))
		return err_report(TOOL, &e);
	return EXIT_DONE;
}
