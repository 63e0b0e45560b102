import { expect, test } from 'vitest'
import { unsignedHandshake } from '../../testing/movers/handshake.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { parsePeerId } from '../wire/peer.ts'
import { ModelClient } from './core/fixtures.ts'
import { decodeServerMessage, encodeRequest } from './core/messages/fixtures.ts'
import { hostWithoutPeers } from './early-port.ts'
import { EnetClient } from './enet/client.ts'
import { type Network, randomFrom, serverAddress, serverPort, type Weather } from './enet/fixtures.ts'
import { aPulse } from './fixtures.ts'

/** Believes every chain, in no time. */
const credulous = {
  verify: async ({ chain: [signer] }: { chain: { payload: string }[] }) => ({
    ok: true,
    peer: parsePeerId(signer?.payload ?? ''),
  }),
  pending: 0,
} as unknown as ChainVerifier

/** What explorers do of their own accord: they come back so long after the relay told them to, with reason 1. */
const BEVY_AND_GODOT = { returnMs: 2_000 }
const UNITY = { returnMs: 3_000 }
const STEP_MS = 100
/** So long after the last sign of life of a relay a client asks for another one. */
const PING_MS = 500
const PARCEL = 48_490

/** A player in an explorer who walks, and comes back when its connection has ended. */
class Explorer {
  readonly model = new ModelClient(undefined, (subjectId, knownSeq) => this.#send({ resync: { subjectId, knownSeq } }))
  /** When its connections ended, and the reasons that it was given. */
  readonly ends: { at: number; reason: number }[] = []
  /** When it had seen each of the others move, since it was connected last. */
  sawAllAt = Number.POSITIVE_INFINITY
  readonly #network: Network
  readonly #address: string
  readonly #options: { index: number; others: number; returnMs: number }
  #client: EnetClient | undefined
  /** It sends nothing of its own accord, until it has come back. */
  stands = false
  #connectsAt = 0
  #stepsAt = Number.POSITIVE_INFINITY
  #steps = 0
  /** Numbers of those whom it has seen move since it was connected last. */
  readonly #seen = new Set<string>()

  constructor(network: Network, options: { index: number; others: number; returnMs: number }) {
    this.#network = network
    this.#options = options
    this.#address = `198.51.100.${options.index + 1}`
    network.attach(
      this.#address,
      0,
      () => {},
      () => this.#service(),
    )
  }

  #connect(): void {
    const { index } = this.#options
    const port = 50_000 + this.ends.length
    const client = new EnetClient({
      ...{ clock: this.#network.clock, send: this.#network.from(this.#address, port), random: randomFrom(port + index) },
      ...{ address: serverAddress, port: serverPort },
      onConnect: (peer) => peer.sendReliable(0, unsignedHandshake(index)),
      onMessage: (_, __, bytes) => this.#take(bytes),
      onDisconnect: (_, reason) => this.#ended(port, reason),
    })
    this.#client = client
    this.#connectsAt = Number.POSITIVE_INFINITY
    this.#network.attach(
      this.#address,
      port,
      (...datagram) => client.receive(...datagram),
      () => client.service(),
    )
  }

  #send(message: object): void {
    this.#client?.peer.sendReliable(0, encodeRequest(message))
  }

  #ended(port: number, reason: number): void {
    const { now } = this.#network
    this.ends.push({ at: now, reason })
    this.#network.detach(this.#address, port)
    this.#connectsAt = now + this.#options.returnMs
    this.#stepsAt = this.sawAllAt = Number.POSITIVE_INFINITY
    this.stands = false
    // The numbers of the next relay are those of other players.
    this.model.known.clear()
    this.#seen.clear()
  }

  #take(bytes: Buffer): void {
    if (decodeServerMessage(bytes).handshake) {
      this.#send({ teleport: { parcelIndex: PARCEL, realm: 'main' } })
      this.#stepsAt = this.#network.now
      return
    }
    this.model.sendReliable(bytes)
    // A state comes as a whole where a change overtook the announcement of its player.
    const [kind = '', subject = ''] = this.model.received.pop()?.split(' ') ?? []
    if (kind.startsWith('playerState')) this.#seen.add(subject)
    if (this.#seen.size >= this.#options.others) this.sawAllAt = Math.min(this.sawAllAt, this.#network.now)
  }

  #service(): void {
    const { now } = this.#network
    if (now >= this.#connectsAt) this.#connect()
    if (this.stands || now < this.#stepsAt) return
    this.#stepsAt = now + STEP_MS
    const state = { parcelIndex: PARCEL, positionX: ++this.#steps % 256, stateFlags: 1 }
    this.#client?.peer.sendUnreliable(1, encodeRequest({ input: { state } }))
  }
}

const PLAYERS = 12
/** After so long the supervisor has taken the port, and after so long another process of the relay serves: measured, see continuity.md. */
const PORT_MS = 20
const SERVES_MS = 1_500

/**
 * Kills the relay of players who walk, or stand for so long.
 *
 * @returns in milliseconds from then on, when the last was told and when the last saw all others move
 */
async function killed(explorer: { returnMs: number }, weather: Weather, standsMs = 0) {
  const pulse = aPulse({ verifier: credulous, weather })
  const { network } = pulse
  const explorers = Array.from(
    { length: PLAYERS },
    (_, index) => new Explorer(network, { index, others: PLAYERS - 1, ...explorer }),
  )
  const run = async (ms: number) => {
    for (const end = network.now + ms; network.now < end; ) {
      pulse.run(10)
      await Promise.resolve()
    }
  }
  await run(3_000)
  expect(explorers.map(({ sawAllAt }) => sawAllAt)).not.toContain(Number.POSITIVE_INFINITY)
  for (const each of explorers) each.stands = standsMs > 0
  await run(standsMs)
  const killedAt = network.now
  pulse.replace(() => {
    network.detach(serverAddress, serverPort)
    network.run(PORT_MS)
    const send = network.from(serverAddress, serverPort)
    // A seed by which two of these clients meet would keep one of them waiting.
    const early = hostWithoutPeers({ clock: network.clock, send, random: randomFrom(7) })
    network.attach(
      serverAddress,
      serverPort,
      (...datagram) => early.receive(...datagram),
      () => early.service(),
    )
    network.run(SERVES_MS - PORT_MS)
  })
  await run(explorer.returnMs + 1_200 + PING_MS)
  return {
    reasons: explorers.map(({ ends }) => ends.map(({ reason }) => reason)),
    noticedMs: Math.max(...explorers.map(({ ends: [end] }) => (end?.at ?? Number.POSITIVE_INFINITY) - killedAt)),
    backMs: Math.max(...explorers.map(({ sawAllAt }) => sawAllAt - killedAt)),
  }
}

const INTERNET: Weather = { loss: 0, duplicates: 0.02, minMs: 40, maxMs: 60 }

test('players of a relay that is killed with -9 are told so at once, and see each other move again within three seconds', async () => {
  const { reasons, noticedMs, backMs } = await killed(BEVY_AND_GODOT, INTERNET)
  expect(reasons).toEqual(Array.from({ length: PLAYERS }, () => [1]))
  // A step, and the way there and back.
  expect(noticedMs).toBeLessThanOrEqual(PORT_MS + STEP_MS + 120)
  expect(backMs).toBeLessThanOrEqual(3_000)
  expect(backMs).toBeGreaterThan(BEVY_AND_GODOT.returnMs)
})

// Most explorers send a state a second where they stand, and are told then.
test('players who stand silently are told so when their ping is repeated', async () => {
  // Of different times the one after which it takes longest: the answer to a ping has just arrived.
  const { reasons, noticedMs, backMs } = await killed(BEVY_AND_GODOT, INTERNET, 1_150)
  expect(reasons).toEqual(Array.from({ length: PLAYERS }, () => [1]))
  // A ping has fewer bytes than the answer, so that only two are answered: 200 ms from one to the other, and the way there and back.
  expect(noticedMs).toBeLessThanOrEqual(PING_MS + 400)
  expect(backMs).toBeLessThanOrEqual(3_500)
})

test('players in Unity, which waits for a second longer, within four', async () => {
  const { backMs } = await killed(UNITY, INTERNET)
  expect(backMs).toBeLessThanOrEqual(4_000)
})
