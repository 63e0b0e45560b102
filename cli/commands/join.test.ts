import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, type TestContext, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { join } from './join.ts'

/** A server that answers `/about` with this body, or with a status, and accepts sockets that then get these bytes. */
async function aRealm(t: TestContext, about: (base: string) => unknown, sends?: Uint8Array) {
  const server = createServer((request, response) => {
    const base = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const body = request.url?.endsWith('/about') ? about(base) : undefined
    if (typeof body === 'number' || body === undefined) response.writeHead(body ?? 404).end('no such realm')
    else response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'archipelago' })
  sockets.on('connection', (socket) => {
    if (sends) socket.on('message', () => socket.send(sends))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/main`
}

async function outcomeOf(url: string) {
  const printed: string[] = []
  const ports = {
    print: async (text: string) => void printed.push(text),
    now: () => performance.now(),
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  }
  const error = await join(url, { timeout: 300, output: 'json' }, ports).catch((thrown: unknown) => thrown)
  const { exitCode, message } = (error ?? {}) as { exitCode?: number; message?: string }
  const { steps } = JSON.parse(printed.join('')) as { steps: { step: string }[] }
  return { exitCode, message, steps: steps.map(({ step }) => step) }
}

const city = (base: string) => ({ healthy: true, comms: { adapter: `archipelago:archipelago:ws://${base}/ws` } })

test.for([
  ['there is no such realm', () => 404, undefined, [], /^about: http:.* answers 404: no such realm$/],
  ['/about is no JSON', () => '<html>', undefined, [], /^about: .* answers no JSON$/],
  ['/about is a text', () => '"x"', undefined, ['about'], /^room: the realm has no communications$/],
  ['the realm has no communications', () => ({ healthy: true }), undefined, ['about'], /^room: the realm has no communications$/],
  ['no explorer knows the adapter', () => ({ comms: { adapter: 'pigeon:x' } }), undefined, [], /^about: no explorer understands/],
  ['the socket is silent', city, undefined, ['about', 'socket'], /^welcome: no challengeResponse within 300 ms$/],
  [
    'the socket sends no packets',
    city,
    Buffer.from([0x0a, 0xff]),
    ['about', 'socket'],
    /^welcome: it sent something that is not a packet$/,
  ],
  [
    'a LiveKit does not answer',
    () => ({ comms: { adapter: 'fixed-adapter:livekit:ws://127.0.0.1:1?access_token=T' } }),
    undefined,
    ['about'],
    /^room: http:\/\/127\.0\.0\.1:1\/rtc\/validate does not answer: bad port$/,
  ],
] as const)('where %s, the step is named and the exit code is 4', async ([, about, sends, steps, message], t) => {
  const url = await aRealm(t, about, sends)
  expect(await outcomeOf(url)).toEqual({ exitCode: 4, message: expect.stringMatching(message), steps })
})

test('the steps are shown before the player stays, so that there is something to read meanwhile', async (t) => {
  const livekit = createServer((_, response) => response.end('success'))
  await new Promise<void>((resolve) => livekit.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => void livekit.close().closeAllConnections())
  const adapter = `fixed-adapter:livekit:ws://127.0.0.1:${(livekit.address() as AddressInfo).port}?access_token=T`
  const url = await aRealm(t, () => ({ comms: { adapter } }))
  const events: string[] = []
  let now = 0
  await join(
    url,
    { timeout: 5_000, for: 1_500, output: 'table' },
    {
      print: async (text) => void events.push(text.split(' ')[0] ?? ''),
      now: () => now,
      sleep: async (ms) => {
        now += ms
        events.push('stays')
      },
    },
  )
  expect(events).toEqual(['STEP', 'stays', 'stays'])
})
