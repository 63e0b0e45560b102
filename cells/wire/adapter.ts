/** Where an adapter of `/about`, or the connection string of an island, leads (comms.md §7.1). */
export type Adapter =
  | { kind: 'archipelago'; url: string }
  | { kind: 'signed-login'; url: string }
  | { kind: 'ws-room'; url: string }
  | { kind: 'livekit'; url: string; token: string }
  | { kind: 'offline' }

const PREFIXES = ['fixed-adapter:', 'archipelago:archipelago:', 'archipelago:'] as const

/** Reads an adapter as explorers do. @throws Error when none of them understands it */
export function readAdapter(text: string): Adapter {
  const isArchipelago = text.startsWith('archipelago:')
  const rest = PREFIXES.reduce((left, prefix) => (left.startsWith(prefix) ? left.slice(prefix.length) : left), text)
  if (isArchipelago) {
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
  throw new Error(`no explorer understands the adapter ${text}`)
}
