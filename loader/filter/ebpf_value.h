/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of the packet into registers. Private to ebpf*.c.
 *
 * Where bytes are read whose presence the verifier may not see, it is checked (again): the failing
 * side, which no packet takes, goes to emit.fail.
 */
#pragma once
#include "ebpf_asm.h"

/* What holds a value in host order. */
uint32_t host_item(struct emit *e, uint32_t value);

/* The item of a load's bytes: the `size` ones from its `first` on, under a mask in host order. */
uint32_t raw_item(struct emit *e, uint32_t load, unsigned int first, unsigned int size,
		  uint32_t mask);

uint32_t pointer_item(struct emit *e, uint32_t base);

/* A constant as the bytes of a load of that size have it in a register. */
uint32_t raw_constant(uint32_t k, unsigned int size);

/* A register, none of `avoid`, that holds an item, computed if no register does. */
enum reg item_in_register(struct emit *e, uint32_t item, uint32_t avoid);

/* The same for a value in host order. */
enum reg value_in_register(struct emit *e, uint32_t value, uint32_t avoid);

/*
 * Load bytes at a constant offset that a check has proven, as they stand in the packet.
 */
void load_at(struct emit *e, unsigned int size, enum reg dst, uint32_t k);

/* Go to emit.fail unless the packet has its first k bytes in the linear part. */
void prove_linear(struct emit *e, uint32_t k, enum reg scratch);

/* Does a register point to the packet at a value, k bytes from there on being proven? */
bool is_proven_at(struct emit *e, uint32_t base, uint32_t k);

/*
 * A register that points to the packet k bytes behind a value, whether it has so many or not: any,
 * or `last` (-1: none) if there is no other. Goes to emit.fail if the value is beyond all packets.
 */
enum reg point_to_end(struct emit *e, uint32_t base, uint32_t k, int last);
