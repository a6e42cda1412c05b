/* SPDX-License-Identifier: GPL-2.0 */
/* Of the configuration */
#ifndef _MODEL_THREADS_H
#define _MODEL_THREADS_H
#define NR_CPUS		8
#endif
