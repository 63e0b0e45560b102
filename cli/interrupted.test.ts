import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { aCell, aRealm } from '../operator/desired/realm.fixtures.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { startProgram } from '../testing/program.ts'
import { REALMCTL } from '../testing/realmctl.ts'

/** An API server with a realm that never is as its spec says; below `/silent` it accepts requests and answers none. */
async function aServer(t: TestContext) {
  const realm = aRealm()
  const cell = aCell(realm)
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    if (path.startsWith('/silent')) return
    const isList = /\/(realms|commscells)(\?|$)/.test(path)
    const object = path.includes('commscells') ? cell : realm
    response.setHeader('content-type', 'application/json').end(JSON.stringify(isList ? { items: [object] } : object))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubeconfig = join(freshFolder(), 'kubeconfig')
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x', users: [{ name: 'x', user: {} }] },
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x', namespace: 'metaverse' } }],
    clusters: [{ name: 'x', cluster: { server: url } }],
  }
  writeFileSync(kubeconfig, JSON.stringify(config))
  return { url, kubeconfig, asked }
}

test('Ctrl-C ends at once every command that waits, watches or is not answered, and the terminal is as before', {
  timeout: 90_000,
}, async (t) => {
  const { url, kubeconfig, asked } = await aServer(t)
  const at = ['--kubeconfig', kubeconfig]
  const waiting: readonly (readonly [words: string[], isWaiting: RegExp | string])[] = [
    [['status', 'main', '--watch', ...at], /^state /m],
    [['status', 'main', '--wait', '1h', ...at], /waiting for the operator/],
    [['rollout', 'status', 'main', '--wait', '1h', ...at], /waiting for the operator/],
    [['scale', 'main', '--cells', '2', '--wait', '1h', ...at], /waiting for the operator/],
    [['drain', 'main-0', '--wait', '1h', ...at], /are moved to other cells/],
    [['join', `${url}/silent/join`], '/silent/join/about'],
    [['islands', `${url}/silent/map`], '/silent/map/about'],
    [['top', `${url}/silent/top`, '--watch'], '/silent/top/console/snapshot'],
  ]
  await Promise.all(
    waiting.map(async ([words, isWaiting]) => {
      await using program = startProgram(process.execPath, [REALMCTL, ...words])
      if (typeof isWaiting === 'string') await expect.poll(() => asked.includes(isWaiting), { timeout: 60_000 }).toBe(true)
      else await program.prints(isWaiting)
      program.signal('SIGINT')
      // Which a shell reports as 130.
      expect([words[0], await program.ended]).toEqual([words[0], 'SIGINT'])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: private modes of a terminal, such as a hidden cursor or another screen
      expect(program.output()).not.toMatch(/\u001b\[\?/)
    }),
  )
})

test('Ctrl-C ends a load with its report', { timeout: 60_000 }, async (t) => {
  const { url } = await aServer(t)
  await using program = startProgram(process.execPath, [REALMCTL, 'load', `${url}/silent/load`, '--players', '3', '--for', '1h'])
  await program.prints(/3 of 3 begun/)
  program.signal('SIGINT')
  // No player had joined.
  expect(await program.ended).toBe(4)
  expect(program.output()).toMatch(/^time +[\d.]+ s, ended early\nplayers +0 of 3 joined/m)
})
