import { AccessToken, TrackSource } from 'livekit-server-sdk'
import type { Transport } from './transport.ts'

export interface LivekitOptions {
  /** Where players reach LiveKit: `wss://host`, without a path. */
  url: string
  apiKey: string
  apiSecret: string
  /** How long a token lets its holder join, in seconds; a participant who joined stays. */
  tokenTtlSeconds?: number
}

const TOKEN_TTL_SECONDS = 300

/** Rooms are LiveKit rooms, opened by a token signed here; LiveKit itself is not asked. */
export function createLivekitTransport({
  url,
  apiKey,
  apiSecret,
  tokenTtlSeconds = TOKEN_TTL_SECONDS,
}: LivekitOptions): Transport {
  return {
    kind: 'livekit',
    async connectionString(peer, room) {
      const token = new AccessToken(apiKey, apiSecret, { identity: peer, ttl: tokenTtlSeconds })
      // gatekeeper.md §5: microphone only, so that nobody shares a screen or a camera into a room.
      token.addGrant({
        roomJoin: true,
        room,
        roomList: false,
        canPublish: true,
        canSubscribe: true,
        canPublishData: true,
        canUpdateOwnMetadata: true,
        canPublishSources: [TrackSource.MICROPHONE],
      })
      return `livekit:${url}?access_token=${await token.toJwt()}`
    },
  }
}
