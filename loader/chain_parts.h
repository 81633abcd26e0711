/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of chain share: the folder of a generation, and the steps of an apply. */
#pragma once
#include <jansson.h>

#include "chain.h"
#include "chain_load.h"

/* The folder "KIND-NUMBER" of a generation, KIND "gen" or "new", into path[PIN_PATH_MAX]. */
void generation_dir(const struct chain *chain, const char *kind, uint32_t number, char *path);
int generation_meta(const char *dir, struct meta **out);

/* The id of a program. */
int chain_prog_id(int fd, uint32_t *id);

/* Report that a pin of a chain is gone: -EBADMSG. */
int chain_missing(const struct chain *chain, const char *path);

/* chain_attach.c: was the chain with this folder ever attached? Else it is in the making. */
bool chain_is_linked(const char *dir);

/* What holds a chain, and whether it still does: chain->at. */
int chain_find_attachment(struct chain *chain);

/* Attach a chain as its generation says, if it is not on its interface. */
int chain_attach(struct chain *chain, const struct meta *meta);

/*
 * Take the chain with this folder off its hook; the pins that held it there go too. 1, 0 if nothing
 * held it, or a reported error.
 */
int chain_detach_hook(const char *dir, const char *interface, enum hook_kind kind);

/* Does a filter of clsact hold it, as far as its note tells? */
bool chain_has_filter(const struct chain *chain);

/* Take its filter off, with a qdisc that weir made. 0 (if there is none too) or a reported error.
 */
int chain_remove_filter(const char *dir, const char *interface, enum hook_kind kind);

/* Note in which mode the chain is attached, and why. */
int chain_note_attach(const struct chain *chain, enum hook_mode mode, const char *why);

/*
 * chain_move.c: move to a tcx link if that is where the generation wants to be and a filter holds
 * the chain. A refusal is said, and the filter stays: 0. An error leaves it half done, which the
 * next try finishes.
 */
int chain_move(struct chain *chain, const struct meta *meta);

/* The same, but the pins stay: it is a chain whose interface is gone, again. */
void chain_take_down(const struct chain *chain);

/*
 * 0, or -EBUSY, reported: somebody else's program is on a hook that takes one only. What is shared
 * gets on with a dispatcher of libxdp.
 */
int chain_check_hook(const struct nic *nic, enum hook_kind kind, bool shared);

/* Pin a note as JSON, which it takes over, in the place of what was there in one step. */
int chain_write_note(const struct chain *chain, const char *name, json_t *o);

/*
 * chain_shared.c: the root as a component of libxdp's dispatcher, which the pinned note "shared"
 * tells of. The functions do for it what those above do; on chains of other kinds nothing.
 */
bool chain_has_component(const char *dir);
int chain_find_component(struct chain *chain);
int chain_join(struct chain *chain, const struct nic *nic, const struct meta *meta);
int chain_end_join(struct chain *chain, const struct meta *meta); /* one that was killed */
int chain_remove_component(const char *dir, const char *interface);

/*
 * chain_build.c: make a planned hook's next generation whole and pinned, as new-N; the chain around
 * it too, if there is none. `apply` is the command's time (chain_meta.h). *number is N, *from the
 * live one (0: none). On failure all of it is gone again.
 */
int chain_build(const struct pin_tree *tree, const struct plan_hook *hook, const char *source,
		int64_t apply, uint32_t *number, uint32_t *from);

/* Remove the generation new-N and what it put into slots. */
int chain_discard_new(struct chain *chain, uint32_t number);

/*
 * Remove generations that are neither live nor to roll back to, after a grace period; a chain that
 * has no link, because it was never attached or is half removed, whole. Nothing while there is a
 * journal. How many folders were removed, or -errno, reported.
 */
int chain_sweep(const struct pin_tree *tree, const char *interface, enum hook_kind kind);

/* Detach and remove a chain, live or half built. */
int chain_remove(const struct pin_tree *tree, const char *interface, enum hook_kind kind);

/*
 * chain_sockets.c: the XSKMAPs of a planned hook's sockets, those that are pinned already or new
 * ones, pinned as xsk-NAME. fds holds WEIR_SOCKETS; chain_close_sockets() closes them in any case.
 */
int chain_open_sockets(const struct chain *chain, const struct plan_hook *hook, int *fds);
void chain_close_sockets(int *fds);

/* Remove those that no generation has a rule for. */
int chain_sweep_sockets(const struct chain *chain);

/*
 * chain_cpus.c: the CPUMAP and counters of a planned hook's `cpu` rules into `maps`: those of a
 * generation that is loaded, where it sends to the same CPUs, or new ones. -1 each if there is no
 * such rule. chain_close_cpus() closes them in any case.
 */
int chain_open_cpus(const struct chain *chain, const struct plan_hook *hook,
		    struct load_maps *maps);
void chain_close_cpus(struct load_maps *maps);

/* Pin them in a generation's folder. */
int chain_pin_cpus(const char *dir, const struct load_maps *maps);

/*
 * chain_counters.c: open the maps of counters that a chain has; one that is in the making may have
 * none yet. chain_close_counters() closes what was opened in any case.
 */
int chain_open_counters(struct chain *chain);
void chain_close_counters(struct chain *chain);

/* -EBADMSG, reported, if the map that the live generation counts in is not there. */
int chain_check_counters(const struct chain *chain);

/* In which of its maps, by number, a generation counts that needs so many; and make it if new. */
int chain_choose_counters(const struct chain *chain, uint32_t needed, uint32_t *number);
int chain_add_counters(struct chain *chain, uint32_t number, uint32_t needed);

/* Set n counters from `index` on to 0 in all maps. Only for indices that no running program counts.
 */
int chain_zero_counters(const struct chain *chain, uint32_t index, size_t n);

/*
 * Remove the maps that neither the live generation nor the one to roll back to was made with: of
 * one that never went live. Behind a grace period; what a flip that was undone has counted stays.
 */
int chain_sweep_counters(struct chain *chain);

/* chain_flip.c: one step of a journal. */
struct flip {
	char interface[IFNAMSIZ];
	enum hook_kind kind;
	uint32_t to;	   /* generation to make live; 0: remove the chain */
	uint32_t from;	   /* generation that is live before; 0: there was no chain */
	bool was_attached; /* before */
	bool made;	   /* `to` was built for this: undoing discards it */
	bool moves;	   /* behind the flips the chain moves to tcx (chain_move.c) */
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
