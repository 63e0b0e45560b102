import { connect } from 'node:net'
import { request } from 'undici'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { outgoingHttp } from '../../../cells/chassis/outgoing-http.ts'

/** Tries to reach a URL without credentials; returns why that failed, or undefined. */
export type ReachabilityProbe = (url: string) => Promise<string | undefined>

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 64 * 1024

/** LiveKit by HTTP, because its root answers without credentials; NATS by a TCP connection. */
export const probeUrl: ReachabilityProbe = (url) =>
  /^wss?:/.test(url) ? probeByHttp(url.replace(/^ws/, 'http')) : probeByTcp(url)

async function probeByHttp(url: string): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(url, { dispatcher: outgoingHttp(), signal: AbortSignal.timeout(TIMEOUT_MS) })
    await body.dump({ limit: MAX_ANSWER_BYTES })
    return statusCode < 500 ? undefined : `answered ${statusCode}`
  } catch (error) {
    return messageOf(error) || 'no answer'
  }
}

const NATS_PORT = 4222

const probeByTcp = (url: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const parsed = URL.parse(url)
    if (!parsed?.hostname) return resolve('this is not a URL')
    const host = parsed.hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(parsed.port || NATS_PORT), timeout: TIMEOUT_MS })
    const done = (problem?: string) => {
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => done())
    socket.once('timeout', () => done('no answer'))
    // For a name with several addresses the error about all of them has a code and no message.
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.message || error.code || 'no answer'))
  })
