/* SPDX-License-Identifier: Apache-2.0
 *
 * links: one table of (device, inode) -> index, open addressing; a second look at small files that may be `.so` pages.
 */
#include "tokenize/links.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/utf8.h"
#include "tokenize/src.h"

#define SO_FILE_MAX 512		/* bytes on disk of a page that is only a `.so` */
#define SO_CHAIN_MAX 8

struct node { uint64_t dev, ino; size_t i; bool used, link; };

struct table { struct node *v; size_t mask; };

static size_t slot_of(const struct table *t, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino * 0x9E3779B97F4A7C15u) ^ (dev * 0xC2B2AE3D27D4EB4Fu);
	size_t k = (size_t)(h >> 20) & t->mask;
	while (t->v[k].used && (t->v[k].dev != dev || t->v[k].ino != ino))
		k = (k + 1) & t->mask;
	return k;
}

char *links_absolute(struct arena *a, const char *cwd, const char *path)
{
	size_t n = strlen(cwd), m = strlen(path);
	char *out = arena_alloc(a, n + m + 3);
	if (!out)
		return NULL;
	size_t k = 0;
	if (path[0] != '/') {
		memcpy(out, cwd, n);
		k = n;
	}
	while (*path) {
		size_t len = strcspn(path, "/");
		bool dot = len == 1 && path[0] == '.';
		if (len > 0 && !dot) {
			if (k == 0 || out[k - 1] != '/')
				out[k++] = '/';
			memcpy(out + k, path, len);
			k += len;
		}
		path += len + (path[len] == '/');
	}
	if (k == 0)
		out[k++] = '/';
	out[k] = 0;
	return out;
}

bool links_localized(const char *path)
{
	const char *man = strstr(path, "/man/");
	if (!man)
		return false;
	const char *p = man + 5;
	size_t n = strcspn(p, "/");
	if (n < 2 || p[n] != '/' || strncmp(p + n, "/man", 4) != 0 || strncmp(p, "man", 3) == 0)
		return false;
	size_t lang = 0;
	while (lang < n && p[lang] >= 'a' && p[lang] <= 'z')
		lang++;
	return lang >= 2 && lang <= 3 && (lang == n || strchr("_.@", p[lang]));
}

/* The base name without .gz, *n bytes; the dot before its section, or NULL if it is no page's name. */
static const char *split_name(const char *path, size_t *n, const char **dot)
{
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	*n = strlen(base);
	if (*n > 3 && strcmp(base + *n - 3, ".gz") == 0)
		*n -= 3;
	*dot = *n > 0 ? memrchr(base, '.', *n) : NULL;
	if (*dot && (*dot == base || (*dot)[1] < '1' || (*dot)[1] > '9'))
		*dot = NULL;
	return base;
}

/* "egrep(1)" for .../man1/egrep.1.gz, the base name for others. */
static void alias_name(struct buf *b, const char *path)
{
	size_t n;
	const char *dot, *base = split_name(path, &n, &dot);
	if (dot) {
		buf_add(b, base, (size_t)(dot - base));
		buf_putc(b, '(');
		buf_add(b, dot + 1, n - (size_t)(dot - base) - 1);
		buf_putc(b, ')');
	} else {
		buf_add(b, base, n);
	}
}

static bool page_name(const char *path)
{
	size_t n;
	const char *dot;
	split_name(path, &n, &dot);
	return dot != NULL;
}

/* Takes the target of a line `.so TARGET`; false if it is another line. */
static bool so_line(const char *p, size_t n, char *target, size_t cap)
{
	if (n <= 4 || n - 4 >= cap || strncmp(p, ".so ", 4) != 0)
		return false;
	p += 4;
	n -= 4;
	while (n > 0 && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\r'))
		n--;
	memcpy(target, p, n);
	target[n] = 0;
	return true;
}

/* True if the lines at p are nothing but one that names a target, comments aside. */
static bool so_alone(const char *p, char *target, size_t cap)
{
	bool found = false;
	for (size_t n; p && *p; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		bool comment = n == 0 || strncmp(p, ".\\\"", 3) == 0 || strncmp(p, "'\\\"", 3) == 0;
		if (!found && so_line(p, n, target, cap))
			found = target[0] != 0;
		else if (!comment)
			return false;
	}
	return found;
}

/* The target of a page that is nothing but `.so TARGET`: "man1/grep.1". False if it isn't such a page. */
static bool so_target(const char *path, char *target, size_t cap)
{
	struct src s;
	struct buf b = {0};
	if (src_open(&s, path, true, NULL) < 0)
		return false;
	bool found = src_slurp(&s, &b, 8192, NULL) == 0 && so_alone(b.data, target, cap);
	buf_release(&b);
	src_close(&s);
	return found && target[0] != '/' && !strstr(target, "..") && utf8_valid(target, strlen(target), NULL);
}

/* The file that `.so target` in page `doc` means, beside the page's folder or in it, with or without .gz; NULL if none. */
static char *so_resolve(struct arena *a, const char *doc, const char *target, struct stat *st)
{
	const char *slash = strrchr(doc, '/');
	size_t dir = slash ? (size_t)(slash - doc) : 0, mark = arena_mark(a);
	for (int up = 1; up >= 0; up--) {
		size_t n = dir;
		if (up) {
			while (n > 0 && doc[n - 1] != '/')
				n--;
			n -= n > 0;
		}
		for (int gz = 0; gz < 2; gz++) {
			size_t len = n + strlen(target) + 5;
			char *p = arena_alloc(a, len);
			if (!p)
				return NULL;
			snprintf(p, len, "%.*s/%s%s", (int)n, doc, target, gz ? ".gz" : "");
			if (stat(p, st) == 0 && S_ISREG(st->st_mode))
				return p;
		}
	}
	arena_rewind(a, mark);
	return NULL;
}

static void same_files(struct link_path *path, size_t n, struct table *t)
{
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		if (lstat(path[i].path, &st) < 0)
			continue;
		bool link = S_ISLNK(st.st_mode);
		if (link && stat(path[i].path, &st) < 0)
			continue;
		if (!S_ISREG(st.st_mode))
			continue;
		struct node *v = &t->v[slot_of(t, (uint64_t)st.st_dev, (uint64_t)st.st_ino)];
		if (!v->used) {
			*v = (struct node){ (uint64_t)st.st_dev, (uint64_t)st.st_ino, i, true, link };
		} else if (strcmp(path[v->i].doc, path[i].doc) == 0) {
			path[i].target = v->i;		/* the same path twice: nothing to say about it */
		} else if (v->link && !link) {
			path[v->i].target = i;
			v->i = i;
			v->link = false;
		} else {
			path[i].target = v->i;
		}
		if (st.st_size > SO_FILE_MAX || !page_name(path[i].path))
			continue;
		if (path[i].target == LINKS_NONE)
			path[i].outside = "";		/* to be looked at when all files are known */
	}
}

static size_t root_of(const struct link_path *path, size_t n, size_t i)
{
	for (size_t k = 0; k < n && path[i].target != LINKS_NONE; k++)
		i = path[i].target;
	return i;
}

static bool lies_below(const struct roots *r, const char *path)
{
	char *real = realpath(path, NULL);
	bool below = real && roots_hold(r, real);
	free(real);
	return below;
}

/* The file that the `.so` page path[i] stands for in the end, as *st; NULL if there is none. Pages on the way that are not among the
 * paths are looked through. */
static char *so_follow(const struct link_path *p, const struct roots *roots, const struct table *t, struct arena *a, struct stat *st)
{
	const char *path = p->path, *doc = p->doc;
	char target[256], *found = NULL;
	int i;
	for (i = 0; i < SO_CHAIN_MAX && so_target(path, target, sizeof target); i++) {
		struct stat next;
		char *file = so_resolve(a, doc, target, &next);
		if (!file)
			break;		/* a dangling page is read as it is */
		bool among = t->v[slot_of(t, (uint64_t)next.st_dev, (uint64_t)next.st_ino)].used;
		if (!among && !lies_below(roots, file))
			break;
		*st = next;
		path = doc = found = file;
		if (among || next.st_size > SO_FILE_MAX || !page_name(file))
			break;
	}
	return i < SO_CHAIN_MAX ? found : NULL;		/* not round and round */
}

static void so_pages(struct link_path *path, size_t n, const struct roots *roots, struct table *t, struct arena *a)
{
	for (size_t i = 0; i < n; i++) {
		struct stat st = {0};
		if (!path[i].outside)
			continue;
		path[i].outside = NULL;
		char *file = path[i].target == LINKS_NONE ? so_follow(&path[i], roots, t, a, &st) : NULL;
		if (!file)
			continue;
		struct node *v = &t->v[slot_of(t, (uint64_t)st.st_dev, (uint64_t)st.st_ino)];
		if (v->used && root_of(path, n, v->i) != i) {
			path[i].target = v->i;
		} else if (!v->used) {
			path[i].outside = file;
			*v = (struct node){ (uint64_t)st.st_dev, (uint64_t)st.st_ino, i, true, false };	/* others may stand for it too */
		}
	}
}

int links_find(struct link_path *path, size_t n, const struct roots *roots, struct arena *a, struct err *e)
{
	struct table t = { .mask = 63 };
	while (t.mask < 4 * n)		/* each path may bring another file */
		t.mask = t.mask * 2 + 1;
	t.v = calloc(t.mask + 1, sizeof *t.v);
	struct buf *names = calloc(n ? n : 1, sizeof *names);
	int rc = t.v && names ? 0 : err_memory(e);
	for (size_t i = 0; i < n; i++) {
		path[i].target = LINKS_NONE;
		path[i].outside = path[i].aliases = NULL;
	}
	if (rc == 0) {
		same_files(path, n, &t);
		so_pages(path, n, roots, &t, a);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t root = root_of(path, n, i);
		path[i].target = root == i ? LINKS_NONE : root;
		bool first = root == i ? !path[i].outside : strcmp(path[i].doc, path[root].doc) == 0;
		if (first || names[root].len > 4000)
			continue;
		if (names[root].len > 0)
			buf_putc(&names[root], ' ');
		alias_name(&names[root], path[i].path);
		if (names[root].failed)
			rc = err_memory(e);
	}
	for (size_t i = 0; names && i < n; i++) {
		if (names[i].len > 0)
			path[i].aliases = arena_strdup(a, names[i].data, names[i].len);
		buf_release(&names[i]);
	}
	free(names);
	free(t.v);
	return rc;
}
