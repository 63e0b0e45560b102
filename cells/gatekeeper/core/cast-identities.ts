/** A participant that is no player (gatekeeper.md §3): `keyId` begins the id of the key that opened the room. */
export type CastIdentity = { keyId: string } | { sealedWallet: string }

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const STREAMER = new RegExp(`^(?:stream|presentation-bot):.+:(${UUID})$`)
const RTMP_ENDPOINT = new RegExp(`^(${UUID})-streamer$`)
const WATCHER = /^watch:.+:([\w-]+)$/
/** So many characters of a participant's UUID are those of its key; the others tell participants with one key apart. */
const KEY_CHARACTERS = 13

/** A UUID for a participant with a key. @param random a random UUID */
export const uuidWithKey = (keyId: string, random: string): string =>
  keyId.slice(0, KEY_CHARACTERS) + random.slice(KEY_CHARACTERS)

/** Undefined for players and others. */
export function castIdentityOf(identity: string): CastIdentity | undefined {
  const [, endpoint] = RTMP_ENDPOINT.exec(identity) ?? []
  if (endpoint) return { keyId: endpoint }
  const [, uuid] = STREAMER.exec(identity) ?? []
  if (uuid) return { keyId: uuid.slice(0, KEY_CHARACTERS) }
  const [, sealedWallet] = WATCHER.exec(identity) ?? []
  return sealedWallet ? { sealedWallet } : undefined
}
