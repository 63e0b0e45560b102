import { endpointKey } from './connection-requests.ts'
import type { EnetPeer } from './peer.ts'
import { MAX_PEERS } from './peer-ids.ts'

/** The connected peers of a host, by their IDs and by where they are. */
export class ConnectedPeers {
  readonly #byId: (EnetPeer | undefined)[] = []
  readonly #byEndpoint = new Map<string, EnetPeer>()
  /** By ID: before when a peer need not be serviced. A round passes over most of them without touching the peer. */
  readonly #serviceAt = new Float64Array(MAX_PEERS)
  #resentByFormer = 0

  get size(): number {
    return this.#byEndpoint.size
  }

  /** How many reliable commands were sent again, to peers that are gone, too. */
  get resent(): number {
    let resent = this.#resentByFormer
    for (const { sender } of this.all()) resent += sender.resent
    return resent
  }

  all(): Iterable<EnetPeer> {
    return this.#byEndpoint.values()
  }

  withId(id: number): EnetPeer | undefined {
    return this.#byId[id]
  }

  at(endpoint: string): EnetPeer | undefined {
    return this.#byEndpoint.get(endpoint)
  }

  add(peer: EnetPeer): void {
    this.#byId[peer.id] = peer
    this.#byEndpoint.set(endpointKey(peer.address, peer.port), peer)
    this.needsService(peer)
  }

  remove(peer: EnetPeer): void {
    this.#byId[peer.id] = undefined
    this.#byEndpoint.delete(endpointKey(peer.address, peer.port))
    this.#resentByFormer += peer.sender.resent
  }

  needsService({ id }: EnetPeer): void {
    this.#serviceAt[id] = 0
  }

  /** Services those whose time has come. */
  service(now: number): void {
    for (let id = 0; id < this.#byId.length; id++) {
      if (now < (this.#serviceAt[id] as number)) continue
      this.#serviceAt[id] = Number.POSITIVE_INFINITY
      const next = this.#byId[id]?.service(now) ?? Number.POSITIVE_INFINITY
      // It may have asked for it meanwhile.
      this.#serviceAt[id] = Math.min(next, this.#serviceAt[id] as number)
    }
  }
}
