import { execFileSync, spawnSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { createApp, route, text } from './http.ts'
import { ALL_ADDRESSES, type HttpListener, listen } from './listen.ts'
import { silentLog } from './log.ts'
import { Metrics } from './metrics.ts'

const app = createApp({
  routes: [route('GET', '/', ({ remoteAddress }) => text(remoteAddress))],
  log: silentLog,
  metrics: new Metrics('test'),
})

let listening: HttpListener | undefined
afterEach(() => listening?.stop())

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

const answerAt = (host: string) =>
  fetch(`http://${host}:${listening?.port}/`).then(
    (response) => response.text(),
    () => 'refused',
  )

test.skipIf(!hasIpv6)(
  'a process that listens on all addresses answers on IPv6 and IPv4, and knows IPv4 peers by their IPv4 address',
  async () => {
    listening = await listen(app, { host: ALL_ADDRESSES, port: 0 })
    expect([await answerAt('127.0.0.1'), await answerAt('[::1]')]).toEqual(['127.0.0.1', '::1'])
    expect(await fetch(listening.url).then((response) => response.text())).toBe('127.0.0.1')
  },
)

test.skipIf(!hasIpv6)('a process that listens on one address answers there only', async () => {
  listening = await listen(app, { host: '127.0.0.1', port: 0 })
  expect([await answerAt('127.0.0.1'), await answerAt('[::1]')]).toEqual(['127.0.0.1', 'refused'])
})

/** Runs a command in a network of its own, without IPv6. */
const WITHOUT_IPV6 = ['-rn', 'sh', '-c', 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set lo up && exec "$0" "$@"']
const canSwitchIpv6Off = spawnSync('unshare', [...WITHOUT_IPV6, 'true']).status === 0

test.skipIf(!canSwitchIpv6Off)('where IPv6 is switched off, a process that listens on all addresses answers on IPv4', () => {
  const program = `
    import { ALL_ADDRESSES, listen } from ${JSON.stringify(import.meta.resolve('./listen.ts'))}
    const app = { handle: (request, response) => response.end('hello'), upgrade: () => false }
    const { url, stop } = await listen(app, { host: ALL_ADDRESSES, port: 0 })
    process.stdout.write(await (await fetch(url)).text())
    await stop()`
  const output = execFileSync('unshare', [...WITHOUT_IPV6, process.execPath, '--input-type=module', '-e', program])
  expect(String(output)).toBe('hello')
})
