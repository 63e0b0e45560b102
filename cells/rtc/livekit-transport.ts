import type { PeerId } from '../wire/peer.ts'
import { type Grant, grants, videoGrant } from './grants.ts'
import type { RoomTransport } from './room-transport.ts'
import { createSigner } from './token-signature.ts'

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
  const sign = createSigner(apiSecret)
  const claimsOf = ({ room, grant, metadata, name, roomMetadata }: Omit<TokenRequest, 'identity'>, now: number) => ({
    iss: apiKey,
    nbf: now,
    exp: now + tokenTtlSeconds,
    ...(metadata !== undefined && { metadata }),
    ...(name !== undefined && { name }),
    ...(roomMetadata !== undefined && { roomConfig: { metadata: roomMetadata } }),
    video: videoGrant(room, grant),
  })
  const islands = new TokenBeginnings((room, now) => claimsOf({ room, grant: grants.player }, now))
  const adapterWith = (token: string): string => `livekit:${url}?access_token=${token}`
  const token = ({ identity, ...request }: TokenRequest): string =>
    signed(sign, beginning(claimsOf(request, seconds())), identity)
  return {
    kind: 'livekit',
    url,
    connectionString: (peer, room) => adapterWith(signed(sign, islands.of(room, seconds()), peer)),
    adapter: (request) => adapterWith(token(request)),
    token,
  }
}

const seconds = (): number => Math.floor(Date.now() / 1_000)

/**
 * The beginnings of tokens by their rooms: those of one room and second differ in the identity only, and a hundred thousand players may
 * arrive together.
 */
class TokenBeginnings {
  readonly #claimsOf: (room: string, now: number) => object
  readonly #byRoom = new Map<string, string>()
  #madeAt = Number.NaN

  constructor(claimsOf: (room: string, now: number) => object) {
    this.#claimsOf = claimsOf
  }

  of(room: string, now: number): string {
    if (now !== this.#madeAt) this.#byRoom.clear()
    this.#madeAt = now
    let made = this.#byRoom.get(room)
    if (made === undefined) {
      made = beginning(this.#claimsOf(room, now))
      this.#byRoom.set(room, made)
    }
    return made
  }
}

/** Header and claims of a token up to the identity, padded to whole groups of three bytes: what follows is encoded by itself. */
function beginning(claims: object): string {
  const json = Buffer.from(JSON.stringify(claims).replace(/}$/, ','))
  const padding = Buffer.alloc((3 - (json.length % 3)) % 3, ' ')
  return `${HEADER}.${Buffer.concat([json, padding]).toString('base64url')}`
}

function signed(sign: (text: string) => string, begun: string, identity: string): string {
  const text = begun + Buffer.from(`"sub":${JSON.stringify(identity)}}`).toString('base64url')
  return `${text}.${sign(text)}`
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
