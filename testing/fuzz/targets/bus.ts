import fc from 'fast-check'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { encodeAdmission } from '../../../cells/wire/admission.ts'
import { withFencingToken, withPart } from '../../../cells/wire/extension-fields.ts'
import { FencingTokens } from '../../../cells/wire/fencing-token.ts'
import { encodeLeaderHeartbeat } from '../../../cells/wire/leader-heartbeat.ts'
import { busPayloads } from '../../../cells/wire/packets.ts'
import type { PeerId, Position } from '../../../cells/wire/peer.ts'
import { encodeConnect, encodeDisconnect } from '../../../cells/wire/session-messages.ts'
import { encodeSessionPage, encodeSyncRequest } from '../../../cells/wire/state-sync.ts'
import { subjects } from '../../../cells/wire/subjects.ts'
import { startFuzzedServices } from '../services.ts'
import { fuzzTarget } from '../target.ts'

interface Message {
  subject: string
  payload: Uint8Array
}

const MAX_PEERS = 40
/** Silence after which every service has removed a peer. */
const FORGOTTEN_MS = 95_000
const NOW = 1_760_000_000_000
const at = subjects('')

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
const wellFormed: fc.Arbitrary<Message> = fc.oneof(
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

const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })

const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 4, arbitrary: wellFormed },
  {
    weight: 8,
    arbitrary: fc.tuple(wellFormed, flips).map(([{ subject, payload }, changes]) => {
      const bytes = Uint8Array.from(payload)
      for (const [offset, bits] of changes)
        if (bytes.length > 0) bytes[offset % bytes.length] = (bytes[offset % bytes.length] ?? 0) ^ bits
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

/** Messages on the bus of all services, from a process that has its credentials; a clock of its own removes their peers again. */
export const bus = fuzzTarget<readonly Message[]>({
  name: 'bus',
  inputs: fc.array(message, { minLength: 1, maxLength: 20 }),
  inputsInSuite: 200,
  async start() {
    const clock = new ManualClock(NOW)
    const services = await startFuzzedServices({
      clock,
      archipelago: { MAX_PEERS: String(MAX_PEERS), ARCHIPELAGO_FLUSH_FREQUENCY: '2' },
    })
    return {
      async send(messages) {
        for (const { subject, payload } of messages) services.bus.publish(subject, payload)
        await services.bus.flush()
        await services.pass(500)
      },
      problems: services.problems,
      async serveHonestly() {
        await services.pass(FORGOTTEN_MS)
        await services.serveHonestly()
      },
      stop: services.stop,
    }
  },
})
