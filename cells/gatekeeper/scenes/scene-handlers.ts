import { Refusal } from '../../chassis/errors.ts'
import { ok } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import { type ApiHandlers, noContent, type Page, pageNumbers, pageOf, type SignedCaller } from '../api/declaration.ts'
import type { sceneRoutes } from '../api/scene-routes.ts'
import type { Decisions } from '../decisions.ts'
import type { ModerationChanges } from '../moderation-changes.ts'
import type { Land } from '../upstream/land.ts'
import type { SceneAdministration } from './scene-administration.ts'
import type { SceneBanList } from './scene-ban-list.ts'
import type { SceneAuthority, SceneRecords } from './scene-records.ts'
import { administratorsOf, type SceneRights } from './scene-rights.ts'
import { type SceneStep, type SceneStepName, sceneSteps } from './scene-steps.ts'

/** What decides about one scene. */
export interface SceneHandlersOptions {
  administration: SceneAdministration
  rights: Pick<SceneRights, 'authorityOf' | 'isPrivileged' | 'privilegedOf' | 'leaseHoldersOf'>
  scenes: Pick<SceneRecords, 'admins' | 'addAdmin' | 'removeAdmin' | 'bans' | 'ban' | 'unban'>
  land: Pick<Land, 'ownerOfName' | 'displayNames'>
  sceneBans: Pick<SceneBanList, 'reread'>
  decisions: Pick<Decisions, 'checked'>
  changes: Pick<ModerationChanges, 'emit'>
}

const LIST_REFUSED = 'User does not have permission to list scene bans'

/** Who is meant: by address, which wins, or by name. */
interface Named {
  address: PeerId | undefined
  name?: string | undefined
}

/** Handlers of the routes of scene administrators. */
export function sceneHandlers(options: SceneHandlersOptions): ApiHandlers<typeof sceneRoutes> {
  const { administration, rights, scenes, land, sceneBans } = options

  async function decide(name: SceneStepName, caller: SignedCaller, named: Named): Promise<HttpResponse> {
    const { action, kind, refused, privileged, problems }: SceneStep = sceneSteps[name]
    const { place, room } = await administration.sceneOf(caller)
    let authority: SceneAuthority | undefined
    const target = await options.decisions.checked(
      { actor: caller.wallet, action, target: named.address ?? named.name ?? '', placeId: place.id },
      { hasRight: () => authority !== undefined },
      async () => {
        authority = await options.rights.authorityOf(caller.wallet, place)
        if (!authority) throw new Refusal('UNAUTHORIZED', refused)
        const found = await targetOf(land, named)
        if (privileged !== undefined && (await rights.isPrivileged(found, place))) throw new Refusal('INVALID', privileged)
        return { actor: caller.wallet, authority, placeId: place.id, target: found }
      },
    )
    const result = await scenes[name](target)
    if (result === 'lost') throw new Refusal('UNAUTHORIZED', refused)
    const problem = problems[result]
    if (problem !== undefined) throw new Refusal('INVALID', problem)
    if (kind === 'sceneBanned' || kind === 'sceneUnbanned') await sceneBans.reread(target.target)
    void options.changes.emit({ kind, address: target.target, placeId: place.id, room })
    return noContent
  }

  return {
    async admins({ caller, query }) {
      const { place } = await administration.sceneOf(caller)
      const only = query.admin === undefined ? undefined : (parsePeerId(query.admin) ?? '0x')
      const { added, privileged, leaseholders } = await administratorsOf(options, place, only)
      const names = await namesOf(land, [...added.map(({ admin }) => admin), ...privileged, ...leaseholders])
      const nameOf = (wallet: PeerId) => names.get(wallet) ?? ''
      const fixed = (admin: PeerId) => ({ admin, name: nameOf(admin), canBeRemoved: false })
      return ok([
        ...added.map((row) => ({ ...row, name: nameOf(row.admin), canBeRemoved: !privileged.includes(row.admin) })),
        ...privileged.map(fixed),
        ...leaseholders.map(fixed),
      ])
    },
    addAdmin: ({ caller, body }) => decide('addAdmin', caller, { address: body.admin, name: body.name }),
    removeAdmin: ({ caller, body }) => decide('removeAdmin', caller, { address: body.admin }),
    async bans({ caller, query }) {
      const { addresses, numbers } = await bansOf(options, caller, query)
      const names = await namesOf(land, addresses)
      return ok({ results: addresses.map((address) => ({ bannedAddress: address, name: names.get(address) ?? '' })), ...numbers })
    },
    async banAddresses({ caller, query }) {
      const { addresses, numbers } = await bansOf(options, caller, query)
      return ok({ results: addresses, ...numbers })
    },
    ban: ({ caller, body }) => decide('ban', caller, { address: body.banned_address, name: body.banned_name }),
    unban: ({ caller, body }) => decide('unban', caller, { address: body.banned_address, name: body.banned_name }),
  }
}

async function bansOf(options: SceneHandlersOptions, caller: SignedCaller, query: Page) {
  const { place } = await options.administration.administered(caller, new Refusal('UNAUTHORIZED', LIST_REFUSED))
  const page = pageOf(query)
  const { addresses, total } = await options.scenes.bans(place.id, page)
  return { addresses, numbers: pageNumbers(page, total) }
}

async function targetOf(land: Pick<Land, 'ownerOfName'>, { address, name }: Named): Promise<PeerId> {
  const found = address ?? (await land.ownerOfName(name ?? ''))
  if (!found) throw new Refusal('NOT_FOUND', `Could not find the owner of the name ${name}`)
  return found
}

/** Names are an ornament: where they cannot be asked for, there are none. */
const namesOf = (land: Pick<Land, 'displayNames'>, wallets: readonly PeerId[]): Promise<ReadonlyMap<PeerId, string>> =>
  land.displayNames([...new Set(wallets)]).catch(() => new Map<PeerId, string>())
