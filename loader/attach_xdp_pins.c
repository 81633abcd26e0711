// SPDX-License-Identifier: GPL-2.0-only
/*
 * libxdp pins a dispatcher, puts it on the hook, and unpins the one before; who dies in between
 * leaves a folder that is nobody's. libxdp_clean_references() would remove all folders of the index
 * but that of the dispatcher here, those of another network namespace among them, where the same
 * index is another interface's: so this looks who is in them.
 */
#include "attach_xdp_pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "attach_xdp_shared.h"
#include "fail.h"

enum {
	GROWN_S = 1, /* a folder that is older is not in the making */
	LOOKS = 15   /* five a second */
};

/* What is known of the interface, while its folders are looked through. */
struct pins {
	int dir_fd; /* libxdp's folder */
	char path[256];
	uint32_t ifindex, root_id;
	bool here; /* there is an interface of this index */
	struct xdp_shared now;
};

/* The id of the program that is pinned there; 0: none is. */
static uint32_t pinned_id(const struct pins *pins, const char *folder, int place)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	char path[768];
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s/prog%d-prog", pins->path, folder, place);
	fd = bpf_obj_get(path);
	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static void unpin(const struct pins *pins, const char *folder, int place)
{
	char name[320];

	snprintf(name, sizeof(name), "%s/prog%d-link", folder, place);
	unlinkat(pins->dir_fd, name, 0);
	snprintf(name, sizeof(name), "%s/prog%d-prog", folder, place);
	unlinkat(pins->dir_fd, name, 0);
}

static bool is_stranger(const struct pins *pins, uint32_t id)
{
	return id && id != pins->root_id && attach_shared_find(&pins->now, id) == pins->now.n;
}

/* A loader that is at work has pinned what it will put on the hook in a moment. */
static bool is_young(const struct pins *pins, const char *folder)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return !fstatat(pins->dir_fd, folder, &st, 0) && now.tv_sec - st.st_mtim.tv_sec <= GROWN_S;
}

/* 1 if that is for later. */
static int clean_folder(const struct pins *pins, const char *folder)
{
	uint32_t ids[XDP_SHARED_MAX];
	bool strangers = !pins->here, ours = false;

	for (int i = 0; i < XDP_SHARED_MAX; i++) {
		ids[i] = pinned_id(pins, folder, i);
		strangers |= is_stranger(pins, ids[i]);
		ours |= ids[i] == pins->root_id;
	}
	if (strangers && (pins->here || !ours))
		return 0;
	if (is_young(pins, folder))
		return 1;
	for (int i = 0; i < XDP_SHARED_MAX; i++)
		if (!strangers || ids[i] == pins->root_id)
			unpin(pins, folder, i);
	unlinkat(pins->dir_fd, folder, AT_REMOVEDIR); /* unless there is something in it */
	return 0;
}

/* A folder dispatch-IFINDEX-ID of this index whose program is not on the hook? */
static bool is_leaving(const struct pins *pins, const char *folder)
{
	uint32_t ifindex, id;

	return sscanf(folder, "dispatch-%u-%u", &ifindex, &id) == 2 && ifindex == pins->ifindex &&
	       id != pins->now.dispatcher;
}

/* How many folders are for later, or -errno. */
static int look_through(const struct pins *pins)
{
	DIR *dir = opendir(pins->path);
	struct dirent *entry;
	int later = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (is_leaving(pins, entry->d_name))
			later += clean_folder(pins, entry->d_name);
	closedir(dir);
	return later;
}

/* As look_through(), locked: that keeps loaders apart while they pin, not while they attach. */
static int look(struct pins *pins, const char *name)
{
	int err = attach_shared_query(pins->ifindex, name, &pins->now); /* takes the lock too */
	_close_ int fd = -1;

	if (err)
		return err;
	fd = pins->dir_fd = open(pins->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || flock(fd, LOCK_EX))
		return fail(-errno, "%s: cannot lock libxdp's pins in %s: %s", name, pins->path,
			    strerror(errno));
	if (pins->now.dispatcher &&
	    attach_xdp_is_on(pins->ifindex, name, pins->now.dispatcher) != 1)
		return 1; /* it has gone meanwhile */
	err = look_through(pins);
	return err < 0 ? fail(err, "%s: cannot look through libxdp's pins in %s: %s", name,
			      pins->path, strerror(-err))
		       : err;
}

int attach_pins_clean(uint32_t ifindex, const char *name, uint32_t root_id)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	struct pins pins = { .ifindex = ifindex, .root_id = root_id };
	const char *bpffs = getenv("LIBXDP_BPFFS");
	char current[IF_NAMESIZE];
	int later;

	snprintf(pins.path, sizeof(pins.path), "%s/xdp", bpffs ? bpffs : "/sys/fs/bpf");
	for (int i = 0; i < LOOKS; i++) {
		pins.here = if_indextoname(ifindex, current);
		later = look(&pins, name);
		if (later <= 0)
			return later;
		nanosleep(&pause, NULL);
	}
	return 0;
}
