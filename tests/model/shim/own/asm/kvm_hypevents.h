/* SPDX-License-Identifier: GPL-2.0 */
#define trace_its_command(its, offset, opcode, verdict)	\
	model_trace_command(its, offset, opcode, verdict)
#define trace_its_state(its, state)	do { (void)(its); (void)(state); } while (0)
void model_trace_command(u64 its, u32 offset, u8 opcode, u8 verdict);
