/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPUs of this machine (Documentation/ABI/testing/sysfs-devices-system-cpu). */
#pragma once
#include <stdint.h>

#include "fail.h"

/*
 * Is there such a CPU, and is it online? 0, or what is the matter is reported at `where`: -ENXIO,
 * or that the kernel does not tell.
 */
int cpus_check(uint32_t cpu, const struct pos *where);
