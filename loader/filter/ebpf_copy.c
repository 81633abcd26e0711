// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet of several buffers, of which the first may end anywhere; or one with its outer VLAN tag
 * beside the bytes. Its first bytes are copied to a buffer of the CPU's own, the tag where it
 * belongs, and all instructions behind read the copy as they would have read the packet: one body
 * of a rule does for both. The verifier walks it twice, once for each kind of pointer.
 *
 * Nothing else can use the buffer meanwhile. It is one program's, which fills it anew whenever it
 * starts: who comes by tail call, from a stage or with a new tag, trusts nobody's. Programs of both
 * hooks run with softirqs disabled, so that on its CPU no other packet comes to the program before
 * this one leaves it, but by bpf_clone_redirect(), behind which nothing is read; what redirects or
 * passes on does so when the program has ended. Only PREEMPT_RT may let two packets alternate:
 * there, such programs are made by_helper.
 * Bytes of the packet stay what and where they are: a pull would be no shorter, and what a stack
 * makes of a packet that was pulled has been wrong before (Linux a1e40ac5b5e9).
 *
 * The verifier walks what stands behind a jump first: where two ways meet, that is the one that
 * knows less, so that the other need not be walked again.
 */
#include "ebpf_copy.h"

#include "ebpf_hook.h"
#include "ebpf_skb.h"
#include "ebpf_var.h"

const struct copy_how copy_xdp = { BPF_FUNC_xdp_load_bytes, false };
const struct copy_how copy_skb = { BPF_FUNC_skb_load_bytes, true };

/* reg = the smaller of LEN and what is to be copied, which tells nothing of LEN. */
static void bytes_to_copy(struct emit *e, enum reg reg)
{
	size_t more, done;

	mov(e, reg, LEN);
	op(e, BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, -1);
	more = branch(e, BPF_JMP | BPF_JGT | BPF_K, reg, 0, e->view.sure);
	done = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, more);
	mov_imm(e, reg, e->view.sure);
	land(e, done);
}

static void point_to_buffer(struct emit *e)
{
	size_t found;

	set_key(e, 0);
	map(e, X, FILTER_MAP_COPY);
	mov(e, FROM_X, FP);
	add_imm(e, FROM_X, STACK_KEY);
	call(e, BPF_FUNC_map_lookup_elem);
	found = branch(e, BPF_JMP | BPF_JNE | BPF_K, A, 0, 0);
	hook_miss(e);
	land(e, found);
	mov(e, DATA, A);
}

/* Copy the packet to DATA, or, if it has a tag, so far behind it that there is room for that. */
static void copy_bytes(struct emit *e, const struct copy_how *how)
{
	size_t untagged = 0, none, copied;

	bytes_to_copy(e, U);
	none = branch(e, BPF_JMP | BPF_JLT | BPF_K, U, 0, 1);
	mov(e, T, DATA);
	if (how->may_be_tagged) {
		load(e, 4, A, CTX, SKB(vlan_present));
		untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
		add_imm(e, T, SKB_TAG);
		land(e, untagged);
	}
	mov(e, X, CTX);
	mov_imm(e, FROM_X, 0);
	call(e, how->load_bytes);
	copied = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	hook_miss(e);
	land(e, copied);
	land(e, none);
}

/* The addresses to the front, the tag behind them. */
static void insert_tag(struct emit *e)
{
	size_t untagged;

	load(e, 4, T, CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, T, 0, 0);
	load(e, 8, T, DATA, SKB_TAG);
	store(e, 8, DATA, 0, T);
	load(e, 4, T, DATA, SKB_TAG + 8);
	store(e, 4, DATA, 8, T);
	skb_store_tag(e, CTX, DATA, IR_TAG);
	op(e, BPF_ALU | BPF_ADD | BPF_K, LEN, 0, 0, SKB_TAG);
	land(e, untagged);
}

void emit_copy(struct emit *e, const struct copy_how *how)
{
	size_t tagged = 0, enough, linear;

	if (how->may_be_tagged) {
		load(e, 4, T, CTX, SKB(vlan_present));
		tagged = branch(e, BPF_JMP | BPF_JNE | BPF_K, T, 0, 0);
	}
	mov(e, T, DATA);
	add_imm(e, T, (int32_t)e->view.sure);
	enough = branch(e, BPF_JMP | BPF_JLE | BPF_X, T, END, 0);
	mov(e, T, END);
	op(e, BPF_ALU64 | BPF_SUB | BPF_X, T, DATA, 0, 0);
	linear = branch(e, BPF_JMP | BPF_JGE | BPF_X, T, LEN, 0);
	if (how->may_be_tagged) {
		land(e, tagged);
		load(e, 4, LEN, CTX, SKB(len));
	}
	point_to_buffer(e);
	copy_bytes(e, how);
	if (how->may_be_tagged)
		insert_tag(e);
	bytes_to_copy(e, END);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, END, DATA, 0, 0);
	land(e, enough);
	land(e, linear);
}
