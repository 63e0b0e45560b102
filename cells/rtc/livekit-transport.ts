import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { PeerId } from '../wire/peer.ts'
import { type Grant, grants, videoGrant } from './grants.ts'
import type { RoomTransport } from './room-transport.ts'

export interface LivekitOptions {
  /** Where players reach LiveKit: `wss://host`, without a path. */
  url: string
  apiKey: string
  apiSecret: string
  /** How long a token lets its holder join, in seconds; a participant who joined stays. */
  tokenTtlSeconds?: number
}

/** A token for one participant of one room. */
export interface TokenRequest {
  identity: string
  room: string
  grant: Grant
  /** Text that the participant shows to the others. */
  metadata?: string
  name?: string
  /** Metadata that the room has from its first participant on, where this token opens it. */
  roomMetadata?: string | undefined
}

/** Never refuses a peer, and signs without waiting. */
export interface LivekitTransport extends RoomTransport {
  /** Where participants connect. */
  readonly url: string
  connectionString(peer: PeerId, room: string, kind: 'island' | 'scene'): string
  /** `livekit:<url>?access_token=<token>` */
  adapter(request: TokenRequest): string
  token(request: TokenRequest): string
}

const TOKEN_TTL_SECONDS = 300
const HEADER = encoded({ alg: 'HS256' })

/**
 * Rooms are LiveKit rooms, opened by a token that is signed here, without a request to LiveKit. The token is built without
 * `livekit-server-sdk`, whose `AccessToken` is asynchronous and takes ten times as long: the hundred thousand tokens of a city
 * whose players arrive at the same time took it many seconds.
 */
export function createLivekitTransport({
  url,
  apiKey,
  apiSecret,
  tokenTtlSeconds = TOKEN_TTL_SECONDS,
}: LivekitOptions): LivekitTransport {
  const key = createSecretKey(apiSecret, 'utf8')
  const token = ({ identity, room, grant, metadata, name, roomMetadata }: TokenRequest): string => {
    const now = Math.floor(Date.now() / 1_000)
    return signed(key, {
      iss: apiKey,
      sub: identity,
      nbf: now,
      exp: now + tokenTtlSeconds,
      ...(metadata !== undefined && { metadata }),
      ...(name !== undefined && { name }),
      ...(roomMetadata !== undefined && { roomConfig: { metadata: roomMetadata } }),
      video: videoGrant(room, grant),
    })
  }
  const adapter = (request: TokenRequest): string => `livekit:${url}?access_token=${token(request)}`
  return {
    kind: 'livekit',
    url,
    connectionString: (peer, room) => adapter({ identity: peer, room, grant: grants.player }),
    adapter,
    token,
  }
}

function signed(key: KeyObject, claims: object): string {
  const text = `${HEADER}.${encoded(claims)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
