import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import WebSocket from 'ws'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { KubeAccess } from '../../cells/kube/kube-access.ts'
import { isStatus, refusalOf } from '../../cells/kube/kube-error.ts'

/** A port of a pod. */
export interface PodPort {
  namespace: string
  pod: string
  port: number
}

/**
 * Opens connections to ports of pods through the API server, as `kubectl port-forward` does, each in a WebSocket of its own, which ends
 * when the signal is given. By hand, because the class of @kubernetes/client-node buffers without a limit, does not say why it was refused, and needs all generated clients.
 */
export type OpenTunnel = (to: PodPort, signal?: AbortSignal) => Promise<Duplex>

/** Each message begins with the number of a channel; the first one of a channel is the number of the port. */
const PROTOCOL = 'v4.channel.k8s.io'
const DATA = 0
const ERROR = 1
const PORT_BYTES = 2
const TIMEOUT_MS = 15_000
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/** @returns a function that throws KubeError where the API server refuses, and what the network threw */
export function createTunnels(access: KubeAccess): OpenTunnel {
  const open = async ({ namespace, pod, port }: PodPort, fresh: boolean, signal?: AbortSignal): Promise<Duplex> => {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`
    const socket = new WebSocket(`${access.server.replace(/^http/, 'ws')}${path}`, [PROTOCOL], {
      ...access.tls,
      headers: await access.headers(fresh),
      handshakeTimeout: TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    return new Promise((resolve, reject) => {
      const tunnel = new Tunnel(socket)
      const giveUp = () => tunnel.destroy(new Error(`the connection to ${pod} is not needed any more`))
      signal?.addEventListener('abort', giveUp)
      tunnel.once('close', () => signal?.removeEventListener('abort', giveUp))
      if (signal?.aborted) giveUp()
      socket.once('open', () => resolve(tunnel))
      socket.once('unexpected-response', (_, answer: IncomingMessage) => {
        const { statusCode = 500, headers } = answer
        const refusal = refusalOf(`port-forward to ${pod}`, { statusCode, headers, body: answer })
        void refusal.then(reject, reject).finally(() => socket.terminate())
      })
      tunnel.once('error', reject)
    })
  }
  return async (to, signal) => {
    try {
      return await open(to, false, signal)
    } catch (error) {
      if (isStatus(error, 401)) return open(to, true, signal)
      throw error
    }
  }
}

/** A connection to a pod. Neither side ends its half alone: the protocol has no message for that. */
class Tunnel extends Duplex {
  readonly #socket: WebSocket
  readonly #begun = new Set<number>()

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#receive(data))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.push(null))
  }

  #receive(data: Buffer): void {
    const [channel = ERROR + 1] = data
    if (channel > ERROR) return
    const bytes = data.subarray(this.#begun.has(channel) ? 1 : 1 + PORT_BYTES)
    this.#begun.add(channel)
    if (bytes.length === 0) return
    if (channel === ERROR) this.destroy(new Error(`the pod does not answer: ${messageOf(bytes.toString().slice(0, 300))}`))
    else if (!this.push(bytes)) this.#socket.pause()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.of(DATA), chunk]), callback)
  }

  override _final(callback: () => void): void {
    this.#socket.close()
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.terminate()
    callback(error)
  }

  // What HTTP clients call of a socket. The connection to the API server is kept alive by itself.
  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}
