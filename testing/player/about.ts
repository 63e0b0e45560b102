/** The part of a realm's `/about` that an explorer uses (comms.md §2.1). */
export interface About {
  healthy: boolean
  acceptingUsers: boolean
  configurations: { realmName: string; networkId: number; scenesUrn: string[]; globalScenesUrn: string[] }
  content: { healthy: boolean; publicUrl: string }
  comms: { healthy: boolean; protocol: string; adapter?: string; fixedAdapter?: string; usersCount?: number }
}

/** The target of an adapter (comms.md §7.1). */
export type Comms =
  | { kind: 'archipelago'; url: string }
  | { kind: 'signed-login'; url: string }
  | { kind: 'ws-room'; url: string }
  | { kind: 'livekit'; url: string; token: string }
  | { kind: 'offline' }

const TIMEOUT_MS = 10_000
const prefixes = ['fixed-adapter:', 'archipelago:archipelago:', 'archipelago:'] as const

/** Enters a realm as explorers do: reads its `/about` and follows the adapter. @throws when either is unusable */
export async function followAbout(aboutUrl: string, timeoutMs = TIMEOUT_MS): Promise<{ about: About; comms: Comms }> {
  const answer = await fetch(aboutUrl, { signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`${aboutUrl} answered ${answer.status}`)
  const about = (await answer.json()) as About
  if (about.comms.protocol !== 'v3') throw new Error(`Godot refuses comms protocol ${about.comms.protocol}`)
  return { about, comms: readAdapter(about.comms.adapter ?? about.comms.fixedAdapter ?? 'offline:offline') }
}

/** Follows the `/about` of a city to the URL of its connector. @throws when the realm has no archipelago */
export async function connectorUrl(aboutUrl: string, timeoutMs = TIMEOUT_MS): Promise<string> {
  const { comms } = await followAbout(aboutUrl, timeoutMs)
  if (comms.kind !== 'archipelago') throw new Error(`${aboutUrl} has the adapter ${comms.kind}, not archipelago`)
  return comms.url
}

/** Parses an adapter or a connection string. @throws when no explorer supports it */
export function readAdapter(adapter: string): Comms {
  const archipelago = adapter.startsWith('archipelago:')
  const rest = prefixes.reduce((text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text), adapter)
  if (archipelago) {
    if (/^wss?:\/\//.test(rest)) return { kind: 'archipelago', url: rest }
  } else if (rest === 'offline:offline') return { kind: 'offline' }
  else if (rest.startsWith('signed-login:http')) return { kind: 'signed-login', url: rest.slice('signed-login:'.length) }
  else if (rest.startsWith('ws-room:')) {
    const url = rest.slice('ws-room:'.length)
    return { kind: 'ws-room', url: /^wss?:\/\//.test(url) ? url : `wss://${url}` }
  } else {
    const [, url, token] = /^livekit:(wss?:\/\/[^?]+)\?access_token=(.+)$/.exec(rest) ?? []
    if (url && token) return { kind: 'livekit', url, token }
  }
  throw new Error(`no explorer understands the adapter ${adapter}`)
}
