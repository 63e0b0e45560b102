import { describe, expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { ManualClock } from '../chassis/clock.ts'
import { encodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import { decodeConnect, decodeDisconnect } from '../wire/session-messages.ts'
import { decodeSessionPage, encodeSyncRequest, type SessionPage } from '../wire/state-sync.ts'
import { subjects } from '../wire/subjects.ts'
import { aBus, aConnector, type TestConnector, until } from './fixtures.ts'

const [FIRST_TERM, SECOND_TERM] = ['000000001-a', '000000002-b']
const at = subjects('')
const wallet = createWallet('continuity')

/** Everything said of a topic, decoded. */
const said = <Word>({ published }: TestConnector, topic: string, decode: (bytes: Uint8Array) => Word | undefined) =>
  published.filter((word) => word.topic === topic).map(({ payload }) => decode(payload))

describe('the end of a session', () => {
  const ends: [string, string, (connector: TestConnector) => Promise<unknown>][] = [
    ['a player who says goodbye', 'left', async (connector) => (await connector.join({ wallet })).close()],
    ['a player whose line breaks', 'dropped', async (connector) => (await connector.join({ wallet })).socket.terminate()],
    [
      'a player who is sent to another connector',
      'drained',
      (connector) => connector.join({ wallet }).then(connector.service.stop),
    ],
  ]
  test.each(ends)('of %s names the session and says: %s', async (_, reason, end) => {
    const connector = await aConnector()
    await end(connector)
    await until(() => expect(connector.topicsOf(wallet.peer)).toEqual(['connect', 'disconnect']))
    const [greeting] = said(connector, 'connect', decodeConnect)
    expect(said(connector, 'disconnect', decodeDisconnect)).toEqual([{ session: greeting?.session, reason }])
  })
})

test('a player who comes back through a connector with a slow clock is the later session all the same', async () => {
  const bus = aBus()
  const [ahead, behind] = [
    await aConnector({}, { bus, clock: new ManualClock(1_760_000_060_000) }),
    await aConnector({}, { bus, clock: new ManualClock(1_760_000_000_000) }),
  ]
  const older = await ahead.join({ wallet })
  await until(() => expect(behind.topicsOf(wallet.peer)).toEqual(['connect']))
  const newer = await behind.join({ wallet })
  expect(await older.closed).toEqual({ code: 1005, reason: '' })
  expect(newer.kicked).toBe(false)
  const [first, second] = said(behind, 'connect', decodeConnect)
  expect((second?.session ?? '') > (first?.session ?? '')).toBe(true)
})

describe('an archipelago that another one has taken over from', () => {
  test('is not heard any more once the new one told anybody anything', async () => {
    const connector = await aConnector()
    const [anna, ben] = [await connector.join(), await connector.join()]
    connector.place(anna.peer, 'old', 0, FIRST_TERM)
    connector.place(ben.peer, 'new', 0, SECOND_TERM)
    connector.place(anna.peer, 'stale', 0, FIRST_TERM)
    connector.place(anna.peer, 'newer', 0, SECOND_TERM)
    expect([(await anna.nextIsland(5_000)).islandId, (await anna.nextIsland(5_000)).islandId]).toEqual(['old', 'newer'])
    expect((await ben.nextIsland(5_000)).islandId).toBe('new')
    expect(await connector.metric('island_changes_total{outcome="stale"}')).toBe(1)
  })

  test('nor once the new one was only heard to live', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    connector.bus.publish(at.leaderHeartbeat, encodeLeaderHeartbeat({ term: SECOND_TERM, leaseMs: 3_000 }))
    connector.place(player.peer, 'stale', 0, FIRST_TERM)
    connector.place(player.peer, 'upstream')
    expect((await player.nextIsland(5_000)).islandId).toBe('upstream')
  })

  test('and what players are told does not carry the term', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    connector.place(player.peer, 'island-1', 0, FIRST_TERM)
    connector.place(player.peer, 'island-1')
    const [stamped, plain] = [await player.nextIsland(5_000), await player.nextIsland(5_000)]
    expect(stamped).toEqual(plain)
  })
})

describe('a roll call', () => {
  async function callTheRoll(connector: TestConnector, asker = 'asker'): Promise<SessionPage[]> {
    const pages: SessionPage[] = []
    const stop = connector.bus.subscribe(at.syncReply(asker), (payload) => {
      const page = decodeSessionPage(payload)
      if (page) pages.push(page)
    })
    connector.bus.publish(at.syncRequest, encodeSyncRequest(asker))
    await until(() => expect(pages.length).toBe(pages[0]?.count))
    stop()
    return pages
  }

  test('is answered with every session, where it is, and what it was last told', async () => {
    const connector = await aConnector()
    const [told, fresh] = [await connector.join(), await connector.join()]
    told.heartbeat({ x: 1, y: 2, z: 3 })
    connector.place(told.peer, 'island-1', 0, FIRST_TERM)
    await told.nextIsland(5_000)
    await until(() => expect(connector.topicsOf(told.peer)).toContain('heartbeat'))
    const [toldSession, freshSession] = said(connector, 'connect', decodeConnect).map((greeting) => greeting?.session)
    expect(await callTheRoll(connector)).toEqual([
      {
        connector: expect.any(String),
        index: 0,
        count: 1,
        entries: [
          { peer: told.peer, session: toldSession, position: { x: 1, y: 2, z: 3 }, room: 'island-1', term: FIRST_TERM },
          { peer: fresh.peer, session: freshSession, position: undefined, room: undefined, term: undefined },
        ],
      },
    ])
  })

  test('is answered by a connector without players too', async () => {
    expect(await callTheRoll(await aConnector())).toMatchObject([{ entries: [], count: 1 }])
  })

  test('by somebody whose name no subject can hold is not answered', async () => {
    const connector = await aConnector()
    connector.bus.publish(at.syncRequest, encodeSyncRequest('a.b'))
    await callTheRoll(connector)
    expect(await connector.metric('roll_calls_total')).toBe(1)
  })
})

test('once the bus is back, everybody is announced with the room they know', async () => {
  const connector = await aConnector()
  const [placed, unplaced] = [await connector.join(), await connector.join()]
  connector.place(placed.peer, 'island-1', 0, FIRST_TERM)
  await placed.nextIsland(5_000)
  connector.bus.become('disconnected')
  connector.bus.become('connected')
  connector.clock.advance(1_000)
  await until(() => expect(connector.published).toHaveLength(4))
  const greetings = said(connector, 'connect', decodeConnect)
  expect(greetings.map((greeting) => greeting?.announcedRoom)).toEqual([undefined, undefined, 'island-1', ''])
  expect(greetings[2]?.session).toBe(greetings[0]?.session)
  expect(unplaced.islands).toEqual([])
})

describe('a crowd at the door', () => {
  test('comes in as many per second as there may, in the order they came', async () => {
    const connector = await aConnector({ HANDSHAKES_PER_SECOND: 2 })
    await Promise.all([connector.socket(), connector.socket()])
    let open = 0
    const sockets = Array.from({ length: 4 }, () => connector.socket().then(() => open++))
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(4))
    expect(open).toBe(0)
    connector.clock.advance(1_000)
    await until(() => expect(open).toBe(2))
    expect(await connector.metric('upgrades_waiting')).toBe(2)
    connector.clock.advance(1_000)
    await Promise.all(sockets)
  })

  test('counts as connections while it waits, and no longer', async () => {
    const connector = await aConnector({ HANDSHAKES_PER_SECOND: 1, MAX_CONNECTIONS: 2 })
    await connector.socket()
    const waiting = connector.socket({ timeoutMs: 200 }).catch(() => 'gave up')
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(1))
    await expect(connector.socket()).rejects.toMatchObject({ status: 503 })
    expect(await waiting).toBe('gave up')
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(0))
    connector.clock.advance(1_000)
    await connector.socket()
  })

  test('is sent away when its turn does not come', async () => {
    const connector = await aConnector({ HANDSHAKES_PER_SECOND: 1 })
    await connector.socket()
    const refused = Array.from({ length: 50 }, () => connector.socket().catch(({ status }: { status: number }) => status))
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(50))
    connector.clock.advance(31_000)
    const statuses = await Promise.all(refused)
    expect(statuses.filter((status) => status === 503)).toHaveLength(21)
    expect(await connector.metric('upgrades_refused_total{limit="rate"}')).toBe(21)
  })

  test('is sent away when the connector stops', async () => {
    const connector = await aConnector({ HANDSHAKES_PER_SECOND: 1 })
    await connector.socket()
    const refused = connector.socket().catch(({ status }: { status: number }) => status)
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(1))
    await connector.service.stop()
    expect(await refused).toBe(503)
  })
})
