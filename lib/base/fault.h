/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: signals; what a program says when a mapped file becomes shorter under it, or one that it writes becomes larger than it may.
 *
 * Models, packs and indexes are mapped. They are replaced by renaming, so a mapping stays whole; but somebody may cut such a
 * file short, or its disk may fail, and then the next access to a lost page raises SIGBUS. Checking every access would cost
 * what mapping saves. So a program that maps files asks for one message and one exit status instead of a crash:
 *
 *	fault_catch("tt-generate");	// first line of main()
 *	...	// tt-generate: 'm.gguf' became shorter, or could not be read, while it was mapped	(exit status 65)
 *
 * And a limit on the size of files (RLIMIT_FSIZE) is met like a full disk: the write fails, the program says so and ends with 74.
 *
 * For main() only: a library does not decide how its program ends.
 */
#ifndef TT_BASE_FAULT_H
#define TT_BASE_FAULT_H

/* From now on SIGXFSZ does nothing, so that what goes over a limit fails with EFBIG; and SIGBUS at a mapped page ends the program with a
 * message and EXIT_DATA. `tool` must stay where it is. A SIGBUS that was sent by another process keeps its usual effect.
 *
 * SIGPIPE gets its usual effect even if whoever started the program ignores it, as systemd and Python do: a reader that leaves ends a
 * stage quietly, and the status of the pipeline is that of the stage that failed. */
void fault_catch(const char *tool);

#endif
