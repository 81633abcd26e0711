/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of weir-bench, one file each. */
#pragma once
#include "../loader/cmd/cmd.h"

extern const struct cmd cmd_rate, cmd_cost, cmd_rules, cmd_compare, cmd_track, cmd_search;
