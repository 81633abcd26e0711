/* SPDX-License-Identifier: GPL-2.0-only */
/* Status and plan for people: 80 columns, and what is printed parses as a policy. */
#pragma once
#include <stdio.h>

#include "plan.h"
#include "status.h"

/*
 * The running policy, counters in comment lines beneath each rule. With `before`, an earlier
 * status, rates too. Rules whose label or expression is long go over 80 columns.
 */
void out_text_status(const struct status *status, const struct status *before, FILE *out);

/*
 * The file that a generation came from. A line of comment in what is printed, so a control
 * character in its name shows as '?'.
 */
void out_text_source(const struct meta *meta, FILE *out);

/* What one hook of a plan would change against what runs there (NULL: nothing runs). */
void out_text_plan_hook(const struct plan_hook *hook, const struct chain *chain, FILE *out);
void out_text_removal(const struct plan_removal *removal, FILE *out);
