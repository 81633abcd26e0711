/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are read whole, since their end gives the rest its meaning: policies, lists. */
#pragma once
#include <stddef.h>

enum { TEXTFILE_MAX = 64 << 20 }; /* bytes; what is larger is some other kind of file */

/*
 * Open a file to read it: a descriptor, or -errno, which is not reported. Who waits for the other
 * end of a FIFO is told so.
 */
int textfile_open(const char *path);

/*
 * Read from `fd` all that is there: to a text in *out, the caller's, with a NUL of its own behind
 * its *len bytes. -EFBIG: more than TEXTFILE_MAX; -errno. Not reported.
 */
int textfile_read(int fd, char **out, size_t *len);

/* Both; the path "-" is standard input. */
int textfile_load(const char *path, char **out, size_t *len);
