// SPDX-License-Identifier: GPL-2.0-only
#define WEIR_TC
#include "verdict.bpf.c"
