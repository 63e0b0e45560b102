import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { BugReporter } from '../chassis/bug-reporter.ts'
import { TrustedProxies } from '../chassis/client-address.ts'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { Upgrades } from './upgrades.ts'

/** Upgrades of which the look at each takes three milliseconds; `opened` has those that became a WebSocket. */
function slowUpgrades() {
  const clock = new ManualClock()
  class SlowProxies extends TrustedProxies {
    override clientOf(request: Pick<IncomingMessage, 'socket' | 'headers'>) {
      clock.advance(3)
      if (request.headers['x-forwarded-for'] === 'bug') throw new Error('a bug')
      return super.clientOf(request)
    }
  }
  const opened: string[] = []
  const refused = { total: 0, address: 0, stopping: 0, rate: 0 }
  const counter = (why: keyof typeof refused) => ({ inc: () => void refused[why]++ })
  const upgrades = new Upgrades<string>({
    limits: { maxConnections: 100, maxConnectionsPerAddress: 100, maxUnauthenticated: 100, upgradesPerSecond: 1_000 },
    proxies: new SlowProxies(),
    clock,
    log: silentLog,
    bugs: new BugReporter({ log: silentLog, metrics: new Metrics('test') }),
    refused: { total: counter('total'), address: counter('address'), stopping: counter('stopping'), rate: counter('rate') },
    verifier: { pending: 0 },
    server: { handleUpgrade: (request, _stream, _head, callback) => callback(request.url ?? '') },
    onOpen: ({ socket }) => {
      opened.push(socket)
      return { openedAt: clock.monotonic(), isSilent: true, displace() {} }
    },
  })
  const arrive = (url: string, forwardedFor = '192.0.2.1') => {
    const stream = new PassThrough()
    const request = { url, headers: { 'x-forwarded-for': forwardedFor }, socket: {} } as unknown as IncomingMessage
    upgrades.upgrade(request, stream, Buffer.alloc(0), {})
    return stream
  }
  return { upgrades, opened, refused, arrive }
}

test('of many upgrades that arrive in one turn of the event loop each turn looks at a few, in their order', async () => {
  const { upgrades, opened, arrive } = slowUpgrades()
  for (const url of ['a', 'b', 'c', 'd', 'e']) arrive(url)
  expect([opened, upgrades.waiting]).toEqual([['a', 'b'], 3])
  await nextTurn()
  arrive('f')
  expect([opened, upgrades.waiting]).toEqual([['a', 'b', 'c', 'd'], 2])
  await nextTurn()
  expect([opened, upgrades.waiting]).toEqual([['a', 'b', 'c', 'd', 'e', 'f'], 0])
})

test('an exception ends the upgrade it belongs to, and no other that waits for a turn', async () => {
  const { opened, arrive } = slowUpgrades()
  for (const url of ['a', 'b']) arrive(url)
  const broken = arrive('c', 'bug')
  arrive('d')
  await nextTurn()
  expect([opened, broken.destroyed]).toEqual([['a', 'b', 'd'], true])
})

test('of the upgrades that wait for a turn those are refused that it finds stopping, and those forgotten that hung up', async () => {
  const { upgrades, opened, refused, arrive } = slowUpgrades()
  for (const url of ['a', 'b']) arrive(url)
  arrive('c').destroy()
  for (const url of ['d', 'e', 'f']) arrive(url)
  await nextTurn()
  expect([opened, upgrades.waiting]).toEqual([['a', 'b', 'd', 'e'], 1])
  upgrades.close()
  await nextTurn()
  expect([opened, refused.stopping, upgrades.waiting]).toEqual([['a', 'b', 'd', 'e'], 1, 0])
})
