import { signedHeaders } from '../../testing/player/signed-fetch.ts'
import type { ChainKind, Wallet } from '../../testing/player/wallet.ts'
import { BugReporter } from '../chassis/bug-reporter.ts'
import type { Clock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { type ChainVerifier, createVerifier } from '../identity/verifier.ts'
import { ModelClient } from './core/fixtures.ts'
import { decodeServerMessage, encodeRequest } from './core/messages/fixtures.ts'
import { aClient, attachHost, calm, Network, serverAddress, serverPort } from './enet/fixtures.ts'
import { defaultPulseLimits, type PulseLimits } from './limits.ts'
import { liveRelay } from './live-relay.ts'
import { pulseMetrics } from './metrics.ts'
import { RealmReports, type VisiblePlayers } from './realm-reports.ts'
import type { SessionContext } from './session.ts'

/** The bytes of a handshake that a wallet signs. */
export function handshakeOf(
  wallet: Wallet,
  { timestamp = Date.now(), chain = 'three' as ChainKind, initialState = undefined as object | undefined } = {},
): Uint8Array {
  const authChain = Buffer.from(JSON.stringify(signedHeaders('/', { wallet, method: 'CONNECT' as never, chain, timestamp })))
  return encodeRequest({ handshake: { authChain, ...(initialState && { initialState }) } })
}

export interface PulseFixtureOptions {
  limits?: Partial<PulseLimits>
  refusalOf?: SessionContext['refusalOf']
  verifier?: ChainVerifier
  weather?: typeof calm
  visiblePlayers?: VisiblePlayers
  /** The state of another relay, which this one goes on with. */
  frozen?: Buffer
}

/** A relay on a simulated network, whose clients keep what explorers would. */
export function aPulse({
  limits = {},
  refusalOf = () => undefined,
  weather = calm,
  visiblePlayers = 'Everyone',
  ...options
}: PulseFixtureOptions = {}) {
  const network = new Network(weather)
  const clock: Clock = { now: () => Date.now(), monotonic: network.clock, after: () => () => {} }
  const verifier = options.verifier ?? createVerifier({ log: silentLog, workers: 1 })
  const metrics = new Metrics('pulse')
  const newReports = () =>
    new RealmReports({
      ...{ clock, visiblePlayers, metrics: () => counted },
      positionOf: (wallet, realm) => live.relay.positionOf(wallet, realm),
      ...{ playersIn: (realm) => live.relay.playersIn(realm), onChanged: (wallets) => live.relay.reviewOnly(wallets) },
    })
  let reports = newReports()
  const counted = pulseMetrics(metrics, {
    connections: () => live.server.connectionCount,
    players: () => live.relay.size,
    datagrams: () => ({ in: 0, out: 0 }),
    ...{ undelivered: () => 0, missed: () => 0, inBatches: () => false },
    reported: () => reports.sessions.counts,
  })
  const start = (frozen?: Buffer) => {
    const context = {
      ...{ verifier, refusalOf, clock, limits: { ...defaultPulseLimits, maxRemembered: 1_000, ...limits } },
      metrics: counted,
      bugs: new BugReporter({ log: silentLog, clock, metrics }),
    }
    const started = liveRelay({ context, reports, send: network.from(serverAddress, serverPort) }, frozen)
    attachHost(network, started.server.host)
    return started
  }
  let live = start(options.frozen)
  /** Another process serves after `meanwhile`: it goes on with the players of this one, or knows nothing of them. */
  const replace = (meanwhile: () => void, frozen?: Buffer) => {
    meanwhile()
    reports = newReports()
    live = start(frozen)
  }
  let nextTick = network.now + 50
  const run = (ms: number) =>
    network.run(ms, () => {
      if (network.now < nextTick) return
      nextTick += 50
      live.server.tick()
    })

  let port = 50_000
  function connect(address?: string) {
    const model = new ModelClient(live.relay, (subjectId, knownSeq) => send({ resync: { subjectId, knownSeq } }))
    const answers: string[] = []
    const { client, peer, happened } = aClient(
      network,
      ++port,
      {
        onMessage: (_, channel, bytes) => {
          const { handshake } = decodeServerMessage(bytes)
          if (handshake) answers.push(String(handshake.success ?? handshake.error))
          else if (channel === 0 || model.arrives()) model.sendReliable(bytes)
        },
      },
      address,
    )
    run(100)
    const send = (message: object, channel = 0) => {
      const bytes = encodeRequest(message)
      channel === 1 ? peer.sendUnreliable(1, bytes) : peer.sendReliable(0, bytes)
    }
    return { model, peer, client, happened, answers, send, teleport, signIn, port }
    /** Sends a handshake; resolves with the answer, or with how the connection ended. */
    async function signIn(bytes: Uint8Array) {
      const before = answers.length + happened.length
      peer.sendReliable(0, bytes)
      for (let tries = 0; answers.length + happened.length === before && tries < 400; tries++) {
        run(50)
        do await new Promise((resolve) => setTimeout(resolve, 5))
        while (verifier.pending > 0) // in real time, during which the simulated one stands still
      }
      return answers.at(-1)
    }

    function teleport(realm: string, parcelIndex: number, position = {}) {
      send({ teleport: { parcelIndex, realm, ...position } })
    }
  }
  return {
    network,
    server: live.server,
    relay: live.relay,
    live: () => live,
    replace,
    handOver: (gapMs = 0) => replace(() => network.run(gapMs), live.freeze()),
    get reports() {
      return reports
    },
    connect,
    run,
    metric: (name: string) => linesOf(metrics, name),
    stop: () => verifier.close(),
  }
}

const linesOf = async (metrics: Metrics, name: string) =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.includes(`_${name}`))
