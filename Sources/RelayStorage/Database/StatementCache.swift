// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The statements of one database, each compiled when it is first used and found again by its number.
struct StatementCache<Query: RawRepresentable & CaseIterable> where Query.RawValue == Int {
    private var slots = [SQLStatement?](repeating: nil, count: Query.allCases.count)

    mutating func statement(
        _ query: Query, in database: StateDatabase, sql: (Query) -> String
    ) throws(StateError) -> SQLStatement {
        if let ready = slots[query.rawValue] { return ready }
        let statement = try database.prepare(sql(query))
        slots[query.rawValue] = statement
        return statement
    }
}
