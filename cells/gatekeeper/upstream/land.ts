import { z } from 'zod'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import type { JsonService } from './json-service.ts'

const landRights = z.object({
  owner: z.boolean(),
  operator: z.boolean(),
  updateOperator: z.boolean(),
  updateManager: z.boolean(),
  approvedForAll: z.boolean(),
})
/** What a wallet may do with a parcel. */
export type LandRights = z.output<typeof landRights>
const NO_RIGHTS: LandRights = {
  owner: false,
  operator: false,
  updateOperator: false,
  updateManager: false,
  approvedForAll: false,
}

const address = z.string().nullish()
const operators = z.object({
  ...{ owner: address, operator: address, updateOperator: address },
  ...{ updateManagers: z.array(z.string()).default([]), approvedForAll: z.array(z.string()).default([]) },
})
const profiles = z.array(
  z.object({
    avatars: z.array(
      z.object({ name: z.string().default(''), hasClaimedName: z.boolean().default(false), ethAddress: z.string() }),
    ),
  }),
)

/** Who owns and operates land and names, and how players are called: the `lambdas` of a catalyst. */
export class Land {
  readonly #lambdas: JsonService

  constructor(lambdas: JsonService) {
    this.#lambdas = lambdas
  }

  async rightsOf(wallet: PeerId, parcel: string): Promise<LandRights> {
    return (await this.#lambdas.ask(`users/${wallet}/parcels/${parcel.replace(',', '/')}/permissions`, landRights)) ?? NO_RIGHTS
  }

  /** The owner and every operator of a parcel. */
  async operatorsOf(parcel: string): Promise<PeerId[]> {
    const found = await this.#lambdas.ask(`parcels/${parcel.replace(',', '/')}/operators`, operators)
    if (!found) return []
    const { owner, operator, updateOperator, updateManagers, approvedForAll } = found
    return [owner, operator, updateOperator, ...updateManagers, ...approvedForAll].flatMap((text) => parsePeerId(text) ?? [])
  }

  /** The owner of a NAME, given without `.dcl.eth`. */
  async ownerOfName(name: string): Promise<PeerId | undefined> {
    const found = await this.#lambdas.ask(`names/${encodeURIComponent(name)}/owner`, z.object({ owner: z.string() }))
    return parsePeerId(found?.owner)
  }

  /** The names that players show; of a player without a profile, ''. */
  async displayNames(wallets: readonly PeerId[]): Promise<ReadonlyMap<PeerId, string>> {
    if (wallets.length === 0) return new Map()
    const found = (await this.#lambdas.ask('profiles', profiles, { ids: [...wallets].sort() })) ?? []
    return new Map(
      found.flatMap(({ avatars: [avatar] }) => {
        const wallet = parsePeerId(avatar?.ethAddress)
        if (!avatar || !wallet) return []
        return [
          [wallet, avatar.hasClaimedName || avatar.name === '' ? avatar.name : `${avatar.name}#${wallet.slice(-4)}`] as const,
        ]
      }),
    )
  }
}
