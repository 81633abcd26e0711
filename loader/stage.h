/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * C stages: BPF objects that follow the stage ABI (maps/stage.bpf.h, docs/STAGES.md). Everything
 * weir knows of a stage it reads from the object's ELF and BTF: name, documentation, options with
 * types and defaults, names of reasons. Reading needs no privilege.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "policy.h"

enum stage_option_type { STAGE_BOOL, STAGE_SIGNED, STAGE_UNSIGNED };

struct stage_option {
	char *name;
	char *doc; /* "" if the author gave none */
	enum stage_option_type type;
	uint32_t offset, size; /* in `conf`; bytes; size 1, 2, 4 or 8 */
	int64_t preset;	       /* the default; an unsigned one in the same bits */
};

struct stage {
	char *name;
	char *doc;
	char *origin; /* "built in", or the path of the object */
	enum hook_kind hook;
	struct stage_option *options;
	size_t n_options;
	char **reasons; /* reasons[0] is the first of REASONS(), number 1 */
	size_t n_reasons;
	uint8_t *conf; /* the defaults, as the object's conf variable holds them */
	size_t conf_size;
	void *object; /* the ELF image; owned */
	size_t object_size;
};

/*
 * The stage that `word` names for a hook: built in, or the object at a path (one with a '/' or
 * that ends in ".o"; relative to the working folder). Errors are reported at word->pos (an unknown
 * name with the nearest known one) and returned. The caller owns *out: stage_free().
 */
int stage_find(const struct word *word, enum hook_kind hook, struct stage **out);

/* The stage in the object at the path `word`, for whichever hook it is (a tc one: HOOK_INGRESS). */
int stage_read_file(const struct word *word, struct stage **out);

/* A word that is a path, not the name of a built-in stage. */
bool stage_is_path(const char *word);

/* "xdp", or "tc" for both of its hooks. */
const char *stage_hook_name(enum hook_kind hook);

void stage_free(struct stage *stage);
void stage_freep(struct stage **stage);

/*
 * The contents of `conf` for these options: defaults, overwritten by each option's value, typed and
 * checked for range. Every mistake is reported at its place; then -EINVAL. *out has conf_size bytes
 * and is owned by the caller.
 */
int stage_configure(const struct stage *stage, const struct use_option *options, size_t n,
		    uint8_t **out);

/* The least and the greatest value that an option may have; a bool has 0 and 1. */
int64_t stage_option_min(const struct stage_option *option);
uint64_t stage_option_max(const struct stage_option *option);

/* The default as `use` takes it: "true", "-5". Cut at size bytes; 32 are enough. */
void stage_option_format(const struct stage_option *option, char *buf, size_t size);

/* Print the stage's manual (name, doc, options with type, default and doc, reasons) in 80 columns.
 */
void stage_print_manual(const struct stage *stage, FILE *out);

/* Built-in stages of a hook, in order of name; n returned. Names are static. */
size_t stage_builtin_names(enum hook_kind hook, const char *const **names);

/* How an instance is wired into its chain. All indices are final before the stage is loaded. */
struct stage_wiring {
	int slots_fd, counters_fd; /* the chain's prog array and counters map */
	uint32_t next_slot;	   /* tail-called on NEXT */
	uint32_t counter;	   /* index of the first of the instance's counters (abi.h) */
	uint32_t miss_counter;	   /* counted when the tail call to next_slot fails */
	uint32_t miss_verdict;	   /* then returned: XDP_PASS or XDP_DROP; on tc TC_ACT_* */
	bool frags;		   /* load with BPF_F_XDP_HAS_FRAGS */
};

/* A map that the stage itself owns, to be kept for the instance by the rule's identity. */
struct stage_map {
	char name[32];
	int fd; /* owned by the instance */
};

struct stage_instance {
	int prog_fd; /* owned; -1: none */
	struct stage_map *maps;
	size_t n_maps;
};

/*
 * Load one instance with `conf` (conf_size bytes, from stage_configure). Maps in `keep` are used
 * again where name and shape agree (a stage's maps follow its rule over an apply). The program's
 * expected_attach_type is 0. The verifier's words are part of the error. `pos` is the rule's. The
 * caller owns *out: stage_instance_close().
 */
int stage_load(const struct stage *stage, const uint8_t *conf, const struct stage_wiring *wiring,
	       const struct stage_map *keep, size_t n_keep, const struct pos *pos,
	       struct stage_instance *out);
void stage_instance_close(struct stage_instance *instance);

/* An object of weir's own, built in: "xdp/root", "xdp/ttl_guard". NULL if there is none. */
const void *stage_embedded(const char *name, size_t *size);
