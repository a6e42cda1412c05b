/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_ARRAY_SIZE_H
#define _MODEL_ARRAY_SIZE_H
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
