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
  const beforeToken = `livekit:${url}?access_token=`
  const islands = new IslandTokens((room, now) => {
    const token = beginning(claimsOf({ room, grant: grants.player }, now))
    return { token, adapter: beforeToken + token }
  })
  const token = ({ identity, ...request }: TokenRequest): string => {
    const begun = beginning(claimsOf(request, seconds()))
    return begun + end(sign, begun, subjectClaim(identity))
  }
  return {
    kind: 'livekit',
    url,
    connectionString(peer, room) {
      const begun = islands.of(room, seconds())
      return begun.adapter + end(sign, begun.token, walletClaim(peer))
    },
    adapter: (request) => beforeToken + token(request),
    token,
  }
}

const seconds = (): number => Math.floor(Date.now() / 1_000)

/** A token up to the identity, and the connection string up to the same place. */
interface BegunToken {
  token: string
  adapter: string
}

/**
 * The beginnings of tokens by their rooms: those of one room and second differ in the identity only, and a hundred thousand players may
 * arrive together.
 */
class IslandTokens {
  readonly #begin: (room: string, now: number) => BegunToken
  readonly #byRoom = new Map<string, BegunToken>()
  #madeAt = Number.NaN

  constructor(begin: (room: string, now: number) => BegunToken) {
    this.#begin = begin
  }

  of(room: string, now: number): BegunToken {
    if (now !== this.#madeAt) this.#byRoom.clear()
    this.#madeAt = now
    let made = this.#byRoom.get(room)
    if (made === undefined) {
      made = this.#begin(room, now)
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

/** The claim with the identity, which ends the claims. */
function subjectClaim(identity: string): Buffer {
  return Buffer.from(`"sub":${JSON.stringify(identity)}}`)
}

/** The last claim, and the signature. */
function end(sign: ReturnType<typeof createSigner>, begun: string, subject: Buffer): string {
  const claim = subject.toString('base64url')
  return `${claim}.${sign(begun, claim)}`
}

const WALLET = '0x'.padEnd(42, '0')
const WALLET_CLAIM = subjectClaim(WALLET)
const WALLET_AT = WALLET_CLAIM.indexOf(WALLET)

/** The same of a wallet, in memory that is kept until the next one: all are of one length, and none needs an escape. */
function walletClaim(peer: PeerId): Buffer {
  if (peer.length !== WALLET.length) return subjectClaim(peer)
  WALLET_CLAIM.write(peer, WALLET_AT, 'latin1')
  return WALLET_CLAIM
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
