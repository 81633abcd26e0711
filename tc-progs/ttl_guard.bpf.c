// SPDX-License-Identifier: GPL-2.0-only
#define WEIR_TC
#include "../xdp-progs/ttl_guard.bpf.c"
