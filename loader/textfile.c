// SPDX-License-Identifier: GPL-2.0-only
#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

enum { PATIENCE_MS = 1000 };

int textfile_open(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct pollfd writer = { .fd = fd, .events = POLLIN };
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (S_ISFIFO(st.st_mode) && !poll(&writer, 1, PATIENCE_MS)) {
		note("waiting for somebody to write into '%s'", path);
		poll(&writer, 1, -1);
	}
	return fcntl(fd, F_SETFL, 0) ? -errno : take_fd(&fd);
}

/* Who has handed us a descriptor that does not wait, as some shells do with a terminal's. */
static ssize_t read_some(int fd, char *to, size_t room)
{
	struct pollfd more = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while ((n = read(fd, to, room)) < 0 && (errno == EINTR || errno == EAGAIN))
		poll(&more, 1, -1);
	return n < 0 ? -errno : n;
}

int textfile_read(int fd, char **out, size_t *len)
{
	_free_ char *text = NULL;
	size_t size = 0, used = 0;
	ssize_t n;

	do {
		if (used + 1 >= size) {
			char *grown = realloc(text, size = size ? size * 2 : 4096);

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read_some(fd, text + used, size - used - 1);
		if (n < 0)
			return n;
		used += n;
		if (used > TEXTFILE_MAX)
			return -EFBIG;
	} while (n);
	text[used] = '\0';
	*out = TAKE(text);
	*len = used;
	return 0;
}

int textfile_load(const char *path, char **out, size_t *len)
{
	_close_ int fd = -1;

	if (!strcmp(path, "-"))
		return textfile_read(STDIN_FILENO, out, len);
	fd = textfile_open(path);
	return fd < 0 ? fd : textfile_read(fd, out, len);
}
