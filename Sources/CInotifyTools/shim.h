/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
