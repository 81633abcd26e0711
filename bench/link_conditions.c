// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../loader/fail.h"
#include "../loader/nic.h"
#include "link.h"

/* An ethtool command; what a driver does not know stays as it is. */
static void ask(const struct link *link, void *command)
{
	struct ifreq ifr = { .ifr_data = command };

	memcpy(ifr.ifr_name, link->name, sizeof(ifr.ifr_name));
	if (ioctl(link->ioctl_fd, SIOCETHTOOL, &ifr))
		return;
}

static json_t *queues(const struct link *link, const struct nic *nic)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_ringparam rings = { .cmd = ETHTOOL_GRINGPARAM };

	ask(link, &channels);
	ask(link, &rings);
	return json_pack("{s:i, s:i, s:i, s:i, s:i}", "rx", nic->rx_queues, "tx", nic->tx_queues,
			 "combined", channels.combined_count, "rx_ring", rings.rx_pending,
			 "tx_ring", rings.tx_pending);
}

static json_t *offloads(const struct link *link)
{
	static const struct {
		const char *name;
		uint32_t command;
	} all[] = {
		{ "gro", ETHTOOL_GGRO },	{ "gso", ETHTOOL_GGSO },
		{ "tso", ETHTOOL_GTSO },	{ "sg", ETHTOOL_GSG },
		{ "rx_csum", ETHTOOL_GRXCSUM }, { "tx_csum", ETHTOOL_GTXCSUM },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ethtool_value value = { .cmd = all[i].command };

		ask(link, &value);
		json_object_set_new(object, all[i].name, json_boolean(value.data));
	}
	return object;
}

/* "native 3b185187f1855c4c": the mode and the tag, which is a hash of the instructions. */
static void add_program(json_t *list, const char *mode, uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	char text[64];
	_close_ int fd = id ? bpf_prog_get_fd_by_id(id) : -1;

	if (!id)
		return;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(text, sizeof(text), "%s unknown", mode);
	else
		snprintf(text, sizeof(text), "%s %02x%02x%02x%02x%02x%02x%02x%02x", mode,
			 info.tag[0], info.tag[1], info.tag[2], info.tag[3], info.tag[4],
			 info.tag[5], info.tag[6], info.tag[7]);
	json_array_append_new(list, json_string(text));
}

/* How XDP runs there, by XDP_ATTACHED_… */
static const char *xdp_mode(const struct link *link)
{
	static const char *const modes[] = { "none", "native", "generic", "offload", "several" };
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query(link->ifindex, 0, &opts) || opts.attach_mode >= ARRAY_SIZE(modes))
		return "unknown";
	return modes[opts.attach_mode];
}

static json_t *programs(const struct link *link)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	json_t *list = json_array();

	if (bpf_xdp_query(link->ifindex, 0, &opts))
		return list;
	add_program(list, "native", opts.drv_prog_id);
	add_program(list, "generic", opts.skb_prog_id);
	add_program(list, "offload", opts.hw_prog_id);
	return list;
}

/* "24: 0-1": the CPUs of an interrupt. */
static void add_interrupt(json_t *list, const char *number)
{
	char path[64], cpus[128] = "", text[200];

	snprintf(path, sizeof(path), "/proc/irq/%s/smp_affinity_list", number);
	_fclose_ FILE *file = fopen(path, "re");

	if (!file || !fgets(cpus, sizeof(cpus), file))
		return;
	cpus[strcspn(cpus, "\n")] = 0;
	snprintf(text, sizeof(text), "%s: %s", number, cpus);
	json_array_append_new(list, json_string(text));
}

/* Of a PCI device all that it has, whatever the driver calls them. None: it is no such device. */
static json_t *pci_interrupts(const struct link *link)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct dirent **entries = NULL;
	json_t *list = json_array();
	char path[128];
	int n;

	ask(link, &info);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/msi_irqs", info.bus_info);
	n = *info.bus_info ? scandir(path, &entries, NULL, versionsort) : 0;
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.')
			add_interrupt(list, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return list;
}

/* Those that are named after the interface, as drivers of other devices use to. */
static json_t *named_interrupts(const struct link *link)
{
	_fclose_ FILE *file = fopen("/proc/interrupts", "re");
	json_t *list = json_array();
	_free_ char *line = NULL;
	size_t size = 0;
	char number[16];

	while (file && getline(&line, &size, file) > 0) {
		const char *name = strrchr(line, ' ');

		if (name && strstr(name, link->name) && sscanf(line, " %15[0-9]:", number) == 1)
			add_interrupt(list, number);
	}
	return list;
}

static json_t *interrupts(const struct link *link)
{
	json_t *list = pci_interrupts(link);

	if (json_array_size(list))
		return list;
	json_decref(list);
	return named_interrupts(link);
}

static int read_here(const struct link *link, void *arg)
{
	json_t **out = arg;
	struct nic nic;
	int err = nic_probe(link->name, &nic);

	if (err)
		return err;
	*out = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "driver", nic.driver, "kind",
			 nic.kind, "mtu", nic.mtu, "xdp", xdp_mode(link), "queues",
			 queues(link, &nic), "offloads", offloads(link), "programs", programs(link),
			 "interrupts", interrupts(link));
	return *out ? 0 : fail_oom();
}

json_t *link_conditions(const struct link *link)
{
	json_t *object = NULL;

	return link_call(link, read_here, &object) ? NULL : object;
}
