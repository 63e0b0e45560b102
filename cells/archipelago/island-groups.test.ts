import { describe, expect, test } from 'vitest'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { fencingTokenOf, splitFencingToken } from '../wire/extension-fields.ts'
import { decodeIslandGroup } from '../wire/island-group.ts'
import { busPayloads, type IslandChangedMessage } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { encodeSyncRequest, requesterOf } from '../wire/state-sync.ts'
import { peerOf } from '../wire/subjects.ts'
import { at, peerId } from './core/fixtures.ts'
import { anArchipelago, turns } from './fixtures.ts'
import { aTestBus, walkApart } from './takeover.fixtures.ts'

const [A, B, C, D] = [peerId(1), peerId(2), peerId(3), peerId(4)]
const [OURS, OTHER] = ['k00000000000a', 'k00000000000b'] as const
/** Of a connector of the first version. */
const FORMER = '00000000000a'
const sessionAt = (issuer: string, n = 1) => `00000000${n}-${issuer}`
const HOUR_MS = 3_600_000

/** Mints at once, as the transport of LiveKit does. */
const aPromptTransport = (mint = (peer: PeerId, room: string): string | undefined => `test:${room}/${peer}`): RoomTransport => ({
  kind: 'livekit',
  connectionString: mint,
})

/** An archipelago, and all that it announces: to whom, by which connector, and the bytes that the player is sent. */
async function aWorld(options: Parameters<typeof anArchipelago>[0] = {}) {
  const world = await anArchipelago({ transport: aPromptTransport(), ...options })
  const messages: { connector: string | undefined; peers: PeerId[] }[] = []
  const sent = new Map<PeerId, Buffer>()
  world.bus.subscribe(world.subjects.every.islandGroup, (payload, subject) => {
    const group = decodeIslandGroup(payload)
    if (!group || !fencingTokenOf(payload)) throw new Error('not a group of a term')
    messages.push({ connector: subject.split('.').at(-2), peers: group.members.map(({ peer }) => peer) })
    for (const { peer, before, after } of group.members)
      sent.set(peer, Buffer.concat([before, group.list, ...(after ? [after] : [])]))
  })
  world.bus.subscribe(world.subjects.every.islandChanged, (payload, subject) => {
    const peer = peerOf(subject)
    if (!peer) throw new Error('not a peer')
    messages.push({ connector: undefined, peers: [peer] })
    sent.set(peer, Buffer.from(splitFencingToken(payload).body))
  })
  return {
    ...world,
    sent,
    /** Lets the next flush pass; returns what was published. */
    async flush(byMs?: number) {
      await world.flush(byMs)
      return messages.splice(0)
    },
    received: (peer: PeerId): IslandChangedMessage | undefined =>
      busPayloads.decodeIslandChanged(sent.get(peer) ?? Buffer.alloc(0)),
  }
}

describe('players at connectors that take groups', () => {
  test('are told of their island by one message for each connector, and sent the bytes of a message of their own', async () => {
    const [together, apart] = [await aWorld(), await aWorld()]
    for (const [n, peer] of [A, B, C].entries()) {
      together.heartbeat(peer, at(n), undefined, sessionAt(peer === C ? OTHER : OURS))
      apart.heartbeat(peer, at(n), undefined, sessionAt(FORMER))
    }
    expect(await together.flush()).toEqual([
      { connector: OURS, peers: [A, B] },
      { connector: OTHER, peers: [C] },
    ])
    expect(await apart.flush()).toEqual([A, B, C].map((peer) => ({ connector: undefined, peers: [peer] })))
    expect(together.sent).toEqual(apart.sent)
    expect(together.received(A)).toMatchObject({
      islandId: 'island-boot-1',
      connStr: `test:island-boot-1/${A}`,
      fromIslandId: undefined,
    })

    for (const world of [together, apart]) {
      const issuer = world === together ? OURS : FORMER
      world.heartbeat(B, at(500), undefined, sessionAt(issuer))
      await world.flush()
    }
    expect(together.received(B)).toMatchObject({ islandId: 'island-boot-2', fromIslandId: 'island-boot-1' })
    expect(together.sent).toEqual(apart.sent)
    expect(await together.metric('island_groups_total')).toContain('realm_archipelago_island_groups_total 3')
  })

  test('find themselves in a list that is limited, which is the same for all of them', async () => {
    const [together, apart] = [
      await aWorld({ env: { ISLAND_CHANGED_MAX_PEERS: '2' } }),
      await aWorld({ env: { ISLAND_CHANGED_MAX_PEERS: '2' } }),
    ]
    for (const peer of [A, B, C, D]) {
      together.heartbeat(peer, at(0), undefined, sessionAt(OURS))
      apart.heartbeat(peer, at(0), undefined, sessionAt(FORMER))
    }
    expect(await together.flush()).toEqual([{ connector: OURS, peers: [A, B, C, D] }])
    await apart.flush()
    expect(together.sent).toEqual(apart.sent)
    expect(Object.keys(together.received(D)?.peers ?? {})).toEqual([A, B, D])
  })

  test('are told in as many messages as a crowd needs, each player once', async () => {
    const world = await aWorld({ env: { LIVEKIT_ISLAND_SIZE: '500' } })
    const crowd = Array.from({ length: 450 }, (_, n) => peerId(n + 1))
    for (const peer of crowd) world.heartbeat(peer, at(0), undefined, sessionAt(OURS))
    const messages = await world.flush()
    expect(messages.every(({ connector, peers }) => connector === OURS && peers.length <= 100)).toBe(true)
    expect(messages.length).toBeLessThan(10)
    expect(messages.flatMap(({ peers }) => peers).sort()).toEqual(crowd)
    expect(await world.flush()).toEqual([])
  })

  test('are told by groups of one where the rooms wait for something', async () => {
    const world = await aWorld({ transport: { kind: 'ws-room', connectionString: async (peer, room) => `ws:${room}/${peer}` } })
    for (const peer of [A, B]) world.heartbeat(peer, at(0), undefined, sessionAt(OURS))
    expect(await world.flush()).toEqual([A, B].map((peer) => ({ connector: OURS, peers: [peer] })))
  })

  test('do not wait for one whose token fails or is refused, and who is asked for once in a flush', async () => {
    const asked: PeerId[] = []
    const transport = aPromptTransport((peer, room) => {
      asked.push(peer)
      if (peer === B) throw new Error('no')
      return peer === C ? undefined : `test:${room}/${peer}`
    })
    const world = await aWorld({ transport })
    for (const peer of [A, B, C, D]) world.heartbeat(peer, at(0), undefined, sessionAt(OURS))
    expect(await world.flush(500)).toEqual([{ connector: OURS, peers: [A, D] }])
    expect(asked.toSorted()).toEqual([A, B, C, D])
    // C is refused, and was taken out before the list was made.
    expect(Object.keys(world.received(D)?.peers ?? {})).toEqual([A, B, D])
    expect(await world.metric('tokens_failed_total')).toEqual(
      expect.arrayContaining([
        'realm_archipelago_tokens_failed_total{reason="error"} 1',
        'realm_archipelago_tokens_failed_total{reason="refused"} 1',
      ]),
    )
  })
})

describe('beside connectors of the version before, or of others', () => {
  test('each player of an island is told the way its connector understands', async () => {
    const world = await aWorld()
    world.heartbeat(A, at(0), undefined, sessionAt(FORMER))
    world.heartbeat(B, at(0), undefined, sessionAt(OURS))
    world.heartbeat(C, at(0))
    world.heartbeat(D, at(0), undefined, sessionAt(OURS))
    expect((await world.flush()).toSorted((a, b) => b.peers.length - a.peers.length)).toEqual([
      { connector: OURS, peers: [B, D] },
      { connector: undefined, peers: [A] },
      { connector: undefined, peers: [C] },
    ])
    for (const peer of [A, B, C, D]) expect(Object.keys(world.received(peer)?.peers ?? {})).toEqual([A, B, C, D])
  })

  test.each([
    ['to the version before', sessionAt(FORMER, 2)],
    ['to one without sessions', undefined],
  ])('a player who goes over %s and comes back is told at both', async (_, session) => {
    const world = await aWorld()
    world.connect(A, sessionAt(OURS, 1))
    world.heartbeat(A, at(0), undefined, sessionAt(OURS, 1))
    expect(await world.flush()).toEqual([{ connector: OURS, peers: [A] }])
    world.connect(A, session)
    world.heartbeat(A, at(0), undefined, session)
    expect(await world.flush()).toEqual([{ connector: undefined, peers: [A] }])
    world.connect(A, sessionAt(OTHER, 3))
    world.heartbeat(A, at(0), undefined, sessionAt(OTHER, 3))
    expect(await world.flush()).toEqual([{ connector: OTHER, peers: [A] }])
  })

  test('a player with a connection to one without sessions as well is told at both', async () => {
    const world = await aWorld()
    world.heartbeat(A, at(0), undefined, sessionAt(OURS))
    await world.flush()
    world.heartbeat(A, at(500))
    world.heartbeat(A, at(500), undefined, sessionAt(OURS))
    world.heartbeat(B, at(500), undefined, sessionAt(OURS))
    world.connect(A)
    expect(await world.flush()).toContainEqual({ connector: undefined, peers: [A] })
  })
})

describe('beside archipelagos', () => {
  const [former, present] = ['former-1', requesterOf('present', 1)]
  test.each([
    ['of the first version, which would miss groups, players are told one by one for an hour', former, undefined],
    ['of this version players are told in groups', present, OURS],
  ])('%s', async (_, requester, connector) => {
    const world = await aWorld()
    world.bus.publish(world.subjects.syncRequest, encodeSyncRequest(requester))
    world.heartbeat(A, at(0), undefined, sessionAt(OURS))
    expect(await world.flush()).toEqual([{ connector, peers: [A] }])
    await world.flush(HOUR_MS)
    world.heartbeat(B, at(500), undefined, sessionAt(OURS))
    expect(await world.flush()).toEqual([{ connector: OURS, peers: [B] }])
  })

  test('that were led by one of the first version players are told one by one', async () => {
    const world = await aWorld()
    world.bus.publish(world.subjects.leaderHeartbeat, Buffer.from('000000001-former 0'))
    world.heartbeat(A, at(0), undefined, sessionAt(OURS))
    expect(await world.flush()).toEqual([{ connector: undefined, peers: [A] }])
  })
})

test('a standby follows what players are told in groups, and moves none of them when it takes over', async () => {
  const testBus = aTestBus(OURS)
  const first = await testBus.start('first', { transport: aPromptTransport() })
  await testBus.pass(5_000)
  await testBus.start('second', { transport: aPromptTransport() })
  await testBus.pass(1_000)
  walkApart(testBus)
  await testBus.pass(4_000)
  const rooms = [A, B, C].map((peer) => testBus.roomOf(peer))
  expect(testBus.takeAnnouncements().map(({ peer, by }) => [peer, by])).toEqual([A, B, C].map((peer) => [peer, 'first']))
  testBus.stopReplying()
  first.kill()
  testBus.walk(D, at(20))
  await testBus.pass(6_000)
  expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, room: rooms[0], by: 'second' }])
  await testBus.pass(10_000)
  expect([A, B, C].map((peer) => testBus.roomOf(peer))).toEqual(rooms)
  expect(testBus.takeAnnouncements()).toEqual([])
})

test('a standby ignores a group that is malformed', async () => {
  const testBus = aTestBus(OURS)
  const standby = await testBus.start('first', { transport: aPromptTransport() })
  testBus.publish(`engine.connector.${OURS}.island_changed`, Buffer.from('no group'))
  await turns()
  expect(await standby.metric('messages_ignored_total{reason="malformed"}')).toBe(1)
})
