/* SPDX-License-Identifier: GPL-2.0-only */
/* What analysers do not see, which look at one file at a time: that these return what they are
 * given. */
#pragma once
#include "../loader/fail.h"

#define fail(err, ...)	  (err)
#define fail_at(err, ...) (err)
#define fail_oom()	  (-ENOMEM)
