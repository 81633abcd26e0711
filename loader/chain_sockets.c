// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP sockets of a chain: one XSKMAP for each name, which outlives the generations, so that who
 * has bound a socket there keeps it when the policy changes.
 */
#include <string.h>

#include "abi.h"
#include "chain_parts.h"
#include "maps.h"

/* "…/<interface>/xdp/xsk-NAME": documented, for any program that wants to put its sockets in. */
static void socket_path(const char *dir, const char *socket, char *path)
{
	char name[256];

	snprintf(name, sizeof(name), "xsk-%.200s", socket);
	pin_path(path, dir, name);
}

int chain_socket_map(const struct pin_tree *tree, const char *interface, const char *socket)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX];

	pin_hook_dir(tree, interface, HOOK_XDP, dir);
	socket_path(dir, socket, path);
	return pin_get(path);
}

static int open_one(const struct chain *chain, const char *socket)
{
	char path[PIN_PATH_MAX];
	_close_ int fd = -1;
	int err;

	socket_path(chain->dir, socket, path);
	fd = pin_get(path);
	if (fd != -ENOENT)
		return take_fd(&fd);
	fd = maps_create_sockets();
	if (fd < 0)
		return fd;
	err = pin_put(fd, path);
	return err ? err : take_fd(&fd);
}

int chain_open_sockets(const struct chain *chain, const struct plan_hook *hook, int *fds)
{
	for (size_t i = 0; i < WEIR_SOCKETS; i++)
		fds[i] = -1;
	for (size_t i = 0; i < hook->n_sockets; i++) {
		fds[i] = open_one(chain, hook->sockets[i]);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

void chain_close_sockets(int *fds)
{
	for (size_t i = 0; i < WEIR_SOCKETS; i++)
		own_close(&fds[i]);
}

static bool names_socket(const struct meta *meta, const char *name)
{
	for (size_t i = 0; meta && i < meta->n_rules; i++)
		if (meta->rules[i].socket && !strcmp(meta->rules[i].socket, name))
			return true;
	return false;
}

static int sweep_one(const char *name, void *arg)
{
	const struct chain *chain = arg;
	char path[PIN_PATH_MAX];

	if (strncmp(name, "xsk-", 4) || names_socket(chain->live_meta, name + 4) ||
	    names_socket(chain->rollback_meta, name + 4))
		return 0;
	pin_path(path, chain->dir, name);
	return pin_remove(path);
}

int chain_sweep_sockets(const struct chain *chain)
{
	return pin_each(chain->dir, sweep_one, (void *)chain);
}
