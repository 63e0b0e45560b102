import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { freshFolder } from '../testing/fresh-folder.ts'
import { followAbout } from '../testing/player/about.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { enterWorld, joinRoomAt } from '../testing/player/world.ts'
import { startProgram } from '../testing/program.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const SECONDS = 1_000
test('npm start runs the worlds of the example: two players meet in each, and a secret opens the second one', {
  timeout: 180 * SECONDS,
}, async () => {
  const file = join(freshFolder(), 'world.yaml')
  const example = readFileSync(join(root, 'examples/world.yaml'), 'utf8')
  writeFileSync(file, example)
  const args = ['start', '--', '-f', file, '--port', '0', '--data', freshFolder()]
  await using program = startProgram('npm', args, { cwd: root })
  // The gatekeeper creates its database first.
  const [, url = ''] = await program.prints(/on this machine at (http:\S+)/, 90 * SECONDS)
  for (const world of ['plaza', 'attic']) await program.prints(new RegExp(`${world}: published`), 90 * SECONDS)
  const [ana, ben] = [createWallet('ana'), createWallet('ben')]
  await program.prints(/change world\.capacity or world\.access in /)
  const { about } = await followAbout(`${url}/plaza/about`)
  expect(about).toMatchObject({
    healthy: true,
    configurations: { realmName: 'plaza', scenesUrn: [expect.stringMatching(/^urn:/)] },
  })

  const visits = await Promise.all([ana, ben].map((wallet) => enterWorld(`${url}/plaza/about`, wallet)))
  const [first, second] = [await joinRoomAt(visits[0]?.room ?? '', ana), await joinRoomAt(visits[1]?.room ?? '', ben)]
  expect(second.peerIdentities).toEqual({ [first.alias]: ana.peer })
  await vi.waitFor(async () => expect((await followAbout(`${url}/plaza/about`)).about.comms.usersCount).toBe(2), 15 * SECONDS)
  await program.prints(/plaza: published, 2 players/)
  const command = spawnSync(process.execPath, ['cli/main.ts', 'join', `${url}/plaza`, '-o', 'json'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(command.stderr).toBe('')
  expect((JSON.parse(command.stdout) as { steps: { step: string }[] }).steps.map(({ step }) => step)).toEqual([
    'about',
    'login',
    'room',
  ])

  // The other world is the guest of this gatekeeper.
  expect((await enterWorld(`${url}/attic/about`, ana)).status).toBe(403)
  const attic = await enterWorld(`${url}/attic/about`, ana, { secret: 'open sesame' })
  expect(attic.room).toMatch(/\/plaza\/gatekeeper\/rooms\/world%3Adefault\.attic$/)
  await joinRoomAt(attic.room ?? '', ana)

  // Another world, and another rule, while the players stay.
  const [, plaza = ''] = example.split('---\n')[0]?.split(/^(?=apiVersion)/m) ?? []
  const cellar = plaza
    .replace('name: plaza', 'name: cellar')
    .replace(/ {2}gatekeeper:[\s\S]*$/, '')
    .replace('capacity: 50', 'gatekeeperOf: plaza')
  writeFileSync(
    file,
    `${example.replace('capacity: 50', `access: { type: Allowlist, wallets: ["${ana.address}"] }`)}---\n${cellar}`,
  )
  await program.prints(/cellar: published/)
  expect((await enterWorld(`${url}/cellar/about`, ben)).status).toBe(200)
  expect((await second.closed).code).toBe(1008)
  expect((await enterWorld(`${url}/plaza/about`, ben)).status).toBe(401)
  expect((await enterWorld(`${url}/plaza/about`, ana)).status).toBe(200)
  first.socket.close()
})
