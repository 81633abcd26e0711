/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libbpf and the kernel's verifier say, kept until somebody asks for it. libbpf would print to
 * stderr; here its warnings become part of the one message of who called it, and are otherwise
 * forgotten.
 */
#pragma once
#include <stddef.h>

/* Forget what was said so far; from now on libbpf's warnings are kept, none is printed. */
void bpflog_start(void);

/* Keep `log`, which a system call wrote into a buffer of the caller's (bpf_prog_load()). */
void bpflog_add(const char *log);

/*
 * The last lines said since bpflog_start(), at most `lines`, without statistics and frames, each as
 * "\n    LINE": ready to follow a message, "" if nothing was said. The last line of source that the
 * verifier named stands before them. Owned by bpflog, valid until its next call.
 */
const char *bpflog_tail(unsigned int lines);
