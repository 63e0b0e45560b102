import { createHmac, createSecretKey } from 'node:crypto'
import type { PeerId } from '../wire/peer.ts'
import type { RoomTransport } from './room-transport.ts'

export interface LivekitOptions {
  /** Where players reach LiveKit: `wss://host`, without a path. */
  url: string
  apiKey: string
  apiSecret: string
  /** How long a token lets its holder join, in seconds; a participant who joined stays. */
  tokenTtlSeconds?: number
}

/** Never refuses a peer, and signs without waiting. */
export interface LivekitTransport extends RoomTransport {
  connectionString(peer: PeerId, room: string, kind: 'island' | 'scene'): string
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
  return {
    kind: 'livekit',
    connectionString(peer, room) {
      const now = Math.floor(Date.now() / 1_000)
      const claims = {
        iss: apiKey,
        sub: peer,
        nbf: now,
        exp: now + tokenTtlSeconds,
        // gatekeeper.md §5: microphone only, so that no player shares a screen or a camera with a room.
        video: {
          roomJoin: true,
          room,
          roomList: false,
          canPublish: true,
          canSubscribe: true,
          canPublishData: true,
          canUpdateOwnMetadata: true,
          canPublishSources: ['microphone'],
        },
      }
      const signed = `${HEADER}.${encoded(claims)}`
      return `livekit:${url}?access_token=${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
    },
  }
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
