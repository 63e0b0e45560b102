import { describe, expect, test, vi } from 'vitest'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId } from '../wire/peer.ts'
import { at, peerId } from './core/fixtures.ts'
import { anArchipelago, aTransport, turns } from './fixtures.ts'

const [A, B, C] = [peerId(1), peerId(2), peerId(3)]

describe('tokens', () => {
  /** A transport that fails for one peer while it is `broken`. */
  function anUnreliableTransport(tokenOf: () => Promise<string>): RoomTransport & { broken: boolean } {
    const good = aTransport()
    const transport = {
      kind: 'livekit' as const,
      broken: true,
      connectionString: (peer: PeerId, room: string, kind: 'island' | 'scene') =>
        transport.broken && peer === A ? tokenOf() : good.connectionString(peer, room, kind),
    }
    return transport
  }

  test.each([
    ['later', () => Promise.reject(new Error('no'))],
    [
      'at once',
      () => {
        throw new Error('no')
      },
    ],
  ])('a token that fails %s affects only its own peer, which gets its announcement after the next flush', async (_, tokenOf) => {
    const transport = anUnreliableTransport(tokenOf)
    const world = await anArchipelago({ transport })
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(0))
    expect(await world.flush()).toMatchObject([{ peer: B }])
    expect(await world.flush()).toEqual([])
    transport.broken = false
    expect(await world.flush()).toMatchObject([{ peer: A, islandId: 'island-boot-1' }])
    expect(await world.metric('tokens_failed_total')).toContain('realm_archipelago_tokens_failed_total{reason="error"} 3')
  })

  test('a token that does not arrive is abandoned at its deadline and does not delay the flushes', async () => {
    const transport = anUnreliableTransport(() => new Promise(() => {}))
    const world = await anArchipelago({ transport })
    world.heartbeat(A, at(0))
    await world.flush()
    world.heartbeat(B, at(0))
    expect(await world.flush()).toMatchObject([{ peer: B }])
    transport.broken = false
    // Five seconds after the first flush, and in time for the fourth.
    expect(await world.flush(1_500)).toEqual([])
    expect(await world.flush()).toMatchObject([{ peer: A }])
    expect(await world.metric('tokens_failed_total')).toContain('realm_archipelago_tokens_failed_total{reason="deadline"} 1')
  })

  test('a peer that the transport refuses leaves its island, is listed to no peer, and is tried again with a later heartbeat', async () => {
    const refused = new Set([A])
    const good = aTransport()
    const transport: RoomTransport = {
      kind: 'livekit',
      connectionString: vi.fn((peer, room, kind) => (refused.has(peer) ? undefined : good.connectionString(peer, room, kind))),
    }
    const world = await anArchipelago({ transport })
    const beat = () => {
      for (const peer of [A, B]) world.heartbeat(peer, at(0))
    }
    beat()
    expect(await world.flush()).toMatchObject([{ peer: B, peers: { [B]: expect.anything() } }])
    const reports: string[] = []
    world.bus.subscribe(world.subjects.islands, (payload) =>
      reports.push(...(busPayloads.decodeIslands(payload)?.data.flatMap(({ peers }) => peers) ?? [])),
    )
    beat()
    world.heartbeat(C, at(0))
    expect(await world.flush()).toMatchObject([{ peer: C, peers: { [B]: expect.anything(), [C]: expect.anything() } }])
    expect(reports).toContain(B)
    expect(reports).not.toContain(A)
    const asked = vi.mocked(transport.connectionString).mock.calls.filter(([peer]) => peer === A)
    expect(asked).toHaveLength(1)

    refused.clear()
    expect(await world.flush(5_000)).toEqual([])
    beat()
    expect(await world.flush()).toMatchObject([{ peer: A, fromIslandId: undefined }])
    expect(await world.metric('tokens_failed_total')).toContain('realm_archipelago_tokens_failed_total{reason="refused"} 1')
  })

  test('a peer whose token fails again and again leaves its island, and is tried again ever more seldom', async () => {
    const failing = vi.fn(() => Promise.reject(new Error('no')))
    const transport = anUnreliableTransport(failing)
    const world = await anArchipelago({ transport })
    for (let flush = 0; flush < 60; flush++) {
      for (const peer of [A, B]) world.heartbeat(peer, at(0))
      await world.flush()
    }
    // 120 seconds: five attempts each, with pauses of 5, 10, 20 and 30 seconds between them.
    expect(failing.mock.calls.length).toBeLessThanOrEqual(25)
    expect(await world.metric('peers_taken_out_total')).toContain('realm_archipelago_peers_taken_out_total 5')
    transport.broken = false
    for (let flush = 0; flush < 15; flush++) {
      world.heartbeat(A, at(0))
      if ((await world.flush()).some(({ peer }) => peer === A)) return
    }
    expect.fail('the peer got no island after its tokens could be made again')
  })

  test('the number of tokens requested at a time is limited', async () => {
    const transport = { kind: 'livekit' as const, connectionString: vi.fn(() => new Promise<string>(() => {})) }
    const world = await anArchipelago({ transport })
    for (let n = 0; n < 200; n++) world.heartbeat(peerId(n), at(0))
    await world.flush()
    expect(transport.connectionString).toHaveBeenCalledTimes(64)
  })

  test('a large number of announcements is published in slices, each once the broker has taken the previous one', async () => {
    const transport: RoomTransport = {
      kind: 'livekit',
      connectionString(_, room) {
        world.clock.stall(1)
        return room
      },
    }
    const world = await anArchipelago({ transport })
    const delivered = vi.spyOn(world.bus, 'flush')
    for (let n = 0; n < 100; n++) world.heartbeat(peerId(n), at(0))
    expect(await world.flush()).toHaveLength(100)
    expect(delivered.mock.calls.length).toBeGreaterThanOrEqual(100 / 8 - 1)
  })

  test('a broker that takes nothing delays announcements only until the next flush', async () => {
    const world = await anArchipelago({
      transport: {
        kind: 'livekit',
        connectionString(_, room) {
          world.clock.stall(1)
          return room
        },
      },
    })
    vi.spyOn(world.bus, 'flush').mockReturnValue(new Promise(() => {}))
    for (let n = 0; n < 20; n++) world.heartbeat(peerId(n), at(0))
    const announced = [...(await world.flush()), ...(await world.flush()), ...(await world.flush())]
    expect(new Set(announced.map(({ peer }) => peer)).size).toBe(20)
  })

  test('to a peer that moves on while its token is minted only the second island is announced', async () => {
    const pending: (() => void)[] = []
    const transport: RoomTransport = {
      kind: 'livekit',
      connectionString: (_, room) => new Promise((resolve) => pending.push(() => resolve(room))),
    }
    const world = await anArchipelago({ transport })
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(0))
    await world.flush()
    world.heartbeat(B, at(500))
    await world.flush()
    for (const release of pending.splice(0)) release()
    await turns()
    for (const release of pending.splice(0)) release()
    expect(await world.flush(0)).toMatchObject([
      { peer: A, connStr: 'island-boot-1' },
      { peer: B, connStr: 'island-boot-2', fromIslandId: undefined },
    ])
  })

  test('a peer that leaves while its token is minted gets no announcement and does not reappear', async () => {
    let release = () => {}
    const transport: RoomTransport = {
      kind: 'livekit',
      connectionString: () =>
        new Promise((resolve) => {
          release = () => resolve('late')
        }),
    }
    const world = await anArchipelago({ transport })
    world.heartbeat(A, at(0))
    await world.flush()
    world.disconnect(A)
    await turns()
    release()
    expect(await world.flush()).toEqual([])
    expect(await world.metric('peers ')).toContain('realm_archipelago_peers 0')
  })

  test('a peer that walks away and back before its token is minted gets no announcement', async () => {
    const transport = anUnreliableTransport(() => Promise.reject(new Error('no')))
    transport.broken = false
    const world = await anArchipelago({ transport })
    for (const peer of [A, B, C]) world.heartbeat(peer, at(0))
    expect(await world.flush()).toHaveLength(3)
    transport.broken = true
    world.heartbeat(A, at(500))
    await world.flush()
    world.heartbeat(A, at(0))
    await world.flush()
    transport.broken = false
    expect(await world.flush()).toEqual([])
  })

  test('a limited list of peers still contains the receiver', async () => {
    const world = await anArchipelago({ env: { ISLAND_CHANGED_MAX_PEERS: '2' } })
    for (const peer of [A, B, C]) world.heartbeat(peer, at(0))
    const announced = await world.flush()
    expect(announced.map(({ peer, peers }) => peer in peers)).toEqual([true, true, true])
    for (const { peers } of announced) expect(Object.keys(peers).length).toBeLessThanOrEqual(3)
  })
})
