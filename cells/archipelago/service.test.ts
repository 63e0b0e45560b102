import { describe, expect, test } from 'vitest'
import { busPayloads } from '../wire/packets.ts'
import { at, peerId } from './core/fixtures.ts'
import { anArchipelago, aSession } from './fixtures.ts'

const [A, B, C] = [peerId(1), peerId(2), peerId(3)]

/** Two peers near each other that have received their announcements. */
async function twoNeighbours(options: Parameters<typeof anArchipelago>[0] = {}) {
  const world = await anArchipelago(options)
  world.heartbeat(A, at(0))
  world.heartbeat(B, at(10))
  expect(await world.flush()).toHaveLength(2)
  return world
}

describe('islands', () => {
  test('two peers near each other get the same island and one message each, which lists both', async () => {
    const world = await anArchipelago()
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(10))
    const peers = { [A]: at(0), [B]: at(10) }
    expect(await world.flush()).toEqual([
      { peer: A, islandId: 'island-boot-1', connStr: `test:island-boot-1/${A}#1`, fromIslandId: undefined, peers },
      { peer: B, islandId: 'island-boot-1', connStr: `test:island-boot-1/${B}#2`, fromIslandId: undefined, peers },
    ])
    expect(await world.flush()).toEqual([])
  })

  test('peers far apart get islands of their own', async () => {
    const world = await anArchipelago()
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(1000))
    expect((await world.flush()).map(({ islandId }) => islandId)).toEqual(['island-boot-1', 'island-boot-2'])
  })

  test('a peer that walks away gets a new island, a peer that remains gets no message', async () => {
    const world = await twoNeighbours()
    world.heartbeat(B, at(500))
    expect(await world.flush()).toMatchObject([
      { peer: B, islandId: 'island-boot-2', fromIslandId: 'island-boot-1', peers: { [B]: at(500) } },
    ])
  })

  test('a peer that returns gets the old island again', async () => {
    const world = await twoNeighbours()
    world.heartbeat(B, at(500))
    await world.flush()
    world.heartbeat(B, at(20))
    expect(await world.flush()).toMatchObject([{ peer: B, islandId: 'island-boot-1', fromIslandId: 'island-boot-2' }])
  })

  test('the distances, the size and the prefix are the configured ones', async () => {
    const env = { ARCHIPELAGO_JOIN_DISTANCE: '10', ARCHIPELAGO_LEAVE_DISTANCE: '20', LIVEKIT_ISLAND_SIZE: '2', ROOM_PREFIX: 'I' }
    const world = await anArchipelago({ env })
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(10))
    expect((await world.flush()).map(({ islandId }) => islandId)).toEqual(['Iboot-1', 'Iboot-1'])
    world.heartbeat(C, at(5))
    expect(await world.flush()).toMatchObject([{ peer: C, islandId: 'Iboot-2' }])
    world.heartbeat(B, at(20))
    expect(await world.flush()).toEqual([])
    world.heartbeat(B, at(20.5))
    expect(await world.flush()).toMatchObject([{ peer: B }, { peer: C, islandId: 'Iboot-1' }])
  })

  test('a heartbeat carries the preferred island, and an empty one keeps the previous preference', async () => {
    const world = await anArchipelago({ env: { LIVEKIT_ISLAND_SIZE: '3' } })
    for (const [n, x] of [
      [10, 0],
      [20, 120],
      [21, 120],
    ] as const)
      world.heartbeat(peerId(n), at(x))
    await world.flush()
    world.heartbeat(A, at(-500), 'island-boot-1')
    await world.flush()
    world.heartbeat(A, at(60), '')
    expect(await world.flush()).toMatchObject([{ peer: A, islandId: 'island-boot-1' }])
  })

  test('scopes do not receive the messages of each other', async () => {
    const world = await anArchipelago({ env: { BUS_SCOPE: 'ns.realm.0' } })
    world.bus.publish(`ns.realm.1.peer.${A}.heartbeat`, busPayloads.encodeHeartbeat({ position: at(0) }))
    expect(await world.flush()).toEqual([])
    world.heartbeat(B, at(0))
    expect(await world.flush()).toMatchObject([{ peer: B }])
  })
})

describe('sessions', () => {
  test('to a new session its island is announced again, with a fresh token and without a previous island', async () => {
    const world = await twoNeighbours()
    world.connect(B, aSession(2))
    expect(await world.flush()).toMatchObject([
      { peer: B, islandId: 'island-boot-1', connStr: `test:island-boot-1/${B}#3`, fromIslandId: undefined },
    ])
  })

  test('every connect message of a connector without sessions causes an announcement', async () => {
    const world = await twoNeighbours()
    for (let i = 0; i < 2; i++) {
      world.connect(B)
      expect(await world.flush()).toMatchObject([{ peer: B }])
    }
  })

  test('a disconnect and a heartbeat before the next flush count as a new session', async () => {
    const world = await twoNeighbours()
    world.disconnect(B)
    world.heartbeat(B, at(10))
    expect(await world.flush()).toMatchObject([{ peer: B, islandId: 'island-boot-1', fromIslandId: undefined }])
  })

  test('a session that reconnects to the bus gets an announcement only if it missed one', async () => {
    const world = await twoNeighbours()
    world.connect(A, aSession(1))
    const [{ islandId } = { islandId: '' }] = await world.flush()
    world.connect(A, aSession(1), islandId)
    world.connect(A, aSession(1))
    expect(await world.flush()).toEqual([])
    for (const announcedRoom of ['', 'island-elsewhere']) {
      world.connect(A, aSession(1), announcedRoom)
      expect(await world.flush()).toMatchObject([{ peer: A, islandId, fromIslandId: undefined }])
    }
    expect(await world.metric('announcements_missed_total')).toContain('realm_archipelago_announcements_missed_total 2')
  })

  test('the late disconnect of an old session does not affect the newer one', async () => {
    const world = await twoNeighbours()
    world.connect(B, aSession(2))
    world.heartbeat(B, at(10), undefined, aSession(2))
    await world.flush()
    world.disconnect(B, aSession(1))
    world.disconnect(B, aSession(1), 'dropped')
    world.heartbeat(B, at(900), undefined, aSession(1))
    world.connect(B, aSession(1))
    expect(await world.flush(30_000)).toEqual([])
    expect(await world.metric('messages_ignored_total{reason="stale"}')).toContain(
      'realm_archipelago_messages_ignored_total{reason="stale"} 4',
    )
    world.disconnect(B, aSession(2))
    await world.flush()
    expect(await world.metric('peers ')).toContain('realm_archipelago_peers 1')
  })

  test('the heartbeat of a session whose connect message was lost begins the session', async () => {
    const world = await twoNeighbours()
    world.heartbeat(B, at(10), undefined, aSession(3))
    expect(await world.flush()).toMatchObject([{ peer: B, islandId: 'island-boot-1' }])
    world.heartbeat(B, at(11), undefined, aSession(3))
    expect(await world.flush()).toEqual([])
  })

  test('a disconnect takes effect at once', async () => {
    const world = await twoNeighbours()
    world.disconnect(A)
    world.heartbeat(C, at(10))
    expect(await world.flush()).toMatchObject([{ peer: C, peers: { [B]: at(10), [C]: at(10) } }])
  })

  test('a peer without a message for a minute is removed', async () => {
    const world = await twoNeighbours()
    world.heartbeat(A, at(0))
    await world.flush(40_000)
    world.heartbeat(A, at(0))
    await world.flush(30_000)
    expect(await world.metric('peers_expired_total')).toContain('realm_archipelago_peers_expired_total 1')
    world.heartbeat(B, at(10))
    expect(await world.flush()).toMatchObject([{ peer: B, fromIslandId: undefined }])
  })

  test('a heartbeat without a position does not keep its peer alive', async () => {
    const world = await twoNeighbours()
    world.heartbeat(A, undefined)
    await world.flush(40_000)
    world.heartbeat(A, undefined)
    await world.flush(30_000)
    expect(await world.metric('peers_expired_total')).toContain('realm_archipelago_peers_expired_total 2')
  })

  test('the number of peers is limited; others are accepted when a peer leaves', async () => {
    const world = await twoNeighbours({ env: { MAX_PEERS: '2' } })
    world.heartbeat(C, at(0))
    expect(await world.flush()).toEqual([])
    world.disconnect(A)
    world.heartbeat(C, at(0))
    expect(await world.flush()).toMatchObject([{ peer: C }])
  })

  test.each([
    ['bytes that are no heartbeat', `peer.${A}.heartbeat`, new Uint8Array([0xff, 0xff])],
    ['a peer without a wallet address', 'peer.admin.heartbeat', busPayloads.encodeHeartbeat({ position: at(0) })],
    ['a session id of a kilobyte', `peer.${A}.connect`, new Uint8Array(1024)],
  ])('%s are ignored and counted', async (_, subject, payload) => {
    const world = await anArchipelago()
    world.bus.publish(subject, payload)
    expect(await world.flush()).toEqual([])
    expect((await world.metric('messages_ignored_total')).filter((line) => line.endsWith(' 1'))).toHaveLength(1)
  })
})
