import { connect, isIP, type Socket } from 'node:net'
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { remoteLookup } from '../../../cells/chassis/local-addresses.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { createOutgoingHttp } from '../../../cells/chassis/outgoing-http.ts'
import type { MayConnect } from './public-addresses.ts'

/** Tries to reach a URL without credentials; returns whether the server there answered. */
export type ReachabilityProbe = (url: string) => Promise<boolean>

interface ProbeOptions {
  mayConnect: MayConnect
  clock: Clock
  log: Log
  timeoutMs?: number
  /** Names the proxy, if any. */
  env?: NodeJS.ProcessEnv
}

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 64 * 1024
const NATS_PORT = 4222

/**
 * LiveKit by HTTP, because its root answers without credentials, and through the proxy of the environment if there is one; NATS by the first line that a server sends. A server that was not reached
 * is always reported after the same time and without a reason, which is only logged: users write these URLs, and must not learn which
 * addresses and ports of the operator's network are there.
 */
export function createProbe({ mayConnect, clock, log, timeoutMs = TIMEOUT_MS, env }: ProbeOptions): ReachabilityProbe {
  const lookup = remoteLookup(undefined, mayConnect)
  const outgoing = createOutgoingHttp({ mayConnect, maxAnswerBytes: MAX_ANSWER_BYTES }, env)
  const attempt = (url: URL): Promise<void> => {
    if (/^wss?:$/.test(url.protocol)) return httpAnswer(outgoing, url, timeoutMs)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    // An address needs no lookup, so it is not checked there.
    if (isIP(host) && !mayConnect(host)) throw new Error(`${host} is not to be connected to`)
    return natsAnswer(connect({ host, port: Number(url.port || NATS_PORT), timeout: timeoutMs, lookup }))
  }
  return async (text) => {
    const late = new Promise<void>((resolve) => clock.after(timeoutMs, resolve))
    try {
      const url = URL.parse(text)
      if (!url?.hostname) throw new Error('this is not a URL')
      await attempt(url)
      return true
    } catch (error) {
      log.debug({ url: withoutCredentials(text), error: messageOf(error) }, 'a dependency of a realm was not reached')
      await late
      return false
    }
  }
}

/** A URL as it may be shown. */
export const withoutCredentials = (url: string): string => url.replace(/\/\/[^/@]*@/, '//')

async function httpAnswer(dispatcher: Dispatcher, url: URL, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  const { statusCode, body } = await request(url.href.replace(/^ws/, 'http'), { dispatcher, signal })
  await body.dump()
  // 407 is the answer of a proxy that refuses.
  if (statusCode >= 500 || statusCode === 407) throw new Error(`answered ${statusCode}`)
}

/** Every NATS server begins with this, also one that then asks for TLS. */
const NATS_FIRST_BYTES = 'INFO {'

function natsAnswer(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = ''
  socket.on('data', (data) => {
    received += data.toString('latin1').slice(0, NATS_FIRST_BYTES.length)
    if (received.length < NATS_FIRST_BYTES.length) return
    if (received.startsWith(NATS_FIRST_BYTES)) resolve()
    else reject(new Error('this is no NATS server'))
  })
  socket.once('timeout', () => reject(new Error('no answer')))
  socket.once('close', () => reject(new Error('the connection was closed')))
  // For a name with several addresses the error about all of them has a code and no message.
  socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.message || error.code || 'no answer')))
  return promise.finally(() => socket.destroy())
}
