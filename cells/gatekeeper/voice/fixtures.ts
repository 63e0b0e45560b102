import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AccessToken } from 'livekit-server-sdk'
import { expect, onTestFinished, type TestContext, vi } from 'vitest'
import type { Storage } from '../adapters/storage.ts'
import { aConfig, aGatekeeper } from '../fixtures.ts'

const COMMS_GATEKEEPER_AUTH_TOKEN = 'services-token-01234'
/** As the TypeScript of LiveKit's protocol names them. */
const reasons = {
  'client initiated': 'CLIENT_INITIATED',
  'duplicate identity': 'DUPLICATE_IDENTITY',
  'participant removed': 'PARTICIPANT_REMOVED',
  'room deleted': 'ROOM_DELETED',
  'signal close': 'SIGNAL_CLOSE',
}
export type Reason = keyof typeof reasons

interface Participant {
  identity: string
  sid: string
  metadata: string
  joinedAt: string
  joinedAtMs: string
  permission: Record<string, unknown>
}
type Event = { event: string; createdAt: string; room: { name: string }; participant?: object }

/**
 * A gatekeeper, and a LiveKit of which the test says which webhooks arrive, how often and in which order: a real one delivers them
 * right, and its clock cannot be moved. `room-guard.test.ts` and `voice-livekit.test.ts` have the real one.
 */
export async function aVoiceWorld(t: TestContext, storage: Storage | undefined, more: Parameters<typeof aGatekeeper>[1] = {}) {
  const rooms = new Map<string, Map<string, Participant>>()
  const requests: string[] = []
  const state = { isBroken: false, sids: 0 }
  const api = await livekitApi(rooms, requests, state)
  const gatekeeper = await aGatekeeper(t, {
    ...(storage && { storage }),
    ...more,
    config: { COMMS_GATEKEEPER_AUTH_TOKEN, LIVEKIT_API_URL: api, ...more.config },
  })
  const { clock, url } = gatekeeper
  const createdAt = () => String(Math.floor(clock.now() / 1_000))

  /** A request of the social service. */
  async function call(method: string, path: string, body?: unknown): Promise<[status: number, body: unknown]> {
    const headers = { authorization: `Bearer ${COMMS_GATEKEEPER_AUTH_TOKEN}` }
    const answer = await fetch(url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return [answer.status, await answer.json()]
  }
  /** A webhook, as LiveKit signs it; at the replica of the URL. */
  async function deliver(event: Event, to = url): Promise<number> {
    const { LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret } = aConfig()
    const body = JSON.stringify(event)
    const token = new AccessToken(key, secret)
    token.sha256 = createHash('sha256').update(body).digest('base64')
    const headers = { authorization: await token.toJwt(), 'content-type': 'application/webhook+json' }
    return (await fetch(`${to}/livekit-webhook`, { method: 'POST', headers, body })).status
  }
  /** A player uses the address that the social service was given; returns the event, which the test delivers or loses. */
  function enter(connectionUrl: string): Event {
    const { sub, video, metadata = '' } = claimsOf(connectionUrl)
    const participant: Participant = {
      ...{ identity: sub, sid: `PA_${++state.sids}`, metadata, joinedAt: createdAt(), joinedAtMs: String(clock.now()) },
      permission: { canPublish: video.canPublish, canSubscribe: true },
    }
    const room = rooms.get(video.room) ?? new Map<string, Participant>()
    rooms.set(video.room, room.set(sub, participant))
    return { event: 'participant_joined', createdAt: createdAt(), room: { name: video.room }, participant }
  }
  /** A connection ends; returns the event. */
  function leave(joined: Event, reason: Reason = 'client initiated'): Event {
    const participant = joined.participant as Participant
    const room = rooms.get(joined.room.name)
    if (room?.get(participant.identity)?.sid === participant.sid) room.delete(participant.identity)
    return {
      ...{ ...joined, event: 'participant_left', createdAt: createdAt() },
      participant: { ...participant, disconnectReason: reasons[reason] },
    }
  }
  const roomFinished = (name: string): Event => {
    rooms.delete(name)
    return { event: 'room_finished', createdAt: createdAt(), room: { name } }
  }
  const looks = async () => {
    const text = await gatekeeper.metrics.registry.metrics()
    return [...text.matchAll(/voice_sweeps_total\{[^}]*\} (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  }
  /** Lets time pass, at the end of which the gatekeeper looks at all rooms. */
  async function pass(ms: number): Promise<void> {
    // The next look is scheduled when the one before has ended.
    await new Promise((resolve) => setTimeout(resolve, 10))
    const before = await looks()
    clock.advance(ms)
    await vi.waitFor(async () => expect(await looks()).toBeGreaterThan(before), { timeout: 20_000, interval: 10 })
  }
  const hasLivekit = !more.config || !('LIVEKIT_HOST' in more.config)
  if (hasLivekit) await vi.waitFor(async () => expect(await looks()).toBeGreaterThan(0), { timeout: 20_000, interval: 10 })
  return {
    ...gatekeeper,
    storage: storage ?? gatekeeper.storage,
    api,
    rooms,
    requests,
    state,
    call,
    deliver,
    enter,
    leave,
    roomFinished,
    pass,
  }
}

/** The claims of the token in a connection URL. */
export function claimsOf(connectionUrl: string) {
  const claims = Buffer.from(connectionUrl.split('.').at(-2) ?? '', 'base64url').toString()
  return JSON.parse(claims) as { sub: string; metadata?: string; video: { room: string; canPublish: boolean } }
}

async function livekitApi(
  rooms: Map<string, Map<string, Participant>>,
  requests: string[],
  state: { isBroken: boolean },
): Promise<string> {
  const methods: Record<string, (body: Record<string, string> & { permission?: Record<string, unknown> }) => unknown> = {
    ListRooms: () => ({ rooms: [...rooms].map(([name, { size }]) => ({ name, numParticipants: size })) }),
    ListParticipants: ({ room = '' }) => rooms.has(room) && { participants: [...(rooms.get(room)?.values() ?? [])] },
    GetParticipant: ({ room = '', identity = '' }) => rooms.get(room)?.get(identity),
    RemoveParticipant: ({ room = '', identity = '' }) => rooms.get(room)?.delete(identity) && {},
    DeleteRoom: ({ room = '' }) => rooms.delete(room) && {},
    UpdateParticipant: ({ room = '', identity = '', metadata, permission }) => {
      const participant = rooms.get(room)?.get(identity)
      return participant && Object.assign(participant, { metadata, permission })
    },
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const method = request.url?.split('/').at(-1) ?? ''
    const body = JSON.parse(Buffer.concat(chunks).toString())
    requests.push(`${method} ${body.room ?? ''} ${body.identity ?? ''}`.trim())
    const answer = state.isBroken ? undefined : methods[method]?.(body)
    const status = state.isBroken ? 503 : answer ? 200 : 404
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(answer || { code: state.isBroken ? 'unavailable' : 'not_found', msg: 'participant does not exist' }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
