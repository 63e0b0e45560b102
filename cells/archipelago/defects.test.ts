import { expect, test } from 'vitest'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { busPayloads } from '../wire/packets.ts'
import { at, peerId } from './core/fixtures.ts'
import { anArchipelago, aSession, aTransport, turns } from './fixtures.ts'

// The defects of the reference implementation around its engine, by the numbers of clustering.md §6; the tests for the defects of
// its engine are beside ours.

const [A, B, C] = [peerId(1), peerId(2), peerId(3)]

test('6.3: a transport that takes 20 ms for a token does not turn 500 arrivals into a flush of 20 s', async () => {
  const good = aTransport()
  const pending: (() => void)[] = []
  const slow: RoomTransport = {
    kind: 'livekit',
    connectionString: async (...asked) => {
      await new Promise<void>((resolve) => pending.push(resolve))
      return good.connectionString(...asked)
    },
  }
  const world = await anArchipelago({ transport: slow })
  for (let n = 0; n < 500; n++) world.heartbeat(peerId(n), at(0))
  await turns()
  world.clock.advance(0)
  // The flush ends before the first token is minted, and many tokens are minted at a time, one for each peer.
  expect(await world.metric('islands ')).toContain('realm_archipelago_islands 5')
  let rounds = 0
  for (await turns(); pending.length > 0; await turns(), rounds++) for (const mint of pending.splice(0)) mint()
  expect(rounds).toBeLessThanOrEqual(Math.ceil(500 / 64))
  expect(await world.flush(0)).toHaveLength(500)
  expect(await world.metric('tokens_total')).toContain('realm_archipelago_tokens_total 500')
})

test('6.6: a transport that fails while an island is split leaves no peer without an island and no ghost', async () => {
  const good = aTransport()
  const broken = new Set<string>()
  const transport: RoomTransport = {
    kind: 'livekit',
    connectionString: (peer, ...rest) =>
      broken.has(peer) ? Promise.reject(new Error('no')) : good.connectionString(peer, ...rest),
  }
  const world = await anArchipelago({ transport })
  for (const peer of [A, B, C]) world.heartbeat(peer, at(0))
  expect(await world.flush()).toHaveLength(3)
  broken.add(B)
  world.heartbeat(B, at(500))
  await world.flush()
  // The rest of the island leaves while the detached peer has no token, and then that peer too: no ghost remains.
  world.disconnect(A)
  world.disconnect(C)
  await world.flush()
  broken.clear()
  expect(await world.flush()).toMatchObject([{ peer: B, fromIslandId: 'island-boot-1' }])
  broken.add(B)
  world.heartbeat(B, at(1_500))
  world.heartbeat(C, at(2_000))
  await world.flush()
  world.disconnect(B)
  await world.flush()
  expect(await world.metric('islands ')).toContain('realm_archipelago_islands 1')
  expect(await world.metric('peers ')).toContain('realm_archipelago_peers 1')
})

test('6.7: fromIslandId is the island last announced, never one that existed only within a flush', async () => {
  const world = await anArchipelago()
  world.heartbeat(A, at(0))
  world.heartbeat(B, at(500))
  const announced = await world.flush()
  expect(announced.map(({ fromIslandId }) => fromIslandId)).toEqual([undefined, undefined])
  world.heartbeat(B, at(10))
  expect(await world.flush()).toMatchObject([{ peer: B, fromIslandId: announced[1]?.islandId }])
})

test('6.9: no id is used again after a restart, so no peer enters a room where others still are', async () => {
  const rooms = new Set<string>()
  for (const bootId of ['one', 'two', 'three']) {
    const world = await anArchipelago({ bootId })
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(500))
    for (const { islandId } of await world.flush()) rooms.add(islandId)
    await world.service.stop()
  }
  expect(rooms.size).toBe(6)
})

test('6.10: a report of 30 000 peers reaches its subscribers, although it is too large for one message', async () => {
  const world = await anArchipelago({ env: { ISLAND_CHANGED_MAX_PEERS: '0' } })
  const sizes: number[] = []
  const reported = new Set<string>()
  world.bus.subscribe(world.subjects.islands, (payload) => {
    sizes.push(payload.length)
    for (const { peers } of busPayloads.decodeIslands(payload)?.data ?? []) for (const peer of peers) reported.add(peer)
  })
  for (let n = 0; n < 30_000; n++) world.heartbeat(peerId(n), at(0))
  await turns()
  world.clock.advance(0)
  await turns()
  expect(Math.max(...sizes)).toBeLessThan(1_000_000)
  expect(reported.size).toBe(30_000)
})

test('6.11: the list of peers in a message can be limited, and is encoded once per room', async () => {
  const world = await anArchipelago({ env: { ISLAND_CHANGED_MAX_PEERS: '0' } })
  for (let n = 0; n < 50; n++) world.heartbeat(peerId(n), at(0))
  const announced = await world.flush()
  expect(announced).toHaveLength(50)
  expect(announced.every(({ peers }) => Object.keys(peers).length === 0)).toBe(true)
})

test('6.14: the late disconnect of an old socket does not end the newer session', async () => {
  const world = await anArchipelago()
  world.connect(A, aSession(1))
  world.heartbeat(A, at(0), undefined, aSession(1))
  await world.flush()
  world.connect(A, aSession(2))
  world.disconnect(A, aSession(1))
  expect(await world.flush()).toMatchObject([{ peer: A, islandId: 'island-boot-1' }])
  expect(await world.flush(30_000)).toEqual([])
  expect(await world.metric('peers ')).toContain('realm_archipelago_peers 1')
})

test('6.15: of ten heartbeats between two flushes the last one counts, and they cost as much as one', async () => {
  const world = await anArchipelago()
  world.heartbeat(A, at(0))
  await world.flush()
  for (let x = 1; x <= 10; x++) world.heartbeat(A, at(x * 1_000))
  world.heartbeat(B, at(10_010))
  await turns()
  expect(await world.metric('peers_dirty ')).toContain('realm_archipelago_peers_dirty 2')
  const announced = await world.flush()
  expect(announced).toHaveLength(1)
  expect(announced[0]?.peers).toHaveProperty(A, at(10_000))
  expect(await world.metric('peers_dirty ')).toContain('realm_archipelago_peers_dirty 0')
})
