/* SPDX-License-Identifier: GPL-2.0-only */
/* What an interface is and can do, for people and as JSON. */
#pragma once
#include <jansson.h>
#include <stdio.h>

#include "nic_check.h"

/* All that there is to say of an interface: 80 columns, but for commands, which stay whole. */
void out_nic(const struct nic *nic, const struct nic_finding *findings, size_t n, FILE *out);

/* One line of a list, and the line above it. */
void out_nic_heading(FILE *out);
void out_nic_line(const struct nic *nic, const struct nic_finding *findings, size_t n, FILE *out);

/* A new reference; NULL when memory is out. */
json_t *out_nic_json(const struct nic *nic, const struct nic_finding *findings, size_t n);
