import { expect, test, vi } from 'vitest'
import { ManualClock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import type { SqlQuery } from '../adapters/database.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { WebhookWatch } from './webhook-watch.ts'

const peopled = [{ name: 'scene-main:bafk', metadata: '', participantCount: 2 }]

/** A replica that looks at rooms with players once a minute, for some minutes. */
async function aReplica(query: SqlQuery) {
  const [clock, warn] = [new ManualClock(), vi.fn()]
  const watch = new WebhookWatch({ database: { query }, clock, log: { warn, debug() {} } as unknown as Log })
  const look = async (minutes: number, rooms = peopled) => {
    for (let minute = 0; minute < minutes; minute++) {
      await watch.look(rooms)
      clock.advance(60_000)
    }
    return warn.mock.calls.length
  }
  return { watch, look }
}

onEachDatabase('webhooks that never arrive', (empty) => {
  test('are told once, when players were in the rooms for five minutes, until any replica receives one', async () => {
    const { query } = (await empty()).database
    const { look, watch } = await aReplica(query)
    expect([await look(5), await look(3, []), await look(5), watch.state]).toEqual([0, 0, 0, 'unknown'])
    expect([await look(20), watch.state]).toEqual([1, 'missing'])
    await (await aReplica(query)).watch.received()
    expect([await look(1, []), watch.state]).toEqual([1, 'arrive'])
    const fresh = await aReplica(query)
    expect([await fresh.look(20), fresh.watch.state]).toEqual([0, 'arrive'])
  })
})
