/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which ways into a block deserve copies of it: those whose facts about the quantities that many
 * tests ask (the Ethernet type, the IP protocol, the length) exclude each other. Ways that know
 * more than others join these; the others lose nothing by it.
 */
#pragma once
#include "ir_facts.h"

enum { IR_CLASS_KEYS = 6, IR_CLASSES_MAX = 16 };

/* The quantities, those most asked first. */
struct ir_keys {
	ir_quantity keys[IR_CLASS_KEYS];
	size_t n;
};

/* Choose them: asked by more than one test, and compared with few numbers. false: no memory. */
bool ir_keys_find(const struct ir *ir, const uint32_t *order, size_t n, struct ir_keys *keys);

/*
 * Put each of n facts into one of at most `most` classes (up to IR_CLASSES_MAX): class_of[i]. The
 * number of classes.
 */
size_t ir_classify(const struct ir_store *store, const struct ir_keys *keys,
		   const struct ir_facts *const *facts, size_t n, size_t most, uint8_t *class_of);
