/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another way to receive by AF_XDP, for comparison: the program that libxdp brings, and a process
 * that takes frames from queue 0 and gives their buffers back, and does nothing else.
 */
#pragma once
#include <sys/types.h>

/*
 * Start it, in this network namespace; it has bound its socket when this returns. It ends with us.
 * *child is its process and its group, which the caller ends. Errors are reported.
 */
int xsk_consume_start(const char *interface, pid_t *child);
