import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, dirname, join as joinPath } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { describe, expect, test, vi } from 'vitest'
import { join } from '../cli/commands/join.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { connectorUrl, followAbout } from '../testing/player/about.ts'
import { connectPlayer } from '../testing/player/player.ts'
import { signedFetch } from '../testing/player/signed-fetch.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { groupExists, startProgram } from '../testing/program.ts'
import { aTraceCollector } from '../testing/trace-collector.ts'
import { tryVerb, type VerbRun, verbsOfThisMachine } from './verbs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const example = readFileSync(joinPath(root, 'examples/realm.yaml'), 'utf8')
const SECONDS = 1_000
const timers = { now: () => performance.now(), sleep: (ms: number) => sleep(ms) }
const spawn = { x: 8, y: 0, z: 8 }

/** `realmctl up` on a copy of the example, so that tests may edit it. */
function startRealm(extra: readonly string[] = [], manifest = example, env: NodeJS.ProcessEnv = {}) {
  const folder = freshFolder()
  const file = joinPath(folder, 'realm.yaml')
  writeFileSync(file, manifest)
  const args = [
    'cli/main.ts',
    'up',
    '-f',
    file,
    '--data',
    joinPath(folder, 'data'),
    '--port',
    '0',
    '--rooms',
    'embedded',
    ...extra,
  ]
  const program = startProgram(process.execPath, args, { cwd: root, env })
  return {
    file,
    program,
    url: async () => (await program.prints(/on this machine at (http:\S+)/))[1] ?? '',
  }
}

const aPlayer = async (realmUrl: string) =>
  connectPlayer({ url: await connectorUrl(`${realmUrl}/about`), wallet: createWallet() })

test('npm start runs the example: an explorer finds the realm, the socket, an island and its room', {
  timeout: 120 * SECONDS,
}, async () => {
  await using program = startProgram('npm', ['start', '--', '--port', '0', '--rooms', 'embedded', '--data', freshFolder()], {
    cwd: root,
  })
  const [, url = ''] = await program.prints(/on this machine at (http:\S+)/)
  const { about } = await followAbout(`${url}/main/about`)
  expect(about).toMatchObject({ healthy: true, acceptingUsers: true, configurations: { realmName: 'main' } })
  const player = await aPlayer(`${url}/main`)
  player.heartbeat(spawn)
  const island = await player.nextIsland(10 * SECONDS)
  expect(island.connStr).toMatch(/^ws-room:ws:\/\//)
  expect(program.output()).toMatch(/because --rooms embedded/)
  player.close()
  const printed: string[] = []
  await join(
    `${url}/main/about`,
    { at: [0, 0], for: 2_000, timeout: 10_000, output: 'table' },
    { ...timers, print: async (text) => void printed.push(text) },
  )
  expect(printed.join('')).toMatch(
    /^STEP +TIME +WHAT\nabout +\d+ ms +archipelago ws:.*\nsocket .*\nwelcome .* as 0x\w{40}\nisland .* other player.*\nroom +\d+ ms +ws:\/\/.* with \d+ peers\n$/,
  )
})

test('a saved change of the manifest is applied while players stay connected', { timeout: 180 * SECONDS }, async () => {
  const realm = startRealm()
  await using program = realm.program
  const url = await realm.url()
  const player = await aPlayer(`${url}/main`)
  player.heartbeat(spawn)
  await player.nextIsland(10 * SECONDS)
  let connected = true
  void player.closed.then(() => {
    connected = false
  })

  const second = example.slice(example.indexOf('apiVersion:')).replace('name: main', 'name: harbor')
  writeFileSync(
    realm.file,
    `${example.replace('replicas: 1', 'replicas: 2').replace('islandSize: 100', 'islandSize: 7')}---\n${second}`,
  )
  await program.prints(/harbor: published/)
  await program.prints(/main: published, 2\/2 cells/)
  expect((await followAbout(`${url}/harbor/about`)).about.configurations.realmName).toBe('harbor')
  await vi.waitFor(async () => {
    player.heartbeat(spawn)
    const { islands } = (await (await fetch(`${url}/main/stats/islands`)).json()) as {
      islands: { maxPeers: number; peers: unknown[] }[]
    }
    expect(islands).toMatchObject([{ maxPeers: 7, peers: [{ address: player.peer }] }])
  }, 15 * SECONDS)
  expect(connected).toBe(true)

  writeFileSync(realm.file, example.replace('replicas: 1', 'replicas: 0'))
  await program.prints(/main: hibernated, 0\/0 cells/)
  await vi.waitFor(async () => expect((await fetch(`${url}/harbor/about`)).status).toBe(404), 10 * SECONDS)
  await vi.waitFor(async () => expect((await fetch(`${url}/main/about`)).status).toBe(503), 10 * SECONDS)
  expect((await player.closed).code).toBe(1012)
})

test('with fewer cells the players of a removed one reconnect to the others by the same URL', {
  timeout: 180 * SECONDS,
}, async () => {
  const realm = startRealm([], example.replace('replicas: 1', 'replicas: 2').replace('drainSeconds: 10', 'drainSeconds: 2'))
  await using program = realm.program
  const url = await realm.url()
  await program.prints(/main: published, 2\/2 cells/)
  const socketOf = (slot: number) => `${url.replace('http', 'ws')}/main/cells/${slot}/ws`
  const players = await Promise.all([0, 1].map((slot) => connectPlayer({ url: socketOf(slot), wallet: createWallet() })))
  const endings = players.map(({ closed }, slot) => closed.then((ending) => ({ slot, ending })))
  writeFileSync(realm.file, example.replace('drainSeconds: 10', 'drainSeconds: 2'))
  const { slot, ending } = await Promise.race(endings)
  expect(ending.code).toBe(1012)
  expect(players[slot]?.kicked).toBe(false)
  const back = await connectPlayer({ url: socketOf(slot), wallet: createWallet() })
  back.heartbeat(spawn)
  await back.nextIsland(10 * SECONDS)
  await program.prints(/main: published, 1\/1 cell,/)
  let stayed = true
  void endings[1 - slot]?.then(() => {
    stayed = false
  })
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(stayed).toBe(true)
  for (const player of [back, players[1 - slot]]) player?.close()
})

test('a wrong manifest is refused with file, line, field and the fix, and the running realm keeps its old one', {
  timeout: 120 * SECONDS,
}, async () => {
  const realm = startRealm()
  await using program = realm.program
  const url = await realm.url()
  const wrong = example.replace('islandSize: 100', 'islandSizes: 100')
  writeFileSync(realm.file, wrong)
  const line = wrong.split('\n').findIndex((text) => text.includes('islandSizes')) + 1
  await program.prints(
    new RegExp(
      `realm\\.yaml:${line}: spec\\.cells\\.template\\.archipelago\\.islandSizes: unknown field; did you mean islandSize\\?`,
    ),
  )
  expect((await followAbout(`${url}/main/about`)).about.healthy).toBe(true)
  writeFileSync(realm.file, example.replace('islandSize: 100', 'islandSize: 50'))
  await program.prints(/realm\.yaml is applied/)
})

describe('realmctl up ends', () => {
  test('with 0 and without leftovers after one Ctrl-C, and exports its last spans', { timeout: 120 * SECONDS }, async () => {
    const collector = await aTraceCollector()
    const realm = startRealm([], example, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    await using program = realm.program
    const player = await aPlayer(`${await realm.url()}/main`)
    program.signal('SIGINT')
    expect((await player.closed).code).toBe(1012)
    expect(await program.ended).toBe(0)
    expect(program.output()).toMatch(/Stopped\./)
    expect(groupExists(program.pid)).toBe(false)
    const spans = new Set(collector.spans.map(({ name, fields }) => `${name} ${fields.kind ?? fields.outcome}`))
    expect([...spans].sort()).toEqual(['join welcomed', 'reconcile CommsCell', 'reconcile Realm'])
  })

  withPart('livekit', 'with a LiveKit of its own', (binary) => {
    test('without a word about LiveKit, which Ctrl-C in a terminal ends, too', { timeout: 120 * SECONDS }, async () => {
      const path = { PATH: `${dirname(binary)}${delimiter}${process.env.PATH}` }
      const realm = startRealm(['--rooms', 'livekit'], example, path)
      await using program = realm.program
      const player = await aPlayer(`${await realm.url()}/main`)
      process.kill(-program.pid, 'SIGINT')
      await player.closed
      expect(await program.ended).toBe(0)
      expect(program.output()).toMatch(/Stopped\./)
      expect(program.output()).not.toContain('starting it again')
      expect(groupExists(program.pid)).toBe(false)
    })
  })

  test('at once with 130 after a second Ctrl-C', { timeout: 120 * SECONDS }, async () => {
    const realm = startRealm([], example.replace('drainSeconds: 10', 'drainSeconds: 3600'))
    await using program = realm.program
    const url = await realm.url()
    await Promise.all([aPlayer(`${url}/main`), aPlayer(`${url}/main`)])
    program.signal('SIGINT')
    await program.prints(/Ctrl-C again ends at once/)
    await sleep(500) // a person's second Ctrl-C, and not the echo of the first
    program.signal('SIGINT')
    expect(await program.ended).toBe(130)
    expect(groupExists(program.pid)).toBe(false)
  })

  test('with 3 and the remedy when the port is in use', { timeout: 120 * SECONDS }, async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await using program = startRealm(['--port', String(port)]).program
    expect(await program.ended).toBe(3)
    expect(program.output()).toBe(`port ${port} on 127.0.0.1 is taken: choose another with --port\n`)
    taken.close()
  })

  test('with 2 and all errors when the manifest is wrong', { timeout: 120 * SECONDS }, async () => {
    await using program = startRealm([], example.replace('type: Managed', 'type: Manged')).program
    expect(await program.ended).toBe(2)
    expect(program.output()).toMatch(
      /realm\.yaml:\d+: spec\.livekit\.type: must be one of External, Managed, None, not "Manged"; did you mean Managed\?/,
    )
  })

  test('with one sentence when its folder cannot be written or the file does not exist', { timeout: 120 * SECONDS }, async () => {
    await using unwritable = startRealm(['--data', '/dev/null/realm']).program
    expect(await unwritable.ended).toBe(5)
    expect(unwritable.output()).toMatch(/^\/dev\/null\/realm cannot be written: .*choose another folder with --data\n$/)
    await using missing = startRealm(['-f', '/nowhere/realm.yaml']).program
    expect(await missing.ended).toBe(2)
    expect(missing.output()).toMatch(/^\/nowhere\/realm\.yaml cannot be read: /)
  })

  test('with 2 and the usage when called wrongly', { timeout: 120 * SECONDS }, async () => {
    await using program = startProgram(process.execPath, ['cli/main.ts', 'up', '-f', 'x', '--prot', '1'], { cwd: root })
    expect(await program.ended).toBe(2)
    expect(program.output()).toMatch(/unknown option '--prot'.*\n.*Did you mean --port\?/)
  })
})

/** The example with this in its `spec.gatekeeper`. */
function moderated(setting: string): string {
  const manifest = example.replace('\nspec:\n', `\nspec:\n  gatekeeper:\n    ${setting}\n`)
  expect(manifest.match(/gatekeeper:/g)).toHaveLength(1)
  return manifest
}

test('every command that needs no cluster works with a realm of this machine', { timeout: 180 * SECONDS }, async () => {
  const token = 'a-token-of-moderators'
  const secret = `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'moderators' }, stringData: { token } })}\n`
  const realm = startRealm([], `${moderated('moderatorTokenSecret: { name: moderators }')}${secret}`)
  await using _ = realm.program
  const url = await realm.url()
  const tokenFile = joinPath(freshFolder(), 'token')
  writeFileSync(tokenFile, token)
  const runs: [string, VerbRun][] = Object.entries(verbsOfThisMachine({ url, realm: 'main', tokenFile, manifest: realm.file }))
  const limit = pLimit(3)
  await Promise.all(runs.map(([words, run]) => limit(() => tryVerb(words, run))))
})

test('a ban over the API of the gatekeeper shows the player out, who does not come back', {
  timeout: 180 * SECONDS,
}, async () => {
  const [moderator, villain, friend] = [createWallet(), createWallet(), createWallet()]
  const realm = startRealm([], moderated(`moderators: ["${moderator.address}"]`))
  await using _ = realm.program
  const url = await realm.url()
  const socket = await connectorUrl(`${url}/main/about`)
  const [bad, good] = [
    await connectPlayer({ url: socket, wallet: villain }),
    await connectPlayer({ url: socket, wallet: friend }),
  ]
  for (const player of [bad, good]) player.heartbeat(spawn)
  await Promise.all([bad.nextIsland(10 * SECONDS), good.nextIsland(10 * SECONDS)])

  const ban = await signedFetch(`${url}/main/gatekeeper/users/${villain.address}/bans`, {
    wallet: moderator,
    method: 'POST',
    body: { reason: 'spam' },
  })
  expect(ban.status).toBe(201)
  await bad.closed
  expect([bad.kicked, good.kicked]).toEqual([true, false])
  await expect(connectPlayer({ url: socket, wallet: villain })).rejects.toThrow()
  good.close()
})
