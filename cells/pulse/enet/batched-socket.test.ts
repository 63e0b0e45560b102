import { expect, test } from 'vitest'
import { BatchedSocket } from './batched-socket.ts'
import { AF_INET } from './socket-addresses.ts'
import type { SocketLibrary } from './socket-library.ts'

const EAGAIN = 11
const EHOSTUNREACH = 113

/**
 * A socket at a kernel that answers as it is told: with how many datagrams it takes of those it is given, or with an error. `queued` is
 * what waits in the queue of `node:dgram`.
 */
function aSocket(answers: ({ taken: number } | { errno: number })[], queued = 0) {
  const single: { text: string; port: number; address: string }[] = []
  const given: number[] = []
  let errno = 0
  const library: SocketLibrary = {
    open: () => 3,
    setOption: () => 0,
    bind: () => 0,
    close: () => {},
    missed: () => undefined,
    send(_, __, count) {
      given.push(count)
      const answer = answers.shift() ?? { taken: count }
      if ('taken' in answer) return answer.taken
      errno = answer.errno
      return -1
    },
    receive: () => -1,
    errno: () => errno,
    addressOf: () => 4_096n,
    parse(family, text, bytes) {
      bytes.set(text.split('.').map(Number))
      return family === AF_INET && text.includes('.')
    },
    interfaceName: () => '',
  }
  const counters = { sendErrors: 0, dropped: 0 }
  const socket = new BatchedSocket(
    library,
    3,
    '0.0.0.0',
    {
      send: (bytes, offset, length, port, address) =>
        single.push({ text: bytes.toString('latin1', offset, offset + length), port, address }),
      queued: () => queued,
    },
    { counters, onDatagram: () => {} },
  )
  const send = (text: string, address = '192.0.2.7', port = 40_000) =>
    socket.send(Buffer.from(text), 0, text.length, port, address)
  return { socket, send, single, given, counters }
}

test('datagrams leave together at the end of the turn', async () => {
  const { send, given } = aSocket([])
  for (const text of ['a', 'b', 'c']) send(text)
  expect(given).toEqual([])
  await Promise.resolve()
  expect(given).toEqual([3])
})

test('a full batch leaves at once', async () => {
  const { send, given } = aSocket([])
  for (let i = 0; i < 70; i++) send('x')
  expect(given).toEqual([64])
  await Promise.resolve()
  expect(given).toEqual([64, 6])
})

test('what the kernel has no room for waits in the queue of node:dgram, in its order and with its address', async () => {
  const { send, given, single, counters } = aSocket([{ taken: 1 }, { errno: EAGAIN }])
  send('a')
  send('bc', '192.0.2.8', 65_535)
  send('d', '192.0.2.9', 1)
  await Promise.resolve()
  expect(given).toEqual([3, 2])
  expect(single).toEqual([
    { text: 'bc', port: 65_535, address: '192.0.2.8' },
    { text: 'd', port: 1, address: '192.0.2.9' },
  ])
  expect(counters).toEqual({ sendErrors: 0, dropped: 0 })
})

test('as long as datagrams wait there, none overtakes them', async () => {
  const { send, given, single } = aSocket([], 5)
  send('a')
  await Promise.resolve()
  expect([given, single.map(({ text }) => text)]).toEqual([[], ['a']])
})

test('a datagram that cannot be sent is counted, and those after it are sent', async () => {
  const { send, given, single, counters } = aSocket([{ taken: 1 }, { errno: EHOSTUNREACH }, { taken: 2 }])
  for (const text of ['a', 'b', 'c', 'd']) send(text)
  await Promise.resolve()
  expect([given, single, counters.sendErrors]).toEqual([[4, 3, 2], [], 1])
})

test('an address of another form is left to node:dgram, after what was sent before', async () => {
  const { send, given, single } = aSocket([])
  send('a')
  send('b', 'fe80::1%eth0')
  expect([given, single]).toEqual([[1], [{ text: 'b', port: 40_000, address: 'fe80::1%eth0' }]])
})

test('what waits is sent before the socket is closed, and nothing afterwards', () => {
  const { socket, send, given, single } = aSocket([])
  send('a')
  socket.close()
  send('b')
  expect([given, single.map(({ text }) => text)]).toEqual([[1], ['b']])
})
