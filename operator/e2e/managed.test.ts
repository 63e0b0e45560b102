import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'nats'
import { afterEach, expect, test } from 'vitest'
import { withPart } from '../../e2e/parts/with-part.ts'
import { aRealm } from '../desired/fixtures.ts'
import { livekitConfig } from '../desired/livekit.ts'
import { natsConfigMap } from '../desired/nats.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A program that is ended with the test, and what it said so far. */
function run(binary: string, args: string[], env: Record<string, string>) {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  cleanups.push(() => {
    child.kill('SIGKILL')
    return ended
  })
  return { said: () => said }
}

// LiveKit takes no port 0.
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

withPart('nats', 'a Managed NATS', (binary) => {
  test('lets in whoever has the minted account, and nobody else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nats-'))
    cleanups.push(() => rm(folder, { recursive: true, force: true }))
    const config = natsConfigMap(aRealm())
      .data['nats.conf']?.replace('"0.0.0.0:4222"', '"127.0.0.1:-1"')
      .replace('"0.0.0.0:8222"', '"127.0.0.1:-1"')
    await writeFile(join(folder, 'nats.conf'), config ?? '')
    const account = { user: 'u0123456789', pass: `p${'1e5'.repeat(11)}` }
    const server = run(binary, ['--config', join(folder, 'nats.conf')], { NATS_USER: account.user, NATS_PASSWORD: account.pass })
    await expect.poll(server.said).toContain('Server is ready')
    const port = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(server.said())?.[1]
    const servers = `nats://127.0.0.1:${port}`
    await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i)
    await expect(connect({ servers, ...account, pass: 'guess', reconnect: false })).rejects.toThrow(/authorization/i)
    const connection = await connect({ servers, ...account, reconnect: false })
    await connection.flush()
    await connection.close()
  })
})

withPart('livekit', 'a Managed LiveKit', (binary) => {
  test('starts with the configuration and the keys its pod is given', async () => {
    const [http, tcp, udp] = [await freePort(), await freePort(), await freePort()]
    const config = livekitConfig
      .replace('port: 7880', `port: ${http}\nbind_addresses: [127.0.0.1]`)
      .replace('7881', String(tcp))
      .replace('7882', String(udp))
    const server = run(binary, [], { LIVEKIT_CONFIG: config, LIVEKIT_KEYS: `kMinted: ${'s'.repeat(32)}`, HOME: tmpdir() })
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${http}/`).catch(() => undefined))?.status, {
        timeout: 10_000,
        message: server.said(),
      })
      .toBe(200)
    expect(server.said()).not.toContain('secret is too short')
  })
})
