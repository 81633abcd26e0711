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

struct capture_writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	char *path;
};

int capture_create(const char *path, struct capture_writer **out)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));

	*out = NULL;
	if (!writer)
		return fail_oom();
	writer->path = strdup(path);
	writer->pcap =
		pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_NANO);
	if (!writer->path || !writer->pcap) {
		capture_finish(writer);
		return fail_oom();
	}
	writer->dumper = pcap_dump_open(writer->pcap, path);
	if (!writer->dumper) {
		int err = fail(-EIO, "cannot write the capture %s", pcap_geterr(writer->pcap));

		capture_finish(writer);
		return err;
	}
	*out = writer;
	return 0;
}

void capture_write(struct capture_writer *writer, const struct capture_packet *packet)
{
	const struct pcap_pkthdr header = {
		.ts = { .tv_sec = packet->time_ns / 1000000000,
			.tv_usec = packet->time_ns % 1000000000 },
		.caplen = packet->caplen,
		.len = packet->len,
	};

	pcap_dump((u_char *)writer->dumper, &header, packet->data);
}

int capture_flush(struct capture_writer *writer)
{
	if (!pcap_dump_flush(writer->dumper) && !ferror(pcap_dump_file(writer->dumper)))
		return 0;
	return fail(-errno, "cannot write the capture '%s': %s", writer->path, strerror(errno));
}

void capture_finish(struct capture_writer *writer)
{
	if (!writer)
		return;
	if (writer->dumper)
		pcap_dump_close(writer->dumper);
	if (writer->pcap)
		pcap_close(writer->pcap);
	free(writer->path);
	free(writer);
}
