import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import { aServer, aThing } from './fixtures.ts'
import { KubeError } from './kube-error.ts'
import type { KubeObject, WatchEvent } from './kube-object.ts'
import { createKubeClient } from './pooled-kube-client.ts'
import { resources } from './resources.ts'

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

async function against(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = await aServer(answer)
  const client = createKubeClient({ access: server.access })
  endings.push(() => client.stop(), server.stop)
  return { ...server, client }
}

const bodyOf = async (request: IncomingMessage) => {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

const main = { namespace: 'default', name: 'main' }

test('a hundred calls at once share at most sixteen connections', async () => {
  const { client, connections } = await against((_request, response) => setTimeout(() => response.end('{}'), 5))
  await Promise.all(Array.from({ length: 100 }, () => client.get(resources.Service, main)))
  expect(connections()).toBeLessThanOrEqual(16)
  expect(client.counts.get).toBe(100)
})

test('a missing object is undefined or false, not an error', async () => {
  const { client } = await against((_request, response) => response.writeHead(404).end('{"reason":"NotFound"}'))
  expect(await client.get(resources.Service, main)).toBeUndefined()
  expect(await client.remove(resources.Service, main)).toBe(false)
})

test('an error has the attempted request and the reason of the server', async () => {
  const { client } = await against((_request, response) =>
    response.writeHead(422).end(JSON.stringify({ reason: 'Invalid', message: 'spec.ports: too many' })),
  )
  const refused = client.create(resources.Service, aThing('main', ''))
  await expect(refused).rejects.toMatchObject({ status: 422, reason: 'Invalid' })
  await expect(refused).rejects.toThrow('POST /api/v1/namespaces/default/services: spec.ports: too many')
})

test('an API server below a path, as of a proxy that serves several clusters, is asked there', async () => {
  const asked: string[] = []
  const { access, stop } = await aServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end('{"items":[]}')
  })
  const client = createKubeClient({ access: { ...access, server: `${access.server}/k8s/clusters/one/` } })
  endings.push(() => client.stop(), stop)
  await client.get(resources.Service, main)
  await client.list('/api/v1/pods', { limit: 5 })
  await client.watch('/api/v1/pods', { query: {}, signal: AbortSignal.timeout(10_000), onEvent: () => {} })
  expect(asked).toEqual([
    'GET /k8s/clusters/one/api/v1/namespaces/default/services/main',
    'GET /k8s/clusters/one/api/v1/pods?limit=5',
    'GET /k8s/clusters/one/api/v1/pods?watch=true',
  ])
})

test('the body of an error that is not JSON, or endless, is truncated', async () => {
  const { client } = await against((_request, response) => {
    response.writeHead(502)
    const timer = setInterval(() => response.write('bad gateway '.repeat(1000)), 1)
    response.on('close', () => clearInterval(timer))
  })
  const refused = await client.get(resources.Service, main).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(KubeError)
  expect((refused as KubeError).message.length).toBeLessThan(400)
})

test('apply is one PATCH under a field manager; status goes to its subresource', async () => {
  const seen: string[] = []
  const { client } = await against(async (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
    response.end(await bodyOf(request))
  })
  const options = { fieldManager: 'me', force: true }
  expect(await client.apply(resources.Service, aThing('main', '1'), options)).toEqual(aThing('main', '1'))
  await client.apply(resources.Service, aThing('main', '1'), { ...options, subresource: 'status' })
  const path = '/api/v1/namespaces/default/services/main'
  expect(seen).toEqual([
    `PATCH ${path}?fieldManager=me&force=true application/apply-patch+yaml`,
    `PATCH ${path}/status?fieldManager=me&force=true application/apply-patch+yaml`,
  ])
  expect(client.counts).toMatchObject({ apply: 1, applyStatus: 1 })
})

test('a merge changes fields of an existing object', async () => {
  const seen: string[] = []
  const { client } = await against(async (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type']} ${await bodyOf(request)}`)
    response.end('{}')
  })
  await client.merge(resources.EventV1, main, { series: { count: 2 } })
  const path = '/apis/events.k8s.io/v1/namespaces/default/events/main'
  expect(seen).toEqual([`PATCH ${path} application/merge-patch+json {"series":{"count":2}}`])
  expect(client.counts).toMatchObject({ merge: 1, apply: 0 })
})

test('a delete has the uid of the object as a precondition', async () => {
  let body = ''
  const { client } = await against(async (request, response) => {
    body = await bodyOf(request)
    response.end('{}')
  })
  expect(await client.remove(resources.Service, main, { uid: 'u1' })).toBe(true)
  expect(JSON.parse(body)).toMatchObject({ propagationPolicy: 'Background', preconditions: { uid: 'u1' } })
})

test('a 429 is retried after the time the server asks for; beyond the deadline it is thrown', async () => {
  let requests = 0
  const { client } = await against((_request, response) => {
    requests++
    if (requests === 1) response.writeHead(429, { 'retry-after': '0' }).end('{}')
    else if (requests === 2) response.end('{"metadata":{}}')
    else response.writeHead(429, { 'retry-after': '3600' }).end('{}')
  })
  expect(await client.get(resources.Service, main)).toEqual({ metadata: {} })
  await expect(client.get(resources.Service, main)).rejects.toMatchObject({ status: 429, retryAfterMs: 3_600_000 })
  expect(client.counts.get).toBe(3)
})

test('a guard is called right before a write is sent, and before it is sent again', async () => {
  const { client } = await against((_request, response) => response.writeHead(429, { 'retry-after': '0' }).end('{}'))
  let chances = 2
  const guard = () => {
    if (chances-- === 0) throw new Error('not any more')
  }
  await expect(client.create(resources.Service, aThing('a', ''), { guard })).rejects.toThrow('not any more')
  expect(client.counts.create).toBe(2)
})

test('a write that waited for a connection is not sent once its guard refuses', async () => {
  const waiting: ServerResponse[] = []
  const methods = new Set<string | undefined>()
  const { client } = await against((request, response) => {
    methods.add(request.method)
    waiting.push(response)
  })
  const reads = Array.from({ length: 16 }, () => client.get(resources.Service, main))
  await vi.waitFor(() => expect(waiting).toHaveLength(16))
  let isLeader = true
  const guard = () => {
    if (!isLeader) throw new Error('not any more')
  }
  const refused = client.create(resources.Service, aThing('a', ''), { guard }).catch((error: unknown) => error)
  await new Promise(setImmediate)
  isLeader = false
  for (const response of waiting) response.end('{}')
  await Promise.all(reads)
  expect(await refused).toEqual(new Error('not any more'))
  expect([...methods]).toEqual(['GET'])
  isLeader = true
  const sent = client.create(resources.Service, aThing('a', ''), { guard })
  await vi.waitFor(() => expect(waiting).toHaveLength(17))
  waiting.at(-1)?.end('{"kind":"Service"}')
  expect(await sent).toEqual({ kind: 'Service' })
})

test('after a 401 the credentials are read again, once', async () => {
  const { client, access } = await against((request, response) =>
    response.writeHead(request.headers.authorization === 'Bearer new' ? 200 : 401).end('{}'),
  )
  const headers = vi.fn(async (fresh: boolean) => ({ authorization: fresh ? 'Bearer new' : 'Bearer old' }))
  access.headers = headers
  expect(await client.get(resources.Service, main)).toEqual({})
  access.headers = async () => ({})
  await expect(client.get(resources.Service, main)).rejects.toMatchObject({ status: 401 })
  expect(headers.mock.calls).toEqual([[false], [true]])
  expect(client.counts.get).toBe(4)
})

test('a call that gets no answer ends with its deadline', async () => {
  const { client } = await against(() => {})
  await expect(client.create(resources.Service, aThing('a', ''), { timeoutMs: 20 })).rejects.toMatchObject({
    name: 'TimeoutError',
  })
})

test('a watch delivers events wherever the stream of bytes is split', async () => {
  const events = ['é', 'b', 'c'].map(
    (name, index): WatchEvent<KubeObject> => ({ type: 'ADDED', object: aThing(name, String(index)) }),
  )
  const bytes = Buffer.from(`${events.map((event) => JSON.stringify(event)).join('\n')}\n\n`)
  const { client } = await against(async (_request, response) => {
    for (let at = 0; at < bytes.length; at += 7) {
      response.write(bytes.subarray(at, at + 7))
      await new Promise(setImmediate)
    }
    response.end()
  })
  const got: WatchEvent<KubeObject>[] = []
  await client.watch<KubeObject>('/api/v1/things', {
    query: {},
    signal: new AbortController().signal,
    onEvent: (event) => got.push(event),
  })
  expect(got).toEqual(events)
})

test('a watch that breaks off in the middle of an object is an error, not an event', async () => {
  const { client } = await against((_request, response) => {
    response.write('{"type":"ADDED","object":{"metadata":')
    setTimeout(() => response.destroy(), 10)
  })
  const onEvent = vi.fn()
  await expect(client.watch('/api/v1/things', { query: {}, signal: new AbortController().signal, onEvent })).rejects.toThrow()
  expect(onEvent).not.toHaveBeenCalled()
})

test('an aborted watch ends', async () => {
  const { client } = await against((_request, response) => response.flushHeaders())
  const abort = new AbortController()
  const watching = client.watch('/api/v1/things', {
    query: {},
    signal: abort.signal,
    onOpen: () => abort.abort(),
    onEvent: () => {},
  })
  await expect(watching).rejects.toThrow()
})
