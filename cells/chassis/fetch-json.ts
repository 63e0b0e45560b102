import { Agent, request } from 'undici'
import { messageOf } from './errors.ts'

/** What became of a question to another service: its answer, or why there is none. */
export type FetchResult = { ok: true; status: number; body: unknown } | { ok: false; reason: string }

/** How long and how much we are willing to take. */
export interface FetchLimits {
  /** From asking to the last byte of the answer. */
  timeoutMs: number
  maxBytes: number
  /** Sent as JSON by POST; a GET unless given. */
  post?: unknown
}

/** No single host may hold more of our sockets than this. */
const CONNECTIONS_PER_HOST = 8

const agents = new Map<number, Agent>()

/** Asks another service for JSON. Redirects are not followed, nothing is thrown: a service that is down is an everyday answer. */
export async function fetchJson(url: string, { timeoutMs, maxBytes, post }: FetchLimits): Promise<FetchResult> {
  try {
    const { statusCode, body } = await request(url, {
      dispatcher: agentFor(maxBytes),
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: 'application/json', ...(post !== undefined && { 'content-type': 'application/json' }) },
      ...(post !== undefined && { method: 'POST', body: JSON.stringify(post) }),
    })
    return { ok: true, status: statusCode, body: await body.json() }
  } catch (error) {
    return { ok: false, reason: messageOf(error) }
  }
}

// The limit on the answer belongs to the connection, so each of our few limits has connections of its own.
function agentFor(maxResponseSize: number): Agent {
  const known = agents.get(maxResponseSize)
  if (known) return known
  const agent = new Agent({ maxResponseSize, connections: CONNECTIONS_PER_HOST })
  agents.set(maxResponseSize, agent)
  return agent
}
