/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP: a packet goes on on another CPU, chosen by its flow. Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/* The end of a rule with FILTER_CPU: count, choose, send. */
void ebpf_to_cpu(struct emit *e, const struct filter_rule *rule);

/* The subprogram at flow_label(): bodies/flow.bpf.c, compiled when weir was. */
void ebpf_flow_body(struct emit *e);
