import { expect, onTestFinished, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { onEachDatabase } from './database.fixtures.ts'
import { expireModeration } from './moderation-retention.ts'

const DAY_MS = 24 * 3_600_000

onEachDatabase('the retention of what moderators did', (empty) => {
  test('what is over for long is deleted, and what is in force stays, however old it is', async () => {
    const { database } = await empty()
    const now = 1_700_000_000_000
    const [old, late] = [now - 11 * DAY_MS, now - 9 * DAY_MS].map((atMs) => new Date(atMs))
    const ban = (name: string, lifted: Date | null | undefined, expires: Date | null | undefined) =>
      database.query(
        `INSERT INTO user_bans (banned_address, banned_by, reason, banned_at, lifted_at, expires_at) VALUES ($1, 'mod', 'spam', $2, $3, $4)`,
        [name, new Date(0), lifted ?? null, expires ?? null],
      )
    await ban('lifted long ago', old, null)
    await ban('lifted lately', late, null)
    await ban('expired long ago', null, old)
    await ban('expired lately', null, late)
    await ban('in force', null, null)
    for (const at of [old, late]) {
      await database.query(
        "INSERT INTO user_warnings (warned_address, warned_by, reason, warned_at) VALUES ('a', 'b', 'c', $1)",
        [at],
      )
      await database.query(
        "INSERT INTO moderation_decisions (decided_at, actor, action, target, result) VALUES ($1, 'a', 'ban', 'b', 'done')",
        [at],
      )
    }
    await database.query(
      "INSERT INTO scene_admin (place_id, admin, added_by, created_at, active) VALUES ('p', 'a', 'b', 1, true), ('p', 'c', 'b', 1, false)",
    )
    await database.query(
      `INSERT INTO scene_stream_access (place_id, streaming_url, streaming_key, ingress_id, created_at, active)
       VALUES ('p', '', 'in force', '', 1, true), ('p', '', 'ended', '', 1, false)`,
    )
    const retention = expireModeration(database, { days: 10, clock: new ManualClock(now), log: silentLog })
    onTestFinished(() => retention.stop())

    const left = async (column: string, table: string) =>
      (await database.query<{ kept: string }>(`SELECT ${column}::text AS kept FROM ${table} ORDER BY 1`)).map(({ kept }) => kept)
    await vi.waitFor(async () => expect(await left('admin', 'scene_admin')).toEqual(['a']), { timeout: 10_000 })
    await vi.waitFor(async () => expect(await left('streaming_key', 'scene_stream_access')).toEqual(['in force']))
    expect(await left('banned_address', 'user_bans')).toEqual(['expired lately', 'in force', 'lifted lately'])
    expect([await left('warned_by', 'user_warnings'), await left('actor', 'moderation_decisions')]).toEqual([['b'], ['a']])
  })
})
