/* SPDX-License-Identifier: Apache-2.0
 *
 * calibrate: the text that an embedder is watched on while its pack is made (bert_build.c). What matters is that ordinary words, marks
 * and technical prose occur; nothing of it is ever an answer. Changing it changes packs: count BERT_LAYOUT up.
 */
#ifndef TT_EMBED_CALIBRATE_H
#define TT_EMBED_CALIBRATE_H

static const char CALIBRATION[] =
	"tar stores many files together in one archive, and takes them out of it again. The options -c, -x and -t create an archive, "
	"extract from it and list what is inside; exactly one of them must be given. With -f FILE the archive is FILE rather than the "
	"tape drive that older systems had.\n"
	"The river had been rising since Tuesday. By evening the lower meadow was a lake, and two of the farmer's sons went out in a boat "
	"to bring back the sheep that stood together on the only dry hill, looking offended.\n"
	"static int count(const char *s) { int n = 0; while (*s) n += *s++ == ' '; return n; }\n"
	"If the file cannot be opened, a message is written to the standard error and the exit status is 2. Files that are directories are "
	"skipped unless --recursive is in effect. See also find(1), xargs(1), regex(7).\n"
	"In 1969 the population of the town was about 4,200; by 2011 it had fallen to 3,150, mostly because the mine closed. The museum "
	"shows photographs, tools, and the wheel of the last engine.\n"
	"How do I change the owner of a directory and of everything below it? Which command shows the disks and how full they are?\n"
	"Patients who took the medicine for six weeks slept better than those who did not, but the difference was small (p = 0.08), and "
	"three of them complained of headaches. Larger studies are needed.\n"
	"The kernel keeps a table of open files for each process. A descriptor is an index into that table: 0 is the input, 1 the output "
	"and 2 is for errors. After fork() parent and child share the position in the file; after exec() descriptors stay open unless "
	"they are marked FD_CLOEXEC.\n"
	"She sang in the choir of the cathedral before she studied law, became a judge at thirty-four and wrote a novel about the trial, "
	"which won the national prize.\n"
	"Usage: mount [-o options] device dir. Options: ro, rw, noexec, nosuid, uid=N, size=64M. Example: mount -t tmpfs none /mnt\n"
	"Add the flour slowly, stir until the sauce is smooth, then let it simmer for ten minutes with salt, pepper and a bay leaf. It goes "
	"well with fish or with potatoes.\n"
	"Warning: the password will be shown in the list of processes. Use a file with mode 0600, or the variable $PGPASSFILE, instead.\n"
	"Light travels about 300,000 kilometres in a second, so what we see of the nearest star is four years old. Galaxies that are "
	"farther away move away faster; this was first noticed in the 1920s.\n"
	"[Unit]\nDescription=Nightly backup\nAfter=network.target\n[Service]\nType=oneshot\nExecStart=/usr/local/bin/backup --all\n"
	"The team lost the first match 2-1, drew the second and won the rest of the season under its new coach, who had played for the "
	"club himself.\n"
	"Returns a pointer to the first element that compares equal, or NULL if there is none. The behaviour is undefined if the array is "
	"not sorted. This function is thread-safe and conforms to POSIX.1-2001, C89 and C99.\n"
	"The committee agreed on Friday to lower the tax on small companies, although the opposition warned that schools and roads would "
	"have to be paid for in some other way.\n";

#endif
