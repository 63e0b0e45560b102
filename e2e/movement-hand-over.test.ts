import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { RELAY_FLAGS } from '../cells/pulse/relay-flags.ts'
import { connectMovingPlayer, type MovingPlayer } from '../testing/player/moving-player.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { relayKeyFile, startRelayProcess } from '../testing/relay-process.ts'
import { udpProxy } from '../testing/udp-proxy.ts'

/** Longer than anything takes: how long it took is printed, and not demanded. */
const SOON = { timeout: 60_000, interval: 50 }

/** Players who walk all the time. `numbers` has the sequence of each that another one was told last. */
async function aCrowd(port: number, count: number) {
  const players: MovingPlayer[] = []
  for (let i = 0; i < count; i++) {
    const options = { wallet: createWallet(`walker ${i}`), realm: 'main', returns: true }
    players.push(await connectMovingPlayer({ host: '127.0.0.1', port }, options))
  }
  let step = 0
  let longestGapMs = 0
  const walking = setInterval(() => {
    step += 1
    for (const [i, player] of players.entries()) {
      player.walk((step + i) % 256)
      longestGapMs = Math.max(longestGapMs, performance.now() - player.heardAt)
    }
  }, 100)
  onTestFinished(async () => {
    clearInterval(walking)
    await Promise.all(players.map((player) => player.stop()))
  })
  const everyoneSees = () =>
    vi.waitFor(() => {
      for (const { model } of players) expect(model.known.size).toBe(count - 1)
    }, SOON)
  await everyoneSees()
  const sequences = () => players.map(({ model }) => players.map(({ wallet }) => model.of(wallet)?.sequence ?? 0))
  return {
    ...{ players, everyoneSees, sequences },
    /** Resolves when each has seen each other move after this call. */
    async everyoneMoves() {
      const before = sequences()
      await vi.waitFor(() => {
        for (const [i, row] of sequences().entries())
          for (const [j, sequence] of row.entries()) if (i !== j) expect(sequence).toBeGreaterThan(before[i]?.[j] ?? 0)
      }, SOON)
    },
    beginMeasuring: () => {
      longestGapMs = 0
    },
    longestGapMs: () => Math.round(longestGapMs),
  }
}

const leftOrEnded = (players: readonly MovingPlayer[]) =>
  players.flatMap(({ happened }) => happened.filter((each) => /^(playerLeft|ended)/.test(each)))

test('players who walk notice nothing when the process of their relay is replaced', async () => {
  const keyFile = relayKeyFile()
  const first = await startRelayProcess(keyFile)
  const balancer = await udpProxy({ target: first.udpPort })
  onTestFinished(() => balancer.close())
  const crowd = await aCrowd(balancer.port, 12)
  await crowd.everyoneMoves()
  crowd.beginMeasuring()
  const second = await startRelayProcess(keyFile, {
    HAND_OVER_FROM: '127.0.0.1',
    HAND_OVER_FROM_PORT: String(first.handOverPort),
  })
  await crowd.everyoneMoves()
  balancer.retarget(second.udpPort)
  first.program.signal('SIGTERM')
  expect(await first.program.ended).toBe(0)
  await crowd.everyoneMoves()
  expect(leftOrEnded(crowd.players)).toEqual([])
  for (const { happened } of crowd.players) expect(happened.filter((each) => each === 'handshake')).toHaveLength(1)
  console.log(`hand-over of ${crowd.players.length} players: the longest time without news was ${crowd.longestGapMs()} ms`)
}, 240_000)

test('clients of a relay that crashed are told so while it starts again, come back, and see each other move', async () => {
  const relay = await startRelayProcess(relayKeyFile())
  // Node takes them at the start of a process only.
  expect(readFileSync(`/proc/${relay.pid}/cmdline`, 'utf8').split('\0')).toEqual(expect.arrayContaining([...RELAY_FLAGS]))
  const crowd = await aCrowd(relay.udpPort, 3)
  await crowd.everyoneMoves()
  const killedAt = performance.now()
  relay.crash()
  crowd.beginMeasuring()
  const ends = () => crowd.players.map(({ happened }) => happened.filter((each) => /^(handshake|ended)/.test(each)))
  await vi.waitFor(() => {
    for (const each of ends()) expect(each.length).toBeGreaterThanOrEqual(2)
  }, SOON)
  const noticedMs = Math.round(performance.now() - killedAt)
  await relay.program.prints(/the relay crashed and is started again[\s\S]*players are received over UDP/, 60_000)
  const startMs = Math.round(performance.now() - killedAt)
  await vi.waitFor(() => {
    for (const each of ends()) expect(each.lastIndexOf('handshake')).toBeGreaterThan(0)
  }, SOON)
  await crowd.everyoneSees()
  await crowd.everyoneMoves()
  // 1: they were told, and did not have to find out by themselves after ten seconds.
  for (const each of ends()) expect(each.slice(0, 2)).toEqual(['handshake', 'ended 1'])
  const attempts = Math.max(...ends().map((each) => each.length)) - 2
  console.log(
    `kill -9: clients were told after ${noticedMs} ms, the relay was there again after ${startMs} ms, the longest time without news was ${crowd.longestGapMs()} ms, with ${attempts} attempts`,
  )
}, 240_000)
