import { PULSE_PORT, type RelayAddress, readRelayAddress, relayText } from '../../cells/wire/relay-address.ts'
import type { Realm, RealmStatus } from '../../crds/realm.ts'

/** The movement relay that a realm names. */
export interface ChosenRelay {
  address: RelayAddress
  /** Whether it is that of the operator's installation, and not one that a user wrote into the Realm. */
  isManaged: boolean
}

/** The relay of a realm; undefined where it asks for none, or the installation has none. */
export function relayOf({ spec }: Realm, ofInstallation: RelayAddress | undefined): ChosenRelay | undefined {
  const { type, host } = spec.movement
  const isManaged = type === 'Managed'
  const address = isManaged ? ofInstallation : type === 'External' && host ? readRelayAddress(host) : undefined
  return address && { address, isManaged }
}

/** What a relay is, and how explorers are pointed at it. */
export type MovementStatus = NonNullable<RealmStatus['movement']>

/**
 * How each explorer is pointed at a relay.
 *
 * @param aboutUrl URL of the realm's description, which the Godot explorer is opened with
 */
export function movementStatus(address: RelayAddress, aboutUrl: string): MovementStatus {
  const host = relayText(address)
  return {
    host,
    bevy: `PULSE_SERVER=${host}`,
    godot: `decentraland://?realm=${aboutUrl.replace(/\/about$/, '')}&pulse-server=${host}`,
    unity: unityHint(address),
  }
}

/** The name at which Unity explorers look for a relay, below the base domain of all services. */
const UNITY_PREFIX = 'pulse-server.'

function unityHint({ host, port }: RelayAddress): string {
  if (port !== PULSE_PORT) return `not possible: it knows no other port than ${PULSE_PORT}`
  const byName = `name server or hosts file of its network: ${UNITY_PREFIX}decentraland.org leads to ${host}`
  return host.startsWith(UNITY_PREFIX) ? `${byName}; or --base-domain ${host.slice(UNITY_PREFIX.length)}` : byName
}
