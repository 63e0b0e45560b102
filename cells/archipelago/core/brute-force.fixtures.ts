import type { PeerId } from '../../wire/peer.ts'
import type { IslandRules, Islands, PlacedPeer } from './islands.ts'

/**
 * Checks an engine by brute force, every peer against every other, and describes each fault of its islands: disconnected, not
 * merged though they touch and fit, too large, or a peer missing or listed twice (clustering.md §5.2, 3, 6, 13).
 */
export function faultsOf(islands: Islands, all: readonly PeerId[], rules: Omit<IslandRules, 'nextId'>): string[] {
  const faults: string[] = []
  const rooms = [...islands.all()].map(({ id }) => ({ id, members: islands.membersOf(id) }))
  const seen = new Map<PeerId, string>()
  for (const { id, members } of rooms) {
    if (members.length === 0) faults.push(`${id} is empty`)
    if (members.length > rules.maxPeers) faults.push(`${id} holds ${members.length}`)
    if (!isConnected(members, rules.leaveDistance)) faults.push(`${id} is not connected`)
    for (const { peer } of members) {
      if (seen.has(peer)) faults.push(`${peer} is in ${seen.get(peer)} and in ${id}`)
      if (islands.roomOf(peer) !== id) faults.push(`${peer} is listed in ${id} and believes to be in ${islands.roomOf(peer)}`)
      seen.set(peer, id)
    }
  }
  for (const peer of all) if (!seen.delete(peer)) faults.push(`${peer} is missing`)
  for (const ghost of seen.keys()) faults.push(`${ghost} is a ghost`)
  for (const [i, one] of rooms.entries()) {
    for (const other of rooms.slice(i + 1)) {
      if (one.members.length + other.members.length > rules.maxPeers) continue
      if (one.members.some((a) => other.members.some((b) => distance(a, b) <= rules.joinDistance)))
        faults.push(`${one.id} and ${other.id} touch and fit`)
    }
  }
  return faults
}

function isConnected(members: readonly PlacedPeer[], reach: number): boolean {
  const [first, ...rest] = members
  const reached = first ? [first] : []
  let unreached = rest
  for (const member of reached) {
    reached.push(...unreached.filter((other) => distance(member, other) <= reach))
    unreached = unreached.filter((other) => !(distance(member, other) <= reach))
  }
  return unreached.length === 0
}

const distance = ({ position: a }: PlacedPeer, { position: b }: PlacedPeer): number =>
  Math.sqrt((a.x - b.x) ** 2 + (a.z - b.z) ** 2)
