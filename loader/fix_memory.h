/* SPDX-License-Identifier: GPL-2.0-only */
/* fix.c's memory: one JSON object for each interface whose settings were changed. */
#pragma once
#include <jansson.h>

#include "pin.h"

static inline void fix_decref(json_t **json)
{
	json_decref(*json);
}

#define _json_ _cleanup_(fix_decref)

/*
 * What is remembered under a key, "IFACE" or "IFACE:PEER", a new reference; NULL with 0: nothing.
 * Errors are reported.
 */
int fix_recall(const struct pin_tree *tree, const char *key, json_t **out);

/* In the place of what was there, in one step. */
int fix_remember(const struct pin_tree *tree, const char *key, const json_t *memory);
void fix_forget(const struct pin_tree *tree, const char *key);

/* Remove what who died while writing left: nothing that counts. */
void fix_prune(const struct pin_tree *tree);

/* Call fn for every key of an interface (NULL: of all); stops as pin_each(). */
int fix_each(const struct pin_tree *tree, const char *interface,
	     int (*fn)(const struct pin_tree *tree, const char *key));

/* The interface that is changed, and into name[] the one for whose sake. */
const char *fix_device(const char *key);
void fix_interface(const char *key, char *name, size_t size);
