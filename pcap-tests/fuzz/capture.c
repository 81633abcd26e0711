// SPDX-License-Identifier: GPL-2.0-only
/* Captures, as `weir filter --match` and replay read them: each byte of a packet is there. */
#include <sys/mman.h>
#include <unistd.h>

#include "../../loader/capture.h"
#include "quiet.h"

/* A sum that the compiler cannot leave out: it reads every byte. */
static volatile uint8_t sum;

static void read_packets(struct capture *capture)
{
	struct capture_packet packet;

	while (capture_next(capture, &packet) > 0)
		for (uint32_t i = 0; i < packet.caplen; i++)
			sum += packet.data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture *capture = NULL;
	char path[32];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!capture_open(path, &capture))
		read_packets(capture);
	capture_close(capture);
	close(fd);
	fail_forget();
	return 0;
}
