import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Outlook } from '../../observed/observations.ts'
import { cellUser } from '../bus-users.ts'
import { isServing, takesPlayers } from '../endpoints.ts'
import { judgeJoins } from './join-rate.ts'
import { canonical, type Making, makingOf } from './revision.ts'
import { ageOf, holderOf } from './rollout.ts'

/**
 * Where all cells go first when a change comes in the middle of another one: at most two makings live in a realm at a time, so a third
 * is not begun while two others do. Answers with a cell of the making the others get for now, that most slots have: the fewest players
 * move twice. Nothing = straight to what is declared. Nobody is sent to a making whose cells do not serve, or do not let players in;
 * when no making is better, there is nothing to wait for.
 */
export function detourOf(
  realm: Realm,
  own: ReadonlyMap<number, readonly CommsCell[]>,
  isDeclared: (cell: CommsCell) => boolean,
  outlook: Outlook,
): CommsCell | undefined {
  const living = [...own.values()].flat()
  if (living.some(isDeclared) || new Set(living.map(kindOf)).size < 2) return undefined
  // Who is on the way out decides nothing.
  const holders = [...own].flatMap(([slot, cells]) => holderOf(realm, slot, cells, () => false) ?? []).filter(takesPlayers)
  const kinds = Map.groupBy(holders, kindOf)
  const able = [...kinds].flatMap(([kind, cells]) => {
    const others = holders.filter((cell) => kindOf(cell) !== kind)
    return cells.every(isServing) && judgeJoins(realm, cells, others, outlook.joinsOf).state !== 'bad' ? [cells] : []
  })
  const born = (cells: readonly CommsCell[]) => Math.min(...cells.map(ageOf))
  const [best] = able.sort((a, b) => b.length - a.length || born(a) - born(b))
  return best?.[0]
}

/** The making of a cell, as a cell at another slot has it: each speaks on the bus under its own name. */
export const makingAt = (cell: CommsCell, slot: number): Making => withUser(cell, cellUser(slot))

/** The same for all cells of one making, whatever their slots. */
const kindOf = (cell: CommsCell): string => canonical(withUser(cell, 'cell'))

function withUser({ spec }: CommsCell, user: string): Making {
  const making = makingOf(spec)
  const { nats } = making
  if (!nats?.credentials || nats.credentials.user !== cellUser(spec.slot)) return making
  return { ...making, nats: { ...nats, credentials: { ...nats.credentials, user } } }
}
