import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterAll, expect, type TestContext, test, vi } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { openForwardedClients } from '../../cells/pulse/forwarded-clients.ts'
import { startPulse } from '../../cells/pulse/service.ts'
import { RELAY_FORWARD_PORT } from '../../cells/wire/relay-address.ts'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import { connectMovingPlayer } from '../../testing/player/moving-player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { startForwarding } from './forwarding.ts'
import type { PodPort } from './tunnel.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())
const SOON = { timeout: 20_000, interval: 20 }
const RELAY = { namespace: 'realm-operator', service: 'realm-operator-movement-reports', port: 'http' }

/** A relay in a pod, and a realm that is forwarded to this machine. */
async function aForwarding(context: TestContext) {
  const relay = await startPulse(
    { port: 0, address: '127.0.0.1' },
    { log: silentLog, clock: systemClock, verifier, metrics: new Metrics('pulse') },
  )
  context.onTestFinished(() => relay.stop())
  const pod = await openForwardedClients({ port: 0, udpPort: relay.port })
  context.onTestFinished(() => pod.stop())
  const [opened, problems]: [PodPort[], unknown[]] = [[], []]
  const tunnels: Duplex[] = []
  const forwarding = await startForwarding({
    ...{ realm: aRealm(), provider: undefined, port: 0, relay: RELAY },
    choosePod: async ({ namespace, service }) => ({ namespace, pod: `${service}-pod`, port: 8080 }),
    openTunnel: async (to) => {
      opened.push(to)
      const tunnel = connect(pod.port, '127.0.0.1')
      await once(tunnel, 'connect')
      tunnels.push(tunnel)
      return tunnel
    },
    onProblem: (problem) => problems.push(problem),
  })
  context.onTestFinished(() => forwarding.stop())
  const player = async (seed: string, port = forwarding.relayPort ?? 0) => {
    const moving = await connectMovingPlayer(
      { host: '127.0.0.1', port },
      { wallet: createWallet(seed), realm: 'main', returns: true },
    )
    context.onTestFinished(() => moving.stop())
    return moving
  }
  return { relay, forwarding, opened, problems, tunnels, player }
}

test('explorers of this machine and others see each other move through a relay that is not reached', async (context) => {
  const { relay, opened, problems, player } = await aForwarding(context)
  const [here, alsoHere, direct] = [await player('ana'), await player('ben'), await player('eve', relay.port)]
  for (const walker of [here, alsoHere, direct]) {
    const others = [here, alsoHere, direct].filter((each) => each !== walker)
    let step = 0
    await vi.waitFor(() => {
      walker.walk(++step % 250)
      for (const { model } of others) expect([...model.known.values()].length).toBe(2)
      for (const { happened } of others) expect(happened).toContain('playerStateDelta')
    }, SOON)
  }
  const to = { namespace: RELAY.namespace, pod: `${RELAY.service}-pod`, port: RELAY_FORWARD_PORT }
  expect([opened, problems]).toEqual([[to, to], []])
}, 60_000)

test('an explorer comes back by itself after its connection to the pod has ended', async (context) => {
  const { tunnels, player } = await aForwarding(context)
  const ana = await player('ana')
  await vi.waitFor(() => expect(ana.happened).toContain('handshake'), SOON)
  tunnels[0]?.destroy()
  await vi.waitFor(() => expect(ana.happened.filter((each) => each === 'handshake').length).toBe(2), SOON)
}, 60_000)
