import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AccessToken } from 'livekit-server-sdk'
import { onTestFinished } from 'vitest'
import { aConfig } from '../fixtures.ts'

/** An RTMP endpoint as LiveKit stores it. */
export interface FakeIngress {
  ingressId: string
  name: string
  roomName: string
  participantIdentity: string
  streamKey: string
  url: string
  state: { status: string; startedAt?: string }
}

/** LiveKit's API: the part for RTMP endpoints needs a server with Redis, and faults need a server that has them. */
export interface FakeLivekit {
  /** Settings of a gatekeeper that uses it. */
  config: { LIVEKIT_API_URL: string }
  ingresses: FakeIngress[]
  /** Identities by room. */
  rooms: Map<string, { identities: string[]; metadata: string }>
  /** What it does; by default it answers. `no ingress` is a LiveKit without Redis. */
  mood: 'right' | 'broken' | 'slow' | 'no ingress'
  /** Called before each request is answered. */
  before: (method: string) => void | Promise<void>
  requests: string[]
}

export async function aFakeLivekit(): Promise<FakeLivekit> {
  let created = 0
  const ingress: Record<string, (body: Record<string, string>) => unknown> = {
    CreateIngress: ({ name = '', roomName = '', participantIdentity = '' }) => {
      const n = ++created
      const one = { ingressId: `IN_${n}`, name, roomName, participantIdentity, streamKey: `key${n}`, url: 'rtmp://ingress/live' }
      fake.ingresses.push({ ...one, state: { status: 'ENDPOINT_INACTIVE' } })
      return fake.ingresses.at(-1)
    },
    ListIngress: ({ roomName, ingressId }) => ({
      items: fake.ingresses.filter(
        (one) => (!roomName || one.roomName === roomName) && (!ingressId || one.ingressId === ingressId),
      ),
    }),
    DeleteIngress: ({ ingressId }) => {
      const found = fake.ingresses.find((one) => one.ingressId === ingressId)
      fake.ingresses = fake.ingresses.filter((one) => one !== found)
      return found
    },
  }
  const rooms: typeof ingress = {
    ListRooms: ({ names }) => ({
      rooms: [...fake.rooms]
        .filter(([name]) => !names?.length || names.includes(name))
        .map(([name, { metadata }]) => ({ name, metadata })),
    }),
    ListParticipants: ({ room = '' }) => {
      const found = fake.rooms.get(room)
      return found && { participants: found.identities.map((identity) => ({ identity })) }
    },
    RemoveParticipant: ({ room = '', identity }) => {
      const found = fake.rooms.get(room)
      if (!found?.identities.includes(identity ?? '')) return undefined
      found.identities = found.identities.filter((one) => one !== identity)
      return {}
    },
    UpdateRoomMetadata: ({ room = '', metadata = '' }) => {
      const found = fake.rooms.get(room)
      if (found) found.metadata = metadata
      return found && { name: room, metadata }
    },
    DeleteRoom: ({ room = '' }) => (fake.rooms.delete(room) ? {} : undefined),
    CreateRoom: ({ name = '' }) => {
      if (!fake.rooms.has(name)) fake.rooms.set(name, { identities: [], metadata: '' })
      return { name }
    },
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [, , service, method = ''] = (request.url ?? '').split('/')
    fake.requests.push(method)
    await fake.before(method)
    const reply = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (fake.mood === 'slow') return
    if (fake.mood === 'broken') return void reply(503, { code: 'unavailable', msg: 'the server restarts' })
    const isIngress = service === 'livekit.Ingress'
    if (isIngress && fake.mood === 'no ingress')
      return void reply(500, { code: 'internal', msg: 'ingress not connected (redis required)' })
    const answer = (isIngress ? ingress : rooms)[method]?.(JSON.parse(Buffer.concat(chunks).toString() || '{}'))
    if (answer === undefined) return void reply(404, { code: 'not_found', msg: 'requested object does not exist' })
    reply(200, answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const fake: FakeLivekit = {
    config: { LIVEKIT_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    ...{ ingresses: [], rooms: new Map(), mood: 'right', before: () => {}, requests: [] },
  }
  return fake
}

/** Sends an event to a gatekeeper as LiveKit signs it. */
export async function sendWebhook(url: string, event: object): Promise<number> {
  const { LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret } = aConfig()
  const body = JSON.stringify(event)
  const token = new AccessToken(key, secret)
  token.sha256 = createHash('sha256').update(body).digest('base64')
  const headers = { authorization: await token.toJwt(), 'content-type': 'application/webhook+json' }
  return (await fetch(`${url}/livekit-webhook`, { method: 'POST', headers, body })).status
}
