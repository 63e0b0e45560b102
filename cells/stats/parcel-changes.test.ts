import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { MAX_PARCEL_CHANGES, ParcelFeed } from './core/parcel-feed.ts'
import { parcelOfPosition } from './core/response-json.ts'
import { aStats, peerId, publishers } from './fixtures.ts'

// As the relay of Decentraland declares it (pulse.md §1.9).
const { root } = protobuf.parse(`syntax = "proto3"; package pulse;
  message Parcel { int32 x = 1; int32 y = 2; }
  message ParcelChange { string address = 1; string realm = 2; optional Parcel parcel = 3; }
  message ParcelChangesBatch {
    string server_name = 1; uint64 seq = 2; bool snapshot = 3; uint64 server_time = 4; repeated ParcelChange changes = 5;
  }`)
const Batch = root.lookupType('pulse.ParcelChangesBatch')

interface DecodedBatch {
  serverName?: string
  seq?: number
  snapshot?: boolean
  serverTime?: number
  changes: { address: string; realm: string; parcel?: { x?: number; y?: number } }[]
}
const decode = (bytes: Uint8Array) => Batch.toObject(Batch.decode(bytes), { longs: Number, arrays: true }) as DecodedBatch
const [ana, ben] = [peerId(1), peerId(2)]

/** Statistics whose feed is listened to, and what a consumer knows that keeps to the rules: who is where. */
async function aConsumer(t: Parameters<typeof aStats>[0], scope = '') {
  const heard: DecodedBatch[] = []
  const stats = await aStats(t, { BUS_SCOPE: scope && `${scope}.*`, REALM_NAME: 'Main', serverName: 'stats-1' })
  stats.bus.subscribe(scope ? `${scope}.engine.parcel_changes` : 'engine.parcel_changes', (bytes) => heard.push(decode(bytes)))
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      stats.clock.advance(1_000)
      await stats.bus.flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { ...stats, heard, pass, at: publishers(stats.bus, scope && `${scope}.0`) }
}

test('a player who appears, moves to another parcel and leaves is told of once each, with the number that follows', async (t) => {
  const { heard, pass, at, clock } = await aConsumer(t)
  at.heartbeat(ana, [-0.31, 1.73, 4.62])
  await pass(5)
  at.heartbeat(ana, [-0.5, 0, 5])
  await pass(5)
  at.heartbeat(ana, [0, 0, 0])
  await pass(5)
  at.disconnect(ana)
  await pass(5)
  const change = (parcel?: object) => [{ address: ana, realm: 'main', ...(parcel && { parcel }) }]
  expect(heard.map(({ changes }) => changes)).toEqual([[], change({ x: -1 }), change({}), change()])
  expect(heard.map(({ seq, snapshot = false }) => [seq, snapshot])).toEqual([
    [1, true],
    [2, false],
    [3, false],
    [4, false],
  ])
  for (const { serverName } of heard) expect(serverName).toBe('stats-1')
  expect(Math.abs((heard.at(-1)?.serverTime ?? 0) - clock.now())).toBeLessThan(5_000)
})

test('everyone is told each minute, and when the bus is back', async (t) => {
  const { heard, pass, at, setBusState } = await aConsumer(t)
  at.heartbeat(ana, [8, 0, 8])
  at.heartbeat(ben, [40, 0, 8])
  await pass(40)
  for (const [i, wallet] of [ana, ben].entries()) at.heartbeat(wallet, [8 + 32 * i, 0, 8])
  await pass(25)
  const snapshots = () => heard.filter(({ snapshot }) => snapshot).map(({ changes }) => changes.map(({ address }) => address))
  const inTime = snapshots().length
  expect(inTime).toBeGreaterThanOrEqual(1)
  setBusState('disconnected')
  const before = heard.length
  at.heartbeat(ana, [80, 0, 8])
  await pass(5)
  expect(heard.length).toBe(before)
  setBusState('connected')
  await pass(5)
  expect(snapshots().slice(inTime)).toEqual([[ana, ben]])
  expect(heard.at(-1)?.changes[0]?.parcel).toEqual({ x: 5 })
})

test('the cells of a realm are told of in one feed, at the scope of the realm', async (t) => {
  const { heard, pass, at } = await aConsumer(t, 'town.main')
  at.heartbeat(ana, [8, 0, 8])
  await pass(5)
  expect(heard.flatMap(({ changes }) => changes)).toEqual([{ address: ana, realm: 'main', parcel: {} }])
})

test('a crowd that does not fit into one message is told in more of them, none of which a broker refuses', () => {
  const feed = new ParcelFeed('stats-1', 'main')
  const peers = Array.from({ length: 2 * MAX_PARCEL_CHANGES + 1 }, (_, i) => ({
    ...{ id: peerId(i), cell: '', position: { x: -160_000, y: 0, z: -160_000 }, lastPing: 0, receivedMs: 0 },
    ...{ session: undefined, appearance: i },
  }))
  expect(parcelOfPosition({ x: -160_000, y: 0, z: -160_000 })).toEqual([-10_000, -10_000])
  const messages = feed.snapshot(peers, 0)
  for (const { length } of messages) expect(length).toBeLessThan(1_000_000)
  const batches = messages.map(decode)
  expect(batches.map(({ seq, snapshot = false, changes }) => [seq, snapshot, changes.length])).toEqual([
    ...[1, 2].map((seq) => [seq, false, MAX_PARCEL_CHANGES]),
    [3, false, 1],
    [4, true, MAX_PARCEL_CHANGES],
    [5, false, MAX_PARCEL_CHANGES],
    [6, false, 1],
  ])
  // By the rules of consumers: a snapshot replaces, what follows adds.
  const known = new Set<string>()
  for (const { snapshot, changes } of batches) {
    if (snapshot) known.clear()
    for (const { address } of changes) known.add(address)
  }
  expect(known.size).toBe(peers.length)
  expect(feed.changes(peers, 0)).toEqual([])
  expect(feed.snapshot([], 0).map(decode).at(-1)).toMatchObject({ seq: 10, snapshot: true, changes: [] })
})

test('two processes of one realm each tell of the players of all cells, under a name of their own', async (t) => {
  const heard: DecodedBatch[] = []
  for (const serverName of ['stats-1', 'stats-2']) {
    const stats = await aStats(t, { BUS_SCOPE: 'ns.main.*', REALM_NAME: 'main', serverName })
    stats.bus.subscribe('ns.main.engine.parcel_changes', (bytes) => heard.push(decode(bytes)))
    publishers(stats.bus, 'ns.main.0').heartbeat(ana, [8, 0, 8])
    publishers(stats.bus, 'ns.main.1').heartbeat(ben, [40, 0, 8])
    for (let second = 0; second < 10; second++) {
      await stats.bus.flush()
      stats.clock.advance(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const walletsOf = (name: string) =>
    heard.filter((batch) => batch.serverName === name).flatMap(({ changes }) => changes.map(({ address }) => address))
  expect([walletsOf('stats-1'), walletsOf('stats-2')]).toEqual([
    [ana, ben],
    [ana, ben],
  ])
})
