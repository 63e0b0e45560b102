import { relayText } from '../../../cells/wire/relay-address.ts'
import { conditionOf, type Realm, type RealmReasons } from '../../../crds/realm.ts'
import type { RelayState } from '../../observed/relay-state.ts'
import type { ChosenRelay } from '../movement.ts'
import type { ConditionDraft } from './conditions.ts'

/** The name of a Service, which the chart takes where it is not given the relay's public host. */
const SERVICE_NAME = /\.svc\./
/** What players miss while explorers reach no relay of the realm. */
const STAND_STILL = 'players of explorers that send movement only to a relay, such as Bevy, stand still for each other'
const PUBLIC_RELAY = `explorers use the public relay of Decentraland, which mixes realms of the same name; without that one ${STAND_STILL}`

/**
 * Whether the movement relay of a realm accepts connections. It is reported, and changes nothing the operator does: players enter, talk and
 * chat without it, and may reach what the operator cannot.
 *
 * @param state what the operator found out about the relay; undefined where it does not check
 */
export function movementCondition(
  realm: Realm,
  relay: ChosenRelay | undefined,
  state: RelayState | undefined,
): ConditionDraft<RealmReasons> {
  const type = 'MovementReachable'
  const no = (reason: RealmReasons['MovementReachable'], message: string) => ({ type, status: 'False', reason, message }) as const
  const unknown = (message: string) => ({ type, status: 'Unknown', reason: 'NotChecked', message }) as const
  if (!relay)
    return realm.spec.movement.type === 'None'
      ? no('NoRelay', `spec.movement.type is None: ${PUBLIC_RELAY}`)
      : no(
          'NotConfigured',
          `this installation has no movement relay: enable movement in the values of its chart, or name a relay of yours in spec.movement. Until then ${PUBLIC_RELAY}`,
        )
  const { host } = relay.address
  const text = relayText(relay.address)
  switch (state) {
    case 'reachable':
      return {
        type,
        status: 'True',
        reason: 'Reachable',
        message: SERVICE_NAME.test(host)
          ? `the relay at ${text} answers the operator. Players outside the cluster do not know this name: set movement.host of the chart to the one they reach it by`
          : `the relay at ${text} answers the operator; status.movement says how explorers are pointed at it`,
      }
    case 'full':
      return no('Full', `the relay at ${text} takes no further player; of those who then enter, ${STAND_STILL}`)
    case 'noAnswer':
      return no(
        'NoAnswer',
        `the relay at ${text} does not answer the operator over UDP; while players do not reach it, ${STAND_STILL}`,
      )
    case 'hostNotResolved':
      return no('HostNotResolved', `the operator finds no address of ${host}, the host of the relay; without it ${STAND_STILL}`)
    case 'unknown':
      return lastKnown(realm, text) ?? unknown('the operator has not checked yet')
    default:
      return unknown(
        `whether the relay at ${text} answers is not checked: never on a laptop, and in a cluster only with operator.checkDependencies of the chart`,
      )
  }
}

/** An operator that just started has not checked yet: what the last one found out about the same relay stands until it has. */
function lastKnown(realm: Realm, relay: string): ConditionDraft<RealmReasons> | undefined {
  const before = conditionOf(realm, 'MovementReachable')
  if (before === undefined || !CHECKED.includes(before.reason) || realm.status?.movement?.host !== relay) return undefined
  return before as ConditionDraft<RealmReasons>
}

const CHECKED: readonly string[] = [
  'Reachable',
  'Full',
  'NoAnswer',
  'HostNotResolved',
] satisfies RealmReasons['MovementReachable'][]
