import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startBareRealm } from '../testing/bare-realm.ts'
import { movementsIn } from '../testing/explorer-command.ts'
import { type Explorer, startExplorer } from '../testing/explorers.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { connectMovingPlayer } from '../testing/player/moving-player.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { startProgram } from '../testing/program.ts'
import { relayKeyFile, startRelayProcess } from '../testing/relay-process.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const SECONDS = 1_000
withPart('bevy', 'Bevy explorers at a movement relay', (bevy) => {
  async function explorersAt(port: number, seeds: readonly number[]) {
    const realm = await startBareRealm('main')
    onTestFinished(() => realm.stop())
    return seeds.map((seed) => {
      const explorer = startExplorer(bevy, realm.url, seed, '2,0', `127.0.0.1:${port}`)
      onTestFinished(() => explorer.program[Symbol.asyncDispose]())
      return explorer
    })
  }
  const seesAnother = ({ program }: Explorer) => program.prints(/movement data: Movement/, 60 * SECONDS)

  test('come back to a relay that was killed, and see each other again', { timeout: 150 * SECONDS }, async () => {
    const relay = await startRelayProcess(relayKeyFile())
    const explorers = await explorersAt(relay.udpPort, [21, 22])
    await Promise.all(explorers.map(seesAnother))
    relay.crash()
    const killedAt = performance.now()
    const before = explorers.map(({ program }) => movementsIn(program.output()))
    await relay.program.prints(/the relay crashed and is started again[\s\S]*players are received over UDP/, 60 * SECONDS)
    const startMs = Math.round(performance.now() - killedAt)
    await vi.waitFor(
      () => {
        for (const [i, explorer] of explorers.entries())
          expect(movementsIn(explorer.program.output())).toBeGreaterThan(before[i] ?? 0)
      },
      { timeout: 60 * SECONDS, interval: 50 },
    )
    for (const { program } of explorers) expect(program.output()).toMatch(/pulse: disconnected \(Graceful\)/)
    const missedMs = Math.round(performance.now() - killedAt)
    console.log(`kill -9: the start took ${startMs} ms, the explorers saw each other again after ${missedMs} ms`)
  })

  test('are taken over by another one with the same wallet, whom others see without a gap', {
    timeout: 150 * SECONDS,
  }, async () => {
    const relay = await startRelayProcess(relayKeyFile())
    const place = { host: '127.0.0.1', port: relay.udpPort }
    const neighbour = await connectMovingPlayer(place, { wallet: createWallet('neighbour'), realm: 'main' })
    onTestFinished(() => neighbour.stop())
    const [old] = await explorersAt(relay.udpPort, [23])
    await old?.program.prints(/pulse: teleport sent/, 60 * SECONDS)
    await vi.waitFor(() => expect(neighbour.model.known.size).toBe(1), 60 * SECONDS)
    const [next] = await explorersAt(relay.udpPort, [23])
    await next?.program.prints(/movement data: Movement/, 60 * SECONDS)
    await old?.program.prints(/pulse: disconnected \(DuplicateSession\)/)
    expect([...neighbour.model.known.values()].map(({ wallet }) => wallet)).toEqual([await old?.address()])
    expect(neighbour.happened).not.toContain('playerLeft')
  })

  const { walkers, metres, minutes } = process.env.REALM_FULL
    ? { walkers: '1000', metres: '60', minutes: 15 }
    : { walkers: '50', metres: '30', minutes: 2.5 }
  test(`see a crowd of ${walkers} simulated players walk`, { timeout: minutes * 60 * SECONDS }, async () => {
    const relay = await startRelayProcess(relayKeyFile())
    const place = ['--x', '40', '--z', '8', '--metres', metres, '--seconds', '60', '--witness']
    const args = [`127.0.0.1:${relay.udpPort}`, 'main', '--players', walkers, ...place]
    const movers = startProgram(process.execPath, ['testing/movers/main.ts', ...args], { cwd: root })
    onTestFinished(() => movers[Symbol.asyncDispose]())
    // In one second, of ten steps that each of the others takes, or as many as a busy machine passes on.
    const [line] = await movers.prints(/\{[^\n]*"witnessed":\d{3,}\}/, (minutes * 60 - 50) * SECONDS)
    expect(JSON.parse(line)).toMatchObject({ lost: 0 })
    if (process.env.REALM_FULL) console.log(`${walkers} walk in ${metres} m: ${line}`)
  })
})
