/* SPDX-License-Identifier: GPL-2.0 */
/* The C library includes a header of this name: the numbers are the same. */
#include_next <linux/errno.h>
