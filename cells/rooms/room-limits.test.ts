import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createWallet } from '../../testing/player/wallet.ts'
import { TrustedProxies } from '../chassis/client-address.ts'
import { connect, joinRoom, startTestRooms } from './fixtures.ts'

const ada = createWallet('ada')

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

/** Opens a socket and sends nothing; resolves with the status of a refusal, or 101. */
const silentSocket = (url: string, headers: Record<string, string> = {}) =>
  new Promise<number>((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/rooms/island-1`, { headers })
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (request, { statusCode }) => {
      request.destroy()
      resolve(statusCode ?? 0)
    })
    socket.on('error', () => {})
  })

test('a thousand silent sockets of one address do not prevent a player of another one from connecting', async () => {
  server = await startTestRooms({ limits: { upgradesPerSecond: 10_000 } })
  const opened = await Promise.all(Array.from({ length: 1_010 }, () => silentSocket(server.url)))
  expect(opened.filter((status) => status === 503)).toHaveLength(10)
  await server.admit(ada.peer, 'island-1')
  await joinRoom(server.url, 'island-1', ada, { localAddress: '127.0.0.2' })
  expect(await server.metric('sessions_ended_total{ending="displaced"')).toEqual([
    'realm_rooms_sessions_ended_total{ending="displaced"} 1',
  ])
})

test('connections are limited per client network, as declared by a trusted proxy', async () => {
  server = await startTestRooms({ limits: { maxConnectionsPerAddress: 2 }, proxies: new TrustedProxies('127.0.0.1') })
  const from = (address: string) => silentSocket(server.url, { 'x-forwarded-for': address })
  expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8::3')]).toEqual([101, 101, 503])
  expect(await from('203.0.113.7')).toBe(101)
  expect(await server.metric('upgrades_refused_total{reason="address"')).toEqual([
    'realm_rooms_upgrades_refused_total{reason="address"} 1',
  ])
})

test('a client that closes its side in the queue leaves it', async () => {
  server = await startTestRooms({ limits: { upgradesPerSecond: 1 } })
  await connect(server.url, '/rooms/island-1')
  const waiting = new WebSocket(`${server.url.replace('http', 'ws')}/rooms/island-1`)
  waiting.on('error', () => {})
  await new Promise((resolve) => setTimeout(resolve, 100))
  waiting.terminate()
  await new Promise((resolve) => setTimeout(resolve, 100))
  server.clock.advance(1_000)
  expect(await server.metric('connections')).toContain('realm_rooms_connections 1')
})
