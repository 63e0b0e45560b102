import { Agent, request } from 'undici'
import { messageOf } from './errors.ts'

/** The response of another service, or why there is none. */
export type FetchResult = { ok: true; status: number; body: unknown } | { ok: false; reason: string }

export interface FetchLimits {
  /** From the request to the last byte of the response. */
  timeoutMs: number
  maxBytes: number
  /** Sent as JSON by POST; without it the request is a GET. */
  post?: unknown
}

/** Connections to one host at most. */
const CONNECTIONS_PER_HOST = 8

const agents = new Map<number, Agent>()

/**
 * Requests JSON of another service. Redirects are not followed, nothing is thrown: a service that is down is an expected outcome.
 */
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

// undici limits the response per connection, so each of the few limits in use has connections of its own.
function agentFor(maxResponseSize: number): Agent {
  const known = agents.get(maxResponseSize)
  if (known) return known
  const agent = new Agent({ maxResponseSize, connections: CONNECTIONS_PER_HOST })
  agents.set(maxResponseSize, agent)
  return agent
}
