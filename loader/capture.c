// SPDX-License-Identifier: GPL-2.0-only
#include "capture.h"

#include <pcap/pcap.h>
#include <string.h>

struct capture {
	pcap_t *pcap;
	char *path;
};

static const char *link_name(int link)
{
	const char *name = pcap_datalink_val_to_name(link);

	return name ? name : "an unknown type";
}

static int open_pcap(struct capture *capture)
{
	char words[PCAP_ERRBUF_SIZE] = "";
	int link;

	capture->pcap = pcap_open_offline_with_tstamp_precision(capture->path,
								PCAP_TSTAMP_PRECISION_NANO, words);
	if (!capture->pcap) {
		/* libpcap's words begin with the path where they are the system's. */
		if (strncmp(words, capture->path, strlen(capture->path)))
			return fail(-EIO, "cannot read the capture '%s': %s", capture->path, words);
		return fail(-EIO, "cannot read the capture %s", words);
	}
	link = pcap_datalink(capture->pcap);
	if (link != DLT_EN10MB)
		return fail(
			-EPROTONOSUPPORT,
			"the capture '%s' has link type %s (%d); only Ethernet (EN10MB) can be read",
			capture->path, link_name(link), link);
	return 0;
}

int capture_open(const char *path, struct capture **out)
{
	_cleanup_(capture_closep) struct capture *capture = calloc(1, sizeof(*capture));
	int err;

	*out = NULL;
	if (!capture)
		return fail_oom();
	capture->path = strdup(path);
	if (!capture->path)
		return fail_oom();
	err = open_pcap(capture);
	if (!err)
		*out = TAKE(capture);
	return err;
}

int capture_next(struct capture *capture, struct capture_packet *packet)
{
	struct pcap_pkthdr *header;

	switch (pcap_next_ex(capture->pcap, &header, &packet->data)) {
	case 1:
		packet->caplen = header->caplen;
		packet->len = header->len;
		/* With nanosecond precision tv_usec holds nanoseconds. */
		packet->time_ns = header->ts.tv_sec * 1000000000ull + header->ts.tv_usec;
		return 1;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		return fail(-EIO, "the capture '%s' is damaged: %s", capture->path,
			    pcap_geterr(capture->pcap));
	}
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->path);
	free(capture);
}

void capture_closep(struct capture **capture)
{
	capture_close(*capture);
	*capture = NULL;
}
