/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_file: which file is the configuration, and whether it may be trusted. See conf.h.
 */
#include "lib/base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"

/* Others must not be able to put another file in place of this one. */
static int check_dir(const char *path, struct err *e)
{
	struct stat dir;
	char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
	int r = 0;
	if (slash)
		slash[slash == copy] = '\0';
	if (!copy)
		r = err_memory(e);
	else if (stat(slash ? copy : ".", &dir))
		r = err_sys(e, ERR_IO, "cannot stat the directory of '%s'", path);
	else if ((dir.st_mode & S_IWOTH) && !(dir.st_mode & S_ISVTX))
		r = err_set(e, ERR_PERM, ERR_NO_OFFSET, "the directory of '%s' may be written by others", path);
	free(copy);
	return r;
}

/* Others must not be able to change what is read: neither the file nor what its name leads to, which for a link is where it lies and
 * where the file lies. A group of the same number as the owner is taken for the owner's own. Root chooses whose files it reads. */
static int check_mode(int fd, const char *path, struct err *e)
{
	struct stat st;
	char *real = NULL;
	int r = check_dir(path, e);
	if (!r && fstat(fd, &st))
		r = err_sys(e, ERR_IO, "cannot stat '%s'", path);
	else if (!r && !S_ISREG(st.st_mode))
		r = err_set(e, ERR_NOENT, ERR_NO_OFFSET, "'%s' is not a regular file", path);
	else if (!r && ((st.st_mode & S_IWOTH) || ((st.st_mode & S_IWGRP) && st.st_gid != st.st_uid)))
		r = err_set(e, ERR_PERM, ERR_NO_OFFSET, "'%s' may be written by others; chmod go-w it", path);
	else if (!r && geteuid() && st.st_uid && st.st_uid != geteuid())
		r = err_set(e, ERR_PERM, ERR_NO_OFFSET, "'%s' belongs to another user", path);
	if (!r && !(real = realpath(path, NULL)))
		r = err_sys(e, ERR_IO, "cannot resolve '%s'", path);
	if (!r)
		r = check_dir(real, e);
	free(real);
	return r;
}

int conf_load(struct conf *c, const char *path, const struct conf_key *schema, struct err *e)
{
	struct buf b = {0};
	*c = (struct conf){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, errno == EACCES ? ERR_PERM : ERR_NOENT, "cannot open '%s'", path);
	int r = check_mode(fd, path, e);
	if (!r)
		r = io_read_fd(&b, fd, path, CONF_MAX_BYTES, e);
	if (r == ERR_LIMIT)
		r = err_set(e, ERR_CONF, ERR_NO_OFFSET, "'%s' is longer than %d bytes", path, CONF_MAX_BYTES);
	if (!r)
		r = conf_parse(c, b.data, b.len, path, schema, e);
	close(fd);
	buf_release(&b);
	return r;
}

int conf_find(struct buf *out, const char *tt_config, struct err *e)
{
	static const char system_file[] = "/etc/tiny-titans/tiny-titans.yaml";
	buf_clear(out);
	if (tt_config && *tt_config) {
		buf_puts(out, tt_config);
		return out->failed ? err_memory(e) : 0;
	}
	int r = io_dir(out, IO_DIR_CONFIG, "tiny-titans.yaml", e);
	if (r == ERR_MEM || (!r && access(out->data, F_OK) == 0))
		return r;
	if (access(system_file, F_OK) == 0) {
		buf_clear(out);
		buf_puts(out, system_file);
		return out->failed ? err_memory(e) : 0;
	}
	return err_set(e, ERR_NOENT, ERR_NO_OFFSET, "no configuration: neither '%s' nor '%s' exists",
		       out->len ? out->data : "~/.config/tiny-titans/tiny-titans.yaml", system_file);
}

/* The name of a corpus; NULL if the entry is another. */
static const char *corpus_name(const struct conf_entry *x)
{
	size_t n = strlen(x->path);
	return !strncmp(x->path, "corpora[", 8) && n > 6 && !strcmp(x->path + n - 6, "].name") ? x->value : NULL;
}

/* True if the index of corpus `name` would lie where tt-sync keeps a file of `other`. */
static bool lies_in_the_way(const char *name, const char *other)
{
	static const char *const beside[] = { ".lock", ".lexical", ".vectors", ".same", ".same.new", ".gone" };
	size_t n = strlen(other);
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
		if (strncmp(name, other, n) == 0 && strcmp(name + n, beside[i]) == 0)
			return true;
	return false;
}

int conf_open(struct conf *c, const char *path, struct err *e)
{
	int r = conf_load(c, path, conf_schema, e);
	for (size_t i = 0; !r && i < c->n; i++) {
		const char *name = corpus_name(&c->entry[i]);
		for (size_t k = 0; !r && name && k < i; k++) {
			const char *before = corpus_name(&c->entry[k]);
			if (before && strcmp(before, name) == 0)
				r = err_set(e, ERR_CONF, ERR_NO_OFFSET, "%s:%u: two corpora are named '%s', the first in line %u", path,
					c->entry[i].line, name, c->entry[k].line);
			else if (before && (lies_in_the_way(name, before) || lies_in_the_way(before, name)))
				r = err_set(e, ERR_CONF, ERR_NO_OFFSET, "%s:%u: '%s' and '%s' cannot both be corpora: tt-sync keeps a file "
					"of the one where the index of the other lies", path, c->entry[i].line, before, name);
		}
	}
	if (r)
		conf_release(c);
	return r;
}
