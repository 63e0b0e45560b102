import { Agent, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, request as sendRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readText } from '../../cells/chassis/outgoing-http.ts'
import type { ServicePort } from './service-pods.ts'

/** Sends requests of clients to a Service through connections that are kept for the next ones. */
export interface HttpRequests {
  /**
   * Passes a request on, and its answer back.
   *
   * @param change what becomes of an answer in JSON; undefined = it is passed back as it is
   * @throws what kept the pod from answering, while the client has no answer yet
   */
  pass(
    request: IncomingMessage,
    response: ServerResponse,
    to: { service: ServicePort; target: string },
    change?: Change,
  ): Promise<void>
  stop(): void
}

type Change = (answer: unknown) => unknown

const TIMEOUT_MS = 30_000
const MAX_JSON_BYTES = 4 * 1024 * 1024
/** Connections of one Service. */
const CONNECTIONS = 8
/** Headers of one connection (RFC 9110 §7.6.1). */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])

/** @param connect opens a connection to a pod of a Service */
export function createHttpRequests(connect: (to: ServicePort) => Promise<Duplex>): HttpRequests {
  const agents = new Map<string, ServiceAgent>()
  const agentOf = (service: ServicePort): ServiceAgent => {
    const key = `${service.namespace}/${service.service}`
    const agent = agents.get(key) ?? new ServiceAgent(() => connect(service))
    agents.set(key, agent)
    return agent
  }
  return {
    async pass(request, response, { service, target }, change) {
      const answer = await answerTo(request, target, agentOf(service), change !== undefined)
      const headers = passedHeaders(answer.headers)
      const isJson = /^application\/json\b/.test(answer.headers['content-type'] ?? '') && !answer.headers['content-encoding']
      if (change && isJson && request.method !== 'HEAD') {
        const text = await readText(answer, MAX_JSON_BYTES)
        const { 'content-length': _, etag: __, ...kept } = headers
        return void response.writeHead(answer.statusCode ?? 502, kept).end(JSON.stringify(change(JSON.parse(text))))
      }
      response.writeHead(answer.statusCode ?? 502, headers)
      await pipeline(answer, response).catch(() => response.destroy())
    },
    stop() {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

/** Connections of one Service, each to a pod that was ready when it was opened. */
class ServiceAgent extends Agent {
  readonly #connect: () => Promise<Duplex>

  constructor(connect: () => Promise<Duplex>) {
    super({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: 2 })
    this.#connect = connect
  }

  override createConnection(_: object, done?: (error: Error | null, stream: Duplex) => void): undefined {
    void this.#connect().then(
      (tunnel) => done?.(null, tunnel),
      (error: Error) => done?.(error, undefined as never),
    )
  }
}

/** Sends a request; one more time where the connection that was kept for it had ended, and it can be sent again. */
async function answerTo(request: IncomingMessage, target: string, agent: Agent, isRead: boolean): Promise<IncomingMessage> {
  const isRepeatable = request.method === 'GET' || request.method === 'HEAD'
  const headers = passedHeaders(request.headers)
  if (isRead) delete headers['accept-encoding']
  const send = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const onward = sendRequest({
        agent,
        method: request.method,
        path: target,
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      onward.once('response', resolve).once('error', (error) => {
        if (isRepeatable && onward.reusedSocket) send().then(resolve, reject)
        else reject(error)
      })
      request.once('close', () => request.complete || onward.destroy())
      if (isRepeatable) onward.end()
      else request.pipe(onward)
    })
  return send()
}

const passedHeaders = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name)))
