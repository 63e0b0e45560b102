import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { aTransport, someConfig, turns } from './archipelago/fixtures.ts'
import { startArchipelago } from './archipelago/service.ts'
import { ManualClock } from './chassis/clock.ts'
import { listen } from './chassis/listen.ts'
import { silentLog } from './chassis/log.ts'
import { Metrics } from './chassis/metrics.ts'
import { aBus, aConnector, aVerifier, until } from './connector/fixtures.ts'
import { startRooms } from './rooms/service.ts'
import { startStats } from './stats/service.ts'
import { encodeAdmission } from './wire/admission.ts'
import { withFencingToken, withPart } from './wire/extension-fields.ts'
import { FencingTokens } from './wire/fencing-token.ts'
import { encodeLeaderHeartbeat } from './wire/leader-heartbeat.ts'
import { busPayloads } from './wire/packets.ts'
import type { PeerId, Position } from './wire/peer.ts'
import { encodeConnect, encodeDisconnect } from './wire/session-messages.ts'
import { encodeSessionPage, encodeSyncRequest } from './wire/state-sync.ts'
import { subjects } from './wire/subjects.ts'

/** More with FUZZ_RUNS in the environment. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 200)
const MAX_PEERS = 40
const NOW = 1_760_000_000_000
const at = subjects('')

interface HostileMessage {
  subject: string
  payload: Uint8Array
}

const coordinate = fc.oneof(
  fc.float(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 3e38, 1e-40),
  fc.integer({ min: -200, max: 200 }),
)
const position: fc.Arbitrary<Position> = fc.record({ x: coordinate, y: coordinate, z: coordinate })
const peer: fc.Arbitrary<PeerId> = fc
  .integer({ min: 1, max: 3 * MAX_PEERS })
  .map((n) => `0x${n.toString(16).padStart(40, '0')}` as PeerId)
/** Of the past: that a later term is followed is the protocol. */
const token = fc.integer({ min: 0, max: NOW - 1 }).map((ms) => new FencingTokens().next(ms, 'hostile'))
const room = fc.oneof(fc.string({ maxLength: 300 }), fc.constantFrom('__proto__', 'island-a-1', ''))
const count = fc.oneof(fc.nat({ max: 200 }), fc.constantFrom(-1, 2 ** 31, Number.MAX_SAFE_INTEGER))

/** Messages as services publish them, with unusual content. */
const wellFormed: fc.Arbitrary<HostileMessage> = fc.oneof(
  fc.tuple(peer, position, token, room).map(([of, where, session, desiredRoom]) => ({
    subject: at.heartbeat(of),
    payload: withFencingToken(busPayloads.encodeHeartbeat({ position: where, desiredRoom }), session),
  })),
  fc.tuple(peer, token, fc.option(room, { nil: undefined })).map(([of, session, announcedRoom]) => ({
    subject: at.connect(of),
    payload: encodeConnect({ session, announcedRoom }),
  })),
  fc.tuple(peer, token, fc.constantFrom('left', 'dropped', 'drained')).map(([of, session, reason]) => ({
    subject: at.disconnect(of),
    payload: encodeDisconnect({ session, reason }),
  })),
  fc.tuple(peer, room, token, position).map(([of, islandId, term, where]) => ({
    subject: at.islandChanged(of),
    payload: withFencingToken(
      busPayloads.encodeIslandChanged({ islandId, connStr: 'x', fromIslandId: islandId, peers: { [of]: where } }),
      term,
    ),
  })),
  fc.tuple(peer, room, token, fc.constantFrom('island', 'scene')).map(([of, name, term, kind]) => ({
    subject: at.admission(of),
    payload: encodeAdmission({ room: name, kind, term }),
  })),
  fc
    .tuple(fc.array(peer, { maxLength: 5 }), position, coordinate, count, count, token)
    .map(([peers, center, radius, index, parts, term]) => ({
      subject: at.islands,
      payload: withFencingToken(
        withPart(busPayloads.encodeIslands({ data: [{ id: 'i', maxPeers: 1, peers, center, radius }] }), {
          message: 1,
          index,
          count: parts,
        }),
        term,
      ),
    })),
  fc.tuple(fc.nat(), token).map(([userCount, term]) => ({
    subject: at.discovery,
    payload: withFencingToken(
      busPayloads.encodeDiscovery({ serverName: 'archipelago', status: { currentTime: NOW, commitHash: 'x', userCount } }),
      term,
    ),
  })),
  fc.tuple(token, fc.nat({ max: 5_000 })).map(([term, leaseMs]) => ({
    subject: at.leaderHeartbeat,
    payload: encodeLeaderHeartbeat({ term, leaseMs }),
  })),
  fc.string({ maxLength: 80 }).map((requester) => ({ subject: at.syncRequest, payload: encodeSyncRequest(requester) })),
  fc.tuple(peer, token, position, room, count, count).map(([of, session, where, name, index, pages]) => ({
    subject: at.syncReply('boot-1'),
    payload: encodeSessionPage({
      connector: name,
      index,
      count: pages,
      entries: [{ peer: of, session, position: where, room: name, term: session }],
    }),
  })),
)

const flipped = fc.tuple(
  wellFormed,
  fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
)
const mutated: fc.Arbitrary<HostileMessage> = fc.oneof(
  { weight: 4, arbitrary: wellFormed },
  {
    weight: 8,
    arbitrary: flipped.map(([{ subject, payload }, flips]) => {
      const bytes = Uint8Array.from(payload)
      for (const [offset, bits] of flips) {
        const index = offset % Math.max(1, bytes.length)
        bytes.set([(bytes[index] ?? 0) ^ bits].slice(0, bytes.length), index)
      }
      return { subject, payload: bytes }
    }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(wellFormed, fc.nat()).map(([{ subject, payload }, length]) => ({
      subject,
      payload: payload.subarray(0, length % (payload.length + 1)),
    })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(wellFormed, fc.uint8Array({ maxLength: 200 })).map(([{ subject }, payload]) => ({ subject, payload })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(wellFormed, fc.constantFrom('[', '{"a":', '\n', '\0', '\x0a\x0a', '9'))
      .map(([{ subject, payload }, text]) => ({
        subject,
        payload: Buffer.concat([payload, Buffer.from(text.repeat(Math.ceil(1_000_000 / text.length)))]),
      })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(wellFormed, fc.string({ maxLength: 60 })).map(([{ subject, payload }, name]) => ({
      subject: subject.replace(/0x[0-9a-f]{40}/, name),
      payload,
    })),
  },
)

/** All services that read the bus, on one; `thrown` has what their listeners threw. */
async function servicesOnOneBus() {
  const thrown: unknown[] = []
  const plain = aBus()
  const bus: typeof plain = Object.defineProperty({ ...plain }, 'state', { get: () => plain.state })
  bus.subscribe = (pattern, listener) =>
    plain.subscribe(pattern, (payload, subject) => {
      try {
        listener(payload, subject)
      } catch (error) {
        thrown.push(error)
      }
    })
  const clock = new ManualClock(NOW)
  const shared = { bus, log: silentLog, clock }
  const archipelagoRegistry = new Metrics('archipelago')
  const archipelago = await startArchipelago(someConfig({ MAX_PEERS: String(MAX_PEERS) }), {
    ...{ ...shared, metrics: archipelagoRegistry, transport: aTransport(), bootId: 'boot', alone: true },
  })
  const stats = await startStats(
    { BUS_SCOPE: '', COMMIT_HASH: '', CURRENT_VERSION: '' },
    { ...shared, metrics: new Metrics('stats') },
  )
  const rooms = await startRooms({ scope: '' }, { ...shared, verifier: aVerifier(), metrics: new Metrics('rooms') })
  const connector = await aConnector({}, { bus })
  const statsHttp = await listen(stats.app, { host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await statsHttp.stop()
    const stopping = Promise.all([archipelago.stop(), stats.stop(), rooms.stop()])
    for (let i = 0; i < 200; i++) {
      clock.advance(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await stopping
  })
  const peers = async () => Number(/realm_archipelago_peers (\d+)/.exec(await archipelagoRegistry.registry.metrics())?.[1])
  return { thrown, bus, clock, connector, peers, statsUrl: statsHttp.url }
}

test('whatever is published on the bus, no service fails and a player still gets their island', {
  timeout: 600_000,
}, async () => {
  const { thrown, bus, clock, connector, peers, statsUrl } = await servicesOnOneBus()
  const player = await connector.join()
  await fc.assert(
    fc.asyncProperty(fc.array(mutated, { minLength: 1, maxLength: 20 }), async (messages) => {
      for (const { subject, payload } of messages) bus.publish(subject, payload)
      await turns()
      clock.advance(500)
      await turns()
      expect(thrown).toEqual([])
    }),
    { seed: 20_261_128, numRuns: RUNS, endOnFailure: true },
  )
  expect(await peers()).toBeGreaterThan(MAX_PEERS / 2)
  expect(await peers()).toBeLessThanOrEqual(MAX_PEERS)
  for (const path of ['/peers', '/islands', '/core-status', '/status', '/parcels'])
    expect([path, (await fetch(statsUrl + path)).status]).toEqual([path, 200])

  // The peers of the hostile messages are silent from now on, and give up their places.
  for (let seconds = 0; seconds < 90; seconds++) {
    clock.advance(1_000)
    await turns()
  }
  player.heartbeat({ x: 1, y: 0, z: 2 })
  await until(async () => {
    clock.advance(500)
    await turns()
    expect(player.islands.length).toBeGreaterThan(0)
  })
  expect(thrown).toEqual([])
})
