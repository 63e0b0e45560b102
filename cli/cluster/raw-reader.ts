import { Agent, request } from 'undici'
import { readText } from '../../cells/chassis/outgoing-http.ts'
import type { KubeAccess } from '../../cells/kube/kube-access.ts'
import { refusalOf } from '../../cells/kube/kube-error.ts'

/** An answer of the API server that is no object: its version, a log, or what a Service answers through it. */
export interface RawAnswer {
  text: string
  /** The time of day of the server, from its header, in milliseconds since the epoch; it has whole seconds. */
  date: number | undefined
}

/** Sends a GET request to the API server. */
export interface RawReader {
  /** @throws KubeError for a refusal, or what the network threw */
  read(path: string, limits?: { timeoutMs?: number; maxBytes?: number }): Promise<RawAnswer>
  stop(): Promise<void>
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 4 * 1024 * 1024

export function createRawReader(access: KubeAccess): RawReader {
  const dispatcher = new Agent({ connect: access.tls, allowH2: false, connections: 8 })
  return {
    async read(path, { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = {}) {
      const { origin, pathname } = new URL(access.server)
      const answer = await request(`${origin}${pathname.replace(/\/$/, '')}${path}`, {
        dispatcher,
        headers: await access.headers(false),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (answer.statusCode >= 300) throw await refusalOf(`GET ${path}`, answer)
      const date = Date.parse(String(answer.headers.date ?? ''))
      return { text: await readText(answer.body, maxBytes), date: Number.isNaN(date) ? undefined : date }
    },
    stop: () => dispatcher.destroy(),
  }
}
