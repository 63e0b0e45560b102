import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { connectMovingPlayer } from '../../../testing/player/moving-player.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import { udpProxy } from '../../../testing/udp-proxy.ts'
import { systemClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { Metrics } from '../../chassis/metrics.ts'
import { createVerifier } from '../../identity/verifier.ts'
import { type Pulse, startPulse } from '../service.ts'
import { FRAME, Link } from './link.ts'
import { openLink, openLinkPort } from './secure-link.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())

/** Longer than anything takes; the tests do not say how fast it is. */
const SOON = { timeout: 30_000, interval: 20 }
const secret = 'a secret of the site'

interface Running {
  pulse: Pulse
  handOvers(): Promise<string[]>
  stop(): Promise<void>
}

async function aRelay(
  options: { from?: number | undefined; secrets?: readonly string[]; waitMs?: number } = {},
): Promise<Running> {
  const metrics = new Metrics('pulse')
  const handOver = {
    ...{ port: 0, address: '127.0.0.1', waitMs: options.waitMs ?? 0, secrets: () => options.secrets ?? [secret] },
    ...(options.from !== undefined && { from: '127.0.0.1', fromPort: options.from }),
  }
  const pulse = await startPulse(
    { port: 0, address: '127.0.0.1', handOver },
    { log: silentLog, clock: systemClock, verifier, metrics },
  )
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= pulse.stop()
    return stopped
  }
  onTestFinished(stop)
  const handOvers = async () =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('realm_pulse_hand_overs_total'))
  return { pulse, handOvers, stop }
}

async function aPlayer(port: number, seed: string) {
  const player = await connectMovingPlayer({ host: '127.0.0.1', port }, { wallet: createWallet(seed), realm: 'main' })
  onTestFinished(() => player.stop())
  return player
}

/** Two players who see each other, at a port. */
async function aPair(port: number) {
  const [anna, ben] = [await aPlayer(port, 'anna'), await aPlayer(port, 'ben')]
  await vi.waitFor(() => expect([anna.model.known.size, ben.model.known.size]).toEqual([1, 1]), SOON)
  let x = 0
  /** Ben walks until Anna sees him at a place where he was not before. */
  const benIsSeen = async () => {
    const first = ++x
    await vi.waitFor(() => {
      x = (x % 250) + 1
      ben.walk(x)
      const seen = anna.model.of(ben.wallet)?.state.positionX as number
      expect(seen).toBeGreaterThanOrEqual(first)
    }, SOON)
  }
  await benIsSeen()
  return { anna, ben, benIsSeen }
}

const leftOrEnded = ({ happened }: { happened: readonly string[] }) => happened.filter((each) => /^(playerLeft|ended)/.test(each))

test('clients that know the address of the first relay only are served by the second one, and then by a third', async () => {
  const first = await aRelay()
  const { anna, ben, benIsSeen } = await aPair(first.pulse.port)
  const sequence = anna.model.of(ben.wallet)?.sequence ?? 0
  const second = await aRelay({ from: first.pulse.handOverPort })
  await benIsSeen()
  const third = await aRelay({ from: second.pulse.handOverPort })
  await benIsSeen()
  expect(anna.model.of(ben.wallet)?.sequence).toBeGreaterThan(sequence)
  expect([leftOrEnded(anna), leftOrEnded(ben)]).toEqual([[], []])
  expect(await first.handOvers()).toEqual(['realm_pulse_hand_overs_total{role="predecessor",result="ok"} 1'])
  expect(await third.handOvers()).toEqual(['realm_pulse_hand_overs_total{role="successor",result="ok"} 1'])
  // A player who comes by the first one is a new one of the third.
  const carla = await aPlayer(first.pulse.port, 'carla')
  await vi.waitFor(() => expect(carla.model.known.size).toBe(2), SOON)
}, 120_000)

test('clients that a load balancer leads to the second relay go on when the first one is gone', async () => {
  const first = await aRelay()
  const balancer = await udpProxy({ target: first.pulse.port })
  onTestFinished(() => balancer.close())
  const { anna, ben, benIsSeen } = await aPair(balancer.port)
  const second = await aRelay({ from: first.pulse.handOverPort })
  await benIsSeen()
  balancer.retarget(second.pulse.port)
  await benIsSeen()
  await first.stop()
  await benIsSeen()
  expect([leftOrEnded(anna), leftOrEnded(ben)]).toEqual([[], []])
}, 120_000)

test('a relay that is to stop waits for its successor and serves meanwhile', async () => {
  const first = await aRelay({ waitMs: 60_000 })
  const { anna, ben, benIsSeen } = await aPair(first.pulse.port)
  const leaving = first.pulse.leave()
  await benIsSeen()
  await aRelay({ from: first.pulse.handOverPort })
  await leaving
  await benIsSeen()
  expect([leftOrEnded(anna), leftOrEnded(ben)]).toEqual([[], []])
}, 120_000)

test('without a successor the sessions end in such a way that clients come back', async () => {
  const first = await aRelay()
  const { anna } = await aPair(first.pulse.port)
  await first.stop()
  await vi.waitFor(() => expect(anna.happened.at(-1)).toBe('ended 1'), SOON)
}, 120_000)

test('who has another key gets nothing, and disturbs nobody', async () => {
  const first = await aRelay()
  const { anna, benIsSeen } = await aPair(first.pulse.port)
  const port = first.pulse.handOverPort ?? 0
  await expect(openLink('127.0.0.1', port, ['another secret'])).rejects.toThrow()
  const stranger = await aRelay({ from: port, secrets: ['another secret'] })
  expect(await stranger.handOvers()).toEqual(['realm_pulse_hand_overs_total{role="successor",result="failed"} 1'])
  await benIsSeen()
  expect(leftOrEnded(anna)).toEqual([])
  expect(await first.handOvers()).toEqual([])
}, 120_000)

test('while the key is changed, relays that know one of both hand their players over, whichever has the new one first', async () => {
  const first = await aRelay({ secrets: ['the key of before'] })
  const { anna, ben, benIsSeen } = await aPair(first.pulse.port)
  const second = await aRelay({ from: first.pulse.handOverPort, secrets: ['the new key', 'the key of before'] })
  await benIsSeen()
  const third = await aRelay({ from: second.pulse.handOverPort, secrets: ['the new key'] })
  await benIsSeen()
  expect([leftOrEnded(anna), leftOrEnded(ben)]).toEqual([[], []])
  expect(await third.handOvers()).toEqual(['realm_pulse_hand_overs_total{role="successor",result="ok"} 1'])
}, 120_000)

test('a relay without a key starts, and hands nothing over', async () => {
  const first = await aRelay({ secrets: [] })
  const { benIsSeen } = await aPair(first.pulse.port)
  await expect(openLink('127.0.0.1', first.pulse.handOverPort ?? 0, ['a guess'])).rejects.toThrow()
  await expect(openLink('127.0.0.1', first.pulse.handOverPort ?? 0, [])).rejects.toThrow('there is no key')
  await benIsSeen()
}, 120_000)

test('a relay that cannot use the state starts without players, and they stay where they are', async () => {
  const links: Link[] = []
  const onLink = (stream: ConstructorParameters<typeof Link>[0]) => {
    const link = new Link(stream)
    links.push(link)
    link.onFrame = () => link.send(FRAME.state, Buffer.from('a state of another version'))
  }
  const old = await openLinkPort({ port: 0, address: '127.0.0.1', secrets: () => [secret], onLink })
  onTestFinished(() => old.close())
  const relay = await aRelay({ from: old.port })
  expect(links.length).toBe(1)
  expect(await relay.handOvers()).toEqual(['realm_pulse_hand_overs_total{role="successor",result="failed"} 1'])
  await aPair(relay.pulse.port)
}, 120_000)

test('a relay goes on with its players when the one that asked for them does not take them', async () => {
  const first = await aRelay()
  const { anna, ben, benIsSeen } = await aPair(first.pulse.port)
  const link = new Link(await openLink('127.0.0.1', first.pulse.handOverPort ?? 0, [secret]))
  const got = new Promise((resolve) => {
    link.onFrame = (kind) => resolve(kind)
  })
  link.send(FRAME.ask)
  expect(await got).toBe(FRAME.state)
  link.close()
  await benIsSeen()
  expect([leftOrEnded(anna), leftOrEnded(ben)]).toEqual([[], []])
  expect(await first.handOvers()).toEqual(['realm_pulse_hand_overs_total{role="predecessor",result="failed"} 1'])
}, 120_000)

test('a relay whose successor dies serves again, and clients learn that they are to come back', async () => {
  const first = await aRelay()
  const { anna } = await aPair(first.pulse.port)
  const link = new Link(await openLink('127.0.0.1', first.pulse.handOverPort ?? 0, [secret]))
  const taken = new Promise<void>((resolve) => {
    link.onFrame = (kind) => {
      if (kind !== FRAME.state) return
      link.send(FRAME.taken)
      resolve()
    }
  })
  link.send(FRAME.ask)
  await taken
  link.close()
  await vi.waitFor(() => expect(anna.happened.at(-1)).toBe('ended 1'), SOON)
  await aPair(first.pulse.port)
}, 120_000)

test('a second relay that asks is refused, and so is one that speaks too long', async () => {
  const first = await aRelay()
  await aRelay({ from: first.pulse.handOverPort })
  const late = await aRelay({ from: first.pulse.handOverPort })
  expect(await late.handOvers()).toEqual([])
  const link = new Link(await openLink('127.0.0.1', first.pulse.handOverPort ?? 0, [secret]))
  const closed = new Promise<void>((resolve) => {
    link.onClose = resolve
  })
  link.send(FRAME.ask, Buffer.alloc(10_000))
  await closed
})
