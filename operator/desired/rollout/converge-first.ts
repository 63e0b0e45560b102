import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Observations } from '../../observed/observations.ts'
import { cellUser } from '../bus-users.ts'
import { isServing, takesPlayers } from '../endpoints.ts'
import { judgeJoinRate } from './join-rate.ts'
import { canonicalJson, type RevisionSpec, revisionSpecOf } from './revision.ts'
import { activeCellOf, firstCreation } from './rollout.ts'

/**
 * The cell whose revision all cells get first when a change is declared in the middle of another one: a realm has cells of at most two
 * revisions at a time, so a third is not begun while two exist. It is the revision that most slots have, so that the fewest players move
 * twice, of those whose cells serve and let players in. Undefined = go straight to what is declared; also when no revision qualifies,
 * because then there is nothing to wait for.
 */
export function convergenceTarget(
  realm: Realm,
  own: ReadonlyMap<number, readonly CommsCell[]>,
  isDeclared: (cell: CommsCell) => boolean,
  observations: Observations,
): CommsCell | undefined {
  const existing = [...own.values()].flat()
  if (existing.some(isDeclared) || new Set(existing.map(revisionKey)).size < 2) return undefined
  // Draining cells are not counted.
  const active = [...own].flatMap(([slot, cells]) => activeCellOf(realm, slot, cells, () => false) ?? []).filter(takesPlayers)
  const qualified = [...Map.groupBy(active, revisionKey)].flatMap(([key, cells]) => {
    const others = active.filter((cell) => revisionKey(cell) !== key)
    return cells.every(isServing) && judgeJoinRate(realm, cells, others, observations.joinCountsOf).state !== 'tooLow'
      ? [cells]
      : []
  })
  const [best] = qualified.sort((a, b) => b.length - a.length || firstCreation(a) - firstCreation(b))
  return best?.[0]
}

/** The revision of a cell as a cell at another slot has it: each slot has a NATS user of its own. */
export const revisionAt = (cell: CommsCell, slot: number): RevisionSpec => withUser(cell, cellUser(slot))

/** Equal for all cells of one revision, whatever their slots. */
const revisionKey = (cell: CommsCell): string => canonicalJson(withUser(cell, 'cell'))

function withUser({ spec }: CommsCell, user: string): RevisionSpec {
  const revision = revisionSpecOf(spec)
  const { nats } = revision
  if (!nats?.credentials || nats.credentials.user !== cellUser(spec.slot)) return revision
  return { ...revision, nats: { ...nats, credentials: { ...nats.credentials, user } } }
}
