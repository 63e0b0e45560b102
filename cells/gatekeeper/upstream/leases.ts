import { z } from 'zod'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import type { JsonService } from './json-service.ts'

const authorizations = z.array(z.object({ addresses: z.array(z.string()), plots: z.array(z.string()) }))

/** Who has leased which land, from the list of authorizations of the linker. */
export class Leases {
  readonly #list: JsonService

  constructor(list: JsonService) {
    this.#list = list
  }

  /** Wallets with a lease of one of the parcels; none where this gatekeeper has no list. */
  async holdersOf(positions: readonly string[]): Promise<PeerId[]> {
    if (!this.#list.isConfigured) return []
    const leases = (await this.#list.ask('authorizations.json', authorizations)) ?? []
    const held = leases.filter(({ plots }) => plots.some((plot) => positions.includes(plot)))
    return [...new Set(held.flatMap(({ addresses }) => addresses.flatMap((text) => parsePeerId(text) ?? [])))]
  }
}
