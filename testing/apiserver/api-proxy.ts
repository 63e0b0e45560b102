import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request as ask } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { ApiServer } from './apiserver.ts'

/** A request that the proxy received. */
export interface Passed {
  /** Milliseconds since the epoch. */
  at: number
  method: string
  /** Without the query. */
  path: string
  isWatch: boolean
}

/** How the proxy disturbs a request. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Milliseconds by which the complete answer is delayed. */
  | { slowMs: number }
  /** Milliseconds by which the request is delayed on its way to the server. */
  | { lateMs: number }
  /** Milliseconds by which everything in the answer is delayed, such as each event of a watch. */
  | { lagMs: number }
  /**
   * The server carries out the request, but its answer is cut: half of it with a regular end, a reset in the middle, or no bytes.
   */
  | 'truncated'
  | 'reset'
  | 'silent'

/** An API server behind a proxy on plain HTTP, which records requests and disturbs those that the test selects. */
export interface ApiProxy extends Running {
  /** Path of an administrator's kubeconfig, whose server is the proxy. */
  kubeconfig: string
  url: string
  /** All requests since the start, or since the test emptied it. */
  passed: Passed[]
  /** Called with each request; undefined = the request is forwarded unchanged. */
  spoil: (request: Passed) => Fault | undefined
  /** Resets every connection that is open; new ones work. */
  cut(): void
  /** Drops what the server sends, for open requests and new ones, until `heal`; the connections stay open. */
  stall(): void
  heal(): void
}

/** Whether a request is a write, other than those of the lease. */
export const isWrite = ({ method, path }: Passed): boolean => method !== 'GET' && !path.includes('/leases')

/** Starts a proxy for one client of an API server. */
export async function startApiProxy(api: ApiServer): Promise<ApiProxy> {
  const { hostname, port } = new URL(api.access.server)
  const agent = new Agent({ keepAlive: true, ...api.access.tls })
  const folder = await mkdtemp(join(tmpdir(), 'api-proxy-'))
  const streams = new Set<ServerResponse>()
  let stalled = false

  function serve(near: IncomingMessage, answer: ServerResponse): void {
    const { method = 'GET', url = '/' } = near
    const { pathname, searchParams } = new URL(url, 'http://proxy')
    const seen: Passed = { at: Date.now(), method, path: pathname, isWatch: searchParams.has('watch') }
    proxy.passed.push(seen)
    const fault = proxy.spoil(seen)
    if (fault && typeof fault === 'object' && 'status' in fault) {
      near.resume()
      answer.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body ?? '{}')
      return
    }
    streams.add(answer)
    answer.on('close', () => streams.delete(answer))
    const { host: _, connection: __, ...headers } = near.headers
    const forward = () => {
      if (answer.destroyed) return
      const far = ask({ hostname, port, method, path: url, headers, agent }, (from) => give(from, answer, fault))
      far.on('error', () => answer.destroy())
      answer.on('close', () => far.destroy())
      near.pipe(far)
    }
    if (typeof fault === 'object' && 'lateMs' in fault) setTimeout(forward, fault.lateMs)
    else forward()
  }

  function give(from: IncomingMessage, answer: ServerResponse, fault: Exclude<Fault, { status: number }> | undefined): void {
    if (typeof fault === 'object' && 'slowMs' in fault) {
      setTimeout(() => give(from, answer, undefined), fault.slowMs)
      return
    }
    const lagMs = typeof fault === 'object' && 'lagMs' in fault ? fault.lagMs : 0
    const later = (run: () => void) => (lagMs > 0 ? setTimeout(run, lagMs) : run())
    const { 'transfer-encoding': _, 'content-length': __, ...headers } = from.headers
    if (fault === 'truncated' || fault === 'reset') {
      const chunks: Buffer[] = []
      from.on('data', (chunk: Buffer) => chunks.push(chunk))
      from.on('end', () => {
        const whole = Buffer.concat(chunks)
        answer.writeHead(from.statusCode ?? 502, headers)
        answer.write(whole.subarray(0, whole.length / 2), () => {
          if (fault === 'reset') answer.socket?.resetAndDestroy()
          else answer.end()
        })
      })
      return
    }
    if (fault !== 'silent' && !stalled) answer.writeHead(from.statusCode ?? 502, headers).flushHeaders()
    from.on('data', (chunk: Buffer) => {
      if (fault !== 'silent' && !stalled) later(() => answer.write(chunk))
    })
    from.on('end', () => {
      if (fault !== 'silent' && !stalled) later(() => answer.end())
    })
    from.on('error', () => answer.destroy())
  }

  const server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubeconfig = await writeKubeconfig(folder, url)
  const proxy: ApiProxy = {
    kubeconfig,
    url,
    passed: [],
    spoil: () => undefined,
    cut() {
      for (const stream of streams) stream.socket?.resetAndDestroy()
    },
    stall() {
      stalled = true
    },
    heal() {
      stalled = false
    },
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      agent.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return proxy
}

/** A kubeconfig without credentials, which only a proxy needs. */
async function writeKubeconfig(folder: string, server: string): Promise<string> {
  const file = join(folder, 'kubeconfig')
  const named = (name: string, value: object) => [{ name: 'proxy', [name]: value }]
  await writeFile(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'proxy',
      clusters: named('cluster', { server }),
      users: named('user', {}),
      contexts: named('context', { cluster: 'proxy', user: 'proxy' }),
    }),
  )
  return file
}
