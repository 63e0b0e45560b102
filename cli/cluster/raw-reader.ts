import { Agent, request } from 'undici'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { LongAnswerError, readText } from '../../cells/chassis/outgoing-http.ts'
import type { KubeAccess } from '../../cells/kube/kube-access.ts'
import { refusalOf } from '../../cells/kube/kube-error.ts'

/** An answer of the API server that is no object: its version, a log, or what a Service answers through it. */
export interface RawAnswer {
  text: string
  /** The time of day of the server, from its header, in milliseconds since the epoch; it has whole seconds. */
  date: number | undefined
}

interface ReadLimits {
  timeoutMs?: number
  maxBytes?: number
}

/** Sends a GET request to the API server. */
export interface RawReader {
  /** @throws KubeError for a refusal, UnreadableAnswer, or what the network threw */
  read(path: string, limits?: ReadLimits): Promise<RawAnswer>
  stop(): Promise<void>
}

/** The answer is too long, or not what was asked for: a proxy, or a server behind the API server, may answer anything. */
export class UnreadableAnswer extends UserError {
  constructor(path: string, cause: unknown) {
    super(`The answer of the API server to ${path} cannot be read: ${messageOf(cause)}`, 4, { cause })
  }
}

/** As `read`, for JSON. */
export async function readJson(raw: Pick<RawReader, 'read'>, path: string, limits?: ReadLimits): Promise<unknown> {
  const { text } = await raw.read(path, limits)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UnreadableAnswer(path, error)
  }
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
      const text = await readText(answer.body, maxBytes).catch((error: unknown) => {
        throw error instanceof LongAnswerError ? new UnreadableAnswer(path, error) : error
      })
      return { text, date: Number.isNaN(date) ? undefined : date }
    },
    stop: () => dispatcher.destroy(),
  }
}
