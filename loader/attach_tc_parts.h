/* SPDX-License-Identifier: GPL-2.0-only */
/* What attach_tc.c and attach_tc_clsact.c share. */
#pragma once
#include "attach_tc.h"

/* Add the filters of a hook behind what *out holds. 0 or a reported error. */
int clsact_filters(uint32_t ifindex, const char *name, enum hook_kind kind, struct tc_holder **out,
		   size_t *n);
