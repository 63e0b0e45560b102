import { decodeServerPacket, serverPackets } from '../../cells/wire/packets.ts'
import { type Realm, realmNameOf } from '../../crds/realm.ts'
import { isLivekitForwarded } from './forwarded-realm.ts'

// Addresses that a cluster gives to players, as this machine has them. Only those change that name a part of the realm itself.

/** In front of the URL of an adapter. */
const PREFIX = /^(?:fixed-adapter:|archipelago:|signed-login:|ws-room:|livekit:)+/
/** Parts of a realm, by the end of their URL. */
const ENDS: readonly RegExp[] = [
  /\/cells\/\d+\/ws$/,
  /\/cells\/\d+\/rooms\/[^/]+$/,
  /\/gatekeeper\/rooms\/[^/]+$/,
  /\/gatekeeper\/worlds\/[^/]+\/comms$/,
]
/** An answer is not searched deeper. */
const MAX_DEPTH = 16

/** An adapter, or the connection string of a room, which leads to this machine; unchanged where it leads to no part of the realm. */
export function localAdapter(text: string, realm: Realm, baseUrl: string): string {
  const [prefix] = PREFIX.exec(text) ?? []
  if (prefix === undefined) return text
  const [url = '', ...query] = text.slice(prefix.length).split('?')
  const local = url.startsWith('ws') || prefix.endsWith('ws-room:') ? baseUrl.replace(/^http/, 'ws') : baseUrl
  const token = query.length > 0 ? `?${query.join('?')}` : ''
  if (prefix.endsWith('livekit:')) return isLivekitForwarded(realm) ? `${prefix}${local}${token}` : text
  const [end] = ENDS.flatMap((pattern) => pattern.exec(url) ?? [])
  return end === undefined ? text : `${prefix}${local}${end}${token}`
}

/** The same for every text in an answer. */
export function withLocalAdapters(value: unknown, realm: Realm, baseUrl: string, depth = 0): unknown {
  if (typeof value === 'string') return localAdapter(value, realm, baseUrl)
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value
  const changed = (each: unknown) => withLocalAdapters(each, realm, baseUrl, depth + 1)
  if (Array.isArray(value)) return value.map(changed)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changed(each)]))
}

/** `/about` for clients of this machine. A world without a catalyst is served by the realm provider, so it is here too. */
export function localAbout(about: unknown, realm: Realm, baseUrl: string): unknown {
  const changed = withLocalAdapters(about, realm, baseUrl) as Record<string, unknown>
  if (realm.spec.content.catalysts.length > 0 || realm.spec.content.catalystList !== undefined) return changed
  const own = (name: 'content' | 'lambdas') => {
    const service = changed[name]
    if (typeof service !== 'object' || service === null) return {}
    return { [name]: { ...service, publicUrl: `${baseUrl}/${encodeURIComponent(realmNameOf(realm))}/${name}/` } }
  }
  return { ...changed, ...own('content'), ...own('lambdas') }
}

/** A packet of a connector, in which the room of an island is one that this machine reaches; unchanged where it is no such packet. */
export function localIsland(bytes: Uint8Array, realm: Realm, baseUrl: string): Uint8Array {
  const message = readPacket(bytes)
  if (message?.$case !== 'islandChanged') return bytes
  const { connStr } = message.islandChanged
  const local = localAdapter(connStr, realm, baseUrl)
  return local === connStr ? bytes : serverPackets.islandChanged({ ...message.islandChanged, connStr: local })
}

function readPacket(bytes: Uint8Array): ReturnType<typeof decodeServerPacket> {
  try {
    return decodeServerPacket(bytes)
  } catch {
    return undefined
  }
}
