import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../testing/free-port.ts'
import { signedFetch } from '../../testing/player/signed-fetch.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { openPglite } from './adapters/pglite.ts'
import { main } from './main.ts'

test('a process with a folder of its own returns tokens, records connections, and stops cleanly', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatekeeper-main-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const running = await main({
    HTTP_SERVER_HOST: '127.0.0.1',
    HTTP_SERVER_PORT: String(port),
    LOG_LEVEL: 'silent',
    DATABASE_FOLDER: join(folder, 'db'),
    LIVEKIT_HOST: 'wss://livekit.example.org',
    LIVEKIT_API_KEY: 'key',
    LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
  })
  const url = `http://127.0.0.1:${port}`
  const ana = createWallet('ana')
  const answer = await signedFetch(`${url}/get-scene-adapter`, {
    wallet: ana,
    method: 'POST',
    metadata: { realmName: 'main', sceneId: 'bafk', deviceIdentifier: 'phone' },
  })
  expect(await answer.json()).toEqual({ adapter: expect.stringMatching(/^livekit:wss:\/\/livekit\.example\.org\?access_token=/) })
  expect(await (await fetch(`${url}/users/${ana.address}/bans`)).json()).toEqual({ data: { isBanned: false } })
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  await running.stop()
  await expect(fetch(url)).rejects.toThrow()
  const database = await openPglite(join(folder, 'db'))
  expect(await database.query('SELECT address, device_id FROM player_connection_info')).toEqual([
    { address: ana.peer, device_id: 'phone' },
  ])
  await database.stop()
})
