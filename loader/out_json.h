/* SPDX-License-Identifier: GPL-2.0-only */
/* Status and plan as JSON. Each returns a new reference, NULL when memory is out. */
#pragma once
#include <jansson.h>

#include "plan.h"
#include "status.h"

json_t *out_json_status(const struct status *status);
json_t *out_json_plan_hook(const struct plan_hook *hook, const struct chain *chain);
json_t *out_json_removal(const struct plan_removal *removal);
