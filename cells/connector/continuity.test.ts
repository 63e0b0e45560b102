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

/** The messages of a topic that were published, decoded. */
const publishedOf = <Message>({ published }: TestConnector, topic: string, decode: (bytes: Uint8Array) => Message | undefined) =>
  published.filter((message) => message.topic === topic).map(({ payload }) => decode(payload))

describe('the end of a session', () => {
  const ends: [string, string, (connector: TestConnector) => Promise<unknown>][] = [
    ['a player who closes the connection', 'left', async (connector) => (await connector.join({ wallet })).close()],
    ['a player whose connection breaks', 'dropped', async (connector) => (await connector.join({ wallet })).socket.terminate()],
    ['a player who is drained', 'drained', (connector) => connector.join({ wallet }).then(connector.service.stop)],
  ]
  test.each(ends)('of %s is published with the session and the reason %s', async (_, reason, end) => {
    const connector = await aConnector()
    await end(connector)
    await until(() => expect(connector.topicsOf(wallet.peer)).toEqual(['connect', 'disconnect']))
    const [connect] = publishedOf(connector, 'connect', decodeConnect)
    expect(publishedOf(connector, 'disconnect', decodeDisconnect)).toEqual([{ session: connect?.session, reason }])
  })
})

test('a session at a connector whose clock is behind is the newer one, if it was opened later', async () => {
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
  const [first, second] = publishedOf(behind, 'connect', decodeConnect)
  expect((second?.session ?? '') > (first?.session ?? '')).toBe(true)
})

describe('an archipelago that another one took over from', () => {
  test('is ignored once the new one announced a room to any player', async () => {
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

  test('is ignored once the new one sent a leader heartbeat', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    connector.bus.publish(at.leaderHeartbeat, encodeLeaderHeartbeat({ term: SECOND_TERM, leaseMs: 3_000 }))
    connector.place(player.peer, 'stale', 0, FIRST_TERM)
    connector.place(player.peer, 'upstream')
    expect((await player.nextIsland(5_000)).islandId).toBe('upstream')
  })

  test('does not make the term visible to players', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    connector.place(player.peer, 'island-1', 0, FIRST_TERM)
    connector.place(player.peer, 'island-1')
    const [stamped, plain] = [await player.nextIsland(5_000), await player.nextIsland(5_000)]
    expect(stamped).toEqual(plain)
  })
})

describe('a state sync', () => {
  async function requestSync(connector: TestConnector, requester = 'requester'): Promise<SessionPage[]> {
    const pages: SessionPage[] = []
    const stop = connector.bus.subscribe(at.syncReply(requester), (payload) => {
      const page = decodeSessionPage(payload)
      if (page) pages.push(page)
    })
    connector.bus.publish(at.syncRequest, encodeSyncRequest(requester))
    await until(() => expect(pages.length).toBe(pages[0]?.count))
    stop()
    return pages
  }

  test('is answered with every session, its position, and the room last announced to it', async () => {
    const connector = await aConnector()
    const [placed, fresh] = [await connector.join(), await connector.join()]
    placed.heartbeat({ x: 1, y: 2, z: 3 })
    connector.place(placed.peer, 'island-1', 0, FIRST_TERM)
    await placed.nextIsland(5_000)
    await until(() => expect(connector.topicsOf(placed.peer)).toContain('heartbeat'))
    const [placedSession, freshSession] = publishedOf(connector, 'connect', decodeConnect).map((connect) => connect?.session)
    expect(await requestSync(connector)).toEqual([
      {
        connector: expect.any(String),
        index: 0,
        count: 1,
        entries: [
          { peer: placed.peer, session: placedSession, position: { x: 1, y: 2, z: 3 }, room: 'island-1', term: FIRST_TERM },
          { peer: fresh.peer, session: freshSession, position: undefined, room: undefined, term: undefined },
        ],
      },
    ])
  })

  test('is answered by a connector without players too', async () => {
    expect(await requestSync(await aConnector())).toMatchObject([{ entries: [], count: 1 }])
  })

  test('is not answered when the name of the requester cannot be part of a subject', async () => {
    const connector = await aConnector()
    connector.bus.publish(at.syncRequest, encodeSyncRequest('a.b'))
    await requestSync(connector)
    expect(await connector.metric('state_syncs_total')).toBe(1)
  })
})

test('after the bus reconnects every session is published with the room last announced to it', async () => {
  const connector = await aConnector()
  const [placed, unplaced] = [await connector.join(), await connector.join()]
  connector.place(placed.peer, 'island-1', 0, FIRST_TERM)
  await placed.nextIsland(5_000)
  connector.bus.become('disconnected')
  connector.bus.become('connected')
  connector.clock.advance(1_000)
  await until(() => expect(connector.published).toHaveLength(4))
  const connects = publishedOf(connector, 'connect', decodeConnect)
  expect(connects.map((connect) => connect?.announcedRoom)).toEqual([undefined, undefined, 'island-1', ''])
  expect(connects[2]?.session).toBe(connects[0]?.session)
  expect(unplaced.islands).toEqual([])
})

describe('a burst of upgrades', () => {
  test('is admitted at the configured rate, in the order of arrival', async () => {
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

  test('is refused when it waits too long', async () => {
    const connector = await aConnector({ HANDSHAKES_PER_SECOND: 1 })
    await connector.socket()
    const refused = Array.from({ length: 50 }, () => connector.socket().catch(({ status }: { status: number }) => status))
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(50))
    connector.clock.advance(31_000)
    const statuses = await Promise.all(refused)
    expect(statuses.filter((status) => status === 503)).toHaveLength(21)
    expect(await connector.metric('upgrades_refused_total{limit="rate"}')).toBe(21)
  })

  test('is refused when the connector stops', async () => {
    const connector = await aConnector({ HANDSHAKES_PER_SECOND: 1 })
    await connector.socket()
    const refused = connector.socket().catch(({ status }: { status: number }) => status)
    await until(async () => expect(await connector.metric('upgrades_waiting')).toBe(1))
    await connector.service.stop()
    expect(await refused).toBe(503)
  })
})
