// SPDX-License-Identifier: Apache-2.0

import Testing

/// What needs the network and the clock: one test at a time, so that none starves another's deadlines.
@Suite(.serialized) enum NetworkTests {}
