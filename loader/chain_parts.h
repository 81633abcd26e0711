/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of chain share: the folder of a generation, and the steps of an apply. */
#pragma once
#include "chain.h"

/* The folder "KIND-NUMBER" of a generation, KIND "gen" or "new", into path[PIN_PATH_MAX]. */
void generation_dir(const struct chain *chain, const char *kind, uint32_t number, char *path);
int generation_meta(const char *dir, struct meta **out);

/* Note in which mode the chain was attached, and why. */
int chain_write_attach(const struct chain *chain, enum xdp_mode mode, const char *why);

/*
 * chain_build.c: make a planned hook's next generation whole and pinned, as new-N; the chain around
 * it too, if there is none. *number is N, *from the live one (0: none). On failure all of it is
 * gone again.
 */
int chain_build(const struct pin_tree *tree, const struct plan_hook *hook, const char *source,
		uint32_t *number, uint32_t *from);

/* Remove the generation new-N and what it put into slots. */
int chain_discard_new(const struct chain *chain, uint32_t number);

/*
 * Remove generations that are neither live nor to roll back to, after a grace period; a chain that
 * has no link, because it was never attached or is half removed, whole. Nothing while there is a
 * journal. How many folders were removed, or -errno, reported.
 */
int chain_sweep(const struct pin_tree *tree, const char *interface, enum hook_kind kind);

/* Detach and remove a chain, live or half built. */
int chain_remove(const struct pin_tree *tree, const char *interface, enum hook_kind kind);

/* chain_flip.c: one step of a journal. */
struct flip {
	char interface[IFNAMSIZ];
	enum hook_kind kind;
	uint32_t to;	   /* generation to make live; 0: remove the chain */
	uint32_t from;	   /* generation that is live before; 0: there was no chain */
	bool was_attached; /* before */
	bool made;	   /* `to` was built for this: undoing discards it */
};

/*
 * Pin the journal, carry out its steps, and take it away. If a flip fails, all are undone; the
 * error has been reported. Removals come behind all flips and are not undone: should one fail, the
 * journal stays for the next command.
 */
int flip_all(const struct pin_tree *tree, const struct flip *flips, size_t n);

/* Is there a journal: of a process that died, or of this one, which could not even undo it? */
bool flip_is_under_way(const struct pin_tree *tree);

/* Finish or undo what a pinned journal says, and say so. Fails if it is still there afterwards. */
int flip_recover(const struct pin_tree *tree);

/* 0, or -EBUSY, reported: somebody else's program is on the hook. */
int flip_check_holder(const struct nic *nic);
