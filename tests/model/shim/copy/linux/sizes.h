/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_SIZES_H
#define _MODEL_SIZES_H
#define SZ_256	0x100
#define SZ_1K	0x400
#define SZ_4K	0x1000
#define SZ_16K	0x4000
#define SZ_64K	0x10000
#define SZ_128K	0x20000
#define SZ_1M	0x100000
#define SZ_4M	0x400000
#define SZ_16M	0x1000000
#define SZ_4G	0x100000000ULL
#endif
