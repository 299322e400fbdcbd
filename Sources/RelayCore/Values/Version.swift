// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The version of the programs, one for all four.
package enum RelayVersion {
    package static let text = "0.1.0"
}
