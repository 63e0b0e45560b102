import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import pLimit from 'p-limit'
import { expect, type TestContext, test } from 'vitest'
import WebSocket from 'ws'
import { aCell, aRealm } from '../operator/desired/realm.fixtures.ts'
import { kubeconfigFor } from '../testing/kubeconfig.ts'
import { startProgram } from '../testing/program.ts'
import { REALMCTL, realmctlCommands } from '../testing/realmctl.ts'
import { aCluster, aPod } from './forward/fixtures.ts'
import { installObjects } from './install/install-objects.ts'

const here = { namespace: 'metaverse' }

/** What an API server answers to a request; undefined = it is silent. */
type Answer = (method: string, path: string) => object | undefined

const realm = aRealm()

/** A realm that never is as its spec says. */
const stuckRealm: Answer = (_, path) => {
  const object = path.includes('commscells') ? aCell(realm) : realm
  return /\/(realms|commscells)(\?|$)/.test(path) ? { items: [object] } : object
}

/** A server that answers requests, and none below `/silent`. */
async function aServer(t: TestContext, answer: Answer) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const [method = '', path = ''] = [request.method, request.url]
    asked.push(`${method} ${path}`)
    const object = path.startsWith('/silent') ? undefined : answer(method, path)
    if (object) response.setHeader('content-type', 'application/json').end(JSON.stringify(object))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked, kubeconfig: kubeconfigFor(url, here.namespace) }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: private modes of a terminal, such as a hidden cursor or another screen
const PRIVATE_MODE = /\u001b\[\?/

const start = (...words: string[]) => startProgram(process.execPath, [REALMCTL, ...words])

/** Other processes of this machine wait, too. */
const AT_ONCE = 4
const WALLET = `0x${'a1'.repeat(20)}`
/** They read files, or what they are given. */
const ASK_NO_SERVER = ['completion', 'render', 'validate']
/** They end with 0, or with a report: below, and in e2e/start.test.ts. */
const RUN_ON = ['forward', 'load', 'up']

/** The words after each command that asks a server. */
function wordsAfter(url: string, kubeconfig: string): Record<string, string[]> {
  const at = ['--kubeconfig', kubeconfig]
  const ofRealm = ['main', ...at]
  const ofCell = ['main-0', ...at]
  const g = ['--gatekeeper', url]
  return {
    ...{ get: at, status: ofRealm, report: ofRealm, doctor: at, version: at, scale: ['--cells', '2', ...ofRealm] },
    ...{ 'rollout status': ofRealm, 'rollout pause': ofRealm, 'rollout resume': ofRealm, 'rollout undo': ofRealm },
    ...{ 'rollout history': ofRealm, cordon: ofCell, drain: ofCell, uncordon: ofCell },
    ...{ install: ['--image-repository', 'r.example/realm', ...at], uninstall: at },
    ...{ top: [url, '--watch'], join: [url], islands: [url] },
    ...{ ban: [WALLET, '-r', 'x', ...g], unban: [WALLET, ...g], kick: [WALLET, '-r', 'x', ...g], who: [WALLET, ...g] },
    ...{ bans: g, admins: g, decisions: g },
  }
}

test('every command that asks a server is among these', () => {
  const all = realmctlCommands().map(({ words }) => words)
  expect([...Object.keys(wordsAfter('', '')), ...ASK_NO_SERVER, ...RUN_ON].sort()).toEqual(all.sort())
})

test('Ctrl-C ends at once every command that is not answered, and the terminal is as before', { timeout: 120_000 }, async (t) => {
  const { url, asked } = await aServer(t, () => undefined)
  const limited = pLimit(AT_ONCE)
  const interrupt = async (words: string, below: string) => {
    const server = `${url}${below}`
    const options = wordsAfter(server, kubeconfigFor(server, here.namespace))[words] ?? []
    const env = { MODERATOR_TOKEN: 'token' }
    await using program = startProgram(process.execPath, [REALMCTL, ...words.split(' '), ...options], { env })
    const isAsked = () => asked.some((line) => line.includes(`${below}/`))
    await Promise.race([program.ended, expect.poll(isAsked, { timeout: 60_000, message: words }).toBe(true)])
    program.signal('SIGINT')
    // Which a shell reports as 130.
    expect([words, await program.ended, program.output()]).toEqual([words, 'SIGINT', expect.not.stringMatching(PRIVATE_MODE)])
  }
  await Promise.all(Object.keys(wordsAfter('', '')).map((words, at) => limited(() => interrupt(words, `/silent/${at}`))))
})

test('Ctrl-C ends at once every command that waits or watches, which says what goes on without it', {
  timeout: 120_000,
}, async (t) => {
  const { kubeconfig } = await aServer(t, stuckRealm)
  const at = ['--kubeconfig', kubeconfig]
  const goesOn = /Not waited for any longer: the change stays/
  const waiting: readonly (readonly [words: string[], isWaiting: RegExp, says?: RegExp])[] = [
    [['status', 'main', '--watch', ...at], /^state /m],
    [['status', 'main', '--wait', '1h', ...at], /waiting for the operator/],
    [['rollout', 'status', 'main', '--wait', '1h', ...at], /waiting for the operator/],
    [['scale', 'main', '--cells', '2', '--wait', '1h', ...at], /waiting for the operator/, goesOn],
    [['rollout', 'undo', 'main', '--to-version', '9.9.9', '--wait', '1h', ...at], /waiting for the operator/, goesOn],
    [['rollout', 'resume', 'main', '--wait', '1h', ...at], /waiting for the operator/, goesOn],
    [['cordon', 'main-0', '--wait', '1h', ...at], /takes no new players/, goesOn],
    [['drain', 'main-0', '--wait', '1h', ...at], /are moved to other cells/, goesOn],
    [['uncordon', 'main-0', '--wait', '1h', ...at], /takes players again/, goesOn],
  ]
  const limited = pLimit(AT_ONCE)
  await Promise.all(
    waiting.map(([words, isWaiting, says = /^(?!.*Not waited)/s]) =>
      limited(async () => {
        await using program = start(...words)
        await program.prints(isWaiting)
        program.signal('SIGINT')
        expect([words[0], await program.ended]).toEqual([words[0], 'SIGINT'])
        expect(program.output()).toMatch(says)
      }),
    ),
  )
})

test('Ctrl-C ends a load with its report', { timeout: 60_000 }, async (t) => {
  const { url } = await aServer(t, () => undefined)
  await using program = start('load', `${url}/silent/load`, '--players', '3', '--for', '1h')
  await program.prints(/3 of 3 begun/)
  program.signal('SIGINT')
  // No player had joined.
  expect(await program.ended).toBe(4)
  expect(program.output()).toMatch(/^time +[\d.]+ s, ended early\nplayers +0 of 3 joined/m)
})

test('Ctrl-C ends an installation, and says how much of it is applied, or that it does not run yet', {
  timeout: 60_000,
}, async (t) => {
  let applied = 0
  let most = 5
  const { kubeconfig } = await aServer(t, (method, path) => {
    if (method === 'PATCH' && applied++ >= most) return undefined
    if (/deployments\?/.test(path)) return { items: [aDeployment] }
    if (/\/pods(\?|$)/.test(path)) return { items: [] }
    return {
      apiVersion: 'v1',
      kind: 'Any',
      metadata: { name: 'any', uid: '1' },
      spec: { versions: [{ schema: { openAPIV3Schema: {} } }] },
    }
  })
  const words = ['install', '--image-repository', 'r.example/realm', '--kubeconfig', kubeconfig]
  const interrupted = async (isWaiting: RegExp) => {
    await using program = start(...words)
    await program.prints(isWaiting)
    program.signal('SIGINT')
    expect(await program.ended).toBe('SIGINT')
    return program.output().split('\n').at(-2)
  }
  const all = installObjects('r.example/realm')
  expect(await interrupted(/^(?:.*\n){5}/)).toBe(
    `Interrupted: 5 of ${all.length} objects are applied, and maybe the next one. The same command applies the rest; realmctl uninstall deletes them.`,
  )
  most = Number.POSITIVE_INFINITY
  expect(await interrupted(/operator: 0 of 2 ready/)).toBe(
    'Interrupted: all objects are applied, and not all runs yet. realmctl doctor says what is missing.',
  )
})

const aDeployment = {
  metadata: { namespace: 'realm-operator', name: 'realm-operator', labels: { 'app.kubernetes.io/name': 'operator' } },
  spec: { replicas: 2, template: { spec: { containers: [{ image: 'r.example/realm:1.0.0' }] } } },
}

test('Ctrl-C ends the removal of an installation, and says that a part of it is left', { timeout: 60_000 }, async (t) => {
  let deleted = 0
  const labels = { 'app.kubernetes.io/part-of': 'realm-operator' }
  const { kubeconfig } = await aServer(t, (method, path) => {
    if (method === 'DELETE' && deleted++ >= 2) return undefined
    return /\/realms(\?|$)/.test(path) ? { items: [] } : { metadata: { name: 'any', uid: '1', labels } }
  })
  await using program = start('uninstall', '--kubeconfig', kubeconfig)
  await expect.poll(() => deleted, { timeout: 30_000 }).toBe(3)
  program.signal('SIGINT')
  expect(await program.ended).toBe('SIGINT')
  expect(program.output()).toMatch(
    /^Interrupted: 2 objects are deleted, and maybe the next one\. The same command deletes the rest\.$/m,
  )
})

const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

test('Ctrl-C ends a forwarding with 0, whatever its clients wait for, and leaves no port open', {
  timeout: 60_000,
}, async (t) => {
  const managed = aRealm({ livekit: { type: 'Managed' } })
  const stats = await aPod(t, (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  const silent = await aPod(t, () => {})
  const [ofStats, ofSilent] = [stats.port, silent.port]
  const ports = {
    ...{ 'main-stats:http': ofStats, 'main-gatekeeper:http': ofSilent },
    ...{ 'main-slot-0:http': ofSilent, 'main-livekit:rtc-tcp': ofSilent },
  }
  const cluster = { realm: managed, ports, forwarded: [] as string[], silent: ['main-slot-0-0'] }
  const { access } = await aCluster(t, cluster)
  await using program = start('forward', 'main', '-p', '0', '--kubeconfig', kubeconfigFor(access.server, here.namespace))
  const [, url = ''] = await program.prints(/is on this machine at (\S+)/)
  const [, media = ''] = await program.prints(/media over TCP at 127\.0\.0\.1:(\d+)/)
  expect((await fetch(`${url}/about`)).status).toBe(200)
  // A pod that does not answer, a tunnel that the API server does not open, and media.
  const request = fetch(`${url}/gatekeeper/ping`).then(
    ({ status }) => status,
    () => 'cut off',
  )
  const player = new WebSocket(`${url.replace('http', 'ws')}/cells/0/ws`)
  const refused = new Promise((resolve) => player.once('error', resolve))
  const mediaClient = connect(Number(media), '127.0.0.1').on('error', () => {})
  const mediaEnds = new Promise((resolve) => mediaClient.once('close', resolve))
  for (const pod of ['main-gatekeeper-0', 'main-slot-0-0', 'main-livekit-0'])
    await expect.poll(() => cluster.forwarded, { timeout: 20_000 }).toContain(pod)
  program.signal('SIGINT')
  expect(await program.ended).toBe(0)
  // That its own connections end is no problem to tell of.
  expect(program.output()).toMatch(/until Ctrl-C\.\n\n(?:\d+ connections to pods\n)*Stopped\.\n$/)
  await Promise.all([refused, mediaEnds])
  expect(await request).not.toBe(200)
  expect([await isOpen(Number(new URL(url).port)), await isOpen(Number(media))]).toEqual([false, false])
})

test('Ctrl-C ends a forwarding that has not begun', { timeout: 60_000 }, async (t) => {
  const { url, asked } = await aServer(t, () => undefined)
  await using program = start('forward', 'main', '-p', '0', '--kubeconfig', kubeconfigFor(`${url}/silent`, here.namespace))
  await expect.poll(() => asked.length, { timeout: 30_000 }).toBeGreaterThan(0)
  program.signal('SIGINT')
  expect([await program.ended, program.output()]).toEqual([0, ''])
})
