import type { IslandView, Standing } from '../islands.ts'

/** An island as the world sees it: the mean of its members on the ground and the distance to the farthest (clustering.md §5.7). */
export function viewOf(id: string, members: readonly Standing[]): IslandView {
  const center = { x: 0, y: 0, z: 0 }
  for (const { position } of members) {
    center.x += position.x / members.length
    center.z += position.z / members.length
  }
  let radius = 0
  for (const { position } of members) radius = Math.max(radius, Math.hypot(position.x - center.x, position.z - center.z))
  const isSomewhere = !Number.isNaN(center.x)
  const peers = members.map(({ peer }) => peer)
  return { id, peers, center: isSomewhere ? center : undefined, radius: isSomewhere ? radius : 0 }
}
